//! `cargo xtask test`, and what takes longer: `bench`, `sim`, `kill` and `soak`.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::browsers::{CHROMIUM, FIREFOX};
use crate::bundle;
use crate::cli::{self, Part, Seeds, Selection, SoakOptions};
use crate::node;
use crate::process::{Interrupted, Processes};
use crate::sizes;
use crate::tools::{WASM_TARGET, ensure_component, ensure_wasm_target, ensure_wasm_test_runner};
use crate::workspace::Workspace;

/// Where the end-to-end tests and the measurements find the built page.
const DIST_VARIABLE: &str = "PEERPOLL_DIST";
const PLAYWRIGHT: &str = "node_modules/@playwright/test/cli.js";
const PLAYWRIGHT_CONFIG: &str = "end2end/playwright.config.ts";
const KILL_CONFIG: &str = "end2end/kill/playwright.config.ts";
const SOAK_CONFIG: &str = "end2end/soak/playwright.config.ts";
const FIREFOX_CONFIG: &str = "end2end/firefox/playwright.config.ts";
const BENCH_SCRIPT: &str = "end2end/bench/run.mjs";
const NODE_TEST_TIMEOUT_MS: u32 = 60_000;
/// For a whole file: Node holds that against the limit as well.
const FIREFOX_TEST_TIMEOUT_MS: u32 = 900_000;

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
        println!("\n==> {}", cli::name(&part));
        let start = Instant::now();
        let failure = run_part(workspace, processes, part, &selection.args).err();
        let took = start.elapsed();
        if let Some(error) = &failure {
            if error.is::<Interrupted>() {
                return Err(Interrupted.into());
            }
            eprintln!("{}: {error:#}", cli::name(&part));
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
    command.args(["--", "--nocapture"]).env("PEERPOLL_SEEDS", seeds.seeds.to_string());
    if let Some(seed) = seeds.seed {
        command.env("PEERPOLL_SEED", seed.to_string());
    }
    processes.run(&mut command)
}

/// Tests of simulated rooms, optimised, with the deliberate bugs compiled in.
fn rooms(workspace: &Workspace, tests: &str) -> Command {
    const PROFILE: [&str; 6] = ["test", "--profile", "sim", "--features", "simulation", "--lib"];
    let mut command = cargo(workspace, &PROFILE);
    command.arg(tests);
    command
}

/// Kills browsers at every step of a vote's way, so often at each.
pub fn kill(workspace: &Workspace, processes: &mut Processes, times: u32) -> Result<()> {
    bundle::build(workspace, processes)?;
    let mut command = playwright(KILL_CONFIG);
    run_in_browser(workspace, processes, command.env("PEERPOLL_KILL_TIMES", times.to_string()))
}

/// A room with people coming and going for a long time.
pub fn soak(workspace: &Workspace, processes: &mut Processes, options: SoakOptions) -> Result<()> {
    bundle::build(workspace, processes)?;
    let mut command = playwright(SOAK_CONFIG);
    command
        .env("PEERPOLL_SOAK_MINUTES", options.minutes.to_string())
        .env("PEERPOLL_SOAK_PARTICIPANTS", options.participants.to_string());
    if let Some(seed) = options.seed {
        command.env("PEERPOLL_SOAK_SEED", seed.to_string());
    }
    run_in_browser(workspace, processes, &mut command)
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
            processes.run(rooms(workspace, "sim::bugs").env("RUST_BACKTRACE", "0"))
        }
        Part::Signalling => {
            node::ensure(workspace, processes)?;
            let mut command = node_tests("signalling/", NODE_TEST_TIMEOUT_MS);
            processes.run(command.current_dir(workspace.root()))
        }
        Part::Wasm => in_wasm(workspace, processes),
        Part::Build => {
            bundle::build(workspace, processes)?;
            sizes::print(&workspace.dist())
        }
        Part::E2e => end_to_end(workspace, processes, args),
        Part::Firefox => firefox(workspace, processes),
        Part::Kill => kill(workspace, processes, 1),
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
    run_in_browser(workspace, processes, playwright(PLAYWRIGHT_CONFIG).args(args))
}

fn firefox(workspace: &Workspace, processes: &mut Processes) -> Result<()> {
    bundle::build(workspace, processes)?;
    let firefox = FIREFOX.ensure(processes)?;
    let mut rooms = node_tests("end2end/firefox/", FIREFOX_TEST_TIMEOUT_MS);
    run_in_browser(workspace, processes, rooms.env(FIREFOX.variable, &firefox))?;
    let mut attacks = playwright(FIREFOX_CONFIG);
    run_in_browser(workspace, processes, attacks.env(FIREFOX.variable, firefox))
}

fn playwright(config: &str) -> Command {
    let mut command = Command::new("node");
    command.args([PLAYWRIGHT, "test", "--config", config]);
    command
}

fn node_tests(folder: &str, timeout_ms: u32) -> Command {
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=spec"]);
    command.arg(format!("--test-timeout={timeout_ms}")).arg(folder);
    command
}

/// Runs a Node program that drives a browser against the built page.
fn run_in_browser(
    workspace: &Workspace,
    processes: &mut Processes,
    command: &mut Command,
) -> Result<()> {
    node::ensure(workspace, processes)?;
    let chromium = CHROMIUM.ensure(processes)?;
    processes.run(
        command
            .current_dir(workspace.root())
            .env(CHROMIUM.variable, chromium)
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
        println!("{:<12}{result:<8}{:>9.1}", cli::name(part), took.as_secs_f64());
    }
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.failure.is_some())
        .map(|outcome| cli::name(&outcome.part))
        .collect::<Vec<_>>();
    println!("parts: {} passed, {} failed", outcomes.len() - failed.len(), failed.len());
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}
