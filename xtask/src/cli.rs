//! The command line: what can be asked for, as [`Task`].

use clap::{Args, Parser, Subcommand, ValueEnum};

pub const PORT_DEFAULT: u16 = 8080;
const SEEDS_DEFAULT: u64 = 20_000;

/// Every chore of this repository. Each command installs what it misses, and nothing twice.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// The page and its signalling at one URL; Ctrl-C stops both
    Serve(ServeOptions),
    /// Everything that is tested, or the parts named
    Test(Selection),
    /// An optimised build in dist/, for any static host
    Dist,
    /// The measurements that README quotes
    Bench {
        /// Arguments for the script
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Random rooms under faults, on all cores
    Sim(Seeds),
    /// Random bytes to all that reads untrusted ones
    Fuzz(FuzzOptions),
    /// Browsers killed at every step of a vote's way
    Kill {
        /// Kills of each browser at each step
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        times: u32,
    },
    /// One room for a long time, and what it does to the owner's memory
    Soak(SoakOptions),
}

#[derive(Args, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    #[arg(long, default_value_t = PORT_DEFAULT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Reachable from other machines on this network
    #[arg(long = "lan")]
    pub is_lan: bool,
    /// A debug build that reloads when a source changes
    #[arg(long = "dev")]
    pub is_dev: bool,
}

/// Which parts of the test run to run: none named means all of them.
#[derive(Args, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub parts: Vec<Part>,
    /// Arguments for Playwright, with `e2e` alone
    #[arg(last = true)]
    pub args: Vec<String>,
}

/// In the order they run: what fails fast comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    Fmt,
    Clippy,
    Native,
    /// Twenty thousand random rooms, and the deliberate bugs that they must find
    Rooms,
    Signalling,
    /// What computes, computed again as WebAssembly
    Wasm,
    Build,
    E2e,
    /// Rooms between Firefox and Chromium
    Firefox,
    /// Browsers killed once at every step of a vote's way
    Kill,
}

/// Which random rooms to simulate.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// How many, from seed 0 on
    #[arg(long, default_value_t = SEEDS_DEFAULT)]
    pub seeds: u64,
    /// Just this one, with its whole story
    #[arg(long, conflicts_with = "seeds")]
    pub seed: Option<u64>,
}

impl Default for Seeds {
    fn default() -> Self {
        Self { seeds: SEEDS_DEFAULT, seed: None }
    }
}

/// What to fuzz, and how long each: no target means all of them.
#[derive(Args, Debug, PartialEq, Eq)]
pub struct FuzzOptions {
    pub targets: Vec<FuzzTarget>,
    /// For each target
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub minutes: u32,
}

/// The programs of `fuzz/Cargo.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FuzzTarget {
    Chunks,
    Frame,
    Handshake,
    Link,
    Sdp,
    Signed,
}

/// How long, for how many people, and what they do.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoakOptions {
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub minutes: u32,
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub participants: u32,
    /// What people did in the run that printed it; something new by default
    #[arg(long)]
    pub seed: Option<u32>,
}

/// What a part or a target is called on the command line.
pub fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Reads the command line; on `--help` or a mistake it prints and ends the process.
pub fn read() -> Task {
    parse(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

fn parse<T: Into<std::ffi::OsString> + Clone>(
    words: impl IntoIterator<Item = T>,
) -> Result<Task, clap::Error> {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    let task = Cli::try_parse_from(words)?.task;
    match &task {
        Task::Test(Selection { parts, args }) if !args.is_empty() && *parts != [Part::E2e] => {
            let words = "arguments after `--` go with `test e2e` alone";
            Err(Cli::command().error(ErrorKind::ArgumentConflict, words))
        }
        _ => Ok(task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<Task> {
        parse(std::iter::once("xtask").chain(line.split_whitespace())).ok()
    }

    #[test]
    fn test_passes_arguments_to_e2e_alone() {
        assert_eq!(parsed("test"), Some(Task::Test(Selection::default())));
        let selection = |parts: &[Part], args: &[&str]| {
            let args = args.iter().map(ToString::to_string).collect();
            Some(Task::Test(Selection { parts: parts.to_vec(), args }))
        };
        assert_eq!(parsed("test fmt native"), selection(&[Part::Fmt, Part::Native], &[]));
        let expected = selection(&[Part::E2e], &["--grep", "roles"]);
        assert_eq!(parsed("test e2e -- --grep roles"), expected);
        assert_eq!(parsed("test -- --grep roles"), None);
        assert_eq!(parsed("test fmt e2e -- x"), None);
    }

    #[test]
    fn defaults_are_one() {
        assert_eq!(parsed("sim"), Some(Task::Sim(Seeds::default())));
        assert_eq!(parsed("kill"), Some(Task::Kill { times: 10 }));
    }

    #[test]
    fn parts_are_named_as_they_are_asked_for() {
        for part in Part::value_variants() {
            assert_eq!(Part::from_str(&name(part), false).as_ref(), Ok(part));
        }
        for target in FuzzTarget::value_variants() {
            assert_eq!(FuzzTarget::from_str(&name(target), false).as_ref(), Ok(target));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "",
            "run",
            "dist now",
            "serve --fast",
            "serve --port 0",
            "sim --seeds 1 --seed 2",
            "fuzz --minutes 0",
            "kill --times 0",
            "soak --participants 0",
        ] {
            assert_eq!(parsed(line), None, "{line:?}");
        }
    }
}
