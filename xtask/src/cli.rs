//! The command line, parsed once into a [`Task`].

pub const HELP: &str = "\
Usage: cargo xtask <command>

  serve [--port 8080] [--lan] [--dev]   the page and its signalling at one URL; Ctrl-C stops both
        --lan                           reachable from other machines on this network
        --dev                           debug build that reloads when a source changes
  test [part ...] [-- arguments]        all parts or those named; arguments go to the part, when it is e2e alone
        parts: fmt clippy native signalling build e2e
  dist                                  an optimised build in dist/, for any static host
  bench [-- arguments]                  the measurements that README quotes
  sim [--seeds N | --seed N]            random rooms under faults; --seed replays one";

pub const PORT_DEFAULT: u16 = 8080;

#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    Help,
    Serve(ServeOptions),
    Test(Selection),
    Dist,
    Bench { args: Vec<String> },
    Sim(Seeds),
}

/// Which random rooms to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// This many, from 0.
    Many(u64),
    /// Just this one.
    One(u64),
}

/// Random rooms in a plain `cargo xtask sim`.
const SEEDS_DEFAULT: u64 = 20_000;

#[derive(Debug, PartialEq, Eq)]
pub struct ServeOptions {
    pub port: u16,
    pub is_lan: bool,
    pub is_dev: bool,
}

/// Which parts of the test run to run: none named means all of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub parts: Vec<Part>,
    pub args: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Fmt,
    Clippy,
    Native,
    Signalling,
    Build,
    E2e,
}

impl Part {
    /// In the order they run: what fails fast comes first.
    pub const ALL: [Self; 6] =
        [Self::Fmt, Self::Clippy, Self::Native, Self::Signalling, Self::Build, Self::E2e];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Native => "native",
            Self::Signalling => "signalling",
            Self::Build => "build",
            Self::E2e => "e2e",
        }
    }

    fn parse(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|part| part.name() == name)
            .ok_or_else(|| format!("xtask: there is no test part `{name}`"))
    }
}

/// Parses the words after `cargo xtask`; an error is a sentence for whoever typed them.
pub fn parse(words: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut words = words.collect::<Vec<_>>();
    let args = match words.iter().position(|word| word == "--") {
        Some(at) => {
            let args = words.split_off(at).into_iter().skip(1).collect();
            Some(args)
        }
        None => None,
    };
    let mut words = words.into_iter();
    let command = words.next();
    match (command.as_deref(), args) {
        (Some("help" | "--help" | "-h"), None) => no_more(words, Task::Help),
        (Some("serve"), None) => parse_serve(words).map(Task::Serve),
        (Some("dist"), None) => no_more(words, Task::Dist),
        (Some("test"), args) => parse_test(words, args.unwrap_or_default()).map(Task::Test),
        (Some("bench"), args) => no_more(words, Task::Bench { args: args.unwrap_or_default() }),
        (Some("sim"), None) => parse_sim(words).map(Task::Sim),
        (Some("help" | "--help" | "-h" | "serve" | "dist" | "sim"), Some(_)) => {
            Err("xtask: only `test e2e` and `bench` pass arguments on after `--`".into())
        }
        (Some(other), _) => Err(format!("xtask: there is no command `{other}`")),
        (None, _) => Err("xtask: a command is missing".into()),
    }
}

fn parse_sim(mut words: impl Iterator<Item = String>) -> Result<Seeds, String> {
    let (flag, number) = (words.next(), words.next());
    let number = || {
        let number = number.as_deref().and_then(|text| text.parse().ok());
        number.ok_or_else(|| "xtask: sim takes --seeds N or --seed N".to_owned())
    };
    let seeds = match flag.as_deref() {
        None => Seeds::Many(SEEDS_DEFAULT),
        Some("--seeds") => Seeds::Many(number()?),
        Some("--seed") => Seeds::One(number()?),
        Some(other) => return Err(unknown(other)),
    };
    match words.next() {
        Some(word) => Err(unknown(&word)),
        None => Ok(seeds),
    }
}

fn no_more(mut words: impl Iterator<Item = String>, task: Task) -> Result<Task, String> {
    match words.next() {
        Some(word) => Err(unknown(&word)),
        None => Ok(task),
    }
}

fn parse_serve(mut words: impl Iterator<Item = String>) -> Result<ServeOptions, String> {
    let mut options = ServeOptions { port: PORT_DEFAULT, is_lan: false, is_dev: false };
    while let Some(word) = words.next() {
        match word.split_once('=').map_or((word.as_str(), None), |(key, value)| (key, Some(value)))
        {
            ("--port", Some(value)) => options.port = parse_port(value)?,
            ("--port", None) => options.port = parse_port(&words.next().unwrap_or_default())?,
            ("--lan", None) => options.is_lan = true,
            ("--dev", None) => options.is_dev = true,
            (_, _) => return Err(unknown(&word)),
        }
    }
    Ok(options)
}

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| format!("xtask: --port wants a number from 1 to 65535, not `{text}`"))
}

fn parse_test(words: impl Iterator<Item = String>, args: Vec<String>) -> Result<Selection, String> {
    let parts = words.map(|word| Part::parse(&word)).collect::<Result<Vec<_>, _>>()?;
    if !args.is_empty() && parts != [Part::E2e] {
        return Err("xtask: arguments after `--` go with `test e2e` alone".into());
    }
    Ok(Selection { parts, args })
}

fn unknown(word: &str) -> String {
    format!("xtask: `{word}` is not understood here")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn serve_takes_a_port_in_both_spellings() {
        let expected =
            |port, is_lan, is_dev| Ok(Task::Serve(ServeOptions { port, is_lan, is_dev }));
        assert_eq!(parsed("serve"), expected(PORT_DEFAULT, false, false));
        assert_eq!(parsed("serve --port 81 --lan"), expected(81, true, false));
        assert_eq!(parsed("serve --dev --port=82"), expected(82, false, true));
    }

    #[test]
    fn a_port_that_is_none_is_refused() {
        for line in ["serve --port", "serve --port x", "serve --port 0", "serve --port 65536"] {
            assert!(parsed(line).is_err_and(|words| words.contains("--port wants")), "{line}");
        }
    }

    #[test]
    fn test_takes_parts_and_passes_arguments_to_e2e_alone() {
        assert_eq!(parsed("test"), Ok(Task::Test(Selection::default())));
        assert_eq!(
            parsed("test fmt native"),
            Ok(Task::Test(Selection { parts: vec![Part::Fmt, Part::Native], args: vec![] }))
        );
        assert_eq!(
            parsed("test e2e -- --grep roles"),
            Ok(Task::Test(Selection {
                parts: vec![Part::E2e],
                args: vec!["--grep".into(), "roles".into()]
            }))
        );
        assert!(parsed("test -- --grep roles").is_err());
        assert!(parsed("test fmt e2e -- x").is_err());
        assert!(parsed("test nothing").is_err());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["", "run", "dist now", "serve --fast", "serve --lan=yes", "dist -- x"] {
            assert!(parsed(line).is_err(), "{line:?}");
        }
    }
}
