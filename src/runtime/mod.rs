//! The only driver: an event goes into the node, its outputs are carried out here, its view is published.
//!
//! * [`App`] is what pages hold: signals to read, intents to give.
//! * [`driver`] owns the node and every adapter. Events come to it one at a time, in order.
//! * [`startup`] gathers what it takes to make one: configuration, storage, an identity.

mod driver;
mod startup;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;

use crate::adapters::{page, timer};
use crate::domain::Timestamp;
use crate::domain::command::CommandId;
use crate::domain::identity::{PollId, RoomRef};
use crate::protocol::node::Input;
pub use crate::protocol::view;
use driver::Driver;
use view::{AppView, Intent};

/// How often countdowns move.
const CLOCK_TICK_MS: u32 = 1_000;

/// Facts about this browser that people should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    pub storage: StorageNotice,
    /// No Web Locks: several tabs can't agree which of them leads.
    pub no_locks: bool,
    pub no_webrtc: bool,
    /// What is wrong with `config.json`.
    pub signalling_misconfigured: Option<String>,
    /// A newer version of the page has taken the database: reload.
    pub newer_tab: bool,
    /// Nothing works, and why.
    pub fatal: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorageNotice {
    /// Not asked yet.
    #[default]
    Unknown,
    Persistent,
    /// The browser may erase it when space runs short or after some weeks.
    MayBeErased,
    /// Nothing can be stored.
    Unavailable,
    /// The browser found what was stored here damaged, and has thrown it away.
    ThrownAway,
}

/// The signals that the driver writes and pages read.
#[derive(Clone, Copy)]
struct Signals {
    view: RwSignal<Option<Arc<AppView>>>,
    notices: RwSignal<Notices>,
}

/// Until the driver is there, what people do waits here.
enum Stage {
    Starting(VecDeque<Input>),
    Running(Rc<Driver>),
}

/// The app as pages see it.
#[derive(Clone, Copy)]
pub struct App {
    signals: Signals,
    now: RwSignal<Timestamp>,
    stage: StoredValue<Rc<RefCell<Stage>>, LocalStorage>,
}

impl App {
    /// Starts the driver. Call once.
    pub fn start() -> Self {
        let signals =
            Signals { view: RwSignal::new(None), notices: RwSignal::new(Notices::default()) };
        let now = RwSignal::new(timer::now());
        let stage = Rc::new(RefCell::new(Stage::Starting(VecDeque::new())));
        let app = Self { signals, now, stage: StoredValue::new_local(Rc::clone(&stage)) };
        let clock =
            gloo_timers::callback::Interval::new(CLOCK_TICK_MS, move || now.set(timer::now()));
        // The clock stops with the page.
        let _keeps_ticking = StoredValue::new_local(clock);
        wasm_bindgen_futures::spawn_local(async move {
            match startup::start(signals).await {
                Ok(driver) => {
                    let before = stage.replace(Stage::Running(Rc::clone(&driver)));
                    if let Stage::Starting(waiting) = before {
                        for input in waiting {
                            driver.handle(input);
                        }
                    }
                    driver.begin();
                }
                Err(reason) => signals.notices.update(|notices| notices.fatal = Some(reason)),
            }
        });
        app
    }

    /// `None` until everything is loaded.
    pub fn view(self) -> Signal<Option<Arc<AppView>>> {
        self.signals.view.into()
    }

    pub fn notices(self) -> Signal<Notices> {
        self.signals.notices.into()
    }

    /// Moves about once a second, for countdowns.
    pub fn now(self) -> Signal<Timestamp> {
        self.now.into()
    }

    pub fn dispatch(self, intent: Intent) {
        match page::random_bytes() {
            Ok(bytes) => {
                self.input(Input::Intent { intent, command: CommandId::from_random(bytes) });
            }
            Err(_) => self.no_randomness(),
        }
    }

    /// Which room this tab shows.
    pub fn watch(self, room: Option<RoomRef>) {
        self.input(Input::Watch(room));
    }

    pub fn new_poll_id(self) -> PollId {
        let bytes = page::random_bytes().unwrap_or_else(|_| {
            self.no_randomness();
            [0; 16]
        });
        PollId(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Where links start from; ends with `/`.
    pub fn base_url(self) -> String {
        let base = page::base_uri().unwrap_or_default();
        let end = base.find(['?', '#']).unwrap_or(base.len());
        let path = base.get(..end).unwrap_or_default();
        path.rsplit_once('/').map_or_else(String::new, |(folder, _)| format!("{folder}/"))
    }

    /// Whether this tab has an identity of its own.
    pub fn guest(self) -> bool {
        page::wants_guest()
    }

    fn no_randomness(self) {
        let words = "This browser has no secure random numbers, so no votes can be signed.";
        self.signals.notices.update(|notices| notices.fatal = Some(words.to_owned()));
    }

    fn input(self, input: Input) {
        let stage = self.stage.get_value();
        let driver = match &mut *stage.borrow_mut() {
            Stage::Starting(waiting) => return waiting.push_back(input),
            Stage::Running(driver) => Rc::clone(driver),
        };
        driver.handle(input);
    }
}
