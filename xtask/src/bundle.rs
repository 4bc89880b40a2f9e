//! `dist/`: Trunk builds, wasm-opt shrinks, [`page`] finishes. It grows in a folder aside and takes the old one's place
//! when it is complete, so that an interrupted build leaves nothing half done.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::freshness::{DIST_INPUTS, digest_of, files_under};
use crate::node;
use crate::page;
use crate::process::Processes;
use crate::tools::Tools;
use crate::workspace::Workspace;

const WASM_OPT: &str = "node_modules/.bin/wasm-opt";

/// What rustc uses by default and every current browser has. `--all-features` would let wasm-opt write what browsers
/// don't read yet: its compact imports stop Chromium 156 at the first byte of them.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Measured in brotli's bytes on this app. Flattened and laid out anew the code folds better; functions with like
/// names are alike, and compress better beside each other. Rust's stack ends at address 0, so nothing lies below 1024.
const WASM_PASSES: [&str; 7] = [
    "--low-memory-unused",
    "-Oz",
    "--flatten",
    "--rereloop",
    "-Os",
    "-Oz",
    "--reorder-functions-by-name",
];

/// Builds `dist/`, unless it is there and nothing it is made from has changed.
pub fn build(workspace: &Workspace, processes: &mut Processes) -> Result<()> {
    let inputs = digest_of(workspace.root(), &DIST_INPUTS)?;
    if is_fresh(workspace, &inputs) {
        println!("dist/ is up to date");
        return Ok(());
    }
    node::ensure(workspace, processes)?;
    let tools = Tools::ensure(workspace, processes)?;

    println!("Building the page");
    let staging = workspace.staging();
    remove_folder(&staging)?;
    fs::create_dir_all(&staging).with_context(|| format!("cannot make {}", staging.display()))?;
    processes.run(tools.trunk(workspace)?.args(["build", "--release", "--dist"]).arg(&staging))?;
    shrink(workspace, processes, &staging)?;
    finish_page(&staging)?;
    put_in_place(workspace, &staging, &inputs)
}

fn is_fresh(workspace: &Workspace, inputs: &str) -> bool {
    workspace.dist().join("index.html").is_file()
        && fs::read_to_string(workspace.dist_stamp()).is_ok_and(|built| built == inputs)
}

fn shrink(workspace: &Workspace, processes: &mut Processes, staging: &Path) -> Result<()> {
    println!("Shrinking the wasm file");
    let wasm = only_wasm_file(staging)?;
    processes.run(
        Command::new(workspace.path(WASM_OPT))
            .current_dir(workspace.root())
            .args(WASM_FEATURES)
            .args(WASM_PASSES)
            .arg(&wasm)
            .arg("-o")
            .arg(&wasm),
    )
}

fn only_wasm_file(folder: &Path) -> Result<PathBuf> {
    let mut files = files_under(folder)?;
    files.retain(|file| file.extension() == Some(OsStr::new("wasm")));
    match files.pop() {
        Some(file) if files.is_empty() => Ok(file),
        Some(_) | None => bail!("the build should hold exactly one wasm file"),
    }
}

fn finish_page(staging: &Path) -> Result<()> {
    let index = staging.join("index.html");
    let html =
        fs::read_to_string(&index).with_context(|| format!("cannot read {}", index.display()))?;
    let page = page::finish(&html)?;
    let poll = staging.join("poll");
    fs::create_dir(&poll).with_context(|| format!("cannot make {}", poll.display()))?;
    for (file, html) in [
        (index, &page.index),
        (staging.join("404.html"), &page.index),
        (poll.join("index.html"), &page.one_down),
    ] {
        fs::write(&file, html).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn put_in_place(workspace: &Workspace, staging: &Path, inputs: &str) -> Result<()> {
    let (dist, stamp) = (workspace.dist(), workspace.dist_stamp());
    remove_folder(&dist)?;
    fs::rename(staging, &dist)
        .with_context(|| format!("cannot move {} to {}", staging.display(), dist.display()))?;
    fs::write(&stamp, inputs).with_context(|| format!("cannot write {}", stamp.display()))
}

fn remove_folder(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}
