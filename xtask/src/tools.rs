//! The Rust side of the tool chain: the wasm target, trunk, wasm-bindgen and the fuzzer.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{Processes, ask};
use crate::workspace::Workspace;

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// `Trunk.toml` asks for exactly this version.
const TRUNK_VERSION: &str = "0.21.14";

const CARGO_FUZZ_VERSION: &str = "0.13.2";
pub const NIGHTLY: &str = "nightly";

/// Programs that are installed in the right version.
pub struct Tools {
    trunk: PathBuf,
    wasm_bindgen: PathBuf,
}

impl Tools {
    pub fn ensure(workspace: &Workspace, processes: &mut Processes) -> Result<Self> {
        ensure_wasm_target(processes)?;
        let bindgen_version = bindgen_version(workspace)?;
        Ok(Self {
            trunk: ensure_tool(workspace, processes, "trunk", "trunk", TRUNK_VERSION)?,
            wasm_bindgen: ensure_tool(
                workspace,
                processes,
                "wasm-bindgen",
                "wasm-bindgen-cli",
                &bindgen_version,
            )?,
        })
    }

    /// Trunk, finding just these tools.
    pub fn trunk(&self, workspace: &Workspace) -> Result<Command> {
        let mut command = Command::new(&self.trunk);
        command
            .current_dir(workspace.root())
            .env("PATH", path_with(self.wasm_bindgen.parent())?)
            .env("TRUNK_SKIP_VERSION_CHECK", "true")
            // Trunk takes only `true` and `false` here, while the world writes `1`.
            .env_remove("NO_COLOR");
        Ok(command)
    }
}

/// The program that runs WebAssembly tests under Node; it comes with wasm-bindgen.
pub fn ensure_wasm_test_runner(
    workspace: &Workspace,
    processes: &mut Processes,
) -> Result<PathBuf> {
    ensure_wasm_target(processes)?;
    let version = bindgen_version(workspace)?;
    ensure_tool(workspace, processes, "wasm-bindgen-test-runner", "wasm-bindgen-cli", &version)
}

/// `cargo fuzz`, and the nightly compiler that it needs.
pub fn ensure_fuzzer(workspace: &Workspace, processes: &mut Processes) -> Result<PathBuf> {
    if ask(Command::new("rustc").env("RUSTUP_TOOLCHAIN", NIGHTLY).arg("--version")).is_none() {
        println!("Installing Rust's nightly compiler");
        let arguments = ["toolchain", "install", NIGHTLY, "--profile", "minimal"];
        processes.run(Command::new("rustup").args(arguments))?;
    }
    ensure_tool(workspace, processes, "cargo-fuzz", "cargo-fuzz", CARGO_FUZZ_VERSION)
}

fn bindgen_version(workspace: &Workspace) -> Result<String> {
    let lock = fs::read_to_string(workspace.path("Cargo.lock"))
        .context("cannot read Cargo.lock, which names the version of wasm-bindgen")?;
    locked_version(&lock, "wasm-bindgen")
        .map(str::to_owned)
        .context("Cargo.lock names no single version of wasm-bindgen")
}

fn path_with(first: Option<&Path>) -> Result<OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let folders = first.map(Path::to_path_buf).into_iter().chain(env::split_paths(&rest));
    env::join_paths(folders).context("PATH can't be extended")
}

pub fn ensure_wasm_target(processes: &mut Processes) -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder =
        ask(Command::new(rustc).args(["--print", "target-libdir", "--target", WASM_TARGET]));
    if folder.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Ok(());
    }
    if ask(Command::new("rustup").arg("--version")).is_none() {
        bail!(
            "Rust's {WASM_TARGET} target is missing, and so is rustup, which would install it. \
             Get rustup from https://rustup.rs, or install the target the way you installed Rust."
        );
    }
    println!("Installing Rust's {WASM_TARGET} target");
    processes.run(Command::new("rustup").args(["target", "add", WASM_TARGET]))
}

/// `cargo fmt` and `cargo clippy` are absent from rustup's minimal profile.
pub fn ensure_component(
    processes: &mut Processes,
    component: &str,
    subcommand: &str,
) -> Result<()> {
    if ask(Command::new("cargo").args([subcommand, "--version"])).is_some() {
        return Ok(());
    }
    println!("Installing {component}");
    processes
        .run(Command::new("rustup").args(["component", "add", component]))
        .with_context(|| format!("`cargo {subcommand}` is missing"))
}

fn ensure_tool(
    workspace: &Workspace,
    processes: &mut Processes,
    program: &str,
    package: &str,
    version: &str,
) -> Result<PathBuf> {
    let own = workspace.tools().join("bin").join(program);
    let search_path = env::var_os("PATH").unwrap_or_default();
    let present = std::iter::once(own.clone())
        .chain(env::split_paths(&search_path).map(|folder| folder.join(program)))
        .find(|candidate| installed_version(candidate).as_deref() == Some(version));
    if let Some(found) = present {
        return Ok(found);
    }
    println!("Installing {package} {version} into target/tools (once, a few minutes)");
    let mut install = |extra: &[&str]| {
        processes.run(
            Command::new("cargo")
                .current_dir(workspace.root())
                .args(["install", package, "--version", &format!("={version}"), "--root"])
                .arg(workspace.tools())
                .args(extra),
        )
    };
    // A registry mirror that lags may lack an exact version the tool's own lock file names.
    if let Err(error) = install(&["--locked"]) {
        if error.is::<crate::process::Interrupted>() {
            return Err(error);
        }
        println!("Trying again without --locked");
        install(&[])?;
    }
    if installed_version(&own).as_deref() != Some(version) {
        bail!("{} was installed but does not answer as version {version}", own.display());
    }
    Ok(own)
}

fn installed_version(program: &Path) -> Option<String> {
    if !program.is_file() {
        return None;
    }
    version_in(&ask(Command::new(program).arg("--version"))?)
}

/// `trunk 0.21.14` and the like.
fn version_in(answer: &str) -> Option<String> {
    answer.split_whitespace().nth(1).map(str::to_owned)
}

/// The version of `package` in a lock file, when there is exactly one.
fn locked_version<'lock>(lock: &'lock str, package: &str) -> Option<&'lock str> {
    let name = format!("name = \"{package}\"");
    let mut versions = lock
        .split("[[package]]")
        .filter(|section| section.lines().any(|line| line == name))
        .filter_map(|section| {
            section.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        });
    let version = versions.next()?;
    versions.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"# generated
version = 4

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
dependencies = [
 "wasm-bindgen-macro",
]

[[package]]
name = "wasm-bindgen-macro"
version = "0.2.131"

[[package]]
name = "getrandom"
version = "0.3.1"

[[package]]
name = "getrandom"
version = "0.4.0"
"#;

    #[test]
    fn the_lock_file_names_the_version() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(LOCK, "wasm-bindgen-macro"), Some("0.2.131"));
    }

    #[test]
    fn a_missing_or_doubtful_version_is_none() {
        assert_eq!(locked_version(LOCK, "wasm"), None);
        assert_eq!(locked_version(LOCK, "getrandom"), None);
        assert_eq!(locked_version("", "wasm-bindgen"), None);
    }

    #[test]
    fn tools_say_their_version_in_the_second_word() {
        assert_eq!(version_in("trunk 0.21.14\n").as_deref(), Some("0.21.14"));
        assert_eq!(version_in("wasm-bindgen 0.2.130 (abc)").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(""), None);
    }

    #[test]
    fn trunk_toml_asks_for_the_trunk_that_is_installed() {
        let wanted = format!("trunk-version = \"={TRUNK_VERSION}\"");
        assert!(include_str!("../../Trunk.toml").lines().any(|line| line == wanted));
    }
}
