//! Our end at the signalling server: making it, losing it, and what it reports.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::{Array, Function, JSON};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::ffi::{DataConnection, Peer, PeerError, ServerMessage, Socket};
use super::{Event, PeerJs, Service, object, on, text_within};
use crate::adapters::listener::Listener;
use crate::domain::config::Config;
use crate::protocol::effect::SignallingEvent;

const PING_INTERVAL_MS: u32 = 5_000;
/// Longer ids are nobody's.
pub(super) const ID_UNITS_MAX: u32 = 128;
const ERROR_UNITS_MAX: u32 = 1_000;
/// How PeerJS words `peer-unavailable`; the id appears nowhere else.
const UNAVAILABLE_PREFIX: &str = "Could not connect to peer ";
/// The server's word for a peer whose connections are dead.
const LEAVE: &str = "LEAVE";
/// The server's words about ourselves, or about a peer as a whole.
const ABOUT_PEERS: [&str; 6] = ["OPEN", "ERROR", "ID-TAKEN", "INVALID-KEY", "EXPIRE", LEAVE];
/// Its words about one connection: somebody dials us, answers us, or tells an address.
const OFFER: &str = "OFFER";
const ANSWER: &str = "ANSWER";
const CANDIDATE: &str = "CANDIDATE";
/// Addresses kept for connections that may yet be offered. Whoever comes sends a handful, of some 200 units each.
const STRAYS_MAX: usize = 500;
const STRAY_UNITS_MAX: u32 = 2_000;
/// What PeerJS's socket tells of everything that the server says.
const SERVER_MESSAGE: &str = "message";

pub(super) struct Signalling {
    peer: Peer,
    listeners: Vec<Listener>,
}

/// What has been reported of the peer since it last was well: PeerJS tells one loss in up to three events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Up,
    Lost,
    Destroyed,
}

/// What an `error` event of PeerJS means to us.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    Lost,
    IdTaken,
    Unusable,
    PeerUnavailable(String),
    /// A negotiation failed, and PeerJS does not say which: that link never opens.
    Negotiation,
}

impl Trouble {
    fn read(kind: &str, message: &str) -> Self {
        match kind {
            "unavailable-id" => Self::IdTaken,
            "peer-unavailable" => message
                .strip_prefix(UNAVAILABLE_PREFIX)
                .map_or(Self::Negotiation, |remote| Self::PeerUnavailable(remote.to_owned())),
            "browser-incompatible" | "invalid-id" | "invalid-key" | "ssl-unavailable" => {
                Self::Unusable
            }
            "network" | "server-error" | "socket-error" | "socket-closed" | "disconnected" => {
                Self::Lost
            }
            _ => Self::Negotiation,
        }
    }
}

impl Service {
    /// The current peer's handle, for calls without a borrow.
    pub(super) fn peer(&self) -> Option<Peer> {
        self.signalling.borrow().as_ref().map(|signalling| signalling.peer.clone())
    }

    pub(super) fn create(self: &Rc<Self>, id: &str) {
        self.discard();
        self.health.set(Health::Up);
        match self.make_peer(id) {
            Some(signalling) => {
                self.signalling.replace(Some(signalling));
            }
            None => self.destroyed(),
        }
    }

    pub(super) fn reconnect(self: &Rc<Self>) {
        let Some(peer) = self.peer().filter(|_| self.health.get() != Health::Destroyed) else {
            self.report(SignallingEvent::Destroyed);
            return;
        };
        if peer.destroyed().unwrap_or(true) {
            self.report(SignallingEvent::Destroyed);
        } else if peer.open().unwrap_or(false) {
            self.report(SignallingEvent::Opened);
        } else if peer.disconnected().unwrap_or(false) {
            self.health.set(Health::Up);
            if peer.reconnect().is_err() {
                self.lost();
            }
        }
        // Otherwise the first connection is still being made, and will be reported.
    }

    /// Leaves the server; open links stay. Not reported: it was asked for.
    pub(super) fn disconnect(&self) {
        if self.health.get() == Health::Up {
            self.health.set(Health::Lost);
        }
        if let Some(peer) = self.peer() {
            let _ = peer.disconnect();
        }
    }

    /// Closes every link, then the peer. The links one by one, because PeerJS's `destroy()` skips some when
    /// several lead to one peer.
    pub(super) fn discard(self: &Rc<Self>) {
        self.end_all();
        self.events.forget_signalling();
        self.health.set(Health::Destroyed);
        let Some(Signalling { peer, listeners }) = self.signalling.take() else { return };
        drop(listeners);
        let _ = peer.destroy();
    }

    /// The server relays this with our id as its sender. An empty addressee would log ourselves off.
    pub(super) fn leave(&self, peers: &[String]) {
        let Some(socket) = self.peer().and_then(|peer| peer.socket().ok()) else { return };
        for peer in peers.iter().filter(|peer| !peer.is_empty()) {
            let message =
                object(&[("type", LEAVE.into()), ("dst", peer.into()), ("payload", JsValue::NULL)]);
            let _ = socket.send(&message);
        }
    }

    fn make_peer(self: &Rc<Self>, id: &str) -> Option<Signalling> {
        if !PeerJs::supported() {
            return None;
        }
        let peer = Peer::new(id, &peer_options(&self.config, &self.token)?).ok()?;
        let Some(listeners) = self.listen(&peer) else {
            let _ = peer.destroy();
            return None;
        };
        Some(Signalling { peer, listeners })
    }

    fn listen(self: &Rc<Self>, peer: &Peer) -> Option<Vec<Listener>> {
        let socket = peer.socket().ok()?;
        Some(vec![
            on(peer, "open", self.callback(|service, _| service.opened()))?,
            on(peer, "disconnected", self.callback(|service, _| service.lost()))?,
            on(peer, "close", self.callback(|service, _| service.closed_by_peerjs()))?,
            on(peer, "error", self.callback(|service, error| service.trouble(error)))?,
            on(peer, "connection", self.callback(Self::accept))?,
            self.screen(peer, &socket)?,
        ])
    }

    /// Takes the place of PeerJS's own listener, and passes on what it may hear. PeerJS makes a connection of
    /// every offer before it tells of it, and a page may make only so many; and what comes for a connection
    /// that it does not know it keeps for ever.
    fn screen(self: &Rc<Self>, peer: &Peer, socket: &Socket) -> Option<Listener> {
        let listeners = socket.listeners(SERVER_MESSAGE).ok().filter(|all| all.length() == 1)?;
        let theirs: Function = listeners.get(0).dyn_into().ok()?;
        socket.off(SERVER_MESSAGE, &theirs).ok()?;
        let strays = Strays { peer: peer.clone(), ids: RefCell::default() };
        let heard = self.callback(move |service, message| {
            let message: ServerMessage = message.unchecked_into();
            let kind = message.kind().ok().and_then(|kind| text_within(&kind, ID_UNITS_MAX));
            let is_passed_on = match kind.as_deref() {
                Some(OFFER) => service.admits(&message),
                Some(ANSWER) => strays.know(&message),
                Some(CANDIDATE) => strays.know(&message) || strays.keep(&message),
                Some(kind) => ABOUT_PEERS.contains(&kind),
                None => false,
            };
            if is_passed_on {
                // It throws at what it can't read.
                let _ = theirs.call1(&JsValue::UNDEFINED, &message);
            }
            service.heard(&message);
        });
        on(socket, SERVER_MESSAGE, heard)
    }

    /// A callback that does nothing once the service is gone.
    pub(super) fn callback(
        self: &Rc<Self>,
        then: impl Fn(&Rc<Self>, JsValue) + 'static,
    ) -> impl Fn(JsValue) + 'static {
        let service = Rc::downgrade(self);
        move |value| {
            if let Some(service) = service.upgrade() {
                then(&service, value);
            }
        }
    }

    fn opened(&self) {
        if self.health.get() != Health::Destroyed {
            self.health.set(Health::Up);
            self.report(SignallingEvent::Opened);
        }
    }

    fn lost(&self) {
        if self.health.get() == Health::Up {
            self.health.set(Health::Lost);
            self.report(SignallingEvent::Lost);
        }
    }

    fn destroyed(&self) {
        if self.health.replace(Health::Destroyed) != Health::Destroyed {
            self.report(SignallingEvent::Destroyed);
        }
    }

    /// PeerJS destroyed the peer by itself, and may have left some of its links open.
    fn closed_by_peerjs(self: &Rc<Self>) {
        self.end_all();
        self.destroyed();
    }

    fn trouble(&self, error: JsValue) {
        let error: PeerError = error.unchecked_into();
        let kind = error.kind().ok().and_then(|kind| text_within(&kind, ERROR_UNITS_MAX));
        let message =
            error.message().ok().and_then(|message| text_within(&message, ERROR_UNITS_MAX));
        match Trouble::read(&kind.unwrap_or_default(), &message.unwrap_or_default()) {
            Trouble::Lost => self.lost(),
            Trouble::IdTaken => {
                if self.health.get() == Health::Up {
                    self.health.set(Health::Lost);
                }
                self.report(SignallingEvent::IdTaken);
            }
            Trouble::Unusable => self.destroyed(),
            Trouble::PeerUnavailable(remote) => {
                self.report(SignallingEvent::PeerUnavailable { remote });
            }
            Trouble::Negotiation => {}
        }
    }

    /// Messages of the server that PeerJS acts upon but does not tell of.
    fn heard(&self, message: &ServerMessage) {
        if !message.kind().is_ok_and(|kind| kind == LEAVE) {
            return;
        }
        if let Some(remote) = message.src().ok().and_then(|src| text_within(&src, ID_UNITS_MAX)) {
            self.report(SignallingEvent::PeerLeft { remote });
        }
    }

    fn report(&self, event: SignallingEvent) {
        self.events.push(Event::Signalling(event));
    }
}

/// What PeerJS keeps for connections that it does not know yet: an address may come before its offer.
struct Strays {
    peer: Peer,
    /// For which connections, a message each, oldest first.
    ids: RefCell<VecDeque<String>>,
}

impl Strays {
    /// Whether a message is for a connection that is there.
    fn know(&self, message: &ServerMessage) -> bool {
        let remote = message.src().ok().and_then(|src| text_within(&src, ID_UNITS_MAX));
        let Some((remote, id)) = remote.zip(connection_id(message)) else { return false };
        self.peer.get_connection(&remote, &id).is_ok_and(|connection| connection.is_object())
    }

    /// Makes room for one more, at the cost of the oldest; false if it is for no connection at all, or no address.
    fn keep(&self, message: &ServerMessage) -> bool {
        let text = JSON::stringify(message).ok().filter(|text| text.length() <= STRAY_UNITS_MAX);
        let Some((id, _)) = connection_id(message).zip(text) else { return false };
        let mut ids = self.ids.borrow_mut();
        ids.push_back(id);
        let oldest = if ids.len() > STRAYS_MAX { ids.pop_front() } else { None };
        drop(ids);
        if let Some(oldest) = oldest {
            let _ = self.peer.take_messages(&oldest);
        }
        true
    }
}

fn connection_id(message: &ServerMessage) -> Option<String> {
    let id = message.payload().ok()?.connection_id().ok()?;
    text_within(&id, ID_UNITS_MAX).filter(|id| !id.is_empty())
}

/// Closes what we do not want. A microtask later: PeerJS is not done with it while it tells of it.
pub(super) fn refuse(connection: DataConnection) {
    spawn_local(async move {
        let _ = connection.close();
    });
}

/// `config` is always given: PeerJS's own names public STUN and TURN servers.
fn peer_options(config: &Config, token: &str) -> Option<js_sys::Object> {
    let page = web_sys::window()?.location();
    let server = &config.signalling;
    let secure = match server.secure {
        Some(secure) => secure,
        None => page.protocol().ok()? == "https:",
    };
    let default_port = if secure { 443 } else { 80 };
    let (host, port) = if let Some(host) = &server.host {
        (host.clone(), server.port.unwrap_or(default_port))
    } else {
        let page_port = page.port().ok()?.parse().unwrap_or(default_port);
        (page.hostname().ok()?, server.port.unwrap_or(page_port))
    };
    let ice_servers: Array = config
        .ice_servers
        .iter()
        .map(|server| {
            let urls: Array = server.urls.iter().map(JsValue::from).collect();
            let mut entries = vec![("urls", urls.into())];
            entries.extend(server.username.as_ref().map(|name| ("username", name.into())));
            entries.extend(server.credential.as_ref().map(|secret| ("credential", secret.into())));
            object(&entries)
        })
        .collect();
    Some(object(&[
        ("host", host.into()),
        ("port", port.into()),
        ("path", (&server.path).into()),
        ("secure", secure.into()),
        ("key", (&server.key).into()),
        ("token", token.into()),
        ("pingInterval", PING_INTERVAL_MS.into()),
        ("debug", 0.into()),
        ("config", object(&[("iceServers", ice_servers.into())]).into()),
    ]))
}
