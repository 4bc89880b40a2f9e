//! `docs/vectors.json` is what this code computes: whoever writes another client can check against it.
//!
//! After a deliberate change of the protocol: `PEERPOLL_WRITE_VECTORS=1 cargo test --test vectors`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test")]

use std::path::Path;

use peerpoll::domain::Timestamp;
use peerpoll::domain::bytes::{Bytes, base64url, sha256};
use peerpoll::domain::command::{Command, CommandId, SignedCommand};
use peerpoll::domain::identity::{KeyPair, PollId, RoomRef};
use peerpoll::domain::log::{Head, Log, Record, Verdict};
use peerpoll::domain::poll::{Action, Choice, Draft, OptionId, Vote};
use peerpoll::domain::text::Text;
use peerpoll::protocol::handshake::{Binding, OwnerHandshake, ParticipantHandshake};
use peerpoll::protocol::message::Message;
use serde_json::{Value, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::clean(text).expect("clean")
}

fn parsed(message: &Message) -> Value {
    serde_json::from_str(&message.to_json()).expect("JSON")
}

fn command(signed: &SignedCommand) -> Value {
    let bytes = signed.command.transcript();
    json!({
        "commandId": signed.command.id,
        "transcriptHex": hex(&bytes),
        "transcriptSha256": base64url(&sha256(&[&bytes]).0),
        "signature": signed.signature,
        "commandHash": signed.hash(),
    })
}

fn vectors() -> Value {
    let owner = KeyPair::from_seed(&[1; 32]);
    let participant = KeyPair::from_seed(&[2; 32]);
    let poll = PollId("6f1c1b5e-8a53-4c0e-9d4f-2f7d0a4b3c21".parse().expect("a UUID"));
    let room = RoomRef { owner: owner.public(), poll };

    let (id_participant, id_owner) = (participant.public().peer_id(), owner.public().peer_id());
    let binding = Binding {
        fingerprint_participant: [5; 32],
        fingerprint_owner: [6; 32],
        id_participant: &id_participant,
        id_owner: &id_owner,
    };
    let (handshake, hello) = ParticipantHandshake::start(Bytes([11; 32]));
    let (answer, proof) =
        OwnerHandshake::prove(&hello, Bytes([22; 32]), &binding, &owner).expect("version 1");
    let participant_proof = handshake.prove(&proof, &binding, room, &participant).expect("honest");
    assert!(answer.verify(&participant_proof, &binding, &owner).is_ok());

    let create = Command {
        room,
        author: owner.public(),
        id: CommandId::from_random([3; 16]),
        action: Action::Create(Draft {
            question: text("Where do we eat?"),
            description: None,
            choice: Choice::Single,
            options: vec![text("Pizza"), text("Soupe à l'oignon")],
            participants_add_options: false,
            listed: true,
        }),
    }
    .sign(&owner);
    let vote = Command {
        room,
        author: participant.public(),
        id: CommandId::from_random([4; 16]),
        action: Action::Vote(Vote { choices: vec![OptionId(1)] }),
    }
    .sign(&participant);

    let (mut log, first) =
        Log::found(create.clone(), Timestamp(1_700_000_000_000), &owner).expect("valid");
    let mut staging = log.stage();
    let verdict = staging.judge(&log, &vote, Timestamp(1_700_000_001_000), &owner);
    let Verdict::Accept(second) = verdict else { panic!("{verdict:?}") };
    log.commit(staging);
    let head = Head::issue(log.poll(), Timestamp(1_700_000_002_000), &owner);
    let entry = |record: &Record| {
        json!({
            "revision": record.entry.revision,
            "previous": record.entry.previous,
            "timeMs": record.entry.time_ms,
            "hash": record.hash,
            "receipt": record.receipt,
        })
    };

    json!({
        "ids": {
            "ownerSeedHex": hex(&[1; 32]),
            "ownerPublicKeyHex": hex(owner.public().as_bytes()),
            "ownerPeerId": id_owner,
            "participantSeedHex": hex(&[2; 32]),
            "participantPublicKeyHex": hex(participant.public().as_bytes()),
            "participantPeerId": id_participant,
            "pollId": poll,
            "linkFragment": room.to_fragment(),
        },
        "handshake": {
            "fingerprintParticipantHex": hex(&[5; 32]),
            "fingerprintOwnerHex": hex(&[6; 32]),
            "messages": [
                parsed(&Message::Hello(hello)),
                parsed(&Message::OwnerProof(proof)),
                parsed(&Message::ParticipantProof(participant_proof)),
            ],
        },
        "creation": { "command": command(&create), "action": create.command.action, "entry": entry(&first) },
        "vote": {
            "command": command(&vote),
            "message": parsed(&Message::command(&vote).expect("travels")),
            "entry": entry(&second),
            "ack": parsed(&Message::ack(second.receipt.clone())),
            "increment": parsed(&Message::increment(&second).expect("travels")),
        },
        "head": head,
        "state": parsed(&Message::State(Box::new(log.poll().clone()))),
    })
}

#[test]
fn the_published_vectors_are_what_this_code_computes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/vectors.json");
    let computed = vectors();
    if std::env::var_os("PEERPOLL_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&computed).expect("JSON") + "\n";
        std::fs::write(&path, text).expect("docs/ is writable");
    }
    let published = std::fs::read_to_string(&path).expect("docs/vectors.json");
    let published: Value = serde_json::from_str(&published).expect("JSON");
    assert_eq!(published, computed);
}
