//! The browsers that the end-to-end tests and the measurements run in.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{Processes, ask};

/// A browser from the system.
pub struct Browser {
    /// Where Node programs look for it; set beforehand, it names one to use.
    pub variable: &'static str,
    title: &'static str,
    names: &'static [&'static str],
    debian_packages: &'static [&'static str],
}

pub const CHROMIUM: Browser = Browser {
    variable: "PEERPOLL_CHROMIUM",
    title: "Chromium",
    names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    // Without a font, text has no size, and what has no size is not visible to a test.
    debian_packages: &["chromium", "fonts-liberation"],
};

pub const FIREFOX: Browser = Browser {
    variable: "PEERPOLL_FIREFOX",
    title: "Firefox",
    names: &["firefox-esr", "firefox"],
    debian_packages: &["firefox-esr", "fonts-liberation"],
};

impl Browser {
    /// One that is there, or the Debian package where it may be installed.
    pub fn ensure(&self, processes: &mut Processes) -> Result<PathBuf> {
        let Self { variable, title, names, .. } = self;
        if let Some(named) = env::var_os(variable).map(PathBuf::from) {
            if named.is_file() {
                return Ok(named);
            }
            bail!("{variable} names {}, which is not a file", named.display());
        }
        if let Some(found) = self.find() {
            return Ok(found);
        }
        self.install(processes).with_context(|| {
            format!(
                "these tests need {title}, and none of {} is on the PATH. \
                 Install it, or set {variable} to its path",
                names.join(", ")
            )
        })?;
        self.find().with_context(|| format!("{title} was installed, but it is not on the PATH"))
    }

    fn find(&self) -> Option<PathBuf> {
        let search_path = env::var_os("PATH")?;
        self.names.iter().find_map(|name| {
            env::split_paths(&search_path)
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
        })
    }

    fn install(&self, processes: &mut Processes) -> Result<()> {
        let packages = self.debian_packages;
        if ask(Command::new("apt-get").arg("--version")).is_none() {
            bail!("this system has no apt-get");
        }
        let is_root = ask(Command::new("id").arg("-u")).as_deref() == Some("0");
        if !is_root && ask(Command::new("sudo").args(["-n", "true"])).is_none() {
            bail!("installing it takes root: sudo apt-get install {}", packages.join(" "));
        }
        println!("Installing {}", self.title);
        let mut apt_get = |args: &[&str]| {
            let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
            if !is_root {
                command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
            }
            processes.run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive"))
        };
        apt_get(&["update", "--quiet"])?;
        let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
        arguments.extend(packages);
        apt_get(&arguments)
    }
}
