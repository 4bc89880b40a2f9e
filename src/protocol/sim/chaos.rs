//! Random rooms: faults of every kind while people do things, then everything heals and must agree.
//!
//! `cargo xtask sim --seeds N` runs many, on all cores; a failing seed prints the command that replays it.

use super::checks::Ledger;
use super::lies::damaged;
use super::*;
use crate::domain::bytes::Hash;
use crate::domain::poll::tests::{draft, label};
use crate::domain::poll::{
    Choice, NewOption, OptionId, Role, RoleUpdate, Status, UserProfile, Vote,
};
use crate::domain::text::Name;
use crate::protocol::message::Message;

/// Faults and wishes before healing.
const MOVES: u64 = 40;
/// Once faults have stopped, everything must agree within this.
const HEAL_MS: u64 = 300_000;
/// Longer than anything that is still under way then.
const CALM_MS: u64 = 1_000;

struct Chaos {
    sim: Sim,
    room: RoomRef,
    /// Tabs by device; device 0 is the owner's.
    tabs: Vec<Vec<usize>>,
    open: BTreeSet<usize>,
}

/// What a run came to.
pub struct Outcome {
    pub simulated_ms: u64,
    pub trace: Hash,
    pub acked: usize,
}

/// Whether a run prints its story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    Off,
    On,
}

/// Runs one seed; panics with what is wrong.
pub fn run(seed: u64, trace: Trace) -> Outcome {
    let mut chaos = Chaos::start(seed, trace);
    for _ in 0..MOVES {
        chaos.make_a_move();
        let pause = chaos.pause();
        chaos.run(pause);
    }
    chaos.heal();
    let ledger = &chaos.sim.ledger;
    Outcome {
        simulated_ms: chaos.sim.now.since(START),
        trace: ledger.trace(),
        acked: ledger.acked(),
    }
}

impl Chaos {
    fn start(seed: u64, trace: Trace) -> Self {
        let mut sim = Sim::new(seed);
        sim.tracing = trace == Trace::On;
        let devices = 3 + usize::try_from(sim.random.up_to(1)).unwrap_or(0);
        let mut tabs = Vec::new();
        for _ in 0..devices {
            let device = sim.device();
            let count = 1 + sim.random.up_to(1);
            tabs.push((0..count).map(|_| sim.open_tab(device)).collect::<Vec<_>>());
        }
        sim.run(10);
        let choice = if sim.random.up_to(1) == 0 { Choice::Single } else { Choice::Multiple };
        let open_to_all = Draft {
            participants_add_options: sim.random.up_to(1) == 0,
            ..draft(choice, &["A", "B", "C"])
        };
        let room = sim.create(tabs[0][0], open_to_all);
        sim.ledger = Ledger::of(room);
        sim.run(50);
        let open: BTreeSet<usize> = tabs.iter().flatten().copied().collect();
        for tab in &open {
            sim.watch(*tab, room);
        }
        Self { sim, room, tabs, open }
    }

    fn run(&mut self, ms: u64) {
        let end = self.sim.now.plus(ms);
        while self.sim.step(end) {
            self.sim.check(self.room);
        }
        self.sim.now = end;
    }

    fn pause(&mut self) -> u64 {
        match self.sim.random.up_to(9) {
            0 => self.sim.random.up_to(60_000),
            1..=3 => self.sim.random.up_to(5_000),
            4..=6 => self.sim.random.up_to(100),
            _ => self.sim.random.up_to(5),
        }
    }

    fn pick(&mut self, from: &[usize]) -> Option<usize> {
        let last = from.len().checked_sub(1)?;
        let at = self.sim.random.up_to(last as u64);
        from.get(usize::try_from(at).ok()?).copied()
    }

    fn all_tabs(&self) -> Vec<usize> {
        self.tabs.concat()
    }

    fn closed_tabs(&self) -> Vec<usize> {
        self.all_tabs().into_iter().filter(|tab| !self.open.contains(tab)).collect()
    }

    fn any_tab(&mut self) -> usize {
        self.pick(&self.all_tabs()).unwrap_or(0)
    }

    fn any_device(&mut self) -> usize {
        let all: Vec<usize> = (0..self.tabs.len()).collect();
        self.pick(&all).unwrap_or(0)
    }

    fn make_a_move(&mut self) {
        match self.sim.random.up_to(34) {
            0..=14 => self.wish(),
            15 | 16 => self.kill_or_close(),
            17..=19 => self.reopen_one(),
            20 | 21 => {
                let (a, b) = (self.any_tab(), self.any_tab());
                self.sim.cut(a, b);
            }
            22 => self.sim.stop_signalling(),
            23 => self.sim.start_signalling(),
            24 => {
                let (a, b) = (self.any_device(), self.any_device());
                if a != b && !self.sim.partitioned.insert((a.min(b), a.max(b))) {
                    self.sim.partitioned.remove(&(a.min(b), a.max(b)));
                }
            }
            25 => {
                let device = self.any_device();
                let failure = match self.sim.random.up_to(3) {
                    0 => Some(StorageFailure::Quota),
                    1 => Some(StorageFailure::Unavailable),
                    _ => None,
                };
                self.sim.disks[device].fails = failure;
            }
            26 => {
                let device = self.any_device();
                let jump = self.sim.random.up_to(7_200_000);
                self.sim.clocks[device] = Timestamp(START.0 / 2 + jump).0;
            }
            27 => {
                let tab = self.any_tab();
                self.sim.input(tab, Input::Wake);
            }
            28 | 29 => self.lie(),
            30 | 31 => self.sim.lying = !self.sim.lying,
            32 => {
                let (from, to) = (self.any_tab(), self.any_tab());
                self.sim.half_cut(from, to);
            }
            33 => self.flurry(),
            _ => {
                let device = self.any_device();
                self.sim.freeze_leader(device);
            }
        }
    }

    /// Somebody wants something of the poll.
    fn wish(&mut self) {
        let open: Vec<usize> = self.open.iter().copied().collect();
        let Some(tab) = self.pick(&open) else { return };
        let option = OptionId(u16::try_from(self.sim.random.up_to(3)).unwrap_or(0));
        let device = self.any_device();
        let peer = self.sim.key(device);
        let flag = self.sim.random.up_to(2) > 0;
        let n = self.sim.random.up_to(5);
        let action = match self.sim.random.up_to(11) {
            0..=6 => Action::Vote(Vote { choices: vec![option] }),
            7 => Action::Vote(Vote { choices: vec![] }),
            8 => Action::AddOption(NewOption { label: label(&format!("Option {n}")) }),
            9 => Action::SetStatus(Status { open: flag }),
            10 => Action::Profile(UserProfile { name: Name::clean(&format!("Name {n}")).ok() }),
            _ => {
                let role = if flag { Role::Moderator } else { Role::Viewer };
                Action::SetRole(RoleUpdate { peer, role })
            }
        };
        self.sim.act(tab, self.room, action);
    }

    /// The poll is closed for a moment while somebody votes twice, and then their connection breaks.
    fn flurry(&mut self) {
        let (Some(owner), tab) = (self.owner_tab(), self.any_tab()) else { return };
        if !self.open.contains(&tab) {
            return;
        }
        let vote = |option| Action::Vote(Vote { choices: vec![OptionId(option)] });
        let status = |open| Action::SetStatus(Status { open });
        for (who, action) in
            [(owner, status(false)), (tab, vote(0)), (tab, vote(1)), (owner, status(true))]
        {
            self.sim.act(who, self.room, action);
            let pause = self.sim.random.up_to(5);
            self.run(pause);
        }
        self.sim.cut(owner, tab);
    }

    fn kill_or_close(&mut self) {
        let tab = self.any_tab();
        if self.open.remove(&tab) {
            if self.sim.random.up_to(1) == 0 { self.sim.kill(tab) } else { self.sim.close(tab) }
        }
    }

    fn reopen_one(&mut self) {
        if let Some(tab) = self.pick(&self.closed_tabs()) {
            self.reopen(tab);
        }
    }

    fn reopen(&mut self, tab: usize) {
        self.open.insert(tab);
        self.sim.reopen(tab);
        self.sim.watch(tab, self.room);
    }

    fn lie(&mut self) {
        match self.sim.random.up_to(7) {
            0 | 1 => self.replay(|_, frame| Some(frame.to_owned())),
            2 => self.replay(|random, frame| {
                let cut = usize::try_from(random.up_to(frame.len() as u64)).unwrap_or(0);
                Some(frame.chars().take(cut).collect())
            }),
            3 | 4 => self.replay(damaged),
            5 => self.forge_an_ack(),
            6 => self.reuse_an_id(),
            _ => {
                // What is not listed is asked for where lists are given.
                let tab = self.any_tab();
                if self.open.contains(&tab) {
                    let rooms = [self.room, RoomRef::lobby(self.room.owner)];
                    let at = usize::from(self.sim.random.up_to(1) == 0);
                    self.sim.watch(tab, rooms[at]);
                }
            }
        }
    }

    /// A frame that was sent once is sent again, altered or not, over some connection that stands.
    fn replay(&mut self, alter: impl FnOnce(&mut Random, &str) -> Option<String>) {
        let (from, to) = (self.any_tab(), self.any_tab());
        let Some(last) = self.sim.tabs[from].sent.len().checked_sub(1) else { return };
        let at = usize::try_from(self.sim.random.up_to(last as u64)).unwrap_or(0);
        let frame = Arc::clone(&self.sim.tabs[from].sent[at]);
        if let Some(frame) = alter(&mut self.sim.random, &frame) {
            self.sim.inject(to, &frame);
        }
    }

    /// An ack for another command is made out to one that still waits.
    fn forge_an_ack(&mut self) {
        let Some((device, waiting)) = self.sim.ledger.unanswered() else { return };
        let Some((id, ack)) = self.sim.ledger.any_ack() else { return };
        let frame = ack.replace(&id.to_string(), &waiting.to_string());
        for to in self.tabs[device].clone() {
            self.sim.inject(to, &frame);
        }
    }

    /// A participant signs something else under an id that is in the log.
    fn reuse_an_id(&mut self) {
        let device = self.any_device();
        let Some(id) = self.sim.ledger.any_logged() else { return };
        let Some(owner) = self.owner_tab() else { return };
        let Some(link) = self.sim.link_with(owner, device) else { return };
        let action = Action::Profile(UserProfile { name: Name::clean("Somebody else").ok() });
        let signed = self.sim.signed(device, self.room, id, action);
        if let Some(message) = Message::command(&signed) {
            self.sim.inject_over(owner, link, &message.to_frame());
        }
    }

    /// Faults stop. Everybody must come to show the owner's state, with nothing pending.
    fn heal(&mut self) {
        self.sim.start_signalling();
        self.sim.partitioned.clear();
        self.sim.lying = false;
        for disk in &mut self.sim.disks {
            disk.fails = None;
        }
        for tab in self.closed_tabs() {
            self.reopen(tab);
        }
        for tab in self.open.clone() {
            self.sim.watch(tab, self.room);
        }
        let end = self.sim.now.plus(HEAL_MS);
        while !self.agreed() {
            assert!(self.sim.step(end), "[5] no agreement: {}", self.differences());
            self.sim.check(self.room);
        }
        // And nothing stirs that would change it again.
        let end = self.sim.now.plus(CALM_MS);
        while self.sim.step(end) {
            self.sim.check(self.room);
        }
        self.sim.check_end(self.room);
    }

    fn owner_tab(&self) -> Option<usize> {
        self.tabs[0].iter().copied().find(|tab| self.sim.is_leading(*tab))
    }

    fn agreed(&self) -> bool {
        let all = self.all_tabs();
        self.owner_tab().is_some_and(|owner| self.sim.converged(owner, self.room, &all))
            && self.sim.disks.iter().all(|disk| disk.count(Store::Outbox) == 0)
    }

    fn differences(&self) -> String {
        let tabs = self.tabs.iter().flatten().map(|tab| {
            let view = self.sim.view(*tab);
            let room = view.rooms.iter().find(|view| view.room == self.room);
            let told = room.map(|room| {
                let revision = room.poll.as_ref().map(|poll| poll.revision);
                (room.link.clone(), revision, room.pending.len(), room.cached_at)
            });
            format!("\n  tab {tab} {:?} {:?} {told:?}", view.tab, view.signalling)
        });
        tabs.collect()
    }
}
