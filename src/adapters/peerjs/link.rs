//! One connection: its handles, how far it has come, and what must be true of it before it counts as open.

use gloo_timers::callback::Timeout;
use js_sys::{Array, ArrayBuffer, Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{RtcDataChannel, RtcPeerConnection, RtcSessionDescription};

use super::ffi::DataConnection;
use super::text_within;
use crate::adapters::listener::Listener;
use crate::protocol::effect::Descriptions;

const SDP_UNITS_MAX: u32 = 64 * 1024;
const CERTIFICATES_MAX: u32 = 8;
const CERTIFICATE_BYTES_MAX: u32 = 16 * 1024;
/// Frames kept while a channel is open but not yet announced: a handshake's first words, no more.
const EARLY_FRAMES_MAX: usize = 16;

pub(super) struct Link {
    pub connection: DataConnection,
    pub rtc: RtcPeerConnection,
    pub remote: String,
    pub state: State,
    pub listeners: Vec<Listener>,
}

pub(super) enum State {
    /// Being negotiated, by the deadline if there is one.
    Negotiating { deadline: Option<Timeout> },
    /// The channel is open already, and may bring frames, while the browser has yet to apply the other
    /// end's description: without it nobody can tell to whom the channel leads.
    Settling { deadline: Option<Timeout>, channel: RtcDataChannel, early: Vec<String> },
    /// Announced to the caller.
    Open { channel: RtcDataChannel },
}

/// A link that the caller has closed.
pub(super) struct Closing {
    pub connection: DataConnection,
    pub rtc: RtcPeerConnection,
    pub _deadline: Timeout,
}

impl Link {
    pub fn is_open(&self) -> bool {
        self.open_channel().is_some()
    }

    pub fn open_channel(&self) -> Option<&RtcDataChannel> {
        match &self.state {
            State::Open { channel } => Some(channel),
            State::Negotiating { .. } | State::Settling { .. } => None,
        }
    }

    /// What it is made of, the channel once that has opened.
    pub fn channel_handles(&self) -> (DataConnection, RtcPeerConnection, Option<RtcDataChannel>) {
        let channel = match &self.state {
            State::Negotiating { .. } => None,
            State::Settling { channel, .. } | State::Open { channel } => Some(channel.clone()),
        };
        (self.connection.clone(), self.rtc.clone(), channel)
    }

    /// The channel has opened.
    pub fn settle(&mut self, channel: RtcDataChannel, listeners: [Listener; 2]) {
        let deadline = match &mut self.state {
            State::Negotiating { deadline } | State::Settling { deadline, .. } => deadline.take(),
            State::Open { .. } => None,
        };
        self.listeners.extend(listeners);
        self.state = State::Settling { deadline, channel, early: Vec::new() };
    }

    /// Keeps a frame that came too early; false when there are too many of them.
    pub fn keep_early(&mut self, frame: String) -> bool {
        let State::Settling { early, .. } = &mut self.state else { return false };
        if early.len() >= EARLY_FRAMES_MAX {
            return false;
        }
        early.push(frame);
        true
    }

    /// All is known: the link is open. Returns what has come early, and the deadline it has met.
    pub fn open(&mut self) -> (Vec<String>, Option<Timeout>) {
        let State::Settling { deadline, channel, early } = &mut self.state else {
            return (Vec::new(), None);
        };
        let met = (std::mem::take(early), deadline.take());
        self.state = State::Open { channel: channel.clone() };
        met
    }

    /// Closes at once. The listeners go first: this end is not to be told of it.
    pub fn shut(self) {
        let Self { connection, rtc, listeners, .. } = self;
        drop(listeners);
        shut(&connection, &rtc);
    }
}

pub(super) fn shut(connection: &DataConnection, rtc: &RtcPeerConnection) {
    let _ = connection.close();
    rtc.close();
}

/// Waits until the network has an accepted channel open, as the page has. Chromium 156 tells the page first and looks at the
/// network's state once more afterwards; when that changes just then, the page's goes back to "connecting": for a moment, and
/// the channel opens twice (28 of 9,100 connections), or for good, and nothing can be sent (1 of them). After this: 0 of 7,400.
/// Each call waits for a thread, which by then has done what it was asked before: the first for the one that asks for the
/// opening, the second for the one that opens.
pub(super) fn await_network(rtc: &RtcPeerConnection, channel: &RtcDataChannel) {
    let _ = rtc.set_configuration_with_configuration(&rtc.get_configuration());
    let _ = channel.id();
}

/// The dialler chooses this. web-sys has no `ordered`.
pub(super) fn is_ordered_and_reliable(channel: &RtcDataChannel) -> bool {
    let ordered = Reflect::get(channel, &"ordered".into()).is_ok_and(|ordered| ordered == true);
    ordered && channel.max_retransmits().is_none() && channel.max_packet_life_time().is_none()
}

pub(super) fn descriptions(rtc: &RtcPeerConnection) -> Option<Descriptions> {
    let local = rtc.current_local_description().or_else(|| rtc.local_description())?;
    let remote = rtc.current_remote_description().or_else(|| rtc.remote_description())?;
    Some(Descriptions {
        local_sdp: sdp(&local)?,
        remote_sdp: sdp(&remote)?,
        remote_certificates: remote_certificates(rtc),
    })
}

fn sdp(description: &RtcSessionDescription) -> Option<String> {
    text_within(&Reflect::get(description, &"sdp".into()).ok()?, SDP_UNITS_MAX)
}

/// The certificates that DTLS saw; `None` only where the browser has no way to tell. What it tells and can't be read comes
/// as no certificate, which nobody takes for the right one. web-sys knows nothing of SCTP.
fn remote_certificates(rtc: &RtcPeerConnection) -> Option<Vec<Vec<u8>>> {
    let sctp = Reflect::get(rtc, &"sctp".into()).ok()?;
    let transport = Reflect::get(&sctp, &"transport".into()).ok()?;
    let read: Function =
        Reflect::get(&transport, &"getRemoteCertificates".into()).ok()?.dyn_into().ok()?;
    Some(read.call0(&transport).ok().and_then(certificates).unwrap_or_default())
}

fn certificates(list: JsValue) -> Option<Vec<Vec<u8>>> {
    let list: Array =
        list.dyn_into().ok().filter(|list: &Array| list.length() <= CERTIFICATES_MAX)?;
    list.iter()
        .map(|certificate| {
            let bytes: ArrayBuffer = certificate.dyn_into().ok()?;
            (bytes.byte_length() <= CERTIFICATE_BYTES_MAX).then(|| Uint8Array::new(&bytes).to_vec())
        })
        .collect()
}
