//! A session against an owner that says one thing at a time: the right, the wrong, and the late.

use super::*;
use crate::domain::bytes::Bytes;
use crate::domain::command::tests::{room, signed};
use crate::domain::identity::KeyPair;
use crate::domain::log::{Log, Record, Verdict};
use crate::domain::poll::tests::draft;
use crate::domain::poll::{Choice, OptionId, Refusal, Role, Vote};
use crate::protocol::effect::Batch;
use crate::protocol::handshake::OwnerHandshake;
use crate::protocol::message::state_frames;
use crate::protocol::storage::Store;
use crate::protocol::testing::World;

const FINGERPRINT_OWNER: u8 = 6;
const FINGERPRINT_ANN: u8 = 5;
const ANN: u8 = 2;
const BOB: u8 = 3;

fn choose(option: u16) -> Action {
    Action::Vote(Vote { choices: vec![OptionId(option)] })
}

fn id(id: u128) -> CommandId {
    CommandId(uuid::Uuid::from_u128(id))
}

/// Ann's session, and the log that its owner keeps.
struct Bench {
    world: World,
    owner: KeyPair,
    log: Log,
    session: Session,
    signalling_is_open: bool,
    links: Vec<LinkId>,
    sent: Vec<Message>,
    closed: Vec<LinkId>,
    batches: Vec<Batch>,
}

impl Bench {
    fn new() -> Self {
        Self::remembering(Remembered::default())
    }

    fn remembering(remembered: Remembered) -> Self {
        let world = World::new(ANN);
        let owner = KeyPair::from_seed(&[1; 32]);
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        let (log, _) = Log::found(create, world.now, &owner).expect("a good draft");
        Self {
            session: Session::new(room(), remembered, world.now),
            world,
            owner,
            log,
            signalling_is_open: true,
            links: Vec::new(),
            sent: Vec::new(),
            closed: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Somebody who is connected and has the state, and whose copy is written.
    fn live() -> Self {
        let mut bench = Self::new();
        bench.enter();
        bench.tick();
        bench.settle();
        bench.sent.clear();
        bench
    }

    fn gather(&mut self) {
        for output in self.world.take() {
            match output {
                Output::Send { link, frame } => {
                    assert_eq!(Some(link), self.session.link_id());
                    let messages = parse_frame(&frame, FRAME_BYTES_MAX).expect("our own parse");
                    self.sent.extend(messages);
                }
                Output::Dial { link, remote } => {
                    assert_eq!(remote, self.owner.public().peer_id());
                    self.links.push(link);
                }
                Output::CloseLink { link } => self.closed.push(link),
                Output::Commit(batch) => self.batches.push(batch),
                Output::Changed => {}
                other => panic!("a session does not: {other:?}"),
            }
        }
    }

    fn tick(&mut self) {
        let id = self.world.key.public().peer_id();
        let reach = Reach { open: self.signalling_is_open, id: &id };
        self.session.tick(&mut self.world.cx(), reach);
        self.gather();
    }

    fn tick_after(&mut self, ms: u64) {
        self.world.now = self.world.now.plus(ms);
        self.tick();
    }

    /// Lets time pass up to the moment that the session asked for, and returns how long that was.
    fn tick_when_due(&mut self) -> u64 {
        let due = self.session.poll_timeout().expect("something is due");
        let waited = due.since(self.world.now);
        self.tick_after(waited);
        waited
    }

    fn event(&mut self, event: LinkEvent) {
        self.session.on_link(&mut self.world.cx(), event);
        self.gather();
    }

    fn open(&mut self) {
        let fingerprint = |byte: u8| {
            format!("a=fingerprint:sha-256 {}", vec![format!("{byte:02x}"); 32].join(":"))
        };
        let descriptions = Descriptions {
            local_sdp: fingerprint(FINGERPRINT_ANN),
            remote_sdp: fingerprint(FINGERPRINT_OWNER),
            remote_certificates: None,
        };
        let remote = self.owner.public().peer_id();
        self.event(LinkEvent::Opened { remote, descriptions });
    }

    fn hear(&mut self, message: &Message) {
        self.event(LinkEvent::Frame(message.to_json()));
    }

    /// The owner's answer to the hello that was sent last.
    fn owner_proof(&mut self) -> Message {
        let sent = self.took_sent();
        let [Message::Hello(hello)] = sent.as_slice() else { panic!("{sent:?}") };
        let (id_participant, id_owner) =
            (self.world.key.public().peer_id(), self.owner.public().peer_id());
        let binding = Binding {
            fingerprint_participant: [FINGERPRINT_ANN; 32],
            fingerprint_owner: [FINGERPRINT_OWNER; 32],
            id_participant: &id_participant,
            id_owner: &id_owner,
        };
        let (_, proof) = OwnerHandshake::prove(hello, Bytes([9; 32]), &binding, &self.owner)
            .expect("a good hello");
        Message::OwnerProof(proof)
    }

    /// From dialling to the answer to the owner's proof.
    fn prove(&mut self) {
        self.tick();
        self.open();
        let proof = self.owner_proof();
        self.hear(&proof);
        let sent = self.took_sent();
        assert!(matches!(sent.as_slice(), [Message::ParticipantProof(_)]), "{sent:?}");
    }

    fn head(&self) -> Head {
        Head::issue(self.log.poll(), self.world.now, &self.owner)
    }

    fn welcome(&mut self) {
        let welcome = Welcome { role: Role::default(), head: Some(self.head()) };
        self.hear(&Message::Welcome(welcome));
    }

    fn hear_state(&mut self) {
        for frame in state_frames(self.log.poll()) {
            self.event(LinkEvent::Frame(frame.to_string()));
        }
    }

    fn enter(&mut self) {
        self.prove();
        self.welcome();
        self.hear_state();
        assert_eq!(self.link(), LinkView::Connected);
    }

    /// The owner takes a command, and has told nobody yet.
    fn take(&mut self, signed: &SignedCommand) -> Record {
        let mut staging = self.log.stage();
        match staging.judge(&self.log, signed, self.world.now, &self.owner) {
            Verdict::Accept(record) => {
                self.log.commit(staging);
                *record
            }
            other => panic!("{other:?}"),
        }
    }

    /// A vote of somebody else, as everybody is told of it.
    fn told(&mut self, number: u128, option: u16) -> Message {
        let record = self.take(&signed(BOB, number, choose(option)));
        Message::increment(&record).expect("travels")
    }

    fn act(&mut self, number: u128, option: u16) {
        self.session.act(&mut self.world.cx(), id(number), choose(option));
        self.gather();
    }

    /// Completes every commit.
    fn settle(&mut self) {
        while let Some(batch) = self.batches.pop() {
            assert!(self.session.committed(&mut self.world.cx(), batch.id));
            self.gather();
        }
    }

    fn fail_commits(&mut self, failure: StorageFailure) {
        for batch in std::mem::take(&mut self.batches) {
            assert!(self.session.commit_failed(&mut self.world.cx(), batch.id, failure));
            self.gather();
        }
    }

    /// Which stores the commits under way write to.
    fn writes(&self) -> Vec<Store> {
        self.batches.iter().flat_map(|batch| &batch.rows).map(|row| row.store).collect()
    }

    fn took_sent(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.sent)
    }

    fn link(&self) -> LinkView {
        self.session.view(self.world.key.public(), SignallingView::Open).link
    }

    fn assert_lost(&self) {
        assert!(matches!(self.link(), LinkView::Reconnecting { cause: LostCause::Link, .. }));
        assert_eq!(self.closed, self.links);
    }

    fn assert_impostor(&self) {
        assert!(matches!(self.link(), LinkView::Reconnecting { cause: LostCause::Impostor, .. }));
        assert_eq!(self.closed, self.links);
    }

    fn revision(&self) -> u64 {
        self.session.poll().expect("a state").revision
    }

    /// The vote of Ann that was sent, as it went out.
    fn sent_vote(&mut self) -> SignedCommand {
        match self.took_sent().as_slice() {
            [Message::Command(mutation)] => {
                mutation.clone().into_signed(room(), self.world.key.public())
            }
            other => panic!("{other:?}"),
        }
    }

    fn sync_request() -> Message {
        Message::SyncRequest(SyncRequest { poll_id: room().poll })
    }
}

#[test]
fn each_stage_of_connecting_has_its_time_and_no_less() {
    type Stage = (fn(&mut Bench), u64, bool);
    let sync: fn(&mut Bench) = |bench| {
        bench.prove();
        bench.welcome();
    };
    let stages: [Stage; 3] =
        [(Bench::tick, DIAL_MS, true), (Bench::prove, HANDSHAKE_MS, true), (sync, SYNC_MS, false)];
    for (reach_stage, allowed_ms, offline) in stages {
        let mut bench = Bench::new();
        reach_stage(&mut bench);
        let start = bench.world.now;
        while bench.session.poll_timeout().is_some_and(|due| due < start.plus(allowed_ms)) {
            bench.tick_when_due();
            // It asks for a sign of life, and gets one.
            if bench.took_sent() == [Message::Ping(Empty {})] {
                bench.hear(&Message::Pong(Empty {}));
            }
        }
        bench.tick_after(start.plus(allowed_ms - 1).since(bench.world.now));
        assert_eq!(bench.link(), LinkView::Connecting);
        bench.tick_after(1);
        match bench.link() {
            LinkView::OwnerOffline { .. } => assert!(offline),
            LinkView::Reconnecting { cause: LostCause::Link, .. } => assert!(!offline),
            other => panic!("{other:?}"),
        }
        assert_eq!(bench.closed, bench.links);
    }
}

#[test]
fn a_second_proof_is_an_impostors() {
    let mut bench = Bench::new();
    bench.tick();
    bench.open();
    let proof = bench.owner_proof();
    bench.hear(&proof);
    bench.hear(&proof);
    bench.assert_impostor();
    assert_eq!(bench.sent.len(), 1, "one proof was answered");
}

#[test]
fn a_welcome_before_the_proof_is_an_impostors() {
    let mut bench = Bench::new();
    bench.tick();
    bench.open();
    bench.welcome();
    bench.assert_impostor();
}

#[test]
fn a_welcome_without_a_head_that_holds_is_an_impostors() {
    let forged = |bench: &Bench| Some(Head { revision: 2, ..bench.head() });
    let none = |_: &Bench| None;
    let heads: [fn(&Bench) -> Option<Head>; 2] = [forged, none];
    for head in heads {
        let mut bench = Bench::new();
        bench.prove();
        let welcome = Welcome { role: Role::default(), head: head(&bench) };
        bench.hear(&Message::Welcome(welcome));
        bench.assert_impostor();
    }
}

#[test]
fn an_unknown_message_within_the_handshake_is_passed_over() {
    let mut bench = Bench::new();
    bench.prove();
    let frame = "{\"type\":\"later:version\",\"payload\":{}}";
    bench.event(LinkEvent::Frame(frame.to_owned()));
    assert_eq!(bench.link(), LinkView::Connecting);
    bench.welcome();
    bench.hear_state();
    assert_eq!(bench.link(), LinkView::Connected);
}

#[test]
fn poll_data_within_the_handshake_is_an_impostors() {
    let mut bench = Bench::new();
    bench.prove();
    bench.hear_state();
    bench.assert_impostor();
}

#[test]
fn before_the_proof_few_reasons_are_believed_and_none_as_the_owners() {
    let early = [Code::RoomFull, Code::UnsupportedVersion, Code::HandshakeTimeout];
    for code in early {
        let mut bench = Bench::new();
        bench.tick();
        bench.open();
        bench.hear(&Message::error(code, None));
        let LinkView::Reconnecting { cause, .. } = bench.link() else { panic!("{code:?}") };
        assert_eq!(cause, LostCause::TurnedAway(code));
        assert_eq!(bench.closed, bench.links);
    }
    let late = [
        Code::BadSignature,
        Code::IdReused,
        Code::LogFull,
        Code::TooFast,
        Code::Malformed,
        Code::FrameTooLarge,
        Code::TooDeep,
        Code::OutOfOrder,
        Code::BadProof,
        Code::UnknownPoll,
        Code::Replaced,
        Code::UnknownType,
        Code::Unrecognised,
        Code::Rule(Refusal::PollClosed),
    ];
    for code in late {
        let mut bench = Bench::new();
        bench.tick();
        bench.open();
        bench.hear(&Message::error(code, None));
        bench.assert_impostor();
    }
}

#[test]
fn after_the_proof_what_is_refused_is_refused_by_the_owner() {
    for code in [Code::UnknownPoll, Code::BadProof, Code::HandshakeTimeout, Code::TooFast] {
        let mut bench = Bench::new();
        bench.prove();
        bench.hear(&Message::error(code, None));
        let LinkView::Refused { message, .. } = bench.link() else { panic!("{code:?}") };
        assert_eq!(message, code.message());
        assert_eq!(bench.closed, bench.links);
    }
}

#[test]
fn a_session_knows_its_own_connection_alone() {
    let mut bench = Bench::new();
    assert!(!bench.session.owns_link(LinkId::Dialled(1)));
    bench.tick();
    assert_eq!(bench.links, [LinkId::Dialled(1)]);
    assert!(bench.session.owns_link(LinkId::Dialled(1)));
    assert!(!bench.session.owns_link(LinkId::Dialled(2)));
}

#[test]
fn a_stopped_session_ends_its_connection_and_keeps_a_copy() {
    let mut bench = Bench::live();
    let told = bench.told(20, 0);
    bench.hear(&told);
    bench.session.stop(&mut bench.world.cx());
    bench.gather();
    assert_eq!(bench.closed, bench.links);
    assert_eq!(bench.writes(), [Store::Rooms]);
    bench.settle();
    assert_eq!(bench.session.poll_timeout(), None);
}

#[test]
fn a_session_is_idle_once_answers_are_in_storage() {
    let mut bench = Bench::live();
    assert!(bench.session.is_idle());
    bench.act(7, 1);
    bench.settle();
    assert!(!bench.session.is_idle(), "it is not answered");
    let vote = bench.sent_vote();
    let record = bench.take(&vote);
    bench.hear(&Message::ack(record.receipt));
    assert!(!bench.session.is_idle(), "the answer is being written");
    bench.fail_commits(StorageFailure::Quota);
    assert!(!bench.session.is_idle(), "the answer could not be written");
    let waited = bench.world.now;
    while bench.batches.is_empty() {
        bench.tick_when_due();
    }
    assert_eq!(bench.world.now.since(waited), REWRITE_MS);
    assert_eq!(bench.writes(), [Store::Outbox, Store::Receipts, Store::Rooms]);
    assert!(!bench.session.is_idle(), "it is being written again");
    bench.settle();
    assert!(bench.session.is_idle());
}

#[test]
fn the_first_copy_is_written_at_once_and_the_next_a_second_after_a_change() {
    let mut bench = Bench::new();
    bench.enter();
    assert_eq!(bench.session.poll_timeout(), Some(bench.world.now));
    bench.tick();
    assert_eq!(bench.writes(), [Store::Rooms]);
    bench.settle();
    let told = bench.told(20, 0);
    bench.hear(&told);
    bench.tick_after(CACHE_AFTER_MS - 1);
    assert_eq!(bench.writes(), []);
    bench.tick_after(1);
    assert_eq!(bench.writes(), [Store::Rooms]);
    bench.settle();
    bench.tick_after(CACHE_AFTER_MS);
    assert_eq!(bench.writes(), [], "nothing has changed since");
}

#[test]
fn increments_are_applied_in_order_and_a_gap_asks_for_the_state() {
    let mut bench = Bench::live();
    let told: Vec<Message> = (20..24).map(|number| bench.told(number, 0)).collect();
    bench.hear(&told[0]);
    assert_eq!((bench.revision(), bench.took_sent()), (2, vec![]));
    bench.hear(&told[0]);
    assert_eq!((bench.revision(), bench.took_sent()), (2, vec![]), "known already");
    bench.hear(&told[2]);
    assert_eq!((bench.revision(), bench.took_sent()), (2, vec![Bench::sync_request()]));
    bench.hear(&told[1]);
    assert_eq!((bench.revision(), bench.took_sent()), (2, vec![]), "the state is on its way");
    bench.hear_state();
    assert_eq!(bench.session.poll().map(AsRef::as_ref), Some(bench.log.poll()));
    let next = bench.told(30, 0);
    bench.hear(&next);
    assert_eq!((bench.revision(), bench.took_sent()), (6, vec![]));
}

#[test]
fn an_increment_of_another_hash_signature_or_meaning_asks_for_the_state() {
    let changes: [fn(&mut Mutation); 3] = [
        |mutation| mutation.tail.entry.as_mut().expect("placed").hash = Bytes([0; 32]),
        |mutation| mutation.tail.signature = Bytes([0; 64]),
        |mutation| mutation.action = choose(1),
    ];
    for change in changes {
        let mut bench = Bench::live();
        let Message::Command(mut mutation) = bench.told(20, 0) else { panic!("an increment") };
        change(&mut mutation);
        bench.hear(&Message::Command(mutation));
        assert_eq!((bench.revision(), bench.took_sent()), (1, vec![Bench::sync_request()]));
        assert_eq!(bench.link(), LinkView::Connected);
    }
}

#[test]
fn a_command_that_nobody_placed_ends_the_connection() {
    let mut bench = Bench::live();
    let command = Message::command(&signed(BOB, 20, choose(0))).expect("travels");
    bench.hear(&command);
    bench.assert_lost();
}

#[test]
fn a_head_that_disagrees_asks_for_the_state_and_a_forged_one_ends_the_connection() {
    let mut bench = Bench::live();
    bench.hear(&Message::Head(bench.head()));
    assert_eq!(bench.took_sent(), []);
    bench.told(20, 0);
    bench.hear(&Message::Head(bench.head()));
    assert_eq!(bench.took_sent(), [Bench::sync_request()]);
    bench.hear(&Message::Head(bench.head()));
    assert_eq!(bench.took_sent(), [], "the state is on its way");
    let forged = Head { revision: 3, ..bench.head() };
    bench.hear(&Message::Head(forged));
    bench.assert_lost();
}

#[test]
fn a_state_of_an_earlier_revision_ends_the_connection() {
    let mut bench = Bench::live();
    let before = bench.log.poll().clone();
    let told = bench.told(20, 0);
    bench.hear(&told);
    bench.hear(&Message::State(Box::new(before)));
    bench.assert_lost();
}

#[test]
fn a_state_behind_the_head_of_the_welcome_ends_the_connection() {
    let mut bench = Bench::new();
    let before = bench.log.poll().clone();
    bench.told(20, 0);
    bench.prove();
    bench.welcome();
    bench.hear(&Message::State(Box::new(before)));
    bench.assert_lost();
}

#[test]
fn a_state_that_is_newer_than_the_head_or_shown_again_is_taken() {
    let mut bench = Bench::new();
    bench.prove();
    bench.welcome();
    bench.told(20, 0);
    bench.hear_state();
    bench.hear_state();
    assert_eq!((bench.link(), bench.revision()), (LinkView::Connected, 2));
    bench.told(21, 1);
    bench.hear_state();
    assert_eq!((bench.link(), bench.revision()), (LinkView::Connected, 3));
}

#[test]
fn a_state_of_the_same_revision_and_another_hash_ends_the_connection() {
    let mut bench = Bench::new();
    bench.prove();
    bench.welcome();
    let other = Poll { head: Bytes([0; 32]), ..bench.log.poll().clone() };
    bench.hear(&Message::State(Box::new(other)));
    bench.assert_lost();
}

#[test]
fn a_state_that_can_not_follow_what_was_seen_is_shown_with_a_warning() {
    /// The owner's log after so many votes of Bob, as Ann remembers it.
    fn copy_of(votes: u128) -> Poll {
        let mut owner = Bench::new();
        (0..votes).for_each(|number| drop(owner.told(20 + number, 0)));
        owner.log.poll().clone()
    }
    let rewritten = Poll { head: Bytes([0; 32]), ..copy_of(1) };
    for (seen, receipt_at, warned) in [
        (None, None, false),
        (Some(copy_of(0)), None, false),
        (Some(copy_of(1)), None, false),
        (Some(copy_of(2)), None, true),
        (Some(rewritten), None, true),
        (None, Some(2_u64), false),
        (None, Some(3), true),
        (Some(copy_of(0)), Some(3), true),
    ] {
        let case = format!("{:?}, {receipt_at:?}", seen.as_ref().map(|poll| poll.revision));
        let receipt = receipt_at.map(|revision| {
            let mut owner = Bench::new();
            let records = (2..=revision).map(|n| owner.take(&signed(2, n.into(), choose(0))));
            records.last().expect("a vote").receipt
        });
        let at_ms = Timestamp(0);
        let cached = seen.map(|poll| CachedPoll { poll: Arc::new(poll), at_ms, settling: vec![] });
        let mut bench = Bench::remembering(Remembered { cached, receipt, ..Remembered::default() });
        bench.told(20, 0);
        bench.enter();
        let warning = bench.session.view(bench.owner.public(), SignallingView::Open).warning;
        assert_eq!(warning, warned.then_some(Warning::HistoryChanged), "{case}");
        assert_eq!(bench.revision(), 2, "{case}");
    }
}

#[test]
fn a_state_of_another_poll_or_owner_ends_the_connection() {
    let changes: [fn(&mut Poll); 2] = [
        |poll| poll.id = crate::domain::identity::PollId(uuid::Uuid::from_u128(0x52)),
        |poll| poll.owner = KeyPair::from_seed(&[4; 32]).public(),
    ];
    for change in changes {
        let mut bench = Bench::live();
        let mut poll = bench.log.poll().clone();
        change(&mut poll);
        bench.hear(&Message::State(Box::new(poll)));
        bench.assert_lost();
    }
}

#[test]
fn what_only_a_participant_says_ends_the_connection() {
    let mut bench = Bench::live();
    bench.hear(&Bench::sync_request());
    bench.assert_lost();
}

#[test]
fn a_ping_is_answered() {
    let mut bench = Bench::live();
    bench.hear(&Message::Ping(Empty {}));
    assert_eq!(bench.took_sent(), [Message::Pong(Empty {})]);
}

#[test]
fn who_comes_and_goes_is_shown() {
    let mut bench = Bench::live();
    let online =
        |bench: &Bench| bench.session.view(bench.world.key.public(), SignallingView::Open).online;
    let bob = KeyPair::from_seed(&[BOB; 32]).public();
    let peer = |online| Message::Discovery(vec![PeerInfo { peer_id: bob, online }]);
    bench.hear(&peer(true));
    assert_eq!(online(&bench), [bob]);
    bench.hear(&peer(false));
    assert_eq!(online(&bench), []);
}

#[test]
fn an_ack_that_does_not_verify_ends_the_connection_and_the_command_stays() {
    let changes: [fn(&mut Ack); 3] = [
        |ack| ack.revision += 1,
        |ack| ack.receipt.revision += 1,
        |ack| ack.receipt.signature = Bytes([0; 64]),
    ];
    for change in changes {
        let mut bench = Bench::live();
        bench.act(7, 1);
        bench.settle();
        let vote = bench.sent_vote();
        let record = bench.take(&vote);
        let Message::Ack(mut ack) = Message::ack(record.receipt) else { panic!("an ack") };
        change(&mut ack);
        bench.hear(&Message::Ack(ack));
        bench.assert_lost();
        assert_eq!(bench.session.outbox().view().len(), 1);
    }
}

#[test]
fn an_acked_vote_is_shown_until_the_increment_shows_it() {
    let mut bench = Bench::live();
    bench.act(7, 1);
    bench.settle();
    let vote = bench.sent_vote();
    let record = bench.take(&vote);
    let me = bench.world.key.public();
    let shown = |bench: &Bench| {
        let poll = bench.session.view(me, SignallingView::Open).poll.expect("a state");
        (poll.revision, poll.votes.get(&me).cloned())
    };
    let chosen = Some(vec![OptionId(1)]);
    assert_eq!(shown(&bench), (1, chosen.clone()));
    bench.hear(&Message::ack(record.receipt.clone()));
    assert_eq!(bench.session.receipt(), Some(&record.receipt));
    assert!(bench.session.outbox().is_empty());
    assert_eq!(shown(&bench), (1, chosen.clone()));
    assert_eq!(bench.session.cached().expect("a copy").settling.len(), 1);
    bench.hear(&Message::increment(&record).expect("travels"));
    assert_eq!(shown(&bench), (2, chosen));
    assert_eq!(bench.session.cached().expect("a copy").settling.len(), 0);
}

#[test]
fn an_increment_before_the_acked_one_leaves_that_to_settle() {
    let mut bench = Bench::live();
    bench.act(7, 1);
    bench.settle();
    let vote = bench.sent_vote();
    let before = bench.told(20, 0);
    let record = bench.take(&vote);
    bench.hear(&Message::ack(record.receipt));
    bench.hear(&before);
    assert_eq!(bench.session.cached().expect("a copy").settling, [(3, vote)]);
}

#[test]
fn what_another_tab_hands_over_is_taken_once() {
    let mut bench = Bench::live();
    let adopt = |bench: &mut Bench| {
        bench.session.adopt(&mut bench.world.cx(), id(7), choose(1));
        bench.gather();
        bench.session.outbox().commands().count()
    };
    assert_eq!(adopt(&mut bench), 1);
    bench.settle();
    assert_eq!(adopt(&mut bench), 1, "it waits for its answer");
    let vote = bench.sent_vote();
    let record = bench.take(&vote);
    bench.hear(&Message::ack(record.receipt));
    assert_eq!(adopt(&mut bench), 0, "it is acked");
}

#[test]
fn what_was_refused_is_not_taken_when_it_is_handed_over_late() {
    let mut bench = Bench::live();
    bench.act(7, 1);
    bench.settle();
    bench.hear(&Message::error(Code::BadSignature, Some(id(7))));
    bench.settle();
    let view = |bench: &Bench| bench.session.view(bench.owner.public(), SignallingView::Open);
    let before = view(&bench);
    assert_eq!(before.rejected.len(), 1);
    bench.session.adopt(&mut bench.world.cx(), id(7), choose(1));
    assert_eq!(view(&bench), before);
    bench.session.dismiss(&mut bench.world.cx(), id(7));
    bench.session.adopt(&mut bench.world.cx(), id(7), choose(1));
    assert!(bench.session.outbox().is_empty(), "read or not");

    let mut bench = Bench::new();
    bench.act(7, 1);
    let mut adopt = |number| {
        bench.session.adopt(&mut bench.world.cx(), id(number), choose(1));
        bench.session.outbox().commands().count()
    };
    assert_eq!([7, 8].map(&mut adopt), [0, 1], "also what this page refused, having no connection");

    let answered = BTreeSet::from([id(7)]);
    let mut bench = Bench::remembering(Remembered { answered, ..Remembered::default() });
    bench.session.adopt(&mut bench.world.cx(), id(7), choose(1));
    assert!(bench.session.outbox().is_empty(), "whoever leads");
}

#[test]
fn an_old_vote_that_is_acked_late_leaves_the_receipt_of_the_newest() {
    let mut bench = Bench::live();
    let old = bench.take(&signed(ANN, 7, choose(0)));
    bench.hear(&Message::increment(&old).expect("travels"));
    let mut vote = |number, option| {
        bench.act(number, option);
        bench.settle();
        let vote = bench.sent_vote();
        let record = bench.take(&vote);
        bench.hear(&Message::ack(record.receipt.clone()));
        bench.hear(&Message::increment(&record).expect("travels"));
        bench.settle();
        assert_eq!(bench.session.receipt(), Some(&record.receipt));
        record.receipt
    };
    let [_, newest] = [(8, 1), (9, 0)].map(|(number, option)| vote(number, option));
    bench.session.adopt(&mut bench.world.cx(), id(7), choose(0));
    bench.gather();
    bench.settle();
    assert_eq!(bench.sent_vote().command.id, id(7));
    bench.hear(&Message::ack(old.receipt));
    assert!(bench.session.outbox().is_empty());
    assert_eq!(bench.session.receipt(), Some(&newest));
}

#[test]
fn an_ack_after_its_increment_leaves_nothing_to_settle() {
    let mut bench = Bench::live();
    bench.act(7, 1);
    bench.settle();
    let vote = bench.sent_vote();
    let record = bench.take(&vote);
    bench.hear(&Message::increment(&record).expect("travels"));
    bench.hear(&Message::ack(record.receipt));
    assert_eq!(bench.session.cached().expect("a copy").settling, []);
}

#[test]
fn too_fast_sends_the_same_again_after_a_pause() {
    let mut bench = Bench::live();
    bench.act(7, 1);
    bench.settle();
    let vote = bench.sent_vote();
    bench.hear(&Message::error(Code::TooFast, Some(id(7))));
    bench.tick_after(TOO_FAST_PAUSE_MS - 1);
    assert_eq!(bench.took_sent(), []);
    assert_eq!(bench.session.poll_timeout(), Some(bench.world.now.plus(1)));
    bench.tick_after(1);
    assert_eq!(bench.sent_vote(), vote);
}

#[test]
fn a_refused_command_leaves_storage_even_when_that_fails_at_first_and_then_one_is_told() {
    let mut bench = Bench::live();
    let shown = |bench: &Bench| {
        let view = bench.session.view(bench.owner.public(), SignallingView::Open);
        (view.pending.len(), view.rejected.len())
    };
    bench.act(7, 1);
    bench.settle();
    bench.hear(&Message::error(Code::BadSignature, Some(id(7))));
    assert_eq!(bench.writes(), [Store::Outbox, Store::Receipts]);
    assert_eq!(shown(&bench), (1, 0));
    bench.fail_commits(StorageFailure::Unavailable);
    assert!(!bench.session.is_idle());
    while bench.batches.is_empty() {
        bench.tick_when_due();
    }
    assert_eq!((bench.batches.len(), bench.writes()), (1, vec![Store::Outbox, Store::Receipts]));
    assert_eq!(shown(&bench), (1, 0));
    bench.settle();
    assert_eq!(shown(&bench), (0, 1));
    assert!(bench.session.is_idle());
}

#[test]
fn an_error_about_a_command_that_is_not_ours_changes_nothing() {
    let mut bench = Bench::live();
    bench.hear(&Message::error(Code::BadSignature, Some(id(7))));
    assert_eq!(bench.link(), LinkView::Connected);
    assert_eq!(bench.session.view(bench.owner.public(), SignallingView::Open).rejected, []);
}

#[test]
fn votes_beyond_the_burst_are_paced() {
    let mut bench = Bench::live();
    let start = bench.world.now;
    for number in 0..=u128::from(SEND_BURST) {
        bench.act(100 + number, 0);
        bench.settle();
        while bench.sent.is_empty() {
            bench.tick_when_due();
        }
        let vote = bench.sent_vote();
        let record = bench.take(&vote);
        bench.hear(&Message::ack(record.receipt));
        bench.settle();
    }
    assert_eq!(bench.world.now.since(start), 1_000 / SENDS_PER_SECOND);
}

#[test]
fn the_owners_return_is_met_within_half_a_second_and_not_at_once_by_all() {
    let mut bench = Bench::live();
    bench.world.now = bench.world.now.plus(DIAL_SPACING_MS);
    bench.session.on_owner_back(&mut bench.world.cx());
    bench.gather();
    assert_eq!(bench.closed, bench.links);
    let waited = bench.tick_when_due();
    assert!((1..=RETURN_SPREAD_MS).contains(&waited), "{waited}");
    assert_eq!(bench.links.len(), 2);
}

#[test]
fn dials_are_a_second_apart() {
    let mut bench = Bench::new();
    bench.tick();
    bench.session.on_owner_back(&mut bench.world.cx());
    bench.gather();
    assert_eq!(bench.session.poll_timeout(), Some(bench.world.now.plus(DIAL_SPACING_MS)));
}

#[test]
fn an_owner_that_went_away_is_looked_for_eagerly_at_first() {
    let mut bench = Bench::new();
    let start = bench.world.now;
    let (mut eager, mut later) = (0, 0);
    while bench.world.now.since(start) < 10 * EAGER_MS {
        bench.tick();
        bench.session.on_owner_unavailable(&mut bench.world.cx());
        bench.gather();
        assert!(matches!(bench.link(), LinkView::OwnerOffline { .. }));
        let until = bench.session.poll_timeout().expect("it tries again");
        let pause = until.since(bench.world.now);
        if bench.world.now.since(start) < EAGER_MS {
            eager = eager.max(pause);
        } else {
            later = later.max(pause);
        }
        bench.world.now = until;
    }
    assert!(eager <= DIAL_SPACING_MS, "{eager}");
    assert!(later > 20_000, "{later}");
}

#[test]
fn only_a_connection_that_stood_for_a_while_starts_the_backoff_over() {
    for (stood_ms, starts_over) in [(STABLE_MS - 1, false), (STABLE_MS, true)] {
        let mut bench = Bench::new();
        let mut pause = 0;
        for stood_ms in [0, 0, 0, 0, 0, 0, 0, 0, 0, stood_ms] {
            bench.enter();
            bench.took_sent();
            bench.world.now = bench.world.now.plus(stood_ms);
            bench.event(LinkEvent::Closed);
            let until = match bench.link() {
                LinkView::Reconnecting { retry_at: Some(until), .. } => until,
                other => panic!("{other:?}"),
            };
            pause = until.since(bench.world.now);
            bench.world.now = until;
        }
        assert_eq!(pause <= 1_000, starts_over, "{pause}");
    }
}

#[test]
fn without_signalling_nothing_is_dialled_and_no_tick_is_wanted() {
    let mut bench = Bench::new();
    bench.signalling_is_open = false;
    bench.tick();
    assert_eq!(bench.links, []);
    assert_eq!(bench.session.poll_timeout(), None);
    bench.signalling_is_open = true;
    bench.tick();
    assert_eq!(bench.links.len(), 1);
    bench.session.on_owner_unavailable(&mut bench.world.cx());
    bench.gather();
    bench.signalling_is_open = false;
    bench.tick_when_due();
    assert_eq!(bench.session.poll_timeout(), None, "its moment has passed");
    assert_eq!(bench.links.len(), 1);
}

#[test]
fn a_fenced_command_stays_and_others_that_could_not_be_saved_are_rejected() {
    for (failure, rejected) in
        [(StorageFailure::Fenced, 0), (StorageFailure::Quota, 1), (StorageFailure::Unavailable, 1)]
    {
        let mut bench = Bench::live();
        bench.act(7, 1);
        bench.fail_commits(failure);
        let view = bench.session.view(bench.owner.public(), SignallingView::Open);
        assert_eq!((view.rejected.len(), view.pending.len()), (rejected, 1 - rejected));
        assert_eq!(bench.took_sent(), []);
    }
}
