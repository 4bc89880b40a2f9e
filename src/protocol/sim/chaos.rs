//! Random rooms: faults of every kind while people do things, then everything heals and must agree.
//!
//! `cargo xtask sim --seeds N` runs many, on all cores; a failing seed prints the command that replays it.

use super::checks::Ledger;
use super::lies::damaged;
use super::seen::Sightings;
use super::*;
use crate::domain::bytes::Hash;
use crate::domain::poll::tests::{draft, label};
use crate::domain::poll::{
    Choice, Draft, Edit, NewOption, OptionId, Role, RoleUpdate, Status, UserProfile, Vote,
};
use crate::domain::text::{Name, Question};
use crate::protocol::hub::{BUFFER_DROP_BYTES, BUFFER_PAUSE_BYTES};
use crate::protocol::message::Message;
use crate::protocol::rate::{BURST, EXCESS_BURST};

/// Faults and wishes before healing.
const MOVES: u64 = 40;
/// Once faults have stopped, everything must agree within this.
const HEAL_MS: u64 = 300_000;
/// For so long they must go on agreeing: longer than it takes to find out that a connection is dead.
const CALM_MS: u64 = 20_000;
const ASKED_EVERY_MS: u64 = 500;
/// The longest that a browser freezes a tab here.
const FROZEN_MS_MAX: u64 = 60_000;
/// Somebody who leaves a page is away for so long at least: longer than it takes to hear of a lock.
const LEFT_MS_MIN: u64 = 100;
/// The longest that a connection is congested, or passes nothing.
const STALLED_MS_MAX: u64 = 20_000;
const HOUR_MS: u64 = 3_600_000;
/// More than anybody may send at once.
const FLOOD: u64 = 25;
/// More than anybody may go on sending after being told to wait.
const TORRENT: u64 = BURST + EXCESS_BURST + 1;

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
    pub sightings: Sightings,
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
        chaos.pause();
    }
    chaos.heal();
    let ledger = &chaos.sim.ledger;
    Outcome {
        simulated_ms: chaos.sim.now.since(START),
        trace: ledger.trace(),
        acked: ledger.acked(),
        sightings: ledger.sightings().clone(),
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
        let drafted = if sim.random.up_to(31) == 0 {
            long_draft(choice)
        } else {
            draft(choice, &["A", "B", "C"])
        };
        let open_to_all = Draft { participants_add_options: sim.random.up_to(1) == 0, ..drafted };
        let room = sim.create(tabs[0][0], open_to_all);
        sim.ledger = Ledger::of(room);
        sim.run(50);
        sim.pace = pace(&mut sim.random);
        let open: BTreeSet<usize> = tabs.iter().flatten().copied().collect();
        for tab in &open {
            sim.watch(*tab, room);
        }
        Self { sim, room, tabs, open }
    }

    /// Until the next move: some time, or just the next few events.
    fn pause(&mut self) {
        let ms = match self.sim.random.up_to(11) {
            0 => self.sim.random.up_to(60_000),
            1..=3 => self.sim.random.up_to(5_000),
            4..=6 => self.sim.random.up_to(100),
            7..=9 => self.sim.random.up_to(5),
            _ => {
                let end = self.sim.now.plus(STALLED_MS_MAX);
                for _ in 0..self.sim.random.up_to(8) {
                    self.sim.step(end);
                }
                return;
            }
        };
        self.sim.run(ms);
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

    /// Somebody else than the owner.
    fn any_participant(&mut self) -> usize {
        let others: Vec<usize> = (1..self.tabs.len()).collect();
        self.pick(&others).unwrap_or(1)
    }

    /// A tab that is open and does what it is asked for.
    fn any_awake(&mut self) -> Option<usize> {
        let awake = self.open.iter().copied().filter(|tab| !self.sim.is_frozen(*tab));
        self.pick(&awake.collect::<Vec<_>>())
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.sim.random.up_to(n - 1) == 0
    }

    fn make_a_move(&mut self) {
        match self.sim.random.up_to(43) {
            0..=14 => self.wish(),
            15 | 16 => self.kill_or_close(),
            17..=19 => self.reopen_one(),
            20..=22 => self.break_a_connection(),
            23 => {
                self.sim.tell(|| "signalling stops".to_owned());
                self.sim.stop_signalling();
            }
            24 | 25 => {
                self.sim.tell(|| "signalling runs".to_owned());
                self.sim.start_signalling();
            }
            26 => {
                let device = self.any_participant();
                if self.sim.is_parted(0, device) {
                    self.sim.rejoin(0, device);
                } else {
                    self.sim.part(0, device);
                }
            }
            27 => self.break_a_disk(),
            28 => self.set_a_clock(),
            29 => {
                if let Some(tab) = self.any_awake() {
                    self.sim.input(tab, Input::Wake);
                }
            }
            30 | 31 => self.lie(),
            32 | 33 => {
                self.sim.lying = !self.sim.lying;
                self.sim.tell(|| format!("lying: {}", self.sim.lying));
            }
            34 => self.flurry(),
            35 => {
                let device = self.any_device();
                self.sim.steal_lock(device);
            }
            36 | 37 => {
                if let Some(tab) = self.any_awake() {
                    let ms = self.sim.random.up_to(FROZEN_MS_MAX);
                    if self.one_in(4) {
                        self.sim.leave(tab, LEFT_MS_MIN + ms);
                    } else {
                        self.sim.freeze(tab, ms);
                    }
                }
            }
            38 => self.cut_the_power(),
            39 => {
                let device = self.any_device();
                if self.sim.is_offline(device) {
                    self.sim.go_online(device);
                } else {
                    self.sim.go_offline(device);
                }
            }
            40 => {
                let (device, squatter) = (self.any_device(), self.any_tab());
                if self.one_in(2) && self.open.contains(&squatter) {
                    self.sim.squat(device, squatter);
                } else {
                    self.sim.evict_squatters();
                }
            }
            41 => self.trouble_the_transport(),
            42 => self.demand(1),
            _ => {
                let times = if self.one_in(30) { TORRENT } else { FLOOD };
                self.demand(times);
                self.wish();
            }
        }
    }

    fn break_a_connection(&mut self) {
        let (owners, others) = (self.tabs[0].clone(), self.any_participant());
        let (Some(a), Some(b)) = (self.pick(&owners), self.pick(&self.tabs[others].clone())) else {
            return;
        };
        match self.sim.random.up_to(4) {
            0 => self.sim.cut(a, b),
            1 => self.sim.half_cut(a, b),
            2 => self.sim.half_cut(b, a),
            3 => self.sim.fade(a, b),
            _ => {
                let ms = self.sim.random.up_to(STALLED_MS_MAX);
                self.sim.stall(a, b, ms);
            }
        }
    }

    fn break_a_disk(&mut self) {
        let device = self.any_device();
        let failure = match self.sim.random.up_to(3) {
            0 => Some(StorageFailure::Quota),
            1 => Some(StorageFailure::Unavailable),
            _ => None,
        };
        self.sim.tell(|| format!("device {device}: every commit meets {failure:?}"));
        self.sim.disks[device].fails = failure;
    }

    /// Some hours off, or some years; before the true time, or behind it.
    fn set_a_clock(&mut self) {
        let device = self.any_device();
        let reach = if self.one_in(8) { 30_000 * HOUR_MS } else { 2 * HOUR_MS };
        let off = i64::try_from(self.sim.random.up_to(reach)).unwrap_or(0);
        let off = if self.one_in(2) { -off } else { off };
        if off < self.sim.clocks[device] {
            self.sim.ledger.seen(Seen::ClockWentBack);
        }
        self.sim.tell(|| format!("device {device}: the clock is off by {off} ms"));
        self.sim.clocks[device] = off;
    }

    fn cut_the_power(&mut self) {
        let device = self.any_device();
        for tab in &self.tabs[device] {
            self.open.remove(tab);
        }
        self.sim.power_cut(device);
    }

    /// What the browser's own transport may report.
    fn trouble_the_transport(&mut self) {
        let Some(tab) = self.any_awake() else { return };
        if self.one_in(4) {
            return self.sim.destroy_peer(tab);
        }
        let links = self.sim.links_of(tab);
        let all: Vec<usize> = (0..links.len()).collect();
        let Some(link) = self.pick(&all).and_then(|at| links.get(at).copied()) else { return };
        let event = match self.sim.random.up_to(3) {
            0 => LinkEvent::NoFrame,
            1 => LinkEvent::Buffered { bytes: BUFFER_DROP_BYTES + 1 },
            _ => {
                let drained = Input::Link(link, LinkEvent::Buffered { bytes: 0 });
                let ms = self.sim.random.up_to(STALLED_MS_MAX);
                self.sim.later(tab, ms, drained);
                self.sim.ledger.seen(Seen::BackedUp);
                LinkEvent::Buffered { bytes: BUFFER_PAUSE_BYTES + 1 }
            }
        };
        self.sim.input(tab, Input::Link(link, event));
    }

    /// A participant whose page does not ask the rules first demands whatever it likes, so often.
    fn demand(&mut self, times: u64) {
        let device = self.any_participant();
        let Some(owner) = self.owner_tab() else { return };
        let Some(link) = self.sim.link_with(owner, device) else { return };
        for _ in 0..times {
            let action = self.any_action();
            let id = self.sim.next_id();
            self.send_signed(owner, link, device, id, action);
        }
    }

    fn send_signed(&mut self, to: usize, link: LinkId, by: usize, id: CommandId, action: Action) {
        let signed = self.sim.signed(by, self.room, id, action);
        if let Some(message) = Message::command(&signed) {
            self.sim.inject_over(to, link, &message.to_frame());
        }
    }

    /// Somebody wants something of the poll.
    fn wish(&mut self) {
        if let Some(tab) = self.any_awake() {
            let action = self.any_action();
            self.sim.act(tab, self.room, action);
        }
    }

    fn any_action(&mut self) -> Action {
        let option = OptionId(u16::try_from(self.sim.random.up_to(3)).unwrap_or(0));
        let device = self.any_device();
        let peer = self.sim.key(device);
        let flag = self.sim.random.up_to(2) > 0;
        let n = self.sim.random.up_to(5);
        match self.sim.random.up_to(12) {
            0..=6 => Action::Vote(Vote { choices: vec![option] }),
            7 => Action::Vote(Vote { choices: vec![] }),
            8 => Action::AddOption(NewOption { label: label(&format!("Option {n}")) }),
            9 => Action::SetStatus(Status { open: flag }),
            10 => Action::Profile(UserProfile { name: Name::clean(&format!("Name {n}")).ok() }),
            11 => Action::Edit(Edit {
                question: Question::clean(&format!("Question {n}?")).expect("a clean question"),
                description: None,
                participants_add_options: flag,
                listed: n > 3,
            }),
            _ => {
                let role = if flag { Role::Moderator } else { Role::Viewer };
                Action::SetRole(RoleUpdate { peer, role })
            }
        }
    }

    /// The poll is closed for a moment while somebody votes twice, and then their connection breaks.
    fn flurry(&mut self) {
        let (Some(owner), Some(tab)) = (self.owner_tab(), self.any_awake()) else { return };
        let vote = |option| Action::Vote(Vote { choices: vec![OptionId(option)] });
        let status = |open| Action::SetStatus(Status { open });
        for (who, action) in
            [(owner, status(false)), (tab, vote(0)), (tab, vote(1)), (owner, status(true))]
        {
            if !self.sim.is_frozen(who) {
                self.sim.act(who, self.room, action);
            }
            let pause = self.sim.random.up_to(5);
            self.sim.run(pause);
        }
        self.sim.cut(owner, tab);
    }

    fn kill_or_close(&mut self) {
        let tab = self.any_tab();
        if self.open.remove(&tab) {
            if self.sim.is_frozen(tab) || self.one_in(2) {
                self.sim.kill(tab);
            } else {
                self.sim.close(tab);
            }
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
                if let Some(tab) = self.any_awake() {
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
        self.send_signed(owner, link, device, id, action);
    }

    /// Faults stop. Everybody must come to show the owner's state, with nothing pending.
    fn heal(&mut self) {
        self.sim.tell(|| "everything heals".to_owned());
        self.sim.start_signalling();
        self.sim.evict_squatters();
        self.sim.lying = false;
        self.sim.pace.stalls = false;
        for device in 0..self.tabs.len() {
            self.sim.rejoin(0, device);
            self.sim.go_online(device);
            self.sim.disks[device].fails = None;
        }
        for tab in self.closed_tabs() {
            self.reopen(tab);
        }
        for tab in self.open.clone() {
            self.sim.later(tab, 0, Input::Watch(Some(self.room)));
        }
        let (end, mut agreed_ms) = (self.sim.now.plus(HEAL_MS), 0);
        while agreed_ms < CALM_MS {
            assert!(self.sim.now < end, "[5] no agreement: {}", self.differences());
            self.sim.run(ASKED_EVERY_MS);
            agreed_ms = if self.agreed() { agreed_ms + ASKED_EVERY_MS } else { 0 };
        }
        self.sim.check_end(self.room);
    }

    fn owner_tab(&self) -> Option<usize> {
        self.tabs[0].iter().copied().find(|tab| self.sim.is_leading(*tab))
    }

    fn agreed(&self) -> bool {
        let all = self.all_tabs();
        let awake = all.iter().all(|tab| !self.sim.is_frozen(*tab));
        awake
            && self.owner_tab().is_some_and(|owner| self.sim.converged(owner, self.room, &all))
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

/// How fast things are in one room.
fn pace(random: &mut Random) -> Pace {
    let frame_ms = match random.up_to(3) {
        0 | 1 => (1, 1),
        2 => (1, 60),
        _ => (1, 3_000),
    };
    let commit_ms = if random.up_to(3) == 0 { (1, 500) } else { (1, 5) };
    Pace { frame_ms, commit_ms, stalls: random.up_to(1) == 0 }
}

/// So long that its state does not fit one frame.
fn long_draft(choice: Choice) -> Draft {
    let options: Vec<String> = (0..24).map(|n| format!("{n} {}", "👍".repeat(190))).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    draft(choice, &options)
}
