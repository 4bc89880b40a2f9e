//! What must hold at every moment, and what must hold once faults have stopped.
//!
//! The ledger is told of everything that leaves a tab, arrives at one, or reaches a disk, and keeps a state
//! of its own for each revision, folded straight from the owner's disk.

use std::collections::{BTreeMap, BTreeSet};

use super::{Sim, Store};
use crate::domain::bytes::{Hash, sha256};
use crate::domain::command::{CommandId, SignedCommand};
use crate::domain::identity::RoomRef;
use crate::domain::log::{Receipt, Record};
use crate::domain::poll::{Action, Poll};
use crate::protocol::effect::LinkId;
use crate::protocol::message::{FRAME_BYTES_MAX, Message, parse_frame};
use crate::protocol::outbox::COMMANDS_MAX;
use crate::protocol::storage::Row;

#[derive(Debug, Default)]
pub struct Ledger {
    room: Option<RoomRef>,
    /// `states[r]` is the fold of the first `r` entries on the owner's disk.
    states: Vec<Poll>,
    logged: BTreeMap<CommandId, u64>,
    receipts: BTreeMap<CommandId, Receipt>,
    /// Commands that were in a device's outbox on disk once.
    saved: BTreeSet<(usize, CommandId)>,
    /// Commands whose answer has arrived at some tab of a device.
    answered: BTreeSet<(usize, CommandId)>,
    /// Accepted links over which a participant has proved itself.
    proved: BTreeSet<(usize, u64, LinkId)>,
    trace: Option<Hash>,
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

    fn note(&mut self, parts: &[&[u8]]) {
        let digest = sha256(parts);
        self.trace = Some(sha256(&[&self.trace().0, &digest.0]));
    }

    /// A tab of `device` sends a frame.
    pub fn sent(&mut self, device: usize, tab: usize, generation: u64, link: LinkId, frame: &str) {
        self.note(&[b"sent", &tab.to_be_bytes(), frame.as_bytes()]);
        assert!(frame.len() <= FRAME_BYTES_MAX, "[15] a frame of {} bytes", frame.len());
        let messages = parse_frame(frame, FRAME_BYTES_MAX).expect("[15] our own frames parse");
        for message in messages {
            let accepted = matches!(link, LinkId::Accepted(_));
            match &message {
                Message::Ack(ack) => self.acked_now(&ack.receipt),
                Message::Command(mutation) if !accepted => {
                    let id = mutation.tail.command_id;
                    assert!(
                        self.saved.contains(&(device, id)),
                        "[6] {id} is sent but was never saved"
                    );
                }
                Message::Command(mutation) => {
                    let id = mutation.tail.command_id;
                    assert!(self.is_ours(id), "[13] {id} is told but not on the owner's disk");
                }
                Message::Hello(_)
                | Message::OwnerProof(_)
                | Message::ParticipantProof(_)
                | Message::Error(_) => {
                    continue;
                }
                Message::Welcome(_)
                | Message::State(_)
                | Message::StateChunk(_)
                | Message::Head(_)
                | Message::List(_)
                | Message::Discovery(_)
                | Message::SyncRequest(_)
                | Message::Ping(_)
                | Message::Pong(_) => {}
            }
            assert!(
                !accepted || self.proved.contains(&(tab, generation, link)),
                "[14] {message:?} before authentication"
            );
        }
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
            self.logged.get(&id),
            Some(&receipt.revision),
            "[1, 13] {id} is acked but not on the owner's disk"
        );
        let first = self.receipts.entry(id).or_insert_with(|| receipt.clone());
        assert_eq!(first, receipt, "[2] another receipt for {id}");
    }

    /// A frame reaches a tab.
    pub fn arrived(
        &mut self,
        device: usize,
        tab: usize,
        generation: u64,
        link: LinkId,
        frame: &str,
    ) {
        self.note(&[b"arrived", &tab.to_be_bytes(), frame.as_bytes()]);
        for message in parse_frame(frame, FRAME_BYTES_MAX).unwrap_or_default() {
            match message {
                Message::Ack(ack) => {
                    self.answered.insert((device, ack.command_id));
                }
                Message::Error(error) => {
                    self.answered.extend(error.command_id.map(|id| (device, id)));
                }
                Message::ParticipantProof(_) => {
                    self.proved.insert((tab, generation, link));
                }
                _ => {}
            }
        }
    }

    /// A row is about to reach a disk, where `before` stands under its key.
    pub fn stored(&mut self, device: usize, row: &Row, before: Option<&str>) {
        let value = row.value.as_deref().unwrap_or_default();
        self.note(&[b"stored", &device.to_be_bytes(), row.key.as_bytes(), value.as_bytes()]);
        match row.store {
            Store::Log => {
                assert!(
                    before.is_none() || before == Some(value),
                    "[12] {} is written twice",
                    row.key
                );
                let record: Record = serde_json::from_str(value).expect("a record");
                if before.is_none() && self.room == Some(record.entry.signed.command.room) {
                    self.append(&record);
                }
            }
            Store::Outbox if row.value.is_none() => {
                let signed = before
                    .map(|text| serde_json::from_str::<SignedCommand>(text).expect("a command"));
                if let Some(signed) = signed {
                    let id = signed.command.id;
                    assert!(
                        self.answered.contains(&(device, id)),
                        "[6] {id} leaves the outbox unanswered"
                    );
                }
            }
            Store::Outbox => {
                let signed: SignedCommand = serde_json::from_str(value).expect("a command");
                self.saved.insert((device, signed.command.id));
            }
            Store::Receipts | Store::Rooms | Store::Visitors => {}
        }
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
                let applied = next.apply(&command.author, action);
                assert_eq!(applied, Ok(()), "[9, 10] {command:?} against the rules");
                next
            }
        };
        assert_eq!(record.entry.revision, self.states.len() as u64 + 1, "[3] a gap in the log");
        assert!(record.entry.signed.verify(), "a forged command in the log");
        next.revision = record.entry.revision;
        next.head = record.hash;
        assert_eq!(self.logged.insert(command.id, next.revision), None, "[2] {} twice", command.id);
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

    /// After every step: whatever any tab holds as confirmed is a state that the owner's disk once was.
    pub fn check(&self, room: RoomRef) {
        for tab in &self.tabs {
            let Some(node) = &tab.node else { continue };
            let hosted = node.hub().and_then(|hub| hub.poll(room.poll));
            let followed = node.confirmed(room);
            for poll in hosted.into_iter().chain(followed) {
                let state = self.ledger.state(poll.revision);
                assert_eq!(state, Some(poll), "[3, 4] not the fold of {} entries", poll.revision);
            }
        }
        for disk in &self.disks {
            assert!(disk.count(Store::Outbox) <= COMMANDS_MAX, "[15] the outbox is too long");
        }
    }

    /// In the end: everything that was ever acked is there, once.
    pub fn check_end(&self, room: RoomRef) {
        let ledger = &self.ledger;
        for (id, receipt) in &ledger.receipts {
            let revision = ledger.logged.get(id).expect("[1] an acked command is lost");
            assert_eq!(*revision, receipt.revision, "[1] an acked command moved");
        }
        let records: usize = self.disks[0]
            .rows
            .keys()
            .filter(|(store, key)| *store == Store::Log && key.starts_with(&room.poll.to_string()))
            .count();
        assert_eq!(records, ledger.states.len(), "[4] the disk and the fold differ in length");
    }
}
