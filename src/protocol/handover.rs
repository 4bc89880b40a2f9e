//! What was done in a tab and is not known to be where it survives, in the order in which it was done: of two votes the
//! later one must stay the later, whoever leads.
//!
//! The leader is asked for one thing at a time. It may die with the answer on its tongue, and the next one judges anew: what
//! was done later must not have been taken by then.
//!
//! A tab that stops leading may still be saving. The next leader may have loaded what was saved, and answered it, before the
//! outcome is heard here. So nothing of that is handed over before it is known to have failed, nor what was done after it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::effect::BatchId;
use super::view::Intent;
use crate::domain::bug::{self, Bug};
use crate::domain::command::CommandId;

/// When a person did what an intent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Given {
    Now,
    /// While another tab was connected: it is saved even though this one is not connected yet.
    Earlier,
}

#[derive(Debug)]
struct Item {
    command: CommandId,
    intent: Intent,
    given: Given,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A commit from when this tab led is about to save it.
    Saving(BatchId),
    /// Its turn comes.
    Waiting,
    /// The leader was asked, and has not said yet that it has it.
    Asked,
}

#[derive(Debug, Default)]
pub struct Handover {
    items: VecDeque<Item>,
}

impl Handover {
    /// Something is done here while another tab leads.
    pub fn give(&mut self, command: CommandId, intent: Intent) {
        let (given, stage) = (Given::Now, Stage::Waiting);
        self.items.push_back(Item { command, intent, given, stage });
    }

    /// This tab stops leading: what it has not saved, in order, with the commit that is about to save it, if one is under
    /// way.
    pub fn keep(&mut self, unsaved: impl Iterator<Item = (Option<BatchId>, CommandId, Intent)>) {
        self.items.extend(unsaved.map(|(batch, command, intent)| {
            let stage = batch.map_or(Stage::Waiting, Stage::Saving);
            Item { command, intent, given: Given::Earlier, stage }
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
            item.stage = Stage::Waiting;
            decides = true;
        }
        decides
    }

    /// The leader has it where it survives, or has answered it.
    pub fn taken(&mut self, command: CommandId) {
        self.items.retain(|item| item.command != command);
    }

    /// Another tab leads now, which may not have what the one before was asked for.
    pub fn leader_changed(&mut self) {
        for item in &mut self.items {
            item.given = Given::Earlier;
            if item.stage == Stage::Asked {
                item.stage = Stage::Waiting;
            }
        }
    }

    /// What the leader is to be asked for now, if anything.
    pub fn next_to_ask(&mut self) -> Option<(CommandId, Intent, Given)> {
        if bug::on(Bug::HandedOverById) {
            self.items.make_contiguous().sort_by_key(|item| item.command);
        }
        let first = self.items.front_mut().filter(|item| item.stage == Stage::Waiting)?;
        first.stage = Stage::Asked;
        Some((first.command, first.intent.clone(), first.given))
    }

    /// This tab leads: what is to be done now.
    pub fn take(&mut self) -> Vec<(CommandId, Intent)> {
        let saving = self.items.iter().position(|item| matches!(item.stage, Stage::Saving(_)));
        let free = saving.unwrap_or(self.items.len());
        self.items.drain(..free).map(|item| (item.command, item.intent)).collect()
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

    fn next(handover: &mut Handover) -> Option<(u128, Given)> {
        handover.next_to_ask().map(|(command, _, given)| (command.0.as_u128(), given))
    }

    fn take(handover: &mut Handover) -> Vec<u128> {
        handover.take().into_iter().map(|(command, _)| command.0.as_u128()).collect()
    }

    #[test]
    fn the_leader_is_asked_for_one_thing_after_the_other() {
        let mut handover = Handover::default();
        for number in [9, 7, 8] {
            handover.give(id(number), Intent::TryNow);
        }
        assert_eq!(next(&mut handover), Some((9, Given::Now)));
        assert_eq!(next(&mut handover), None);
        handover.taken(id(9));
        assert_eq!(next(&mut handover), Some((7, Given::Now)));
        handover.leader_changed();
        assert_eq!(next(&mut handover), Some((7, Given::Earlier)));
        handover.taken(id(7));
        assert_eq!(next(&mut handover), Some((8, Given::Earlier)));
        assert_eq!(take(&mut handover), [8]);
        assert_eq!(next(&mut handover), None);
    }

    #[test]
    fn nothing_overtakes_what_is_being_saved() {
        let mut handover = with(&[(None, 9), (Some(FIRST), 5), (None, 6), (Some(SECOND), 4)]);
        handover.give(id(1), Intent::TryNow);
        assert_eq!(next(&mut handover), Some((9, Given::Earlier)));
        handover.taken(id(9));
        assert_eq!(next(&mut handover), None);
        assert!(handover.failed(FIRST));
        assert_eq!(next(&mut handover), Some((5, Given::Earlier)));
        handover.taken(id(5));
        assert_eq!(next(&mut handover), Some((6, Given::Earlier)));
        handover.taken(id(6));
        assert_eq!(next(&mut handover), None);
        assert!(handover.committed(SECOND));
        assert_eq!(next(&mut handover), Some((1, Given::Now)), "what was saved is not handed over");
    }

    #[test]
    fn whoever_leads_again_does_what_is_decided_and_the_rest_then() {
        let mut handover = with(&[(None, 9), (Some(FIRST), 5), (Some(FIRST), 4), (None, 6)]);
        assert_eq!(take(&mut handover), [9]);
        assert_eq!(take(&mut handover), [0; 0]);
        assert!(handover.failed(FIRST));
        assert_eq!(take(&mut handover), [5, 4, 6]);
    }

    #[test]
    fn other_commits_decide_nothing() {
        let mut handover = with(&[(Some(FIRST), 5), (None, 6)]);
        assert!(!handover.committed(SECOND));
        assert!(!handover.failed(SECOND));
        assert_eq!(next(&mut handover), None);
        handover.taken(id(5));
        assert_eq!(next(&mut handover), Some((6, Given::Earlier)));
    }
}
