//! Child processes. Each runs in a process group of its own, so that stopping one takes along whatever it has started,
//! and Ctrl-C reaches this program alone, which then stops them in order.

use std::error::Error;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// Ctrl-C, or a request to terminate. Every child has ended by the time this is returned.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl Error for Interrupted {}

enum Event {
    Interrupted,
    Exited(Pid, ExitStatus),
}

/// All running children. There is one of these; dropping it stops them.
pub struct Processes {
    events: Receiver<Event>,
    sender: Sender<Event>,
    running: Vec<Running>,
}

struct Running {
    pid: Pid,
    words: String,
}

impl Processes {
    pub fn new() -> Result<Self> {
        let (sender, events) = channel();
        let interrupts = sender.clone();
        ctrlc::set_handler(move || {
            // Nobody listens any more only once the program is on its way out.
            let _ = interrupts.send(Event::Interrupted);
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(Self { events, sender, running: Vec::new() })
    }

    /// Runs a program to its end, its output passed through; anything but success is an error.
    pub fn run(&mut self, command: &mut Command) -> Result<()> {
        let pid = self.start(command)?;
        loop {
            let (ended, status) = self.wait()?;
            if ended.pid == pid {
                return check(&ended, status);
            }
        }
    }

    /// Starts a program that goes on until it is stopped.
    pub fn start(&mut self, command: &mut Command) -> Result<Pid> {
        let words = words_of(command);
        let child = spawn(command, &words)?;
        Ok(self.watch(child, words))
    }

    /// Starts a program and waits for the first line it prints, which is passed through like all the others.
    pub fn start_until_line(&mut self, command: &mut Command) -> Result<String> {
        let words = words_of(command);
        let mut child = spawn(command.stdout(Stdio::piped()), &words)?;
        let output = child.stdout.take();
        self.watch(child, words.clone());
        let mut lines =
            BufReader::new(output.with_context(|| format!("{words}: no output"))?).lines();
        let Some(first) = lines.next() else { bail!("`{words}` ended without a word") };
        let first = first?;
        println!("{first}");
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| println!("{line}")));
        Ok(first)
    }

    /// Waits until any started program ends by itself, which is an error for one meant to go on.
    pub fn wait_for_an_end(&mut self) -> Result<()> {
        let (ended, status) = self.wait()?;
        self.stop_all();
        bail!("`{}` ended ({status})", ended.words)
    }

    fn watch(&mut self, mut child: Child, words: String) -> Pid {
        let pid = Pid::from_child(&child);
        let sender = self.sender.clone();
        self.running.push(Running { pid, words });
        thread::spawn(move || {
            // Waiting fails only for a child that was waited for already, and nobody else does.
            if let Ok(status) = child.wait() {
                let _ = sender.send(Event::Exited(pid, status));
            }
        });
        pid
    }

    fn wait(&mut self) -> Result<(Running, ExitStatus)> {
        loop {
            match self.events.recv()? {
                Event::Exited(pid, status) => {
                    if let Some(ended) = self.forget(pid) {
                        return Ok((ended, status));
                    }
                }
                Event::Interrupted => {
                    self.stop_all();
                    return Err(Interrupted.into());
                }
            }
        }
    }

    fn stop_all(&mut self) {
        self.signal_all(Signal::INT);
        let deadline = Instant::now() + GRACE;
        let mut is_grace_over = false;
        while !self.running.is_empty() {
            let event = if is_grace_over {
                self.events.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.events.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            };
            match event {
                Ok(Event::Exited(pid, _)) => {
                    self.forget(pid);
                }
                // A second Ctrl-C means now.
                Ok(Event::Interrupted) | Err(RecvTimeoutError::Timeout) => {
                    is_grace_over = true;
                    self.signal_all(Signal::KILL);
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn signal_all(&self, signal: Signal) {
        for child in &self.running {
            // Fails only when the group is gone, which is the aim.
            let _ = kill_process_group(child.pid, signal);
        }
    }

    /// Takes an ended child off the list, and ends what it may have left behind in its group.
    fn forget(&mut self, pid: Pid) -> Option<Running> {
        let at = self.running.iter().position(|child| child.pid == pid)?;
        let _ = kill_process_group(pid, Signal::KILL);
        Some(self.running.swap_remove(at))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop_all();
    }
}

/// Runs a program that answers at once, and returns what it printed; `None` when it is missing or fails.
pub fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

fn spawn(command: &mut Command, words: &str) -> Result<Child> {
    command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start `{words}`"))
}

fn check(ended: &Running, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("`{}` failed ({status})", ended.words)
}

fn words_of(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
