//! `cargo xtask test` and `cargo xtask bench`.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::bundle;
use crate::chromium;
use crate::cli::{Part, Seeds, Selection};
use crate::node;
use crate::process::{Interrupted, Processes};
use crate::sizes;
use crate::tools::{WASM_TARGET, ensure_component, ensure_wasm_target, ensure_wasm_test_runner};
use crate::workspace::Workspace;

/// Where the end-to-end tests and the measurements find the built page.
const DIST_VARIABLE: &str = "PEERPOLL_DIST";
const PLAYWRIGHT_CONFIG: &str = "end2end/playwright.config.ts";
const BENCH_SCRIPT: &str = "end2end/bench/run.mjs";
const NODE_TEST_TIMEOUT_MS: u32 = 60_000;

struct Outcome {
    part: Part,
    took: Duration,
    failure: Option<anyhow::Error>,
}

/// Runs every part that was asked for, even after one has failed: one run tells all there is to mend.
pub fn run(workspace: &Workspace, processes: &mut Processes, selection: &Selection) -> Result<()> {
    let mut parts = selection.parts.clone();
    if parts.is_empty() {
        parts.extend(Part::value_variants());
    }
    let mut outcomes = Vec::new();
    for part in parts {
        println!("\n==> {}", part.name());
        let start = Instant::now();
        let failure = run_part(workspace, processes, part, &selection.args).err();
        let took = start.elapsed();
        if let Some(error) = &failure {
            if error.is::<Interrupted>() {
                return Err(Interrupted.into());
            }
            eprintln!("{}: {error:#}", part.name());
        }
        outcomes.push(Outcome { part, took, failure });
    }
    report(&outcomes)
}

/// Runs the measurements on the optimised build.
pub fn bench(workspace: &Workspace, processes: &mut Processes, args: &[String]) -> Result<()> {
    bundle::build(workspace, processes)?;
    sizes::print(&workspace.dist())?;
    let mut command = Command::new("node");
    command.arg(BENCH_SCRIPT);
    run_in_browser(workspace, processes, command.args(args))
}

/// Simulates random rooms, optimised: see `src/protocol/sim`.
pub fn sim(workspace: &Workspace, processes: &mut Processes, seeds: Seeds) -> Result<()> {
    let mut command = rooms(workspace, "sim::campaign::random_rooms_keep_every_promise");
    command.env("PEERPOLL_SEEDS", seeds.seeds.to_string());
    if let Some(seed) = seeds.seed {
        command.env("PEERPOLL_SEED", seed.to_string());
    }
    processes.run(&mut command)
}

/// Tests of simulated rooms, optimised, with the deliberate bugs compiled in.
fn rooms(workspace: &Workspace, tests: &str) -> Command {
    const PROFILE: [&str; 6] = ["test", "--profile", "sim", "--features", "simulation", "--lib"];
    let mut command = cargo(workspace, &PROFILE);
    command.args([tests, "--", "--nocapture"]);
    command
}

fn run_part(
    workspace: &Workspace,
    processes: &mut Processes,
    part: Part,
    args: &[String],
) -> Result<()> {
    match part {
        Part::Fmt => {
            ensure_component(processes, "rustfmt", "fmt")?;
            processes.run(&mut cargo(workspace, &["fmt", "--all", "--check"]))
        }
        Part::Clippy => clippy(workspace, processes),
        Part::Native => processes.run(&mut cargo(workspace, &["test", "--workspace"])),
        Part::Rooms => {
            sim(workspace, processes, Seeds::default())?;
            // What they print while they find the bugs is of no interest.
            processes.run(rooms(workspace, "sim::bugs").env("RUST_BACKTRACE", "0"))
        }
        Part::Signalling => {
            node::ensure(workspace, processes)?;
            processes.run(Command::new("node").current_dir(workspace.root()).args([
                "--test",
                "--test-reporter=spec",
                &format!("--test-timeout={NODE_TEST_TIMEOUT_MS}"),
                "signalling/",
            ]))
        }
        Part::Wasm => in_wasm(workspace, processes),
        Part::Build => {
            bundle::build(workspace, processes)?;
            sizes::print(&workspace.dist())
        }
        Part::E2e => end_to_end(workspace, processes, args),
    }
}

/// Natively everything, and for wasm what ends up in the page: half of it exists only there.
fn clippy(workspace: &Workspace, processes: &mut Processes) -> Result<()> {
    const DENY: [&str; 3] = ["--", "--deny", "warnings"];
    ensure_component(processes, "clippy", "clippy")?;
    ensure_wasm_target(processes)?;
    processes.run(cargo(workspace, &["clippy", "--workspace", "--all-targets"]).args(DENY))?;
    processes.run(
        cargo(workspace, &["clippy", "--package", "peerpoll", "--target", WASM_TARGET]).args(DENY),
    )
}

/// What computes must compute the same in a page: those tests again, as WebAssembly under Node.
fn in_wasm(workspace: &Workspace, processes: &mut Processes) -> Result<()> {
    let runner = ensure_wasm_test_runner(workspace, processes)?;
    node::ensure(workspace, processes)?;
    processes.run(
        cargo(
            workspace,
            &["test", "--no-default-features", "--target", WASM_TARGET, "--test", "wycheproof"],
        )
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner),
    )
}

fn end_to_end(workspace: &Workspace, processes: &mut Processes, args: &[String]) -> Result<()> {
    bundle::build(workspace, processes)?;
    let mut command = Command::new("node");
    command.args(["node_modules/@playwright/test/cli.js", "test", "--config", PLAYWRIGHT_CONFIG]);
    run_in_browser(workspace, processes, command.args(args))
}

/// Runs a Node program that drives a browser against the built page.
fn run_in_browser(
    workspace: &Workspace,
    processes: &mut Processes,
    command: &mut Command,
) -> Result<()> {
    node::ensure(workspace, processes)?;
    let chromium = chromium::ensure(processes)?;
    processes.run(
        command
            .current_dir(workspace.root())
            .env(chromium::VARIABLE, chromium)
            .env(DIST_VARIABLE, workspace.dist())
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
    )
}

fn cargo(workspace: &Workspace, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace.root()).args(args);
    command
}

fn report(outcomes: &[Outcome]) -> Result<()> {
    println!("\n{:<12}{:<8}{:>9}", "part", "result", "seconds");
    for Outcome { part, took, failure } in outcomes {
        let result = if failure.is_none() { "passed" } else { "FAILED" };
        println!("{:<12}{result:<8}{:>9.1}", part.name(), took.as_secs_f64());
    }
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.failure.is_some())
        .map(|outcome| outcome.part.name())
        .collect::<Vec<_>>();
    println!("parts: {} passed, {} failed", outcomes.len() - failed.len(), failed.len());
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}
