//! Node and what comes from npm.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::freshness::digest;
use crate::process::{Processes, ask};
use crate::workspace::Workspace;

/// `package.json` says the same under `engines`.
const NODE_MAJOR_MIN: u32 = 20;
const ADVICE: &str =
    "Install it from https://nodejs.org or through your package manager, then run this again.";

/// Names the lock file that `node_modules` was installed from.
const STAMP: &str = "node_modules/.lock-digest";

/// Makes sure of Node, npm and the packages in `package-lock.json`.
pub fn ensure(workspace: &Workspace, processes: &mut Processes) -> Result<()> {
    let Some(version) = ask(Command::new("node").arg("--version")) else {
        bail!(
            "Node.js {NODE_MAJOR_MIN} or newer is needed (it runs PeerServer) and was not found. {ADVICE}"
        );
    };
    if major(&version).is_none_or(|major| major < NODE_MAJOR_MIN) {
        bail!("Node.js {NODE_MAJOR_MIN} or newer is needed, and this one is {version}. {ADVICE}");
    }
    let lock =
        fs::read(workspace.path("package-lock.json")).context("cannot read package-lock.json")?;
    let digest = digest(&lock);
    let stamp = workspace.path(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == digest) {
        return Ok(());
    }
    if ask(Command::new("npm").arg("--version")).is_none() {
        bail!(
            "npm is needed to install PeerJS and PeerServer and was not found. It comes with Node.js. {ADVICE}"
        );
    }
    println!("Installing npm packages");
    processes.run(
        Command::new("npm")
            .current_dir(workspace.root())
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            // Browsers come from the system.
            .env("PUPPETEER_SKIP_DOWNLOAD", "1")
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
    )?;
    fs::write(&stamp, digest).with_context(|| format!("cannot write {}", stamp.display()))
}

/// `v20.20.2` is 20.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("v9.0.0"), Some(9));
        assert_eq!(major("20"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn package_json_asks_for_the_same_node() {
        let wanted = format!("\"node\": \">={NODE_MAJOR_MIN}\"");
        assert!(include_str!("../../package.json").contains(&wanted));
    }
}
