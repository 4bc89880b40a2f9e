//! What was done in a tab and is not known to be where it survives, in the order in which it was done: of two votes the
//! later one must stay the later, whoever leads.
//!
//! The leader is asked for one thing of a room at a time. It may die with the answer on its tongue, and the next one judges
//! anew: what was done later must not have been taken by then.
//!
//! A tab that stops leading may still be saving. The next leader may have loaded what was saved, and answered it, before the
//! outcome is heard here. So nothing of that is handed over before it is known to have failed, nor what was done after it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::effect::BatchId;
use super::view::Intent;
use crate::domain::bug::{self, Bug};
use crate::domain::command::CommandId;
use crate::domain::identity::PollId;

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

impl Item {
    /// The poll that it changes: the order matters within one alone.
    fn poll(&self) -> Option<PollId> {
        match &self.intent {
            Intent::Create { poll, .. } => Some(*poll),
            Intent::Act { room, .. } => Some(room.poll),
            Intent::TryNow | Intent::Dismiss { .. } | Intent::Forget { .. } => None,
        }
    }

    fn task(&self) -> Task {
        (self.command, self.intent.clone(), self.given)
    }

    fn is_outside(&self, polls: &BTreeSet<PollId>) -> bool {
        self.poll().is_none_or(|poll| !polls.contains(&poll))
    }

    fn is_saving(&self) -> bool {
        matches!(self.stage, Stage::Saving(_))
    }
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

/// What somebody is to do.
pub type Task = (CommandId, Intent, Given);

#[derive(Debug, Default)]
pub struct Handover {
    items: Vec<Item>,
}

impl Handover {
    /// Something is done here that has to wait its turn.
    pub fn give(&mut self, command: CommandId, intent: Intent) {
        let (given, stage) = (Given::Now, Stage::Waiting);
        self.items.push(Item { command, intent, given, stage });
    }

    /// This tab stops leading: what it has not saved, in order, with the commit that decides it, if one is under way.
    pub fn keep(&mut self, unsaved: impl Iterator<Item = (Option<BatchId>, CommandId, Intent)>) {
        self.items.extend(unsaved.map(|(batch, command, intent)| {
            let stage = batch.map_or(Stage::Waiting, Stage::Saving);
            Item { command, intent, given: Given::Earlier, stage }
        }));
    }

    /// A commit is through.
    pub fn committed(&mut self, batch: BatchId) {
        let saved = Stage::Saving(batch);
        while let Some(last) = self.items.iter().rposition(|item| item.stage == saved) {
            let poll = self.items.get(last).and_then(Item::poll);
            let mut at = 0..;
            // What failed before it must not come after it.
            self.items.retain(|item| {
                let is_before = at.next().is_some_and(|at| at <= last) && item.poll() == poll;
                !is_before || (item.is_saving() && item.stage != saved)
            });
        }
    }

    /// A commit failed.
    pub fn failed(&mut self, batch: BatchId) {
        for item in self.items.iter_mut().filter(|item| item.stage == Stage::Saving(batch)) {
            item.stage = Stage::Waiting;
        }
    }

    /// The leader has it where it survives, or has answered it.
    pub fn taken(&mut self, command: CommandId) {
        self.items.retain(|item| item.command != command);
    }

    /// Whoever leads now may not have what a leader was asked for, and may not be connected yet.
    pub fn ask_again(&mut self) {
        for item in &mut self.items {
            item.given = Given::Earlier;
            if item.stage == Stage::Asked {
                item.stage = Stage::Waiting;
            }
        }
    }

    /// What the leader is to be asked for now.
    pub fn next_to_ask(&mut self) -> Vec<Task> {
        self.mix_up();
        let undecided = self.undecided();
        let mut seen = BTreeSet::new();
        let next = self.items.iter_mut().filter(|item| {
            let is_first = item.poll().is_none_or(|poll| seen.insert(poll));
            item.stage == Stage::Waiting && item.is_outside(&undecided) && is_first
        });
        next.map(|item| {
            item.stage = Stage::Asked;
            item.task()
        })
        .collect()
    }

    /// This tab goes away: what the leader is to be asked for at last. What it was asked for is the leader's from then on, also
    /// should this tab come back: it would not have heard what became of it.
    pub fn let_go(&mut self) -> Vec<Task> {
        let items = self.remove_decided().into_iter();
        items.filter(|item| item.stage == Stage::Waiting).map(|item| item.task()).collect()
    }

    /// This tab leads: what is to be done now.
    pub fn take(&mut self) -> Vec<Task> {
        self.mix_up();
        self.remove_decided().iter().map(Item::task).collect()
    }

    fn remove_decided(&mut self) -> Vec<Item> {
        let undecided = self.undecided();
        let items = std::mem::take(&mut self.items).into_iter();
        let (decided, rest) = items.partition(|item| item.is_outside(&undecided));
        self.items = rest;
        decided
    }

    /// The polls in which something is being saved.
    fn undecided(&self) -> BTreeSet<PollId> {
        self.items.iter().filter(|item| item.is_saving()).filter_map(Item::poll).collect()
    }

    /// What a deliberate bug does to the order.
    fn mix_up(&mut self) {
        if bug::on(Bug::HandedOverById) {
            self.items.sort_by_key(|item| item.command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::tests::room;
    use crate::domain::identity::RoomRef;
    use crate::domain::poll::{Action, Vote};

    const FIRST: BatchId = BatchId(1);
    const SECOND: BatchId = BatchId(2);

    fn id(number: u128) -> CommandId {
        CommandId(uuid::Uuid::from_u128(number))
    }

    fn vote(room: RoomRef) -> Intent {
        Intent::Act { room, action: Action::Vote(Vote::default()) }
    }

    fn elsewhere() -> RoomRef {
        RoomRef { poll: PollId(uuid::Uuid::from_u128(77)), ..room() }
    }

    /// This tab stopped leading with these commands in one poll unsaved.
    fn with(unsaved: &[(Option<BatchId>, u128)]) -> Handover {
        let mut handover = Handover::default();
        handover.keep(unsaved.iter().map(|(batch, number)| (*batch, id(*number), vote(room()))));
        handover
    }

    fn numbers(tasks: Vec<Task>) -> Vec<(u128, Given)> {
        tasks.into_iter().map(|(command, _, given)| (command.0.as_u128(), given)).collect()
    }

    fn next(handover: &mut Handover) -> Vec<(u128, Given)> {
        numbers(handover.next_to_ask())
    }

    #[test]
    fn the_leader_is_asked_for_one_thing_after_the_other() {
        let mut handover = Handover::default();
        for number in [9, 7, 8] {
            handover.give(id(number), vote(room()));
        }
        assert_eq!(next(&mut handover), [(9, Given::Now)]);
        assert_eq!(next(&mut handover), []);
        handover.taken(id(9));
        assert_eq!(next(&mut handover), [(7, Given::Now)]);
        handover.ask_again();
        assert_eq!(next(&mut handover), [(7, Given::Earlier)]);
        handover.taken(id(7));
        assert_eq!(next(&mut handover), [(8, Given::Earlier)]);
        assert_eq!(numbers(handover.take()), [(8, Given::Earlier)]);
        assert_eq!(numbers(handover.take()), []);
    }

    #[test]
    fn what_concerns_other_polls_or_none_does_not_wait() {
        let mut handover = with(&[(Some(FIRST), 9)]);
        handover.give(id(1), vote(room()));
        handover.give(id(2), vote(elsewhere()));
        handover.give(id(3), Intent::TryNow);
        handover.give(id(4), Intent::Dismiss { room: room(), command: id(5) });
        handover.give(id(6), Intent::Forget { room: room() });
        handover.give(id(7), vote(elsewhere()));
        let free = [2, 3, 4, 6].map(|number| (number, Given::Now));
        assert_eq!(next(&mut handover), free);
        handover.taken(id(4));
        handover.ask_again();
        let taken = [2, 3, 6, 7].map(|number| (number, Given::Earlier));
        assert_eq!(numbers(handover.take()), taken);
        handover.failed(FIRST);
        assert_eq!(numbers(handover.take()), [9, 1].map(|number| (number, Given::Earlier)));
    }

    #[test]
    fn a_tab_that_goes_away_leaves_everything_to_the_leader_but_what_is_being_saved() {
        let mut handover = with(&[(Some(FIRST), 9), (None, 8)]);
        for number in [2, 3, 1] {
            handover.give(id(number), vote(elsewhere()));
        }
        assert_eq!(next(&mut handover), [(2, Given::Now)]);
        assert_eq!(numbers(handover.let_go()), [(3, Given::Now), (1, Given::Now)]);
        handover.failed(FIRST);
        assert_eq!(numbers(handover.take()), [(9, Given::Earlier), (8, Given::Earlier)]);
    }

    #[test]
    fn nothing_overtakes_what_is_being_saved() {
        let mut handover = with(&[(Some(FIRST), 5), (Some(SECOND), 4), (None, 6)]);
        handover.give(id(1), vote(room()));
        handover.failed(FIRST);
        assert_eq!(next(&mut handover), [], "the second may get there");
        assert_eq!(numbers(handover.let_go()), []);
        assert_eq!(numbers(handover.take()), []);
        handover.failed(SECOND);
        for number in [5, 4, 6] {
            assert_eq!(next(&mut handover), [(number, Given::Earlier)]);
            handover.taken(id(number));
        }
        assert_eq!(next(&mut handover), [(1, Given::Now)]);
    }

    #[test]
    fn what_was_saved_is_not_handed_over_nor_what_failed_before_it() {
        let mut handover =
            with(&[(Some(FIRST), 9), (Some(SECOND), 5), (Some(SECOND), 4), (None, 6)]);
        handover.give(id(2), vote(elsewhere()));
        handover.failed(FIRST);
        handover.committed(SECOND);
        assert_eq!(next(&mut handover), [(6, Given::Earlier), (2, Given::Now)]);

        let mut handover = with(&[(Some(FIRST), 9), (Some(SECOND), 5)]);
        handover.committed(FIRST);
        assert_eq!(next(&mut handover), []);
        handover.failed(SECOND);
        assert_eq!(next(&mut handover), [(5, Given::Earlier)]);
    }

    #[test]
    fn other_commits_decide_nothing() {
        let mut handover = with(&[(Some(FIRST), 5), (None, 6)]);
        handover.committed(SECOND);
        handover.failed(SECOND);
        assert_eq!(next(&mut handover), []);
    }
}
