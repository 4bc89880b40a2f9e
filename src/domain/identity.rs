//! Who somebody is: an Ed25519 key, the peer id derived from it, and links that name both.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::bytes::{Bytes, Signature, Transcript, base32, deserialize_uuid, parse_base32, sha256};

/// Characters of a peer id.
pub const PEER_ID_CHARS: usize = 56;
/// Characters of the poll's part of a link.
pub const POLL_REF_CHARS: usize = 32;
const PEER_ID_VERSION: u8 = 1;

/// The private half. Never shown, logged or sent; [`KeyPair::seed`] is for storage alone.
pub struct KeyPair {
    signing: SigningKey,
    public: PublicKey,
}

impl KeyPair {
    /// Derives the pair from 32 secret random bytes (RFC 8032 seed).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let public = PublicKey(signing.verifying_key().to_bytes());
        Self { signing, public }
    }

    /// The 32 secret bytes, for the identity store of this device.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes())
    }

    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub fn sign(&self, message: &[u8]) -> Signature {
        let signature = Bytes(self.signing.sign(message).to_bytes());
        remembered::verdict([&self.public.0, &signature.0, message], || true);
        signature
    }

    /// Guards this key's peer id at the signalling server: stable, secret, and no help in
    /// finding the key.
    pub fn signalling_token(&self) -> Zeroizing<String> {
        let digest = sha256(&[b"peerpoll/signalling-token/v1\0", self.signing.as_bytes()]);
        Zeroizing::new(base32(&digest.0[..20]))
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public)
    }
}

/// The encoding of a public key. Its text form is the peer id.
///
/// Whether it is a point, and a strong one, is found out where it matters: [`PublicKey::from_bytes`] for a key that
/// somebody presents, [`RoomRef::parse`] for one in a link, and [`PublicKey::verify`] always. A key that is only
/// mentioned, as in a state with hundreds of votes, is not decompressed: a bad one is nobody's and can sign nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Refuses encodings that are no point, and points of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        (!key.is_weak()).then_some(Self(*bytes))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Strict Ed25519 verification (no cofactor, no weak keys, canonical `s`).
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        remembered::verdict([&self.0, &signature.0, message], || {
            let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
            VerifyingKey::from_bytes(&self.0)
                .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
        })
    }

    /// `base32lower(pk ‖ SHA-256("peerpoll/peer-id/v1\0" ‖ pk ‖ 0x01)[0..2] ‖ 0x01)`, 56 characters.
    /// The shape of Tor's onion addresses v3.
    pub fn peer_id(&self) -> String {
        let mut bytes = [0; 35];
        bytes[..32].copy_from_slice(self.as_bytes());
        bytes[32..34].copy_from_slice(&check_bytes(self.as_bytes()));
        bytes[34] = PEER_ID_VERSION;
        base32(&bytes)
    }

    /// Reads a peer id back into its key, whose point is not looked at.
    pub fn from_peer_id(text: &str) -> Result<Self, LinkError> {
        if text.len() != PEER_ID_CHARS {
            return Err(LinkError::PeerIdLength(text.chars().count()));
        }
        let bytes = parse_base32(text).ok_or(LinkError::PeerIdCharacters)?;
        let (key, tail) = bytes.split_first_chunk::<32>().ok_or(LinkError::PeerIdCharacters)?;
        let [check_a, check_b, version] = tail else { return Err(LinkError::PeerIdCharacters) };
        if [*check_a, *check_b] != check_bytes(key) {
            return Err(LinkError::PeerIdMistyped);
        }
        if *version != PEER_ID_VERSION {
            return Err(LinkError::PeerIdVersion(*version));
        }
        Ok(Self(*key))
    }

    /// Whether `id` is this key's peer id, or that id with a `-suffix` used beside a ghost.
    pub fn owns_signalling_id(&self, id: &str) -> bool {
        peer_id_in(id) == self.peer_id()
    }
}

/// The peer id of whoever goes by `id` at the signalling server: all before the suffix, if there is one.
pub fn peer_id_in(id: &str) -> &str {
    id.split_once('-').map_or(id, |(peer_id, _)| peer_id)
}

/// Nobody could prove to be the owner under a key that is no strong point: better said before dialling.
fn owner_in_link(peer_id: &str) -> Result<PublicKey, LinkError> {
    let key = PublicKey::from_peer_id(peer_id)?;
    PublicKey::from_bytes(key.as_bytes()).ok_or(LinkError::PeerIdMistyped)
}

/// A simulated room lives in one process, where everybody checks the same signatures: each is checked once, and one
/// that was made here holds.
#[cfg(feature = "simulation")]
mod remembered {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use crate::domain::bytes::sha256;

    const REMEMBERED_MAX: usize = 1_000;

    thread_local! {
        static VERDICTS: RefCell<BTreeMap<[u8; 32], bool>> = const { RefCell::new(BTreeMap::new()) };
    }

    pub fn verdict(parts: [&[u8]; 3], decide: impl FnOnce() -> bool) -> bool {
        VERDICTS.with_borrow_mut(|verdicts| {
            if verdicts.len() >= REMEMBERED_MAX {
                verdicts.clear();
            }
            *verdicts.entry(sha256(&parts).0).or_insert_with(decide)
        })
    }
}

#[cfg(not(feature = "simulation"))]
mod remembered {
    pub fn verdict(_: [&[u8]; 3], decide: impl FnOnce() -> bool) -> bool {
        decide()
    }
}

fn check_bytes(key: &[u8; 32]) -> [u8; 2] {
    let digest = sha256(&[b"peerpoll/peer-id/v1\0", key, &[PEER_ID_VERSION]]);
    [digest.0[0], digest.0[1]]
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.peer_id())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_peer_id(&text).map_err(D::Error::custom)
    }
}

/// A poll's random id, and the right to join it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PollId(#[serde(deserialize_with = "deserialize_uuid")] pub Uuid);

impl PollId {
    /// No poll: who asks for this only wants the list of listed polls.
    pub const LOBBY: Self = Self(Uuid::nil());
}

impl fmt::Display for PollId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One poll of one owner, or the owner's lobby.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RoomRef {
    pub owner: PublicKey,
    pub poll: PollId,
}

impl RoomRef {
    pub fn lobby(owner: PublicKey) -> Self {
        Self { owner, poll: PollId::LOBBY }
    }

    pub fn is_lobby(&self) -> bool {
        self.poll == PollId::LOBBY
    }

    /// The fragment of a link, without `#`: `ownerPeerId/pollRef`, or the peer id alone.
    pub fn to_fragment(&self) -> String {
        if self.is_lobby() {
            return self.owner.peer_id();
        }
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(self.poll.0.as_bytes());
        bytes[16..].copy_from_slice(&self.poll_check());
        format!("{}/{}", self.owner, base32(&bytes))
    }

    /// `SHA-256("peerpoll/poll-ref/v1\0" ‖ pkO ‖ pollId)[0..4]`: a mistyped half is noticed, and so is a
    /// poll id pasted behind another owner's peer id.
    fn poll_check(&self) -> [u8; 4] {
        let transcript = Transcript::new("peerpoll/poll-ref/v1")
            .raw(self.owner.as_bytes())
            .raw(self.poll.0.as_bytes())
            .finish();
        let digest = sha256(&[&transcript]);
        [digest.0[0], digest.0[1], digest.0[2], digest.0[3]]
    }

    /// Reads what a person pasted: a whole link, its fragment, or a bare peer id.
    pub fn parse(input: &str) -> Result<Self, LinkError> {
        let input = input.trim();
        let fragment = input.rsplit_once('#').map_or(input, |(_, fragment)| fragment);
        if fragment.is_empty() {
            return Err(LinkError::Empty);
        }
        if input.contains("://") && !input.contains('#') {
            return Err(LinkError::NoFragment);
        }
        let Some((owner, poll)) = fragment.split_once('/') else {
            return owner_in_link(fragment).map(Self::lobby);
        };
        let owner = owner_in_link(owner)?;
        if poll.len() != POLL_REF_CHARS {
            return Err(LinkError::PollLength(poll.chars().count()));
        }
        let bytes = parse_base32(poll).ok_or(LinkError::PollCharacters)?;
        let (id, check) = bytes.split_first_chunk::<16>().ok_or(LinkError::PollCharacters)?;
        let room = Self { owner, poll: PollId(Uuid::from_bytes(*id)) };
        if room.is_lobby() || room.poll_check() != check {
            return Err(LinkError::PollMistyped);
        }
        Ok(room)
    }
}

/// What is wrong with a link; the text is shown to the person who pasted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    Empty,
    NoFragment,
    PeerIdLength(usize),
    PeerIdCharacters,
    PeerIdMistyped,
    PeerIdVersion(u8),
    PollLength(usize),
    PollCharacters,
    PollMistyped,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("There is no poll in this link: the part after # is missing."),
            Self::NoFragment => {
                f.write_str("This address has no # part. A poll link has one; copy the whole link again.")
            }
            Self::PeerIdLength(found) => write!(
                f,
                "The owner's peer id has {PEER_ID_CHARS} characters; this one has {found}. The link was shortened or extended on its way."
            ),
            Self::PeerIdCharacters => {
                f.write_str("The owner's peer id holds a character that no peer id has (only a to z and 2 to 7).")
            }
            Self::PeerIdMistyped => f.write_str("The owner's peer id has a typing mistake in it."),
            Self::PeerIdVersion(version) => {
                write!(f, "This link is of version {version}, which this page does not know yet.")
            }
            Self::PollLength(found) => write!(
                f,
                "The poll's part of a link has {POLL_REF_CHARS} characters; this one has {found}. The link was shortened or extended on its way."
            ),
            Self::PollCharacters => {
                f.write_str("The poll's part of the link holds a character that it can't have (only a to z and 2 to 7).")
            }
            Self::PollMistyped => {
                f.write_str("The poll's part of the link has a typing mistake, or belongs to another owner.")
            }
        }
    }
}

impl std::error::Error for LinkError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> KeyPair {
        KeyPair::from_seed(&[byte; 32])
    }

    fn room() -> RoomRef {
        RoomRef { owner: key(1).public(), poll: PollId(Uuid::from_u128(7)) }
    }

    #[test]
    fn peer_id_is_deterministic_and_round_trips() {
        let id = key(1).public().peer_id();
        assert_eq!(id, "rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5olgbib");
        assert_eq!(PublicKey::from_peer_id(&id), Ok(key(1).public()));
    }

    #[test]
    fn every_single_character_change_of_a_link_is_noticed() {
        let link = room().to_fragment();
        for at in 0..link.len() {
            for other in "abcdefghijklmnopqrstuvwxyz234567/".chars() {
                let mut changed: Vec<char> = link.chars().collect();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                // Two check bytes let one typing mistake in 65,536 pass in a peer id; none does here.
                assert!(RoomRef::parse(&changed).is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn links_are_read_in_every_shape_people_paste() {
        let fragment = room().to_fragment();
        for text in [
            format!("https://example.org/sub/poll#{fragment}"),
            format!("  #{fragment}\n"),
            fragment.clone(),
        ] {
            assert_eq!(RoomRef::parse(&text), Ok(room()));
        }
        assert_eq!(RoomRef::parse(&room().owner.peer_id()), Ok(RoomRef::lobby(room().owner)));
    }

    #[test]
    fn broken_links_say_what_is_wrong() {
        let fragment = room().to_fragment();
        assert_eq!(RoomRef::parse(""), Err(LinkError::Empty));
        assert_eq!(RoomRef::parse("https://example.org/poll#"), Err(LinkError::Empty));
        assert_eq!(RoomRef::parse("https://example.org/poll"), Err(LinkError::NoFragment));
        assert_eq!(RoomRef::parse(&fragment[..40]), Err(LinkError::PeerIdLength(40)));
        assert_eq!(RoomRef::parse(&fragment[..70]), Err(LinkError::PollLength(13)));
        assert_eq!(RoomRef::parse(&fragment.to_uppercase()), Err(LinkError::PeerIdCharacters));
        let other = RoomRef { owner: key(2).public(), ..room() };
        let mixed = format!("{}/{}", other.owner, &fragment[PEER_ID_CHARS + 1..]);
        assert_eq!(RoomRef::parse(&mixed), Err(LinkError::PollMistyped));
    }

    #[test]
    fn every_mistake_in_a_link_has_its_words() {
        let words = [
            (LinkError::Empty, "There is no poll in this link: the part after # is missing."),
            (
                LinkError::NoFragment,
                "This address has no # part. A poll link has one; copy the whole link again.",
            ),
            (
                LinkError::PeerIdLength(40),
                "The owner's peer id has 56 characters; this one has 40. The link was shortened or extended on its way.",
            ),
            (
                LinkError::PeerIdCharacters,
                "The owner's peer id holds a character that no peer id has (only a to z and 2 to 7).",
            ),
            (LinkError::PeerIdMistyped, "The owner's peer id has a typing mistake in it."),
            (
                LinkError::PeerIdVersion(2),
                "This link is of version 2, which this page does not know yet.",
            ),
            (
                LinkError::PollLength(13),
                "The poll's part of a link has 32 characters; this one has 13. The link was shortened or extended on its way.",
            ),
            (
                LinkError::PollCharacters,
                "The poll's part of the link holds a character that it can't have (only a to z and 2 to 7).",
            ),
            (
                LinkError::PollMistyped,
                "The poll's part of the link has a typing mistake, or belongs to another owner.",
            ),
        ];
        for (error, expected) in words {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_seed_makes_the_same_key_again() {
        assert_eq!(*key(7).seed(), [7; 32]);
        assert_eq!(KeyPair::from_seed(&key(7).seed()).public(), key(7).public());
    }

    #[test]
    fn a_key_pair_shows_its_public_half_alone() {
        assert_eq!(format!("{:?}", key(1)), format!("KeyPair({})", key(1).public()));
    }

    #[test]
    fn a_token_is_stable_and_differs_per_key() {
        assert_eq!(*key(1).signalling_token(), *key(1).signalling_token());
        assert_ne!(*key(1).signalling_token(), *key(2).signalling_token());
        assert!(!format!("{:?}", key(1)).contains(&*key(1).signalling_token()));
    }

    #[test]
    fn weak_keys_are_refused() {
        assert!(PublicKey::from_bytes(&[0; 32]).is_none());
        let mut identity_point = [0; 32];
        identity_point[0] = 1;
        assert!(PublicKey::from_bytes(&identity_point).is_none());
    }

    #[test]
    fn a_ghost_suffix_still_belongs_to_the_key() {
        let id = key(1).public().peer_id();
        assert!(key(1).public().owns_signalling_id(&id));
        assert!(key(1).public().owns_signalling_id(&format!("{id}-k3j2")));
        assert!(!key(1).public().owns_signalling_id(&format!("{id}x")));
        assert!(!key(2).public().owns_signalling_id(&id));
    }
}
