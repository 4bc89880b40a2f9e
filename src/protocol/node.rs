//! One identity in one tab: either it leads, and then it holds the hub, the sessions and the signalling
//! connection, or it follows, and then it shows what the leader shows and hands on what people do.
//!
//! The driving contract: feed every event to [`Node::handle`] with the device's clock, carry out the outputs
//! in order, and call again with [`Input::Tick`] at [`Node::poll_timeout`]. Deadlines are recomputed each
//! time, so nothing is ever cancelled. When [`Output::Changed`] came, [`Node::view`] has something new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Context;
use super::effect::{
    BatchId, Durability, LinkEvent, LinkId, Output, SignallingEvent, StorageFailure,
};
use super::handover::{Given, Handover, Task};
use super::hub::Hub;
use super::random::Random;
use super::session::{Reach, Remembered, Session};
use super::signalling::{IdPolicy, Signalling};
use super::storage::{CachedPoll, Row, Stored};
use super::view::{
    AppView, Intent, Rejected, RoomView, SignallingView, StorageView, Summary, TabView,
};
use crate::domain::Timestamp;
use crate::domain::bug::{self, Bug};
use crate::domain::command::{CommandId, SignedCommand};
use crate::domain::identity::{KeyPair, RoomRef};
use crate::domain::log::Receipt;
use crate::domain::poll::{Action, Poll};

/// A tick this late means that the device slept.
const SLEPT_MS: u64 = 20_000;
/// Changes gather this long before other tabs are told.
const PUBLISH_AFTER_MS: u64 = 30;

/// What happens to a node.
#[derive(Debug)]
pub enum Input {
    /// This tab holds the lock, has raised the epoch and loaded everything.
    Lead {
        epoch: u64,
        rows: Vec<Row>,
        durable: bool,
    },
    /// A person did something. The id names the command that may come of it.
    Intent {
        intent: Intent,
        command: CommandId,
    },
    /// Which room this tab shows.
    Watch(Option<RoomRef>),
    /// A message from another tab.
    Tab(String),
    Committed(BatchId),
    CommitFailed(BatchId, StorageFailure),
    Signalling(SignallingEvent),
    Link(LinkId, LinkEvent),
    /// The page became visible, or came back from a cache.
    Wake,
    /// What the browser says about the network.
    Online(bool),
    /// The page goes away; it may come back.
    Suspend,
    Tick,
}

/// Between the tabs of one identity, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum TabMessage {
    /// A tab is here and shows this room.
    Hello {
        tab: u64,
        watching: Option<RoomRef>,
    },
    Bye {
        tab: u64,
    },
    /// A new leader: say hello again. Whoever led under a lower epoch leads no longer.
    Leading {
        epoch: u64,
    },
    /// Whoever led before has let go of the id at the signalling server.
    SteppedDown,
    View {
        epoch: u64,
        view: Box<AppView>,
    },
    Intent {
        tab: u64,
        intent: Intent,
        command: CommandId,
        given: Given,
        /// The leader that is asked, by its epoch, zero for whoever that is: another one is asked anew. A page that goes away
        /// asks whoever hears it.
        asked: Option<u64>,
    },
    /// The leader has an intent where it survives, or has answered it.
    Taken {
        command: CommandId,
    },
}

/// A clock that never goes backwards, over one that may.
#[derive(Debug, Default)]
struct Clock {
    wall: Timestamp,
    offset: u64,
}

impl Clock {
    fn advance(&mut self, wall: Timestamp) -> Timestamp {
        self.offset += self.wall.since(wall);
        self.wall = wall;
        wall.plus(self.offset)
    }

    fn to_wall(&self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_sub(self.offset))
    }
}

#[derive(Debug)]
enum Role {
    Following(Following),
    Leading(Box<Leading>),
}

impl Role {
    /// Lets go of all that a leader holds; what it has not saved is the desk's. `false` if this tab does not lead.
    fn stop_leading(&mut self, cx: &mut Context<'_>, desk: &mut Desk) -> bool {
        let Self::Leading(leading) = self else { return false };
        desk.handover.keep(leading.unsaved());
        leading.stop(cx);
        *self = Self::Following(Following::default());
        // Another tab may lead already, and this one may just have taken the id from it.
        broadcast(cx, &TabMessage::SteppedDown);
        true
    }
}

#[derive(Debug, Default)]
struct Following {
    shown: Option<Box<AppView>>,
}

#[derive(Debug)]
struct Leading {
    epoch: u64,
    /// Commits up to this one were begun before this tab led.
    last_before: BatchId,
    /// Another tab leads now: this one steps down as soon as it has heard of it.
    superseded: bool,
    hub: Hub,
    sessions: BTreeMap<RoomRef, Session>,
    signalling: Signalling,
    /// Joined rooms without a session.
    resting: BTreeMap<RoomRef, Resting>,
    /// What other tabs show.
    tabs: BTreeMap<u64, Option<RoomRef>>,
    /// Commands from other tabs that storage does not have yet, and who gave them.
    owed: BTreeMap<CommandId, u64>,
    publish_at: Option<Timestamp>,
    /// Commits of ours that nobody waits for.
    housekeeping: BTreeSet<BatchId>,
}

#[derive(Debug, Default)]
struct Resting {
    cached: Option<CachedPoll>,
    receipt: Option<Receipt>,
    rejected: Vec<Rejected>,
    answered: BTreeSet<CommandId>,
}

/// What every machine draws on.
#[derive(Debug)]
struct Core {
    key: KeyPair,
    random: Random,
    next_batch: u64,
    next_link: u64,
}

impl Core {
    fn cx<'a>(
        &'a mut self,
        now: Timestamp,
        wall: Timestamp,
        out: &'a mut Vec<Output>,
    ) -> Context<'a> {
        Context {
            now,
            wall,
            key: &self.key,
            random: &mut self.random,
            out,
            next_batch: &mut self.next_batch,
            next_link: &mut self.next_link,
        }
    }
}

/// What is this tab's own, whoever leads.
#[derive(Debug)]
struct Desk {
    tab: u64,
    watching: Option<RoomRef>,
    /// Done here, and not known to be with the leader.
    handover: Handover,
    /// The newest leader that this tab knows of, by its epoch, or zero.
    leader: u64,
    online: bool,
}

impl Desk {
    /// Asks whoever leads for what comes next, if it is time for that.
    fn ask(&mut self, cx: &mut Context<'_>) {
        let tasks = self.handover.next_to_ask();
        self.send(cx, tasks, Some(self.leader));
    }

    fn send(&self, cx: &mut Context<'_>, tasks: Vec<Task>, asked: Option<u64>) {
        let tab = self.tab;
        for (command, intent, given) in tasks {
            broadcast(cx, &TabMessage::Intent { tab, intent, command, given, asked });
        }
    }

    fn hear_of_leader(&mut self, epoch: u64) {
        self.leader = self.leader.max(epoch);
    }

    /// An event may tell what became of something that was being saved when this tab stopped leading.
    fn hear_outcome(&mut self, input: &Input) {
        match input {
            Input::Committed(batch) => self.handover.committed(*batch),
            Input::CommitFailed(batch, _) => self.handover.failed(*batch),
            _ => {}
        }
    }
}

#[derive(Debug)]
pub struct Node {
    core: Core,
    desk: Desk,
    role: Role,
    clock: Clock,
    due: Option<Timestamp>,
}

impl Node {
    /// `seed` is 32 secret random bytes: nonces and jitter are drawn from it.
    pub fn new(key: KeyPair, seed: [u8; 32]) -> Self {
        let mut random = Random::new(seed);
        let tab = random.up_to(u64::MAX - 1);
        Self {
            core: Core { key, random, next_batch: 0, next_link: 0 },
            desk: Desk {
                tab,
                watching: None,
                handover: Handover::default(),
                leader: 0,
                online: true,
            },
            role: Role::Following(Following::default()),
            clock: Clock::default(),
            due: None,
        }
    }

    pub fn is_leading(&self) -> bool {
        matches!(self.role, Role::Leading(_))
    }

    /// Whether closing this tab would cut others off.
    pub fn serves_others(&self) -> bool {
        self.hub().is_some_and(Hub::has_members)
    }

    /// Which room this tab shows.
    pub fn watching(&self) -> Option<RoomRef> {
        self.desk.watching
    }

    /// The owner's side, while leading.
    pub fn hub(&self) -> Option<&Hub> {
        match &self.role {
            Role::Leading(leading) => Some(&leading.hub),
            Role::Following(_) => None,
        }
    }

    /// What a participant has of a room from its owner, without our unconfirmed commands.
    pub fn confirmed(&self, room: RoomRef) -> Option<&Poll> {
        match &self.role {
            Role::Leading(leading) => leading.sessions.get(&room)?.poll().map(AsRef::as_ref),
            Role::Following(_) => None,
        }
    }

    /// Everything there is to show.
    pub fn view(&self) -> AppView {
        match &self.role {
            Role::Leading(leading) => leading.view(&self.core.key, self.desk.watching),
            Role::Following(Following { shown: Some(shown) }) => {
                AppView { tab: TabView::Following, ..AppView::clone(shown) }
            }
            Role::Following(Following { shown: None }) => AppView {
                me: self.core.key.public(),
                tab: TabView::Starting,
                signalling: SignallingView::Off,
                storage: StorageView::Working,
                owned: Vec::new(),
                joined: Vec::new(),
                rooms: Vec::new(),
            },
        }
    }

    /// When to call [`Node::handle`] with [`Input::Tick`], by the device's clock.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.due.map(|due| self.clock.to_wall(due))
    }

    /// Takes one event; `wall` is the device's clock.
    #[must_use]
    pub fn handle(&mut self, wall: Timestamp, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        let now = self.clock.advance(wall);
        let slept = self.due.is_some_and(|due| now.since(due) > SLEPT_MS);
        let mut cx = self.core.cx(now, wall, &mut out);
        self.desk.hear_outcome(&input);
        match (&mut self.role, input) {
            (role, Input::Lead { epoch, rows, durable }) => {
                self.desk.hear_of_leader(epoch);
                if let Role::Leading(before) = role {
                    self.desk.handover.keep(before.unsaved());
                    before.stop(&mut cx);
                }
                let leading = Leading::start(&mut cx, &mut self.desk, epoch, rows, durable);
                *role = Role::Leading(Box::new(leading));
            }
            (role, Input::Suspend) => {
                if !role.stop_leading(&mut cx, &mut self.desk) {
                    let tasks = self.desk.handover.let_go();
                    self.desk.send(&mut cx, tasks, None);
                }
                broadcast(&mut cx, &TabMessage::Bye { tab: self.desk.tab });
            }
            (role, Input::Online(online)) => {
                let back = online && !self.desk.online;
                self.desk.online = online;
                if let Role::Leading(leading) = role {
                    leading.signalling.set_online(online);
                    if back {
                        leading.wake(&mut cx);
                    }
                    cx.changed();
                }
            }
            (_, Input::Intent { intent, command }) => self.desk.handover.give(command, intent),
            (Role::Leading(leading), input) => {
                leading.handle(&mut cx, &mut self.desk, input, slept);
            }
            (Role::Following(following), input) => following.handle(&mut cx, &mut self.desk, input),
        }
        if let Role::Leading(leading) = &self.role
            && leading.superseded
        {
            self.role.stop_leading(&mut cx, &mut self.desk);
            cx.out.push(Output::StepDown);
            let Desk { tab, watching, .. } = self.desk;
            broadcast(&mut cx, &TabMessage::Hello { tab, watching });
            cx.changed();
        }
        match &mut self.role {
            Role::Leading(leading) => {
                leading.adopt(&mut cx, &mut self.desk);
                leading.settle(&mut cx, &self.desk);
            }
            Role::Following(_) => self.desk.ask(&mut cx),
        }
        self.due = match &self.role {
            Role::Leading(leading) => leading.poll_timeout(),
            Role::Following(_) => None,
        };
        out
    }
}

impl Following {
    fn handle(&mut self, cx: &mut Context<'_>, desk: &mut Desk, input: Input) {
        match input {
            Input::Watch(room) => {
                desk.watching = room;
                broadcast(cx, &TabMessage::Hello { tab: desk.tab, watching: room });
                // This page may have been away, and not have heard what was said meanwhile.
                desk.handover.ask_again();
                cx.changed();
            }
            Input::Tab(text) => match serde_json::from_str(&text) {
                Ok(TabMessage::Leading { epoch }) => {
                    desk.hear_of_leader(epoch);
                    broadcast(cx, &TabMessage::Hello { tab: desk.tab, watching: desk.watching });
                    desk.handover.ask_again();
                }
                Ok(TabMessage::View { epoch, view }) => {
                    desk.hear_of_leader(epoch);
                    self.shown = Some(view);
                    cx.changed();
                }
                Ok(TabMessage::Taken { command }) => desk.handover.taken(command),
                // Meant for the leader, or from a tab of another version.
                Ok(
                    TabMessage::Hello { .. }
                    | TabMessage::Bye { .. }
                    | TabMessage::Intent { .. }
                    | TabMessage::SteppedDown,
                )
                | Err(_) => {}
            },
            // Handled by the node, whatever its role, or from before stepping down.
            Input::Lead { .. }
            | Input::Intent { .. }
            | Input::Committed(_)
            | Input::CommitFailed(..)
            | Input::Signalling(_)
            | Input::Link(..)
            | Input::Wake
            | Input::Online(_)
            | Input::Suspend
            | Input::Tick => {}
        }
    }
}

impl Leading {
    fn start(
        cx: &mut Context<'_>,
        desk: &mut Desk,
        epoch: u64,
        rows: Vec<Row>,
        durable: bool,
    ) -> Self {
        let mut stored = Stored::parse(rows);
        let hub = Hub::new(cx, &mut stored, durable);
        let mut signalling = Signalling::new();
        signalling.set_online(desk.online);
        let mut leading = Self {
            epoch,
            last_before: BatchId(*cx.next_batch),
            superseded: false,
            hub,
            sessions: BTreeMap::new(),
            signalling,
            resting: BTreeMap::new(),
            tabs: BTreeMap::new(),
            owed: BTreeMap::new(),
            publish_at: None,
            housekeeping: BTreeSet::new(),
        };
        let rooms: BTreeSet<RoomRef> =
            stored.rooms.keys().chain(stored.answered.keys()).copied().collect();
        for room in rooms {
            let resting = Resting {
                cached: stored.rooms.remove(&room),
                receipt: stored.receipts.remove(&room),
                rejected: Vec::new(),
                answered: stored.answered.remove(&room).unwrap_or_default(),
            };
            leading.resting.insert(room, resting);
        }
        for (room, outbox) in stored.outboxes {
            leading.open(cx, room, outbox);
        }
        leading.settle(cx, desk);
        desk.handover.ask_again();
        broadcast(cx, &TabMessage::Leading { epoch });
        cx.changed();
        leading
    }

    /// Does what was done here and had to wait.
    fn adopt(&mut self, cx: &mut Context<'_>, desk: &mut Desk) {
        for (command, intent, given) in desk.handover.take() {
            self.intent(cx, command, intent, given);
        }
    }

    fn stop(&mut self, cx: &mut Context<'_>) {
        self.hub.stop(cx);
        for session in self.sessions.values_mut() {
            session.stop(cx);
        }
        self.signalling.stop(cx);
    }

    fn handle(&mut self, cx: &mut Context<'_>, desk: &mut Desk, input: Input, slept: bool) {
        match input {
            Input::Watch(room) => {
                desk.watching = room;
                cx.changed();
            }
            Input::Tab(text) => self.tab(cx, desk, &text),
            Input::Committed(batch) => self.committed(cx, batch),
            Input::CommitFailed(batch, failure) => self.commit_failed(cx, batch, failure),
            Input::Signalling(event) => self.signalling(cx, &event),
            Input::Link(id @ LinkId::Accepted(_), event) => {
                let my_id = self.signalling.id().to_owned();
                self.hub.on_link(cx, id, &my_id, event);
            }
            Input::Link(id @ LinkId::Dialled(_), event) => {
                if let Some(session) =
                    self.sessions.values_mut().find(|session| session.owns_link(id))
                {
                    session.on_link(cx, event);
                }
            }
            Input::Wake => self.wake(cx),
            Input::Tick => {
                if slept {
                    self.wake(cx);
                }
                self.tick(cx);
            }
            // Handled by the node, whatever its role.
            Input::Lead { .. } | Input::Intent { .. } | Input::Online(_) | Input::Suspend => {}
        }
    }

    fn intent(&mut self, cx: &mut Context<'_>, command: CommandId, intent: Intent, given: Given) {
        match intent {
            Intent::Create { poll, draft } => {
                self.hub.act(cx, command, poll, Action::Create(draft));
            }
            Intent::Act { room, action } if room.owner == cx.key.public() => {
                self.hub.act(cx, command, room.poll, action);
            }
            Intent::Act { room, action } => {
                if given == Given::Earlier {
                    self.open(cx, room, Vec::new());
                }
                match (self.sessions.get_mut(&room), given) {
                    (Some(session), Given::Now) => session.act(cx, command, action),
                    (Some(session), Given::Earlier) => session.adopt(cx, command, action),
                    (None, _) => {}
                }
            }
            Intent::TryNow => {
                if !self.signalling.is_open() {
                    self.signalling.wake(cx);
                }
                for session in self.sessions.values_mut().filter(|session| !session.is_live()) {
                    session.wake(cx);
                }
            }
            Intent::Dismiss { room, command } if room.owner == cx.key.public() => {
                self.hub.dismiss(cx, room.poll, command);
            }
            Intent::Dismiss { room, command } => {
                if let Some(session) = self.sessions.get_mut(&room) {
                    session.dismiss(cx, command);
                }
            }
            Intent::Forget { room } => {
                self.resting.remove(&room);
                let batch = cx.commit(vec![Row::forget(room)], Durability::Relaxed);
                self.housekeeping.insert(batch);
                cx.changed();
            }
        }
    }

    fn tab(&mut self, cx: &mut Context<'_>, desk: &mut Desk, text: &str) {
        match serde_json::from_str(text) {
            Ok(TabMessage::Hello { tab, watching }) => {
                self.tabs.insert(tab, watching);
                self.publish_at = Some(cx.now);
            }
            Ok(TabMessage::Bye { tab }) => {
                self.tabs.remove(&tab);
                // Nobody else has them any more: they are ours.
                self.owed.retain(|_, giver| *giver != tab);
            }
            // Another tab took the lead while this one was frozen, and says so or is asked.
            Ok(TabMessage::Leading { epoch } | TabMessage::Intent { asked: Some(epoch), .. })
                if epoch > self.epoch =>
            {
                desk.hear_of_leader(epoch);
                self.superseded |= !bug::on(Bug::ExLeaderLeadsOn);
            }
            // An older leader was asked, and may have turned it down. Whoever still wants it asks again.
            Ok(TabMessage::Intent { asked: Some(epoch), .. }) if epoch < self.epoch => {
                broadcast(cx, &TabMessage::Leading { epoch: self.epoch });
            }
            Ok(TabMessage::Intent { tab, intent, command, given, .. }) => {
                // Its room may be one that no tab was known to show.
                if let Intent::Act { room, .. } = &intent {
                    self.open(cx, *room, Vec::new());
                }
                self.owed.insert(command, tab);
                self.intent(cx, command, intent, given);
            }
            Ok(TabMessage::SteppedDown) => self.signalling.renew(cx),
            // And an older leader may say anything, and a tab of another version what this one does not understand.
            Ok(TabMessage::Leading { .. } | TabMessage::View { .. } | TabMessage::Taken { .. })
            | Err(_) => {}
        }
    }

    fn committed(&mut self, cx: &mut Context<'_>, batch: BatchId) {
        if !self.housekeeping.remove(&batch) && !self.hub.committed(cx, batch) {
            // At most one session knows the batch.
            let _ = self.sessions.values_mut().any(|session| session.committed(cx, batch));
        }
    }

    fn commit_failed(&mut self, cx: &mut Context<'_>, batch: BatchId, failure: StorageFailure) {
        self.superseded |= failure == StorageFailure::Fenced && batch > self.last_before;
        cx.changed();
        if !self.housekeeping.remove(&batch) && !self.hub.commit_failed(cx, batch, failure) {
            // At most one session knows the batch.
            let _ =
                self.sessions.values_mut().any(|session| session.commit_failed(cx, batch, failure));
        }
    }

    fn signalling(&mut self, cx: &mut Context<'_>, event: &SignallingEvent) {
        let policy = self.id_policy();
        let usable = self.signalling.on_event(cx, event, policy);
        if usable && self.hub.is_hosting() {
            self.hub.announce(cx);
        }
        match event {
            SignallingEvent::PeerUnavailable { remote } => {
                self.sessions_with(remote).for_each(|session| session.on_owner_unavailable(cx));
            }
            SignallingEvent::PeerLeft { remote } => {
                self.sessions_with(remote).for_each(|session| session.on_owner_back(cx));
            }
            SignallingEvent::Opened
            | SignallingEvent::Lost
            | SignallingEvent::IdTaken
            | SignallingEvent::Destroyed => {}
        }
        cx.changed();
    }

    fn sessions_with(&mut self, owner_id: &str) -> impl Iterator<Item = &mut Session> {
        self.sessions.values_mut().filter(move |session| session.room().owner.peer_id() == owner_id)
    }

    fn id_policy(&self) -> IdPolicy {
        if self.hub.is_hosting() { IdPolicy::Exact } else { IdPolicy::AnySuffix }
    }

    /// The transport may be dead and nobody said so: ask everywhere.
    fn wake(&mut self, cx: &mut Context<'_>) {
        self.signalling.wake(cx);
        self.hub.wake(cx);
        for session in self.sessions.values_mut() {
            session.wake(cx);
        }
        cx.changed();
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.signalling.tick(cx);
        self.hub.tick(cx);
        let reach = Reach { open: self.signalling.is_open(), id: self.signalling.id() };
        for session in self.sessions.values_mut() {
            session.tick(cx, reach);
        }
    }

    /// Starts a session unless there is one; our own rooms are the hub's.
    fn open(&mut self, cx: &mut Context<'_>, room: RoomRef, outbox: Vec<(u64, SignedCommand)>) {
        if room.owner != cx.key.public() && !self.sessions.contains_key(&room) {
            let Resting { cached, receipt, rejected, answered } =
                self.resting.remove(&room).unwrap_or_default();
            let remembered = Remembered { outbox, cached, receipt, rejected, answered };
            self.sessions.insert(room, Session::new(room, remembered, cx.now));
            cx.changed();
        }
    }

    /// After every event: sessions for what is shown, signalling where it is needed, dials where they are
    /// due, and word to the other tabs.
    fn settle(&mut self, cx: &mut Context<'_>, desk: &Desk) {
        let watched: BTreeSet<RoomRef> = self.watched(desk.watching).collect();
        for room in &watched {
            self.open(cx, *room, Vec::new());
        }
        let idle: Vec<RoomRef> = self
            .sessions
            .iter()
            .filter(|(room, session)| !watched.contains(room) && session.is_idle())
            .map(|(room, _)| *room)
            .collect();
        for room in idle {
            self.rest(cx, room);
        }
        if self.hub.is_hosting() || !self.sessions.is_empty() {
            let misnamed = self.hub.is_hosting()
                && !self.signalling.id().is_empty()
                && self.signalling.id() != cx.key.public().peer_id();
            if misnamed {
                // The first poll of somebody who joined under a suffix: links must name the plain id.
                for session in self.sessions.values_mut() {
                    session.stop(cx);
                }
                self.signalling.stop(cx);
            }
            self.signalling.want(cx);
        } else {
            self.signalling.stop(cx);
        }
        let reach = Reach { open: self.signalling.is_open(), id: self.signalling.id() };
        for session in self.sessions.values_mut() {
            session.reach(cx, reach);
        }
        let taken: Vec<CommandId> =
            self.owed.keys().copied().filter(|command| !self.is_volatile(*command)).collect();
        for command in taken {
            self.owed.remove(&command);
            broadcast(cx, &TabMessage::Taken { command });
        }
        self.publish(cx, desk);
    }

    fn is_volatile(&self, command: CommandId) -> bool {
        self.hub.is_volatile(command)
            || self.sessions.values().any(|session| session.outbox().is_volatile(command))
    }

    /// What storage does not have yet and no other tab has. What a tab gave that is still there is its own to give again: a
    /// later leader may have answered it.
    fn unsaved(&self) -> impl Iterator<Item = (Option<BatchId>, CommandId, Intent)> {
        let unsaved = self.sessions.values().flat_map(Session::unsaved).chain(self.hub.unsaved());
        let own = unsaved.filter(|(_, signed)| !self.owed.contains_key(&signed.command.id));
        own.map(|(batch, SignedCommand { command, .. })| {
            let room = command.room;
            let intent = match command.action.clone() {
                Action::Create(draft) => Intent::Create { poll: room.poll, draft },
                action => Intent::Act { room, action },
            };
            (batch, command.id, intent)
        })
    }

    /// Ends a session that nobody looks at and that has nothing left to deliver.
    fn rest(&mut self, cx: &mut Context<'_>, room: RoomRef) {
        if let Some(mut session) = self.sessions.remove(&room) {
            session.stop(cx);
            let (cached, receipt) = (session.cached(), session.receipt().cloned());
            let (rejected, answered) = (session.rejected().to_vec(), session.answered().clone());
            self.resting.insert(room, Resting { cached, receipt, rejected, answered });
            cx.changed();
        }
    }

    fn publish(&mut self, cx: &mut Context<'_>, desk: &Desk) {
        if self.tabs.is_empty() {
            self.publish_at = None;
            return;
        }
        if cx.out.contains(&Output::Changed) {
            self.publish_at.get_or_insert(cx.now.plus(PUBLISH_AFTER_MS));
        }
        if self.publish_at.is_some_and(|at| cx.now >= at) {
            self.publish_at = None;
            let view = Box::new(self.view(cx.key, desk.watching));
            broadcast(cx, &TabMessage::View { epoch: self.epoch, view });
        }
    }

    fn watched(&self, here: Option<RoomRef>) -> impl Iterator<Item = RoomRef> {
        self.tabs.values().copied().chain([here]).flatten()
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        let machines = [self.signalling.poll_timeout(), self.hub.poll_timeout(), self.publish_at];
        machines
            .into_iter()
            .chain(self.sessions.values().map(Session::poll_timeout))
            .flatten()
            .min()
    }

    fn view(&self, key: &KeyPair, here: Option<RoomRef>) -> AppView {
        let me = key.public();
        let signalling = self.signalling.view();
        let watched: BTreeSet<RoomRef> = self.watched(here).collect();
        let rooms = watched.into_iter().filter_map(|room| self.room(key, room, signalling));
        AppView {
            me,
            tab: TabView::Leading,
            signalling,
            storage: self.hub.storage(),
            owned: self.hub.summaries(),
            joined: self.joined(),
            rooms: rooms.map(Arc::new).collect(),
        }
    }

    fn room(&self, key: &KeyPair, room: RoomRef, signalling: SignallingView) -> Option<RoomView> {
        if room.owner == key.public() {
            return Some(self.hub.view(room.poll, signalling));
        }
        self.sessions.get(&room).map(|session| session.view(key.public(), signalling))
    }

    fn joined(&self) -> Vec<Summary> {
        let active = self.sessions.values().filter_map(|s| Some((s.room(), s.cached()?)));
        let resting = self.resting.iter().filter_map(|(room, r)| Some((*room, r.cached.clone()?)));
        let mut joined: Vec<Summary> = active
            .chain(resting)
            .map(|(room, CachedPoll { poll, at_ms, .. })| Summary {
                room,
                question: poll.question.to_string(),
                open: poll.open,
                voters: poll.votes.len(),
                at: at_ms,
            })
            .collect();
        joined.sort_by(|a, b| b.at.cmp(&a.at).then(a.room.cmp(&b.room)));
        joined
    }
}

fn broadcast(cx: &mut Context<'_>, message: &TabMessage) {
    // Our own types hold only strings, numbers and maps with string keys: nothing here can fail.
    cx.out.push(Output::Broadcast(serde_json::to_string(message).unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::tests::{room, signed};
    use crate::domain::log::Log;
    use crate::domain::poll::Choice;
    use crate::domain::poll::tests::draft;
    use crate::protocol::effect::SignallingCommand;

    const START: Timestamp = Timestamp(1_700_000_000_000);

    /// A leading tab that dials the owner of [`room`], found through a socket that opened at `START`.
    fn dialling() -> Node {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [2; 32]);
        let lead = Input::Lead { epoch: 1, rows: Vec::new(), durable: true };
        let opened = Input::Signalling(SignallingEvent::Opened);
        let outputs: Vec<Output> = [lead, Input::Watch(Some(room())), opened]
            .into_iter()
            .flat_map(|input| node.handle(START, input))
            .collect();
        assert!(outputs.iter().any(|output| matches!(output, Output::Dial { .. })));
        node
    }

    /// Whether the node no longer believes its socket.
    fn is_renewed(outputs: &[Output]) -> bool {
        outputs.contains(&Output::Signalling(SignallingCommand::Reconnect))
    }

    #[test]
    fn time_never_goes_backwards_and_goes_on_when_the_clock_does() {
        let mut clock = Clock::default();
        let wall = [100, 60, 70, 50, 50, 55].map(Timestamp);
        let now = wall.map(|wall| clock.advance(wall).0);
        assert_eq!(now, [100, 100, 110, 110, 110, 115]);
        assert_eq!(clock.to_wall(Timestamp(125)), Timestamp(65));
    }

    #[test]
    fn a_tick_that_is_very_late_means_that_the_device_slept() {
        for (late, slept) in [(SLEPT_MS, false), (SLEPT_MS + 1, true)] {
            let mut node = dialling();
            let due = node.poll_timeout().expect("the dial has a deadline");
            assert_eq!(is_renewed(&node.handle(due.plus(late), Input::Tick)), slept, "{late} ms");
        }
    }

    fn vote() -> Intent {
        let vote = crate::domain::poll::Vote::default();
        Intent::Act { room: room(), action: Action::Vote(vote) }
    }

    fn command() -> CommandId {
        CommandId(uuid::Uuid::from_u128(7))
    }

    fn saves_a_command(outputs: &[Output]) -> bool {
        outputs.iter().any(|output| match output {
            Output::Commit(batch) => {
                batch.rows.iter().any(|row| row.store == crate::protocol::storage::Store::Outbox)
            }
            _ => false,
        })
    }

    #[test]
    fn what_was_given_while_following_is_saved_also_when_its_room_is_not_shown_any_more() {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [2; 32]);
        let given = node.handle(START, Input::Intent { intent: vote(), command: command() });
        assert!(!saves_a_command(&given));
        let lead = Input::Lead { epoch: 1, rows: Vec::new(), durable: true };
        assert!(saves_a_command(&node.handle(START, lead)));
    }

    #[test]
    fn what_is_given_now_for_a_room_that_is_not_shown_goes_nowhere() {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [2; 32]);
        let lead = Input::Lead { epoch: 1, rows: Vec::new(), durable: true };
        let _ = node.handle(START, lead);
        let given = node.handle(START, Input::Intent { intent: vote(), command: command() });
        assert_eq!(given, []);
    }

    #[test]
    fn only_a_later_leader_supersedes() {
        for (epoch, leads) in [(0, true), (1, true), (2, false)] {
            let mut node = dialling();
            let text = serde_json::to_string(&TabMessage::Leading { epoch }).expect("serialises");
            let outputs = node.handle(START, Input::Tab(text));
            assert_eq!(node.is_leading(), leads, "{epoch}");
            assert_eq!(outputs.contains(&Output::StepDown), !leads, "{epoch}");
        }
    }

    #[test]
    fn a_leader_that_was_superseded_hands_over_what_no_other_tab_has() {
        let text = |message: &TabMessage| serde_json::to_string(message).expect("serialises");
        let by_another = TabMessage::Intent {
            tab: 7,
            intent: vote(),
            command: command(),
            given: Given::Earlier,
            asked: Some(1),
        };
        let gone = |tab| Input::Tab(text(&TabMessage::Bye { tab }));
        // While the other tab is there, it does, and may have its answer.
        let cases: [(Option<u64>, &[CommandId]); 3] =
            [(None, &[]), (Some(8), &[]), (Some(7), &[command()])];
        for (left, expected) in cases {
            let mut node = dialling();
            let saving = node.handle(START, Input::Tab(text(&by_another)));
            assert!(saves_a_command(&saving));
            let [batch] = batches(&saving)[..] else { panic!("{saving:?}") };
            if let Some(tab) = left {
                let _ = node.handle(START, gone(tab));
            }
            let _ = node.handle(START, leads(2));
            let failed = Input::CommitFailed(batch, StorageFailure::Fenced);
            assert_eq!(handed_over(&node.handle(START, failed)), expected, "{left:?}");
        }
    }

    /// A tab that led under epoch 1 and was superseded while a commit was about to save a vote.
    fn superseded_while_saving() -> (Node, BatchId) {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
        let _ = node.handle(START, Input::Intent { intent: vote(), command: command() });
        let saving = node.handle(START, lead(1));
        assert!(saves_a_command(&saving));
        let [batch] = batches(&saving)[..] else { panic!("{saving:?}") };
        assert_eq!(handed_over(&node.handle(START, leads(2))), []);
        (node, batch)
    }

    fn lead(epoch: u64) -> Input {
        Input::Lead { epoch, rows: Vec::new(), durable: true }
    }

    /// Another tab says that it leads.
    fn leads(epoch: u64) -> Input {
        Input::Tab(serde_json::to_string(&TabMessage::Leading { epoch }).expect("serialises"))
    }

    /// The commands that other tabs are asked to take over.
    fn handed_over(outputs: &[Output]) -> Vec<CommandId> {
        let command = |output: &Output| match output {
            Output::Broadcast(text) => match serde_json::from_str(text) {
                Ok(TabMessage::Intent { command, given: Given::Earlier, .. }) => Some(command),
                _ => None,
            },
            _ => None,
        };
        outputs.iter().filter_map(command).collect()
    }

    #[test]
    fn a_leader_that_was_superseded_while_it_saved_hands_over_only_what_failed() {
        for (fails, expected) in [(false, vec![]), (true, vec![command()])] {
            let (mut node, batch) = superseded_while_saving();
            let outcome = if fails {
                Input::CommitFailed(batch, StorageFailure::Fenced)
            } else {
                Input::Committed(batch)
            };
            assert_eq!(handed_over(&node.handle(START, outcome)), expected);
            // And again to every later leader, until one has it.
            assert_eq!(handed_over(&node.handle(START, leads(3))), expected);
            let taken = TabMessage::Taken { command: command() };
            let taken = serde_json::to_string(&taken).expect("serialises");
            let _ = node.handle(START, Input::Tab(taken));
            assert_eq!(handed_over(&node.handle(START, leads(4))), []);
        }
    }

    #[test]
    fn what_is_done_behind_what_is_being_saved_has_its_turn_once_that_is_saved() {
        let (mut node, batch) = superseded_while_saving();
        let later = CommandId(uuid::Uuid::from_u128(8));
        let _ = node.handle(START, Input::Intent { intent: vote(), command: later });
        assert_eq!(handed_over(&node.handle(START, leads(3))), []);
        assert_eq!(handed_over(&node.handle(START, Input::Committed(batch))), [later]);
    }

    #[test]
    fn who_leads_again_saves_what_failed_meanwhile_and_goes_on_leading() {
        for failure in [StorageFailure::Fenced, StorageFailure::Quota] {
            let (mut node, batch) = superseded_while_saving();
            assert!(!saves_a_command(&node.handle(START, lead(3))), "it may be saved by now");
            assert!(saves_a_command(&node.handle(START, Input::CommitFailed(batch, failure))));
            assert!(node.is_leading(), "{failure:?} of a commit from before");
        }
    }

    #[test]
    fn a_commit_of_this_lead_that_is_fenced_ends_it_and_no_other_failure_does() {
        for (failure, goes_on) in [(StorageFailure::Fenced, false), (StorageFailure::Quota, true)] {
            let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
            let _ = node.handle(START, Input::Intent { intent: vote(), command: command() });
            let saving = node.handle(START, lead(1));
            let [batch] = batches(&saving)[..] else { panic!("{saving:?}") };
            let outputs = node.handle(START, Input::CommitFailed(batch, failure));
            assert_eq!(node.is_leading(), goes_on, "{failure:?}");
            assert_eq!(outputs.contains(&Output::StepDown), !goes_on, "{failure:?}");
        }
    }

    #[test]
    fn whoever_stops_leading_says_that_the_id_is_let_go() {
        let stepped_down = || {
            let text = serde_json::to_string(&TabMessage::SteppedDown).expect("serialises");
            Output::Broadcast(text)
        };
        for (input, led) in [(Input::Suspend, true), (leads(2), true), (Input::Suspend, false)] {
            let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
            if led {
                let _ = node.handle(START, lead(1));
            }
            assert_eq!(node.handle(START, input).contains(&stepped_down()), led);
        }
    }

    #[test]
    fn what_a_page_was_saving_when_it_was_left_is_saved_when_it_comes_back() {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
        let _ = node.handle(START, Input::Intent { intent: vote(), command: command() });
        let saving = node.handle(START, lead(1));
        let [batch] = batches(&saving)[..] else { panic!("{saving:?}") };
        let _ = node.handle(START, Input::Suspend);
        let failed = Input::CommitFailed(batch, StorageFailure::Unavailable);
        assert_eq!(handed_over(&node.handle(START, failed)), [command()]);
        let back = node.handle(START, Input::Watch(None));
        assert_eq!(handed_over(&back), [command()], "nobody may have led before");
        assert!(saves_a_command(&node.handle(START, lead(2))));
    }

    #[test]
    fn a_page_that_is_left_asks_for_everything_at_last_and_leaves_it_to_the_leader() {
        let ids = [9, 7].map(|number| CommandId(uuid::Uuid::from_u128(number)));
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
        let asked = |outputs: &[Output]| -> Vec<CommandId> {
            let broadcasts = outputs.iter().filter_map(|output| match output {
                Output::Broadcast(text) => serde_json::from_str(text).ok(),
                _ => None,
            });
            broadcasts
                .filter_map(|message| match message {
                    TabMessage::Intent { command, .. } => Some(command),
                    _ => None,
                })
                .collect()
        };
        let mut handle = |input| asked(&node.handle(START, input));
        assert_eq!(handle(Input::Intent { intent: vote(), command: ids[0] }), [ids[0]]);
        assert_eq!(handle(Input::Intent { intent: vote(), command: ids[1] }), []);
        assert_eq!(handle(Input::Suspend), [ids[1]]);
        assert_eq!(handle(Input::Watch(None)), []);
        assert!(!saves_a_command(&node.handle(START, lead(2))));
    }

    #[test]
    fn whoever_leads_twice_goes_on_from_what_it_had() {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
        let _ = node.handle(START, Input::Intent { intent: vote(), command: command() });
        let saving = node.handle(START, lead(1));
        let [batch] = batches(&saving)[..] else { panic!("{saving:?}") };
        assert!(!saves_a_command(&node.handle(START, lead(2))), "it may be saved by now");
        let failed = Input::CommitFailed(batch, StorageFailure::Fenced);
        assert!(saves_a_command(&node.handle(START, failed)));
        assert!(node.is_leading());
    }

    #[test]
    fn what_is_done_while_leading_again_does_not_overtake_what_is_not_decided() {
        let (mut node, batch) = superseded_while_saving();
        let _ = node.handle(START, lead(3));
        let later = CommandId(uuid::Uuid::from_u128(1));
        let given = node.handle(START, Input::Intent { intent: vote(), command: later });
        assert!(!saves_a_command(&given));
        let failed = Input::CommitFailed(batch, StorageFailure::Fenced);
        let saved: Vec<String> = node
            .handle(START, failed)
            .into_iter()
            .filter_map(|output| match output {
                Output::Commit(batch) => batch.rows[0].value.clone(),
                _ => None,
            })
            .collect();
        assert_eq!(saved.len(), 1, "the later one was given while nobody was connected: {saved:?}");
        assert!(saved[0].contains(&command().0.to_string()));
    }

    #[test]
    fn what_was_given_while_following_is_saved_in_the_order_in_which_it_was_given() {
        let [first, second] = [9, 7].map(|number| CommandId(uuid::Uuid::from_u128(number)));
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
        for command in [first, second] {
            let _ = node.handle(START, Input::Intent { intent: vote(), command });
        }
        assert_eq!(handed_over(&node.handle(START, leads(2))), [first]);
        let _ = node.handle(START, Input::Watch(Some(room())));
        let _ = node.handle(START, lead(3));
        let pending: Vec<CommandId> =
            node.view().rooms[0].pending.iter().map(|pending| pending.id).collect();
        assert_eq!(pending, [first, second]);
    }

    #[test]
    fn try_now_dials_what_waits() {
        let mut node = dialling();
        let remote = room().owner.peer_id();
        let unavailable = SignallingEvent::PeerUnavailable { remote };
        let outputs = node.handle(START, Input::Signalling(unavailable));
        let dials = |outputs: &[Output]| {
            outputs.iter().filter(|output| matches!(output, Output::Dial { .. })).count()
        };
        assert_eq!(dials(&outputs), 0, "it waits before it tries again");
        let now = Input::Intent { intent: Intent::TryNow, command: command() };
        let outputs = node.handle(START, now);
        assert_eq!((dials(&outputs), is_renewed(&outputs)), (1, false));
    }

    #[test]
    fn try_now_looks_for_the_signalling_server_where_that_is_lost() {
        let mut node = dialling();
        let lost = node.handle(START, Input::Signalling(SignallingEvent::Lost));
        assert!(!is_renewed(&lost), "it waits before it tries again");
        let now = Input::Intent { intent: Intent::TryNow, command: command() };
        assert!(is_renewed(&node.handle(START, now)));
    }

    #[test]
    fn an_owner_announces_its_return_once_it_can_be_reached_and_at_no_other_time() {
        let key = KeyPair::from_seed(&[1; 32]);
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        let (_, record) = Log::found(create, START, &key).expect("a draft");
        let visitor = "visitor".to_owned();
        let visitors = BTreeSet::from([visitor.clone()]);
        let rows = vec![Row::record(&record), Row::visitors(room().poll, &visitors)];
        let mut node = Node::new(key, [1; 32]);
        let mut announces = |input: Input| {
            let announced = SignallingCommand::Leave { peers: vec![visitor.clone()] };
            node.handle(START, input).contains(&Output::Signalling(announced))
        };
        assert!(!announces(Input::Lead { epoch: 1, rows, durable: true }));
        assert!(announces(Input::Signalling(SignallingEvent::Opened)));
        let remote = visitor.clone();
        assert!(!announces(Input::Signalling(SignallingEvent::PeerLeft { remote })));
        assert!(!announces(Input::Signalling(SignallingEvent::Lost)));
    }

    #[test]
    fn a_network_that_came_back_is_looked_at_anew() {
        let mut node = dialling();
        let later = START.plus(100_000);
        let renewed: Vec<bool> = [true, false, false, true, true]
            .map(|online| is_renewed(&node.handle(later, Input::Online(online))))
            .to_vec();
        assert_eq!(renewed, [false, false, false, true, false]);
    }

    fn batches(outputs: &[Output]) -> Vec<BatchId> {
        let id = |output: &Output| match output {
            Output::Commit(batch) => Some(batch.id),
            _ => None,
        };
        outputs.iter().filter_map(id).collect()
    }

    #[test]
    fn a_tab_is_told_that_its_act_is_taken_once_storage_has_it() {
        let mut node = dialling();
        let text = |message: &TabMessage| serde_json::to_string(message).expect("serialises");
        let taken = Output::Broadcast(text(&TabMessage::Taken { command: command() }));
        let intent = TabMessage::Intent {
            tab: 7,
            intent: vote(),
            command: command(),
            given: Given::Earlier,
            asked: Some(1),
        };
        let given = node.handle(START, Input::Tab(text(&intent)));
        assert!(saves_a_command(&given));
        assert!(!given.contains(&taken));
        let [batch] = batches(&given)[..] else { panic!("{given:?}") };
        assert!(node.handle(START, Input::Committed(batch)).contains(&taken));

        // Handed over twice, it is there already.
        let given = node.handle(START, Input::Tab(text(&intent)));
        assert_eq!((batches(&given), given.contains(&taken)), (vec![], true));
    }

    #[test]
    fn what_an_owner_gives_in_another_tab_is_taken_once_the_log_has_it() {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [2; 32]);
        let _ = node.handle(START, Input::Lead { epoch: 1, rows: Vec::new(), durable: true });
        let text = |message: &TabMessage| serde_json::to_string(message).expect("serialises");
        let taken = Output::Broadcast(text(&TabMessage::Taken { command: command() }));
        let create =
            Intent::Create { poll: room().poll, draft: draft(Choice::Single, &["A", "B"]) };
        let (tab, given, asked) = (7, Given::Now, Some(1));
        let intent = TabMessage::Intent { tab, intent: create, command: command(), given, asked };
        let given = node.handle(START, Input::Tab(text(&intent)));
        assert!(!given.contains(&taken));
        let [batch] = batches(&given)[..] else { panic!("{given:?}") };
        assert!(node.handle(START, Input::Committed(batch)).contains(&taken));
    }

    #[test]
    fn what_was_refused_is_told_also_to_who_comes_back_to_its_room_later() {
        let mut node = dialling();
        let refused = node.handle(START, Input::Intent { intent: vote(), command: command() });
        assert_eq!(batches(&refused), [], "not connected");
        for watched in [None, Some(room())] {
            let _ = node.handle(START, Input::Watch(watched));
        }
        let ids: Vec<CommandId> =
            node.view().rooms[0].rejected.iter().map(|rejected| rejected.id).collect();
        assert_eq!(ids, [command()]);
    }

    #[test]
    fn what_was_answered_is_not_taken_anew_after_its_room_was_left() {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [2; 32]);
        let rows = vec![Row::refusal(room(), command())];
        let _ = node.handle(START, Input::Lead { epoch: 1, rows, durable: true });
        for watched in [Some(room()), None] {
            let _ = node.handle(START, Input::Watch(watched));
        }
        let (tab, given, asked) = (7, Given::Earlier, Some(1));
        let late = TabMessage::Intent { tab, intent: vote(), command: command(), given, asked };
        let late = serde_json::to_string(&late).expect("serialises");
        assert!(!saves_a_command(&node.handle(START, Input::Tab(late))));
    }

    #[test]
    fn what_an_older_leader_was_asked_for_is_asked_anew_and_a_newer_one_leads() {
        let leading = TabMessage::Leading { epoch: 2 };
        let leading = Output::Broadcast(serde_json::to_string(&leading).expect("serialises"));
        let cases = [
            (None, true, false, true),
            (Some(0), false, true, true),
            (Some(1), false, true, true),
            (Some(2), true, false, true),
            (Some(3), false, false, false),
        ];
        for (asked, taken, answered, leads) in cases {
            let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [2; 32]);
            let _ = node.handle(START, lead(2));
            let (tab, given) = (7, Given::Earlier);
            let ask = TabMessage::Intent { tab, intent: vote(), command: command(), given, asked };
            let ask = serde_json::to_string(&ask).expect("serialises");
            let outputs = node.handle(START, Input::Tab(ask));
            assert_eq!(saves_a_command(&outputs), taken, "{asked:?}");
            assert_eq!(outputs.contains(&leading), answered, "{asked:?}");
            assert_eq!(node.is_leading(), leads, "{asked:?}");
        }
    }

    /// Which leaders are asked for something.
    fn asked(outputs: &[Output]) -> Vec<Option<u64>> {
        let leader = |output: &Output| match output {
            Output::Broadcast(text) => match serde_json::from_str(text) {
                Ok(TabMessage::Intent { asked, .. }) => Some(asked),
                _ => None,
            },
            _ => None,
        };
        outputs.iter().filter_map(leader).collect()
    }

    #[test]
    fn a_leader_is_asked_by_its_epoch_and_anybody_as_a_page_goes_away() {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
        let view = TabMessage::View { epoch: 3, view: Box::new(node.view()) };
        let view = Input::Tab(serde_json::to_string(&view).expect("serialises"));
        let mut asks = |input| asked(&node.handle(START, input));
        let intent = |number| {
            let command = CommandId(uuid::Uuid::from_u128(number));
            Input::Intent { intent: vote(), command }
        };
        assert_eq!(asks(intent(1)), [Some(0)]);
        assert_eq!(asks(view), []);
        assert_eq!(asks(leads(2)), [Some(3)], "it leads no longer");
        assert_eq!(asks(leads(4)), [Some(4)]);
        assert_eq!(asks(intent(2)), []);
        assert_eq!(asks(Input::Suspend), [None]);
    }

    #[test]
    fn who_superseded_a_leader_is_asked_at_once_and_by_name() {
        let (mut node, batch) = superseded_while_saving();
        let failed = Input::CommitFailed(batch, StorageFailure::Fenced);
        assert_eq!(asked(&node.handle(START, failed)), [Some(2)]);
    }

    #[test]
    fn another_tab_is_shown_what_there_is_at_once_and_what_changes_soon() {
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [1; 32]);
        let _ = node.handle(START, lead(1));
        let mut shown = |after_ms, input| -> Vec<(u64, usize)> {
            let outputs = node.handle(START.plus(after_ms), input);
            let view = |output: &Output| match output {
                Output::Broadcast(text) => match serde_json::from_str(text) {
                    Ok(TabMessage::View { epoch, view }) => Some((epoch, view.rooms.len())),
                    _ => None,
                },
                _ => None,
            };
            outputs.iter().filter_map(view).collect()
        };
        let hello = TabMessage::Hello { tab: 7, watching: None };
        let hello = Input::Tab(serde_json::to_string(&hello).expect("serialises"));
        assert_eq!(shown(0, hello), [(1, 0)]);
        assert_eq!(shown(0, Input::Watch(Some(room()))), []);
        assert_eq!(shown(PUBLISH_AFTER_MS - 1, Input::Tick), []);
        assert_eq!(shown(PUBLISH_AFTER_MS, Input::Tick), [(1, 1)]);
        assert_eq!(shown(2 * PUBLISH_AFTER_MS, Input::Tick), []);
    }

    #[test]
    fn a_room_that_nobody_looks_at_any_more_is_left() {
        let mut node = dialling();
        let left = node.handle(START, Input::Watch(None));
        assert!(left.iter().any(|output| matches!(output, Output::CloseLink { .. })));
        assert!(left.contains(&Output::Signalling(SignallingCommand::Destroy)));
    }

    #[test]
    fn polls_that_one_has_joined_are_listed_whether_they_are_open_or_not() {
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        let (log, _) = Log::found(create, START, &KeyPair::from_seed(&[1; 32])).expect("a draft");
        let poll = log.poll();
        let at_ms = Timestamp(5);
        let copy = CachedPoll { poll: Arc::new(poll.clone()), at_ms, settling: Vec::new() };
        let rows = vec![Row::cached(room(), &copy)];
        let mut node = Node::new(KeyPair::from_seed(&[2; 32]), [2; 32]);
        let _ = node.handle(START, Input::Lead { epoch: 1, rows, durable: true });
        let question = poll.question.to_string();
        let listed = [Summary { room: room(), question, open: true, voters: 0, at: at_ms }];
        for watched in [None, Some(room()), None] {
            let _ = node.handle(START, Input::Watch(watched));
            assert_eq!(node.view().joined, listed);
        }
    }

    #[test]
    fn whoever_joined_under_a_suffix_and_makes_a_poll_is_found_under_the_plain_id() {
        let key = KeyPair::from_seed(&[2; 32]);
        let plain = [key.public().peer_id()];
        let mut node = Node::new(key, [2; 32]);
        let created = |outputs: &[Output]| -> Vec<String> {
            let id = |output: &Output| match output {
                Output::Signalling(SignallingCommand::Create { id }) => Some(id.clone()),
                _ => None,
            };
            outputs.iter().filter_map(id).collect()
        };
        let _ = node.handle(START, Input::Lead { epoch: 1, rows: Vec::new(), durable: true });
        let first = node.handle(START, Input::Watch(Some(room())));
        assert_eq!(created(&first), plain);
        let again = node.handle(START, Input::Signalling(SignallingEvent::IdTaken));
        assert_ne!(created(&again), plain);
        let _ = node.handle(START, Input::Signalling(SignallingEvent::Opened));

        let create =
            Intent::Create { poll: room().poll, draft: draft(Choice::Single, &["A", "B"]) };
        let saving = node.handle(START, Input::Intent { intent: create, command: command() });
        assert_eq!(created(&saving), [] as [String; 0]);
        let [batch] = batches(&saving)[..] else { panic!("{saving:?}") };
        let hosting = node.handle(START, Input::Committed(batch));
        assert!(hosting.iter().any(|output| matches!(output, Output::CloseLink { .. })));
        assert!(hosting.contains(&Output::Signalling(SignallingCommand::Destroy)));
        assert_eq!(created(&hosting), plain);
        let opened = node.handle(START, Input::Signalling(SignallingEvent::Opened));
        assert_eq!(created(&opened), [] as [String; 0], "once is enough");
    }
}
