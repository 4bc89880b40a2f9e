//! The wire: typed messages in `{type, payload}` shape, frames that carry them, and the limits on both.
//!
//! A frame is UTF-8 JSON text of at most [`FRAME_BYTES_MAX`] bytes: one message, or an array of up to
//! [`FRAME_MESSAGES_MAX`]. Size and depth are checked before anything is parsed.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::view::ListedPoll;
use crate::domain::Timestamp;
use crate::domain::bytes::{Hash, Nonce, Signature, base64url, parse_base64url, sha256};
use crate::domain::command::{Command, CommandId, SignedCommand};
use crate::domain::identity::{PollId, PublicKey, RoomRef};
use crate::domain::log::{Entry, Head, Receipt, Record};
use crate::domain::poll::{Action, Envelope, Poll, Refusal, Role};

/// The version of everything in this file.
pub const PROTOCOL_VERSION: u32 = 1;
/// WebRTC implementations agree on messages up to 16 KiB; this stays below with its headers.
pub const FRAME_BYTES_MAX: usize = 16_000;
/// Messages in one frame.
pub const FRAME_MESSAGES_MAX: usize = 100;
/// Nesting of arrays and objects in a frame.
pub const JSON_DEPTH_MAX: usize = 8;
/// Bytes of a snapshot in one chunk: 15,000 characters of base64url.
pub const CHUNK_BYTES_MAX: usize = 11_250;
/// Chunks of one snapshot.
pub const CHUNKS_MAX: usize = 300;
/// Members told of in one `peer:discovery`.
pub const DISCOVERY_PEERS_MAX: usize = 100;

/// Everything that goes over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Hello(Hello),
    OwnerProof(OwnerProof),
    ParticipantProof(ParticipantProof),
    Welcome(Welcome),
    State(Box<Poll>),
    StateChunk(StateChunk),
    Head(Head),
    List(Vec<ListedPoll>),
    /// `poll:vote`, `poll:option:add`, `poll:role:update`, `user:profile`, `poll:status`, `poll:edit`.
    Command(Mutation),
    Discovery(Vec<PeerInfo>),
    Ack(Ack),
    Error(ErrorMessage),
    SyncRequest(SyncRequest),
    Ping(Empty),
    Pong(Empty),
    /// Of a type that this version does not know.
    Unknown(Unknown),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub kind: String,
    /// The command that it seems to be about.
    pub command_id: Option<CommandId>,
}

/// An empty payload: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub nonce: Nonce,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerProof {
    pub nonce: Nonce,
    pub public_key: Hash,
    pub signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantProof {
    pub public_key: Hash,
    /// All zero for the lobby.
    pub poll_id: PollId,
    pub signature: Signature,
}

/// The end of the handshake. In the lobby there is no head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
}

/// A piece of a `poll:state` payload that does not fit one frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChunk {
    pub index: u32,
    pub count: u32,
    /// SHA-256 of the whole payload's UTF-8 bytes.
    pub hash: Hash,
    /// base64url of this piece.
    pub data: String,
}

/// A command on its way to the owner, or, with `entry`, an accepted one on its way back.
///
/// In JSON the action's own fields stand beside the others in one payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    pub action: Action,
    pub tail: MutationTail,
}

/// What every command and increment has besides its action's own fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MutationTail {
    pub command_id: CommandId,
    pub signature: Signature,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Placed>,
}

/// Where the owner put a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    pub revision: u64,
    /// The peer id of whoever gave the command.
    pub author: PublicKey,
    pub time_ms: Timestamp,
    /// The hash of the entry, which chains it to all before it.
    pub hash: Hash,
}

/// Who came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerInfo {
    pub peer_id: PublicKey,
    pub online: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    pub command_id: CommandId,
    pub revision: u64,
    pub receipt: Receipt,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorMessage {
    /// The command that this answers, where it answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    #[serde(deserialize_with = "known_or_not")]
    pub code: Code,
    /// Words for a person, in English; programs look at `code`.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncRequest {
    pub poll_id: PollId,
}

/// A newer owner may have reasons that this version does not know.
fn known_or_not<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Read {
        Known(Code),
        #[allow(dead_code, reason = "it has to be a text")]
        Unknown(String),
    }
    Ok(match Read::deserialize(deserializer)? {
        Read::Known(code) => code,
        Read::Unknown(_) => Code::Unrecognised,
    })
}

/// The stable reasons of an `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    // About one command: final.
    BadSignature,
    IdReused,
    LogFull,
    // About one command: it may be sent again.
    TooFast,
    // About the connection: it is closed after this.
    Malformed,
    FrameTooLarge,
    TooDeep,
    OutOfOrder,
    BadProof,
    UnsupportedVersion,
    UnknownPoll,
    RoomFull,
    Replaced,
    HandshakeTimeout,
    // About one message, which is ignored.
    UnknownType,
    // Never sent: stands for a code that this version does not know.
    Unrecognised,
    /// About one command, and final: what the rules of the poll say.
    #[serde(untagged)]
    Rule(Refusal),
}

impl Code {
    /// Whether nobody who keeps to the protocol brings this upon a connection after the handshake.
    pub fn is_offence(self) -> bool {
        match self {
            Self::Malformed
            | Self::FrameTooLarge
            | Self::TooDeep
            | Self::OutOfOrder
            | Self::TooFast => true,
            Self::Rule(_)
            | Self::BadSignature
            | Self::IdReused
            | Self::LogFull
            | Self::BadProof
            | Self::UnsupportedVersion
            | Self::UnknownPoll
            | Self::RoomFull
            | Self::Replaced
            | Self::HandshakeTimeout
            | Self::UnknownType
            | Self::Unrecognised => false,
        }
    }

    /// Whether an owner says this of a connection before it has proved who it is. Whatever else comes then is not from an
    /// owner that keeps to the protocol.
    pub fn may_come_unproved(self) -> bool {
        matches!(self, Self::RoomFull | Self::UnsupportedVersion | Self::HandshakeTimeout)
    }

    /// Whether the command may be sent again as it is.
    pub fn is_transient(self) -> bool {
        self == Self::TooFast
    }

    pub fn message(self) -> &'static str {
        match self {
            Self::Rule(refusal) => refusal.message(),
            Self::BadSignature => {
                "The command's signature does not fit this poll, owner and sender."
            }
            Self::IdReused => "That command id was used before with other content.",
            Self::LogFull => "The poll has taken as many changes as it can hold.",
            Self::TooFast => "Too many commands at once; this one will be taken later.",
            Self::Malformed => "A message could not be read.",
            Self::FrameTooLarge => "A message was too large.",
            Self::TooDeep => "A message was nested too deeply.",
            Self::OutOfOrder => "A message came at the wrong moment.",
            Self::BadProof => "The proof of identity does not hold for this connection.",
            Self::UnsupportedVersion => "The two sides speak different versions; reload the page.",
            Self::UnknownPoll => "The owner has no such poll. The link may be old.",
            Self::RoomFull => "The room is full: the owner's browser can't hold more connections.",
            Self::Replaced => "This device connected again; this older connection ends.",
            Self::HandshakeTimeout => "The proof of identity took too long.",
            Self::UnknownType => "A message of an unknown type was ignored.",
            Self::Unrecognised => {
                "The owner gave a reason that this page does not know. Reload it to get a newer version."
            }
        }
    }
}

impl Message {
    pub fn error(code: Code, command_id: Option<CommandId>) -> Self {
        Self::Error(ErrorMessage { command_id, code, message: code.message().to_owned() })
    }

    pub fn ack(receipt: Receipt) -> Self {
        Self::Ack(Ack { command_id: receipt.command_id, revision: receipt.revision, receipt })
    }

    /// The command form of an action; `None` for a creation, which never travels.
    pub fn command(signed: &SignedCommand) -> Option<Self> {
        Self::mutation(signed, None)
    }

    /// The increment form of a record; `None` for a creation, which travels as state.
    pub fn increment(record: &Record) -> Option<Self> {
        let placed = Placed {
            revision: record.entry.revision,
            author: record.entry.signed.command.author,
            time_ms: record.entry.time_ms,
            hash: record.hash,
        };
        Self::mutation(&record.entry.signed, Some(placed))
    }

    fn mutation(signed: &SignedCommand, entry: Option<Placed>) -> Option<Self> {
        let SignedCommand { command, signature } = signed;
        if matches!(command.action, Action::Create(_)) {
            return None;
        }
        let tail = MutationTail { command_id: command.id, signature: *signature, entry };
        Some(Self::Command(Mutation { action: command.action.clone(), tail }))
    }

    /// The message as JSON text.
    pub fn to_json(&self) -> String {
        match self {
            Self::Hello(payload) => enclose("auth:hello", payload),
            Self::OwnerProof(payload) => enclose("auth:owner", payload),
            Self::ParticipantProof(payload) => enclose("auth:participant", payload),
            Self::Welcome(payload) => enclose("auth:welcome", payload),
            Self::State(payload) => enclose("poll:state", payload),
            Self::StateChunk(payload) => enclose("poll:state:chunk", payload),
            Self::Head(payload) => enclose("poll:head", payload),
            Self::List(payload) => enclose("poll:list", payload),
            Self::Discovery(payload) => enclose("peer:discovery", payload),
            Self::Ack(payload) => enclose("ack", payload),
            Self::Error(payload) => enclose("error", payload),
            Self::SyncRequest(payload) => enclose("sync:request", payload),
            Self::Ping(payload) => enclose("ping", payload),
            Self::Pong(payload) => enclose("pong", payload),
            Self::Unknown(Unknown { kind, command_id }) => {
                format!(
                    r#"{{"type":{},"payload":{}}}"#,
                    json(kind),
                    json(&About { command_id: *command_id })
                )
            }
            Self::Command(mutation) => {
                // `{"type":…,"payload":{…}}`: the tail's fields go in before the two closing braces.
                let mut text = json(&mutation.action);
                let tail = json(&mutation.tail);
                let has_fields = !text.ends_with("{}}");
                text.truncate(text.len().saturating_sub(2));
                if has_fields {
                    text.push(',');
                }
                text.push_str(tail.trim_start_matches('{'));
                text.push('}');
                text
            }
        }
    }

    /// The message as a frame of its own.
    pub fn to_frame(&self) -> Arc<str> {
        self.to_json().into()
    }

    /// Reads one message.
    fn parse(text: &str) -> Result<Self, FrameError> {
        let envelope: Envelope<'_> = serde_json::from_str(text)
            .map_err(|_| FrameError { code: Code::Malformed, command_id: None })?;
        let payload = envelope.payload.get();
        match &*envelope.kind {
            "auth:hello" => read(payload).map(Self::Hello),
            "auth:owner" => read(payload).map(Self::OwnerProof),
            "auth:participant" => read(payload).map(Self::ParticipantProof),
            "auth:welcome" => read(payload).map(Self::Welcome),
            "poll:state" => read(payload).map(Self::State),
            "poll:state:chunk" => read(payload).map(Self::StateChunk),
            "poll:head" => read(payload).map(Self::Head),
            "poll:list" => read(payload).map(Self::List),
            "peer:discovery" => read(payload).map(Self::Discovery),
            "ack" => read(payload).map(Self::Ack),
            "error" => read(payload).map(Self::Error),
            "sync:request" => read(payload).map(Self::SyncRequest),
            "ping" => read(payload).map(Self::Ping),
            "pong" => read(payload).map(Self::Pong),
            kind => match Action::read(kind, payload) {
                Some(Ok(Action::Create(_))) | None => {
                    let command_id = command_in(payload);
                    Ok(Self::Unknown(Unknown { kind: kind.to_owned(), command_id }))
                }
                Some(Err(_)) => Err(malformed(payload)),
                Some(Ok(action)) => {
                    let tail = read(payload)?;
                    Ok(Self::Command(Mutation { action, tail }))
                }
            },
        }
    }
}

fn json<T: Serialize>(value: &T) -> String {
    // Our own types hold only strings, numbers and maps with string keys: nothing here can fail.
    serde_json::to_string(value).unwrap_or_default()
}

fn enclose<T: Serialize>(kind: &str, payload: &T) -> String {
    format!(r#"{{"type":"{kind}","payload":{}}}"#, json(payload))
}

fn read<'a, T: Deserialize<'a>>(payload: &'a str) -> Result<T, FrameError> {
    serde_json::from_str(payload).map_err(|_| malformed(payload))
}

fn malformed(payload: &str) -> FrameError {
    FrameError { code: Code::Malformed, command_id: command_in(payload) }
}

/// What any payload may hold.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command_id: Option<CommandId>,
}

/// The command that a payload seems to be about.
fn command_in(payload: &str) -> Option<CommandId> {
    serde_json::from_str::<About>(payload).ok()?.command_id
}

impl Mutation {
    /// The signed command, given what the connection knows: its room and who sent it.
    pub fn into_signed(self, room: RoomRef, author: PublicKey) -> SignedCommand {
        let MutationTail { command_id: id, signature, .. } = self.tail;
        SignedCommand { command: Command { room, author, id, action: self.action }, signature }
    }

    /// The log entry of an increment, chained to `previous`, with the hash that the owner claims for it.
    pub fn into_entry(self, room: RoomRef, previous: Hash) -> Option<(Entry, Hash)> {
        let placed = self.tail.entry.clone()?;
        let signed = self.into_signed(room, placed.author);
        let entry = Entry { revision: placed.revision, previous, time_ms: placed.time_ms, signed };
        Some((entry, placed.hash))
    }
}

/// Why a frame can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameError {
    pub code: Code,
    /// The command it seems to be about.
    pub command_id: Option<CommandId>,
}

/// Reads a frame: size first, then depth, then types.
pub fn parse_frame(text: &str, bytes_max: usize) -> Result<Vec<Message>, FrameError> {
    let plain = |code| FrameError { code, command_id: None };
    if text.len() > bytes_max {
        return Err(plain(Code::FrameTooLarge));
    }
    if !is_shallow(text) {
        return Err(plain(Code::TooDeep));
    }
    if !text.trim_start().starts_with('[') {
        return Message::parse(text).map(|message| vec![message]);
    }
    let messages: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|_| plain(Code::Malformed))?;
    if messages.is_empty() || messages.len() > FRAME_MESSAGES_MAX {
        return Err(plain(Code::Malformed));
    }
    messages.into_iter().map(|message| Message::parse(message.get())).collect()
}

/// Whether brackets outside strings nest at most [`JSON_DEPTH_MAX`] deep.
fn is_shallow(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > JSON_DEPTH_MAX {
                    return false;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Packs serialised messages into as few frames as hold them, in order.
pub fn pack(messages: impl IntoIterator<Item = String>) -> Vec<Arc<str>> {
    let mut frames: Vec<Arc<str>> = Vec::new();
    let mut current = String::new();
    let mut count = 0;
    let mut flush = |current: &mut String, count: &mut usize| {
        match *count {
            0 => return,
            1 => frames.push(current.as_str().into()),
            _ => frames.push(format!("[{current}]").into()),
        }
        current.clear();
        *count = 0;
    };
    for message in messages {
        // Two brackets and a comma.
        if count > 0
            && (current.len() + message.len() + 3 > FRAME_BYTES_MAX || count == FRAME_MESSAGES_MAX)
        {
            flush(&mut current, &mut count);
        }
        if count > 0 {
            current.push(',');
        }
        current.push_str(&message);
        count += 1;
    }
    flush(&mut current, &mut count);
    frames
}

/// The frames of a `poll:state`: one message, or chunks where it is too large.
pub fn state_frames(poll: &Poll) -> Vec<Arc<str>> {
    let whole = Message::State(Box::new(poll.clone())).to_json();
    if whole.len() <= FRAME_BYTES_MAX {
        return vec![whole.into()];
    }
    let payload = serde_json::to_string(poll).unwrap_or_default();
    let hash = sha256(&[payload.as_bytes()]);
    let pieces: Vec<&[u8]> = payload.as_bytes().chunks(CHUNK_BYTES_MAX).collect();
    let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    pieces
        .into_iter()
        .zip(0..)
        .map(|(piece, index)| {
            let data = base64url(piece);
            Message::StateChunk(StateChunk { index, count, hash, data }).to_frame()
        })
        .collect()
}

/// Puts a chunked snapshot together, in order, within the caps.
#[derive(Clone, Debug, Default)]
pub struct Assembly {
    hash: Option<Hash>,
    count: u32,
    next: u32,
    bytes: Vec<u8>,
}

impl Assembly {
    /// Bytes of the snapshot that are held by now.
    pub fn held_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes the next piece; `Ok(Some)` when the snapshot is whole and its hash fits.
    pub fn add(&mut self, chunk: &StateChunk) -> Result<Option<Poll>, Code> {
        if chunk.index == 0 {
            *self = Self { hash: Some(chunk.hash), count: chunk.count, next: 0, bytes: Vec::new() };
        }
        let within_caps = (1..=CHUNKS_MAX).contains(&(chunk.count as usize));
        if !within_caps
            || self.hash != Some(chunk.hash)
            || self.count != chunk.count
            || self.next != chunk.index
        {
            return Err(Code::OutOfOrder);
        }
        let piece = parse_base64url(&chunk.data).ok_or(Code::Malformed)?;
        if piece.len() > CHUNK_BYTES_MAX {
            return Err(Code::FrameTooLarge);
        }
        self.bytes.extend_from_slice(&piece);
        self.next += 1;
        if self.next < self.count {
            return Ok(None);
        }
        let whole = std::mem::take(self);
        if whole.hash != Some(sha256(&[&whole.bytes])) {
            return Err(Code::Malformed);
        }
        let text = std::str::from_utf8(&whole.bytes).map_err(|_| Code::Malformed)?;
        if !is_shallow(text) {
            return Err(Code::TooDeep);
        }
        serde_json::from_str(text).map(Some).map_err(|_| Code::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::tests::{room, signed};
    use crate::domain::identity::KeyPair;
    use crate::domain::log::Log;
    use crate::domain::poll::tests::draft;
    use crate::domain::poll::{Choice, OptionId, UserProfile, Vote};
    use proptest::prelude::*;

    fn vote(id: u128) -> SignedCommand {
        signed(2, id, Action::Vote(Vote { choices: vec![OptionId(1)] }))
    }

    fn mutation(frame: &str) -> Mutation {
        match parse_frame(frame, FRAME_BYTES_MAX).expect("parses").remove(0) {
            Message::Command(mutation) => mutation,
            other => panic!("{other:?}"),
        }
    }

    fn poll() -> Poll {
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        Log::found(create, Timestamp(5), &KeyPair::from_seed(&[1; 32]))
            .expect("valid")
            .0
            .poll()
            .clone()
    }

    #[test]
    fn a_vote_has_the_specified_shape() {
        let json: serde_json::Value =
            serde_json::from_str(&Message::command(&vote(9)).expect("travels").to_json())
                .expect("JSON");
        assert_eq!(json["type"], "poll:vote");
        assert_eq!(json["payload"]["choices"], serde_json::json!([1]));
        assert_eq!(json["payload"]["commandId"], "00000000-0000-0000-0000-000000000009");
        assert_eq!(json["payload"].as_object().map(serde_json::Map::len), Some(3));
    }

    #[test]
    fn commands_and_increments_round_trip() {
        let owner = KeyPair::from_seed(&[1; 32]);
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        let (log, first) = Log::found(create, Timestamp(5), &owner).expect("valid");
        assert_eq!(Message::increment(&first), None, "a creation travels as state");
        let crate::domain::log::Verdict::Accept(record) =
            log.stage().judge(&log, &vote(9), Timestamp(6), &owner)
        else {
            panic!("a valid vote")
        };
        let frame = Message::increment(&record).expect("travels").to_frame();
        let (entry, hash) = mutation(&frame).into_entry(room(), first.hash).expect("placed");
        assert_eq!(entry, record.entry);
        assert_eq!(hash, entry.hash());
    }

    #[test]
    fn frames_are_refused_by_size_depth_and_type() {
        let code = |text: &str| parse_frame(text, FRAME_BYTES_MAX).map_err(|e| e.code);
        assert_eq!(code(&" ".repeat(FRAME_BYTES_MAX + 1)), Err(Code::FrameTooLarge));
        assert_eq!(code(&"[".repeat(9)), Err(Code::TooDeep));
        for malformed in [
            "",
            "null",
            "{}",
            "[]",
            "{\"type\":\"ping\"}",
            r#"{"type":"poll:vote","payload":{"choices":[-1]}}"#,
            r#"{"type":"poll:vote","payload":{"choices":[0],"commandId":"x","signature":""}}"#,
            r#"{"type":"ack","payload":[]}"#,
        ] {
            assert_eq!(code(malformed), Err(Code::Malformed), "{malformed}");
        }
        assert_eq!(code(r#"{"type":"ping","payload":{}}"#), Ok(vec![Message::Ping(Empty {})]));
        assert_eq!(code(r#"{"payload":{},"type":"pong"}"#), Ok(vec![Message::Pong(Empty {})]));
    }

    #[test]
    fn an_unknown_type_hides_nothing_else_in_its_frame() {
        let text = r#"[{"type":"ping","payload":{}},{"type":"poll:burn","payload":{"commandId":"00000000-0000-0000-0000-000000000009","x":[]}},{"type":"a\"b","payload":7}]"#;
        let unknown = |kind: &str, command_id| {
            Message::Unknown(Unknown { kind: kind.to_owned(), command_id })
        };
        let burn = unknown("poll:burn", Some(CommandId(uuid::Uuid::from_u128(9))));
        let expected = vec![Message::Ping(Empty {}), burn, unknown("a\"b", None)];
        assert_eq!(parse_frame(text, FRAME_BYTES_MAX), Ok(expected.clone()));
        for message in expected {
            assert_eq!(parse_frame(&message.to_json(), FRAME_BYTES_MAX), Ok(vec![message]));
        }
    }

    #[test]
    fn brackets_inside_strings_are_not_depth() {
        assert!(is_shallow(&format!("\"{}\\\"{}\"", "[".repeat(50), "[".repeat(50))));
        assert!(!is_shallow(&format!("\"\"{}", "[".repeat(9))));
        assert!(
            !is_shallow(&format!("\"\\\\\"{}", "[".repeat(9))),
            "an escaped backslash escapes no quote"
        );
        assert!(!is_shallow(&format!("[[[[\"]]]]\"{}", "[".repeat(5))), "nor do these close any");
        assert!(!is_shallow(&format!("\\{}", "[".repeat(9))), "outside strings nothing is escaped");
    }

    #[test]
    fn eight_levels_are_shallow_and_nine_are_not() {
        let nested = |open: &str, close: &str, depth| open.repeat(depth) + &close.repeat(depth);
        for (open, close) in [("[", "]"), ("{", "}")] {
            assert!(is_shallow(&nested(open, close, 8)));
            assert!(!is_shallow(&nested(open, close, 9)));
            assert!(is_shallow(&nested(open, close, 8).repeat(9)), "one after another");
        }
    }

    #[test]
    fn a_frame_may_be_as_long_and_hold_as_many_messages_as_is_published() {
        let ping = r#"{"type":"ping","payload":{}}"#;
        let code = |text: &str| parse_frame(text, FRAME_BYTES_MAX).map_err(|e| e.code);
        let padded = |bytes: usize| format!("{ping}{}", " ".repeat(bytes - ping.len()));
        assert_eq!(code(&padded(16_000)), Ok(vec![Message::Ping(Empty {})]));
        assert_eq!(code(&padded(16_001)), Err(Code::FrameTooLarge));
        let several = |count| format!("[{}]", vec![ping; count].join(","));
        assert_eq!(code(&several(100)), Ok(vec![Message::Ping(Empty {}); 100]));
        assert_eq!(code(&several(101)), Err(Code::Malformed));
    }

    #[test]
    fn every_code_has_the_text_that_is_published() {
        let text = |code: Code| serde_json::to_string(&code).expect("a string");
        let published = [
            (Code::Rule(Refusal::PollClosed), "poll-closed"),
            (Code::Rule(Refusal::RoleForbids), "role-forbids"),
            (Code::Rule(Refusal::UnknownOption), "unknown-option"),
            (Code::Rule(Refusal::TooManyChoices), "too-many-choices"),
            (Code::Rule(Refusal::UnorderedChoices), "unordered-choices"),
            (Code::Rule(Refusal::DuplicateOption), "duplicate-option"),
            (Code::Rule(Refusal::TooManyOptions), "too-many-options"),
            (Code::Rule(Refusal::TooFewOptions), "too-few-options"),
            (Code::Rule(Refusal::OptionsByOwnerOnly), "options-by-owner-only"),
            (Code::Rule(Refusal::RoleOfOwner), "role-of-owner"),
            (Code::Rule(Refusal::AlreadyCreated), "already-created"),
            (Code::BadSignature, "bad-signature"),
            (Code::IdReused, "id-reused"),
            (Code::LogFull, "log-full"),
            (Code::TooFast, "too-fast"),
            (Code::Malformed, "malformed"),
            (Code::FrameTooLarge, "frame-too-large"),
            (Code::TooDeep, "too-deep"),
            (Code::OutOfOrder, "out-of-order"),
            (Code::BadProof, "bad-proof"),
            (Code::UnsupportedVersion, "unsupported-version"),
            (Code::UnknownPoll, "unknown-poll"),
            (Code::RoomFull, "room-full"),
            (Code::Replaced, "replaced"),
            (Code::HandshakeTimeout, "handshake-timeout"),
            (Code::UnknownType, "unknown-type"),
        ];
        for (code, name) in published {
            assert_eq!(text(code), format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Code>(&text(code)).ok(), Some(code));
        }
    }

    #[test]
    fn a_reason_from_a_newer_owner_is_one_all_the_same() {
        let error = |code: &str| {
            let text = format!(r#"{{"type":"error","payload":{{"code":{code},"message":"no"}}}}"#);
            parse_frame(&text, FRAME_BYTES_MAX).map_err(|error| error.code)
        };
        let read = |code| {
            let message = "no".to_owned();
            Ok(vec![Message::Error(ErrorMessage { command_id: None, code, message })])
        };
        assert_eq!(error(r#""poll-closed""#), read(Code::Rule(Refusal::PollClosed)));
        assert_eq!(error(r#""poll-on-fire""#), read(Code::Unrecognised));
        assert_eq!(error("7"), Err(Code::Malformed));
    }

    #[test]
    fn an_error_names_the_command_it_is_about() {
        let text = r#"{"type":"poll:vote","payload":{"commandId":"00000000-0000-0000-0000-000000000009"}}"#;
        let error = parse_frame(text, FRAME_BYTES_MAX).expect_err("no choices");
        assert_eq!(error.command_id, Some(CommandId(uuid::Uuid::from_u128(9))));
    }

    #[test]
    fn a_payload_without_fields_of_its_own_still_takes_the_tail() {
        let command = signed(2, 4, Action::Profile(UserProfile { name: None }));
        let frame = Message::command(&command).expect("travels").to_frame();
        assert_eq!(mutation(&frame).into_signed(room(), command.command.author), command);
    }

    #[test]
    fn a_creation_never_travels() {
        let create = signed(1, 1, Action::Create(draft(Choice::Single, &["A", "B"])));
        assert_eq!(Message::command(&create), None);
        let text = json(&create.command.action);
        let unknown = Unknown { kind: "poll:create".to_owned(), command_id: None };
        assert_eq!(parse_frame(&text, FRAME_BYTES_MAX), Ok(vec![Message::Unknown(unknown)]));
    }

    #[test]
    fn packing_keeps_order_and_both_limits() {
        let messages: Vec<String> = (0..500).map(|n| format!("{{\"n\":{n:0200}}}")).collect();
        let frames = pack(messages.clone());
        assert!(frames.iter().all(|frame| frame.len() <= FRAME_BYTES_MAX));
        let joined: Vec<String> = frames
            .iter()
            .map(|f| f.trim_start_matches('[').trim_end_matches(']').to_owned())
            .collect();
        assert_eq!(joined.join(","), messages.join(","));
        assert_eq!(frames.len(), 500usize.div_ceil(FRAME_BYTES_MAX / 207));
    }

    #[test]
    fn a_frame_is_packed_to_its_last_byte() {
        let pack = |lengths: &[usize]| -> Vec<usize> {
            let messages = lengths.iter().map(|length| "x".repeat(*length));
            super::pack(messages).iter().map(|frame| frame.len()).collect()
        };
        assert_eq!(pack(&[]), [] as [usize; 0]);
        assert_eq!(pack(&[7]), [7], "one needs no brackets");
        assert_eq!(pack(&[8_000, 7_997]), [16_000]);
        assert_eq!(pack(&[8_000, 7_998]), [8_000, 7_998]);
        assert_eq!(pack(&[16_000, 5, 5]), [16_000, 13]);
        assert_eq!(pack(&[1; 101]), [100 + 99 + 2, 1]);
    }

    #[test]
    fn a_state_goes_whole_as_long_as_it_fits_a_frame() {
        let labels: Vec<String> = (0..50).map(|n| format!("{n:0190}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let of_length = |bytes: usize| {
            let mut poll = Poll::create(room().poll, room().owner, &draft(Choice::Single, &labels))
                .expect("a valid draft");
            poll.description = crate::domain::text::Text::clean("d").ok();
            let short = Message::State(Box::new(poll.clone())).to_json().len();
            let text = "d".repeat(1 + bytes - short);
            poll.description = Some(crate::domain::text::Text::clean(&text).expect("short enough"));
            poll
        };
        let lengths = |poll: &Poll| -> Vec<usize> {
            state_frames(poll).iter().map(|frame| frame.len()).collect()
        };
        assert_eq!(lengths(&of_length(FRAME_BYTES_MAX)), [FRAME_BYTES_MAX]);
        assert_eq!(lengths(&of_length(FRAME_BYTES_MAX + 1)).len(), 2);
    }

    #[test]
    fn chunks_that_do_not_fit_together_are_refused() {
        let payload = serde_json::to_string(&poll()).expect("serialises");
        let (first, second) = payload.as_bytes().split_at(100);
        let hash = sha256(&[payload.as_bytes()]);
        let chunk =
            |index, count, piece: &[u8]| StateChunk { index, count, hash, data: base64url(piece) };
        let (first, second) = (chunk(0, 2, first), chunk(1, 2, second));
        let result = |chunks: &[&StateChunk]| {
            let mut assembly = Assembly::default();
            chunks.iter().map(|chunk| assembly.add(chunk)).last()
        };
        assert_eq!(result(&[&first, &second]), Some(Ok(Some(poll()))));
        assert_eq!(
            result(&[&first, &first, &second]),
            Some(Ok(Some(poll()))),
            "it may start again"
        );
        let out_of_order = Some(Err(Code::OutOfOrder));
        assert_eq!(result(&[&second]), out_of_order);
        assert_eq!(result(&[&first, &second, &second]), out_of_order);
        assert_eq!(
            result(&[&first, &StateChunk { index: 2, count: 3, ..second.clone() }]),
            out_of_order
        );
        assert_eq!(result(&[&first, &StateChunk { count: 3, ..second.clone() }]), out_of_order);
        assert_eq!(
            result(&[
                &first,
                &StateChunk { index: 0, hash: Hash::ZERO, ..second.clone() },
                &second
            ]),
            out_of_order
        );
        assert_eq!(
            result(&[&first, &StateChunk { hash: Hash::ZERO, ..second.clone() }]),
            out_of_order
        );
        let too_many = u32::try_from(CHUNKS_MAX).expect("small") + 1;
        assert_eq!(result(&[&StateChunk { count: 0, ..first.clone() }]), out_of_order);
        assert_eq!(result(&[&StateChunk { count: too_many, ..first.clone() }]), out_of_order);
        assert_eq!(result(&[&StateChunk { count: too_many - 1, ..first.clone() }]), Some(Ok(None)));
        let malformed = Some(Err(Code::Malformed));
        assert_eq!(result(&[&first, &chunk(1, 2, b"}")]), malformed, "another hash");
        assert_eq!(result(&[&StateChunk { data: "!".to_owned(), ..first.clone() }]), malformed);
        let longest = vec![b' '; CHUNK_BYTES_MAX];
        assert_eq!(result(&[&chunk(0, 2, &longest)]), Some(Ok(None)));
        let longer = vec![b' '; CHUNK_BYTES_MAX + 1];
        assert_eq!(result(&[&chunk(0, 2, &longer)]), Some(Err(Code::FrameTooLarge)));
        let deep = "[".repeat(JSON_DEPTH_MAX + 1);
        let hash = sha256(&[deep.as_bytes()]);
        let deep = StateChunk { index: 0, count: 1, hash, data: base64url(deep.as_bytes()) };
        assert_eq!(result(&[&deep]), Some(Err(Code::TooDeep)));
    }

    #[test]
    fn only_what_nobody_honest_does_is_an_offence() {
        let offences =
            [Code::Malformed, Code::FrameTooLarge, Code::TooDeep, Code::OutOfOrder, Code::TooFast];
        assert!(offences.into_iter().all(Code::is_offence));
        let others = [
            Code::Rule(Refusal::PollClosed),
            Code::BadSignature,
            Code::UnknownPoll,
            Code::Replaced,
            Code::RoomFull,
            Code::HandshakeTimeout,
            Code::UnknownType,
        ];
        assert!(!others.into_iter().any(Code::is_offence));
        assert!(Code::TooFast.is_transient());
        assert!(!Code::BadSignature.is_transient());
    }

    #[test]
    fn a_large_snapshot_is_chunked_and_put_together() {
        let mut poll = poll();
        for n in 0..=255u8 {
            poll.votes.insert(KeyPair::from_seed(&[n; 32]).public(), vec![OptionId(0)]);
        }
        let frames = state_frames(&poll);
        assert_eq!(frames.len(), 2);
        let mut assembly = Assembly::default();
        let mut add = |frame: &str| {
            assert!(frame.len() <= FRAME_BYTES_MAX);
            let parsed = parse_frame(frame, FRAME_BYTES_MAX).expect("parses");
            let [Message::StateChunk(chunk)] = parsed.as_slice() else { panic!("a chunk") };
            (assembly.add(chunk).expect("in order"), assembly.held_bytes())
        };
        assert_eq!(add(&frames[0]), (None, CHUNK_BYTES_MAX));
        assert_eq!(add(&frames[1]), (Some(poll), 0));
    }

    #[test]
    fn chunks_out_of_order_or_beyond_the_caps_are_refused() {
        let chunk = |index, count, data: &str| StateChunk {
            index,
            count,
            hash: sha256(&[b"x"]),
            data: data.to_owned(),
        };
        assert_eq!(Assembly::default().add(&chunk(1, 2, "eA")), Err(Code::OutOfOrder));
        assert_eq!(Assembly::default().add(&chunk(0, 0, "eA")), Err(Code::OutOfOrder));
        assert_eq!(Assembly::default().add(&chunk(0, 301, "eA")), Err(Code::OutOfOrder));
        assert_eq!(Assembly::default().add(&chunk(0, 1, "?")), Err(Code::Malformed));
        assert_eq!(Assembly::default().add(&chunk(0, 1, "eQ")), Err(Code::Malformed), "wrong hash");
        let mut skipping = Assembly::default();
        assert_eq!(skipping.add(&chunk(0, 3, "eA")), Ok(None));
        assert_eq!(skipping.add(&chunk(2, 3, "eA")), Err(Code::OutOfOrder));
    }

    proptest! {
        #[test]
        fn no_text_panics_the_parser(text in "\\PC{0,200}") {
            let _ = parse_frame(&text, FRAME_BYTES_MAX);
        }

        #[test]
        fn votes_round_trip(choices in proptest::collection::vec(0u16..50, 0..50), id: u128) {
            let command = signed(3, id, Action::Vote(Vote { choices: choices.into_iter().map(OptionId).collect() }));
            let frame = Message::command(&command).expect("travels").to_frame();
            prop_assert_eq!(mutation(&frame).into_signed(command.command.room, command.command.author), command);
        }
    }
}
