//! The hub against one connection at a time: every message that may come at the wrong moment or in bad faith.

mod reference;

use super::*;
use crate::domain::bytes::Bytes;
use crate::domain::command::tests::{room, signed};
use crate::domain::identity::KeyPair;
use crate::domain::poll::tests::draft;
use crate::domain::poll::{Choice, Draft, OptionId, Status, Vote};
use crate::domain::poll::{Refusal, Role};
use crate::protocol::effect::{Batch, Descriptions, LinkEvent, SignallingCommand, StorageFailure};
use crate::protocol::handshake::{Binding, HANDSHAKE_BYTES_MAX, ParticipantHandshake};
use crate::protocol::hub::links::SHUN_MS;
use crate::protocol::liveness::PROBE_MS;
use crate::protocol::message::{Code, Empty, FRAME_BYTES_MAX, PeerInfo, SyncRequest, parse_frame};
use crate::protocol::rate::{BURST, EXCESS_BURST, PER_SECOND};
use crate::protocol::storage::Store;
use crate::protocol::testing::World;

const FINGERPRINT_OWNER: u8 = 6;
const FINGERPRINT_ANN: u8 = 5;

fn ann() -> KeyPair {
    KeyPair::from_seed(&[2; 32])
}

fn vote(id: u128, option: u16) -> SignedCommand {
    signed(2, id, Action::Vote(Vote { choices: vec![OptionId(option)] }))
}

struct Bench {
    world: World,
    hub: Hub,
    next_link: u64,
    /// What each connection was sent and not yet looked at.
    sent: BTreeMap<LinkId, Vec<Message>>,
    closed: Vec<LinkId>,
    shunned: Vec<PublicKey>,
    /// Commits of commands under way.
    batches: Vec<BatchId>,
    /// Commits of visitors under way, with the row's value.
    visitors: Vec<(BatchId, String)>,
}

impl Bench {
    /// A hub with the poll of [`room`] committed.
    fn new() -> Self {
        Self::hosting(draft(Choice::Single, &["A", "B"]))
    }

    fn hosting(draft: Draft) -> Self {
        let mut world = World::new(1);
        let hub = Hub::new(&world.cx(), &mut Stored::default(), true);
        let mut bench = Self {
            world,
            hub,
            next_link: 0,
            sent: BTreeMap::new(),
            closed: Vec::new(),
            shunned: Vec::new(),
            batches: Vec::new(),
            visitors: Vec::new(),
        };
        let id = CommandId(uuid::Uuid::from_u128(1));
        bench.hub.act(&mut bench.world.cx(), id, room().poll, Action::Create(draft));
        bench.settle();
        bench
    }

    fn gather(&mut self) {
        for output in self.world.take() {
            match output {
                Output::Send { link, frame } => {
                    let messages =
                        parse_frame(&frame, FRAME_BYTES_MAX).expect("our own frames parse");
                    self.sent.entry(link).or_default().extend(messages);
                }
                Output::CloseLink { link } => self.closed.push(link),
                Output::Commit(Batch { id, rows, .. }) => match rows.as_slice() {
                    [Row { store: Store::Visitors, value, .. }] => {
                        self.visitors.push((id, value.clone().expect("nobody is forgotten")));
                    }
                    _ => self.batches.push(id),
                },
                Output::Shun { key, ms } => {
                    assert_eq!(ms, SHUN_MS);
                    self.shunned.push(key);
                }
                Output::Changed | Output::Broadcast(_) | Output::Signalling(_) => {}
                Output::Dial { .. } | Output::StepDown => panic!("a hub does not"),
            }
        }
    }

    /// Completes every commit.
    fn settle(&mut self) {
        self.gather();
        while let Some(batch) =
            self.batches.pop().or_else(|| self.visitors.pop().map(|(batch, _)| batch))
        {
            assert!(self.hub.committed(&mut self.world.cx(), batch));
            self.gather();
        }
    }

    fn poll(&self) -> &Poll {
        self.hub.poll(room().poll).expect("the poll")
    }

    fn take(&mut self, link: LinkId) -> Vec<Message> {
        self.gather();
        self.sent.remove(&link).unwrap_or_default()
    }

    fn codes(&mut self, link: LinkId) -> Vec<(Code, Option<CommandId>)> {
        self.take(link)
            .into_iter()
            .filter_map(|message| match message {
                Message::Error(error) => Some((error.code, error.command_id)),
                _ => None,
            })
            .collect()
    }

    fn dial_as(&mut self, remote: String) -> LinkId {
        self.next_link += 1;
        let link = LinkId::Accepted(self.next_link);
        let fingerprint = |byte: u8| {
            format!("a=fingerprint:sha-256 {}", vec![format!("{byte:02x}"); 32].join(":"))
        };
        let descriptions = Descriptions {
            local_sdp: fingerprint(FINGERPRINT_OWNER),
            remote_sdp: fingerprint(FINGERPRINT_ANN),
            remote_certificates: None,
        };
        self.event(link, LinkEvent::Opened { remote, descriptions });
        link
    }

    fn event(&mut self, link: LinkId, event: LinkEvent) {
        let my_id = self.world.key.public().peer_id();
        self.hub.on_link(&mut self.world.cx(), link, &my_id, event);
    }

    fn frame(&mut self, link: LinkId, text: &str) {
        self.event(link, LinkEvent::Frame(text.to_owned()));
    }

    fn send(&mut self, link: LinkId, message: &Message) {
        self.frame(link, &message.to_json());
    }

    /// A connection of `key` that is a member of `poll`.
    fn join(&mut self, key: &KeyPair, poll: PollId) -> LinkId {
        let link = self.dial_as(key.public().peer_id());
        self.prove(link, key, poll);
        link
    }

    /// The handshake over a connection that was dialled under `key`'s id.
    fn prove(&mut self, link: LinkId, key: &KeyPair, poll: PollId) {
        let (id_participant, id_owner) =
            (key.public().peer_id(), self.world.key.public().peer_id());
        let (handshake, hello) = ParticipantHandshake::start(Bytes([9; 32]));
        self.send(link, &Message::Hello(hello));
        let sent = self.take(link);
        let [Message::OwnerProof(proof)] = sent.as_slice() else { panic!("{sent:?}") };
        let binding = Binding {
            fingerprint_participant: [FINGERPRINT_ANN; 32],
            fingerprint_owner: [FINGERPRINT_OWNER; 32],
            id_participant: &id_participant,
            id_owner: &id_owner,
        };
        let room = RoomRef { owner: self.world.key.public(), poll };
        let answer = handshake.prove(proof, &binding, room, key).expect("honest");
        self.send(link, &Message::ParticipantProof(answer));
    }

    fn member(&mut self, key: &KeyPair) -> LinkId {
        let link = self.join(key, room().poll);
        self.take(link);
        link
    }

    /// Visitors are written after so long, and no sooner.
    fn wait_for_visitors(&mut self, ms: u64) {
        self.gather();
        assert_eq!(self.visitors, []);
        let due = self.world.now.plus(ms);
        assert_eq!(self.hub.polls[&room().poll].visitors.due(), Some(due));
        self.world.now = due;
        self.hub.tick(&mut self.world.cx());
        self.gather();
    }

    fn command(&mut self, link: LinkId, signed: &SignedCommand) {
        self.send(link, &Message::command(signed).expect("travels"));
    }

    /// Where the connection is told and then closed, after its last word had time to leave.
    fn assert_closing(&mut self, link: LinkId) {
        assert!(!self.closed.contains(&link));
        self.world.now = self.world.now.plus(1_000);
        self.hub.tick(&mut self.world.cx());
        self.gather();
        assert!(self.closed.contains(&link));
        assert!(!self.hub.links.contains_key(&link));
    }
}

#[test]
fn a_welcome_comes_before_the_state_and_then_who_is_here() {
    let mut bench = Bench::new();
    let link = bench.join(&ann(), room().poll);
    let sent = bench.take(link);
    let [Message::Welcome(welcome), Message::State(poll), Message::Discovery(peers)] =
        sent.as_slice()
    else {
        panic!("{sent:?}")
    };
    assert_eq!(welcome.role, Role::Voter);
    assert!(welcome.head.as_ref().is_some_and(|head| head.verifies(&room())));
    assert_eq!(&**poll, bench.poll());
    assert_eq!(peers.len(), 2);
}

#[test]
fn nothing_but_the_handshake_is_heard_before_it() {
    for message in [
        Message::command(&vote(7, 0)).expect("travels"),
        Message::SyncRequest(SyncRequest { poll_id: room().poll }),
        Message::Ping(Empty {}),
        Message::State(Box::new(Bench::new().poll().clone())),
    ] {
        let mut bench = Bench::new();
        let link = bench.dial_as(ann().public().peer_id());
        bench.send(link, &message);
        assert_eq!(bench.codes(link), [(Code::OutOfOrder, None)], "{message:?}");
        bench.assert_closing(link);
        assert_eq!(bench.poll().revision, 1);
    }
}

#[test]
fn a_second_hello_ends_it() {
    let hello = |n| Message::Hello(ParticipantHandshake::start(Bytes([n; 32])).1);
    let mut bench = Bench::new();
    let link = bench.dial_as(ann().public().peer_id());
    bench.send(link, &hello(1));
    bench.send(link, &hello(2));
    assert_eq!(bench.codes(link), [(Code::OutOfOrder, None)]);
    bench.assert_closing(link);
}

#[test]
fn an_unknown_type_before_authentication_ends_it_by_name() {
    let mut bench = Bench::new();
    let link = bench.dial_as(ann().public().peer_id());
    bench.frame(link, r#"{"type":"later:version","payload":{}}"#);
    assert_eq!(bench.codes(link), [(Code::UnknownType, None)]);
    bench.assert_closing(link);
}

#[test]
fn a_frame_over_a_kilobyte_before_authentication_ends_it() {
    let mut bench = Bench::new();
    let link = bench.dial_as(ann().public().peer_id());
    bench.frame(link, &" ".repeat(HANDSHAKE_BYTES_MAX + 1));
    assert_eq!(bench.codes(link), [(Code::FrameTooLarge, None)]);
    bench.assert_closing(link);
}

#[test]
fn a_silent_connection_is_ended_after_ten_seconds() {
    let mut bench = Bench::new();
    let link = bench.dial_as(ann().public().peer_id());
    assert_eq!(bench.hub.poll_timeout(), Some(bench.world.now.plus(HANDSHAKE_MS)));
    bench.world.now = bench.world.now.plus(HANDSHAKE_MS);
    bench.hub.tick(&mut bench.world.cx());
    assert_eq!(bench.codes(link), [(Code::HandshakeTimeout, None)]);
    bench.assert_closing(link);
}

#[test]
fn unknown_polls_are_refused_after_authentication() {
    let mut bench = Bench::new();
    let link = bench.join(&ann(), PollId(uuid::Uuid::from_u128(99)));
    assert_eq!(bench.codes(link), [(Code::UnknownPoll, None)]);
    bench.assert_closing(link);
}

#[test]
fn pending_connections_are_bounded_and_the_rest_told_so() {
    let mut bench = Bench::new();
    let links: Vec<LinkId> =
        (0..=PENDING_LINKS_MAX).map(|_| bench.dial_as(ann().public().peer_id())).collect();
    let last = links[PENDING_LINKS_MAX];
    assert_eq!(bench.codes(last), [], "what the accepting end says first can get lost");
    bench.send(last, &Message::Hello(ParticipantHandshake::start(Bytes([1; 32])).1));
    assert_eq!(bench.codes(last), [(Code::RoomFull, None)]);
    bench.assert_closing(last);
    bench.send(links[0], &Message::Hello(ParticipantHandshake::start(Bytes([1; 32])).1));
    assert_eq!(bench.codes(links[0]), []);
}

#[test]
fn connections_are_bounded_in_all() {
    let mut bench = Bench::new();
    let members = LINKS_MAX - PENDING_LINKS_MAX + 1;
    for key in crowd(members) {
        bench.member(&key);
    }
    for _ in members..LINKS_MAX - 1 {
        bench.dial_as(ann().public().peer_id());
    }
    let [last, beyond] = [0; 2].map(|_| bench.dial_as(ann().public().peer_id()));
    for (link, codes) in [(last, vec![]), (beyond, vec![(Code::RoomFull, None)])] {
        bench.send(link, &Message::Hello(ParticipantHandshake::start(Bytes([1; 32])).1));
        assert_eq!(bench.codes(link), codes);
    }
}

/// Keys of as many people.
fn crowd(count: usize) -> impl Iterator<Item = KeyPair> {
    (0..count).map(|n| {
        let mut seed = [200; 32];
        seed[..8].copy_from_slice(&n.to_be_bytes());
        KeyPair::from_seed(&seed)
    })
}

#[test]
fn an_owner_is_told_before_the_room_is_full() {
    let mut bench = Bench::new();
    let warning = |bench: &Bench| bench.hub.view(room().poll, SignallingView::Open).warning;
    let rooms = [room().poll, PollId::LOBBY].into_iter().cycle();
    let links: Vec<LinkId> =
        crowd(LINKS_NEARLY_FULL - 1).zip(rooms).map(|(key, room)| bench.join(&key, room)).collect();
    bench.settle();
    let changed = |bench: &mut Bench| bench.world.take().contains(&Output::Changed);
    bench.dial_as(ann().public().peer_id());
    assert_eq!((changed(&mut bench), warning(&bench)), (false, None));
    for (link, room) in links.into_iter().zip([room().poll, PollId::LOBBY]) {
        let last = bench.dial_as(ann().public().peer_id());
        bench.prove(last, &ann(), room);
        assert_eq!((changed(&mut bench), warning(&bench)), (true, Some(Warning::NearlyFull)));
        bench.event(link, LinkEvent::Closed);
        assert_eq!((changed(&mut bench), warning(&bench)), (true, None));
    }
}

#[test]
fn who_has_proved_itself_is_no_longer_pending() {
    let mut bench = Bench::new();
    for key in crowd(PENDING_LINKS_MAX + 1) {
        bench.member(&key);
    }
    let newcomer = bench.dial_as(ann().public().peer_id());
    bench.send(newcomer, &Message::Hello(ParticipantHandshake::start(Bytes([1; 32])).1));
    assert_eq!(bench.codes(newcomer), []);
}

#[test]
fn a_connection_is_paused_above_one_mebibyte_and_dropped_above_four() {
    for (bytes, told, dropped) in [
        (1_048_576, true, false),
        (1_048_577, false, false),
        (4_194_304, false, false),
        (4_194_305, false, true),
    ] {
        let mut bench = Bench::new();
        let link = bench.member(&ann());
        let bob = bench.member(&KeyPair::from_seed(&[3; 32]));
        bench.take(link);
        bench.event(link, LinkEvent::Buffered { bytes });
        bench.command(bob, &signed(3, 9, Action::Vote(Vote { choices: vec![OptionId(0)] })));
        bench.settle();
        assert_eq!(!bench.take(link).is_empty(), told, "{bytes}");
        assert_eq!(bench.closed.contains(&link), dropped, "{bytes}");
    }
}

#[test]
fn nothing_is_acked_or_told_before_its_commit() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let bob = bench.member(&KeyPair::from_seed(&[3; 32]));
    bench.take(link);
    bench.command(link, &vote(7, 1));
    assert_eq!(bench.take(link), []);
    assert_eq!(bench.take(bob), []);
    assert_eq!(bench.poll().revision, 1);
    bench.settle();
    assert_eq!(bench.poll().revision, 2);
    let sent = bench.take(link);
    let [Message::Ack(ack), Message::Command(_), Message::Head(head)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!((ack.revision, head.revision), (2, 2));
    assert!(ack.receipt.verifies(&vote(7, 1)));
    assert_eq!(bench.take(bob).len(), 2);
}

#[test]
fn commands_that_gather_during_a_commit_share_the_next() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let bob_key = KeyPair::from_seed(&[3; 32]);
    let bob = bench.member(&bob_key);
    bench.command(link, &vote(7, 1));
    bench.command(link, &vote(8, 0));
    bench.command(bob, &signed(3, 9, Action::Vote(Vote { choices: vec![OptionId(0)] })));
    bench.gather();
    assert_eq!(bench.batches.len(), 1);
    let first = bench.batches.remove(0);
    assert!(bench.hub.committed(&mut bench.world.cx(), first));
    bench.gather();
    assert_eq!(bench.batches.len(), 1, "the other two in one");
    bench.settle();
    assert_eq!(bench.poll().revision, 4);
    assert_eq!(bench.poll().tally().counts, [2, 0]);
}

#[test]
fn a_duplicate_within_one_batch_waits_for_its_commit() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    bench.command(link, &vote(6, 0));
    bench.command(link, &vote(7, 1));
    bench.command(link, &vote(7, 1));
    bench.gather();
    let first = bench.batches.pop().expect("a commit is under way");
    assert!(bench.hub.committed(&mut bench.world.cx(), first));
    let acked = |sent: &[Message]| {
        let acks = sent.iter().filter_map(|message| match message {
            Message::Ack(ack) => Some(ack.command_id),
            _ => None,
        });
        acks.collect::<Vec<_>>()
    };
    assert_eq!(acked(&bench.take(link)), [vote(6, 0).command.id]);
    bench.settle();
    assert_eq!(acked(&bench.take(link)), [vote(7, 1).command.id; 2]);
    assert_eq!(bench.poll().revision, 3);
}

#[test]
fn polls_made_in_one_batch_are_all_founded_and_none_twice() {
    let mut bench = Bench::new();
    let poll = |n| PollId(uuid::Uuid::from_u128(n));
    let draft = draft(Choice::Single, &["A", "B"]);
    // The first is committed alone, and the others gather meanwhile.
    for (command, poll) in [(20, poll(2)), (21, poll(3)), (22, poll(4)), (23, poll(4))] {
        let id = CommandId(uuid::Uuid::from_u128(command));
        bench.hub.act(&mut bench.world.cx(), id, poll, Action::Create(draft.clone()));
    }
    bench.settle();
    let founded = [2, 3, 4].map(|n| bench.hub.poll(poll(n)).map(|poll| poll.revision));
    assert_eq!(founded, [Some(1); 3]);
    let rejected = bench.hub.view(poll(4), SignallingView::Open).rejected;
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].id, CommandId(uuid::Uuid::from_u128(23)));
}

#[test]
fn ten_duplicates_give_ten_identical_acks_and_one_vote() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    for _ in 0..5 {
        bench.command(link, &vote(7, 1));
    }
    bench.settle();
    for _ in 0..5 {
        bench.command(link, &vote(7, 1));
    }
    bench.settle();
    let mut acks = bench.take(link);
    acks.retain(|message| matches!(message, Message::Ack(_)));
    assert_eq!(acks.len(), 10);
    acks.dedup();
    assert_eq!(acks.len(), 1);
    assert_eq!(bench.poll().revision, 2);
    assert_eq!(bench.poll().tally().counts, [0, 1]);
}

#[test]
fn a_failed_commit_is_tried_again_and_acked_then() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    bench.command(link, &vote(7, 1));
    bench.gather();
    let batch = bench.batches.remove(0);
    assert!(bench.hub.commit_failed(&mut bench.world.cx(), batch, StorageFailure::Quota));
    assert_eq!(bench.take(link), []);
    assert_eq!(bench.hub.storage(), StorageView::Full);
    bench.world.now = bench.hub.poll_timeout().expect("a retry");
    bench.hub.tick(&mut bench.world.cx());
    bench.settle();
    assert_eq!(bench.hub.storage(), StorageView::Working);
    assert_eq!(bench.poll().tally().counts, [0, 1]);
    assert!(bench.take(link).iter().any(|message| matches!(message, Message::Ack(_))));
}

#[test]
fn a_refusal_waits_for_the_commit_that_it_rests_on() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    bench.command(link, &vote(7, 1));
    let id = CommandId(uuid::Uuid::from_u128(9));
    let close = Action::SetStatus(Status { open: false });
    bench.hub.act(&mut bench.world.cx(), id, room().poll, close);
    bench.command(link, &vote(8, 0));
    bench.gather();
    let first = bench.batches.remove(0);
    assert!(bench.hub.committed(&mut bench.world.cx(), first));
    assert_eq!(bench.codes(link), [], "the poll is not closed yet");
    let closing = bench.batches.remove(0);
    let failure = StorageFailure::Unavailable;
    assert!(bench.hub.commit_failed(&mut bench.world.cx(), closing, failure));
    assert_eq!(bench.codes(link), []);
    bench.world.now = bench.hub.retry_at.expect("a retry");
    bench.hub.tick(&mut bench.world.cx());
    bench.settle();
    assert_eq!(bench.codes(link), [(Code::Rule(Refusal::PollClosed), Some(vote(8, 0).command.id))]);
}

#[test]
fn forged_and_replayed_commands_are_refused_by_name() {
    let other_poll = {
        let mut command = vote(7, 0).command;
        command.room.poll = PollId(uuid::Uuid::from_u128(0x52));
        command.sign(&ann())
    };
    let other_owner = {
        let mut command = vote(7, 0).command;
        command.room.owner = KeyPair::from_seed(&[8; 32]).public();
        command.sign(&ann())
    };
    let of_another_key = signed(3, 7, vote(7, 0).command.action);
    let tampered = {
        let mut signed = vote(7, 0);
        signed.command.action = Action::Vote(Vote { choices: vec![OptionId(1)] });
        signed
    };
    for forged in [other_poll, other_owner, of_another_key, tampered] {
        let mut bench = Bench::new();
        let link = bench.member(&ann());
        bench.command(link, &forged);
        bench.settle();
        assert_eq!(bench.codes(link), [(Code::BadSignature, Some(forged.command.id))]);
        assert_eq!(bench.poll().revision, 1);
        bench.command(link, &vote(8, 0));
        bench.settle();
        assert_eq!(bench.poll().revision, 2, "the connection goes on");
    }
}

#[test]
fn the_same_id_with_other_content_is_an_error() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    bench.command(link, &vote(7, 1));
    bench.settle();
    bench.command(link, &vote(7, 0));
    bench.settle();
    assert_eq!(bench.codes(link), [(Code::IdReused, Some(vote(7, 0).command.id))]);
    assert_eq!(bench.poll().tally().counts, [0, 1]);
}

#[test]
fn too_many_commands_at_once_are_told_to_wait() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    for id in 0..25 {
        bench.command(link, &vote(100 + id, 0));
    }
    bench.settle();
    let codes = bench.codes(link);
    assert_eq!(codes.len(), 5);
    assert!(codes.iter().all(|(code, id)| *code == Code::TooFast && id.is_some()));
    assert_eq!(bench.poll().revision, 21);
}

#[test]
fn a_commit_decides_what_is_in_it_and_not_what_waits_for_the_next() {
    let mut bench = Bench::new();
    let poll = room().poll;
    let id = |number: u128| CommandId(uuid::Uuid::from_u128(number));
    let status = |open| Action::SetStatus(Status { open });
    let vote = |option| Action::Vote(Vote { choices: vec![OptionId(option)] });
    let act = |bench: &mut Bench, number, action| {
        bench.hub.act(&mut bench.world.cx(), id(number), poll, action);
        bench.gather();
    };
    // The first is alone in its commit. Those that come meanwhile share the next, in which the poll is closed before the vote.
    act(&mut bench, 9, vote(0));
    act(&mut bench, 8, status(false));
    act(&mut bench, 7, vote(1));
    let first = bench.batches.pop().expect("a commit");
    let unsaved = |bench: &Bench| -> Vec<(Option<BatchId>, CommandId)> {
        bench.hub.unsaved().map(|(batch, signed)| (batch, signed.command.id)).collect()
    };
    assert_eq!(unsaved(&bench), [(Some(first), id(9)), (None, id(8)), (None, id(7))]);
    assert!(bench.hub.committed(&mut bench.world.cx(), first));
    bench.gather();
    let [second] = bench.batches[..] else { panic!("{:?}", bench.batches) };
    assert_eq!(unsaved(&bench), [(Some(second), id(8)), (Some(second), id(7))], "refused or not");
}

#[test]
fn who_does_not_stop_when_told_to_wait_is_cut_off() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let mut next = 100;
    let mut send = |bench: &mut Bench, count: u64| {
        for _ in 0..count {
            next += 1;
            bench.command(link, &vote(next, 0));
        }
        CommandId(uuid::Uuid::from_u128(next))
    };
    send(&mut bench, BURST + EXCESS_BURST);
    assert_eq!(bench.codes(link).len() as u64, EXCESS_BURST);
    // Both have gained five.
    bench.world.now = bench.world.now.plus(1_000);
    send(&mut bench, 2 * PER_SECOND);
    assert_eq!(bench.codes(link).len() as u64, PER_SECOND);
    assert_eq!(bench.shunned, []);
    let last = send(&mut bench, 1);
    assert_eq!(bench.codes(link), [(Code::TooFast, Some(last)), (Code::TooFast, None)]);
    assert_eq!(bench.shunned, [ann().public()]);
    bench.world.now = bench.world.now.plus(999);
    send(&mut bench, 1);
    assert_eq!(bench.codes(link), [], "it had its last word");
    bench.assert_closing(link);
    bench.settle();
    assert_eq!(bench.poll().revision, 1 + BURST + PER_SECOND, "what came in time counts");
}

#[test]
fn a_new_connection_makes_nobody_faster_and_another_poll_nobody_slower() {
    let mut bench = Bench::new();
    let other = PollId(uuid::Uuid::from_u128(77));
    let create = Action::Create(draft(Choice::Single, &["A", "B"]));
    bench.hub.act(&mut bench.world.cx(), CommandId(uuid::Uuid::from_u128(2)), other, create);
    bench.settle();
    let first = bench.member(&ann());
    for id in 0..u128::from(BURST) {
        bench.command(first, &vote(100 + id, 0));
    }
    assert_eq!(bench.codes(first), []);
    let again = bench.member(&ann());
    bench.command(again, &vote(200, 0));
    assert_eq!(bench.codes(again), [(Code::TooFast, Some(vote(200, 0).command.id))]);
    let elsewhere = bench.join(&ann(), other);
    bench.take(elsewhere);
    bench.send(elsewhere, &Message::SyncRequest(SyncRequest { poll_id: other }));
    assert!(matches!(bench.take(elsewhere).as_slice(), [Message::State(_)]));
    assert_eq!(bench.hub.paces.len(), 2);

    bench.world.now = bench.world.now.plus(3_999);
    let bob = KeyPair::from_seed(&[3; 32]);
    let link = bench.member(&bob);
    bench.command(link, &signed(3, 9, Action::Vote(Vote { choices: vec![OptionId(0)] })));
    assert_eq!(bench.hub.paces.len(), 2, "one is rested and forgotten, one is new");
}

#[test]
fn while_nothing_can_be_committed_so_many_commands_wait_and_no_more() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let send = |bench: &mut Bench, id: u128| {
        bench.world.now = bench.world.now.plus(1_000);
        bench.command(link, &vote(id, 0));
        bench.codes(link)
    };
    // The first is in a commit that is under way; the others wait for the next.
    for id in 0..=GATHERED_MAX as u128 {
        assert_eq!(send(&mut bench, 100 + id), [], "{id}");
    }
    let refused = CommandId(uuid::Uuid::from_u128(7));
    assert_eq!(send(&mut bench, 7), [(Code::TooFast, Some(refused))]);
    bench.settle();
    assert_eq!(bench.poll().revision, 2 + GATHERED_MAX as u64);
    assert_eq!(send(&mut bench, 7), []);
}

#[test]
fn malformed_frames_end_the_connection_and_nothing_else() {
    for (text, code) in [
        ("not json", Code::Malformed),
        (r#"{"type":"poll:vote","payload":{}}"#, Code::Malformed),
        ("[[[[[[[[[1]]]]]]]]]", Code::TooDeep),
        (r#"{"type":"auth:hello","payload":{"version":1,"nonce":""}}"#, Code::Malformed),
        (r#"{"type":"ack","payload":{}}"#, Code::Malformed),
        (r#"{"type":"poll:list","payload":[]}"#, Code::OutOfOrder),
    ] {
        let mut bench = Bench::new();
        let link = bench.member(&ann());
        let bob_key = KeyPair::from_seed(&[3; 32]);
        let bob = bench.member(&bob_key);
        bench.frame(link, text);
        assert_eq!(bench.codes(link), [(code, None)], "{text}");
        bench.assert_closing(link);
        assert_eq!(bench.shunned, [ann().public()], "{text}");
        bench.command(bob, &signed(3, 9, Action::Vote(Vote { choices: vec![OptionId(0)] })));
        bench.settle();
        assert_eq!(bench.poll().revision, 2);
    }
}

#[test]
fn what_is_no_frame_ends_the_connection_without_a_word() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let my_id = bench.world.key.public().peer_id();
    bench.hub.on_link(&mut bench.world.cx(), link, &my_id, LinkEvent::NoFrame);
    assert_eq!(bench.codes(link), []);
    assert_eq!(bench.closed, [link]);
    assert_eq!(bench.shunned, [ann().public()]);
}

#[test]
fn who_is_shunned_gets_in_over_no_connection_before_that_is_over() {
    for place in [room().poll, PollId::LOBBY] {
        let mut bench = Bench::new();
        let [opening, late] = [(); 2].map(|()| bench.dial_as(ann().public().peer_id()));
        let link = bench.join(&ann(), place);
        bench.take(link);
        bench.frame(link, "not json");
        assert_eq!(bench.codes(link), [(Code::Malformed, None)]);
        assert_eq!(bench.shunned, [ann().public()]);
        let bob = KeyPair::from_seed(&[3; 32]);
        let other = bench.join(&bob, place);
        assert!(matches!(bench.take(other).as_slice(), [Message::Welcome(_), ..]));
        bench.frame(other, "not json");
        assert_eq!(bench.codes(other), [(Code::Malformed, None)]);

        bench.world.now = bench.world.now.plus(SHUN_MS - 1);
        bench.prove(opening, &ann(), place);
        assert_eq!(bench.take(opening), [Message::error(Code::TooFast, None)]);
        bench.world.now = bench.world.now.plus(1);
        bench.prove(late, &ann(), place);
        assert!(matches!(bench.take(late).as_slice(), [Message::Welcome(_), ..]));
        let shunned = [ann().public(), bob.public()];
        assert_eq!(bench.shunned, shunned, "not anew for having come too early");
    }
}

#[test]
fn nobody_is_shunned_for_what_honest_clients_bring_upon_themselves() {
    let mut bench = Bench::new();
    let stranger = bench.dial_as(ann().public().peer_id());
    bench.frame(stranger, "not json");
    assert_eq!(bench.codes(stranger), [(Code::Malformed, None)]);
    let older = bench.member(&ann());
    let newer = bench.member(&ann());
    assert_eq!(bench.codes(older), [(Code::Replaced, None)]);
    bench.command(newer, &vote(7, 9));
    bench.settle();
    assert_eq!(
        bench.codes(newer),
        [(Code::Rule(Refusal::UnknownOption), Some(vote(7, 9).command.id))]
    );
    assert_eq!(bench.shunned, []);
}

#[test]
fn an_unknown_type_is_answered_and_passed_over() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let vote = vote(7, 0);
    let known = Message::command(&vote).expect("travels").to_json();
    bench.frame(link, &format!(r#"[{{"type":"poll:confetti","payload":{{}}}},{known}]"#));
    assert_eq!(bench.codes(link), [(Code::UnknownType, None)]);
    bench.settle();
    assert_eq!(bench.poll().revision, 2);
}

#[test]
fn unknown_types_are_limited_like_commands() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let unknown = r#"{"type":"poll:confetti","payload":{}}"#;
    bench.frame(link, &format!("[{}]", [unknown; 21].join(",")));
    let codes = bench.codes(link);
    assert_eq!(codes.len(), 21);
    assert_eq!(codes.last(), Some(&(Code::TooFast, None)));
    bench.assert_closing(link);
}

#[test]
fn an_increment_from_a_participant_ends_its_connection() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let mut log = Log::found(
        signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"]))),
        Timestamp(1),
        &bench.world.key,
    )
    .expect("valid")
    .0;
    let mut staging = log.stage();
    staging.judge(&log, &vote(7, 0), Timestamp(2), &bench.world.key);
    log.commit(staging);
    let increment = Message::increment(&log.after(1)[0]).expect("travels");
    bench.send(link, &increment);
    assert_eq!(
        bench.codes(link),
        [(Code::OutOfOrder, Some(vote(7, 0).command.id)), (Code::OutOfOrder, None)]
    );
    assert_eq!(bench.poll().revision, 1);
}

#[test]
fn the_newest_connection_of_a_key_wins() {
    let mut bench = Bench::new();
    let first = bench.member(&ann());
    let second = bench.member(&ann());
    assert_eq!(bench.codes(first), [(Code::Replaced, None)]);
    bench.event(first, LinkEvent::Closed);
    bench.command(second, &vote(7, 0));
    bench.settle();
    assert_eq!(bench.poll().revision, 2);
    assert_eq!(bench.hub.view(room().poll, SignallingView::Open).online.len(), 2);
}

#[test]
fn a_connection_that_does_not_drain_is_skipped_then_dropped() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let bob_key = KeyPair::from_seed(&[3; 32]);
    let bob = bench.member(&bob_key);
    bench.take(link);
    bench.event(link, LinkEvent::Buffered { bytes: BUFFER_PAUSE_BYTES + 1 });
    bench.command(bob, &signed(3, 9, Action::Vote(Vote { choices: vec![OptionId(0)] })));
    bench.settle();
    assert_eq!(bench.take(link), [], "skipped");
    bench.event(link, LinkEvent::Buffered { bytes: 0 });
    bench.world.now = bench.world.now.plus(1);
    bench.hub.tick(&mut bench.world.cx());
    assert_eq!(bench.take(link).len(), 2, "caught up from its cursor");
    let congested = bench.world.now;
    bench.event(link, LinkEvent::Buffered { bytes: BUFFER_PAUSE_BYTES + 1 });
    for waited_ms in [DRAIN_MS / 2, DRAIN_MS - 1, DRAIN_MS] {
        bench.event(link, LinkEvent::Frame(Message::Pong(Empty {}).to_json()));
        bench.world.now = congested.plus(waited_ms);
        bench.hub.tick(&mut bench.world.cx());
        bench.gather();
        assert_eq!(bench.closed.contains(&link), waited_ms == DRAIN_MS);
    }
    bench.event(bob, LinkEvent::Buffered { bytes: BUFFER_DROP_BYTES + 1 });
    bench.gather();
    assert!(bench.closed.contains(&bob));
}

#[test]
fn a_sync_request_is_answered_with_the_state() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    bench.send(link, &Message::SyncRequest(SyncRequest { poll_id: room().poll }));
    let sent = bench.take(link);
    let [Message::State(poll)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(&**poll, bench.poll());
    bench.send(
        link,
        &Message::SyncRequest(SyncRequest { poll_id: PollId(uuid::Uuid::from_u128(5)) }),
    );
    assert_eq!(bench.codes(link), [(Code::UnknownPoll, None)]);
}

#[test]
fn a_large_room_is_told_in_paced_slices() {
    let mut bench = Bench::new();
    let keys: Vec<KeyPair> = (10..=209).map(|n| KeyPair::from_seed(&[n; 32])).collect();
    let links: Vec<LinkId> = keys.iter().map(|key| bench.member(key)).collect();
    bench.world.now = bench.world.now.plus(1_000);
    for _ in 0..20 {
        bench.hub.tick(&mut bench.world.cx());
    }
    bench.gather();
    bench.sent.clear();
    bench.command(links[0], &signed(10, 7, Action::Vote(Vote { choices: vec![OptionId(0)] })));
    bench.settle();
    let told = |bench: &Bench| bench.sent.len();
    assert_eq!(told(&bench), 1, "the ack leaves at once");
    let due = bench.hub.poll_timeout().expect("a flush");
    assert_eq!(due.since(bench.world.now), 100, "half a millisecond for each of 200");
    bench.world.now = due;
    let mut slices = vec![];
    while told(&bench) < 200 {
        bench.hub.tick(&mut bench.world.cx());
        bench.gather();
        slices.push(told(&bench));
    }
    assert_eq!(slices, [64, 128, 192, 200]);
}

#[test]
fn who_left_is_forgotten_once_everybody_was_told() {
    let mut bench = Bench::new();
    let bob_key = KeyPair::from_seed(&[3; 32]);
    let carol_key = KeyPair::from_seed(&[4; 32]);
    let [_, bob, carol] = [&ann(), &bob_key, &carol_key].map(|key| bench.member(key));
    let known = |bench: &Bench| {
        let hosted = &bench.hub.polls[&room().poll];
        hosted.presence.keys().copied().collect::<BTreeSet<_>>()
    };
    let [ann, bob_key, carol_key] = [&ann(), &bob_key, &carol_key].map(KeyPair::public);
    bench.take(bob);
    bench.event(bob, LinkEvent::Buffered { bytes: BUFFER_PAUSE_BYTES + 1 });
    bench.event(carol, LinkEvent::Closed);
    assert_eq!(known(&bench), BTreeSet::from([ann, bob_key, carol_key]), "bob was not told");
    bench.event(bob, LinkEvent::Buffered { bytes: 0 });
    bench.hub.tick(&mut bench.world.cx());
    let carol_is_gone = PeerInfo { peer_id: carol_key, online: false };
    assert_eq!(bench.take(bob), [Message::Discovery(vec![carol_is_gone])]);
    assert_eq!(known(&bench), BTreeSet::from([ann, bob_key]));
}

#[test]
fn in_the_lobby_one_may_ask_for_a_sign_of_life_and_for_nothing_else() {
    let unknown = r#"{"type":"later:version","payload":{}}"#.to_owned();
    let sync = Message::SyncRequest(SyncRequest { poll_id: room().poll }).to_json();
    for (text, answers, stays) in [
        (Message::Ping(Empty {}).to_json(), vec![Message::Pong(Empty {})], true),
        (Message::Pong(Empty {}).to_json(), vec![], true),
        (unknown, vec![Message::error(Code::UnknownType, None)], true),
        (sync, vec![Message::error(Code::OutOfOrder, None)], false),
    ] {
        let mut bench = Bench::new();
        let link = bench.join(&ann(), PollId::LOBBY);
        let sent = bench.take(link);
        assert!(matches!(sent.as_slice(), [Message::Welcome(_), Message::List(_)]), "{sent:?}");
        bench.frame(link, &text);
        assert_eq!(bench.take(link), answers, "{text}");
        assert_eq!(!matches!(bench.hub.links[&link].phase, Phase::Closing { .. }), stays);
    }
}

#[test]
fn so_many_visitors_are_remembered_and_no_more() {
    let key = ann();
    for (before, after) in [(LINKS_MAX - 1, LINKS_MAX), (LINKS_MAX, LINKS_MAX)] {
        let mut bench = Bench::new();
        let hosted = bench.hub.polls.get_mut(&room().poll).expect("the poll");
        hosted.visitors.ids = (0..before).map(|n| n.to_string()).collect();
        bench.member(&key);
        assert_eq!(bench.hub.polls[&room().poll].visitors.ids.len(), after);
        // Whether there was anything to write.
        assert_eq!(bench.visitors.len(), after - before);
    }
}

#[test]
fn visitors_are_written_as_they_come_and_those_who_come_meanwhile_together() {
    let mut bench = Bench::new();
    let mut coming = (2..).map(|seed| KeyPair::from_seed(&[seed; 32]));
    let mut come = |bench: &mut Bench| {
        let key = coming.next().expect("there are more");
        bench.member(&key);
        key.public().peer_id()
    };
    let row = |mut ids: Vec<&String>| {
        ids.sort();
        serde_json::to_string(&ids).expect("serialises")
    };
    let first = come(&mut bench);
    let [(batch, written)] = bench.visitors.split_off(0).try_into().expect("one write");
    assert_eq!(written, row(vec![&first]));

    let (second, third) = (come(&mut bench), come(&mut bench));
    assert_eq!(bench.visitors, [], "one is under way");
    assert!(bench.hub.committed(&mut bench.world.cx(), batch));
    assert_eq!(bench.hub.poll_timeout(), Some(bench.world.now.plus(VISITOR_MS)));
    bench.wait_for_visitors(VISITOR_MS);
    let [(batch, written)] = bench.visitors.split_off(0).try_into().expect("one write");
    assert_eq!(written, row(vec![&first, &second, &third]));

    // What could not be written is tried again, with whoever came meanwhile.
    assert!(bench.hub.commit_failed(&mut bench.world.cx(), batch, StorageFailure::Quota));
    let fourth = come(&mut bench);
    bench.wait_for_visitors(VISITORS_AGAIN_MS);
    let [(batch, written)] = bench.visitors.split_off(0).try_into().expect("one write");
    assert_eq!(written, row(vec![&first, &second, &third, &fourth]));
    assert!(bench.hub.committed(&mut bench.world.cx(), batch));
    bench.world.now = bench.world.now.plus(4 * VISITOR_MS);
    bench.hub.tick(&mut bench.world.cx());
    bench.gather();
    assert_eq!(bench.visitors, [], "nobody new, nothing to write");
}

#[test]
fn on_waking_everybody_who_proved_themselves_is_asked_for_a_sign_of_life() {
    let mut bench = Bench::new();
    let pending = bench.dial_as(ann().public().peer_id());
    let member = bench.member(&ann());
    let lobby = bench.join(&KeyPair::from_seed(&[3; 32]), PollId::LOBBY);
    bench.gather();
    bench.sent.clear();
    bench.hub.wake(&mut bench.world.cx());
    let asked = [pending, member, lobby].map(|link| bench.take(link));
    assert_eq!(asked, [vec![], vec![Message::Ping(Empty {})], vec![Message::Ping(Empty {})]]);
    bench.event(lobby, LinkEvent::Frame(Message::Pong(Empty {}).to_json()));
    bench.world.now = bench.world.now.plus(PROBE_MS);
    bench.hub.tick(&mut bench.world.cx());
    bench.gather();
    assert_eq!(bench.closed, [member], "silent");
}

#[test]
fn a_stopped_hub_ends_every_connection_and_knows_of_nobody() {
    let mut bench = Bench::new();
    let links = [bench.member(&ann()), bench.dial_as(ann().public().peer_id())];
    assert!(bench.hub.has_members());
    bench.hub.stop(&mut bench.world.cx());
    bench.gather();
    assert_eq!(bench.closed, links);
    assert!(!bench.hub.has_members());
    assert!(bench.hub.polls[&room().poll].presence.is_empty());
    assert!(bench.hub.links.is_empty());
}

#[test]
fn a_poll_of_the_owners_is_shown_as_soon_as_it_is_made_and_lost_with_the_tab_until_it_is_committed()
{
    let mut bench = Bench::new();
    let (id, poll) = (CommandId(uuid::Uuid::from_u128(20)), PollId(uuid::Uuid::from_u128(2)));
    let link = |bench: &Bench| bench.hub.view(poll, SignallingView::Open).link;
    assert!(matches!(link(&bench), LinkView::Refused { .. }), "there is no such poll");
    let create = Action::Create(draft(Choice::Single, &["A", "B"]));
    bench.hub.act(&mut bench.world.cx(), id, poll, create);
    assert_eq!(link(&bench), LinkView::Connected);
    assert!(bench.hub.is_volatile(id));
    assert!(!bench.hub.is_volatile(CommandId(uuid::Uuid::from_u128(21))));
    bench.settle();
    assert_eq!(link(&bench), LinkView::Connected);
    assert!(!bench.hub.is_volatile(id));
}

#[test]
fn an_owner_has_the_receipt_of_its_own_newest_vote() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    let receipt = |bench: &Bench| bench.hub.view(room().poll, SignallingView::Open).receipt;
    bench.command(link, &vote(7, 0));
    bench.settle();
    assert_eq!(receipt(&bench), None, "the owner has not voted");
    let [first, second] = [20, 21].map(|id| CommandId(uuid::Uuid::from_u128(id)));
    for (id, option) in [(first, 0), (second, 1)] {
        let vote = Action::Vote(Vote { choices: vec![OptionId(option)] });
        bench.hub.act(&mut bench.world.cx(), id, room().poll, vote);
        bench.settle();
        assert_eq!(receipt(&bench).map(|receipt| receipt.command_id), Some(id));
    }
    bench.command(link, &vote(8, 1));
    let (id, closing) = (CommandId(uuid::Uuid::from_u128(22)), Status { open: false });
    bench.hub.act(&mut bench.world.cx(), id, room().poll, Action::SetStatus(closing));
    bench.settle();
    assert_eq!(receipt(&bench).map(|receipt| receipt.command_id), Some(second));
}

#[test]
fn what_an_owner_was_refused_is_not_judged_anew_when_it_is_handed_over_late() {
    let mut bench = Bench::new();
    let act = |bench: &mut Bench, number: u128, action: Action| {
        let id = CommandId(uuid::Uuid::from_u128(number));
        bench.hub.act(&mut bench.world.cx(), id, room().poll, action);
        bench.settle();
    };
    let set_open = |open| Action::SetStatus(Status { open });
    let vote = || Action::Vote(Vote { choices: vec![OptionId(1)] });
    act(&mut bench, 20, set_open(false));
    act(&mut bench, 21, vote());
    act(&mut bench, 22, set_open(true));
    act(&mut bench, 21, vote());
    let view = bench.hub.view(room().poll, SignallingView::Open);
    let rejected: Vec<u128> = view.rejected.iter().map(|command| command.id.0.as_u128()).collect();
    assert_eq!(rejected, [21]);
    assert_eq!(bench.poll().tally().counts, [0, 0]);
}

#[test]
fn polls_are_summed_up_newest_first() {
    let mut bench = Bench::new();
    let start = bench.world.now;
    let link = bench.member(&ann());
    bench.command(link, &vote(7, 0));
    bench.world.now = start.plus(1_000);
    let (id, poll) = (CommandId(uuid::Uuid::from_u128(20)), PollId(uuid::Uuid::from_u128(2)));
    let create = Action::Create(draft(Choice::Single, &["A", "B"]));
    bench.settle();
    bench.hub.act(&mut bench.world.cx(), id, poll, create);
    bench.settle();
    let summary = |poll, voters, at| Summary {
        room: RoomRef { owner: room().owner, poll },
        question: "Lunch?".to_owned(),
        open: true,
        voters,
        at,
    };
    let newest_first = [summary(poll, 0, start.plus(1_000)), summary(room().poll, 1, start)];
    assert_eq!(bench.hub.summaries(), newest_first);
}

#[test]
fn those_who_were_here_are_told_of_the_return() {
    let mut bench = Bench::new();
    let link = bench.member(&ann());
    bench.hub.announce(&mut bench.world.cx());
    assert_eq!(bench.world.take(), [], "she is connected");
    bench.event(link, LinkEvent::Closed);
    bench.world.take();
    bench.hub.announce(&mut bench.world.cx());
    let peers = vec![ann().public().peer_id()];
    assert_eq!(bench.world.take(), [Output::Signalling(SignallingCommand::Leave { peers })]);
}

#[test]
fn without_lasting_storage_no_poll_is_founded() {
    let mut world = World::new(1);
    let mut hub = Hub::new(&world.cx(), &mut Stored::default(), false);
    let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"]))).command;
    hub.act(&mut world.cx(), create.id, create.room.poll, create.action);
    assert!(world.take().iter().all(|output| !matches!(output, Output::Commit(_))));
    assert!(!hub.is_hosting());
    assert_eq!(hub.view(room().poll, SignallingView::Open).rejected.len(), 1);
}
