//! A whole room in one thread: real nodes, simulated network, signalling, storage and time.
//!
//! Everything that happens is an event in one queue, ordered by time and then by when it was scheduled;
//! all choices come from one seed. So a seed replays a run exactly.

#[cfg(feature = "simulation")]
mod bugs;
mod campaign;
mod chaos;
mod checks;
mod lies;
mod scenarios;

use checks::Origin;
use lies::Lie;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::effect::{
    Batch, Descriptions, LinkEvent, LinkId, Output, SignallingCommand, SignallingEvent,
    StorageFailure,
};
use super::node::{Input, Node};
use super::outbox::COMMANDS_MAX;
use super::random::Random;
use super::storage::{Row, Store};
use super::view::{AppView, Intent, LinkView, RoomView};
use crate::domain::Timestamp;
use crate::domain::bug::{self, Bug};
use crate::domain::bytes::sha256;
use crate::domain::command::{Command, CommandId, SignedCommand};
use crate::domain::identity::{KeyPair, PollId, PublicKey, RoomRef};
use crate::domain::poll::{Action, Draft};

/// How long the signalling server keeps an offer for somebody who is not there.
const OFFER_EXPIRES_MS: u64 = 5_000;
/// More than any run needs: past it something spins.
const STEPS_MAX: u64 = 300_000;
const START: Timestamp = Timestamp(1_700_000_000_000);

/// One browser tab. Tabs with the same `device` share a disk and an identity.
pub struct Tab {
    pub device: usize,
    node: Option<Node>,
    /// Raised when the tab is killed or reloaded: what was meant for the one before is dropped.
    generation: u64,
    /// Every frame that this tab sent, for tests that look.
    pub sent: Vec<Arc<str>>,
    registered: Option<String>,
    epoch: u64,
    links: BTreeMap<LinkId, Wire>,
    next_accepted: u64,
    /// Keys whose offers are passed over, and until when.
    shunned: BTreeMap<PublicKey, Timestamp>,
    /// When the newest transaction under way completes.
    committing_until: Timestamp,
    /// When its one timeout fires, in real time.
    alarm: Option<Timestamp>,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
struct Wire {
    other: usize,
    other_link: LinkId,
}

#[derive(Clone, Debug, Default)]
pub struct Disk {
    rows: BTreeMap<(Store, String), String>,
    epoch: u64,
    /// What every commit meets while set.
    pub fails: Option<StorageFailure>,
    /// The tab that holds the lock, and those that wait.
    leader: Option<usize>,
    waiting: Vec<usize>,
}

impl Disk {
    pub fn count(&self, store: Store) -> usize {
        self.rows.keys().filter(|(at, _)| *at == store).count()
    }

    fn rows(&self) -> Vec<Row> {
        self.rows
            .iter()
            .map(|((store, key), value)| Row {
                store: *store,
                key: key.clone(),
                value: Some(value.clone()),
            })
            .collect()
    }
}

#[derive(Debug)]
enum Event {
    Input { tab: usize, generation: u64, input: Input },
    Commit { tab: usize, generation: u64, epoch: u64, batch: Batch },
    Dial { tab: usize, generation: u64, link: LinkId, remote: String },
    OfferExpired { tab: usize, generation: u64, link: LinkId, remote: String },
    Frame { to: usize, generation: u64, link: LinkId, frame: Arc<str> },
    Gone { to: usize, generation: u64, link: LinkId },
    Granted { tab: usize, generation: u64 },
}

pub struct Sim {
    pub now: Timestamp,
    pub tabs: Vec<Tab>,
    pub disks: Vec<Disk>,
    seeds: Vec<[u8; 32]>,
    keys: Vec<PublicKey>,
    events: BTreeMap<(Timestamp, u64), Event>,
    sequence: u64,
    pub random: Random,
    /// Who holds an id at the signalling server; `None` while the server is down.
    signalling: Option<BTreeMap<String, usize>>,
    offers: Vec<(usize, u64, LinkId, String)>,
    /// Pairs of devices that can't reach each other now.
    pub partitioned: BTreeSet<(usize, usize)>,
    /// Whether peers lie in what they send: see [`lies`].
    pub lying: bool,
    pub frame_delay_ms: (u64, u64),
    pub commit_delay_ms: (u64, u64),
    next_command: u128,
    steps: u64,
    /// Whether every input is printed, for whoever reads a failure.
    pub tracing: bool,
    /// The tab that the newest event was for, until it is checked.
    stepped: Option<usize>,
    pub ledger: checks::Ledger,
    /// What each device's clock is off by, as an addition to half of real time: see [`Sim::wall`].
    pub clocks: Vec<u64>,
}

impl Sim {
    pub fn new(seed: u64) -> Self {
        let digest = sha256(&[b"sim", &seed.to_be_bytes()]).0;
        Self {
            now: START,
            tabs: Vec::new(),
            disks: Vec::new(),
            seeds: Vec::new(),
            keys: Vec::new(),
            events: BTreeMap::new(),
            sequence: 0,
            random: Random::new(digest),
            signalling: Some(BTreeMap::new()),
            offers: Vec::new(),
            partitioned: BTreeSet::new(),
            lying: false,
            frame_delay_ms: (1, 5),
            commit_delay_ms: (1, 5),
            next_command: 1_000,
            steps: 0,
            tracing: false,
            stepped: None,
            ledger: checks::Ledger::default(),
            clocks: Vec::new(),
        }
    }

    // --- people and their devices --------------------------------------------------------------

    pub fn device(&mut self) -> usize {
        let number = self.disks.len();
        let seed = [u8::try_from(number + 1).expect("few devices"); 32];
        self.seeds.push(seed);
        self.keys.push(KeyPair::from_seed(&seed).public());
        self.disks.push(Disk::default());
        self.clocks.push(START.0 / 2);
        number
    }

    pub fn key(&self, device: usize) -> PublicKey {
        self.keys[device]
    }

    /// Opens a tab on a device; it leads once it gets the lock.
    pub fn open_tab(&mut self, device: usize) -> usize {
        let tab = self.tabs.len();
        self.tabs.push(Tab {
            device,
            node: None,
            generation: 0,
            sent: Vec::new(),
            registered: None,
            epoch: 0,
            links: BTreeMap::new(),
            next_accepted: 0,
            shunned: BTreeMap::new(),
            committing_until: START,
            alarm: None,
        });
        self.start(tab);
        tab
    }

    fn start(&mut self, tab: usize) {
        let device = self.tabs[tab].device;
        let seed = self.random.bytes().0;
        self.tabs[tab].node = Some(Node::new(KeyPair::from_seed(&self.seeds[device]), seed));
        self.input(tab, Input::Watch(None));
        self.disks[device].waiting.push(tab);
        self.grant(device);
    }

    /// Kills a tab: no word to anybody. Others find out by silence.
    pub fn kill(&mut self, tab: usize) {
        let device = self.tabs[tab].device;
        self.crash_commits(tab);
        self.unregister(tab);
        let dead = &mut self.tabs[tab];
        dead.node = None;
        dead.generation += 1;
        dead.links.clear();
        dead.shunned.clear();
        self.disks[device].waiting.retain(|waiting| *waiting != tab);
        if self.disks[device].leader == Some(tab) {
            self.disks[device].leader = None;
            self.grant(device);
        }
    }

    /// The leading tab of a device stops noticing anything, and the browser gives its lock to another.
    pub fn freeze_leader(&mut self, device: usize) {
        if let Some(tab) = self.disks[device].leader.take() {
            // It thaws with its old ideas; it queues for the lock again once it is fenced.
            let _ = tab;
            self.grant(device);
        }
    }

    /// A frame that nobody of ours sent arrives at a tab, over any connection that stands.
    pub fn inject(&mut self, to: usize, frame: &str) {
        let links = self.tabs[to].links.keys();
        if let Some(link) = links.copied().next() {
            self.inject_over(to, link, frame);
        }
    }

    /// A link of `to` whose other end is on `device`.
    pub fn link_with(&self, to: usize, device: usize) -> Option<LinkId> {
        let mut links = self.tabs[to].links.iter();
        links.find(|(_, wire)| self.tabs[wire.other].device == device).map(|(link, _)| *link)
    }

    pub fn inject_over(&mut self, to: usize, link: LinkId, frame: &str) {
        if self.tabs[to].node.is_some() {
            let (device, generation) = (self.tabs[to].device, self.tabs[to].generation);
            // What is on its way over this very link is no lie, only early.
            let is_early = self.events.values().any(|event| match event {
                Event::Frame { to: tab, link: over, frame: sent, .. } => {
                    (*tab, *over, &**sent) == (to, link, frame)
                }
                _ => false,
            });
            let origin = if is_early { Origin::Peer } else { Origin::Liar };
            self.ledger.arrived(device, to, generation, link, frame, origin);
            self.input(to, Input::Link(link, LinkEvent::Frame(frame.to_owned())));
        }
    }

    /// Closes a tab as a browser does: the page hears of it, connections end.
    pub fn close(&mut self, tab: usize) {
        if self.tabs[tab].node.is_some() {
            self.input(tab, Input::Suspend);
        }
        self.kill(tab);
    }

    /// Of the transactions under way some reach the disk, a prefix in order; nobody hears of either.
    fn crash_commits(&mut self, tab: usize) {
        let generation = self.tabs[tab].generation;
        let under_way: Vec<(Timestamp, u64)> = self
            .events
            .iter()
            .filter(|(_, event)| {
                matches!(event, Event::Commit { tab: t, generation: g, .. } if *t == tab && *g == generation)
            })
            .map(|(key, _)| *key)
            .collect();
        for key in under_way {
            if self.random.up_to(1) == 0 {
                return;
            }
            if let Some(Event::Commit { batch, epoch, .. }) = self.events.remove(&key)
                && self.may_commit(tab, epoch).is_ok()
            {
                self.write(tab, batch.rows);
            }
        }
    }

    pub fn reopen(&mut self, tab: usize) {
        self.start(tab);
    }

    fn grant(&mut self, device: usize) {
        let disk = &mut self.disks[device];
        if disk.leader.is_none() && !disk.waiting.is_empty() {
            let tab = disk.waiting.remove(0);
            disk.leader = Some(tab);
            let generation = self.tabs[tab].generation;
            self.schedule(1, Event::Granted { tab, generation });
        }
    }

    pub fn stop_signalling(&mut self) {
        self.signalling = None;
        self.offers.clear();
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].registered.take().is_some() {
                self.later(tab, 1, Input::Signalling(SignallingEvent::Lost));
            }
        }
    }

    pub fn start_signalling(&mut self) {
        self.signalling.get_or_insert_default();
    }

    // --- what people do ------------------------------------------------------------------------

    pub fn intent(&mut self, tab: usize, intent: Intent) -> CommandId {
        self.next_command += 1;
        let command = CommandId(uuid::Uuid::from_u128(self.next_command));
        let away = self.is_away(tab, &intent);
        self.input(tab, Input::Intent { intent, command });
        if let Some((room, pending)) = away {
            self.check_offline(tab, room, pending);
        }
        command
    }

    /// When somebody acts in a room that is not connected: the room, and how much waits in it.
    fn is_away(&self, tab: usize, intent: &Intent) -> Option<(RoomRef, usize)> {
        let Intent::Act { room, .. } = intent else { return None };
        let node = self.tabs[tab].node.as_ref().filter(|node| node.is_leading())?;
        let view = node.view().rooms.iter().find(|view| view.room == *room).cloned()?;
        let away = view.me != room.owner && view.link != LinkView::Connected;
        away.then_some((*room, view.pending.len()))
    }

    pub fn create(&mut self, tab: usize, draft: Draft) -> RoomRef {
        self.next_command += 1;
        let poll = PollId(uuid::Uuid::from_u128(self.next_command));
        self.intent(tab, Intent::Create { poll, draft });
        RoomRef { owner: self.key(self.tabs[tab].device), poll }
    }

    pub fn act(&mut self, tab: usize, room: RoomRef, action: Action) -> CommandId {
        self.intent(tab, Intent::Act { room, action })
    }

    /// A command by somebody who does not ask the rules first.
    pub fn signed(
        &self,
        device: usize,
        room: RoomRef,
        id: CommandId,
        action: Action,
    ) -> SignedCommand {
        let key = KeyPair::from_seed(&self.seeds[device]);
        Command { room, author: key.public(), id, action }.sign(&key)
    }

    pub fn watch(&mut self, tab: usize, room: RoomRef) {
        self.input(tab, Input::Watch(Some(room)));
    }

    pub fn watch_nothing(&mut self, tab: usize) {
        self.input(tab, Input::Watch(None));
    }

    pub fn view(&self, tab: usize) -> AppView {
        self.tabs[tab].node.as_ref().expect("an open tab").view()
    }

    pub fn room(&self, tab: usize, room: RoomRef) -> RoomView {
        let view = self.view(tab);
        let found = view.rooms.iter().find(|view| view.room == room);
        RoomView::clone(found.expect("a watched room"))
    }

    pub fn node(&self, tab: usize) -> &Node {
        self.tabs[tab].node.as_ref().expect("an open tab")
    }

    // --- time ----------------------------------------------------------------------------------

    fn schedule(&mut self, delay_ms: u64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now.plus(delay_ms), self.sequence), event);
    }

    fn later(&mut self, tab: usize, delay_ms: u64, input: Input) {
        let generation = self.tabs[tab].generation;
        self.schedule(delay_ms, Event::Input { tab, generation, input });
    }

    /// Runs whatever is due within `ms`, then stands at that moment.
    pub fn run(&mut self, ms: u64) {
        let end = self.now.plus(ms);
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until `condition` holds; panics when it does not within `ms`.
    pub fn until(&mut self, ms: u64, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = self.now.plus(ms);
        while !condition(self) {
            assert!(self.step(end), "not within {ms} ms: {what}");
        }
    }

    /// One event, or one tick. False when nothing is due before `end`.
    fn step(&mut self, end: Timestamp) -> bool {
        self.steps += 1;
        assert!(self.steps < STEPS_MAX, "[15] nothing comes to rest");
        let tick = (0..self.tabs.len())
            .filter_map(|tab| {
                Some((self.tabs[tab].alarm.filter(|_| self.tabs[tab].node.is_some())?, tab))
            })
            .min();
        let event = self.events.first_key_value().map(|(key, _)| *key);
        match (event, tick) {
            (Some(event), tick) if event.0 <= end && tick.is_none_or(|tick| event.0 <= tick.0) => {
                self.now = event.0;
                let Some(event) = self.events.remove(&event) else { return false };
                self.happen(event);
            }
            (_, Some((at, tab))) if at <= end => {
                self.now = self.now.max(at);
                self.input(tab, Input::Tick);
            }
            _ => return false,
        }
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Input { tab, generation, input } if self.lives(tab, generation) => {
                self.input(tab, input);
            }
            Event::Granted { tab, generation } if self.lives(tab, generation) => self.lead(tab),
            Event::Commit { tab, generation, epoch, batch } if self.lives(tab, generation) => {
                self.commit(tab, epoch, batch);
            }
            Event::Dial { tab, generation, link, remote } if self.lives(tab, generation) => {
                self.offer(tab, link, remote);
            }
            Event::OfferExpired { tab, generation, link, remote }
                if self.lives(tab, generation) =>
            {
                let waits = |offer: &(usize, u64, LinkId, String)| {
                    (offer.0, offer.1, offer.2) == (tab, generation, link)
                };
                if let Some(at) = self.offers.iter().position(waits) {
                    self.offers.remove(at);
                    self.input(tab, Input::Signalling(SignallingEvent::PeerUnavailable { remote }));
                }
            }
            Event::Frame { to, generation, link, frame }
                if self.lives(to, generation) && self.tabs[to].links.contains_key(&link) =>
            {
                let device = self.tabs[to].device;
                self.ledger.arrived(device, to, generation, link, &frame, Origin::Peer);
                self.input(to, Input::Link(link, LinkEvent::Frame(frame.to_string())));
            }
            Event::Gone { to, generation, link }
                if self.lives(to, generation) && self.tabs[to].links.remove(&link).is_some() =>
            {
                self.input(to, Input::Link(link, LinkEvent::Closed));
            }
            // Meant for a tab or connection that is no more.
            Event::Input { .. }
            | Event::Granted { .. }
            | Event::Commit { .. }
            | Event::Dial { .. }
            | Event::OfferExpired { .. }
            | Event::Frame { .. }
            | Event::Gone { .. } => {}
        }
    }

    fn lives(&self, tab: usize, generation: u64) -> bool {
        self.tabs[tab].node.is_some() && self.tabs[tab].generation == generation
    }

    fn lead(&mut self, tab: usize) {
        let disk = &mut self.disks[self.tabs[tab].device];
        disk.epoch += 1;
        self.tabs[tab].epoch = disk.epoch;
        let (epoch, rows) = (disk.epoch, disk.rows());
        self.input(tab, Input::Lead { epoch, rows, durable: true });
    }

    fn may_commit(&self, tab: usize, epoch: u64) -> Result<(), StorageFailure> {
        let disk = &self.disks[self.tabs[tab].device];
        if disk.epoch != epoch && !bug::on(Bug::EpochNotChecked) {
            return Err(StorageFailure::Fenced);
        }
        disk.fails.map_or(Ok(()), Err)
    }

    fn commit(&mut self, tab: usize, epoch: u64, batch: Batch) {
        let input = match self.may_commit(tab, epoch) {
            Ok(()) => {
                self.write(tab, batch.rows);
                Input::Committed(batch.id)
            }
            Err(failure) => Input::CommitFailed(batch.id, failure),
        };
        self.input(tab, input);
    }

    fn write(&mut self, tab: usize, rows: Vec<Row>) {
        let device = self.tabs[tab].device;
        let disk = &mut self.disks[device];
        for row in rows {
            let before = disk.rows.get(&(row.store, row.key.clone())).map(String::as_str);
            self.ledger.stored(device, &row, before);
            match row.value {
                Some(value) => disk.rows.insert((row.store, row.key), value),
                None => disk.rows.remove(&(row.store, row.key)),
            };
        }
        assert!(disk.count(Store::Outbox) <= COMMANDS_MAX, "[15] the outbox is too long");
    }

    /// One line of the story: when, on which tab, what.
    fn tell(&self, tab: usize, input: &Input) {
        let at = self.now.since(START);
        let what = match input {
            Input::Lead { epoch, rows, .. } => format!("leads, epoch {epoch}, {} rows", rows.len()),
            Input::Intent { intent, command } => format!("is asked for {intent:?} as {command}"),
            Input::Tab(text) => format!("hears from another tab {text}"),
            Input::Link(link, LinkEvent::Frame(frame)) => format!("{link:?} gets {frame}"),
            Input::Link(link, LinkEvent::Opened { remote, .. }) => {
                format!("{link:?} opens to {remote:.8}")
            }
            input => format!("{input:?}"),
        };
        let device = self.tabs[tab].device;
        eprintln!(
            "{at:>9} ms  device {device} tab {tab}  {}",
            what.chars().take(300).collect::<String>()
        );
    }

    // --- the network ---------------------------------------------------------------------------

    fn offer(&mut self, tab: usize, link: LinkId, remote: String) {
        let generation = self.tabs[tab].generation;
        let Some(ids) = &self.signalling else { return };
        if let Some(other) = ids.get(&remote).copied() {
            return self.connect(tab, link, other);
        }
        self.offers.push((tab, generation, link, remote.clone()));
        self.schedule(OFFER_EXPIRES_MS, Event::OfferExpired { tab, generation, link, remote });
    }

    fn can_reach(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.tabs[a].device, self.tabs[b].device);
        !self.partitioned.contains(&(a.min(b), a.max(b)))
    }

    fn connect(&mut self, tab: usize, link: LinkId, other: usize) {
        let from = self.tabs[tab].registered.clone().unwrap_or_default();
        let mut shunned = self.tabs[other].shunned.iter().filter(|(_, until)| self.now < **until);
        if shunned.any(|(key, _)| key.owns_signalling_id(&from)) || !self.can_reach(tab, other) {
            return;
        }
        self.tabs[other].next_accepted += 1;
        let accepted = LinkId::Accepted(self.tabs[other].next_accepted);
        self.tabs[tab].links.insert(link, Wire { other, other_link: accepted });
        self.tabs[other].links.insert(accepted, Wire { other: tab, other_link: link });
        let ids = [tab, other].map(|tab| self.tabs[tab].registered.clone().unwrap_or_default());
        let fingerprint = |tab: &Tab, n: usize| {
            let digest = sha256(&[&n.to_be_bytes(), &tab.generation.to_be_bytes()]).0;
            format!("a=fingerprint:sha-256 {}", digest.map(|byte| format!("{byte:02x}")).join(":"))
        };
        let (ours, theirs) =
            (fingerprint(&self.tabs[tab], tab), fingerprint(&self.tabs[other], other));
        let opened = |remote: &String, local_sdp: &String, remote_sdp: &String| LinkEvent::Opened {
            remote: remote.clone(),
            descriptions: Descriptions {
                local_sdp: local_sdp.clone(),
                remote_sdp: remote_sdp.clone(),
                remote_certificates: None,
            },
        };
        let (to_us, to_them) = (opened(&ids[1], &ours, &theirs), opened(&ids[0], &theirs, &ours));
        self.later(other, 2, Input::Link(accepted, to_them));
        self.later(tab, 3, Input::Link(link, to_us));
    }

    /// What one tab sends another is lost from here on, and neither is told.
    pub fn half_cut(&mut self, from: usize, to: usize) {
        self.tabs[from].links.retain(|_, wire| wire.other != to);
    }

    /// Ends the connections between two tabs without a word.
    pub fn cut(&mut self, a: usize, b: usize) {
        self.half_cut(a, b);
        self.half_cut(b, a);
    }

    fn delay(&mut self, range: (u64, u64)) -> u64 {
        range.0 + self.random.up_to(range.1 - range.0)
    }

    // --- carrying out --------------------------------------------------------------------------

    /// What a device's clock shows.
    fn wall(&self, tab: usize) -> Timestamp {
        Timestamp(self.now.0 - START.0 / 2 + self.clocks[self.tabs[tab].device] - START.0 / 2)
            .plus(START.0 / 2)
    }

    pub fn input(&mut self, tab: usize, input: Input) {
        let now = self.wall(tab);
        if self.tracing {
            self.tell(tab, &input);
        }
        self.stepped = Some(tab);
        let Some(node) = &mut self.tabs[tab].node else { return };
        let outputs = node.handle(now, input);
        // A browser's timeout counts real time from when it was set, whatever the clock does meanwhile.
        let due = node.poll_timeout().map(|due| self.now.plus(due.since(now)));
        self.tabs[tab].alarm = due;
        for output in outputs {
            self.output(tab, output);
        }
    }

    fn output(&mut self, tab: usize, output: Output) {
        let generation = self.tabs[tab].generation;
        match output {
            Output::Commit(batch) => {
                // Transactions over the same stores complete in the order in which they were started.
                let delay = self.delay(self.commit_delay_ms);
                let at = self.now.plus(delay).max(self.tabs[tab].committing_until);
                self.tabs[tab].committing_until = at;
                let delay = at.since(self.now);
                let epoch = self.tabs[tab].epoch;
                self.schedule(delay, Event::Commit { tab, generation, epoch, batch });
            }
            Output::Signalling(command) => self.signalling_command(tab, command),
            Output::Dial { link, remote } => {
                self.schedule(1, Event::Dial { tab, generation, link, remote });
            }
            Output::Send { link, frame } => {
                self.tabs[tab].sent.push(frame.clone());
                self.ledger.sent(self.tabs[tab].device, tab, generation, link, &frame);
                let Some(wire) = self.tabs[tab].links.get(&link).copied() else { return };
                if !self.can_reach(tab, wire.other) {
                    // The channel is reliable: after the first frame that can't pass, none does.
                    self.tabs[tab].links.remove(&link);
                    return;
                }
                let Wire { other: to, other_link } = wire;
                let generation = self.tabs[to].generation;
                let Lie { instead, besides } = if self.lying {
                    self.twist(link, frame)
                } else {
                    Lie { instead: frame, besides: None }
                };
                // Ordered: what was sent earlier between two tabs arrives earlier.
                for frame in std::iter::once(instead).chain(besides) {
                    let event = Event::Frame { to, generation, link: other_link, frame };
                    self.schedule(self.frame_delay_ms.0, event);
                }
            }
            Output::CloseLink { link } => {
                if let Some(wire) = self.tabs[tab].links.remove(&link)
                    && self.can_reach(tab, wire.other)
                {
                    let generation = self.tabs[wire.other].generation;
                    self.schedule(
                        self.frame_delay_ms.0,
                        Event::Gone { to: wire.other, generation, link: wire.other_link },
                    );
                }
            }
            Output::Broadcast(text) => {
                let device = self.tabs[tab].device;
                for other in 0..self.tabs.len() {
                    if other != tab && self.tabs[other].device == device {
                        self.later(other, 1, Input::Tab(text.clone()));
                    }
                }
            }
            Output::Shun { key, ms } => {
                let until = self.now.plus(ms);
                self.tabs[tab].shunned.insert(key, until);
            }
            Output::Changed => {}
            Output::StepDown => {
                let device = self.tabs[tab].device;
                if self.disks[device].leader == Some(tab) {
                    self.disks[device].leader = None;
                }
                self.disks[device].waiting.push(tab);
                self.grant(device);
            }
        }
    }

    fn signalling_command(&mut self, tab: usize, command: SignallingCommand) {
        match command {
            SignallingCommand::Create { id } => self.register(tab, &id),
            SignallingCommand::Reconnect => {
                let device = self.tabs[tab].device;
                self.register(tab, &self.key(device).peer_id());
            }
            SignallingCommand::Disconnect => self.unregister(tab),
            SignallingCommand::Destroy => {
                self.unregister(tab);
                let links: Vec<LinkId> = self.tabs[tab].links.keys().copied().collect();
                for link in links {
                    self.output(tab, Output::CloseLink { link });
                }
            }
            SignallingCommand::Leave { peers } => {
                let Some(src) = self.tabs[tab].registered.clone() else { return };
                for peer in peers {
                    if let Some(to) =
                        self.signalling.as_ref().and_then(|ids| ids.get(&peer).copied())
                    {
                        let event = SignallingEvent::PeerLeft { remote: src.clone() };
                        self.later(to, 1, Input::Signalling(event));
                    }
                }
            }
        }
    }

    fn register(&mut self, tab: usize, id: &str) {
        let Some(ids) = &mut self.signalling else {
            return self.later(tab, 1, Input::Signalling(SignallingEvent::Lost));
        };
        ids.insert(id.to_owned(), tab);
        self.tabs[tab].registered = Some(id.to_owned());
        self.later(tab, 1, Input::Signalling(SignallingEvent::Opened));
        let waiting: Vec<_> = self.offers.extract_if(.., |offer| offer.3 == id).collect();
        for (from, generation, link, _) in waiting {
            if self.lives(from, generation) {
                self.connect(from, link, tab);
            }
        }
    }

    /// The tab's socket closes. As at PeerServer, that frees an id only if no newer socket holds it.
    fn unregister(&mut self, tab: usize) {
        if let Some(id) = self.tabs[tab].registered.take()
            && let Some(ids) = &mut self.signalling
            && ids.get(&id) == Some(&tab)
        {
            ids.remove(&id);
        }
    }
}
