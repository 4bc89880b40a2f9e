//! One order for all commands, and one transaction at a time: judge, commit, and only then tell.

use std::collections::{BTreeMap, BTreeSet};

use super::{Flight, Gathered, Hosted, Hub, Source, newest_vote, send};
use crate::domain::bug::{self, Bug};
use crate::domain::command::SignedCommand;
use crate::domain::log::{Head, Log, Refused, Verdict};
use crate::domain::poll::Refusal;
use crate::protocol::Context;
use crate::protocol::effect::{BatchId, Durability, StorageFailure};
use crate::protocol::message::{Code, Message};
use crate::protocol::storage::Row;
use crate::protocol::view::StorageView;

/// Commands in one transaction.
const COMMIT_COMMANDS_MAX: usize = 500;

impl Hub {
    /// Judges all that gathered and commits what is accepted. One commit at a time: the next batch is
    /// whatever gathers meanwhile.
    pub(super) fn begin_commit(&mut self, cx: &mut Context<'_>) {
        if self.flight.is_some() || self.retry_at.is_some() || self.gathered.is_empty() {
            return;
        }
        let take = self.gathered.len().min(COMMIT_COMMANDS_MAX);
        let commands: Vec<Gathered> = self.gathered.drain(..take).collect();
        let mut flight = Flight {
            batch: BatchId(0),
            stagings: BTreeMap::new(),
            founded: Vec::new(),
            commands: Vec::new(),
        };
        let mut rows = Vec::new();
        for gathered in commands {
            match self.judge(cx, &mut flight, &gathered.signed) {
                Verdict::Accept(record) => {
                    if bug::on(Bug::AckBeforeCommit) {
                        answer(cx, gathered.source, || Message::ack(record.receipt.clone()));
                    }
                    rows.push(Row::record(&record));
                    flight.commands.push((gathered, None));
                }
                Verdict::Duplicate(receipt)
                    if self.is_committed(&gathered.signed, receipt.revision) =>
                {
                    answer(cx, gathered.source, || Message::ack(receipt));
                }
                // The first of the two is in this very batch: both are acked with it.
                Verdict::Duplicate(_) => flight.commands.push((gathered, None)),
                Verdict::Refuse(refused)
                    if rows.is_empty() || bug::on(Bug::RefusedBeforeCommit) =>
                {
                    self.refuse(cx, gathered, refused);
                }
                Verdict::Refuse(refused) => flight.commands.push((gathered, Some(refused))),
            }
        }
        if rows.is_empty() {
            return self.begin_commit(cx);
        }
        let relaxed = bug::on(Bug::LogWrittenRelaxed);
        let durability = if relaxed { Durability::Relaxed } else { Durability::Strict };
        flight.batch = cx.commit(rows, durability);
        self.flight = Some(flight);
    }

    pub(super) fn judge(
        &self,
        cx: &Context<'_>,
        flight: &mut Flight,
        signed: &SignedCommand,
    ) -> Verdict {
        let id = signed.command.room.poll;
        if let Some(hosted) = self.polls.get(&id) {
            let staging = flight.stagings.entry(id).or_insert_with(|| hosted.log.stage());
            return staging.judge(&hosted.log, signed, cx.wall, cx.key);
        }
        // Only the owner's own commands can name a poll that is not there: members were checked.
        match Log::found(signed.clone(), cx.wall, cx.key) {
            Ok((log, record)) if flight.founded.iter().all(|(founded, _)| *founded != id) => {
                flight.founded.push((id, log));
                Verdict::Accept(Box::new(record))
            }
            Ok(_) => Verdict::Refuse(Refused::Rule(Refusal::AlreadyCreated)),
            Err(refusal) => Verdict::Refuse(Refused::Rule(refusal)),
        }
    }

    pub(super) fn is_committed(&self, signed: &SignedCommand, revision: u64) -> bool {
        self.polls
            .get(&signed.command.room.poll)
            .is_some_and(|hosted| hosted.log.revision() >= revision)
    }

    fn acknowledge(&self, cx: &mut Context<'_>, Gathered { source, signed }: &Gathered) {
        let hosted = self.polls.get(&signed.command.room.poll);
        if let Some(receipt) = hosted.and_then(|hosted| hosted.log.receipt(signed.command.id)) {
            answer(cx, *source, || Message::ack(receipt.clone()));
        }
    }

    pub(super) fn refuse(&mut self, cx: &mut Context<'_>, gathered: Gathered, refused: Refused) {
        let code = match refused {
            Refused::Rule(refusal) => Code::Rule(refusal),
            Refused::IdReused => Code::IdReused,
            Refused::Full => Code::LogFull,
        };
        match gathered.source {
            Source::Link(_) => {
                let id = gathered.signed.command.id;
                answer(cx, gathered.source, || Message::error(code, Some(id)));
            }
            Source::Local => {
                self.reject(gathered.signed, code.message().to_owned());
                cx.changed();
            }
        }
    }

    /// True when the batch was ours. Now, and only now, it happened.
    #[must_use]
    pub fn committed(&mut self, cx: &mut Context<'_>, batch: BatchId) -> bool {
        if self.visitors_written(cx, batch, false) {
            return true;
        }
        let Some(flight) = self.flight.take_if(|flight| flight.batch == batch) else {
            return false;
        };
        self.failing = StorageView::Working;
        self.retry.reset();
        for (id, log) in flight.founded {
            self.polls.insert(id, Hosted::new(log, BTreeSet::new(), cx));
        }
        let mut touched = Vec::new();
        for (id, staging) in flight.stagings {
            if let Some(hosted) = self.polls.get_mut(&id) {
                if staging.records().is_empty() {
                    continue;
                }
                if let Some(receipt) = newest_vote(staging.records(), self.owner) {
                    hosted.own_receipt = Some(receipt);
                }
                hosted.log.commit(staging);
                hosted.head = Head::issue(hosted.log.poll(), cx.wall, cx.key);
                touched.push(id);
            }
        }
        for (gathered, refused) in flight.commands {
            match refused {
                Some(refused) => self.refuse(cx, gathered, refused),
                None => self.acknowledge(cx, &gathered),
            }
        }
        for id in touched {
            self.flush_if_due(cx, id);
        }
        self.tell_lobby(cx);
        self.begin_commit(cx);
        cx.changed();
        true
    }

    /// True when the batch was ours. Nothing is lost: the commands wait for the next try.
    #[must_use]
    pub fn commit_failed(
        &mut self,
        cx: &mut Context<'_>,
        batch: BatchId,
        failure: StorageFailure,
    ) -> bool {
        if self.visitors_written(cx, batch, true) {
            return true;
        }
        let Some(flight) = self.flight.take_if(|flight| flight.batch == batch) else {
            return false;
        };
        if !bug::on(Bug::FailedCommitForgotten) {
            self.gathered.splice(0..0, flight.commands.into_iter().map(|(gathered, _)| gathered));
        }
        self.failing = match failure {
            StorageFailure::Quota => StorageView::Full,
            StorageFailure::Unavailable | StorageFailure::Fenced => StorageView::Failing,
        };
        self.retry_at = Some(cx.now.plus(self.retry.next_ms(cx.random)));
        cx.changed();
        true
    }
}

/// The owner's own commands are answered by the view.
pub(super) fn answer(cx: &mut Context<'_>, source: Source, message: impl FnOnce() -> Message) {
    match source {
        Source::Link(link) => send(cx, link, &message()),
        Source::Local => {}
    }
}
