//! What must hold at every moment, and what must hold once faults have stopped.
//!
//! The ledger is told of everything that leaves a tab, arrives at one, or reaches a disk, and keeps a state
//! of its own for each revision, folded straight from the owner's disk. A message that starts with `[n]` says
//! which promise is broken:
//!
//! 1. An acked command is in every later state of the owner.
//! 2. A command id is applied at most once; a duplicate gets the identical receipt, other content an error.
//! 3. A participant's revision only grows, one by one.
//! 4. A state is the fold of the log up to its revision.
//! 5. Once faults stop everybody shows the owner's state and every outbox is empty.
//! 6. A command is on disk before it is first sent, and stays there until it is answered.
//! 7. Unanswered commands survive a reload in their order.
//! 8. While the owner is away the copy is shown and nothing new is taken.
//! 9. Roles are checked when a command is applied.
//! 10. A closed poll takes no votes, and still acks what it took before.
//! 11. Clocks decide nothing: a command is refused only where the rules refuse it.
//! 12. One leading tab per device, and an epoch in every write.
//! 13. Nothing is acked or told before its transaction completed.
//! 14. No poll data before authentication, and nothing of a participant before the owner's.
//! 15. Nothing panics, spins or passes a limit.
//! 16. What is not listed stays among those who have the link.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::seen::{Seen, Sightings};
use super::{START, Sim, Store};
use crate::domain::Timestamp;
use crate::domain::bug;
use crate::domain::bytes::{Hash, sha256};
use crate::domain::command::{CommandId, SignedCommand};
use crate::domain::identity::{PollId, PublicKey, RoomRef};
use crate::domain::log::{Head, LOG_ENTRIES_MAX, Receipt, Record};
use crate::domain::poll::{Action, Poll};
use crate::protocol::effect::LinkId;
use crate::protocol::message::{
    Code, ErrorMessage, FRAME_BYTES_MAX, Message, ParticipantProof, parse_frame,
};
use crate::protocol::storage::Row;

#[derive(Debug, Default)]
pub struct Ledger {
    room: Option<RoomRef>,
    /// `states[r]` is the fold of the first `r` entries on the owner's disk.
    states: Vec<Poll>,
    /// Place and digest of each command in the log.
    logged: BTreeMap<CommandId, (u64, Hash)>,
    receipts: BTreeMap<CommandId, Receipt>,
    acked_revision: u64,
    /// Commands that were in a device's outbox on disk once, and as which.
    saved: BTreeMap<(usize, CommandId), Saved>,
    /// Commands that were sent by somebody else as well.
    replayed: BTreeSet<CommandId>,
    /// Commands that somebody altered on their way, or cut short: for these ids anything may come back.
    altered: BTreeSet<CommandId>,
    /// In which tab, and during which visit to its page, a command was given, and how many before it.
    given: BTreeMap<CommandId, ((usize, u64), usize)>,
    /// The newest of those of each visit that storage had.
    newest_given: BTreeMap<(usize, u64), usize>,
    /// The place among the saved of the newest command of each author in the log.
    newest_saved: BTreeMap<PublicKey, usize>,
    /// Commands whose ack, or whose final refusal, has arrived at some tab of a device.
    confirmed: BTreeSet<(usize, CommandId)>,
    rejected: BTreeSet<(usize, CommandId)>,
    /// What is known of each end of a link, whatever the machines believe.
    links: BTreeMap<LinkEnd, Peer>,
    /// What each participant's end has said to prove itself.
    proofs: BTreeMap<LinkEnd, ParticipantProof>,
    /// Accepted links over which a participant has proved itself, and for which poll.
    proved: BTreeMap<LinkEnd, (PublicKey, PollId)>,
    /// Commands that arrived over a link and are not acked over it yet.
    arrived: BTreeMap<(LinkEnd, CommandId), Vec<Hash>>,
    /// The newest revision that a leader's session showed.
    shown: BTreeMap<(usize, u64, u64), u64>,
    sightings: Sightings,
    trace: Option<Hash>,
}

/// One end of a link: tab, its generation, and the link's id there.
pub type LinkEnd = (usize, u64, LinkId);

/// Who really is at the other end of a link.
#[derive(Clone, Copy, Debug)]
struct Peer {
    end: LinkEnd,
    key: PublicKey,
    /// Whether somebody in between reads and writes along.
    in_between: bool,
}

#[derive(Debug)]
struct Saved {
    signed: SignedCommand,
    /// How many were saved before it.
    place: usize,
    /// The revision of the owner's disk then.
    revision: u64,
}

/// Where a frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// One of our nodes sent it over this very link.
    Peer,
    /// Somebody made it up, or replays it.
    Liar,
}

impl Ledger {
    pub fn of(room: RoomRef) -> Self {
        Self { room: Some(room), ..Self::default() }
    }

    pub fn trace(&self) -> Hash {
        self.trace.unwrap_or(Hash::ZERO)
    }

    pub fn acked(&self) -> usize {
        self.receipts.len()
    }

    /// A command that waits for its answer, and on which device.
    pub fn unanswered(&self) -> Option<(usize, CommandId)> {
        self.saved.keys().find(|at| !self.is_answered(at)).copied()
    }

    fn is_answered(&self, at: &(usize, CommandId)) -> bool {
        self.confirmed.contains(at) || self.rejected.contains(at)
    }

    /// The frame of some ack, and the command that it is for.
    pub fn any_ack(&self) -> Option<(CommandId, String)> {
        let (id, receipt) = self.receipts.first_key_value()?;
        Some((*id, Message::ack(receipt.clone()).to_json()))
    }

    /// A command that is in the log.
    pub fn any_logged(&self) -> Option<CommandId> {
        self.receipts.keys().last().copied()
    }

    pub fn sightings(&self) -> &Sightings {
        &self.sightings
    }

    pub fn seen(&mut self, seen: Seen) {
        self.sightings.count(seen);
    }

    fn note(&mut self, now: Timestamp, parts: &[&[u8]]) {
        let digest = sha256(parts);
        let at = now.since(START).to_be_bytes();
        self.trace = Some(sha256(&[&self.trace().0, &at, &digest.0]));
    }

    /// A link comes into being, whose other end belongs to `key`.
    pub fn connected(&mut self, end: LinkEnd, other: LinkEnd, key: PublicKey, in_between: bool) {
        self.links.insert(end, Peer { end: other, key, in_between });
        if in_between {
            self.seen(Seen::InBetween);
        }
    }

    /// Whether the other end of a link is who a participant of the room looks for, and nobody else.
    fn is_the_owner(&self, end: LinkEnd) -> bool {
        match (self.room, self.links.get(&end)) {
            (Some(room), Some(peer)) => peer.key == room.owner && !peer.in_between,
            _ => true,
        }
    }

    /// An end closes its link.
    pub fn closed(&mut self, end: LinkEnd) {
        if matches!(end.2, LinkId::Dialled(_)) && !self.is_the_owner(end) {
            self.seen(Seen::ImpostorLeft);
        }
    }

    /// A frame that nobody meant like this is about to arrive somewhere. An id in it may be given to a command before it does.
    pub fn doubtful(&mut self, frame: &str) {
        let ids = frame.split('"').filter_map(|text| Uuid::try_parse(text).ok());
        self.altered.extend(ids.map(CommandId));
    }

    /// A tab of `device` sends a frame.
    pub fn sent(&mut self, now: Timestamp, device: usize, end: LinkEnd, frame: &str) {
        self.note(now, &[b"sent", &end.0.to_be_bytes(), frame.as_bytes()]);
        assert!(frame.len() <= FRAME_BYTES_MAX, "[15] a frame of {} bytes", frame.len());
        let messages = parse_frame(frame, FRAME_BYTES_MAX).expect("[15] our own frames parse");
        for message in messages {
            match end.2 {
                LinkId::Accepted(_) => self.told(end, &message),
                LinkId::Dialled(_) => self.asked(device, end, &message),
            }
        }
    }

    /// An owner's end sends a message.
    fn told(&mut self, end: LinkEnd, message: &Message) {
        let proved = self.proved.get(&end).map(|(_, poll)| *poll);
        match message {
            Message::Hello(_) | Message::OwnerProof(_) | Message::ParticipantProof(_) => return,
            Message::Error(error) => return self.refused(end, error),
            Message::Ack(ack) => {
                self.acked_now(&ack.receipt);
                self.acked_what_came(end, &ack.receipt);
            }
            Message::Command(mutation) => {
                let id = mutation.tail.command_id;
                assert!(self.is_ours(id), "[13] {id} is told but not on the owner's disk");
            }
            Message::Unknown(unknown) => panic!("[15] our own {}", unknown.kind),
            Message::List(listed) => {
                let is_listed = |poll: &Poll| poll.listed && poll.open;
                let may_be = self.room.is_none() || self.states.iter().any(is_listed);
                assert!(
                    listed.is_empty() || may_be,
                    "[16] the lobby hears of a poll that is not listed"
                );
                if !listed.is_empty() {
                    self.seen(Seen::Listed);
                }
            }
            Message::State(poll) if self.is_the_room(poll.id) => {
                let state = self.state(poll.revision);
                assert_eq!(state, Some(&**poll), "[13] a state is told that is not on disk");
            }
            Message::Head(head) if self.room.is_some() => self.head_is_on_disk(head),
            Message::StateChunk(_) => self.seen(Seen::StateInChunks),
            Message::Welcome(_)
            | Message::State(_)
            | Message::Head(_)
            | Message::Discovery(_)
            | Message::SyncRequest(_)
            | Message::Ping(_)
            | Message::Pong(_) => {}
        }
        if let Message::State(_) | Message::StateChunk(_) | Message::Head(_) | Message::Command(_) =
            message
        {
            assert!(proved != Some(PollId::LOBBY), "[16] the lobby is told about a poll");
        }
        assert!(proved.is_some(), "[14] {message:?} before authentication");
        let in_between = self.links.get(&end).is_some_and(|peer| peer.in_between);
        assert!(!in_between, "[14] somebody in between reads {message:?}");
    }

    /// A participant's end sends a message.
    fn asked(&mut self, device: usize, end: LinkEnd, message: &Message) {
        match message {
            Message::Hello(_) => return,
            Message::Command(mutation) => {
                let id = mutation.tail.command_id;
                assert!(
                    self.saved.contains_key(&(device, id)),
                    "[6] {id} is sent but was never saved"
                );
            }
            Message::SyncRequest(_) => self.seen(Seen::StateAskedFor),
            Message::Unknown(unknown) => panic!("[15] our own {}", unknown.kind),
            Message::ParticipantProof(proof) => {
                self.proofs.insert(end, proof.clone());
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Error(_)
            | Message::OwnerProof(_)
            | Message::Welcome(_)
            | Message::State(_)
            | Message::StateChunk(_)
            | Message::Head(_)
            | Message::List(_)
            | Message::Discovery(_)
            | Message::Ack(_) => panic!("[15] a participant says {message:?}"),
        }
        assert!(self.is_the_owner(end), "[14] {message:?} to somebody who is not the owner");
    }

    fn is_from_the_other_end(&self, end: LinkEnd, proof: &ParticipantProof) -> bool {
        let other = self.links.get(&end).map(|peer| peer.end);
        other.and_then(|other| self.proofs.get(&other)) == Some(proof)
    }

    fn is_the_room(&self, poll: PollId) -> bool {
        self.room.is_some_and(|room| room.poll == poll)
    }

    fn head_is_on_disk(&self, head: &Head) {
        let state = self.state(head.revision).map(|poll| poll.head);
        assert_eq!(state, Some(head.hash), "[13] a head is told that is not on disk");
    }

    fn is_ours(&self, id: CommandId) -> bool {
        self.room.is_none() || self.logged.contains_key(&id)
    }

    fn acked_now(&mut self, receipt: &Receipt) {
        let id = receipt.command_id;
        if self.room.is_none() {
            return;
        }
        assert_eq!(
            self.place(id),
            Some(receipt.revision),
            "[1, 13] {id} is acked but not on the owner's disk"
        );
        if let Some(first) = self.receipts.get(&id) {
            assert_eq!(first, receipt, "[2] another receipt for {id}");
            self.seen(Seen::DuplicateAcked);
        } else {
            self.receipts.insert(id, receipt.clone());
        }
        self.acked_revision = self.acked_revision.max(receipt.revision);
    }

    /// An ack answers a command that came over this link with exactly this content.
    fn acked_what_came(&mut self, end: LinkEnd, receipt: &Receipt) {
        if self.room.is_none() {
            return;
        }
        let waiting = self.arrived.entry((end, receipt.command_id)).or_default();
        let at = waiting.iter().position(|digest| *digest == receipt.command_hash);
        let at = at.expect("[2] an ack for other content than what came");
        waiting.remove(at);
    }

    /// The owner refuses something: what the rules say of a state that its disk was in since the command was saved.
    fn refused(&mut self, end: LinkEnd, error: &ErrorMessage) {
        // Without having been let in one can be shunned, but not hasty.
        if error.command_id.is_none()
            && error.code == Code::TooFast
            && self.arrived.keys().any(|(over, _)| *over == end)
        {
            self.seen(Seen::CutOffForHaste);
        }
        let Some(id) = error.command_id.filter(|id| !self.replayed.contains(id)) else { return };
        if self.room.is_none() {
            return;
        }
        let Some((_, saved)) = self.saved.iter().find(|((_, at), _)| *at == id) else { return };
        match error.code {
            Code::TooFast => self.seen(Seen::SentTooFast),
            Code::BadSignature
            | Code::Malformed
            | Code::FrameTooLarge
            | Code::TooDeep
            | Code::OutOfOrder
            | Code::BadProof
            | Code::UnsupportedVersion
            | Code::UnknownPoll
            | Code::RoomFull
            | Code::Replaced
            | Code::HandshakeTimeout
            | Code::UnknownType
            | Code::Unrecognised => {
                let altered = self.altered.contains(&id);
                assert!(altered, "[11] {id} is refused as {:?}, and nobody altered it", error.code);
            }
            Code::IdReused => {
                assert!(self.place(id).is_some(), "[2] {id} is new and refused as used");
            }
            Code::LogFull => {
                assert!(self.revision() >= LOG_ENTRIES_MAX, "[11] {id} is refused for no rule");
            }
            Code::Rule(refusal) => {
                let command = &saved.signed.command;
                let says = |poll: &Poll| {
                    bug::with(None, || poll.check(&command.author, &command.action)).err()
                };
                let mut since = (saved.revision..=self.revision()).filter_map(|r| self.state(r));
                let refused = since.any(|state| says(state) == Some(refusal));
                assert!(refused, "[11, 13] {id} is refused as {refusal:?} against the rules");
                self.seen(Seen::Refused);
            }
        }
    }

    /// The owner's state may not go back behind this: an owner sees its own poll once that is on disk.
    fn kept_revision(&self) -> u64 {
        self.acked_revision.max(self.revision().min(1))
    }

    /// The revision of a command in the log.
    fn place(&self, id: CommandId) -> Option<u64> {
        self.logged.get(&id).map(|(revision, _)| *revision)
    }

    fn revision(&self) -> u64 {
        self.states.len() as u64
    }

    /// A frame reaches a tab.
    pub fn arrived(
        &mut self,
        now: Timestamp,
        device: usize,
        end: LinkEnd,
        frame: &str,
        origin: Origin,
    ) {
        const TOLD_BY: [&str; 5] = ["\"ack", "\"error", "\"auth:p", "\"poll:", "\"user:"];
        self.note(now, &[b"arrived", &end.0.to_be_bytes(), frame.as_bytes()]);
        if origin == Origin::Liar {
            self.doubtful(frame);
        }
        if !TOLD_BY.iter().any(|start| frame.contains(start)) {
            return;
        }
        for message in parse_frame(frame, FRAME_BYTES_MAX).unwrap_or_default() {
            match message {
                Message::Ack(ack)
                    if self.room.is_none() || self.place(ack.command_id) == Some(ack.revision) =>
                {
                    self.confirmed.insert((device, ack.command_id));
                }
                Message::Error(error)
                    if matches!(end.2, LinkId::Dialled(_)) && !error.code.is_transient() =>
                {
                    self.rejected.extend(error.command_id.map(|id| (device, id)));
                }
                // Whoever brings it: it proves who is at the other end if that one made it for this link.
                Message::ParticipantProof(proof) if self.is_from_the_other_end(end, &proof) => {
                    let key = PublicKey::from_bytes(&proof.public_key.0).expect("a key of ours");
                    self.proved.insert(end, (key, proof.poll_id));
                }
                Message::Command(mutation) if mutation.tail.entry.is_none() => {
                    let id = mutation.tail.command_id;
                    if origin == Origin::Liar {
                        self.replayed.insert(id);
                    }
                    let (Some(room), Some((key, _))) = (self.room, self.proved.get(&end)) else {
                        continue;
                    };
                    let digest = mutation.into_signed(room, *key).hash();
                    self.arrived.entry((end, id)).or_default().push(digest);
                }
                _ => {}
            }
        }
    }

    /// A row is about to reach a disk, where `before` stands under its key.
    pub fn stored(&mut self, now: Timestamp, device: usize, row: &Row, before: Option<&str>) {
        let value = row.value.as_deref().unwrap_or_default();
        self.note(now, &[b"stored", &device.to_be_bytes(), row.key.as_bytes(), value.as_bytes()]);
        match row.store {
            Store::Log => {
                assert!(
                    before.is_none() || before == Some(value),
                    "[12] {} is written twice",
                    row.key
                );
                let record: Record = serde_json::from_str(value).expect("a record");
                let command = &record.entry.signed.command;
                if before.is_none() && self.room == Some(command.room) {
                    if command.author == command.room.owner {
                        self.in_order_given(command.id);
                    }
                    self.in_order(&record.entry.signed);
                    self.append(&record);
                }
            }
            Store::Outbox if row.value.is_none() => {
                let signed = before
                    .map(|text| serde_json::from_str::<SignedCommand>(text).expect("a command"));
                if let Some(signed) = signed {
                    let id = signed.command.id;
                    let at = (device, id);
                    assert!(self.is_answered(&at), "[6] {id} leaves the outbox unanswered");
                    let honest = !self.replayed.contains(&id) && !self.altered.contains(&id);
                    let given_up = honest && !self.confirmed.contains(&at);
                    assert!(
                        !given_up || self.place(id).is_none(),
                        "[10] {id} is in the log, and leaves the outbox as refused"
                    );
                }
            }
            Store::Outbox => {
                assert!(
                    before.is_none() || before == Some(value),
                    "[12] {} is written over",
                    row.key
                );
                let signed: SignedCommand = serde_json::from_str(value).expect("a command");
                let (place, revision) = (self.saved.len(), self.revision());
                let at = (device, signed.command.id);
                if !self.saved.contains_key(&at) {
                    self.in_order_given(signed.command.id);
                    self.saved.insert(at, Saved { signed, place, revision });
                }
            }
            Store::Receipts | Store::Rooms | Store::Visitors => {}
        }
    }

    /// Somebody wants something of the poll.
    pub fn gave(&mut self, visit: (usize, u64), id: CommandId) {
        let place = self.given.len();
        self.given.insert(id, (visit, place));
    }

    /// What is done during one visit to a page comes into storage in the order in which it was done, whichever tab saves it.
    fn in_order_given(&mut self, id: CommandId) {
        let Some((visit, place)) = self.given.get(&id) else { return };
        let newest = self.newest_given.entry(*visit).or_insert(*place);
        assert!(*newest <= *place, "[7] {id} is saved after what was done after it");
        *newest = *place;
    }

    /// The commands of one author come into the log in the order in which they were saved, but for what was replayed
    /// over its author's own connection: only an author that wants it so can do that.
    fn in_order(&mut self, signed: &SignedCommand) {
        let (author, id) = (signed.command.author, signed.command.id);
        let mut places = self.saved.values().filter(|saved| saved.signed.command.id == id);
        let Some(place) = places.next().map(|saved| saved.place) else { return };
        let newest = self.newest_saved.entry(author).or_insert(place);
        let replayed = self.replayed.contains(&id);
        assert!(*newest <= place || replayed, "[7] {id} is overtaken by a later command");
        *newest = place.max(*newest);
    }

    /// Folds one more entry, by the rules alone.
    pub fn append(&mut self, record: &Record) {
        let command = &record.entry.signed.command;
        let mut next = match (self.states.last(), &command.action) {
            (None, Action::Create(draft)) => {
                Poll::create(command.room.poll, command.room.owner, draft).expect("a valid draft")
            }
            (None, _) => panic!("[4] a log that does not start with a creation"),
            (Some(last), action) => {
                let mut next = last.clone();
                let applied = bug::with(None, || next.apply(&command.author, action));
                assert_eq!(applied, Ok(()), "[9, 10] {command:?} against the rules");
                next
            }
        };
        assert_eq!(record.entry.revision, self.states.len() as u64 + 1, "[3] a gap in the log");
        assert!(record.entry.signed.verify(), "[9] a forged command in the log");
        next.revision = record.entry.revision;
        next.head = record.hash;
        let place = (next.revision, record.entry.signed.hash());
        assert_eq!(self.logged.insert(command.id, place), None, "[2] {} twice", command.id);
        self.states.push(next);
    }

    fn state(&self, revision: u64) -> Option<&Poll> {
        self.states.get(usize::try_from(revision.checked_sub(1)?).ok()?)
    }
}

impl Sim {
    /// The owner's committed state.
    pub fn owner_poll(&self, owner_tab: usize, room: RoomRef) -> &Poll {
        let hub = self.node(owner_tab).hub().expect("a leading tab");
        hub.poll(room.poll).expect("a hosted poll")
    }

    pub fn is_leading(&self, tab: usize) -> bool {
        self.tabs[tab].node.as_ref().is_some_and(super::Node::is_leading)
    }

    /// Every tab that watches `room` shows the owner's state, live, with nothing pending.
    pub fn converged(&self, owner_tab: usize, room: RoomRef, tabs: &[usize]) -> bool {
        let hub = self.tabs[owner_tab].node.as_ref().and_then(super::Node::hub);
        let Some(owner) = hub.and_then(|hub| hub.poll(room.poll)) else { return false };
        tabs.iter().all(|tab| {
            self.tabs[*tab].node.is_some()
                && self.view(*tab).rooms.iter().filter(|view| view.room == room).any(|view| {
                    view.cached_at.is_none()
                        && view.pending.is_empty()
                        && view.poll.as_deref() == Some(owner)
                })
        })
    }

    /// After everything that happens to a tab: whatever it holds as confirmed is a state that the owner's disk once was.
    pub fn check(&mut self, at: usize) {
        let Some(room) = self.ledger.room else { return };
        let tab = &self.tabs[at];
        let Some(node) = &tab.node else { return };
        let is_fold = |poll: &Poll| {
            let state = self.ledger.state(poll.revision);
            assert_eq!(state, Some(poll), "[3, 4] not the fold of {} entries", poll.revision);
        };
        if let Some(hub) = node.hub().filter(|_| self.keys[tab.device] == room.owner) {
            let fenced = tab.epoch != self.disks[tab.device].epoch;
            let poll = hub.poll(room.poll);
            if let Some(poll) = poll {
                is_fold(poll);
            }
            let revision = poll.map_or(0, |poll| poll.revision);
            assert!(
                fenced || revision >= self.ledger.kept_revision(),
                "[1] the owner's state lacks what was acked"
            );
        }
        if let Some(poll) = node.confirmed(room) {
            is_fold(poll);
            let shown = self.ledger.shown.entry((at, tab.generation, tab.epoch)).or_default();
            assert!(*shown <= poll.revision, "[3] a state replaces a newer one");
            *shown = poll.revision;
        }
    }

    /// What a person may do through a tab, and what must come of it while the owner is away.
    pub fn check_offline(&self, tab: usize, room: RoomRef, pending: usize) {
        let view = self.room(tab, room);
        assert_eq!(
            view.pending.len(),
            pending,
            "[8] something new is taken while the owner is away"
        );
        assert_eq!(view.poll.is_some(), view.cached_at.is_some(), "[8] a copy without its date");
        let disk = &self.disks[self.tabs[tab].device];
        // Somebody who leads no longer, and does not know it yet, knows only what was kept before.
        let leads = disk.epoch == self.tabs[tab].epoch;
        let kept = leads && disk.parse(Store::Rooms).rooms.contains_key(&room);
        assert!(view.poll.is_some() || !kept, "[8] the copy is kept, and not shown");
    }

    /// Right after a tab took the lead: what was saved and not answered is on disk, and all of that is pending, in order.
    pub fn check_remembered(&self, tab: usize) {
        let Some(room) = self.ledger.room else { return };
        let device = self.tabs[tab].device;
        let mut stored = self.disks[device].parse(Store::Outbox);
        let kept = stored.outboxes.remove(&room).unwrap_or_default();
        let kept: Vec<CommandId> = kept.iter().map(|(_, signed)| signed.command.id).collect();
        for (of, id) in self.ledger.saved.keys() {
            let answered = *of != device || self.ledger.is_answered(&(device, *id));
            assert!(answered || kept.contains(id), "[7] {id} was saved, and is gone unanswered");
        }
        let Some(view) = self.view(tab).rooms.into_iter().find(|view| view.room == room) else {
            return;
        };
        let pending = view.pending.iter().map(|pending| pending.id);
        let pending: Vec<CommandId> = pending.filter(|id| kept.contains(id)).collect();
        assert_eq!(pending, kept, "[7] what waits on disk is not what is pending");
    }

    /// In the end: everything that was ever acked is there, once.
    pub fn check_end(&self, room: RoomRef) {
        let ledger = &self.ledger;
        let logs = self.disks[0].parse(Store::Log).logs;
        let records = logs.get(&room.poll).expect("[1] the poll is lost");
        let on_disk: BTreeMap<CommandId, u64> = records
            .iter()
            .map(|record| (record.entry.signed.command.id, record.entry.revision))
            .collect();
        for (id, receipt) in &ledger.receipts {
            let revision = on_disk.get(id).expect("[1] an acked command is lost");
            assert_eq!(*revision, receipt.revision, "[1] an acked command moved");
        }
        for device in 0..self.disks.len() {
            let leads = |tab: usize| self.tabs[tab].device == device && self.is_leading(tab);
            let leading = (0..self.tabs.len()).filter(|tab| leads(*tab)).count();
            assert_eq!(leading, 1, "[12] leading tabs of device {device}");
        }
        assert_eq!(
            records.len(),
            ledger.states.len(),
            "[4] the disk and the fold differ in length"
        );
    }
}
