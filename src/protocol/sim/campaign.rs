//! Many seeds on all cores, with a word about how it goes.
//!
//! `PEERPOLL_SEEDS` says how many, `PEERPOLL_SEED` replays one with its whole story. Both are what
//! `cargo xtask sim` sets.

use std::panic::catch_unwind;
use std::sync::Mutex;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::chaos::{Outcome, Trace, run};
use super::seen::{Seen, Sightings};

/// How many seeds a plain test run tries, unoptimised.
const SEEDS_DEFAULT: u64 = 100;
/// From so many seeds on everything must have happened that is worth counting.
const SEEDS_FOR_EVERYTHING: u64 = 2_000;
/// Words about progress in one run.
const REPORTS: u64 = 20;

#[derive(Clone, Debug, Default)]
struct Total {
    seeds: u64,
    simulated_ms: u64,
    acked: u64,
    sightings: Sightings,
}

impl Total {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.simulated_ms += outcome.simulated_ms;
        self.acked += outcome.acked as u64;
        self.sightings.add(&outcome.sightings);
    }

    fn tell(&self, of: u64) {
        let Self { seeds, simulated_ms, acked, .. } = self;
        let hours = simulated_ms / 3_600_000;
        println!("{seeds} of {of} seeds: {hours} poll-hours, {acked} acked commands");
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs seeds `0..count` on every core and stops at one that fails.
fn run_all(count: u64) -> Result<Total, u64> {
    let total = Mutex::new(Total::default());
    (0..count).into_par_iter().try_for_each(|seed| -> Result<(), u64> {
        let outcome = catch_unwind(|| run(seed, Trace::Off)).map_err(|_| seed)?;
        let mut total = total.lock().expect("no panic while held");
        total.add(&outcome);
        if total.seeds % count.div_ceil(REPORTS) == 0 {
            total.tell(count);
        }
        Ok(())
    })?;
    Ok(total.into_inner().expect("no panic while held"))
}

#[test]
fn random_rooms_keep_every_promise() {
    if let Some(seed) = number("PEERPOLL_SEED") {
        let outcome = run(seed, Trace::On);
        println!("trace {:?}", outcome.trace);
        return;
    }
    let count = number("PEERPOLL_SEEDS").unwrap_or(SEEDS_DEFAULT);
    match run_all(count) {
        Ok(total) => {
            assert!(total.seeds == count && total.acked > 0);
            for seen in Seen::ALL {
                let times = total.sightings.of(seen);
                println!("{seen:?}: {times}");
                assert!(times > 0 || count < SEEDS_FOR_EVERYTHING, "{seen:?} never happened");
            }
        }
        Err(seed) => {
            panic!("seed {seed} fails; replay it with its story: cargo xtask sim --seed {seed}")
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..5 {
        assert_eq!(run(seed, Trace::Off).trace, run(seed, Trace::Off).trace);
    }
}
