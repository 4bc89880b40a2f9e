//! The promise to whoever votes, checked in every order of events: what is acked stays, is applied once, and nothing
//! else ever leaves an outbox.
//!
//! A model of two participants with two commands each and one owner. One command may be refused; and
//! everybody may crash once, or each connection break once and one commit of the owner fail. Time, cryptography and the poll's rules are left out: every timer may fire at any
//! moment, and whatever command comes may be the one that is refused. Each step names the code that it stands for; the code itself runs under faults in
//! `protocol::sim`.

#![allow(clippy::indexing_slicing, reason = "a test")]

use stateright::{Checker, HasDiscoveries, Model, Property};

const PEOPLE: usize = 2;
const COMMANDS: usize = 2;

/// What may go wrong, and how often.
#[derive(Clone, Copy, Debug)]
struct Faults {
    /// Of everybody.
    crashes: u8,
    /// Of each connection by itself.
    breaks: u8,
    /// Of the owner's commits.
    failures: u8,
    /// Commands that the rules of the poll forbid at the moment when they come.
    refusals: u8,
}

const CRASHES: Faults = Faults { crashes: 1, breaks: 0, failures: 0, refusals: 1 };
const BREAKS: Faults = Faults { crashes: 0, breaks: 1, failures: 1, refusals: 1 };
/// Every state that there is under them.
const CRASHES_STATES: usize = 725_865;
const BREAKS_STATES: usize = 151_295;

/// A command: whose, and which of theirs in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Command {
    person: usize,
    number: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    /// `message::Ack`, with the revision that its receipt names.
    Ack {
        command: Command,
        revision: usize,
        /// For the properties alone: the command was in the log already.
        again: bool,
    },
    /// `message::ErrorMessage`.
    Refusal(Command),
}

/// What a participant's memory knows of a command: `view::Stage`, and what lies before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    NotGiven,
    Saving,
    Saved,
    Sent,
    Acked,
    Refused,
    /// The page went away before it was saved: it was never sent.
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Person {
    stages: [Stage; COMMANDS],
    /// Rows of `storage::Store::Outbox`.
    rows: [bool; COMMANDS],
    /// For the properties alone: what was ever saved, and the revision that was acked.
    saved: [bool; COMMANDS],
    acked: [Option<usize>; COMMANDS],
    refused: [bool; COMMANDS],
    linked: bool,
    outgoing: Vec<Command>,
    incoming: Vec<Answer>,
    crashes_left: u8,
    breaks_left: u8,
}

/// `hub::Gathered`: a command whose signature holds, and whether the connection that it came over still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Gathered {
    command: Command,
    answerable: bool,
}

/// `hub::Flight`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Flight {
    commands: Vec<Gathered>,
    /// What was accepted: the rows of the transaction.
    accepted: Vec<Command>,
    /// The transaction is on the disk, and the hub has not heard of it.
    written: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Owner {
    /// `storage::Store::Log`; a command's revision is its place, from 1.
    disk: Vec<Command>,
    /// How much of it is in memory.
    revision: usize,
    /// Where the memory of what was taken begins: 0, but for a broken rule.
    remembers_from: usize,
    gathered: Vec<Gathered>,
    flight: Option<Flight>,
    /// `Hub::retry_at`.
    retrying: bool,
    crashes_left: u8,
    failures_left: u8,
    refusals_left: u8,
    /// For the properties alone.
    crashed_between_commit_and_ack: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    people: [Person; PEOPLE],
    owner: Owner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Give(usize),
    /// The transaction of a command is on the participant's disk. That the page has not heard of it yet is no state of
    /// its own: a crash then leaves what a crash before the first frame leaves.
    Save(Command),
    /// The transaction that takes an answered command out of the outbox.
    Delete(Command),
    Connect(usize),
    Break(usize),
    CrashPerson(usize),
    ToOwner(usize),
    /// The same, and the command is refused.
    Refuse(usize),
    ToPerson(usize),
    Commit,
    Committed,
    CommitFails,
    Retry,
    CrashOwner,
}

impl Action {
    fn is_fault(self) -> bool {
        match self {
            Self::Break(_)
            | Self::CrashPerson(_)
            | Self::Refuse(_)
            | Self::CommitFails
            | Self::CrashOwner => true,
            Self::Give(_)
            | Self::Save(_)
            | Self::Delete(_)
            | Self::Connect(_)
            | Self::ToOwner(_)
            | Self::ToPerson(_)
            | Self::Commit
            | Self::Committed
            | Self::Retry => false,
        }
    }
}

/// The protocol, or the protocol without one of its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    Ours,
    AckBeforeCommit,
    NoDeduplication,
    DeduplicationForgetsInACrash,
    OutboxEmptiedAtSend,
    SentBeforeSaved,
    SavesOvertake,
    SentBeforeAnswer,
    SentBeforeForgotten,
}

struct Room {
    rules: Rules,
    faults: Faults,
}

impl Person {
    fn new(faults: Faults) -> Self {
        Self {
            stages: [Stage::NotGiven; COMMANDS],
            rows: [false; COMMANDS],
            saved: [false; COMMANDS],
            acked: [None; COMMANDS],
            refused: [false; COMMANDS],
            linked: true,
            outgoing: Vec::new(),
            incoming: Vec::new(),
            crashes_left: faults.crashes,
            breaks_left: faults.breaks,
        }
    }

    fn next_to_give(&self) -> Option<usize> {
        self.stages.iter().position(|stage| *stage == Stage::NotGiven)
    }

    /// `Session::pump` and `Outbox::next_to_send`: in order, and nothing before the answer to the one before it.
    fn pump(&mut self, person: usize, rules: Rules) {
        if !self.linked {
            return;
        }
        for number in 0..COMMANDS {
            match self.stages[number] {
                Stage::Saving if rules == Rules::SavesOvertake => {}
                Stage::Saving if rules != Rules::SentBeforeSaved => return,
                Stage::Saving | Stage::Saved => {
                    self.stages[number] = Stage::Sent;
                    self.outgoing.push(Command { person, number });
                    if rules == Rules::OutboxEmptiedAtSend {
                        self.rows[number] = false;
                    }
                    if rules != Rules::SentBeforeAnswer {
                        return;
                    }
                }
                Stage::Sent if rules != Rules::SentBeforeAnswer => return,
                Stage::Refused if self.rows[number] && rules != Rules::SentBeforeForgotten => {
                    return;
                }
                Stage::NotGiven | Stage::Sent | Stage::Acked | Stage::Refused | Stage::Lost => {}
            }
        }
    }

    /// `Session::fail` and `Outbox::unsend`: what was on its way in either direction is gone.
    fn unlink(&mut self) {
        self.linked = false;
        self.outgoing.clear();
        self.incoming.clear();
        for stage in self.stages.iter_mut().filter(|stage| **stage == Stage::Sent) {
            *stage = Stage::Saved;
        }
    }

    /// The page is killed and opened again: `Outbox::restore` from the rows.
    fn crash(&mut self) {
        self.unlink();
        for number in 0..COMMANDS {
            self.stages[number] = match self.stages[number] {
                _ if self.rows[number] => Stage::Saved,
                Stage::Saving => Stage::Lost,
                stage => stage,
            };
        }
    }

    /// `Session::ack` and `Session::error`: an answer to what is no longer in the outbox is passed over.
    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Ack { command: Command { number, .. }, revision, .. } => {
                if self.stages[number] == Stage::Sent {
                    self.stages[number] = Stage::Acked;
                    self.acked[number] = Some(revision);
                }
            }
            Answer::Refusal(Command { number, .. }) => {
                if self.stages[number] == Stage::Sent {
                    self.stages[number] = Stage::Refused;
                    self.refused[number] = true;
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        let over = |stage: &Stage| matches!(stage, Stage::Acked | Stage::Refused | Stage::Lost);
        self.stages.iter().all(over) && !self.rows.contains(&true)
    }
}

impl Owner {
    /// `Log::known` within the committed log.
    fn revision_of(&self, command: Command) -> Option<usize> {
        let known = self.disk[..self.revision].iter().skip(self.remembers_from);
        let place = known.clone().position(|taken| *taken == command)?;
        Some(self.remembers_from + place + 1)
    }
}

impl State {
    /// `commit::answer`: only over the connection that the command came over.
    fn answer(&mut self, gathered: Gathered, revision: usize, again: bool) {
        if gathered.answerable {
            let ack = Answer::Ack { command: gathered.command, revision, again };
            self.people[gathered.command.person].incoming.push(ack);
        }
    }

    /// `Hub::begin_commit`: all that gathered is judged and shares one transaction.
    fn begin_commit(&mut self, rules: Rules) {
        if self.owner.flight.is_some() || self.owner.retrying {
            return;
        }
        let mut flight = Flight { commands: Vec::new(), accepted: Vec::new(), written: false };
        for gathered in std::mem::take(&mut self.owner.gathered) {
            let command = gathered.command;
            let known = self.owner.revision_of(command).filter(|_| rules != Rules::NoDeduplication);
            if let Some(revision) = known {
                self.answer(gathered, revision, true);
                continue;
            }
            if !flight.accepted.contains(&command) || rules == Rules::NoDeduplication {
                flight.accepted.push(command);
            }
            flight.commands.push(gathered);
            if rules == Rules::AckBeforeCommit {
                self.answer(gathered, self.owner.revision + flight.accepted.len(), false);
            }
        }
        if !flight.accepted.is_empty() {
            self.owner.flight = Some(flight);
        }
    }

    /// `Hub::committed`: memory and acks, now that it happened.
    fn committed(&mut self, flight: Flight, rules: Rules) {
        self.owner.revision = self.owner.disk.len();
        for gathered in flight.commands {
            if let Some(revision) = self.owner.revision_of(gathered.command) {
                self.answer(gathered, revision, false);
            }
        }
        self.begin_commit(rules);
    }

    fn break_link(&mut self, person: usize) {
        self.people[person].unlink();
        let flying = self.owner.flight.iter_mut().flat_map(|flight| &mut flight.commands);
        for gathered in flying.chain(&mut self.owner.gathered) {
            gathered.answerable &= gathered.command.person != person;
        }
    }

    /// The owner's page is killed and opened again: `Log::restore` from the disk.
    fn crash_owner(&mut self, rules: Rules) {
        for person in 0..PEOPLE {
            self.break_link(person);
        }
        let flight = self.owner.flight.take();
        self.owner.crashed_between_commit_and_ack = flight.is_some_and(|flight| flight.written);
        self.owner.gathered.clear();
        self.owner.retrying = false;
        self.owner.revision = self.owner.disk.len();
        if rules == Rules::DeduplicationForgetsInACrash {
            self.owner.remembers_from = self.owner.revision;
        }
    }

    /// Every command that was acked, or is about to be told so, with its revision.
    fn acks(&self) -> impl Iterator<Item = (Command, usize)> {
        let taken = self.people.iter().enumerate().flat_map(|(person, own)| {
            own.acked.iter().enumerate().filter_map(move |(number, revision)| {
                Some((Command { person, number }, (*revision)?))
            })
        });
        let under_way = self.people.iter().flat_map(|person| &person.incoming);
        taken.chain(under_way.filter_map(|answer| match *answer {
            Answer::Ack { command, revision, .. } => Some((command, revision)),
            Answer::Refusal(_) => None,
        }))
    }

    /// Whether something holds for every command, by its participant and number.
    fn all_commands(&self, holds: impl Fn(&Person, usize) -> bool) -> bool {
        self.people.iter().all(|person| (0..COMMANDS).all(|number| holds(person, number)))
    }

    fn all_acked(&self) -> bool {
        self.all_commands(|person, number| person.stages[number] == Stage::Acked)
    }
}

impl Model for Room {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let owner = Owner {
            disk: Vec::new(),
            revision: 0,
            remembers_from: 0,
            gathered: Vec::new(),
            flight: None,
            retrying: false,
            crashes_left: self.faults.crashes,
            failures_left: self.faults.failures,
            refusals_left: self.faults.refusals,
            crashed_between_commit_and_ack: false,
        };
        vec![State { people: [Person::new(self.faults), Person::new(self.faults)], owner }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (person, own) in state.people.iter().enumerate() {
            if own.linked {
                actions.extend(own.next_to_give().map(|_| Action::Give(person)));
            } else {
                actions.push(Action::Connect(person));
            }
            for number in 0..COMMANDS {
                let command = Command { person, number };
                match (own.stages[number], own.rows[number]) {
                    (Stage::Saving, _) => actions.push(Action::Save(command)),
                    (Stage::Acked | Stage::Refused, true) => actions.push(Action::Delete(command)),
                    _ => {}
                }
            }
            if let Some(command) = own.outgoing.first() {
                actions.push(Action::ToOwner(person));
                let owner = &state.owner;
                let is_new = owner.revision_of(*command).is_none();
                let idle = owner.flight.is_none() && !owner.retrying;
                if owner.refusals_left > 0 && idle && is_new {
                    actions.push(Action::Refuse(person));
                }
            }
            if !own.incoming.is_empty() {
                actions.push(Action::ToPerson(person));
            }
            if own.linked && own.breaks_left > 0 {
                actions.push(Action::Break(person));
            }
            if own.crashes_left > 0 {
                actions.push(Action::CrashPerson(person));
            }
        }
        let owner = &state.owner;
        match &owner.flight {
            Some(flight) if flight.written => actions.push(Action::Committed),
            Some(_) => {
                actions.push(Action::Commit);
                if owner.failures_left > 0 {
                    actions.push(Action::CommitFails);
                }
            }
            None if owner.retrying => actions.push(Action::Retry),
            None => {}
        }
        if owner.crashes_left > 0 {
            actions.push(Action::CrashOwner);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            // `Session::act`, which wants a connection.
            Action::Give(person) => {
                let own = &mut state.people[person];
                own.stages[own.next_to_give()?] = Stage::Saving;
                if self.rules == Rules::SentBeforeSaved {
                    own.pump(person, self.rules);
                }
            }
            // `Session::committed`, for a command.
            Action::Save(Command { person, number }) => {
                let own = &mut state.people[person];
                own.rows[number] = true;
                own.saved[number] = true;
                own.stages[number] = Stage::Saved;
                own.pump(person, self.rules);
            }
            // `Session::write_answer`.
            Action::Delete(Command { person, number }) => {
                state.people[person].rows[number] = false;
                state.people[person].pump(person, self.rules);
            }
            // Handshake and state: `Session::live`.
            Action::Connect(person) => {
                state.people[person].linked = true;
                state.people[person].pump(person, self.rules);
            }
            Action::Break(person) => {
                state.people[person].breaks_left -= 1;
                state.break_link(person);
            }
            Action::CrashPerson(person) => {
                state.people[person].crashes_left -= 1;
                state.break_link(person);
                state.people[person].crash();
            }
            // `Hub::command`.
            Action::ToOwner(person) => {
                let command = state.people[person].outgoing.remove(0);
                state.owner.gathered.push(Gathered { command, answerable: true });
                state.begin_commit(self.rules);
            }
            // `Staging::judge`; alone in its batch, so it is answered at once.
            Action::Refuse(person) => {
                let command = state.people[person].outgoing.remove(0);
                state.people[person].incoming.push(Answer::Refusal(command));
                state.owner.refusals_left -= 1;
            }
            Action::ToPerson(person) => {
                let own = &mut state.people[person];
                let answer = own.incoming.remove(0);
                own.take(answer);
                own.pump(person, self.rules);
            }
            Action::Commit => {
                let flight = state.owner.flight.as_mut()?;
                flight.written = true;
                state.owner.disk.extend(&flight.accepted);
            }
            Action::Committed => {
                let flight = state.owner.flight.take()?;
                state.committed(flight, self.rules);
            }
            // `Hub::commit_failed`: nothing is lost, all of it waits for the next try.
            Action::CommitFails => {
                let flight = state.owner.flight.take()?;
                state.owner.gathered.splice(0..0, flight.commands);
                state.owner.retrying = true;
                state.owner.failures_left -= 1;
            }
            Action::Retry => {
                state.owner.retrying = false;
                state.begin_commit(self.rules);
            }
            Action::CrashOwner => {
                state.owner.crashes_left -= 1;
                state.crash_owner(self.rules);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = promises();
        properties.extend(reached());
        if self.faults.crashes > 0 {
            properties.extend(reached_by_crashes());
        }
        if self.faults.failures > 0 {
            properties.extend(reached_by_failures());
        }
        properties
    }
}

/// What holds whatever happens.
fn promises() -> Vec<Property<Room>> {
    vec![
        Property::always("what is acked is in the log at its revision", |_, state: &State| {
            let log = &state.owner.disk;
            state.acks().all(|(command, revision)| log.get(revision - 1) == Some(&command))
        }),
        Property::always("a command is applied at most once", |_, state: &State| {
            let log = &state.owner.disk;
            log.iter().enumerate().all(|(place, command)| !log[..place].contains(command))
        }),
        Property::always("the commands of one keep their order", |_, state: &State| {
            let log = &state.owner.disk;
            log.iter().enumerate().all(|(place, command)| {
                log[..place].iter().all(|earlier| {
                    earlier.person != command.person || earlier.number <= command.number
                })
            })
        }),
        Property::always(
            "what was saved leaves the outbox only when answered",
            |_, state: &State| {
                state.all_commands(|person, number| {
                    let answered = person.acked[number].is_some() || person.refused[number];
                    person.rows[number] || answered || !person.saved[number]
                })
            },
        ),
        Property::always("nothing is sent that was not saved", |_, state: &State| {
            state
                .people
                .iter()
                .all(|person| person.outgoing.iter().all(|command| person.saved[command.number]))
        }),
        Property::always("what is lost was never sent", |_, state: &State| {
            state.all_commands(|person, number| {
                person.stages[number] != Stage::Lost || !person.saved[number]
            })
        }),
        // Steps only go forward, so this is "at last" for a room that is left in peace.
        Property::always(
            "where nothing but faults can happen, every outbox is empty",
            |room, state| {
                let mut actions = Vec::new();
                room.actions(state, &mut actions);
                let done = state.people.iter().all(Person::is_done);
                done || !actions.into_iter().all(Action::is_fault)
            },
        ),
        Property::eventually(
            "every outbox is empty when the faults are over",
            |_, state: &State| state.people.iter().all(Person::is_done),
        ),
    ]
}

/// What the model would be too small without.
fn reached() -> Vec<Property<Room>> {
    vec![
        Property::sometimes("a duplicate acked from the receipts", |_, state: &State| {
            state
                .people
                .iter()
                .flat_map(|person| &person.incoming)
                .any(|answer| matches!(answer, Answer::Ack { again: true, .. }))
        }),
        Property::sometimes("a duplicate within one batch", |_, state: &State| {
            let flight = state.owner.flight.as_ref();
            flight.is_some_and(|flight| flight.commands.len() > flight.accepted.len())
        }),
    ]
}

fn reached_by_crashes() -> Vec<Property<Room>> {
    vec![
        Property::sometimes("a crash between commit and ack", |_, state: &State| {
            state.owner.crashed_between_commit_and_ack
        }),
        Property::sometimes("and all four acked all the same", |_, state: &State| {
            state.owner.crashed_between_commit_and_ack && state.all_acked()
        }),
        Property::sometimes("everybody crashed, and all four acked", |_, state: &State| {
            let crashed = state.people.iter().all(|person| person.crashes_left == 0);
            crashed && state.owner.crashes_left == 0 && state.all_acked()
        }),
        Property::sometimes("an outbox emptied after a crash", |_, state: &State| {
            state.people.iter().any(|person| person.crashes_left == 0 && person.is_done())
        }),
        Property::sometimes("a command lost before it was saved", |_, state: &State| {
            !state.all_commands(|person, number| person.stages[number] != Stage::Lost)
        }),
    ]
}

fn reached_by_failures() -> Vec<Property<Room>> {
    vec![
        Property::sometimes("commands of both in one batch", |_, state: &State| {
            state.owner.flight.as_ref().is_some_and(|flight| {
                (0..PEOPLE).all(|person| flight.accepted.iter().any(|c| c.person == person))
            })
        }),
        Property::sometimes("a commit that failed, and all four acked", |_, state: &State| {
            state.owner.failures_left == 0 && state.all_acked()
        }),
        Property::sometimes("a refusal that got lost, and all four acked", |_, state: &State| {
            state.owner.refusals_left == 0 && state.all_acked()
        }),
        Property::sometimes(
            "a refusal that arrived, and the other three acked",
            |_, state: &State| {
                let refused = |person: &Person| person.refused.contains(&true);
                state.people.iter().any(refused)
                    && state.all_commands(|person, number| {
                        matches!(person.stages[number], Stage::Acked | Stage::Refused)
                    })
            },
        ),
    ]
}

/// Explores everything, and counts it.
fn explored(faults: Faults) -> usize {
    let checker = Room { rules: Rules::Ours, faults }.checker().spawn_bfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

#[test]
fn every_order_of_events_and_crashes_keeps_the_promise() {
    assert_eq!(explored(CRASHES), CRASHES_STATES);
}

#[test]
fn every_order_of_events_and_broken_connections_keeps_the_promise() {
    assert_eq!(explored(BREAKS), BREAKS_STATES);
}

/// The promise that does not hold without a rule.
fn broken_promise(rules: Rules) -> Option<&'static str> {
    let room = Room { rules, faults: CRASHES };
    let checker = room.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let discoveries = checker.discoveries();
    promises().iter().map(|promise| promise.name).find(|name| discoveries.contains_key(name))
}

#[test]
fn without_any_of_its_rules_the_promise_breaks() {
    for (rules, promise) in [
        (Rules::AckBeforeCommit, "what is acked is in the log at its revision"),
        (Rules::NoDeduplication, "a command is applied at most once"),
        (Rules::DeduplicationForgetsInACrash, "a command is applied at most once"),
        (Rules::OutboxEmptiedAtSend, "what was saved leaves the outbox only when answered"),
        (Rules::SentBeforeSaved, "nothing is sent that was not saved"),
        (Rules::SavesOvertake, "the commands of one keep their order"),
        (Rules::SentBeforeAnswer, "the commands of one keep their order"),
        (Rules::SentBeforeForgotten, "the commands of one keep their order"),
    ] {
        assert_eq!(broken_promise(rules), Some(promise), "{rules:?}");
    }
}
