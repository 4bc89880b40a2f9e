//! A participant's side of one room.
//!
//! The session dials the owner, proves itself, takes the state, follows the increments, and keeps every
//! command of ours in the outbox until the owner's signed ack. Whatever goes wrong ends in one place,
//! [`Session::fail`], which says why and when the next dial is due.
//!
//! Invariants:
//! * nothing is sent to the owner before it has proved itself, and no command before it is saved;
//! * an increment is applied only on the revision before it, with the right hash and author's signature;
//! * a command leaves the outbox only on a verified ack or an error that is final;
//! * none follows it before that.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Context;
use super::backoff::{Backoff, STABLE_MS};
use super::effect::{
    BatchId, Descriptions, Durability, Fingerprints, LinkEvent, LinkId, Output, StorageFailure,
};
use super::handshake::{
    Binding, HANDSHAKE_BYTES_MAX, HANDSHAKE_MS, ParticipantHandshake, fingerprints,
};
use super::liveness::{Liveness, Pulse};
use super::message::{
    Ack, Assembly, Code, Empty, ErrorMessage, FRAME_BYTES_MAX, Message, Mutation, OwnerProof,
    PeerInfo, SyncRequest, Welcome, parse_frame,
};
use super::outbox::Outbox;
use super::rate::TokenBucket;
use super::storage::{CachedPoll, KeptReceipt, Row};
use super::view::{LinkView, ListedPoll, LostCause, Rejected, RoomView, SignallingView, Warning};
use crate::domain::Timestamp;
use crate::domain::bug::{self, Bug};
use crate::domain::command::{Command, CommandId, SignedCommand};
use crate::domain::identity::{PublicKey, RoomRef};
use crate::domain::log::{Head, Receipt};
use crate::domain::poll::{Action, Poll};

/// From dialling to the channel's opening.
pub const DIAL_MS: u64 = 15_000;
/// From the welcome to the whole state.
pub const SYNC_MS: u64 = 15_000;
/// Dials are at least this far apart: browsers allow a page only so many connections.
pub const DIAL_SPACING_MS: u64 = 1_000;
/// For this long after the owner went offline it is dialled almost without a pause, so that a short absence
/// ends at once; each such dial waits 5 s at the signalling server.
pub const EAGER_MS: u64 = 120_000;
/// The longest pause between two eager dials.
const EAGER_PAUSE_MS: u64 = 1_000;
/// A crowd that hears the owner's return spreads over this.
const RETURN_SPREAD_MS: u64 = 500;
/// How long after a change the cached copy is written.
const CACHE_AFTER_MS: u64 = 1_000;
/// How long after a failed write of an answer it is tried again.
const REWRITE_MS: u64 = 5_000;
/// Below the owner's limit, so that a page meets it only when it sends much, is reloaded, and sends much again.
const SEND_BURST: u64 = 15;
const SENDS_PER_SECOND: u64 = 4;
/// After `too-fast`.
const TOO_FAST_PAUSE_MS: u64 = 1_000;

/// How far the connection has come.
#[derive(Debug)]
enum Link {
    /// Not dialling: until the moment, or until signalling opens.
    Waiting {
        until: Option<Timestamp>,
    },
    Dialling {
        link: LinkId,
        my_id: String,
        deadline: Timestamp,
    },
    Proving {
        link: LinkId,
        proving: Proving,
        deadline: Timestamp,
    },
    Syncing {
        link: LinkId,
        liveness: Liveness,
        deadline: Timestamp,
    },
    Live {
        link: LinkId,
        liveness: Liveness,
        since: Timestamp,
    },
}

#[derive(Debug)]
struct Proving {
    handshake: ParticipantHandshake,
    fingerprints: Fingerprints,
    my_id: String,
    owner_proved: bool,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// It was there and broke.
    Lost,
    /// Nobody answers under the owner's id.
    Offline,
    /// Whoever answered is not the owner, or sits in the middle.
    Impostor,
    /// Whoever answered said no, and did not prove to be the owner.
    TurnedAway(Code),
    /// The owner said no.
    Refused(Code),
}

/// What a commit of ours was about.
#[derive(Debug)]
enum Saving {
    /// A command of ours, before it is sent.
    Command(u64),
    /// What an answer leaves behind: tried again until it is written.
    Answer(Vec<Row>),
    /// A refused command leaves: tried again until it has.
    Refusal(u64),
    /// The copy for when the owner is away: the next one will do.
    Copy,
}

/// What signalling offers a session that wants to dial.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    pub open: bool,
    /// Our own signalling id.
    pub id: &'a str,
}

/// What storage held for a room.
#[derive(Debug, Default)]
pub struct Remembered {
    pub outbox: Vec<(u64, SignedCommand)>,
    pub cached: Option<CachedPoll>,
    pub receipt: Option<Receipt>,
    /// Nobody has read these yet.
    pub rejected: Vec<Rejected>,
    /// Commands of ours that were acked, or refused for good: whoever hands one over late has not heard of it.
    pub answered: BTreeSet<CommandId>,
}

#[derive(Debug)]
pub struct Session {
    room: RoomRef,
    link: Link,
    why: Option<Why>,
    backoff: Backoff,
    offline_since: Option<Timestamp>,
    dialled_at: Option<Timestamp>,

    /// The owner's state as far as it reached us.
    poll: Option<Arc<Poll>>,
    /// When `poll` was last known to be current.
    current_at: Option<Timestamp>,
    assembly: Assembly,
    /// A state was asked for; increments are passed over until it comes.
    awaiting_state: bool,
    head: Option<Head>,
    online: BTreeSet<PublicKey>,
    listed: Option<Vec<ListedPoll>>,

    outbox: Outbox,
    /// Acked, but the increment that shows it is still under way.
    settling: Vec<(u64, SignedCommand)>,
    rejected: Vec<Rejected>,
    answered: BTreeSet<CommandId>,
    receipt: Option<Receipt>,
    bucket: TokenBucket,
    send_after: Timestamp,

    saving: BTreeMap<BatchId, Saving>,
    /// Answers that could not be written, and when that is tried again.
    unwritten: Vec<Row>,
    write_due: Option<Timestamp>,
    cache_due: Option<Timestamp>,
    /// Whether storage has a copy of the poll, or is about to.
    kept: bool,
    warning: Option<Warning>,
}

impl Session {
    pub fn new(room: RoomRef, remembered: Remembered, now: Timestamp) -> Self {
        let kept = remembered.cached.is_some();
        let (poll, current_at, settling) = match remembered.cached {
            Some(CachedPoll { poll, at_ms, settling }) => (Some(poll), Some(at_ms), settling),
            None => (None, None, Vec::new()),
        };
        Self {
            room,
            link: Link::Waiting { until: None },
            why: None,
            backoff: Backoff::default(),
            offline_since: None,
            dialled_at: None,
            poll,
            current_at,
            assembly: Assembly::default(),
            awaiting_state: false,
            head: None,
            online: BTreeSet::new(),
            listed: None,
            outbox: Outbox::restore(remembered.outbox),
            settling,
            rejected: remembered.rejected,
            answered: remembered.answered,
            receipt: remembered.receipt,
            bucket: TokenBucket::new(SEND_BURST, SENDS_PER_SECOND, now),
            send_after: now,
            saving: BTreeMap::new(),
            unwritten: Vec::new(),
            write_due: None,
            cache_due: None,
            kept,
            warning: None,
        }
    }

    // --- what it knows -------------------------------------------------------------------------

    pub fn room(&self) -> RoomRef {
        self.room
    }

    /// The confirmed state, without our unconfirmed commands.
    pub fn poll(&self) -> Option<&Arc<Poll>> {
        self.poll.as_ref()
    }

    /// The copy that is kept for when the owner is away.
    pub fn cached(&self) -> Option<CachedPoll> {
        let settling = self.settling.clone();
        Some(CachedPoll { poll: self.poll.clone()?, at_ms: self.current_at?, settling })
    }

    /// The owner's word for our newest confirmed vote.
    pub fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_ref()
    }

    /// What came back and nobody has read yet.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    pub fn answered(&self) -> &BTreeSet<CommandId> {
        &self.answered
    }

    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether nothing is left to deliver or to write.
    pub fn is_idle(&self) -> bool {
        let answers = self.saving.values().any(|saving| matches!(saving, Saving::Answer(_)));
        self.outbox.is_empty() && self.unwritten.is_empty() && !answers
    }

    pub fn owns_link(&self, id: LinkId) -> bool {
        self.link_id() == Some(id)
    }

    pub fn is_live(&self) -> bool {
        matches!(self.link, Link::Live { .. })
    }

    fn link_id(&self) -> Option<LinkId> {
        match &self.link {
            Link::Waiting { .. } => None,
            Link::Dialling { link, .. }
            | Link::Proving { link, .. }
            | Link::Syncing { link, .. }
            | Link::Live { link, .. } => Some(*link),
        }
    }

    /// The state with everything of ours applied that was acked but not yet shown to us.
    fn with_settling(&self) -> Option<Arc<Poll>> {
        Some(applied(self.poll.as_ref()?, self.settling.iter().map(|(_, signed)| signed)))
    }

    /// The same with what is not acked either.
    fn shown(&self) -> Option<Arc<Poll>> {
        Some(applied(&self.with_settling()?, self.outbox.commands()))
    }

    pub fn view(&self, me: PublicKey, signalling: SignallingView) -> RoomView {
        RoomView {
            room: self.room,
            me,
            poll: self.shown(),
            link: self.link_view(signalling),
            cached_at: if self.is_live() { None } else { self.current_at },
            pending: self.outbox.view(),
            rejected: self.rejected.clone(),
            receipt: self.receipt.clone(),
            online: self.online.iter().copied().collect(),
            warning: self.warning,
            listed: self.listed.clone(),
        }
    }

    fn link_view(&self, signalling: SignallingView) -> LinkView {
        if self.is_live() {
            return LinkView::Connected;
        }
        if let Some((retry_at, cause)) = unreachable(signalling) {
            return LinkView::Reconnecting { retry_at, cause };
        }
        let retry_at = match self.link {
            Link::Waiting { until } => until,
            Link::Dialling { .. }
            | Link::Proving { .. }
            | Link::Syncing { .. }
            | Link::Live { .. } => None,
        };
        match self.why {
            None => LinkView::Connecting,
            Some(Why::Lost) => LinkView::Reconnecting { retry_at, cause: LostCause::Link },
            Some(Why::Impostor) => LinkView::Reconnecting { retry_at, cause: LostCause::Impostor },
            Some(Why::TurnedAway(code)) => {
                LinkView::Reconnecting { retry_at, cause: LostCause::TurnedAway(code) }
            }
            Some(Why::Offline) => LinkView::OwnerOffline { retry_at },
            Some(Why::Refused(code)) => {
                LinkView::Refused { message: code.message().to_owned(), retry_at }
            }
        }
    }

    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let link = match &self.link {
            Link::Waiting { until } => *until,
            Link::Dialling { deadline, .. } | Link::Proving { deadline, .. } => Some(*deadline),
            Link::Syncing { liveness, deadline, .. } => Some(liveness.next().min(*deadline)),
            Link::Live { liveness, .. } => {
                let send = self.outbox.is_ready().then(|| self.bucket.next().max(self.send_after));
                Some(send.map_or(liveness.next(), |send| send.min(liveness.next())))
            }
        };
        [link, self.cache_due, self.write_due].into_iter().flatten().min()
    }

    // --- dialling ------------------------------------------------------------------------------

    /// Dials if it waits for nothing but signalling. Once its moment has passed it waits for that alone.
    pub fn reach(&mut self, cx: &mut Context<'_>, reach: Reach<'_>) {
        let due = match self.link {
            Link::Waiting { until } => until.is_none_or(|until| cx.now >= until),
            Link::Dialling { .. }
            | Link::Proving { .. }
            | Link::Syncing { .. }
            | Link::Live { .. } => false,
        };
        if due && reach.open {
            self.dial(cx, reach);
        } else if due && !bug::on(Bug::TicksForEver) {
            self.link = Link::Waiting { until: None };
        }
    }

    fn dial(&mut self, cx: &mut Context<'_>, reach: Reach<'_>) {
        let link = cx.dial(self.room.owner.peer_id());
        self.dialled_at = Some(cx.now);
        self.link =
            Link::Dialling { link, my_id: reach.id.to_owned(), deadline: cx.now.plus(DIAL_MS) };
        cx.changed();
    }

    /// The server knows nobody under the owner's id.
    pub fn on_owner_unavailable(&mut self, cx: &mut Context<'_>) {
        if matches!(self.link, Link::Dialling { .. }) {
            self.fail(cx, Why::Offline);
        }
    }

    /// The owner says that connections from before are dead: it is back.
    pub fn on_owner_back(&mut self, cx: &mut Context<'_>) {
        if self.link_id().is_some() {
            self.fail(cx, Why::Lost);
        }
        let spread = cx.random.up_to(RETURN_SPREAD_MS);
        self.link = Link::Waiting { until: Some(self.spaced(cx.now.plus(spread))) };
        cx.changed();
    }

    /// The page came back, the network did, or somebody pressed "Try now".
    pub fn wake(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        match &mut self.link {
            Link::Waiting { until } => *until = None,
            Link::Live { link, liveness, .. } | Link::Syncing { link, liveness, .. } => {
                let (link, pulse) = (*link, liveness.probe(now));
                self.pulse(cx, link, pulse);
            }
            Link::Dialling { .. } | Link::Proving { .. } => {}
        }
    }

    /// Ends the connection without looking for another: the page goes away.
    pub fn stop(&mut self, cx: &mut Context<'_>) {
        if self.link_id().is_some() {
            self.fail(cx, Why::Lost);
        }
        self.link = Link::Waiting { until: None };
        self.write_cache(cx);
    }

    /// The one way back from anything to waiting.
    fn fail(&mut self, cx: &mut Context<'_>, why: Why) {
        if let Some(link) = self.link_id() {
            cx.out.push(Output::CloseLink { link });
        }
        if let Link::Live { since, .. } = self.link {
            self.current_at = Some(cx.wall);
            if cx.now.since(since) >= STABLE_MS {
                self.backoff.reset();
            }
        }
        self.why = Some(why);
        if !bug::on(Bug::ResendForgotten) {
            self.outbox.unsend();
        }
        self.online.clear();
        self.awaiting_state = false;
        self.assembly = Assembly::default();
        let pause = match why {
            Why::Offline => {
                let since = *self.offline_since.get_or_insert(cx.now);
                if cx.now.since(since) < EAGER_MS {
                    cx.random.up_to(EAGER_PAUSE_MS)
                } else {
                    self.backoff.next_ms(cx.random)
                }
            }
            Why::Lost | Why::Impostor | Why::TurnedAway(_) | Why::Refused(_) => {
                self.backoff.next_ms(cx.random)
            }
        };
        self.link = Link::Waiting { until: Some(self.spaced(cx.now.plus(pause))) };
        cx.changed();
    }

    fn spaced(&self, at: Timestamp) -> Timestamp {
        self.dialled_at.map_or(at, |dialled| at.max(dialled.plus(DIAL_SPACING_MS)))
    }

    pub fn tick(&mut self, cx: &mut Context<'_>, reach: Reach<'_>) {
        let now = cx.now;
        match &mut self.link {
            Link::Waiting { .. } => self.reach(cx, reach),
            Link::Dialling { deadline, .. } if now >= *deadline => self.fail(cx, Why::Offline),
            Link::Proving { deadline, .. } if now >= *deadline => self.fail(cx, Why::Offline),
            Link::Syncing { deadline, .. } if now >= *deadline => self.fail(cx, Why::Lost),
            Link::Syncing { link, liveness, .. } | Link::Live { link, liveness, .. } => {
                let (link, pulse) = (*link, liveness.tick(now));
                self.pulse(cx, link, pulse);
            }
            Link::Dialling { .. } | Link::Proving { .. } => {}
        }
        self.pump(cx);
        if self.cache_due.is_some_and(|due| now >= due) {
            self.write_cache(cx);
        }
        if self.write_due.is_some_and(|due| now >= due) {
            self.write_due = None;
            let rows = std::mem::take(&mut self.unwritten);
            if !rows.is_empty() {
                self.write_answer(cx, rows);
            }
            let refused: Vec<(u64, CommandId)> = self.outbox.refused().collect();
            for (sequence, id) in refused {
                self.forget(cx, sequence, id);
            }
        }
    }

    fn pulse(&mut self, cx: &mut Context<'_>, link: LinkId, pulse: Pulse) {
        match pulse {
            Pulse::Nothing => {}
            Pulse::Ping => send(cx, link, &Message::Ping(Empty {})),
            Pulse::Dead => self.fail(cx, Why::Lost),
        }
    }

    // --- the connection ------------------------------------------------------------------------

    /// Events of a link that [`Session::owns_link`].
    pub fn on_link(&mut self, cx: &mut Context<'_>, event: LinkEvent) {
        match event {
            LinkEvent::Opened { remote, descriptions } => self.opened(cx, &remote, &descriptions),
            LinkEvent::Frame(text) => self.frame(cx, &text),
            LinkEvent::NoFrame => self.fail(cx, Why::Lost),
            LinkEvent::Closed => {
                // A dial that fails before it opens says nothing about a connection that was lost.
                let offline = matches!(self.link, Link::Dialling { .. });
                self.fail(cx, if offline { Why::Offline } else { Why::Lost });
            }
            // What we send is small and paced by the owner's limits.
            LinkEvent::Buffered { .. } => {}
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, remote: &str, descriptions: &Descriptions) {
        let Link::Dialling { link, my_id, .. } = &self.link else { return };
        let (link, my_id) = (*link, my_id.clone());
        let Some(fingerprints) =
            fingerprints(descriptions).filter(|_| remote == self.room.owner.peer_id())
        else {
            return self.fail(cx, Why::Impostor);
        };
        let (handshake, hello) = ParticipantHandshake::start(cx.random.bytes());
        send(cx, link, &Message::Hello(hello));
        self.link = Link::Proving {
            link,
            proving: Proving { handshake, fingerprints, my_id, owner_proved: false },
            deadline: cx.now.plus(HANDSHAKE_MS),
        };
    }

    fn frame(&mut self, cx: &mut Context<'_>, text: &str) {
        let bytes_max = match &mut self.link {
            Link::Proving { .. } => HANDSHAKE_BYTES_MAX,
            Link::Live { liveness, .. } | Link::Syncing { liveness, .. } => {
                liveness.heard(cx.now);
                FRAME_BYTES_MAX
            }
            Link::Waiting { .. } | Link::Dialling { .. } => return,
        };
        match parse_frame(text, bytes_max) {
            Ok(messages) => {
                for message in messages {
                    self.message(cx, message);
                }
            }
            Err(_) => self.fail(cx, Why::Lost),
        }
    }

    fn message(&mut self, cx: &mut Context<'_>, message: Message) {
        match &self.link {
            Link::Waiting { .. } | Link::Dialling { .. } => {}
            Link::Proving { proving: Proving { owner_proved, .. }, .. } => match message {
                Message::OwnerProof(proof) => self.owner_proof(cx, &proof),
                Message::Welcome(welcome) => self.welcome(cx, welcome),
                Message::Error(ErrorMessage { code, .. }) => {
                    let why = match (*owner_proved, code.may_come_unproved()) {
                        (true, _) => Why::Refused(code),
                        (false, true) => Why::TurnedAway(code),
                        (false, false) => Why::Impostor,
                    };
                    self.fail(cx, why);
                }
                Message::Unknown(_) => {}
                _ => self.fail(cx, Why::Impostor),
            },
            Link::Syncing { .. } | Link::Live { .. } => self.authenticated(cx, message),
        }
    }

    fn owner_proof(&mut self, cx: &mut Context<'_>, proof: &OwnerProof) {
        let Link::Proving { link, proving, .. } = &mut self.link else { return };
        let binding = Binding {
            fingerprint_participant: proving.fingerprints.local,
            fingerprint_owner: proving.fingerprints.remote,
            id_participant: &proving.my_id,
            id_owner: &self.room.owner.peer_id(),
        };
        match proving.handshake.prove(proof, &binding, self.room, cx.key) {
            Ok(answer) if !proving.owner_proved => {
                proving.owner_proved = true;
                send(cx, *link, &Message::ParticipantProof(answer));
            }
            Ok(_) | Err(_) => self.fail(cx, Why::Impostor),
        }
    }

    fn welcome(&mut self, cx: &mut Context<'_>, welcome: Welcome) {
        let Link::Proving { link, proving, .. } = &self.link else { return };
        let (link, proved) = (*link, proving.owner_proved);
        let head_holds = match &welcome.head {
            Some(head) => head.verifies(&self.room),
            None => self.room.is_lobby(),
        };
        if !proved || !head_holds {
            return self.fail(cx, Why::Impostor);
        }
        let liveness = Liveness::new(cx.now);
        self.head = welcome.head;
        self.awaiting_state = true;
        self.link = Link::Syncing { link, liveness, deadline: cx.now.plus(SYNC_MS) };
        cx.changed();
    }

    /// Messages after the handshake. Whatever only a participant sends is a broken owner.
    fn authenticated(&mut self, cx: &mut Context<'_>, message: Message) {
        match message {
            Message::Command(increment) => self.increment(cx, increment),
            Message::State(poll) => self.state(cx, *poll),
            Message::StateChunk(chunk) => match self.assembly.add(&chunk) {
                Ok(Some(poll)) => self.state(cx, poll),
                Ok(None) => {}
                Err(_) => self.fail(cx, Why::Lost),
            },
            Message::Head(head) => self.new_head(cx, head),
            Message::List(listed) => {
                self.listed = Some(listed);
                self.live(cx);
            }
            Message::Discovery(peers) => self.discovery(cx, &peers),
            Message::Ack(ack) => self.ack(cx, &ack),
            Message::Error(error) => self.error(cx, &error),
            Message::Ping(_) => {
                if let Some(link) = self.link_id() {
                    send(cx, link, &Message::Pong(Empty {}));
                }
            }
            // A newer owner may say more than we understand.
            Message::Pong(_) | Message::Unknown(_) => {}
            Message::Hello(_)
            | Message::OwnerProof(_)
            | Message::ParticipantProof(_)
            | Message::Welcome(_)
            | Message::SyncRequest(_) => self.fail(cx, Why::Lost),
        }
    }

    // --- the state -----------------------------------------------------------------------------

    fn state(&mut self, cx: &mut Context<'_>, poll: Poll) {
        let is_ours = poll.id == self.room.poll && poll.owner == self.room.owner;
        let fits_head = self.head.as_ref().is_none_or(|head| {
            poll.revision > head.revision
                || (poll.revision == head.revision && poll.head == head.hash)
        });
        // Within one connection the owner's log only grows; what another one showed is looked at below.
        let goes_back = self.is_live()
            && self.poll.as_ref().is_some_and(|shown| poll.revision < shown.revision);
        let fits = (fits_head && !goes_back) || bug::on(Bug::SnapshotOverNewer);
        if !is_ours || !fits || !poll.is_consistent() {
            return self.fail(cx, Why::Lost);
        }
        if !self.continues(&poll) {
            self.warning = Some(Warning::HistoryChanged);
        }
        // Whatever was acked is in the state of whoever acked it.
        self.settling.clear();
        self.poll = Some(Arc::new(poll));
        self.awaiting_state = false;
        self.changed_state(cx);
        self.live(cx);
    }

    /// Whether a state can follow what we saw, and what we hold receipts for.
    fn continues(&self, next: &Poll) -> bool {
        let seen = self.poll.as_ref().is_none_or(|seen| {
            next.revision > seen.revision
                || (next.revision == seen.revision && next.head == seen.head)
        });
        seen && self.receipt.as_ref().is_none_or(|receipt| next.revision >= receipt.revision)
    }

    fn live(&mut self, cx: &mut Context<'_>) {
        if let Link::Syncing { link, liveness, .. } = &self.link {
            self.link = Link::Live { link: *link, liveness: liveness.clone(), since: cx.now };
            self.why = None;
            self.offline_since = None;
        }
        self.pump(cx);
        cx.changed();
    }

    fn increment(&mut self, cx: &mut Context<'_>, mutation: Mutation) {
        if self.awaiting_state {
            return;
        }
        let Some(poll) = &mut self.poll else { return };
        let Some((entry, claimed)) = mutation.into_entry(self.room, poll.head) else {
            return self.fail(cx, Why::Lost);
        };
        if entry.revision <= poll.revision {
            return;
        }
        let follows = entry.revision == poll.revision + 1 || bug::on(Bug::GapIgnored);
        let hashed =
            entry.hash() == claimed || bug::on(Bug::HashIgnored) || bug::on(Bug::GapIgnored);
        let fits = follows && hashed && entry.signed.verify();
        let command = &entry.signed.command;
        if !fits || poll.check(&command.author, &command.action).is_err() {
            return self.request_state(cx);
        }
        let poll = Arc::make_mut(poll);
        // Checked on the line above.
        let _ = poll.apply(&command.author, &command.action);
        poll.revision = entry.revision;
        poll.head = claimed;
        let revision = entry.revision;
        self.settling.retain(|(acked, _)| *acked > revision);
        self.changed_state(cx);
    }

    fn request_state(&mut self, cx: &mut Context<'_>) {
        if let Some(link) = self.link_id() {
            self.awaiting_state = true;
            send(cx, link, &Message::SyncRequest(SyncRequest { poll_id: self.room.poll }));
        }
    }

    fn new_head(&mut self, cx: &mut Context<'_>, head: Head) {
        if !head.verifies(&self.room) {
            return self.fail(cx, Why::Lost);
        }
        let agrees = self.poll.as_ref().is_none_or(|poll| {
            self.awaiting_state || (poll.revision, poll.head) == (head.revision, head.hash)
        });
        self.head = Some(head);
        if !agrees {
            self.request_state(cx);
        }
    }

    fn discovery(&mut self, cx: &mut Context<'_>, peers: &[PeerInfo]) {
        for peer in peers {
            if peer.online {
                self.online.insert(peer.peer_id);
            } else {
                self.online.remove(&peer.peer_id);
            }
        }
        cx.changed();
    }

    fn changed_state(&mut self, cx: &mut Context<'_>) {
        self.current_at = Some(cx.wall);
        // The first copy is written at once: the page may be left again in a moment.
        let pause = if self.kept { CACHE_AFTER_MS } else { 0 };
        self.kept = true;
        self.cache_due.get_or_insert(cx.now.plus(pause));
        cx.changed();
    }

    fn write_cache(&mut self, cx: &mut Context<'_>) {
        self.cache_due = None;
        if let Some(cached) = self.cached() {
            let row = Row::cached(self.room, &cached);
            let batch = cx.commit(vec![row], Durability::Relaxed);
            self.saving.insert(batch, Saving::Copy);
        }
    }

    // --- our commands --------------------------------------------------------------------------

    /// A person wants something. It is judged here first, saved, and only then sent.
    pub fn act(&mut self, cx: &mut Context<'_>, id: CommandId, action: Action) {
        if self.is_live() || bug::on(Bug::OfflineActAccepted) {
            self.adopt(cx, id, action);
        } else {
            let message = "Not connected to the owner: nothing new can be sent now.";
            self.reject(cx, id, action, message.to_owned());
        }
    }

    /// Commands that storage does not have, with the commit that is about to save each, if one is under way.
    pub fn unsaved(&self) -> impl Iterator<Item = (Option<BatchId>, &SignedCommand)> {
        self.outbox.unsaved().map(|(sequence, signed)| {
            let saves = |saving: &Saving| matches!(saving, Saving::Command(at) if *at == sequence);
            let batch = self.saving.iter().find(|(_, saving)| saves(saving));
            (batch.map(|(batch, _)| *batch), signed)
        })
    }

    /// Takes over what was given to another tab while that one was connected.
    pub fn adopt(&mut self, cx: &mut Context<'_>, id: CommandId, action: Action) {
        let is_known = self.outbox.find(id).is_some()
            || self.answered.contains(&id)
            || self.rejected.iter().any(|rejected| rejected.id == id);
        if is_known {
            return;
        }
        if let Some(Err(refusal)) = self.shown().map(|poll| poll.check(&cx.key.public(), &action)) {
            return self.reject(cx, id, action, refusal.message().to_owned());
        }
        let command = Command { room: self.room, author: cx.key.public(), id, action };
        let signed = command.sign(cx.key);
        let Some(sequence) = self.outbox.add(signed.clone()) else {
            let message = "Too many changes wait for the owner already.".to_owned();
            return self.reject(cx, id, signed.command.action, message);
        };
        let relaxed = bug::on(Bug::OutboxWrittenRelaxed);
        let durability = if relaxed { Durability::Relaxed } else { Durability::Strict };
        let batch = cx.commit(vec![Row::outbox(sequence, &signed)], durability);
        self.saving.insert(batch, Saving::Command(sequence));
        cx.changed();
    }

    fn reject(&mut self, cx: &mut Context<'_>, id: CommandId, action: Action, message: String) {
        self.rejected.push(Rejected { id, action, message });
        cx.changed();
    }

    pub fn dismiss(&mut self, cx: &mut Context<'_>, id: CommandId) {
        self.rejected.retain(|rejected| rejected.id != id);
        cx.changed();
    }

    /// Sends what is next, at the pace that the owner takes.
    fn pump(&mut self, cx: &mut Context<'_>) {
        let Link::Live { link, .. } = self.link else { return };
        if cx.now >= self.send_after
            && self.outbox.is_ready()
            && self.bucket.take(cx.now)
            && let Some(message) = self.outbox.next_to_send().and_then(Message::command)
        {
            send(cx, link, &message);
            cx.changed();
        }
    }

    fn ack(&mut self, cx: &mut Context<'_>, ack: &Ack) {
        let Some((sequence, signed)) = self.outbox.find(ack.command_id) else { return };
        let verified = ack.revision == ack.receipt.revision && ack.receipt.verifies(signed);
        if !verified && !bug::on(Bug::AckNotVerified) {
            return self.fail(cx, Why::Lost);
        }
        let Some(signed) = self.outbox.remove(sequence) else { return };
        self.answered.insert(signed.command.id);
        let vote = matches!(signed.command.action, Action::Vote(_));
        let kept = KeptReceipt { receipt: ack.receipt.clone(), vote };
        let is_newer = self.receipt.as_ref().is_none_or(|receipt| receipt.revision < ack.revision);
        if vote && is_newer {
            self.receipt = Some(ack.receipt.clone());
        }
        let mut rows = vec![Row::outbox_done(self.room, sequence), Row::receipt(self.room, &kept)];
        if self.poll.as_ref().is_none_or(|poll| poll.revision < ack.revision) {
            self.settling.push((ack.revision, signed));
        }
        // What leaves the outbox stays in the copy, also when the page is left before the increment comes.
        rows.extend(self.cached().map(|cached| Row::cached(self.room, &cached)));
        self.write_answer(cx, rows);
        self.pump(cx);
        cx.changed();
    }

    fn write_answer(&mut self, cx: &mut Context<'_>, rows: Vec<Row>) {
        let batch = cx.commit(rows.clone(), Durability::Strict);
        self.saving.insert(batch, Saving::Answer(rows));
    }

    /// Takes a refused command out of storage. Nobody is told of the refusal before: a page that is closed until then would
    /// send it again, and it might be taken.
    fn forget(&mut self, cx: &mut Context<'_>, sequence: u64, id: CommandId) {
        let rows = vec![Row::outbox_done(self.room, sequence), Row::refusal(self.room, id)];
        let batch = cx.commit(rows, Durability::Strict);
        self.saving.insert(batch, Saving::Refusal(sequence));
    }

    fn error(&mut self, cx: &mut Context<'_>, error: &ErrorMessage) {
        let Some(id) = error.command_id else {
            return match error.code {
                Code::UnknownType => {}
                code => self.fail(cx, Why::Refused(code)),
            };
        };
        if error.code.is_transient() && !bug::on(Bug::TooFastIsFinal) {
            self.outbox.unsend_one(id);
            self.send_after = cx.now.plus(TOO_FAST_PAUSE_MS);
            return;
        }
        if bug::on(Bug::RefusalIgnored) {
            return;
        }
        if let Some(sequence) = self.outbox.refuse(id, error.code) {
            self.forget(cx, sequence, id);
        }
    }

    // --- storage -------------------------------------------------------------------------------

    /// True when the batch was ours.
    #[must_use]
    pub fn committed(&mut self, cx: &mut Context<'_>, batch: BatchId) -> bool {
        match self.saving.remove(&batch) {
            None => return false,
            Some(Saving::Answer(_) | Saving::Copy) => {}
            Some(Saving::Refusal(sequence)) => {
                if let Some((SignedCommand { command, .. }, code)) = self.outbox.forgotten(sequence)
                {
                    self.answered.insert(command.id);
                    self.reject(cx, command.id, command.action, code.message().to_owned());
                }
                self.pump(cx);
            }
            Some(Saving::Command(sequence)) => {
                self.outbox.saved(sequence);
                self.pump(cx);
                if bug::on(Bug::RowRemovedBeforeAck) {
                    self.write_answer(cx, vec![Row::outbox_done(self.room, sequence)]);
                }
                cx.changed();
            }
        }
        true
    }

    /// True when the batch was ours. A command that could not be saved was not sent either.
    #[must_use]
    pub fn commit_failed(
        &mut self,
        cx: &mut Context<'_>,
        batch: BatchId,
        failure: StorageFailure,
    ) -> bool {
        match self.saving.remove(&batch) {
            None => return false,
            Some(Saving::Copy) => {}
            Some(Saving::Answer(rows)) => {
                self.unwritten.extend(rows);
                self.write_due.get_or_insert(cx.now.plus(REWRITE_MS));
            }
            Some(Saving::Refusal(_)) => {
                self.write_due.get_or_insert(cx.now.plus(REWRITE_MS));
            }
            // It stays unsaved: this tab steps down, and hands it over to the one that leads.
            Some(Saving::Command(_)) if failure == StorageFailure::Fenced => {}
            Some(Saving::Command(sequence)) => {
                if let Some(signed) = self.outbox.remove(sequence) {
                    let message = match failure {
                        StorageFailure::Quota => {
                            "This device has no room left to save it, so it was not sent. Free some space and try again."
                        }
                        StorageFailure::Unavailable | StorageFailure::Fenced => {
                            "This browser could not save it, so it was not sent. Reload the page and try again."
                        }
                    };
                    let SignedCommand { command, .. } = signed;
                    self.reject(cx, command.id, command.action, message.to_owned());
                }
            }
        }
        true
    }
}

/// `poll` with commands of ours on top. One that no longer applies will come back as an error; until then
/// it shows no effect.
fn applied<'a>(poll: &Arc<Poll>, commands: impl Iterator<Item = &'a SignedCommand>) -> Arc<Poll> {
    let mut poll = Arc::clone(poll);
    for SignedCommand { command, .. } in commands {
        let _ = Arc::make_mut(&mut poll).apply(&command.author, &command.action);
    }
    poll
}

fn send(cx: &mut Context<'_>, link: LinkId, message: &Message) {
    cx.out.push(Output::Send { link, frame: message.to_frame() });
}

/// Why nobody can be reached through signalling, if so.
pub fn unreachable(signalling: SignallingView) -> Option<(Option<Timestamp>, LostCause)> {
    match signalling {
        SignallingView::Off | SignallingView::Connecting | SignallingView::Open => None,
        SignallingView::Waiting { retry_at } => Some((Some(retry_at), LostCause::Signalling)),
        SignallingView::IdTaken { retry_at } => Some((Some(retry_at), LostCause::IdTaken)),
        SignallingView::NoNetwork => Some((None, LostCause::NoNetwork)),
    }
}
