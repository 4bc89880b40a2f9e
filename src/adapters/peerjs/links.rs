//! Connections to peers, from offer to end.
//!
//! PeerJS negotiates; once the channel is open it is ours. Frames are read from and written to the
//! `RTCDataChannel` itself, because PeerJS's own sending buffers above 8 MiB, strands what it buffered and
//! delivers later frames ahead of it, and because PeerJS would mix in what a second channel brings.

use std::cell::Cell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    MessageEvent, RtcDataChannel, RtcPeerConnection, RtcPeerConnectionState, RtcSignalingState,
};

use super::ffi::{DataConnection, ServerMessage};
use super::link::{
    Closing, Link, State, await_network, descriptions, is_ordered_and_reliable, shut,
};
use super::signalling::{ID_UNITS_MAX, refuse};
use super::{Event, Service, object, on, text_within};
use crate::adapters::listener::Listener;
use crate::domain::identity::{PublicKey, peer_id_in};
use crate::protocol::effect::{LinkEvent, LinkId};

/// The serialisation we dial with and accept: plain text, so that parsing and its limits are ours.
const SERIALIZATION: &str = "raw";
/// What PeerJS calls a connection without pictures and sound.
const KIND: &str = "data";
/// UTF-16 units of a frame. A frame's limit is in bytes, of which there are never fewer.
const FRAME_UNITS_MAX: u32 = 16_000;
/// Above this many unsent bytes the caller is told at each send, and at last when the low mark is reached.
const BUFFERED_BYTES_HIGH: u32 = 1024 * 1024;
const BUFFERED_BYTES_LOW: u32 = 256 * 1024;
/// An accepted connection opens within this time or is closed.
const OPENING_MS_MAX: u32 = 15_000;
/// Accepted connections opening at one time, well below what a page may have. 380 people who came at once
/// all got in within 9 s, on two cores for everybody.
const OPENING_MAX: usize = 400;
/// Of these, from one peer: it may redial, but not keep the others out.
const OPENING_PER_PEER_MAX: usize = 4;
/// How long the last frames of a closed link may take.
const CLOSING_MS_MAX: u32 = 2_000;

impl Service {
    pub(super) fn dial(self: &Rc<Self>, link: LinkId, remote: &str) {
        self.close(link);
        let connection = self.connect(remote);
        let adopted = connection.is_some_and(|connection| {
            self.adopt(link, connection, remote.to_owned(), State::Negotiating { deadline: None })
        });
        if !adopted {
            self.events.push(Event::Link(link, LinkEvent::Closed));
        }
    }

    fn connect(&self, remote: &str) -> Option<DataConnection> {
        let peer = self.peer().filter(|peer| peer.open().unwrap_or(false))?;
        let options = object(&[("reliable", true.into()), ("serialization", SERIALIZATION.into())]);
        peer.connect(remote, &options).ok().filter(JsValue::is_object).map(JsCast::unchecked_into)
    }

    /// Whether an offer becomes a connection. PeerJS lets the dialler pick the serialiser, and with a name like
    /// `constructor` makes something that is no connection.
    pub(super) fn admits(&self, offer: &ServerMessage) -> bool {
        let remote = offer.src().ok().and_then(|src| text_within(&src, ID_UNITS_MAX));
        let is_ours = offer.payload().is_ok_and(|payload| {
            payload.kind().is_ok_and(|kind| kind == KIND)
                && payload.serialization().is_ok_and(|name| name == SERIALIZATION)
        });
        is_ours
            && remote.is_some_and(|remote| !self.is_shunned(&remote) && self.has_room_for(&remote))
    }

    /// An offer that was admitted has become a connection.
    pub(super) fn accept(self: &Rc<Self>, connection: JsValue) {
        let connection: DataConnection = connection.unchecked_into();
        let remote = connection.peer().ok().and_then(|id| text_within(&id, ID_UNITS_MAX));
        let Some(remote) = remote else { return refuse(connection) };
        self.accepted.set(self.accepted.get() + 1);
        let link = LinkId::Accepted(self.accepted.get());
        let service = Rc::downgrade(self);
        let deadline = Timeout::new(OPENING_MS_MAX, move || {
            spawn_local(async move {
                if let Some(service) = service.upgrade() {
                    service.end(link);
                }
            });
        });
        self.adopt(link, connection, remote, State::Negotiating { deadline: Some(deadline) });
    }

    /// Enters a connection into the registry; false, and closed, when it can't be listened to.
    fn adopt(
        self: &Rc<Self>,
        link: LinkId,
        connection: DataConnection,
        remote: String,
        state: State,
    ) -> bool {
        let rtc = connection.peer_connection().ok().and_then(|rtc| rtc.dyn_into().ok());
        let Some(rtc) = rtc else {
            refuse(connection);
            return false;
        };
        let Some(listeners) = self.watch(link, &connection, &rtc) else {
            refuse(connection);
            return false;
        };
        self.links.borrow_mut().insert(link, Link { connection, rtc, remote, state, listeners });
        true
    }

    fn watch(
        self: &Rc<Self>,
        link: LinkId,
        connection: &DataConnection,
        rtc: &RtcPeerConnection,
    ) -> Option<Vec<Listener>> {
        let end = || self.callback(move |service, _| service.end(link));
        // Negotiated once and never again: the handshake is bound to these descriptions.
        let end_if_open = || {
            self.callback(move |service, _| {
                if service.is_open(link) {
                    service.end(link);
                }
            })
        };
        let channels_awaited = Cell::new(match link {
            LinkId::Dialled(_) => 0,
            LinkId::Accepted(_) => 1_u32,
        });
        let on_channel =
            self.callback(move |service, _| match channels_awaited.get().checked_sub(1) {
                Some(left) => channels_awaited.set(left),
                None => service.end(link),
            });
        let (connecting, negotiating) = (rtc.clone(), rtc.clone());
        let on_connection_state =
            self.callback(move |service, _| match connecting.connection_state() {
                RtcPeerConnectionState::Failed | RtcPeerConnectionState::Closed => {
                    service.end(link);
                }
                _ => {}
            });
        let on_signalling_state = self.callback(move |service, _| {
            let is_stable = negotiating.signaling_state() == RtcSignalingState::Stable;
            match (service.is_open(link), is_stable) {
                (true, false) => service.end(link),
                (false, true) => service.announce(link),
                (true, true) | (false, false) => {}
            }
        });
        Some(vec![
            on(connection, "open", self.callback(move |service, _| service.channel_opened(link)))?,
            on(connection, "close", end())?,
            on(connection, "error", end())?,
            Listener::dom(rtc, "connectionstatechange", on_connection_state)?,
            Listener::dom(rtc, "signalingstatechange", on_signalling_state)?,
            Listener::dom(rtc, "negotiationneeded", end_if_open())?,
            Listener::dom(rtc, "datachannel", on_channel)?,
            Listener::dom(rtc, "track", end())?,
        ])
    }

    fn channel_opened(self: &Rc<Self>, link: LinkId) {
        let entry = self.links.borrow().get(&link).map(Link::channel_handles);
        let Some((connection, rtc, known)) = entry else { return };
        let channel: Option<RtcDataChannel> =
            connection.data_channel().ok().and_then(|channel| channel.dyn_into().ok());
        // Chromium at times fires `open` twice at the accepting end.
        if known.is_some() && known == channel {
            return;
        }
        let watched = channel
            .filter(|channel| known.is_none() && is_ordered_and_reliable(channel))
            .and_then(|channel| Some((self.watch_channel(link, &channel)?, channel)));
        let Some((listeners, channel)) = watched else { return self.end(link) };
        if matches!(link, LinkId::Accepted(_)) {
            await_network(&rtc, &channel);
        }
        channel.set_buffered_amount_low_threshold(BUFFERED_BYTES_LOW);
        if let Some(entry) = self.links.borrow_mut().get_mut(&link) {
            entry.settle(channel, listeners);
        }
        self.announce(link);
    }

    /// Reports an open channel once the descriptions stand. The dialler's channel has been seen to open
    /// before its `setRemoteDescription` was through.
    fn announce(self: &Rc<Self>, link: LinkId) {
        let settling = match self.links.borrow().get(&link) {
            Some(Link { state: State::Settling { .. }, rtc, remote, .. }) => {
                (rtc.clone(), remote.clone())
            }
            Some(_) | None => return,
        };
        let (rtc, remote) = settling;
        if rtc.signaling_state() != RtcSignalingState::Stable {
            return;
        }
        let Some(descriptions) = descriptions(&rtc) else { return self.end(link) };
        let opened = self.links.borrow_mut().get_mut(&link).map(Link::open);
        let Some((early, met)) = opened else { return };
        drop(met);
        self.events.push(Event::Link(link, LinkEvent::Opened { remote, descriptions }));
        for frame in early {
            self.events.push(Event::Link(link, LinkEvent::Frame(frame)));
        }
    }

    fn watch_channel(
        self: &Rc<Self>,
        link: LinkId,
        channel: &RtcDataChannel,
    ) -> Option<[Listener; 2]> {
        let draining = channel.clone();
        let on_low = self.callback(move |service, _| {
            let bytes = draining.buffered_amount().into();
            service.events.push(Event::Link(link, LinkEvent::Buffered { bytes }));
        });
        Some([
            Listener::dom(
                channel,
                "message",
                self.callback(move |service, event| service.frame_arrived(link, event)),
            )?,
            Listener::dom(channel, "bufferedamountlow", on_low)?,
        ])
    }

    /// Anything but a text of a frame's size is told of without being copied.
    fn frame_arrived(self: &Rc<Self>, link: LinkId, event: JsValue) {
        let data = event.dyn_into::<MessageEvent>().map(|event| event.data());
        let frame = data.ok().and_then(|data| text_within(&data, FRAME_UNITS_MAX));
        if self.is_open(link) {
            let event = frame.map_or(LinkEvent::NoFrame, LinkEvent::Frame);
            return self.events.push(Event::Link(link, event));
        }
        let Some(frame) = frame else { return self.end(link) };
        if !self.keep_early(link, frame) {
            self.end(link);
        }
    }

    pub(super) fn send(self: &Rc<Self>, link: LinkId, frame: &str) {
        let channel =
            self.links.borrow().get(&link).and_then(|entry| entry.open_channel().cloned());
        let Some(channel) = channel else { return };
        if channel.send_with_str(frame).is_err() {
            return self.end(link);
        }
        let bytes = channel.buffered_amount();
        if bytes > BUFFERED_BYTES_HIGH {
            self.events.push(Event::Link(link, LinkEvent::Buffered { bytes: bytes.into() }));
        }
    }

    /// Closes the channel, which first delivers what was sent, then the connection. Closing the connection
    /// alone would drop a last word like a refusal.
    pub(super) fn close(self: &Rc<Self>, link: LinkId) {
        self.events.forget_link(link);
        let Some(entry) = self.remove(link) else { return };
        let Some(channel) = entry.open_channel() else { return entry.shut() };
        channel.close();
        let Link { connection, rtc, listeners, .. } = entry;
        drop(listeners);
        let serial = self.closed.get();
        self.closed.set(serial + 1);
        let service = Rc::downgrade(self);
        let deadline = Timeout::new(CLOSING_MS_MAX, move || {
            spawn_local(async move {
                if let Some(service) = service.upgrade() {
                    service.finish_closing(serial);
                }
            });
        });
        let closing = Closing { connection, rtc, _deadline: deadline };
        self.closing.borrow_mut().insert(serial, closing);
    }

    fn finish_closing(&self, serial: u64) {
        let closing = self.closing.borrow_mut().remove(&serial);
        if let Some(Closing { connection, rtc, .. }) = &closing {
            shut(connection, rtc);
        }
    }

    /// The link is over by no wish of the caller, who is told if it knows the link.
    fn end(self: &Rc<Self>, link: LinkId) {
        let Some(entry) = self.remove(link) else { return };
        if entry.is_open() || matches!(link, LinkId::Dialled(_)) {
            self.events.push(Event::Link(link, LinkEvent::Closed));
        }
        entry.shut();
    }

    /// Ends every link, and waits for none.
    pub(super) fn end_all(self: &Rc<Self>) {
        let all: Vec<LinkId> = self.links.borrow().keys().copied().collect();
        for link in all {
            self.end(link);
        }
        for Closing { connection, rtc, .. } in self.closing.take().values() {
            shut(connection, rtc);
        }
    }

    fn remove(&self, link: LinkId) -> Option<Link> {
        self.links.borrow_mut().remove(&link)
    }

    fn is_open(&self, link: LinkId) -> bool {
        self.links.borrow().get(&link).is_some_and(Link::is_open)
    }

    fn keep_early(&self, link: LinkId, frame: String) -> bool {
        self.links.borrow_mut().get_mut(&link).is_some_and(|entry| entry.keep_early(frame))
    }

    pub(super) fn shun(self: &Rc<Self>, key: PublicKey, ms: u64) {
        let service = Rc::downgrade(self);
        let peer_id = key.peer_id();
        let shunned = peer_id.clone();
        let timer = Timeout::new(u32::try_from(ms).unwrap_or(u32::MAX), move || {
            spawn_local(async move {
                if let Some(service) = service.upgrade() {
                    service.shunned.borrow_mut().remove(&shunned);
                }
            });
        });
        self.shunned.borrow_mut().insert(peer_id, timer);
    }

    fn is_shunned(&self, remote: &str) -> bool {
        self.shunned.borrow().contains_key(peer_id_in(remote))
    }

    /// Whether one more connection from `remote` may be opening.
    fn has_room_for(&self, remote: &str) -> bool {
        let links = self.links.borrow();
        let opening = || {
            links
                .iter()
                .filter(|(link, entry)| matches!(link, LinkId::Accepted(_)) && !entry.is_open())
        };
        opening().count() < OPENING_MAX
            && opening().filter(|(_, entry)| entry.remote == remote).count() < OPENING_PER_PEER_MAX
    }
}
