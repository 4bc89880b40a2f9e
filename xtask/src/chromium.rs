//! The browser that the end-to-end tests and the measurements run in.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{Processes, ask};

/// Where the end-to-end tests look for the browser; set beforehand, it names one to use.
pub const VARIABLE: &str = "PEERPOLL_CHROMIUM";

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Without a font, text has no size, and what has no size is not visible to a test.
const DEBIAN_PACKAGES: [&str; 2] = ["chromium", "fonts-liberation"];

/// A Chromium that is there, or the Debian package where it may be installed.
pub fn ensure(processes: &mut Processes) -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).map(PathBuf::from) {
        if named.is_file() {
            return Ok(named);
        }
        bail!("{VARIABLE} names {}, which is not a file", named.display());
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    install(processes).context(
        "the end-to-end tests need Chromium or Chrome, and none is on the PATH. \
         Install one, or set PEERPOLL_CHROMIUM to its path",
    )?;
    find().context("the chromium package was installed, but no chromium is on the PATH")
}

fn find() -> Option<PathBuf> {
    let search_path = env::var_os("PATH")?;
    NAMES.into_iter().find_map(|name| {
        env::split_paths(&search_path).map(|folder| folder.join(name)).find(|path| path.is_file())
    })
}

fn install(processes: &mut Processes) -> Result<()> {
    if ask(Command::new("apt-get").arg("--version")).is_none() {
        bail!("this system has no apt-get");
    }
    let is_root = ask(Command::new("id").arg("-u")).as_deref() == Some("0");
    if !is_root && ask(Command::new("sudo").args(["-n", "true"])).is_none() {
        bail!("installing it takes root: sudo apt-get install {}", DEBIAN_PACKAGES.join(" "));
    }
    println!("Installing Chromium");
    let mut apt_get = |args: &[&str]| {
        let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
        if !is_root {
            command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        processes.run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt_get(&["update", "--quiet"])?;
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend(DEBIAN_PACKAGES);
    apt_get(&arguments)
}
