//! Commands of ours that the owner has not answered. Each is in storage before it is first sent, and leaves
//! only on a verified ack or an error.
//!
//! One is sent at a time. The owner remembers what it took, not what it refused: when a refusal gets lost, the
//! command is sent and judged again, and must not be taken after a later one. So nothing follows a command
//! before its answer, nor a refused one before storage has forgotten it.

use std::collections::BTreeMap;

use super::message::Code;
use super::view::{Pending, Stage};
use crate::domain::bug::{self, Bug};
use crate::domain::command::{CommandId, SignedCommand};

/// Commands that may wait per poll.
pub const COMMANDS_MAX: usize = 500;
/// Bytes of transcripts that may wait per poll.
pub const BYTES_MAX: usize = 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    signed: SignedCommand,
    bytes: usize,
    stage: Stage,
    /// What the owner said. The item stays until storage has forgotten it.
    refused: Option<Code>,
}

/// In the order in which the commands were given, which is the order in which they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    items: BTreeMap<u64, Item>,
    next: u64,
}

impl Outbox {
    /// What storage held: saved, not known to be sent.
    pub fn restore(rows: impl IntoIterator<Item = (u64, SignedCommand)>) -> Self {
        let mut outbox = Self::default();
        for (sequence, signed) in rows {
            let bytes = signed.command.transcript().len();
            outbox
                .items
                .insert(sequence, Item { signed, bytes, stage: Stage::Saved, refused: None });
            outbox.next = outbox.next.max(sequence + 1);
        }
        if bug::on(Bug::OutboxForgottenOnReload) {
            outbox.items.pop_last();
        }
        outbox
    }

    /// Whether nothing is left, in storage neither.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Takes a command that is about to be saved; `None` when the outbox is full.
    pub fn add(&mut self, signed: SignedCommand) -> Option<u64> {
        let bytes = signed.command.transcript().len();
        let held: usize = self.items.values().map(|item| item.bytes).sum();
        if self.items.len() >= COMMANDS_MAX || held + bytes > BYTES_MAX {
            return None;
        }
        let sequence = self.next;
        self.next += 1;
        self.items.insert(sequence, Item { signed, bytes, stage: Stage::Saving, refused: None });
        Some(sequence)
    }

    /// The save completed.
    pub fn saved(&mut self, sequence: u64) {
        if let Some(item) = self.items.get_mut(&sequence)
            && item.stage == Stage::Saving
        {
            item.stage = Stage::Saved;
        }
    }

    /// The next command to send, now that nothing before it is unanswered.
    pub fn next_to_send(&mut self) -> Option<&SignedCommand> {
        let sequence = self.ready()?;
        let item = self.items.get_mut(&sequence)?;
        item.stage = Stage::Sent;
        Some(&item.signed)
    }

    pub fn is_ready(&self) -> bool {
        self.ready().is_some()
    }

    fn ready(&self) -> Option<u64> {
        let (sequence, oldest) = self.items.first_key_value()?;
        let is_ready = oldest.stage == Stage::Saved && oldest.refused.is_none();
        is_ready.then_some(*sequence).or_else(|| self.ready_by_a_bug())
    }

    /// What a deliberate bug sends besides.
    fn ready_by_a_bug(&self) -> Option<u64> {
        let mut unsent = self
            .items
            .iter()
            .filter(|(_, item)| item.stage != Stage::Sent && item.refused.is_none());
        let (sequence, item) =
            if bug::on(Bug::OutboxOrderLost) { unsent.next_back() } else { unsent.next() }?;
        let is_oldest = self.items.first_key_value().is_some_and(|(oldest, _)| oldest == sequence);
        let is_sent = match item.stage {
            Stage::Saving => bug::on(Bug::SentBeforeSaved) && is_oldest,
            Stage::Saved => bug::on(Bug::SentBeforeAnswer) || bug::on(Bug::OutboxOrderLost),
            Stage::Sent => false,
        };
        is_sent.then_some(*sequence)
    }

    /// The connection is gone: all that was sent on it may be lost.
    pub fn unsend(&mut self) {
        for item in self.items.values_mut() {
            if item.stage == Stage::Sent {
                item.stage = Stage::Saved;
            }
        }
    }

    /// The owner asked to have this one again later.
    pub fn unsend_one(&mut self, id: CommandId) {
        for item in self.items.values_mut().filter(|item| item.signed.command.id == id) {
            item.stage = Stage::Saved;
        }
    }

    pub fn find(&self, id: CommandId) -> Option<(u64, &SignedCommand)> {
        self.items
            .iter()
            .find(|(_, item)| item.signed.command.id == id)
            .map(|(sequence, item)| (*sequence, &item.signed))
    }

    /// Marks a command as refused, and returns its place: nothing is sent until storage has forgotten it. `None` when it is
    /// not here, or was refused before.
    pub fn refuse(&mut self, id: CommandId, code: Code) -> Option<u64> {
        let mut items = self.items.iter_mut();
        let (sequence, item) = items.find(|(_, item)| item.signed.command.id == id)?;
        item.refused.replace(code).is_none().then_some(*sequence)
    }

    /// Storage has a refused command no longer: what it was, and why it was refused.
    pub fn forgotten(&mut self, sequence: u64) -> Option<(SignedCommand, Code)> {
        let code = self.items.get(&sequence)?.refused?;
        Some((self.remove(sequence)?, code))
    }

    /// What storage has to forget.
    pub fn refused(&self) -> impl Iterator<Item = (u64, CommandId)> {
        let refused = self.items.iter().filter(|(_, item)| item.refused.is_some());
        refused.map(|(sequence, item)| (*sequence, item.signed.command.id))
    }

    pub fn remove(&mut self, sequence: u64) -> Option<SignedCommand> {
        self.items.remove(&sequence).map(|item| item.signed)
    }

    pub fn commands(&self) -> impl Iterator<Item = &SignedCommand> {
        self.items.values().map(|item| &item.signed)
    }

    /// What would be lost with this tab, in order, with its place.
    pub fn unsaved(&self) -> impl Iterator<Item = (u64, &SignedCommand)> {
        let unsaved = self.items.iter().filter(|(_, item)| item.stage == Stage::Saving);
        unsaved.map(|(sequence, item)| (*sequence, &item.signed))
    }

    /// Whether losing this tab now would lose the command.
    pub fn is_volatile(&self, id: CommandId) -> bool {
        self.unsaved().any(|(_, signed)| signed.command.id == id)
    }

    pub fn view(&self) -> Vec<Pending> {
        self.items
            .values()
            .map(|item| Pending {
                id: item.signed.command.id,
                action: item.signed.command.action.clone(),
                stage: item.stage,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::tests::signed;
    use crate::domain::poll::{Action, OptionId, Vote};

    fn vote(id: u128) -> SignedCommand {
        signed(2, id, Action::Vote(Vote { choices: vec![OptionId(0)] }))
    }

    #[test]
    fn nothing_is_sent_before_it_is_saved_and_nothing_overtakes() {
        let mut outbox = Outbox::default();
        let first = outbox.add(vote(1)).expect("room");
        let second = outbox.add(vote(2)).expect("room");
        assert_eq!(outbox.next_to_send(), None);
        outbox.saved(second);
        assert_eq!(outbox.next_to_send(), None, "the second must not overtake the first");
        outbox.saved(first);
        assert_eq!(outbox.next_to_send(), Some(&vote(1)));
        assert_eq!(outbox.next_to_send(), None, "the first is not answered");
        assert_eq!(outbox.remove(first), Some(vote(1)));
        assert!(outbox.is_ready());
        assert_eq!(outbox.next_to_send(), Some(&vote(2)));
        assert!(!outbox.is_ready());
    }

    #[test]
    fn nothing_follows_a_refused_command_before_storage_has_forgotten_it() {
        let mut outbox = Outbox::restore([(4, vote(1)), (7, vote(2))]);
        let [first, second] = [vote(1), vote(2)].map(|signed| signed.command.id);
        assert_eq!(outbox.next_to_send(), Some(&vote(1)));
        assert_eq!(outbox.refuse(first, Code::IdReused), Some(4));
        assert_eq!(outbox.refuse(first, Code::IdReused), None);
        outbox.unsend();
        outbox.unsend_one(first);
        assert_eq!(outbox.next_to_send(), None);
        assert_eq!(outbox.refused().collect::<Vec<_>>(), [(4, first)]);
        assert_eq!(outbox.forgotten(4), Some((vote(1), Code::IdReused)));
        assert_eq!(outbox.forgotten(4), None);
        assert_eq!(outbox.forgotten(7), None, "that one was not refused");
        assert_eq!(outbox.next_to_send(), Some(&vote(2)));
        assert_eq!(outbox.refuse(second, Code::LogFull), Some(7));
        assert!(!outbox.is_empty(), "storage still has it");
        assert_eq!(outbox.forgotten(7), Some((vote(2), Code::LogFull)));
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_lost_connection_sends_again_in_order() {
        let mut outbox = Outbox::restore([(4, vote(1)), (7, vote(2))]);
        assert_eq!(outbox.next_to_send(), Some(&vote(1)));
        outbox.unsend();
        assert_eq!(outbox.next_to_send(), Some(&vote(1)));
        outbox.unsend_one(vote(2).command.id);
        assert_eq!(outbox.next_to_send(), None);
        outbox.unsend_one(vote(1).command.id);
        assert_eq!(outbox.next_to_send(), Some(&vote(1)));
        assert_eq!(outbox.add(vote(3)), Some(8), "sequences go on after a reload");
    }

    #[test]
    fn only_what_is_not_saved_would_be_lost_with_the_tab() {
        let mut outbox = Outbox::restore([(4, vote(1))]);
        let sequence = outbox.add(vote(2)).expect("room");
        assert!(!outbox.is_volatile(vote(1).command.id));
        assert!(outbox.is_volatile(vote(2).command.id));
        outbox.saved(sequence);
        assert!(!outbox.is_volatile(vote(2).command.id));
    }

    #[test]
    fn the_outbox_is_bounded() {
        let mut outbox = Outbox::default();
        for id in 0..COMMANDS_MAX as u128 {
            assert!(outbox.add(vote(id)).is_some());
        }
        assert_eq!(outbox.add(vote(9_999)), None);
    }

    #[test]
    fn the_outbox_is_bounded_to_the_byte() {
        let of_choices =
            |id, count| signed(2, id, Action::Vote(Vote { choices: vec![OptionId(0); count] }));
        let bytes = |count| of_choices(1, count).command.transcript().len();
        let per_choice = bytes(1) - bytes(0);
        let choices = (BYTES_MAX - 2 * bytes(0)) / per_choice;
        assert_eq!(2 * bytes(0) + choices * per_choice, BYTES_MAX);
        let mut outbox = Outbox::default();
        assert_eq!(outbox.add(of_choices(1, choices - 10)), Some(0));
        assert_eq!(outbox.add(of_choices(2, 11)), None);
        assert_eq!(outbox.add(of_choices(2, 10)), Some(1));
    }
}
