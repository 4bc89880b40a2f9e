//! A whole room in one thread: real nodes, simulated network, signalling, storage and time.
//!
//! Everything that happens is an event in one queue, ordered by time and then by when it was scheduled;
//! all choices come from one seed. So a seed replays a run exactly.

#[cfg(feature = "simulation")]
mod bugs;
mod campaign;
mod chaos;
mod checks;
mod disk;
mod lies;
mod network;
mod scenarios;
mod seen;

use checks::Origin;
use disk::Disk;
use network::{Offer, Wire};
use seen::Seen;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::effect::{Batch, LinkEvent, LinkId, Output, StorageFailure};
use super::node::{Input, Node};
use super::random::Random;
use super::storage::Store;
use super::view::{AppView, Intent, LinkView, RoomView};
use crate::domain::Timestamp;
use crate::domain::bytes::sha256;
use crate::domain::command::{Command, CommandId, SignedCommand};
use crate::domain::identity::{KeyPair, PollId, PublicKey, RoomRef};
use crate::domain::poll::{Action, Draft};

/// More than any run needs: past it something spins.
const STEPS_MAX: u64 = 300_000;
/// What takes very long takes this long: longer than any deadline of a handshake, or just not.
const STALL_MS: (u64, u64) = (2_000, 20_000);
/// From a lock's release to the next tab's having it: 16 ms were seen.
const GRANT_MS_MAX: u64 = 50;
const START: Timestamp = Timestamp(1_700_000_000_000);

/// One browser tab. Tabs with the same `device` share a disk and an identity.
pub struct Tab {
    pub device: usize,
    node: Option<Node>,
    /// Raised when the tab is killed or reloaded: what was meant for the one before is dropped.
    generation: u64,
    /// Every frame that this tab sent, for tests that look.
    pub sent: Vec<Arc<str>>,
    /// The id asked for last.
    id: String,
    /// The id that its socket holds.
    registered: Option<String>,
    /// When it heard or will hear the newest word about signalling, and when other tabs hear its own newest.
    signalled: Timestamp,
    told: Timestamp,
    epoch: u64,
    links: BTreeMap<LinkId, Wire>,
    next_accepted: u64,
    /// Keys whose offers are passed over, and until when.
    shunned: BTreeMap<PublicKey, Timestamp>,
    /// When the newest transaction under way completes.
    committing_until: Timestamp,
    /// When its one timeout fires, in real time.
    alarm: Option<Timestamp>,
    /// Until then the browser lets it do nothing.
    frozen_until: Timestamp,
    /// How often its page was left, for good or not.
    visit: u64,
    /// Whether its page was left and waits in a cache to be shown again.
    left: bool,
    /// What happened to it meanwhile.
    waiting: BTreeMap<Source, VecDeque<Event>>,
}

/// How long things take, in milliseconds: from the least to the most.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// What travels between devices, or to the signalling server and back.
    pub frame_ms: (u64, u64),
    pub commit_ms: (u64, u64),
    /// Whether something that travels takes very long now and then.
    pub stalls: bool,
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
    Thaw { tab: usize, generation: u64 },
}

/// Where a tab's events come from. Those of one source come in order; of those of several a browser may deliver any first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Page,
    Lock,
    OtherTabs,
    Storage,
    Signalling,
    Connection(LinkId),
    Clock,
}

impl Event {
    fn source(&self) -> Source {
        match self {
            Self::Granted { .. } => Source::Lock,
            Self::Commit { .. } => Source::Storage,
            Self::OfferExpired { .. } => Source::Signalling,
            Self::Dial { link, .. } | Self::Frame { link, .. } | Self::Gone { link, .. } => {
                Source::Connection(*link)
            }
            Self::Thaw { .. } => Source::Page,
            Self::Input { input, .. } => match input {
                Input::Tab(_) => Source::OtherTabs,
                Input::Committed(_) | Input::CommitFailed(..) => Source::Storage,
                Input::Signalling(_) => Source::Signalling,
                Input::Link(link, _) => Source::Connection(*link),
                Input::Tick => Source::Clock,
                Input::Lead { .. }
                | Input::Intent { .. }
                | Input::Watch(_)
                | Input::Wake
                | Input::Online(_)
                | Input::Suspend => Source::Page,
            },
        }
    }
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
    offers: Vec<Offer>,
    /// Pairs of devices that can't reach each other now.
    partitioned: BTreeSet<(usize, usize)>,
    /// Devices without a network.
    offline: BTreeSet<usize>,
    /// Whether peers lie in what they send: see [`lies`].
    pub lying: bool,
    pub pace: Pace,
    next_poll: u128,
    steps: u64,
    /// Whether everything that happens is printed, for whoever reads a failure.
    pub tracing: bool,
    pub ledger: checks::Ledger,
    /// What each device's clock is off by, in milliseconds.
    pub clocks: Vec<i64>,
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
            offline: BTreeSet::new(),
            lying: false,
            pace: Pace { frame_ms: (1, 1), commit_ms: (1, 5), stalls: false },
            next_poll: 1_000,
            steps: 0,
            tracing: false,
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
        self.clocks.push(0);
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
            id: String::new(),
            registered: None,
            signalled: START,
            told: START,
            epoch: 0,
            links: BTreeMap::new(),
            next_accepted: 0,
            shunned: BTreeMap::new(),
            committing_until: START,
            alarm: None,
            frozen_until: START,
            visit: 0,
            left: false,
            waiting: BTreeMap::new(),
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
        self.tell(|| format!("tab {tab} dies"));
        let device = self.tabs[tab].device;
        self.crash_commits(tab);
        self.hang_up(tab);
        let dead = &mut self.tabs[tab];
        dead.node = None;
        dead.generation += 1;
        dead.links.clear();
        dead.shunned.clear();
        dead.frozen_until = self.now;
        dead.visit += 1;
        dead.left = false;
        dead.waiting.clear();
        self.disks[device].waiting.retain(|waiting| *waiting != tab);
        if self.disks[device].leader == Some(tab) {
            self.disks[device].leader = None;
            self.grant(device);
        }
    }

    /// The browser takes the lock from a leading tab and gives it to another. The first one is not told.
    pub fn steal_lock(&mut self, device: usize) {
        if let Some(tab) = self.disks[device].leader.take() {
            self.tell(|| format!("device {device}: tab {tab} loses its lock unknowingly"));
            self.grant(device);
        }
    }

    /// The browser lets a tab do nothing for so long. It keeps its lock, and what was going into storage gets there.
    pub fn freeze(&mut self, tab: usize, ms: u64) {
        self.tell(|| format!("tab {tab} freezes for {ms} ms"));
        self.tabs[tab].frozen_until = self.now.plus(ms);
        let generation = self.tabs[tab].generation;
        self.schedule(ms, Event::Thaw { tab, generation });
    }

    /// Somebody leaves a page and comes back to it before its browser forgets it.
    pub fn leave(&mut self, tab: usize, ms: u64) {
        self.tell(|| format!("tab {tab} is left for {ms} ms"));
        self.ledger.seen(Seen::Left);
        self.input(tab, Input::Suspend);
        let device = self.tabs[tab].device;
        let disk = &mut self.disks[device];
        disk.waiting.retain(|waiting| *waiting != tab);
        if disk.leader == Some(tab) {
            disk.leader = None;
        }
        self.tabs[tab].visit += 1;
        self.tabs[tab].left = true;
        self.freeze(tab, ms);
        self.grant(device);
    }

    pub fn is_frozen(&self, tab: usize) -> bool {
        let Tab { frozen_until, waiting, .. } = &self.tabs[tab];
        self.now < *frozen_until || !waiting.is_empty()
    }

    /// All that waited happens at once, in any order that keeps that of each source.
    fn thaw(&mut self, tab: usize) {
        if self.now < self.tabs[tab].frozen_until {
            return;
        }
        let mut waiting = std::mem::take(&mut self.tabs[tab].waiting);
        let (device, generation) = (self.tabs[tab].device, self.tabs[tab].generation);
        let is_back = std::mem::take(&mut self.tabs[tab].left);
        if is_back {
            // It asks anew for the lock, and what other tabs said reached nobody.
            waiting.remove(&Source::Lock);
            waiting.remove(&Source::OtherTabs);
            let watching = self.tabs[tab].node.as_ref().and_then(Node::watching);
            let watch = Event::Input { tab, generation, input: Input::Watch(watching) };
            waiting.entry(watch.source()).or_default().push_front(watch);
        }
        let tick = Event::Input { tab, generation, input: Input::Tick };
        waiting.entry(tick.source()).or_default().push_back(tick);
        while let Some(last) = waiting.len().checked_sub(1) {
            let at = usize::try_from(self.random.up_to(last as u64)).unwrap_or(last);
            let Some(source) = waiting.keys().nth(at).copied() else { break };
            match waiting.get_mut(&source).and_then(VecDeque::pop_front) {
                Some(event) => self.happen(event),
                None => drop(waiting.remove(&source)),
            }
        }
        if is_back {
            self.disks[device].waiting.push(tab);
            self.grant(device);
        }
    }

    /// A frame that nobody of ours sent arrives at a tab, over any connection that stands.
    pub fn inject(&mut self, to: usize, frame: &str) {
        let links = self.links_of(to);
        if let Some(last) = links.len().checked_sub(1) {
            let at = usize::try_from(self.random.up_to(last as u64)).unwrap_or(last);
            self.inject_over(to, links[at], frame);
        }
    }

    pub fn links_of(&self, tab: usize) -> Vec<LinkId> {
        self.tabs[tab].links.keys().copied().collect()
    }

    /// A link of `to` whose other end is on `device`.
    pub fn link_with(&self, to: usize, device: usize) -> Option<LinkId> {
        let mut links = self.tabs[to].links.iter();
        links.find(|(_, wire)| self.tabs[wire.other].device == device).map(|(link, _)| *link)
    }

    pub fn inject_over(&mut self, to: usize, link: LinkId, frame: &str) {
        if self.tabs[to].node.is_some() && !self.is_frozen(to) {
            let (device, generation) = (self.tabs[to].device, self.tabs[to].generation);
            // What is on its way over this very link is no lie, only early.
            let is_early = self.events.values().any(|event| match event {
                Event::Frame { to: tab, link: over, frame: sent, .. } => {
                    (*tab, *over, &**sent) == (to, link, frame)
                }
                _ => false,
            });
            let origin = if is_early { Origin::Peer } else { Origin::Liar };
            self.ledger.arrived(self.now, device, (to, generation, link), frame, origin);
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

    pub fn reopen(&mut self, tab: usize) {
        self.tell(|| format!("tab {tab} opens"));
        self.start(tab);
    }

    fn grant(&mut self, device: usize) {
        let disk = &mut self.disks[device];
        if disk.leader.is_none() && !disk.waiting.is_empty() {
            let tab = disk.waiting.remove(0);
            disk.leader = Some(tab);
            let generation = self.tabs[tab].generation;
            let delay = self.delay((1, self.pace.frame_ms.1.min(GRANT_MS_MAX)));
            self.schedule(delay, Event::Granted { tab, generation });
        }
    }

    // --- what people do ------------------------------------------------------------------------

    /// An id that no command has yet. As in a page, nothing follows from the order of ids.
    pub fn next_id(&mut self) -> CommandId {
        let [high, low] = [(); 2].map(|()| self.random.up_to(u64::MAX - 1));
        CommandId(uuid::Uuid::from_u64_pair(high, low))
    }

    pub fn intent(&mut self, tab: usize, intent: Intent) -> CommandId {
        let command = self.next_id();
        let away = self.is_away(tab, &intent);
        if let Intent::Act { .. } = intent {
            self.ledger.gave((tab, self.tabs[tab].visit), command);
        }
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
        self.next_poll += 1;
        let poll = PollId(uuid::Uuid::from_u128(self.next_poll));
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
        self.schedule_at(self.now.plus(delay_ms), event);
    }

    fn schedule_at(&mut self, at: Timestamp, event: Event) {
        self.sequence += 1;
        self.events.insert((at, self.sequence), event);
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
                let Tab { alarm, node, frozen_until, .. } = &self.tabs[tab];
                Some((alarm.filter(|_| node.is_some())?.max(*frozen_until), tab))
            })
            .min();
        let event = self.events.first_key_value().map(|(key, _)| *key);
        match (event, tick) {
            (Some(event), tick) if event.0 <= end && tick.is_none_or(|tick| event.0 <= tick.0) => {
                self.now = event.0;
                let Some(event) = self.events.remove(&event) else { return false };
                match self.sleeper(&event) {
                    Some(tab) => {
                        self.ledger.seen(Seen::Frozen);
                        let waiting = &mut self.tabs[tab].waiting;
                        waiting.entry(event.source()).or_default().push_back(event);
                    }
                    None => self.happen(event),
                }
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
            Event::Thaw { tab, generation } if self.lives(tab, generation) => self.thaw(tab),
            Event::Commit { tab, generation, epoch, batch } if self.lives(tab, generation) => {
                self.commit(tab, epoch, batch);
            }
            Event::Dial { tab, generation, link, remote } if self.lives(tab, generation) => {
                self.offer(tab, link, remote);
            }
            Event::OfferExpired { tab, generation, link, remote }
                if self.lives(tab, generation) =>
            {
                self.expire(tab, generation, link, remote);
            }
            Event::Frame { to, generation, link, frame }
                if self.lives(to, generation) && self.tabs[to].links.contains_key(&link) =>
            {
                self.receive(to, generation, link, &frame);
            }
            Event::Gone { to, generation, link }
                if self.lives(to, generation) && self.tabs[to].links.remove(&link).is_some() =>
            {
                self.input(to, Input::Link(link, LinkEvent::Closed));
            }
            // Meant for a tab or connection that is no more.
            Event::Input { .. }
            | Event::Granted { .. }
            | Event::Thaw { .. }
            | Event::Commit { .. }
            | Event::Dial { .. }
            | Event::OfferExpired { .. }
            | Event::Frame { .. }
            | Event::Gone { .. } => {}
        }
    }

    /// The frozen tab that an event has to wait for. Storage and its transactions wait for nobody.
    fn sleeper(&self, event: &Event) -> Option<usize> {
        let (tab, generation) = match event {
            Event::Input { tab, generation, .. }
            | Event::Dial { tab, generation, .. }
            | Event::OfferExpired { tab, generation, .. }
            | Event::Granted { tab, generation }
            | Event::Frame { to: tab, generation, .. }
            | Event::Gone { to: tab, generation, .. } => (*tab, *generation),
            Event::Commit { .. } | Event::Thaw { .. } => return None,
        };
        (self.lives(tab, generation) && self.is_frozen(tab)).then_some(tab)
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
        self.check_remembered(tab);
    }

    /// One line of the story.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.tracing {
            let text: String = what().chars().take(300).collect();
            eprintln!("{:>9} ms  {text}", self.now.since(START));
        }
    }

    fn tell_input(&self, tab: usize, input: &Input) {
        self.tell(|| {
            let what = match input {
                Input::Lead { epoch, rows, .. } => {
                    format!("leads, epoch {epoch}, {} rows", rows.len())
                }
                Input::Intent { intent, command } => {
                    format!("is asked for {intent:?} as {command}")
                }
                Input::Tab(text) => format!("hears from another tab {text}"),
                Input::Link(link, LinkEvent::Frame(frame)) => format!("{link:?} gets {frame}"),
                Input::Link(link, LinkEvent::Opened { remote, .. }) => {
                    format!("{link:?} opens to {remote:.8}")
                }
                input => format!("{input:?}"),
            };
            format!("device {} tab {tab}  {what}", self.tabs[tab].device)
        });
    }

    fn delay(&mut self, range: (u64, u64)) -> u64 {
        range.0 + self.random.up_to(range.1.saturating_sub(range.0))
    }

    /// How long something that leaves now is on its way.
    fn delay_on_the_way(&mut self) -> u64 {
        if self.pace.stalls && self.random.up_to(255) == 0 {
            return self.delay(STALL_MS);
        }
        self.delay(self.pace.frame_ms)
    }

    // --- carrying out --------------------------------------------------------------------------

    /// What a device's clock shows.
    fn wall(&self, tab: usize) -> Timestamp {
        Timestamp(self.now.0.saturating_add_signed(self.clocks[self.tabs[tab].device]))
    }

    pub fn input(&mut self, tab: usize, input: Input) {
        let now = self.wall(tab);
        self.tell_input(tab, &input);
        let Some(node) = &mut self.tabs[tab].node else { return };
        let outputs = node.handle(now, input);
        // A browser's timeout counts real time from when it was set, whatever the clock does meanwhile.
        let due = node.poll_timeout().map(|due| self.now.plus(due.since(now)));
        self.tabs[tab].alarm = due;
        for output in outputs {
            self.output(tab, output);
        }
        self.check(tab);
    }

    fn output(&mut self, tab: usize, output: Output) {
        let generation = self.tabs[tab].generation;
        match output {
            Output::Commit(batch) => self.begin_commit(tab, batch),
            Output::Signalling(command) => self.signalling_command(tab, command),
            Output::Dial { link, remote } => {
                let delay = self.delay_on_the_way();
                self.schedule(delay, Event::Dial { tab, generation, link, remote });
            }
            Output::Send { link, frame } => self.send(tab, link, frame),
            Output::CloseLink { link } => self.close_link(tab, link),
            Output::Broadcast(text) => {
                let delay = self.delay((1, self.pace.frame_ms.1.min(GRANT_MS_MAX)));
                let at = self.now.plus(delay).max(self.tabs[tab].told);
                self.tabs[tab].told = at;
                let device = self.tabs[tab].device;
                for other in 0..self.tabs.len() {
                    if other != tab && self.tabs[other].device == device {
                        let generation = self.tabs[other].generation;
                        let input = Input::Tab(text.clone());
                        self.schedule_at(at, Event::Input { tab: other, generation, input });
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
}
