//! `cargo xtask`: every chore of this repository, from a fresh clone on.
//!
//! Each command installs what it misses and nothing twice. The map: [`cli`] says what can be asked for, [`workspace`] knows
//! where things are, [`process`] runs and stops programs; [`tools`], [`node`] and [`browsers`] install;
//! [`bundle`] makes `dist/` with the help of [`page`], [`freshness`] and [`sizes`]; [`serve`] and [`checks`] use it;
//! [`fuzz`] stands alone.

mod browsers;
mod bundle;
mod checks;
mod cli;
mod freshness;
mod fuzz;
mod node;
mod page;
mod process;
mod serve;
mod sizes;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Task;
use crate::process::{Interrupted, Processes};
use crate::workspace::Workspace;

/// What a shell reports for a program ended by Ctrl-C.
const EXIT_INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let task = cli::read();
    match run(&task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => match task {
            // Ctrl-C is how one stops serving.
            Task::Serve(_) => ExitCode::SUCCESS,
            Task::Test(_)
            | Task::Dist
            | Task::Bench { .. }
            | Task::Sim(_)
            | Task::Fuzz(_)
            | Task::Kill { .. }
            | Task::Soak(_) => ExitCode::from(EXIT_INTERRUPTED),
        },
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    let workspace = Workspace::here();
    let mut processes = Processes::new()?;
    match task {
        Task::Serve(options) => serve::serve(&workspace, &mut processes, options),
        Task::Test(selection) => checks::run(&workspace, &mut processes, selection),
        Task::Dist => {
            bundle::build(&workspace, &mut processes)?;
            println!("dist/ is ready for any static host, under any path.");
            sizes::print(&workspace.dist())
        }
        Task::Bench { args } => checks::bench(&workspace, &mut processes, args),
        Task::Fuzz(options) => fuzz::run(&workspace, &mut processes, options),
        Task::Sim(seeds) => checks::sim(&workspace, &mut processes, *seeds),
        Task::Kill { times } => checks::kill(&workspace, &mut processes, *times),
        Task::Soak(options) => checks::soak(&workspace, &mut processes, *options),
    }
}
