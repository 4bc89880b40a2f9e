//! State machines: no clock, no randomness, no IO. Time and random bytes are passed in, effects come out.

pub mod backoff;
pub mod effect;
mod handover;
pub mod handshake;
pub mod hub;
pub mod liveness;
pub mod message;
pub mod node;
pub mod outbox;
pub mod random;
pub mod rate;
pub mod session;
pub mod signalling;
#[cfg(test)]
mod sim;
pub mod storage;
#[cfg(test)]
mod testing;
pub mod view;

use effect::{Batch, BatchId, Durability, LinkId, Output};
use random::Random;
use storage::Row;

use crate::domain::Timestamp;
use crate::domain::identity::KeyPair;

/// What a machine is handed along with each input.
pub struct Context<'a> {
    /// Never goes backwards: for deadlines.
    pub now: Timestamp,
    /// What the device's clock shows: for what people read.
    pub wall: Timestamp,
    pub key: &'a KeyPair,
    pub random: &'a mut Random,
    pub out: &'a mut Vec<Output>,
    next_batch: &'a mut u64,
    next_link: &'a mut u64,
}

impl Context<'_> {
    /// Asks for one transaction; its completion carries the id that this returns.
    pub fn commit(&mut self, rows: Vec<Row>, durability: Durability) -> BatchId {
        *self.next_batch += 1;
        let id = BatchId(*self.next_batch);
        self.out.push(Output::Commit(Batch { id, rows, durability }));
        id
    }

    /// Dials a peer; the link's events carry the id that this returns.
    pub fn dial(&mut self, remote: String) -> LinkId {
        *self.next_link += 1;
        let link = LinkId::Dialled(*self.next_link);
        self.out.push(Output::Dial { link, remote });
        link
    }

    pub fn changed(&mut self) {
        self.out.push(Output::Changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::testing::World;

    #[test]
    fn every_commit_and_every_dial_has_a_number_of_its_own() {
        let mut world = World::new(1);
        let batches = [1, 2, 3].map(|_| world.cx().commit(Vec::new(), Durability::Relaxed));
        assert_eq!(batches, [BatchId(1), BatchId(2), BatchId(3)]);
        let links = [1, 2, 3].map(|_| world.cx().dial(String::new()));
        assert_eq!(links, [LinkId::Dialled(1), LinkId::Dialled(2), LinkId::Dialled(3)]);
    }
}
