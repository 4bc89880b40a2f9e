//! An owner, a participant, and whoever sits between them and may do anything: deliver, drop, change, repeat and invent
//! frames, over connections with honest or foreign certificates. Nobody panics, and nobody is ever taken for somebody
//! who did not prove it on this very connection.

#![no_main]

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use peerpoll::domain::Timestamp;
use peerpoll::domain::bytes::{Bytes, Nonce};
use peerpoll::domain::command::{Command, CommandId};
use peerpoll::domain::log::Log;
use peerpoll::domain::poll::Action;
use peerpoll::protocol::effect::{Descriptions, LinkEvent, LinkId, Output, SignallingEvent};
use peerpoll::protocol::handshake::{Binding, ParticipantHandshake};
use peerpoll::protocol::message::{
    FRAME_BYTES_MAX, Hello, Message, OwnerProof, ParticipantProof, parse_frame,
};
use peerpoll::protocol::node::{Input, Node};
use peerpoll::protocol::storage::Row;
use peerpoll_fuzz::{draft, key, room};
use uuid::Uuid;

const OWNER: u8 = 0;
const PARTICIPANT: u8 = 1;
const MALLORY: u8 = 2;
const START: Timestamp = Timestamp(1_700_000_000_000);
/// Certificates, by their fingerprint's only byte.
const CERTIFICATE_OWNER: u8 = 6;
const CERTIFICATE_PARTICIPANT: u8 = 5;
const CERTIFICATE_MALLORY: u8 = 9;

#[derive(Arbitrary, Debug)]
enum Step {
    /// A connection to the owner by somebody under this id.
    Accept {
        terminated: bool,
        remote: Remote,
    },
    /// What the participant dialled opens.
    Answer {
        terminated: bool,
    },
    ToOwner {
        link: u8,
        frame: Frame,
    },
    ToParticipant(Frame),
    CloseAccepted(u8),
    CloseDialled,
    Wait,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Remote {
    Participant,
    ParticipantBesideAGhost,
    Mallory,
}

#[derive(Arbitrary, Debug)]
enum Frame {
    /// The oldest frame of the other end that is still under way.
    Next,
    /// Any frame that anybody ever sent.
    Again(u8),
    Changed {
        frame: u8,
        at: u16,
        byte: u8,
    },
    Text(String),
    Hello {
        version: bool,
        nonce: NonceChoice,
    },
    OwnerProof {
        nonce: NonceChoice,
        key: u8,
        signature: u8,
    },
    ParticipantProof {
        key: u8,
        lobby: bool,
        signature: u8,
    },
    /// A valid proof by Mallory, of being Mallory.
    MalloryProves,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum NonceChoice {
    /// Of the participant's newest hello.
    Participant,
    Byte(u8),
}

/// What the owner said on a connection, and what it stands for.
#[derive(Clone, Debug)]
struct OwnerWord {
    proof: OwnerProof,
    hello: Nonce,
    certificate_remote: u8,
    remote: String,
}

/// A proof that its maker really made, and on which connection.
#[derive(Debug)]
struct Genuine {
    proof: ParticipantProof,
    answers: OwnerProof,
    certificate: u8,
    certificate_remote: u8,
}

#[derive(Debug)]
struct Accepted {
    certificate_remote: u8,
    remote: String,
    word: Option<OwnerProof>,
    member: bool,
}

#[derive(Debug)]
struct Dialled {
    link: LinkId,
    certificate_remote: Option<u8>,
    hello: Option<Nonce>,
    proved: bool,
}

struct World {
    now: Timestamp,
    owner: Node,
    participant: Node,
    accepted: Vec<Accepted>,
    dialled: Option<Dialled>,
    to_owner: VecDeque<Arc<str>>,
    to_participant: VecDeque<Arc<str>>,
    frames: Vec<Arc<str>>,
    words: Vec<OwnerWord>,
    genuine: Vec<Genuine>,
}

static STORED: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let create = Command {
        room: room(),
        author: key(OWNER).public(),
        id: CommandId(Uuid::from_u128(1)),
        action: Action::Create(draft()),
    };
    let (_, record) = Log::found(create.sign(&key(OWNER)), START, &key(OWNER)).expect("valid");
    vec![Row::record(&record)]
});

fn sdp(certificate: u8) -> String {
    format!("a=fingerprint:sha-256 {}", vec![format!("{certificate:02x}"); 32].join(":"))
}

fn opened(remote: String, local: u8, other: u8) -> LinkEvent {
    LinkEvent::Opened {
        remote,
        descriptions: Descriptions {
            local_sdp: sdp(local),
            remote_sdp: sdp(other),
            remote_certificates: None,
        },
    }
}

fn messages(frame: &str) -> Vec<Message> {
    parse_frame(frame, FRAME_BYTES_MAX).unwrap_or_default()
}

fn seen(honest: u8, terminated: bool) -> u8 {
    if terminated { CERTIFICATE_MALLORY } else { honest }
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            now: START,
            owner: Node::new(key(OWNER), [7; 32]),
            participant: Node::new(key(PARTICIPANT), [8; 32]),
            accepted: Vec::new(),
            dialled: None,
            to_owner: VecDeque::new(),
            to_participant: VecDeque::new(),
            frames: Vec::new(),
            words: Vec::new(),
            genuine: Vec::new(),
        };
        let lead = |rows| Input::Lead { epoch: 1, rows, durable: true };
        world.owner(lead(STORED.clone()), &[]);
        world.owner(Input::Signalling(SignallingEvent::Opened), &[]);
        world.participant(lead(Vec::new()), &[]);
        world.participant(Input::Watch(Some(room())), &[]);
        world.participant(Input::Signalling(SignallingEvent::Opened), &[]);
        assert!(world.dialled.is_some());
        world
    }

    fn owner(&mut self, input: Input, delivered: &[Message]) {
        for output in self.owner.handle(self.now, input) {
            match output {
                Output::Commit(batch) => self.owner(Input::Committed(batch.id), &[]),
                Output::Send { link: LinkId::Accepted(link), frame } => {
                    for message in messages(&frame) {
                        self.owner_says(usize::try_from(link).expect("few"), &message, delivered);
                    }
                    self.frames.push(frame.clone());
                    self.to_participant.push_back(frame);
                }
                Output::Send { .. } | Output::Dial { .. } => panic!("it only accepts"),
                Output::Signalling(_)
                | Output::CloseLink { .. }
                | Output::Shun { .. }
                | Output::Broadcast(_)
                | Output::Changed
                | Output::StepDown => {}
            }
        }
    }

    fn owner_says(&mut self, link: usize, message: &Message, delivered: &[Message]) {
        let accepted = &mut self.accepted[link];
        match message {
            Message::OwnerProof(proof) => {
                let hello = delivered.iter().find_map(|message| match message {
                    Message::Hello(hello) => Some(hello.nonce),
                    _ => None,
                });
                accepted.word = Some(proof.clone());
                self.words.push(OwnerWord {
                    proof: proof.clone(),
                    hello: hello.expect("it answers a hello"),
                    certificate_remote: accepted.certificate_remote,
                    remote: accepted.remote.clone(),
                });
            }
            Message::Welcome(_) => {
                let proved = self.genuine.iter().any(|genuine| {
                    delivered.contains(&Message::ParticipantProof(genuine.proof.clone()))
                        && Some(&genuine.answers) == accepted.word.as_ref()
                        && genuine.certificate == accepted.certificate_remote
                        && genuine.certificate_remote == CERTIFICATE_OWNER
                });
                assert!(proved, "welcomed without a proof made for this connection");
                accepted.member = true;
            }
            Message::Error(_) => {}
            other => assert!(accepted.member, "told before authentication: {other:?}"),
        }
    }

    fn participant(&mut self, input: Input, delivered: &[Message]) {
        for output in self.participant.handle(self.now, input) {
            match output {
                Output::Commit(batch) => self.participant(Input::Committed(batch.id), &[]),
                Output::Dial { link, remote } => {
                    assert_eq!(remote, key(OWNER).public().peer_id());
                    self.dialled = Some(Dialled {
                        link,
                        certificate_remote: None,
                        hello: None,
                        proved: false,
                    });
                }
                Output::Send { link, frame } => {
                    for message in messages(&frame) {
                        self.participant_says(link, &message, delivered);
                    }
                    self.frames.push(frame.clone());
                    self.to_owner.push_back(frame);
                }
                Output::Signalling(_)
                | Output::CloseLink { .. }
                | Output::Shun { .. }
                | Output::Broadcast(_)
                | Output::Changed
                | Output::StepDown => {}
            }
        }
        if self.participant.confirmed(room()).is_some() {
            assert!(
                !self.genuine.is_empty(),
                "took a state from whoever never proved to be the owner"
            );
        }
    }

    fn participant_says(&mut self, link: LinkId, message: &Message, delivered: &[Message]) {
        let dialled = self.dialled.as_mut().expect("it dialled");
        assert_eq!(dialled.link, link);
        match message {
            Message::Hello(hello) => dialled.hello = Some(hello.nonce),
            Message::ParticipantProof(proof) => {
                let word = self.words.iter().find(|word| {
                    delivered.contains(&Message::OwnerProof(word.proof.clone()))
                        && Some(word.hello) == dialled.hello
                        && word.certificate_remote == CERTIFICATE_PARTICIPANT
                        && dialled.certificate_remote == Some(CERTIFICATE_OWNER)
                        && word.remote == key(PARTICIPANT).public().peer_id()
                });
                let word = word.expect("proved itself to somebody who is not the owner");
                dialled.proved = true;
                self.genuine.push(Genuine {
                    proof: proof.clone(),
                    answers: word.proof.clone(),
                    certificate: CERTIFICATE_PARTICIPANT,
                    certificate_remote: CERTIFICATE_OWNER,
                });
            }
            other => assert!(dialled.proved, "said before the owner proved itself: {other:?}"),
        }
    }

    fn nonce(&self, choice: NonceChoice) -> Nonce {
        let of_participant = self.dialled.as_ref().and_then(|dialled| dialled.hello);
        match choice {
            NonceChoice::Participant => of_participant.unwrap_or(Bytes([0; 32])),
            NonceChoice::Byte(byte) => Bytes([byte; 32]),
        }
    }

    fn any_frame(&self, number: u8) -> Option<Arc<str>> {
        self.frames.get(usize::from(number) % self.frames.len().max(1)).cloned()
    }

    /// What goes over a connection; `to` is an accepted one where it goes to the owner.
    fn frame(&mut self, frame: Frame, to: Option<usize>) -> Option<String> {
        let message = match frame {
            Frame::Next => {
                let queue =
                    if to.is_some() { &mut self.to_owner } else { &mut self.to_participant };
                return queue.pop_front().map(|frame| frame.to_string());
            }
            Frame::Again(number) => return self.any_frame(number).map(|frame| frame.to_string()),
            Frame::Changed { frame, at, byte } => {
                let mut bytes = self.any_frame(frame)?.as_bytes().to_vec();
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
                return String::from_utf8(bytes).ok();
            }
            Frame::Text(text) => return Some(text),
            Frame::Hello { version, nonce } => {
                Message::Hello(Hello { version: u32::from(version), nonce: self.nonce(nonce) })
            }
            Frame::OwnerProof { nonce, key: number, signature } => {
                Message::OwnerProof(OwnerProof {
                    nonce: self.nonce(nonce),
                    public_key: Bytes(*key(number % 3).public().as_bytes()),
                    signature: Bytes([signature; 64]),
                })
            }
            Frame::ParticipantProof { key: number, lobby, signature } => {
                let room = room();
                Message::ParticipantProof(ParticipantProof {
                    public_key: Bytes(*key(number % 3).public().as_bytes()),
                    poll_id: if lobby {
                        peerpoll::domain::identity::PollId::LOBBY
                    } else {
                        room.poll
                    },
                    signature: Bytes([signature; 64]),
                })
            }
            Frame::MalloryProves => Message::ParticipantProof(self.mallory_proves(to?)?),
        };
        Some(message.to_json())
    }

    fn mallory_proves(&mut self, link: usize) -> Option<ParticipantProof> {
        let accepted = &self.accepted[link];
        let answers = accepted.word.clone()?;
        let hello = self.words.iter().find(|word| word.proof == answers)?.hello;
        let binding = Binding {
            fingerprint_participant: [CERTIFICATE_MALLORY; 32],
            fingerprint_owner: [CERTIFICATE_OWNER; 32],
            id_participant: &key(MALLORY).public().peer_id(),
            id_owner: &key(OWNER).public().peer_id(),
        };
        let (handshake, _) = ParticipantHandshake::start(hello);
        let proof = handshake.prove(&answers, &binding, room(), &key(MALLORY)).ok()?;
        self.genuine.push(Genuine {
            proof: proof.clone(),
            answers,
            certificate: CERTIFICATE_MALLORY,
            certificate_remote: CERTIFICATE_OWNER,
        });
        Some(proof)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Accept { terminated, remote } => {
                let participant = key(PARTICIPANT).public().peer_id();
                let remote = match remote {
                    Remote::Participant => participant,
                    Remote::ParticipantBesideAGhost => participant + "-abc",
                    Remote::Mallory => key(MALLORY).public().peer_id(),
                };
                let link = LinkId::Accepted(self.accepted.len() as u64);
                let certificate_remote = seen(CERTIFICATE_PARTICIPANT, terminated);
                let event = opened(remote.clone(), CERTIFICATE_OWNER, certificate_remote);
                self.accepted.push(Accepted {
                    certificate_remote,
                    remote,
                    word: None,
                    member: false,
                });
                self.owner(Input::Link(link, event), &[]);
            }
            Step::Answer { terminated } => {
                let Some(dialled) = &mut self.dialled else { return };
                let certificate = seen(CERTIFICATE_OWNER, terminated);
                dialled.certificate_remote.get_or_insert(certificate);
                let link = dialled.link;
                let event =
                    opened(key(OWNER).public().peer_id(), CERTIFICATE_PARTICIPANT, certificate);
                self.participant(Input::Link(link, event), &[]);
            }
            Step::ToOwner { link, frame } => {
                if self.accepted.is_empty() {
                    return;
                }
                let link = usize::from(link) % self.accepted.len();
                if let Some(text) = self.frame(frame, Some(link)) {
                    let delivered = messages(&text);
                    let event = LinkEvent::Frame(text);
                    self.owner(Input::Link(LinkId::Accepted(link as u64), event), &delivered);
                }
            }
            Step::ToParticipant(frame) => {
                let Some(link) = self.dialled.as_ref().map(|dialled| dialled.link) else { return };
                if let Some(text) = self.frame(frame, None) {
                    let delivered = messages(&text);
                    self.participant(Input::Link(link, LinkEvent::Frame(text)), &delivered);
                }
            }
            Step::CloseAccepted(link) => {
                let link = LinkId::Accepted(u64::from(link) % self.accepted.len().max(1) as u64);
                self.owner(Input::Link(link, LinkEvent::Closed), &[]);
            }
            Step::CloseDialled => {
                if let Some(Dialled { link, .. }) = self.dialled {
                    self.participant(Input::Link(link, LinkEvent::Closed), &[]);
                }
            }
            Step::Wait => {
                let due = [self.owner.poll_timeout(), self.participant.poll_timeout()];
                self.now = due.into_iter().flatten().min().unwrap_or(self.now).max(self.now);
                self.owner(Input::Tick, &[]);
                self.participant(Input::Tick, &[]);
            }
        }
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut world = World::new();
    for step in steps {
        world.step(step);
    }
});
