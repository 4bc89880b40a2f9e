//! `cargo xtask serve`: the page and its signalling behind one origin, until Ctrl-C.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::bundle;
use crate::cli::ServeOptions;
use crate::node;
use crate::process::Processes;
use crate::tools::Tools;
use crate::workspace::Workspace;

const DEV_DIST: &str = "dev-dist";

pub fn serve(
    workspace: &Workspace,
    processes: &mut Processes,
    options: &ServeOptions,
) -> Result<()> {
    check_port(options)?;
    node::ensure(workspace, processes)?;
    if options.is_dev {
        serve_dev(workspace, processes, options)
    } else {
        serve_built(workspace, processes, options)
    }
}

fn serve_built(
    workspace: &Workspace,
    processes: &mut Processes,
    options: &ServeOptions,
) -> Result<()> {
    bundle::build(workspace, processes)?;
    let mut server = Command::new("node");
    server
        .current_dir(workspace.root())
        .args(["signalling/serve.mjs", "--dist"])
        .arg(workspace.dist())
        .args(["--port", &options.port.to_string(), "--host", &address(options).to_string()]);
    if options.is_lan {
        server.arg("--lan");
    }
    processes.start(&mut server)?;
    processes.wait_for_an_end()
}

/// Trunk serves what it builds and passes signalling on to a server behind it.
fn serve_dev(
    workspace: &Workspace,
    processes: &mut Processes,
    options: &ServeOptions,
) -> Result<()> {
    let tools = Tools::ensure(workspace, processes)?;
    let announced =
        processes.start_until_line(Command::new("node").current_dir(workspace.root()).args([
            "signalling/server.mjs",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
        ]))?;
    let backend = announced
        .split_once("http://")
        .map(|(_, rest)| format!("ws://{rest}"))
        .with_context(|| format!("signalling did not say where it listens: {announced}"))?;
    println!("Building for development; then Peerpoll is at http://127.0.0.1:{}/", options.port);
    if options.is_lan {
        println!(
            "Browsers call its http addresses on the network insecure, and withhold some features there."
        );
    }
    println!("Ctrl-C stops it.");
    processes.start(
        tools
            .trunk(workspace)?
            .args(["serve", "--dist", DEV_DIST, "--port", &options.port.to_string()])
            .args(["--address", &address(options).to_string()])
            .args(["--proxy-backend", &backend, "--proxy-ws"]),
    )?;
    processes.wait_for_an_end()
}

fn address(options: &ServeOptions) -> Ipv4Addr {
    if options.is_lan { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST }
}

/// Better to learn of a taken port now than after a build.
fn check_port(options: &ServeOptions) -> Result<()> {
    let port = options.port;
    match TcpListener::bind((address(options), port)) {
        Ok(_freed_at_once) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {port} is taken. Stop what uses it, or choose another: cargo xtask serve --port {}",
            port.checked_add(1).unwrap_or(crate::cli::PORT_DEFAULT)
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!(
                "port {port} is not allowed for this user. Choose one above 1023: cargo xtask serve --port 8080"
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on port {port}")),
    }
}
