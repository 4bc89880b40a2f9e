//! What the machines ask of the world, and what the world tells them.

use std::sync::Arc;

use super::storage::Row;
use crate::domain::identity::PublicKey;

/// A connection to one peer. Dialled ones are numbered by us, accepted ones by the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkId {
    Dialled(u64),
    Accepted(u64),
}

/// The certificates' SHA-256 fingerprints on both ends of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    pub local: [u8; 32],
    pub remote: [u8; 32],
}

/// What a connection's descriptions say, as the browser gives it: parsed by [`super::handshake`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptions {
    pub local_sdp: String,
    pub remote_sdp: String,
    /// The DER certificates the DTLS transport really saw, where the browser tells.
    pub remote_certificates: Option<Vec<Vec<u8>>>,
}

/// One transaction: all rows or none, and none when another tab has raised the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub id: BatchId,
    pub rows: Vec<Row>,
    pub durability: Durability,
}

/// Numbered by the node; a completion carries it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(pub u64);

/// `Strict` survives a power cut once completed; `Relaxed` is for what can be had again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    Strict,
    Relaxed,
}

/// Why a transaction did not complete. Nothing of it was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageFailure {
    /// Another tab raised the epoch: this one leads no longer.
    Fenced,
    /// No room left on this device.
    Quota,
    /// The database was closed, deleted or blocked, or the browser failed.
    Unavailable,
}

/// What the signalling client is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignallingCommand {
    /// Make a new PeerJS peer under this id.
    Create {
        id: String,
    },
    Reconnect,
    Disconnect,
    /// Close every connection, then the peer.
    Destroy,
    /// Tell these peers that connections they may still hold to us are dead: they dial again.
    Leave {
        peers: Vec<String>,
    },
}

/// What the signalling client reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignallingEvent {
    Opened,
    /// The socket is gone, or the server could not be reached.
    Lost,
    /// Somebody else holds our id.
    IdTaken,
    /// This peer object is of no use any more.
    Destroyed,
    /// The server knows nobody of this id.
    PeerUnavailable {
        remote: String,
    },
    /// `remote` says that connections we may still hold to it are dead.
    PeerLeft {
        remote: String,
    },
}

/// What one connection reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The channel is open and ordered. `remote` is the signalling id of the other end.
    Opened {
        remote: String,
        descriptions: Descriptions,
    },
    Frame(String),
    /// What came is no text, or longer than any frame; it was not copied.
    NoFrame,
    /// The channel holds this many bytes not yet sent: over the pause limit, or again below it.
    Buffered {
        bytes: u64,
    },
    Closed,
}

/// What the machines want done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Commit(Batch),
    Signalling(SignallingCommand),
    Dial {
        link: LinkId,
        remote: String,
    },
    Send {
        link: LinkId,
        frame: Arc<str>,
    },
    CloseLink {
        link: LinkId,
    },
    /// Offers under any id of this key are passed over for so long.
    Shun {
        key: PublicKey,
        ms: u64,
    },
    /// For the other tabs of this identity.
    Broadcast(String),
    /// What the page shows is out of date.
    Changed,
    /// This tab must stop writing and become a follower.
    StepDown,
}
