//! A signed wish to change a poll. What is signed is a fixed binary transcript, never JSON text.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::bytes::{Hash, Signature, Transcript, deserialize_uuid, sha256};
use super::identity::{KeyPair, PublicKey, RoomRef};
use super::poll::{Action, Choice};

/// Names a command for deduplication, for the life of its poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(#[serde(deserialize_with = "deserialize_uuid")] pub Uuid);

impl CommandId {
    /// A version 4 UUID out of 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl std::fmt::Display for CommandId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Who wants what, in which poll of whom. The signature covers all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub room: RoomRef,
    pub author: PublicKey,
    pub id: CommandId,
    pub action: Action,
}

impl Command {
    /// `"peerpoll/command/v1\0" ‖ pollId[16] ‖ pkO[32] ‖ pkAuthor[32] ‖ commandId[16] ‖ kind u16 ‖ lp32(fields)`.
    pub fn transcript(&self) -> Vec<u8> {
        Transcript::new("peerpoll/command/v1")
            .raw(self.room.poll.0.as_bytes())
            .raw(self.room.owner.as_bytes())
            .raw(self.author.as_bytes())
            .raw(self.id.0.as_bytes())
            .u16(kind(&self.action))
            .lp32(&fields(&self.action))
            .finish()
    }

    /// Signs with the author's key; `author` must be that key.
    pub fn sign(self, key: &KeyPair) -> SignedCommand {
        let signature = key.sign(&self.transcript());
        SignedCommand { command: self, signature }
    }
}

/// A command and its author's signature over [`Command::transcript`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedCommand {
    pub command: Command,
    pub signature: Signature,
}

impl SignedCommand {
    pub fn verify(&self) -> bool {
        self.command.author.verify(&self.command.transcript(), &self.signature)
    }

    /// `SHA-256(C ‖ sigC)`: what a receipt vouches for.
    pub fn hash(&self) -> Hash {
        sha256(&[&self.command.transcript(), &self.signature.0])
    }
}

/// The number of each kind of action in the transcript.
fn kind(action: &Action) -> u16 {
    match action {
        Action::Create(_) => 1,
        Action::Vote(_) => 2,
        Action::AddOption(_) => 3,
        Action::SetRole(_) => 4,
        Action::Profile(_) => 5,
        Action::SetStatus(_) => 6,
        Action::Edit(_) => 7,
    }
}

/// The fields in their declared order: text `lp32`, optional text a presence byte before it, lists a
/// `u16` count, booleans one byte.
fn fields(action: &Action) -> Vec<u8> {
    let t = Transcript::default();
    match action {
        Action::Create(draft) => {
            let t = optional(
                t.lp32(draft.question.as_str().as_bytes()),
                draft.description.as_ref().map(super::text::Text::as_str),
            )
            .u8(match draft.choice {
                Choice::Single => 1,
                Choice::Multiple => 2,
            });
            draft
                .options
                .iter()
                .fold(t.u16(count(draft.options.len())), |t, label| {
                    t.lp32(label.as_str().as_bytes())
                })
                .u8(draft.participants_add_options.into())
                .u8(draft.listed.into())
        }
        Action::Vote(vote) => {
            vote.choices.iter().fold(t.u16(count(vote.choices.len())), |t, id| t.u16(id.0))
        }
        Action::AddOption(option) => t.lp32(option.label.as_str().as_bytes()),
        Action::SetRole(update) => t.raw(update.peer.as_bytes()).u8(update.role.number()),
        Action::Profile(profile) => {
            optional(t, profile.name.as_ref().map(super::text::Text::as_str))
        }
        Action::SetStatus(status) => t.u8(status.open.into()),
        Action::Edit(edit) => optional(
            t.lp32(edit.question.as_str().as_bytes()),
            edit.description.as_ref().map(super::text::Text::as_str),
        )
        .u8(edit.participants_add_options.into())
        .u8(edit.listed.into()),
    }
    .finish()
}

fn optional(t: Transcript, text: Option<&str>) -> Transcript {
    match text {
        Some(text) => t.u8(1).lp32(text.as_bytes()),
        None => t.u8(0),
    }
}

fn count(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::identity::PollId;
    use crate::domain::poll::{OptionId, Role, RoleUpdate, Status, UserProfile, Vote};
    use proptest::prelude::*;

    pub fn room() -> RoomRef {
        RoomRef {
            owner: KeyPair::from_seed(&[1; 32]).public(),
            poll: PollId(Uuid::from_u128(0x51)),
        }
    }

    pub fn signed(seed: u8, id: u128, action: Action) -> SignedCommand {
        let key = KeyPair::from_seed(&[seed; 32]);
        Command { room: room(), author: key.public(), id: CommandId(Uuid::from_u128(id)), action }
            .sign(&key)
    }

    fn vote(ids: &[u16]) -> Action {
        Action::Vote(Vote { choices: ids.iter().copied().map(OptionId).collect() })
    }

    #[test]
    fn a_signature_binds_poll_owner_author_id_and_fields() {
        let original = signed(2, 9, vote(&[1]));
        assert!(original.verify());
        let other_owner = KeyPair::from_seed(&[4; 32]).public();
        let changes: [fn(&mut Command, PublicKey); 5] = [
            |c, _| c.room.poll = PollId(Uuid::from_u128(0x52)),
            |c, other| c.room.owner = other,
            |c, other| c.author = other,
            |c, _| c.id = CommandId(Uuid::from_u128(10)),
            |c, _| c.action = Action::Vote(Vote { choices: vec![OptionId(2)] }),
        ];
        for change in changes {
            let mut forged = original.clone();
            change(&mut forged.command, other_owner);
            assert!(!forged.verify());
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        let read = |text: &str| serde_json::from_str::<CommandId>(&format!("\"{text}\"")).ok();
        let text = "6f1c1b5e-8a53-4c0e-9d4f-2f7d0a4b3c21";
        assert_eq!(read(text).map(|id| id.to_string()).as_deref(), Some(text));
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
        ] {
            assert_eq!(read(&other), None, "{other}");
            assert!(serde_json::from_str::<PollId>(&format!("\"{other}\"")).is_err(), "{other}");
        }
    }

    #[test]
    fn different_actions_never_share_bytes() {
        let actions = [
            vote(&[]),
            vote(&[0]),
            Action::Profile(UserProfile { name: None }),
            Action::SetStatus(Status { open: false }),
            Action::SetStatus(Status { open: true }),
            Action::SetRole(RoleUpdate { peer: room().owner, role: Role::Voter }),
        ];
        let mut bytes: Vec<Vec<u8>> =
            actions.into_iter().map(|a| signed(2, 1, a).command.transcript()).collect();
        bytes.sort();
        bytes.dedup();
        assert_eq!(bytes.len(), 6);
    }

    proptest! {
        #[test]
        fn json_round_trips_and_keeps_the_signature(ids in proptest::collection::vec(0u16..50, 0..50), id: u128) {
            let original = signed(3, id, vote(&ids));
            let json = serde_json::to_string(&original).expect("serialises");
            let read: SignedCommand = serde_json::from_str(&json).expect("parses");
            prop_assert!(read.verify());
            prop_assert_eq!(read, original);
        }
    }
}
