//! One browser API each. An adapter owns handles and closures, turns callbacks into typed events,
//! and decides nothing.
//!
//! Invariants, for all of them:
//! - what a browser or a peer hands over is checked before it is used, and nothing panics on it;
//! - no `RefCell` is borrowed while JavaScript runs, for it may call back;
//! - a callback lives in the struct that attached it, and goes with it ([`listener`]): none is leaked;
//! - adapters do not know each other.

mod listener;
pub mod page;
pub mod peerjs;
pub mod storage;
pub mod tabs;
pub mod timer;
