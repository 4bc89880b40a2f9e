//! PeerJS as a service: commands in, typed events out. It owns every handle and callback of PeerJS, WebRTC
//! and the data channels, and decides nothing but what no machine can: whether a connection is one at all.
//!
//! What callers may rely on:
//! - Events come from a queue that a microtask empties: never while a method of [`PeerJs`] runs.
//! - A link that was dialled, or reported [`LinkEvent::Opened`], ends in exactly one of two ways: the caller
//!   closes it, or [`LinkEvent::Closed`] is reported. After either, nothing more is heard of it.
//! - A link is reported open only if its channel is ordered and reliable, and is the only one. Accepted
//!   links that never get there are closed here, unheard.
//! - The dialler speaks first. What the accepting end sends as its channel opens may be lost (with Chromium 156 in 3
//!   connections of 100, before [`link::await_network`]); what it sends in answer to a frame is not.
//! - A loss of signalling is reported once until it is mended, and not at all when it was asked for. Once
//!   [`SignallingEvent::Destroyed`] is reported, only [`SignallingCommand::Create`] helps.
//! - After `Create` and `Destroy` no signalling event of an earlier peer arrives.

mod ffi;
mod link;
mod links;
mod queue;
mod signalling;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::{JsString, Object, Reflect};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use self::ffi::Emitter;
use self::link::{Closing, Link};
use self::queue::EventQueue;
use self::signalling::{Health, Signalling};
use super::listener::Listener;
use crate::domain::config::Config;
use crate::domain::identity::PublicKey;
use crate::protocol::effect::{LinkEvent, LinkId, SignallingCommand, SignallingEvent};

/// What the service reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Signalling(SignallingEvent),
    Link(LinkId, LinkEvent),
}

/// The service. Dropping it closes everything, and nothing more is reported.
pub struct PeerJs {
    service: Rc<Service>,
}

struct Service {
    config: Config,
    token: Zeroizing<String>,
    events: Rc<EventQueue>,
    signalling: RefCell<Option<Signalling>>,
    health: Cell<Health>,
    links: RefCell<BTreeMap<LinkId, Link>>,
    /// Links closed by the caller whose last frames are still on their way.
    closing: RefCell<BTreeMap<u64, Closing>>,
    accepted: Cell<u64>,
    closed: Cell<u64>,
    /// The peer ids whose offers are passed over, until their timers have run out.
    shunned: RefCell<BTreeMap<String, Timeout>>,
}

impl PeerJs {
    /// `token` guards our id at the signalling server: stable and secret.
    pub fn new(config: Config, token: Zeroizing<String>, on_event: Rc<dyn Fn(Event)>) -> Self {
        let service = Service {
            config,
            token,
            events: EventQueue::new(on_event),
            signalling: RefCell::new(None),
            health: Cell::new(Health::Up),
            links: RefCell::new(BTreeMap::new()),
            closing: RefCell::new(BTreeMap::new()),
            accepted: Cell::new(0),
            closed: Cell::new(0),
            shunned: RefCell::new(BTreeMap::new()),
        };
        Self { service: Rc::new(service) }
    }

    /// Whether this page has PeerJS, and the browser WebRTC.
    pub fn supported() -> bool {
        ["Peer", "RTCPeerConnection"].into_iter().all(|name| {
            Reflect::get(&js_sys::global(), &name.into()).is_ok_and(|value| value.is_function())
        })
    }

    pub fn run(&self, command: SignallingCommand) {
        match command {
            SignallingCommand::Create { id } => self.service.create(&id),
            SignallingCommand::Reconnect => self.service.reconnect(),
            SignallingCommand::Disconnect => self.service.disconnect(),
            SignallingCommand::Destroy => self.service.discard(),
            SignallingCommand::Leave { peers } => self.service.leave(&peers),
        }
    }

    /// Dials `remote`. Only while signalling is open: before, offers are lost without a word.
    pub fn dial(&self, link: LinkId, remote: &str) {
        self.service.dial(link, remote);
    }

    /// Sends one frame over an open link.
    pub fn send(&self, link: LinkId, frame: &str) {
        self.service.send(link, frame);
    }

    /// Passes over what is offered under any id of this key for so long.
    pub fn shun(&self, key: PublicKey, ms: u64) {
        self.service.shun(key, ms);
    }

    /// Closes a link after the frames already sent over it.
    pub fn close(&self, link: LinkId) {
        self.service.close(link);
    }
}

impl Drop for PeerJs {
    fn drop(&mut self) {
        self.service.discard();
        self.service.events.clear();
    }
}

/// Listens to one of PeerJS's emitters.
fn on(
    emitter: &Emitter,
    event: &'static str,
    callback: impl Fn(JsValue) + 'static,
) -> Option<Listener> {
    let source = emitter.clone();
    Listener::attach(
        callback,
        |function| emitter.on(event, function).map(drop),
        move |function| {
            let _ = source.off(event, function);
        },
    )
}

/// A string, unless it is something else or longer than we care to copy.
fn text_within(value: &JsValue, units_max: u32) -> Option<String> {
    value.dyn_ref::<JsString>().filter(|text| text.length() <= units_max).map(String::from)
}

fn object(entries: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (key, value) in entries {
        // Can't fail on a plain object.
        let _ = Reflect::set(&object, &(*key).into(), value);
    }
    object
}
