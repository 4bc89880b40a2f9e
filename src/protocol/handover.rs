//! What was done in a tab and is not known to be where it survives, in the order in which it was done: of two votes the
//! later one must stay the later, whoever leads.
//!
//! A tab that stops leading may still be saving. The next leader may have loaded what was saved, and answered it, before the
//! outcome is heard here. So nothing of that is handed over before it is known to have failed, nor what was done after it.

use super::effect::BatchId;
use super::view::Intent;
use crate::domain::bug::{self, Bug};
use crate::domain::command::CommandId;

#[derive(Debug)]
struct Item {
    command: CommandId,
    intent: Intent,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A commit from when this tab led is about to save it.
    Saving(BatchId),
    /// The leader is to be asked, once nothing before it is being saved.
    Held,
    /// The leader was asked, and has not said yet that it has it.
    Asked,
}

#[derive(Debug, Default)]
pub struct Handover {
    items: Vec<Item>,
}

impl Handover {
    /// Something is done here while another tab leads. It is asked for again what it does not have yet: it may be a new one,
    /// which is not known here yet, and must not hear of this first.
    pub fn give(&mut self, command: CommandId, intent: Intent) {
        self.items.push(Item { command, intent, stage: Stage::Held });
        self.ask_again();
    }

    /// This tab stops leading: what it has not saved, in order, with the commit that is about to save it, if one is under
    /// way.
    pub fn keep(&mut self, unsaved: impl Iterator<Item = (Option<BatchId>, CommandId, Intent)>) {
        self.items.extend(unsaved.map(|(batch, command, intent)| {
            let stage = batch.map_or(Stage::Held, Stage::Saving);
            Item { command, intent, stage }
        }));
    }

    /// A commit is through. True when that decides something here.
    #[must_use]
    pub fn committed(&mut self, batch: BatchId) -> bool {
        let before = self.items.len();
        self.items.retain(|item| item.stage != Stage::Saving(batch));
        self.items.len() < before
    }

    /// A commit failed. True when that decides something here.
    #[must_use]
    pub fn failed(&mut self, batch: BatchId) -> bool {
        let mut decides = false;
        for item in self.items.iter_mut().filter(|item| item.stage == Stage::Saving(batch)) {
            item.stage = Stage::Held;
            decides = true;
        }
        decides
    }

    /// The leader has it where it survives, or has answered it.
    pub fn taken(&mut self, command: CommandId) {
        self.items.retain(|item| item.command != command);
    }

    /// Whoever leads now may not have what the one before was asked for.
    pub fn ask_again(&mut self) {
        for item in self.items.iter_mut().filter(|item| item.stage == Stage::Asked) {
            item.stage = Stage::Held;
        }
    }

    /// What the leader is to be asked for now.
    pub fn release(&mut self) -> Vec<(CommandId, Intent)> {
        self.mix_up();
        let free = self.free();
        let held = self.items[..free].iter_mut().filter(|item| item.stage == Stage::Held);
        held.map(|item| {
            item.stage = Stage::Asked;
            (item.command, item.intent.clone())
        })
        .collect()
    }

    /// This tab leads: what is to be done now.
    pub fn take(&mut self) -> Vec<(CommandId, Intent)> {
        self.mix_up();
        let free = self.free();
        self.items.drain(..free).map(|item| (item.command, item.intent)).collect()
    }

    fn mix_up(&mut self) {
        if bug::on(Bug::HandedOverById) {
            self.items.sort_by_key(|item| item.command);
        }
    }

    /// How many are not behind any that is being saved.
    fn free(&self) -> usize {
        let saving = self.items.iter().position(|item| matches!(item.stage, Stage::Saving(_)));
        saving.unwrap_or(self.items.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: BatchId = BatchId(1);
    const SECOND: BatchId = BatchId(2);

    fn id(number: u128) -> CommandId {
        CommandId(uuid::Uuid::from_u128(number))
    }

    /// This tab stopped leading with these commands unsaved.
    fn with(unsaved: &[(Option<BatchId>, u128)]) -> Handover {
        let mut handover = Handover::default();
        handover.keep(unsaved.iter().map(|(batch, number)| (*batch, id(*number), Intent::TryNow)));
        handover
    }

    fn numbers(released: Vec<(CommandId, Intent)>) -> Vec<u128> {
        released.into_iter().map(|(command, _)| command.0.as_u128()).collect()
    }

    #[test]
    fn the_leader_is_asked_at_once_and_the_next_one_again_in_the_same_order() {
        let mut handover = Handover::default();
        handover.give(id(9), Intent::TryNow);
        assert_eq!(numbers(handover.release()), [9]);
        assert_eq!(numbers(handover.release()), [0; 0], "asked already");
        handover.give(id(7), Intent::TryNow);
        assert_eq!(numbers(handover.release()), [9, 7]);
        handover.taken(id(9));
        handover.give(id(8), Intent::TryNow);
        assert_eq!(numbers(handover.release()), [7, 8]);
        handover.ask_again();
        assert_eq!(numbers(handover.release()), [7, 8]);
        assert_eq!(numbers(handover.take()), [7, 8]);
        assert_eq!(numbers(handover.take()), [0; 0]);
    }

    #[test]
    fn nothing_overtakes_what_is_being_saved() {
        let mut handover =
            with(&[(None, 9), (Some(FIRST), 5), (None, 6), (Some(SECOND), 4), (None, 3)]);
        assert_eq!(numbers(handover.release()), [9]);
        handover.give(id(1), Intent::TryNow);
        assert_eq!(numbers(handover.release()), [9]);
        assert!(handover.failed(FIRST));
        assert_eq!(numbers(handover.release()), [5, 6]);
        assert!(handover.committed(SECOND));
        assert_eq!(numbers(handover.release()), [3, 1], "what was saved is handed over by nobody");
        assert_eq!(numbers(handover.take()), [9, 5, 6, 3, 1]);
    }

    #[test]
    fn whoever_leads_again_does_what_is_decided_and_the_rest_then() {
        let mut handover = with(&[(None, 9), (Some(FIRST), 5), (Some(FIRST), 4), (None, 6)]);
        assert_eq!(numbers(handover.take()), [9]);
        assert_eq!(numbers(handover.take()), [0; 0]);
        assert!(handover.failed(FIRST));
        assert_eq!(numbers(handover.take()), [5, 4, 6]);
    }

    #[test]
    fn other_commits_decide_nothing() {
        let mut handover = with(&[(Some(FIRST), 5), (None, 6)]);
        assert!(!handover.committed(SECOND));
        assert!(!handover.failed(SECOND));
        assert_eq!(numbers(handover.release()), [0; 0]);
        handover.taken(id(5));
        assert_eq!(numbers(handover.release()), [6]);
    }
}
