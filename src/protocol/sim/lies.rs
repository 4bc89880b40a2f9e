//! What peers make of frames who do not keep to the protocol.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::Sim;
use crate::protocol::effect::LinkId;
use crate::protocol::message::{FRAME_BYTES_MAX, Message, parse_frame};
use crate::protocol::random::Random;

/// What a liar sends instead of a frame, and what besides.
pub struct Lie {
    pub instead: Arc<str>,
    pub besides: Option<Arc<str>>,
}

impl Sim {
    /// An owner that lies leaves increments out or alters them; a participant also sends what it never signed.
    pub fn twist(&mut self, link: LinkId, frame: Arc<str>) -> Lie {
        let (tells, wants) = (frame.contains("\"entry\""), frame.contains("\"commandId\""));
        match link {
            LinkId::Accepted(_) if tells => {
                let altered = match self.random.up_to(5) {
                    // A type that nobody knows is passed over, which is no lie.
                    0 => damaged(&mut self.random, &frame).filter(|frame| !is_unknown(frame)),
                    1 => without_the_first(&frame),
                    _ => None,
                };
                Lie { instead: altered.map_or(frame, Into::into), besides: None }
            }
            LinkId::Dialled(_) if wants => {
                let besides: Option<Arc<str>> = damaged(&mut self.random, &frame).map(Into::into);
                if let Some(besides) = &besides {
                    self.ledger.doubtful(&frame);
                    self.ledger.doubtful(besides);
                }
                Lie { instead: frame, besides }
            }
            LinkId::Accepted(_) | LinkId::Dialled(_) => Lie { instead: frame, besides: None },
        }
    }
}

/// One character is another. States are left alone: an owner may show what it likes.
pub fn damaged(random: &mut Random, frame: &str) -> Option<String> {
    const OTHERS: [char; 4] = ['0', '1', 'A', 'e'];
    if frame.contains("poll:state") {
        return None;
    }
    let mut characters: Vec<char> = frame.chars().collect();
    let last = characters.len().checked_sub(1)?;
    let from = usize::try_from(random.up_to(last as u64)).ok()?;
    let at = (from..=last).find(|at| characters[*at].is_ascii_alphanumeric())?;
    let other = usize::try_from(random.up_to(3)).ok()?;
    characters[at] = OTHERS[other];
    Some(characters.into_iter().collect())
}

fn is_unknown(frame: &str) -> bool {
    let messages = parse_frame(frame, FRAME_BYTES_MAX).unwrap_or_default();
    messages.iter().any(|message| matches!(message, Message::Unknown(_)))
}

/// The first of several messages is missing.
fn without_the_first(frame: &str) -> Option<String> {
    let messages: Vec<&RawValue> = serde_json::from_str(frame).ok()?;
    let rest = messages.get(1..).filter(|rest| !rest.is_empty())?;
    serde_json::to_string(rest).ok()
}
