//! Whatever people paste: what is accepted has exactly one spelling.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use peerpoll::domain::bytes::{Hash, Signature};
use peerpoll::domain::identity::{PollId, PublicKey, RoomRef};
use uuid::Uuid;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Pasted(&'a str),
    /// A link to a key that may be none, under a path, with one byte of its text changed.
    Made {
        key: [u8; 32],
        poll: u128,
        before: &'a str,
        change: Option<(u8, u8)>,
    },
}

fn check(pasted: &str) {
    let fragment = pasted.trim().rsplit_once('#').map_or(pasted.trim(), |(_, fragment)| fragment);
    if let Ok(room) = RoomRef::parse(pasted) {
        assert_eq!(room.to_fragment(), fragment);
        assert_eq!(RoomRef::parse(&room.to_fragment()), Ok(room));
    }
    if let Ok(key) = PublicKey::from_peer_id(fragment) {
        assert_eq!(key.peer_id(), fragment);
        assert_eq!(PublicKey::from_bytes(key.as_bytes()), Some(key));
        assert!(key.owns_signalling_id(fragment));
    }
    if let Some(hash) = Hash::parse(fragment) {
        assert_eq!(hash.to_string(), fragment);
    }
    if let Some(signature) = Signature::parse(fragment) {
        assert_eq!(signature.to_string(), fragment);
    }
}

fuzz_target!(|input: Input<'_>| match input {
    Input::Pasted(text) => check(text),
    Input::Made { key, poll, before, change } => {
        let Some(owner) = PublicKey::from_bytes(&key) else { return };
        let room = RoomRef { owner, poll: PollId(Uuid::from_u128(poll)) };
        let mut bytes = room.to_fragment().into_bytes();
        assert_eq!(RoomRef::parse(&room.to_fragment()), Ok(room));
        if let Some((at, byte)) = change {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        check(&format!("{before}#{}", String::from_utf8_lossy(&bytes)));
    }
});
