//! The owner's side: every poll of one owner, everybody connected, one order for all commands.
//!
//! A command's way: frame, signature, [`Hub::gathered`]; then, as soon as no commit is under way, it is judged
//! against the committed state with all gathered before it, and goes into one transaction with them.
//! Only when that has completed does it become memory, acks and increments. Nobody ever learns of a
//! revision that storage could still lose.
//!
//! Increments are not queued per connection: each has a cursor into the log, and a flush sends what lies
//! between the cursor and the end. A slow connection is skipped and catches up later.
//!
//! Invariants:
//! * nothing is acked or told before its transaction completed;
//! * no poll data before authentication;
//! * one connection per key and poll: the newest authenticated one.

mod commit;
mod fanout;
mod links;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Context;
use super::backoff::Backoff;
use super::effect::{BatchId, Durability, Fingerprints, LinkId, Output};
use super::handshake::{HANDSHAKE_MS, OwnerHandshake};
use super::liveness::{Liveness, Pulse};
use super::message::{Code, Empty, Message};
use super::rate::Pace;
use super::session::unreachable;
use super::storage::{Row, Stored};
use super::view::{
    LinkView, Pending, Rejected, RoomView, SignallingView, Stage, StorageView, Summary, Warning,
};
use crate::domain::Timestamp;
use crate::domain::bug::{self, Bug};
use crate::domain::command::{Command, CommandId, SignedCommand};
use crate::domain::identity::{PollId, PublicKey, RoomRef};
use crate::domain::log::{Head, Log, LogError, Receipt, Record, Refused, Staging};
use crate::domain::poll::{Action, Poll};

/// Connections in all: Chrome allows a page about 500.
pub const LINKS_MAX: usize = 490;
/// From so many people on, those in the lobby too, the owner is told that the page fills.
pub const LINKS_NEARLY_FULL: usize = 450;
/// Connections that have not proved themselves. A hall that scans one code opens its channels in the same
/// second, so this is half the room.
pub const PENDING_LINKS_MAX: usize = 245;
/// Over this a connection gets no increments until it drains.
pub const BUFFER_PAUSE_BYTES: u64 = 1024 * 1024;
/// Over this it is dropped.
pub const BUFFER_DROP_BYTES: u64 = 4 * 1024 * 1024;
/// A connection that stays over the pause limit this long is dropped.
pub const DRAIN_MS: u64 = 10_000;

/// Commands of others that wait for a commit, while storage is full, say: some ten for each connection.
pub const GATHERED_MAX: usize = 5_000;

/// From one write of the visitors to the next, for each of them.
const VISITOR_MS: u64 = 2;
/// How long after a failed write of them it is tried again.
const VISITORS_AGAIN_MS: u64 = 5_000;

/// Who waits for the answer to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Link(LinkId),
    /// The owner, in a tab of this device.
    Local,
}

#[derive(Clone, Debug)]
struct Gathered {
    source: Source,
    signed: SignedCommand,
}

/// The one commit under way.
#[derive(Debug)]
struct Flight {
    batch: BatchId,
    stagings: BTreeMap<PollId, Staging>,
    founded: Vec<(PollId, Log)>,
    /// In order, with those that were refused because of one before them. All are answered once the commit is
    /// through; should it fail, all are judged again.
    commands: Vec<(Gathered, Option<Refused>)>,
}

#[derive(Debug)]
enum Phase {
    /// Waiting for `auth:hello`.
    Greeting,
    /// No room. Told so when it speaks: what the accepting end sends first can get lost in Chromium.
    TurnedAway,
    /// Waiting for `auth:participant`.
    Proving(OwnerHandshake),
    Member {
        key: PublicKey,
        poll: PollId,
    },
    Lobby {
        key: PublicKey,
        told: Option<String>,
    },
    /// The last word is out; everything that comes is passed over.
    Closing {
        until: Timestamp,
    },
}

#[derive(Debug)]
struct Link {
    remote: String,
    fingerprints: Fingerprints,
    phase: Phase,
    opened: Timestamp,
    liveness: Liveness,
    /// The cursors of the increments and of the presence that this connection has been sent.
    revision_sent: u64,
    presence_sent: u64,
    congested_since: Option<Timestamp>,
}

impl Link {
    fn is_pending(&self) -> bool {
        matches!(self.phase, Phase::Greeting | Phase::TurnedAway | Phase::Proving(_))
    }

    /// Whose connection it is, once that was proved.
    fn proved_key(&self) -> Option<PublicKey> {
        match self.phase {
            Phase::Member { key, .. } | Phase::Lobby { key, .. } => Some(key),
            Phase::Greeting | Phase::TurnedAway | Phase::Proving(_) | Phase::Closing { .. } => None,
        }
    }

    fn member_of(&self) -> Option<(PollId, PublicKey)> {
        match self.phase {
            Phase::Member { key, poll } => Some((poll, key)),
            Phase::Greeting
            | Phase::TurnedAway
            | Phase::Proving(_)
            | Phase::Lobby { .. }
            | Phase::Closing { .. } => None,
        }
    }
}

/// One poll and who is in its room.
#[derive(Debug)]
struct Hosted {
    log: Log,
    head: Head,
    members: BTreeMap<PublicKey, LinkId>,
    /// Who is or was here, and at which version that last changed.
    presence: BTreeMap<PublicKey, (u64, bool)>,
    presence_version: u64,
    flushed_at: Timestamp,
    /// Where the slice after the last one goes on; `None` between flushes.
    flush_from: Option<LinkId>,
    visitors: Visitors,
    /// The receipt of the owner's newest own vote.
    own_receipt: Option<Receipt>,
}

/// The signalling ids of those who have been here: they are told when the owner is back. Written as soon as somebody new
/// comes, for the page may be killed in the next moment; one write at a time, and the longer the list, the fewer.
#[derive(Debug, Default)]
struct Visitors {
    ids: BTreeSet<String>,
    unwritten: bool,
    writing: bool,
    not_before: Timestamp,
}

impl Visitors {
    fn add(&mut self, id: &str) {
        if self.ids.len() < LINKS_MAX && self.ids.insert(id.to_owned()) {
            self.unwritten = true;
        }
    }

    fn due(&self) -> Option<Timestamp> {
        (self.unwritten && !self.writing).then_some(self.not_before)
    }

    fn begin(&mut self, now: Timestamp) {
        self.unwritten = false;
        self.writing = true;
        self.not_before = now.plus(self.ids.len() as u64 * VISITOR_MS);
    }

    fn end(&mut self, now: Timestamp, failed: bool) {
        self.writing = false;
        if failed {
            self.unwritten = true;
            self.not_before = now.plus(VISITORS_AGAIN_MS);
        }
    }
}

impl Hosted {
    fn new(log: Log, visitors: BTreeSet<String>, cx: &Context<'_>) -> Self {
        let head = Head::issue(log.poll(), cx.wall, cx.key);
        let own_receipt = newest_vote(log.after(0), cx.key.public());
        Self {
            log,
            head,
            members: BTreeMap::new(),
            presence: BTreeMap::new(),
            presence_version: 0,
            flushed_at: cx.now,
            flush_from: None,
            visitors: Visitors { ids: visitors, ..Visitors::default() },
            own_receipt,
        }
    }

    fn set_presence(&mut self, key: PublicKey, online: bool) {
        self.presence_version += 1;
        self.presence.insert(key, (self.presence_version, online));
    }

    fn is_behind(&self, link: &Link) -> bool {
        link.congested_since.is_none()
            && (link.revision_sent < self.log.revision()
                || link.presence_sent < self.presence_version)
    }
}

#[derive(Debug)]
pub struct Hub {
    owner: PublicKey,
    polls: BTreeMap<PollId, Hosted>,
    links: BTreeMap<LinkId, Link>,
    /// Who is not let in again, and until when.
    shunned: BTreeMap<PublicKey, Timestamp>,
    /// Of whoever sent something of late.
    paces: BTreeMap<(PollId, PublicKey), Pace>,
    gathered: Vec<Gathered>,
    flight: Option<Flight>,
    /// After a failed commit: when to try again.
    retry_at: Option<Timestamp>,
    retry: Backoff,
    failing: StorageView,
    rejected: BTreeMap<PollId, Vec<Rejected>>,
    /// Polls whose stored log can't be used.
    pub broken: BTreeMap<PollId, LogError>,
    /// Commits of ours that are not commands: of whose visitors.
    housekeeping: BTreeMap<BatchId, PollId>,
    /// Without storage that lasts no poll can be founded.
    durable: bool,
}

impl Hub {
    pub fn new(cx: &Context<'_>, stored: &mut Stored, durable: bool) -> Self {
        let owner = cx.key.public();
        let mut hub = Self {
            owner,
            polls: BTreeMap::new(),
            links: BTreeMap::new(),
            shunned: BTreeMap::new(),
            paces: BTreeMap::new(),
            gathered: Vec::new(),
            flight: None,
            retry_at: None,
            retry: Backoff::default(),
            failing: StorageView::Working,
            rejected: BTreeMap::new(),
            broken: BTreeMap::new(),
            housekeeping: BTreeMap::new(),
            durable,
        };
        for (id, mut records) in std::mem::take(&mut stored.logs) {
            if bug::on(Bug::LogForgotten) && records.len() > 1 {
                records.pop();
            }
            match Log::restore(RoomRef { owner, poll: id }, records) {
                Ok(log) => {
                    let visitors = stored.visitors.remove(&id).unwrap_or_default();
                    hub.polls.insert(id, Hosted::new(log, visitors, cx));
                }
                Err(error) => {
                    hub.broken.insert(id, error);
                }
            }
        }
        hub
    }

    // --- what it knows -------------------------------------------------------------------------

    /// Whether there is anything to be reachable for.
    pub fn is_hosting(&self) -> bool {
        !self.polls.is_empty()
    }

    pub fn storage(&self) -> StorageView {
        self.failing
    }

    /// The committed state.
    pub fn poll(&self, id: PollId) -> Option<&Poll> {
        self.polls.get(&id).map(|hosted| hosted.log.poll())
    }

    /// The committed records after `revision`.
    #[cfg(test)]
    fn records_after(&self, id: PollId, revision: u64) -> &[Record] {
        self.polls.get(&id).map_or(&[], |hosted| hosted.log.after(revision))
    }

    /// Whether somebody else is connected now.
    pub fn has_members(&self) -> bool {
        self.polls.values().any(|hosted| !hosted.members.is_empty())
    }

    fn warning(&self) -> Option<Warning> {
        let here = self.links.values().filter(|link| link.proved_key().is_some()).count();
        (here >= LINKS_NEARLY_FULL).then_some(Warning::NearlyFull)
    }

    /// What is not committed, in order, with the commit that decides it, if one is under way.
    fn uncommitted(&self) -> impl Iterator<Item = (Option<BatchId>, &Gathered)> {
        let flying = self.flight.iter().flat_map(|flight| {
            flight.commands.iter().map(|(gathered, _)| (Some(flight.batch), gathered))
        });
        flying.chain(self.gathered.iter().map(|gathered| (None, gathered)))
    }

    /// The owner's own of these.
    pub fn unsaved(&self) -> impl Iterator<Item = (Option<BatchId>, &SignedCommand)> {
        self.uncommitted()
            .filter(|(_, gathered)| gathered.source == Source::Local)
            .map(|(batch, gathered)| (batch, &gathered.signed))
    }

    /// Whether losing this tab now would lose the command.
    pub fn is_volatile(&self, id: CommandId) -> bool {
        self.uncommitted().any(|(_, gathered)| gathered.signed.command.id == id)
    }

    pub fn summaries(&self) -> Vec<Summary> {
        let summary = |hosted: &Hosted| {
            let poll = hosted.log.poll();
            let created =
                hosted.log.after(0).first().map_or(Timestamp(0), |record| record.entry.time_ms);
            Summary {
                room: RoomRef { owner: self.owner, poll: poll.id },
                question: poll.question.to_string(),
                open: poll.open,
                voters: poll.votes.len(),
                at: created,
            }
        };
        let mut summaries: Vec<Summary> = self.polls.values().map(summary).collect();
        summaries.sort_by_key(|summary| std::cmp::Reverse(summary.at));
        summaries
    }

    /// The owner's own view of a room.
    pub fn view(&self, id: PollId, signalling: SignallingView) -> RoomView {
        let hosted = self.polls.get(&id);
        let own = self.unsaved().map(|(_, signed)| signed);
        let own: Vec<&SignedCommand> =
            own.filter(|signed| signed.command.room.poll == id).collect();
        let poll = hosted.map(|hosted| {
            let mut poll = hosted.log.poll().clone();
            for signed in &own {
                // What can't be applied comes back as a rejection; until then it shows no effect.
                let _ = poll.apply(&signed.command.author, &signed.command.action);
            }
            Arc::new(poll)
        });
        let pending = own.iter().map(|signed| Pending {
            id: signed.command.id,
            action: signed.command.action.clone(),
            stage: Stage::Saving,
        });
        RoomView {
            room: RoomRef { owner: self.owner, poll: id },
            me: self.owner,
            poll,
            link: if hosted.is_some() || !own.is_empty() {
                owner_link(signalling)
            } else {
                self.missing(id)
            },
            cached_at: None,
            pending: pending.collect(),
            rejected: self.rejected.get(&id).cloned().unwrap_or_default(),
            receipt: hosted.and_then(|hosted| hosted.own_receipt.clone()),
            online: hosted
                .map(|hosted| {
                    std::iter::once(self.owner).chain(hosted.members.keys().copied()).collect()
                })
                .unwrap_or_default(),
            warning: self.warning(),
            listed: None,
        }
    }

    fn missing(&self, id: PollId) -> LinkView {
        let message = if self.broken.contains_key(&id) {
            "This poll's log on this device is damaged, so it can't be opened. Restore it from a backup."
        } else {
            "This device owns no such poll. It may have been made in another browser, or its data was erased."
        };
        LinkView::Refused { message: message.to_owned(), retry_at: None }
    }

    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let links = self.links.values().map(|link| match &link.phase {
            Phase::Greeting | Phase::TurnedAway | Phase::Proving(_) => {
                link.opened.plus(HANDSHAKE_MS)
            }
            Phase::Closing { until } => *until,
            Phase::Member { .. } | Phase::Lobby { .. } => {
                link.congested_since.map_or(link.liveness.next(), |since| {
                    since.plus(DRAIN_MS).min(link.liveness.next())
                })
            }
        });
        let flushes = self.polls.values().filter_map(|hosted| self.flush_due(hosted));
        let visitors = self.polls.values().filter_map(|hosted| hosted.visitors.due());
        links.chain(flushes).chain(visitors).chain(self.retry_at).min()
    }

    // --- the owner's own commands --------------------------------------------------------------

    /// A command of the owner, from any tab of this device.
    pub fn act(&mut self, cx: &mut Context<'_>, id: CommandId, poll: PollId, action: Action) {
        let is_rejected = self
            .rejected
            .get(&poll)
            .is_some_and(|rejected| rejected.iter().any(|rejected| rejected.id == id));
        if self.is_volatile(id) || is_rejected {
            return;
        }
        let room = RoomRef { owner: self.owner, poll };
        let signed = Command { room, author: self.owner, id, action }.sign(cx.key);
        if self.durable {
            self.gathered.push(Gathered { source: Source::Local, signed });
            self.begin_commit(cx);
        } else {
            let message = "This browser keeps no storage for this page, so it can't hold a poll.";
            self.reject(signed, message.to_owned());
        }
        cx.changed();
    }

    pub fn dismiss(&mut self, cx: &mut Context<'_>, poll: PollId, id: CommandId) {
        if let Some(rejected) = self.rejected.get_mut(&poll) {
            rejected.retain(|rejected| rejected.id != id);
        }
        cx.changed();
    }

    fn reject(&mut self, signed: SignedCommand, message: String) {
        let Command { room, id, action, .. } = signed.command;
        self.rejected.entry(room.poll).or_default().push(Rejected { id, action, message });
    }

    // --- time ----------------------------------------------------------------------------------

    pub fn tick(&mut self, cx: &mut Context<'_>) {
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            self.tick_link(cx, id);
        }
        if self.retry_at.is_some_and(|at| cx.now >= at) {
            self.retry_at = None;
            self.begin_commit(cx);
        }
        let polls: Vec<PollId> = self.polls.keys().copied().collect();
        for id in polls {
            self.flush_if_due(cx, id);
            self.write_visitors(cx, id);
        }
    }

    fn tick_link(&mut self, cx: &mut Context<'_>, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let dead = match &link.phase {
            Phase::Greeting | Phase::TurnedAway | Phase::Proving(_) => {
                if cx.now >= link.opened.plus(HANDSHAKE_MS) {
                    return self.close(cx, id, Code::HandshakeTimeout, None);
                }
                false
            }
            Phase::Closing { until } => cx.now >= *until,
            Phase::Member { .. } | Phase::Lobby { .. } => {
                let drowned =
                    link.congested_since.is_some_and(|since| cx.now >= since.plus(DRAIN_MS));
                match link.liveness.tick(cx.now) {
                    Pulse::Nothing => drowned,
                    Pulse::Ping => {
                        send(cx, id, &Message::Ping(Empty {}));
                        drowned
                    }
                    Pulse::Dead => true,
                }
            }
        };
        if dead {
            cx.out.push(Output::CloseLink { link: id });
            self.drop_link(cx, id);
        }
    }

    fn write_visitors(&mut self, cx: &mut Context<'_>, id: PollId) {
        let Some(hosted) = self.polls.get_mut(&id) else { return };
        if hosted.visitors.due().is_some_and(|due| cx.now >= due) {
            hosted.visitors.begin(cx.now);
            let row = Row::visitors(id, &hosted.visitors.ids);
            let batch = cx.commit(vec![row], Durability::Relaxed);
            self.housekeeping.insert(batch, id);
        }
    }

    /// True when the batch was one of visitors. Those that came meanwhile are in the next.
    fn visitors_written(&mut self, cx: &mut Context<'_>, batch: BatchId, failed: bool) -> bool {
        let Some(id) = self.housekeeping.remove(&batch) else { return false };
        if let Some(hosted) = self.polls.get_mut(&id) {
            hosted.visitors.end(cx.now, failed);
            self.write_visitors(cx, id);
        }
        true
    }
}

fn owner_link(signalling: SignallingView) -> LinkView {
    if let Some((retry_at, cause)) = unreachable(signalling) {
        return LinkView::Reconnecting { retry_at, cause };
    }
    match signalling {
        SignallingView::Open => LinkView::Connected,
        SignallingView::Off
        | SignallingView::Connecting
        | SignallingView::Waiting { .. }
        | SignallingView::IdTaken { .. }
        | SignallingView::NoNetwork => LinkView::Connecting,
    }
}

/// The receipt of the newest vote of `author` among the records.
fn newest_vote(records: &[Record], author: PublicKey) -> Option<Receipt> {
    let by_author = |record: &&Record| {
        let command = &record.entry.signed.command;
        command.author == author && matches!(command.action, Action::Vote(_))
    };
    records.iter().rev().find(by_author).map(|record| record.receipt.clone())
}

fn send(cx: &mut Context<'_>, link: LinkId, message: &Message) {
    cx.out.push(Output::Send { link, frame: message.to_frame() });
}
