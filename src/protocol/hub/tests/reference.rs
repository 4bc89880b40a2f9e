//! The hub against a reference that is too simple to be wrong: one list of accepted commands, judged one after another
//! in the order of arrival. However commits gather, fail and are tried again, and whatever connections do meanwhile,
//! everybody must get the same verdicts.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;

use super::*;
use crate::domain::bytes::Signature;
use crate::domain::poll::{Edit, NewOption, Refusal, RoleUpdate, Status, Tally, UserProfile};
use crate::domain::text::Text;
use crate::protocol::message::Ack;

const CASES: u32 = 10_000;
/// The owner, who acts without a connection, and three who join.
const PEOPLE: usize = 4;
const OWNER: usize = 0;
/// Fewer than a connection may send at once.
const STEPS_MAX: usize = 20;
/// So few that they meet; 1 is the creation's.
const IDS: std::ops::Range<u128> = 2..10;
/// The owner's own ids are fresh each time.
const OWNERS_IDS: u128 = 1_000;

static KEYS: LazyLock<[KeyPair; PEOPLE]> =
    LazyLock::new(|| [1, 2, 3, 4].map(|seed| KeyPair::from_seed(&[seed; 32])));
static ROOM: LazyLock<RoomRef> = LazyLock::new(room);
/// Signing is slow, and the same few commands come again.
static SIGNATURES: LazyLock<Mutex<HashMap<Vec<u8>, Signature>>> = LazyLock::new(Mutex::default);

#[derive(Clone, Debug)]
enum Wish {
    Vote(Vec<u16>),
    AddOption(&'static str),
    SetRole(usize, Role),
    Profile(Option<&'static str>),
    SetStatus(bool),
    Edit { participants_add_options: bool },
}

#[derive(Clone, Debug)]
enum Step {
    Command {
        by: usize,
        id: u128,
        wish: Wish,
    },
    /// Signed by somebody else than whose connection it comes over.
    Forged {
        by: usize,
        signer: usize,
        id: u128,
        wish: Wish,
    },
    /// By somebody who has not proved anything.
    Stranger {
        id: u128,
        wish: Wish,
    },
    Join(usize),
    Lose(usize),
    Commit,
    CommitFails,
    Retry,
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::clean(text).expect("clean")
}

impl Wish {
    fn action(&self) -> Action {
        match self {
            Self::Vote(choices) => {
                Action::Vote(Vote { choices: choices.iter().copied().map(OptionId).collect() })
            }
            Self::AddOption(label) => Action::AddOption(NewOption { label: text(label) }),
            Self::SetRole(peer, role) => {
                Action::SetRole(RoleUpdate { peer: KEYS[*peer].public(), role: *role })
            }
            Self::Profile(name) => Action::Profile(UserProfile { name: name.map(text) }),
            Self::SetStatus(open) => Action::SetStatus(Status { open: *open }),
            Self::Edit { participants_add_options } => Action::Edit(Edit {
                question: text("Lunch?"),
                description: None,
                participants_add_options: *participants_add_options,
                listed: false,
            }),
        }
    }
}

fn wish() -> impl Strategy<Value = Wish> {
    let role = prop::sample::select(Role::ALL.to_vec());
    prop_oneof![
        6 => prop::collection::vec(0u16..4, 0..3).prop_map(Wish::Vote),
        2 => prop::sample::select(vec!["a", "C", "c", "D"]).prop_map(Wish::AddOption),
        4 => (0..PEOPLE, role).prop_map(|(peer, role)| Wish::SetRole(peer, role)),
        1 => prop::option::of(prop::sample::select(vec!["Ann", "Bob"])).prop_map(Wish::Profile),
        2 => any::<bool>().prop_map(Wish::SetStatus),
        1 => any::<bool>().prop_map(|participants_add_options| Wish::Edit { participants_add_options }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let others = 1..PEOPLE;
    prop_oneof![
        20 => (0..PEOPLE, IDS, wish()).prop_map(|(by, id, wish)| Step::Command { by, id, wish }),
        1 => (others.clone(), 0..PEOPLE, IDS, wish())
            .prop_map(|(by, signer, id, wish)| Step::Forged { by, signer, id, wish }),
        1 => (IDS, wish()).prop_map(|(id, wish)| Step::Stranger { id, wish }),
        2 => others.clone().prop_map(Step::Join),
        1 => others.prop_map(Step::Lose),
        5 => Just(Step::Commit),
        2 => Just(Step::CommitFails),
        2 => Just(Step::Retry),
    ]
}

/// How somebody's command was answered: its revision, or why not.
type Verdict = Result<u64, Code>;

#[derive(Clone, Debug)]
struct Accepted {
    by: usize,
    id: u128,
    action: Action,
}

struct Reference {
    choice: Choice,
    accepted: Vec<Accepted>,
    roles: [Role; PEOPLE],
    votes: BTreeMap<usize, Vec<u16>>,
    names: BTreeMap<usize, &'static str>,
    options: Vec<String>,
    open: bool,
    participants_add_options: bool,
}

impl Reference {
    fn new(choice: Choice) -> Self {
        Self {
            choice,
            accepted: Vec::new(),
            roles: [Role::Owner, Role::Voter, Role::Voter, Role::Voter],
            votes: BTreeMap::new(),
            names: BTreeMap::new(),
            options: vec!["A".to_owned(), "B".to_owned()],
            open: true,
            participants_add_options: false,
        }
    }

    fn judge(&mut self, by: usize, id: u128, wish: &Wish) -> Verdict {
        let action = wish.action();
        if let Some(place) = self.accepted.iter().position(|accepted| accepted.id == id) {
            let same = self.accepted[place].by == by && self.accepted[place].action == action;
            return if same { Ok(revision_at(place)) } else { Err(Code::IdReused) };
        }
        self.apply(by, wish)?;
        self.accepted.push(Accepted { by, id, action });
        Ok(revision_at(self.accepted.len() - 1))
    }

    fn apply(&mut self, by: usize, wish: &Wish) -> Result<(), Code> {
        let role = self.roles[by];
        let moderates = role >= Role::Moderator;
        match wish {
            Wish::Vote(_) | Wish::AddOption(_) if role == Role::Viewer => {
                Err(Code::Rule(Refusal::RoleForbids))
            }
            Wish::AddOption(_) if !moderates && !self.participants_add_options => {
                Err(Code::Rule(Refusal::OptionsByOwnerOnly))
            }
            Wish::Vote(_) | Wish::AddOption(_) if !self.open => {
                Err(Code::Rule(Refusal::PollClosed))
            }
            Wish::Vote(choices) => self.vote(by, choices),
            Wish::AddOption(label) => {
                if self.options.iter().any(|option| option.eq_ignore_ascii_case(label)) {
                    return Err(Code::Rule(Refusal::DuplicateOption));
                }
                self.options.push((*label).to_owned());
                Ok(())
            }
            Wish::SetRole(OWNER, _) | Wish::SetRole(_, Role::Owner) => {
                Err(Code::Rule(Refusal::RoleOfOwner))
            }
            Wish::SetRole(peer, to) => {
                let over_voters = self.roles[*peer] < Role::Moderator && *to < Role::Moderator;
                if !(role == Role::Owner || role == Role::Moderator && over_voters) {
                    return Err(Code::Rule(Refusal::RoleForbids));
                }
                self.roles[*peer] = *to;
                Ok(())
            }
            Wish::Profile(Some(name)) => {
                self.names.insert(by, name);
                Ok(())
            }
            Wish::Profile(None) => {
                self.names.remove(&by);
                Ok(())
            }
            Wish::SetStatus(_) | Wish::Edit { .. } if !moderates => {
                Err(Code::Rule(Refusal::RoleForbids))
            }
            Wish::SetStatus(open) => {
                self.open = *open;
                Ok(())
            }
            Wish::Edit { participants_add_options } => {
                self.participants_add_options = *participants_add_options;
                Ok(())
            }
        }
    }

    fn vote(&mut self, by: usize, choices: &[u16]) -> Result<(), Code> {
        if !choices.is_sorted_by(|a, b| a < b) {
            return Err(Code::Rule(Refusal::UnorderedChoices));
        }
        if choices.iter().any(|choice| usize::from(*choice) >= self.options.len()) {
            return Err(Code::Rule(Refusal::UnknownOption));
        }
        if self.choice == Choice::Single && choices.len() > 1 {
            return Err(Code::Rule(Refusal::TooManyChoices));
        }
        self.votes.remove(&by);
        if !choices.is_empty() {
            self.votes.insert(by, choices.to_vec());
        }
        Ok(())
    }

    fn tally(&self) -> Tally {
        let counts = (0u16..)
            .take(self.options.len())
            .map(|option| self.votes.values().filter(|choices| choices.contains(&option)).count());
        Tally { counts: counts.collect(), voters: self.votes.len() }
    }
}

/// The creation is revision 1.
fn revision_at(place: usize) -> u64 {
    place as u64 + 2
}

/// The hub and the reference, side by side.
struct Trial {
    bench: Bench,
    reference: Reference,
    links: [Option<LinkId>; PEOPLE],
    /// What each connection must be answered, in the order of arrival; answers may overtake each other.
    expected: BTreeMap<LinkId, Vec<(u128, Verdict)>>,
    answered: BTreeMap<LinkId, Vec<(u128, Verdict)>>,
    /// What the owner must be told that it could not do.
    rejected: Vec<&'static str>,
    receipts: BTreeMap<u128, Receipt>,
    next_own: u128,
}

impl Trial {
    fn new(choice: Choice) -> Self {
        let mut trial = Self {
            bench: Bench::hosting(draft(choice, &["A", "B"])),
            reference: Reference::new(choice),
            links: [None; PEOPLE],
            expected: BTreeMap::new(),
            answered: BTreeMap::new(),
            rejected: Vec::new(),
            receipts: BTreeMap::new(),
            next_own: OWNERS_IDS,
        };
        for person in 1..PEOPLE {
            trial.join(person);
        }
        trial
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Command { by: OWNER, wish, .. } => self.act(wish),
            Step::Command { by, id, wish } => self.command(*by, *by, *id, wish),
            Step::Forged { by, signer, id, wish } => self.command(*by, *signer, *id, wish),
            Step::Stranger { id, wish } => self.stranger(*id, wish),
            Step::Join(person) => self.join(*person),
            Step::Lose(person) => {
                if let Some(link) = self.links[*person].take() {
                    self.bench.event(link, LinkEvent::Closed);
                }
            }
            Step::Commit => {
                if let Some(batch) = self.batch() {
                    assert!(self.bench.hub.committed(&mut self.bench.world.cx(), batch));
                }
            }
            Step::CommitFails => {
                if let Some(batch) = self.batch() {
                    let cx = &mut self.bench.world.cx();
                    assert!(self.bench.hub.commit_failed(cx, batch, StorageFailure::Quota));
                }
            }
            Step::Retry => self.retry(),
        }
        self.gather();
    }

    fn batch(&self) -> Option<BatchId> {
        self.bench.hub.flight.as_ref().map(|flight| flight.batch)
    }

    fn retry(&mut self) {
        let Some(at) = self.bench.hub.retry_at else { return };
        self.bench.world.now = at;
        for link in self.links.into_iter().flatten() {
            self.bench.send(link, &Message::Pong(Empty {}));
        }
        self.bench.hub.tick(&mut self.bench.world.cx());
    }

    /// A member from here on, without the cost of a handshake.
    fn join(&mut self, person: usize) {
        let key = KEYS[person].public();
        let link = self.bench.dial_as(key.peer_id());
        self.bench.hub.welcome(&mut self.bench.world.cx(), link, key, ROOM.poll);
        self.links[person] = Some(link);
    }

    fn act(&mut self, wish: &Wish) {
        self.next_own += 1;
        let id = CommandId(uuid::Uuid::from_u128(self.next_own));
        self.bench.hub.act(&mut self.bench.world.cx(), id, ROOM.poll, wish.action());
        if let Err(code) = self.reference.judge(OWNER, self.next_own, wish) {
            self.rejected.push(code.message());
        }
    }

    fn command(&mut self, by: usize, signer: usize, id: u128, wish: &Wish) {
        let Some(link) = self.links[by] else { return };
        self.bench.command(link, &sign(signer, id, wish.action()));
        let verdict =
            if signer == by { self.reference.judge(by, id, wish) } else { Err(Code::BadSignature) };
        self.expected.entry(link).or_default().push((id, verdict));
    }

    fn stranger(&mut self, id: u128, wish: &Wish) {
        let link = self.bench.dial_as(KEYS[1].public().peer_id());
        self.bench.command(link, &sign(1, id, wish.action()));
        assert_eq!(self.bench.codes(link), [(Code::OutOfOrder, None)]);
    }

    /// Looks at what was answered; states and increments are the business of other tests, and slow to read.
    fn gather(&mut self) {
        for output in self.bench.world.take() {
            let Output::Send { link, frame } = output else { continue };
            if !["{\"type\":\"ack\"", "{\"type\":\"error\""]
                .iter()
                .any(|kind| frame.starts_with(kind))
            {
                continue;
            }
            for message in parse_frame(&frame, FRAME_BYTES_MAX).expect("our own frames parse") {
                match message {
                    Message::Ack(ack) => self.acked(link, &ack),
                    Message::Error(error) => match error.command_id {
                        Some(id) => self.answered(link, id, Err(error.code)),
                        None => assert_eq!(error.code, Code::Replaced),
                    },
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn acked(&mut self, link: LinkId, ack: &Ack) {
        let id = ack.command_id.0.as_u128();
        assert!(ack.revision <= self.bench.poll().revision, "acked before its commit");
        assert_eq!(ack.receipt.revision, ack.revision);
        let first = self.receipts.entry(id).or_insert_with(|| ack.receipt.clone());
        assert_eq!(*first, ack.receipt, "another receipt for a duplicate");
        self.answered(link, ack.command_id, Ok(ack.revision));
    }

    fn answered(&mut self, link: LinkId, id: CommandId, verdict: Verdict) {
        self.answered.entry(link).or_default().push((id.0.as_u128(), verdict));
    }

    fn finish(mut self) {
        while self.bench.hub.flight.is_some() || self.bench.hub.retry_at.is_some() {
            self.run(&Step::Retry);
            self.run(&Step::Commit);
        }
        for verdicts in self.expected.values_mut().chain(self.answered.values_mut()) {
            verdicts.sort_by_key(|(id, verdict)| (*id, verdict.map_err(Code::message)));
        }
        assert_eq!(self.answered, self.expected);
        let mut rejected: Vec<&str> = Vec::new();
        if let Some(told) = self.bench.hub.rejected.get(&ROOM.poll) {
            rejected.extend(told.iter().map(|rejected| rejected.message.as_str()));
        }
        assert_eq!(rejected, self.rejected);
        self.compare_log();
        self.compare_poll();
    }

    fn compare_log(&self) {
        let records = self.bench.hub.records_after(ROOM.poll, 1);
        assert_eq!(records.len(), self.reference.accepted.len());
        for (record, accepted) in records.iter().zip(&self.reference.accepted) {
            let command = &record.entry.signed.command;
            assert_eq!(command.id.0.as_u128(), accepted.id);
            assert_eq!(command.author, KEYS[accepted.by].public());
            assert_eq!(command.action, accepted.action);
            if let Some(receipt) = self.receipts.get(&accepted.id) {
                assert_eq!(*receipt, record.receipt);
            }
        }
    }

    fn compare_poll(&self) {
        let (poll, reference) = (self.bench.poll(), &self.reference);
        assert_eq!(poll.revision, reference.accepted.len() as u64 + 1);
        assert_eq!(poll.tally(), reference.tally());
        assert_eq!(poll.open, reference.open);
        assert_eq!(poll.participants_add_options, reference.participants_add_options);
        assert!(poll.options.iter().map(|option| option.label.as_str()).eq(&reference.options));
        for (person, key) in KEYS.iter().map(KeyPair::public).enumerate() {
            assert_eq!(poll.role_of(&key), reference.roles[person]);
            let name = poll.names.get(&key).map(Text::as_str);
            assert_eq!(name, reference.names.get(&person).copied());
        }
    }
}

fn sign(signer: usize, id: u128, action: Action) -> SignedCommand {
    let key = &KEYS[signer];
    let id = CommandId(uuid::Uuid::from_u128(id));
    let command = Command { room: *ROOM, author: key.public(), id, action };
    let mut signatures = SIGNATURES.lock().expect("nobody panics holding it");
    let transcript = command.transcript();
    let signature =
        *signatures.entry(transcript).or_insert_with_key(|transcript| key.sign(transcript));
    SignedCommand { command, signature }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn the_hub_decides_as_the_reference_does(
        choice in prop::sample::select(vec![Choice::Single, Choice::Multiple]),
        steps in prop::collection::vec(step(), 1..STEPS_MAX),
    ) {
        let mut trial = Trial::new(choice);
        for step in &steps {
            trial.run(step);
        }
        trial.finish();
    }
}
