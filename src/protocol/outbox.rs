//! Commands of ours that the owner has not answered. Each is in storage before it is first sent, and leaves
//! only on a verified ack or an error.

use std::collections::BTreeMap;

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
            outbox.items.insert(sequence, Item { signed, bytes, stage: Stage::Saved });
            outbox.next = outbox.next.max(sequence + 1);
        }
        if bug::on(Bug::OutboxForgottenOnReload) {
            outbox.items.pop_last();
        }
        outbox
    }

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
        self.items.insert(sequence, Item { signed, bytes, stage: Stage::Saving });
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

    /// The next command to send, in order: nothing overtakes one that is still being saved.
    pub fn next_to_send(&mut self) -> Option<&SignedCommand> {
        let mut unsent = self.items.values_mut().filter(|item| item.stage != Stage::Sent);
        let item = if bug::on(Bug::OutboxOrderLost) { unsent.next_back() } else { unsent.next() }?;
        if item.stage == Stage::Saving && !bug::on(Bug::SentBeforeSaved) {
            return None;
        }
        item.stage = Stage::Sent;
        Some(&item.signed)
    }

    pub fn has_unsent(&self) -> bool {
        self.items
            .values()
            .find(|item| item.stage != Stage::Sent)
            .is_some_and(|item| item.stage == Stage::Saved || bug::on(Bug::SentBeforeSaved))
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

    pub fn remove(&mut self, sequence: u64) -> Option<SignedCommand> {
        self.items.remove(&sequence).map(|item| item.signed)
    }

    pub fn commands(&self) -> impl Iterator<Item = &SignedCommand> {
        self.items.values().map(|item| &item.signed)
    }

    /// What would be lost with this tab, in order.
    pub fn unsaved(&self) -> impl Iterator<Item = &SignedCommand> {
        self.items.values().filter(|item| item.stage == Stage::Saving).map(|item| &item.signed)
    }

    /// Whether losing this tab now would lose the command.
    pub fn is_volatile(&self, id: CommandId) -> bool {
        self.unsaved().any(|signed| signed.command.id == id)
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
        assert_eq!(outbox.next_to_send(), Some(&vote(2)));
        assert_eq!(outbox.next_to_send(), None);
    }

    #[test]
    fn a_lost_connection_sends_again_in_order() {
        let mut outbox = Outbox::restore([(4, vote(1)), (7, vote(2))]);
        while outbox.next_to_send().is_some() {}
        outbox.unsend();
        assert_eq!(outbox.next_to_send(), Some(&vote(1)));
        assert_eq!(outbox.next_to_send(), Some(&vote(2)));
        assert_eq!(outbox.add(vote(3)), Some(8), "sequences go on after a reload");
    }

    #[test]
    fn the_outbox_is_bounded() {
        let mut outbox = Outbox::default();
        for id in 0..COMMANDS_MAX as u128 {
            assert!(outbox.add(vote(id)).is_some());
        }
        assert_eq!(outbox.add(vote(9_999)), None);
    }
}
