//! A little world for unit tests of one machine.

use super::Context;
use super::effect::Output;
use super::random::Random;
use crate::domain::Timestamp;
use crate::domain::identity::KeyPair;

const START: Timestamp = Timestamp(1_700_000_000_000);

pub struct World {
    pub now: Timestamp,
    pub key: KeyPair,
    random: Random,
    out: Vec<Output>,
    next_batch: u64,
    next_link: u64,
}

impl World {
    pub fn new(seed: u8) -> Self {
        Self {
            now: START,
            key: KeyPair::from_seed(&[seed; 32]),
            random: Random::new([seed; 32]),
            out: Vec::new(),
            next_batch: 0,
            next_link: 0,
        }
    }

    pub fn cx(&mut self) -> Context<'_> {
        Context {
            now: self.now,
            wall: self.now,
            key: &self.key,
            random: &mut self.random,
            out: &mut self.out,
            next_batch: &mut self.next_batch,
            next_link: &mut self.next_link,
        }
    }

    /// What was put out since the last call.
    pub fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    pub fn elapsed(&self) -> u64 {
        self.now.since(START)
    }
}
