//! Storage: transactions that a crash cuts between any two, that fail, that are fenced, and that a power cut undoes.

use std::collections::BTreeMap;

use super::{Event, Input, Seen, Sim, StorageFailure};
use crate::domain::Timestamp;
use crate::domain::bug::{self, Bug};
use crate::protocol::effect::{Batch, Durability};
use crate::protocol::outbox::COMMANDS_MAX;
use crate::protocol::storage::{Row, Store, Stored};

/// Where a row lies.
type Place = (Store, String);

#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub(super) rows: BTreeMap<Place, String>,
    pub epoch: u64,
    /// What every commit meets while set.
    pub fails: Option<StorageFailure>,
    /// The tab that holds the lock, and those that wait.
    pub(super) leader: Option<usize>,
    pub(super) waiting: Vec<usize>,
    /// What stood where relaxed transactions have written since the last strict one: a power cut brings it back.
    unsynced: Vec<(Place, Option<String>)>,
}

impl Disk {
    pub fn count(&self, store: Store) -> usize {
        self.rows.keys().filter(|(at, _)| *at == store).count()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        self.rows.iter().map(row).collect()
    }

    /// What one store holds.
    pub(super) fn parse(&self, store: Store) -> Stored {
        Stored::parse(self.rows.iter().filter(|((at, _), _)| *at == store).map(row).collect())
    }

    fn set(&mut self, place: Place, value: Option<String>) -> Option<String> {
        match value {
            Some(value) => self.rows.insert(place, value),
            None => self.rows.remove(&place),
        }
    }

    fn lose_power(&mut self) -> usize {
        let undone = std::mem::take(&mut self.unsynced);
        let count = undone.len();
        for (place, before) in undone.into_iter().rev() {
            self.set(place, before);
        }
        count
    }
}

fn row(((store, key), value): (&Place, &String)) -> Row {
    Row { store: *store, key: key.clone(), value: Some(value.clone()) }
}

impl Sim {
    pub(super) fn begin_commit(&mut self, tab: usize, batch: Batch) {
        // Transactions over the same stores complete in the order in which they were started.
        let at =
            self.now.plus(self.delay(self.pace.commit_ms)).max(self.tabs[tab].committing_until);
        self.tabs[tab].committing_until = at;
        let (epoch, generation) = (self.tabs[tab].epoch, self.tabs[tab].generation);
        self.schedule_at(at, Event::Commit { tab, generation, epoch, batch });
    }

    fn may_commit(&self, tab: usize, epoch: u64) -> Result<(), StorageFailure> {
        let disk = &self.disks[self.tabs[tab].device];
        if disk.epoch != epoch && !bug::on(Bug::EpochNotChecked) {
            return Err(StorageFailure::Fenced);
        }
        disk.fails.map_or(Ok(()), Err)
    }

    /// A transaction completes, whether the tab is awake to hear of it or not.
    pub(super) fn commit(&mut self, tab: usize, epoch: u64, batch: Batch) {
        let id = batch.id;
        let input = match self.may_commit(tab, epoch) {
            Ok(()) => {
                self.write(tab, epoch, batch);
                Input::Committed(id)
            }
            Err(failure) => {
                self.ledger.seen(match failure {
                    StorageFailure::Fenced => Seen::FencedCommit,
                    StorageFailure::Quota | StorageFailure::Unavailable => Seen::FailedCommit,
                });
                Input::CommitFailed(id, failure)
            }
        };
        if self.is_frozen(tab) {
            self.later(tab, 0, input);
        } else {
            self.input(tab, input);
        }
    }

    fn write(&mut self, tab: usize, epoch: u64, batch: Batch) {
        let device = self.tabs[tab].device;
        let disk = &mut self.disks[device];
        assert_eq!(disk.epoch, epoch, "[12] a leader writes whose epoch has passed");
        for row in batch.rows {
            let place = (row.store, row.key.clone());
            self.ledger.stored(self.now, device, &row, disk.rows.get(&place).map(String::as_str));
            let before = disk.set(place.clone(), row.value);
            if batch.durability == Durability::Relaxed {
                disk.unsynced.push((place, before));
            }
        }
        if batch.durability == Durability::Strict {
            disk.unsynced.clear();
        }
        assert!(disk.count(Store::Outbox) <= COMMANDS_MAX, "[15] the outbox is too long");
    }

    /// Of the transactions under way some reach the disk, a prefix in order; nobody hears of either.
    pub(super) fn crash_commits(&mut self, tab: usize) {
        let generation = self.tabs[tab].generation;
        let under_way: Vec<(Timestamp, u64)> = self
            .events
            .iter()
            .filter(|(_, event)| {
                matches!(event, Event::Commit { tab: t, generation: g, .. } if *t == tab && *g == generation)
            })
            .map(|(key, _)| *key)
            .collect();
        for key in under_way {
            if self.random.up_to(1) == 0 {
                self.tell(|| format!("tab {tab}: what it was saving is lost"));
                return;
            }
            if let Some(Event::Commit { batch, epoch, .. }) = self.events.remove(&key)
                && self.may_commit(tab, epoch).is_ok()
            {
                self.tell(|| format!("tab {tab}: {:?} is on disk, and nobody heard", batch.id));
                self.ledger.seen(Seen::CommitNobodyHeardOf);
                self.write(tab, epoch, batch);
            }
        }
    }

    /// Every tab of a device dies at once, and what was not yet synced to its disk with them.
    pub fn power_cut(&mut self, device: usize) {
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].device == device {
                self.kill(tab);
            }
        }
        let undone = self.disks[device].lose_power();
        self.tell(|| format!("device {device} lost power, and {undone} relaxed writes"));
        if undone > 0 {
            self.ledger.seen(Seen::RelaxedWriteLost);
        }
    }
}
