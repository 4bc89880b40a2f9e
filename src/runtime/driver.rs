//! Event in, outputs carried out, view published: the loop itself.
//!
//! Adapters never call back from within a call, so a [`Driver::handle`] is never re-entered by what it does;
//! what comes while one event is being handled waits in the queue all the same.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::{Signals, StorageNotice};
use crate::adapters::page::{self, Page, PageEvent};
use crate::adapters::peerjs::{Event, PeerJs};
use crate::adapters::storage::{self, Storage};
use crate::adapters::tabs::{Channel, LeaderLock};
use crate::adapters::timer::{self, Alarm};
use crate::domain::Timestamp;
use crate::protocol::effect::{Batch, Output};
use crate::protocol::node::{Input, Node};
use crate::protocol::storage::Row;
use crate::protocol::view::Intent;

/// After publishing, this many times as long as it took is left to everything else: a small room's page is
/// never behind, and a large one's never busy with showing alone.
const PUBLISH_REST: u64 = 3;

/// A place for what is made after its owner.
type Slot<T> = RefCell<Option<T>>;

/// Where what must last goes.
pub enum Keeping {
    Disk(Storage),
    /// No storage here: commands of ours live as long as the tab.
    Nothing,
}

/// What a driver is made of.
pub struct Parts {
    pub node: Node,
    /// The peer id: names the lock and the channel that the tabs of this identity share.
    pub name: String,
    pub peerjs: PeerJs,
    pub keeping: Keeping,
    pub signals: Signals,
}

pub struct Driver {
    me: Weak<Driver>,
    name: String,
    node: RefCell<Node>,
    queue: RefCell<VecDeque<Input>>,
    busy: Cell<bool>,
    peerjs: PeerJs,
    keeping: Keeping,
    epoch: Cell<u64>,
    /// How often the lead was asked for or given up: what takes its time looks whether it is still wanted.
    turn: Cell<u64>,
    lock: Slot<LeaderLock>,
    channel: Slot<Channel>,
    page: Slot<Page>,
    alarm: Alarm,
    publishing: Alarm,
    /// Whether a view is about to be published, and when the next may be.
    publish_due: Cell<bool>,
    publish_from: Cell<Timestamp>,
    asked_to_persist: Cell<bool>,
    signals: Signals,
}

impl Driver {
    pub fn new(me: Weak<Self>, parts: Parts) -> Self {
        let (on_alarm, on_publish) = (me.clone(), me.clone());
        Self {
            me,
            name: parts.name,
            node: RefCell::new(parts.node),
            queue: RefCell::default(),
            busy: Cell::new(false),
            peerjs: parts.peerjs,
            keeping: parts.keeping,
            epoch: Cell::new(0),
            turn: Cell::new(0),
            lock: Slot::default(),
            channel: Slot::default(),
            page: Slot::default(),
            alarm: Alarm::new(Rc::new(move || {
                with(&on_alarm, |driver| driver.handle(Input::Tick));
            })),
            publishing: Alarm::new(Rc::new(move || with(&on_publish, Driver::publish))),
            publish_due: Cell::new(false),
            publish_from: Cell::new(Timestamp::default()),
            asked_to_persist: Cell::new(false),
            signals: parts.signals,
        }
    }

    /// Attaches to the page and the other tabs, and asks for the lead.
    pub fn begin(&self) {
        let me = self.me.clone();
        let channel = Channel::open(
            &format!("peerpoll:{}", self.name),
            Rc::new(move |text| with(&me, |driver| driver.handle(Input::Tab(text)))),
        );
        self.channel.replace(channel);
        let me = self.me.clone();
        let on_page: Rc<dyn Fn(PageEvent)> =
            Rc::new(move |event| with(&me, |driver| driver.page_event(event)));
        self.page.replace(Some(Page::listen(&on_page)));
        self.handle(Input::Online(page::is_online()));
        // Says hello to a tab that leads already.
        let watching = self.node.borrow().watching();
        self.handle(Input::Watch(watching));
        self.ask_for_lead();
    }

    // --- the lead ------------------------------------------------------------------------------

    fn ask_for_lead(&self) {
        self.turn.update(|turn| turn + 1);
        let me = self.me.clone();
        if LeaderLock::available() {
            let lock = LeaderLock::request(&format!("owner:{}", self.name), move || {
                with(&me, Driver::take_lead);
            });
            let before = self.lock.replace(Some(lock));
            drop(before);
        } else {
            self.take_lead();
        }
    }

    /// The lock is ours: fence off whoever led before, load everything, and go.
    fn take_lead(&self) {
        let me = self.me.clone();
        let turn = self.turn.get();
        spawn_local(async move {
            let Some(driver) = me.upgrade() else { return };
            let loaded = match &driver.keeping {
                Keeping::Disk(storage) => {
                    // Nobody waits for it: it protects what is there from the next crash but one.
                    spawn_local(async {
                        // What fails now is done at the next start.
                        let _ = storage::begin_new_log().await;
                    });
                    load(storage).await.map(|(epoch, rows)| (epoch, rows, true))
                }
                Keeping::Nothing => Ok((driver.epoch.get(), Vec::new(), false)),
            };
            // Meanwhile the page may have been left, and the lock with it.
            if driver.turn.get() != turn {
                return;
            }
            match loaded {
                Ok((epoch, rows, durable)) => {
                    driver.epoch.set(epoch);
                    driver.handle(Input::Lead { epoch, rows, durable });
                }
                Err(words) => {
                    // Another tab may have more luck.
                    driver.release_lock();
                    driver.signals.notices.update(|notices| notices.fatal = Some(words));
                }
            }
        });
    }

    /// Lets go of the lock, and of what was begun to take the lead with it.
    fn release_lock(&self) {
        self.turn.update(|turn| turn + 1);
        let before = self.lock.replace(None);
        drop(before);
    }

    fn step_down(&self) {
        self.release_lock();
        // Without locks nobody could tell whose turn it is: this tab stays a follower until reloaded.
        if LeaderLock::available() {
            self.ask_for_lead();
        }
    }

    fn page_event(&self, event: PageEvent) {
        match event {
            PageEvent::Online => self.handle(Input::Online(true)),
            PageEvent::Offline => self.handle(Input::Online(false)),
            PageEvent::Visible | PageEvent::Resumed => self.handle(Input::Wake),
            PageEvent::Leaving => {
                self.handle(Input::Suspend);
                self.release_lock();
            }
            PageEvent::Shown { restored: true } => {
                let watching = self.node.borrow().watching();
                self.handle(Input::Watch(watching));
                self.ask_for_lead();
            }
            PageEvent::Shown { restored: false } | PageEvent::Hidden | PageEvent::Frozen => {}
        }
    }

    // --- the loop ------------------------------------------------------------------------------

    pub fn transport(&self, event: Event) {
        self.handle(match event {
            Event::Signalling(event) => Input::Signalling(event),
            Event::Link(link, event) => Input::Link(link, event),
        });
    }

    pub fn handle(&self, input: Input) {
        self.queue.borrow_mut().push_back(input);
        if self.busy.replace(true) {
            return;
        }
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(input) = next else { break };
            self.ask_to_persist(&input);
            let outputs = self.node.borrow_mut().handle(timer::now(), input);
            for output in outputs {
                self.carry_out(output);
            }
        }
        self.busy.set(false);
        let (due, serves_others) = {
            let node = self.node.borrow();
            (node.poll_timeout(), node.serves_others())
        };
        self.alarm.set(due);
        if let Some(page) = &*self.page.borrow() {
            page.set_leave_warning(serves_others);
        }
    }

    /// Every output there is, and what becomes of it.
    fn carry_out(&self, output: Output) {
        match output {
            Output::Commit(batch) => self.commit(batch),
            Output::Signalling(command) => self.peerjs.run(command),
            Output::Dial { link, remote } => self.peerjs.dial(link, &remote),
            Output::Send { link, frame } => self.peerjs.send(link, &frame),
            Output::CloseLink { link } => self.peerjs.close(link),
            Output::Shun { key, ms } => self.peerjs.shun(key, ms),
            Output::Broadcast(text) => {
                if let Some(channel) = &*self.channel.borrow() {
                    channel.post(&text);
                }
            }
            Output::Changed => self.publish_soon(),
            Output::StepDown => self.step_down(),
        }
    }

    fn commit(&self, batch: Batch) {
        let me = self.me.clone();
        // The epoch under which it was asked for, whatever this tab becomes meanwhile.
        let epoch = self.epoch.get();
        spawn_local(async move {
            let Some(driver) = me.upgrade() else { return };
            let done = match &driver.keeping {
                Keeping::Disk(storage) => storage.commit(epoch, &batch).await,
                Keeping::Nothing => Ok(()),
            };
            driver.handle(match done {
                Ok(()) => Input::Committed(batch.id),
                Err(failure) => Input::CommitFailed(batch.id, failure),
            });
        });
    }

    /// All changes of one event, and of those that come right behind it, make one view.
    fn publish_soon(&self) {
        if self.publish_due.replace(true) {
            return;
        }
        let from = self.publish_from.get();
        if timer::now() < from {
            self.publishing.set(Some(from));
        } else {
            let me = self.me.clone();
            spawn_local(async move { with(&me, Driver::publish) });
        }
    }

    fn publish(&self) {
        self.publish_due.set(false);
        let start = timer::now();
        let view = Arc::new(self.node.borrow().view());
        if self.signals.view.with_untracked(|shown| shown.as_ref() != Some(&view)) {
            self.signals.view.set(Some(view));
        }
        let end = timer::now();
        self.publish_from.set(end.plus(end.since(start) * PUBLISH_REST));
    }

    /// The first time there is something to lose, the browser is asked to keep it. Some browsers ask the
    /// person, who should know why by then.
    fn ask_to_persist(&self, input: &Input) {
        let worth_keeping = matches!(
            input,
            Input::Intent { intent: Intent::Create { .. } | Intent::Act { .. }, .. }
        );
        if !worth_keeping
            || matches!(self.keeping, Keeping::Nothing)
            || self.asked_to_persist.replace(true)
        {
            return;
        }
        let notices = self.signals.notices;
        spawn_local(async move {
            let answer = match storage::persisted().await {
                Some(true) => StorageNotice::Persistent,
                Some(false) => StorageNotice::MayBeErased,
                None => StorageNotice::Unknown,
            };
            notices.update(|notices| {
                if notices.storage != StorageNotice::ThrownAway {
                    notices.storage = answer;
                }
            });
        });
    }
}

/// Raises the epoch, and reads everything under it.
async fn load(storage: &Storage) -> Result<(u64, Vec<Row>), String> {
    let epoch = storage.raise_epoch().await.map_err(|error| error.to_string())?;
    let rows = storage.load().await.map_err(|error| error.to_string())?;
    Ok((epoch, rows))
}

fn with(driver: &Weak<Driver>, act: impl FnOnce(&Driver)) {
    if let Some(driver) = driver.upgrade() {
        act(&driver);
    }
}
