//! The map of the rooms, held against the code: who may import whom.

#![allow(clippy::expect_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the rooms of this crate that it may name besides itself.
const ROOMS: [(&str, &[&str]); 5] = [
    ("domain", &[]),
    ("protocol", &["domain"]),
    ("adapters", &["domain", "protocol"]),
    ("runtime", &["domain", "protocol", "adapters"]),
    ("ui", &["domain", "runtime"]),
];

/// What an adapter may know of the protocol: values, no machines.
const ADAPTERS_SEE: [&str; 2] = ["crate::protocol::effect", "crate::protocol::storage"];

/// What pure rooms must not so much as name.
const IMPURE: [&str; 10] = [
    "leptos",
    "web_sys",
    "js_sys",
    "wasm_bindgen",
    "gloo",
    "idb::",
    "getrandom",
    "SystemTime",
    "Instant::now",
    "std::thread",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn room(name: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    let files: Vec<_> = sources(&folder)
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file");
            (path, text)
        })
        .collect();
    assert!(!files.is_empty(), "{name} is empty");
    files
}

/// Lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap_or_default())
}

#[test]
fn rooms_import_only_whom_the_map_allows() {
    for (name, may) in ROOMS {
        for (path, text) in room(name) {
            for (other, _) in ROOMS {
                let forbidden = other != name && !may.contains(&other);
                let named = code(&text).any(|line| line.contains(&format!("crate::{other}")));
                assert!(!(forbidden && named), "{} names crate::{other}", path.display());
            }
        }
    }
}

#[test]
fn adapters_know_values_and_not_machines() {
    for (path, text) in room("adapters") {
        for line in code(&text).filter(|line| line.contains("crate::protocol")) {
            assert!(
                ADAPTERS_SEE.iter().any(|seen| line.contains(seen)),
                "{}: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn adapters_do_not_know_each_other() {
    let adapters = ["page", "peerjs", "storage", "tabs", "timer"];
    for (path, text) in room("adapters") {
        let here = adapters
            .into_iter()
            .find(|name| path.to_string_lossy().contains(&format!("adapters/{name}")));
        let Some(here) = here else { continue };
        for other in adapters.into_iter().filter(|name| *name != here) {
            let named = |line: &str| {
                line.contains(&format!("super::{other}"))
                    || line.contains(&format!("adapters::{other}"))
            };
            let inner = path.parent().is_some_and(|folder| folder.ends_with("peerjs"));
            assert!(inner || !code(&text).any(named), "{} names {other}", path.display());
        }
    }
}

#[test]
fn pure_rooms_know_no_browser_no_clock_and_no_randomness() {
    for name in ["domain", "protocol"] {
        for (path, text) in room(name) {
            for word in IMPURE {
                assert!(
                    !code(&text).any(|line| line.contains(word)),
                    "{} names {word}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn nothing_leaks_a_closure_or_trusts_foreign_html() {
    for (name, _) in ROOMS {
        for (path, text) in room(name) {
            for word in [".forget()", "inner_html", "set_inner_html", "unsafe "] {
                assert!(
                    !code(&text).any(|line| line.contains(word)),
                    "{} has {word}",
                    path.display()
                );
            }
        }
    }
}
