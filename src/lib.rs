//! Peerpoll: polls without a server.
//!
//! The owner's browser is the hub of a star. Participants open a link, connect to the owner's peer id over
//! PeerJS (WebRTC), prove who they are, get the poll, vote, and see the count live.
//!
//! # Rooms
//!
//! | room | what lives there | imports |
//! |---|---|---|
//! | [`domain`] | values and rules: identities, polls, signed commands, the log | - |
//! | [`protocol`] | state machines: the wire, hub, session, outbox, node | `domain` |
//! | `adapters` | one browser API each: PeerJS, IndexedDB, tabs, timer, page | `domain`, value types of `protocol` |
//! | `runtime` | the only driver: event, machine, outputs, view | `protocol`, `adapters`, `domain` |
//! | `ui` | pages and components: read one view, dispatch intents | `runtime`, `domain` |
//!
//! `domain` and `protocol` are pure: time and randomness are passed in, effects come out. They compile and
//! are tested natively. The other rooms exist in a browser only. `tests/rooms.rs` holds these lines.
//!
//! # A vote's way
//!
//! click → [`protocol::view::Intent`] → [`protocol::session::Session::act`] signs it → outbox, strict commit → frame →
//! [`protocol::hub::Hub`] checks signature, role and poll → one strict commit for all that gathered → `ack`
//! with a signed receipt, and an increment for everybody → session verifies → outbox row removed → view.
//!
//! # Invariants
//!
//! * Nothing is sent that was not saved; nothing is acked that was not committed.
//! * No poll data before both ends have proved themselves.
//! * A poll is the fold of its log, everywhere.
//! * One hub per owner: a lock between tabs, and an epoch in every write.

#[cfg(all(target_arch = "wasm32", feature = "page"))]
pub mod adapters;
pub mod domain;
pub mod protocol;
#[cfg(all(target_arch = "wasm32", feature = "page"))]
pub mod runtime;
#[cfg(all(target_arch = "wasm32", feature = "page"))]
pub mod ui;
