//! Chunks of a snapshot in any order and with any content: only what its hash names is put together, and never more
//! is held than the caps allow.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use peerpoll::domain::Timestamp;
use peerpoll::domain::bytes::{Hash, base64url, parse_base64url, sha256};
use peerpoll::domain::command::{Command, CommandId};
use peerpoll::domain::log::Log;
use peerpoll::domain::poll::{Action, Poll};
use peerpoll::protocol::message::{Assembly, CHUNK_BYTES_MAX, CHUNKS_MAX, StateChunk};
use peerpoll_fuzz::{draft, key, room};
use uuid::Uuid;

#[derive(Arbitrary, Debug)]
struct Input {
    /// How many pieces the honest snapshot is cut into.
    pieces: u8,
    sent: Vec<Sent>,
}

#[derive(Arbitrary, Debug)]
enum Sent {
    /// A piece of the snapshot as it is.
    Piece(u8),
    /// The next piece in order.
    Next,
    Changed {
        piece: u8,
        at: u16,
        byte: u8,
    },
    Misplaced {
        piece: u8,
        index: u32,
        count: u32,
    },
    OtherHash(u8),
    /// Anything, under its own hash.
    Foreign {
        index: u16,
        count: u16,
        data: Vec<u8>,
    },
    Long {
        index: u16,
        count: u16,
        kilobytes: u8,
    },
    Text {
        index: u16,
        count: u16,
        data: String,
    },
}

fn poll() -> Poll {
    let create = Command {
        room: room(),
        author: key(0).public(),
        id: CommandId(Uuid::from_u128(1)),
        action: Action::Create(draft()),
    };
    let (log, _) = Log::found(create.sign(&key(0)), Timestamp(5), &key(0)).expect("valid");
    log.poll().clone()
}

/// What an assembly must do, kept naively.
#[derive(Default)]
struct Reference {
    begun: Option<(Hash, u32)>,
    pieces: Vec<Vec<u8>>,
}

impl Reference {
    fn add(&mut self, chunk: &StateChunk) -> Option<Vec<u8>> {
        if chunk.index == 0 {
            *self = Self { begun: Some((chunk.hash, chunk.count)), pieces: Vec::new() };
        }
        let in_order = usize::try_from(chunk.index) == Ok(self.pieces.len());
        let bounded =
            (1..=CHUNKS_MAX).contains(&(chunk.count as usize)) && chunk.index < chunk.count;
        if !in_order || !bounded || self.begun != Some((chunk.hash, chunk.count)) {
            return None;
        }
        let piece = parse_base64url(&chunk.data).filter(|piece| piece.len() <= CHUNK_BYTES_MAX)?;
        self.pieces.push(piece);
        if self.pieces.len() < chunk.count as usize {
            return None;
        }
        let whole = std::mem::take(self).pieces.concat();
        (sha256(&[&whole]) == chunk.hash).then_some(whole)
    }
}

fuzz_target!(|input: Input| {
    let payload = serde_json::to_string(&poll()).expect("JSON");
    let honest = payload.as_bytes();
    let size = honest.len().div_ceil(usize::from(input.pieces).clamp(1, honest.len()));
    let pieces: Vec<&[u8]> = honest.chunks(size).collect();
    let (hash, count) = (sha256(&[honest]), u32::try_from(pieces.len()).expect("few"));
    let chunk = |piece: u8| {
        let index = usize::from(piece) % pieces.len();
        let data = base64url(pieces[index]);
        StateChunk { index: u32::try_from(index).expect("few"), count, hash, data }
    };
    let mut next = 0u8;
    let (mut assembly, mut reference) = (Assembly::default(), Reference::default());
    for sent in input.sent {
        let chunk = match sent {
            Sent::Piece(piece) => chunk(piece),
            Sent::Next => {
                let chunk = chunk(next);
                next = u8::try_from((usize::from(next) + 1) % pieces.len()).expect("few");
                chunk
            }
            Sent::Changed { piece, at, byte } => {
                let mut chunk = chunk(piece);
                let mut data = chunk.data.into_bytes();
                let at = usize::from(at) % data.len();
                data[at] = byte;
                chunk.data = String::from_utf8_lossy(&data).into_owned();
                chunk
            }
            Sent::Misplaced { piece, index, count } => StateChunk { index, count, ..chunk(piece) },
            Sent::OtherHash(piece) => StateChunk { hash: Hash::ZERO, ..chunk(piece) },
            Sent::Foreign { index, count, data } => StateChunk {
                index: index.into(),
                count: count.into(),
                hash: sha256(&[&data]),
                data: base64url(&data),
            },
            Sent::Long { index, count, kilobytes } => StateChunk {
                index: index.into(),
                count: count.into(),
                hash: Hash::ZERO,
                data: "A".repeat(usize::from(kilobytes) * 1024),
            },
            Sent::Text { index, count, data } => {
                StateChunk { index: index.into(), count: count.into(), hash: Hash::ZERO, data }
            }
        };
        let whole = reference.add(&chunk);
        let assembled = assembly.add(&chunk);
        match (&assembled, &whole) {
            (Ok(Some(poll)), Some(whole)) => {
                assert_eq!(serde_json::from_slice::<Poll>(whole).ok().as_ref(), Some(poll));
            }
            (Ok(Some(_)), None) => panic!("put together without its hash"),
            (Ok(None) | Err(_), Some(whole)) => {
                assert!(whole != honest, "the honest snapshot was not taken: {assembled:?}");
            }
            (Ok(None) | Err(_), None) => {}
        }
        let held: usize = reference.pieces.iter().map(Vec::len).sum();
        assert_eq!(assembly.held_bytes(), held);
        assert!(assembly.held_bytes() <= CHUNKS_MAX * CHUNK_BYTES_MAX);
    }
});
