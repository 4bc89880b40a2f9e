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

/// What turns a text into elements or into a program, in Rust's bindings and in JavaScript.
const TEXT_INTO_CODE: [&str; 18] = [
    "inner_html",
    "innerHTML",
    "outer_html",
    "outerHTML",
    "insert_adjacent_html",
    "insertAdjacentHTML",
    "create_contextual_fragment",
    "createContextualFragment",
    "DomParser",
    "DOMParser",
    "document.write",
    "srcdoc",
    "javascript:",
    "eval(",
    "new Function",
    "Function::new_no_args",
    "Function::new_with_args",
    "inline_js",
];

/// Every file below `folder` whose name ends so.
fn sources(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found
}

fn room(name: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    let files: Vec<_> = sources(&folder, "rs")
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
fn nothing_leaks_a_closure_or_is_unsafe() {
    for (name, _) in ROOMS {
        for (path, text) in room(name) {
            for word in [".forget()", "unsafe "] {
                assert!(
                    !code(&text).any(|line| line.contains(word)),
                    "{} has {word}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn nothing_makes_markup_or_code_of_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rust = sources(&root.join("src"), "rs");
    let scripts = sources(&root.join("assets"), "js");
    assert!(!rust.is_empty() && !scripts.is_empty(), "the page's sources have moved");
    for path in rust.into_iter().chain(scripts) {
        let text = fs::read_to_string(&path).expect("a source file");
        for word in TEXT_INTO_CODE {
            assert!(!code(&text).any(|line| line.contains(word)), "{} has {word}", path.display());
        }
    }
}
