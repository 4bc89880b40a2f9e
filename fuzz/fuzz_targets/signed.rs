//! A signed command under any change of a byte: as JSON, as the transcript that was signed, and in its signature.

#![no_main]

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::{Corpus, fuzz_target};
use peerpoll::domain::Timestamp;
use peerpoll::domain::bytes::{Hash, Signature};
use peerpoll::domain::command::{Command, CommandId, SignedCommand};
use peerpoll::domain::log::{Entry, Receipt};
use peerpoll_fuzz::{action, key, room};
use uuid::Uuid;

fn signed(u: &mut Unstructured<'_>) -> Result<SignedCommand> {
    let author = key(u.int_in_range(0..=3)?);
    let id = CommandId(Uuid::from_u128(u.arbitrary()?));
    Ok(Command { room: room(), author: author.public(), id, action: action(u)? }.sign(&author))
}

/// The text with one byte set; `None` where that leaves it as it was.
fn changed(text: &str, at: usize, byte: u8) -> Option<Vec<u8>> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    let before = std::mem::replace(&mut bytes[at], byte);
    (before != byte).then_some(bytes)
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let original = signed(u)?;
    let (at, byte): (u16, u8) = u.arbitrary()?;
    assert!(original.verify());

    let json = serde_json::to_string(&original).expect("serialises");
    assert_eq!(serde_json::from_str::<SignedCommand>(&json).ok().as_ref(), Some(&original));
    if let Some(json) = changed(&json, at.into(), byte)
        && let Ok(read) = serde_json::from_slice::<SignedCommand>(&json)
    {
        assert_eq!(read.verify(), read == original);
    }

    let transcript = original.command.transcript();
    let flip = byte | 1;
    let mut forged = transcript.clone();
    let place = usize::from(at) % forged.len();
    forged[place] ^= flip;
    assert!(!original.command.author.verify(&forged, &original.signature));

    let mut signature = original.signature;
    signature.0[usize::from(at) % 64] ^= flip;
    assert!(!original.command.author.verify(&transcript, &signature));

    let other = signed(u)?;
    assert_eq!(other.command == original.command, other.command.transcript() == transcript);
    if other.command != original.command {
        let moved = SignedCommand { command: other.command, signature: original.signature };
        assert!(!moved.verify());
    }

    let entry = Entry {
        revision: u.arbitrary()?,
        previous: Hash::ZERO,
        time_ms: Timestamp(u.arbitrary()?),
        signed: original.clone(),
    };
    let receipt = Receipt::issue(&entry, entry.hash(), &key(0));
    assert!(receipt.verifies(&original));
    let text = serde_json::to_string(&receipt).expect("serialises");
    if let Some(text) = changed(&text, at.into(), byte)
        && let Ok(read) = serde_json::from_slice::<Receipt>(&text)
    {
        assert_eq!(read.verifies(&original), read == receipt);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| -> Corpus {
    // Bytes as they may lie in storage or come over the wire: no panic, and nobody guesses a signature.
    if let Ok(read) = serde_json::from_slice::<SignedCommand>(data) {
        assert!(!read.verify() || read.signature != Signature::ZERO);
    }
    if run(&mut Unstructured::new(data)).is_ok() { Corpus::Keep } else { Corpus::Reject }
});
