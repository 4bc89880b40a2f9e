//! `cargo xtask fuzz`: the targets of `fuzz/`, each for some minutes. A finding ends the run; its input is under
//! `fuzz/artifacts/`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::cli::{self, FuzzOptions, FuzzTarget};
use crate::process::Processes;
use crate::tools::{NIGHTLY, ensure_fuzzer};
use crate::workspace::Workspace;

/// Far above what anything that is fuzzed may hold at once.
const MEMORY_MEGABYTES_MAX: u32 = 512;
/// For one input.
const SECONDS_MAX: u32 = 10;

pub fn run(workspace: &Workspace, processes: &mut Processes, options: &FuzzOptions) -> Result<()> {
    let fuzzer = ensure_fuzzer(workspace, processes)?;
    let all = FuzzTarget::value_variants();
    let targets = if options.targets.is_empty() { all } else { &options.targets };
    for target in targets.iter().map(cli::name) {
        println!("\n==> {target}");
        // Grows from run to run, beside the small corpus that is kept in the repository.
        let found = workspace.path("target/fuzz").join(&target);
        fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
        let mut command = Command::new(&fuzzer);
        command
            .current_dir(workspace.root())
            .env("RUSTUP_TOOLCHAIN", NIGHTLY)
            // There is no unsafe code of ours for a sanitizer to watch.
            .args(["run", "--sanitizer", "none", &target])
            .arg(found)
            .arg(workspace.path("fuzz/corpus").join(&target))
            .args(["--".to_owned(), format!("-max_total_time={}", options.minutes * 60)])
            .arg(format!("-rss_limit_mb={MEMORY_MEGABYTES_MAX}"))
            .arg(format!("-timeout={SECONDS_MAX}"));
        processes.run(&mut command)?;
    }
    Ok(())
}
