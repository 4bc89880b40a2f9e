//! Connections and signalling: whatever is sent may come late, or never, and an end may be the last to know.

use std::sync::Arc;

use super::checks::Origin;
use super::lies::Lie;
use super::{Event, Input, Seen, Sim, Tab};
use crate::domain::Timestamp;
use crate::domain::bytes::sha256;
use crate::protocol::effect::{
    Descriptions, LinkEvent, LinkId, SignallingCommand, SignallingEvent,
};

/// How long the signalling server keeps an offer for somebody who is not there.
const OFFER_EXPIRES_MS: u64 = 5_000;

/// One end of a connection. What it sends is received as long as the other end stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub other: usize,
    other_generation: u64,
    other_link: LinkId,
    /// When the newest of what this end sent arrives. The channel is ordered: nothing overtakes it.
    arrives: Timestamp,
    /// What this end sends from here on is lost, and it is not told.
    mute: bool,
}

/// An offer that waits at the signalling server.
#[derive(Debug)]
pub(super) struct Offer {
    tab: usize,
    generation: u64,
    link: LinkId,
    remote: String,
}

impl Sim {
    // --- connections ---------------------------------------------------------------------------

    fn can_reach(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.tabs[a].device, self.tabs[b].device);
        !self.partitioned.contains(&(a.min(b), a.max(b)))
            && [a, b].iter().all(|device| !self.offline.contains(device))
    }

    /// An offer from `tab` to whoever goes by `dialled` reaches `other`.
    fn connect(&mut self, tab: usize, link: LinkId, dialled: &str, other: usize) {
        let from = self.tabs[tab].registered.clone().unwrap_or_default();
        let mut shunned = self.tabs[other].shunned.iter().filter(|(_, until)| self.now < **until);
        if shunned.any(|(key, _)| key.owns_signalling_id(&from)) || !self.can_reach(tab, other) {
            return;
        }
        self.tabs[other].next_accepted += 1;
        let accepted = LinkId::Accepted(self.tabs[other].next_accepted);
        // Each knows the other by the name that signalling has for it.
        let ids = [from, dialled.to_owned()];
        let certificates = [tab, other].map(|tab| certificate(&self.tabs[tab], tab));
        // Somebody in between terminates both halves: each end sees a certificate that the other has not.
        let in_between = self.lying && self.random.up_to(5) == 0;
        let seen = if in_between {
            let own = sha256(&[b"in between"]).0;
            [fingerprint(own), fingerprint(own)]
        } else {
            certificates.clone()
        };
        let ends = [(tab, link, other, accepted), (other, accepted, tab, link)];
        for (at, (this, this_link, that, that_link)) in ends.into_iter().enumerate() {
            // Signalling goes there and back first.
            let opens = self.now.plus(1 + self.delay_on_the_way());
            let [ours, theirs] = [at, 1 - at];
            let event = LinkEvent::Opened {
                remote: ids[theirs].clone(),
                descriptions: Descriptions {
                    local_sdp: certificates[ours].clone(),
                    remote_sdp: seen[theirs].clone(),
                    remote_certificates: None,
                },
            };
            let generation = self.tabs[this].generation;
            let key = self.keys[self.tabs[that].device];
            let other = (that, self.tabs[that].generation, that_link);
            self.ledger.connected((this, generation, this_link), other, key, in_between);
            self.schedule_at(
                opens,
                Event::Input { tab: this, generation, input: Input::Link(this_link, event) },
            );
            // What the other end sends arrives at an open channel.
            self.tabs[that].links.insert(
                that_link,
                Wire {
                    other: this,
                    other_generation: generation,
                    other_link: this_link,
                    arrives: opens,
                    mute: false,
                },
            );
        }
    }

    /// When something that leaves now over this wire arrives.
    fn arrival(&mut self, tab: usize, link: LinkId) -> Option<(Wire, Timestamp)> {
        let at = self.now.plus(self.delay_on_the_way());
        let wire = self.tabs[tab].links.get_mut(&link).filter(|wire| !wire.mute)?;
        wire.arrives = at.max(wire.arrives);
        Some((*wire, wire.arrives))
    }

    pub(super) fn send(&mut self, tab: usize, link: LinkId, frame: Arc<str>) {
        let generation = self.tabs[tab].generation;
        self.tabs[tab].sent.push(frame.clone());
        self.ledger.sent(self.now, self.tabs[tab].device, (tab, generation, link), &frame);
        let Some((wire, at)) = self.arrival(tab, link) else { return };
        let Lie { instead, besides } = if self.lying {
            self.twist(link, frame)
        } else {
            Lie { instead: frame, besides: None }
        };
        for frame in std::iter::once(instead).chain(besides) {
            let (to, generation, link) = (wire.other, wire.other_generation, wire.other_link);
            self.schedule_at(at, Event::Frame { to, generation, link, frame });
        }
    }

    /// Closes this end; the other one hears of it behind all that was sent before.
    pub(super) fn close_link(&mut self, tab: usize, link: LinkId) {
        let arrival = self.arrival(tab, link);
        if self.tabs[tab].links.remove(&link).is_some() {
            self.ledger.closed((tab, self.tabs[tab].generation, link));
        }
        if let Some((wire, at)) = arrival {
            let (to, generation, link) = (wire.other, wire.other_generation, wire.other_link);
            self.schedule_at(at, Event::Gone { to, generation, link });
        }
    }

    pub(super) fn receive(&mut self, to: usize, generation: u64, link: LinkId, frame: &str) {
        let device = self.tabs[to].device;
        let wire = self.tabs[to].links.get(&link);
        if wire.is_some_and(|wire| wire.mute) {
            self.ledger.seen(Seen::OneWayFrame);
        }
        let other = wire.map(|wire| self.tabs[wire.other].device);
        let is_newer =
            |at: &LinkId, wire: &Wire| *at > link && Some(self.tabs[wire.other].device) == other;
        if self.tabs[to].links.iter().any(|(at, wire)| is_newer(at, wire)) {
            self.ledger.seen(Seen::FrameOfAnOlderLink);
        }
        self.ledger.arrived(self.now, device, (to, generation, link), frame, Origin::Peer);
        self.input(to, Input::Link(link, LinkEvent::Frame(frame.to_owned())));
    }

    fn for_each_wire(&mut self, from: usize, to: usize, mut change: impl FnMut(&mut Wire)) -> bool {
        let wires = self.tabs[from].links.values_mut().filter(|wire| wire.other == to);
        wires.map(&mut change).count() > 0
    }

    /// What one tab sends another is lost from here on, and neither is told.
    pub fn half_cut(&mut self, from: usize, to: usize) {
        self.tell(|| format!("what tab {from} sends to tab {to} is lost"));
        if self.for_each_wire(from, to, |wire| wire.mute = true) {
            self.ledger.seen(Seen::HalfCut);
        }
    }

    /// Ends the connections between two tabs without a word, and what is under way with them.
    pub fn cut(&mut self, a: usize, b: usize) {
        self.tell(|| format!("tab {a} and tab {b} are cut off from each other"));
        for (from, to) in [(a, b), (b, a)] {
            let before = self.tabs[from].links.len();
            self.tabs[from].links.retain(|_, wire| wire.other != to);
            if self.tabs[from].links.len() < before {
                self.ledger.seen(Seen::Cut);
            }
        }
    }

    /// Both directions are lost, but what is under way still arrives.
    pub fn fade(&mut self, a: usize, b: usize) {
        self.half_cut(a, b);
        self.half_cut(b, a);
    }

    /// Nothing passes between two tabs for so long, and then all of it at once.
    pub fn stall(&mut self, a: usize, b: usize, ms: u64) {
        self.tell(|| format!("nothing passes between tab {a} and tab {b} for {ms} ms"));
        let until = self.now.plus(ms);
        let later = |wire: &mut Wire| wire.arrives = wire.arrives.max(until);
        let stalled = [self.for_each_wire(a, b, later), self.for_each_wire(b, a, later)];
        if stalled.contains(&true) {
            self.ledger.seen(Seen::Stall);
        }
    }

    /// Two devices can't find each other any more. What connects them stalls, or is lost.
    pub fn part(&mut self, a: usize, b: usize) {
        self.tell(|| format!("device {a} and device {b} can't reach each other"));
        self.partitioned.insert((a.min(b), a.max(b)));
        let tabs_of = |sim: &Self, device| -> Vec<usize> {
            (0..sim.tabs.len()).filter(|tab| sim.tabs[*tab].device == device).collect()
        };
        for one in tabs_of(self, a) {
            for other in tabs_of(self, b) {
                if self.random.up_to(1) == 0 {
                    self.fade(one, other);
                } else {
                    let ms = self.random.up_to(30_000);
                    self.stall(one, other, ms);
                }
            }
        }
    }

    pub fn is_parted(&self, a: usize, b: usize) -> bool {
        self.partitioned.contains(&(a.min(b), a.max(b)))
    }

    pub fn is_offline(&self, device: usize) -> bool {
        self.offline.contains(&device)
    }

    pub fn rejoin(&mut self, a: usize, b: usize) {
        self.tell(|| format!("device {a} and device {b} can reach each other"));
        self.partitioned.remove(&(a.min(b), a.max(b)));
    }

    /// A device loses its network, and its browser says so. The signalling server does not notice.
    pub fn go_offline(&mut self, device: usize) {
        if !self.offline.insert(device) {
            return;
        }
        self.tell(|| format!("device {device} has no network"));
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].device == device {
                for other in 0..self.tabs.len() {
                    self.fade(tab, other);
                }
                self.later(tab, 1, Input::Online(false));
            }
        }
        self.ledger.seen(Seen::Offline);
    }

    pub fn go_online(&mut self, device: usize) {
        if self.offline.remove(&device) {
            self.tell(|| format!("device {device} has a network again"));
            for tab in 0..self.tabs.len() {
                if self.tabs[tab].device == device {
                    self.later(tab, 1, Input::Online(true));
                }
            }
        }
    }

    // --- signalling ----------------------------------------------------------------------------

    pub fn stop_signalling(&mut self) {
        self.signalling = None;
        self.offers.clear();
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].registered.take().is_some() {
                self.signal(tab, SignallingEvent::Lost);
            }
        }
    }

    pub fn start_signalling(&mut self) {
        self.signalling.get_or_insert_default();
    }

    /// A tab hears from its signalling client, in the order in which things happened.
    pub(super) fn signal(&mut self, tab: usize, event: SignallingEvent) {
        let at = self.now.plus(self.delay_on_the_way()).max(self.tabs[tab].signalled);
        self.tabs[tab].signalled = at;
        let generation = self.tabs[tab].generation;
        self.schedule_at(at, Event::Input { tab, generation, input: Input::Signalling(event) });
    }

    /// Somebody registers the id of a device that is not there.
    pub fn squat(&mut self, device: usize, squatter: usize) {
        let id = self.key(device).peer_id();
        let Some(ids) = &mut self.signalling else { return };
        if self.tabs[squatter].device != device && !ids.contains_key(&id) {
            ids.insert(id, squatter);
            self.tell(|| format!("tab {squatter} registers the id of device {device}"));
            self.ledger.seen(Seen::Squatter);
        }
    }

    pub fn evict_squatters(&mut self) {
        self.tell(|| "nobody goes by somebody else's id any more".to_owned());
        let (tabs, keys) = (&self.tabs, &self.keys);
        if let Some(ids) = &mut self.signalling {
            ids.retain(|id, tab| keys[tabs[*tab].device].owns_signalling_id(id));
        }
    }

    /// A tab's peer object is of no use any more.
    pub fn destroy_peer(&mut self, tab: usize) {
        if self.tabs[tab].registered.is_some() {
            self.unregister(tab);
            self.signal(tab, SignallingEvent::Destroyed);
        }
    }

    pub(super) fn offer(&mut self, tab: usize, link: LinkId, remote: String) {
        let generation = self.tabs[tab].generation;
        let Some(ids) = &self.signalling else { return };
        if self.offline.contains(&self.tabs[tab].device) {
            return;
        }
        if let Some(other) = ids.get(&remote).copied() {
            return self.connect(tab, link, &remote, other);
        }
        self.offers.push(Offer { tab, generation, link, remote: remote.clone() });
        self.schedule(OFFER_EXPIRES_MS, Event::OfferExpired { tab, generation, link, remote });
    }

    pub(super) fn expire(&mut self, tab: usize, generation: u64, link: LinkId, remote: String) {
        let waits =
            |offer: &Offer| (offer.tab, offer.generation, offer.link) == (tab, generation, link);
        if let Some(at) = self.offers.iter().position(waits) {
            self.offers.remove(at);
            self.input(tab, Input::Signalling(SignallingEvent::PeerUnavailable { remote }));
        }
    }

    pub(super) fn signalling_command(&mut self, tab: usize, command: SignallingCommand) {
        match command {
            SignallingCommand::Create { id } => self.register(tab, &id),
            SignallingCommand::Reconnect => {
                let id = self.tabs[tab].id.clone();
                self.register(tab, &id);
            }
            SignallingCommand::Disconnect => self.unregister(tab),
            SignallingCommand::Destroy => {
                self.unregister(tab);
                let links: Vec<LinkId> = self.tabs[tab].links.keys().copied().collect();
                for link in links {
                    self.close_link(tab, link);
                }
            }
            SignallingCommand::Leave { peers } => {
                let Some(src) = self.tabs[tab].registered.clone() else { return };
                for peer in peers {
                    let found = self.signalling.as_ref().and_then(|ids| ids.get(&peer).copied());
                    if let Some(to) = found.filter(|to| self.can_reach(tab, *to)) {
                        self.signal(to, SignallingEvent::PeerLeft { remote: src.clone() });
                    }
                }
            }
        }
    }

    fn register(&mut self, tab: usize, id: &str) {
        self.tabs[tab].id = id.to_owned();
        let device = self.tabs[tab].device;
        let Some(ids) = self.signalling.as_mut().filter(|_| !self.offline.contains(&device)) else {
            return self.signal(tab, SignallingEvent::Lost);
        };
        // Tabs of one device know the token; nobody else does.
        if ids.get(id).is_some_and(|holder| self.tabs[*holder].device != device) {
            self.ledger.seen(Seen::IdTaken);
            return self.signal(tab, SignallingEvent::IdTaken);
        }
        ids.insert(id.to_owned(), tab);
        self.tabs[tab].registered = Some(id.to_owned());
        self.signal(tab, SignallingEvent::Opened);
        let waiting: Vec<_> = self.offers.extract_if(.., |offer| offer.remote == id).collect();
        for Offer { tab: from, generation, link, remote } in waiting {
            if self.lives(from, generation) {
                self.connect(from, link, &remote, tab);
            }
        }
    }

    /// A tab is gone, and with it every socket of its own, under whatever id.
    pub(super) fn hang_up(&mut self, tab: usize) {
        self.unregister(tab);
        if let Some(ids) = &mut self.signalling {
            ids.retain(|_, holder| *holder != tab);
        }
    }

    /// The tab's socket closes. As at PeerServer, that frees an id only if no newer socket holds it.
    pub(super) fn unregister(&mut self, tab: usize) {
        if let Some(id) = self.tabs[tab].registered.take()
            && let Some(ids) = &mut self.signalling
            && ids.get(&id) == Some(&tab)
        {
            ids.remove(&id);
        }
    }
}

fn fingerprint(digest: [u8; 32]) -> String {
    format!("a=fingerprint:sha-256 {}", digest.map(|byte| format!("{byte:02x}")).join(":"))
}

/// What a tab's descriptions say of its own certificate.
fn certificate(tab: &Tab, n: usize) -> String {
    fingerprint(sha256(&[&n.to_be_bytes(), &tab.generation.to_be_bytes()]).0)
}
