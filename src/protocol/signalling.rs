//! Staying reachable: the connection to the signalling server, as one explicit lifecycle.
//!
//! PeerJS tells little: `open` may never come, a half-open socket looks open, and a taken id destroys the
//! peer before the first `open` but not after. So there is a watchdog on every attempt, every waking
//! cycles the socket, and what the peer object still is good for is tracked here.

use super::Context;
use super::backoff::{Backoff, STABLE_MS};
use super::effect::{Output, SignallingCommand, SignallingEvent};
use super::view::SignallingView;
use crate::domain::Timestamp;
use crate::domain::bytes::base32;

/// `open` must come this soon after creating or reconnecting.
pub const OPEN_WATCHDOG_MS: u64 = 8_000;
/// A socket that opened this lately is not cycled again.
const CYCLE_SPACING_MS: u64 = 5_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody needs it.
    Off,
    Opening {
        deadline: Timestamp,
    },
    /// A standing socket is being replaced; it counts as open until the watchdog says otherwise.
    Cycling {
        deadline: Timestamp,
    },
    Open {
        since: Timestamp,
    },
    Waiting {
        until: Timestamp,
        id_taken: bool,
    },
}

/// Which id to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdPolicy {
    /// An owner: links name exactly this id.
    Exact,
    /// A participant: a suffix is fine while a ghost holds the plain id.
    AnySuffix,
}

/// PeerJS's object, without which there is nothing to reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Absent,
    /// It has not been open yet.
    New,
    /// It has been open, and may hold connections that a new one would end.
    Proven,
}

#[derive(Debug)]
pub struct Signalling {
    state: State,
    backoff: Backoff,
    /// The id asked for last.
    id: String,
    peer: Peer,
    /// What is being opened may have been taken over and let go meanwhile.
    stale: bool,
    online: bool,
}

impl Signalling {
    pub fn new() -> Self {
        Self {
            state: State::Off,
            backoff: Backoff::default(),
            id: String::new(),
            peer: Peer::Absent,
            stale: false,
            online: true,
        }
    }

    /// The id under which others know this end.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether dialling makes sense now.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    pub fn view(&self) -> SignallingView {
        match self.state {
            State::Off => SignallingView::Off,
            _ if !self.online => SignallingView::NoNetwork,
            State::Opening { .. } => SignallingView::Connecting,
            State::Cycling { .. } | State::Open { .. } => SignallingView::Open,
            State::Waiting { until, id_taken: true } => SignallingView::IdTaken { retry_at: until },
            State::Waiting { until, id_taken: false } => {
                SignallingView::Waiting { retry_at: until }
            }
        }
    }

    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.state {
            State::Off | State::Open { .. } => None,
            State::Opening { deadline } | State::Cycling { deadline } => Some(deadline),
            State::Waiting { until, .. } => self.online.then_some(until),
        }
    }

    /// Somebody needs it: start unless started.
    pub fn want(&mut self, cx: &mut Context<'_>) {
        if self.state == State::Off {
            self.attempt(cx);
        }
    }

    /// Close everything; `want` starts again.
    pub fn stop(&mut self, cx: &mut Context<'_>) {
        if self.state != State::Off {
            self.state = State::Off;
            self.peer = Peer::Absent;
            cx.out.push(Output::Signalling(SignallingCommand::Destroy));
        }
    }

    /// True when this made the connection usable.
    #[must_use]
    pub fn on_event(
        &mut self,
        cx: &mut Context<'_>,
        event: &SignallingEvent,
        policy: IdPolicy,
    ) -> bool {
        match event {
            SignallingEvent::Opened => return self.opened(cx),
            SignallingEvent::Lost => self.lost(cx),
            SignallingEvent::Destroyed => {
                self.peer = Peer::Absent;
                self.lost(cx);
            }
            SignallingEvent::IdTaken => self.id_taken(cx, policy),
            SignallingEvent::PeerUnavailable { .. } | SignallingEvent::PeerLeft { .. } => {}
        }
        false
    }

    /// One that comes after the watchdog gave the attempt up is stale: that socket is closed.
    fn opened(&mut self, cx: &mut Context<'_>) -> bool {
        match self.state {
            State::Off | State::Waiting { .. } => false,
            State::Opening { .. } | State::Cycling { .. } | State::Open { .. } => {
                self.peer = Peer::Proven;
                self.state = State::Open { since: cx.now };
                if std::mem::take(&mut self.stale) {
                    self.cycle(cx);
                }
                true
            }
        }
    }

    fn lost(&mut self, cx: &mut Context<'_>) {
        match self.state {
            State::Off | State::Waiting { .. } => return,
            State::Open { since } if cx.now.since(since) >= STABLE_MS => self.backoff.reset(),
            State::Open { .. } | State::Opening { .. } | State::Cycling { .. } => {}
        }
        self.wait(cx, false);
    }

    fn wait(&mut self, cx: &mut Context<'_>, id_taken: bool) {
        let until = cx.now.plus(self.backoff.next_ms(cx.random));
        self.state = State::Waiting { until, id_taken };
    }

    fn id_taken(&mut self, cx: &mut Context<'_>, policy: IdPolicy) {
        if self.state == State::Off {
            return;
        }
        let may_be_a_ghost = policy == IdPolicy::AnySuffix && self.id == cx.key.public().peer_id();
        if may_be_a_ghost {
            let suffix = base32(&cx.random.bytes().0[..5]);
            return self.create(cx, format!("{}-{suffix}", cx.key.public()));
        }
        // Before the first `open` PeerJS destroys the peer. After it, connections stand that a new one would end.
        if self.peer == Peer::New {
            self.peer = Peer::Absent;
        }
        self.wait(cx, true);
    }

    pub fn tick(&mut self, cx: &mut Context<'_>) {
        match self.state {
            State::Opening { deadline } | State::Cycling { deadline } if cx.now >= deadline => {
                cx.out.push(Output::Signalling(SignallingCommand::Disconnect));
                self.wait(cx, false);
            }
            State::Waiting { until, .. } if self.online && cx.now >= until => self.attempt(cx),
            State::Off
            | State::Open { .. }
            | State::Opening { .. }
            | State::Cycling { .. }
            | State::Waiting { .. } => {}
        }
    }

    /// The page came back, the network did, or somebody pressed "Try now": believe no socket.
    pub fn wake(&mut self, cx: &mut Context<'_>) {
        match self.state {
            State::Waiting { .. } => self.attempt(cx),
            State::Open { since } if cx.now.since(since) >= CYCLE_SPACING_MS => self.cycle(cx),
            State::Off | State::Open { .. } | State::Opening { .. } | State::Cycling { .. } => {}
        }
    }

    /// Another tab may have taken the id over and let it go: a plain PeerServer tells the socket from before of
    /// neither, so it looks open and nobody is found through it.
    pub fn renew(&mut self, cx: &mut Context<'_>) {
        match self.state {
            State::Open { .. } => self.cycle(cx),
            State::Opening { .. } | State::Cycling { .. } => self.stale = true,
            State::Off | State::Waiting { .. } => {}
        }
    }

    fn cycle(&mut self, cx: &mut Context<'_>) {
        cx.out.push(Output::Signalling(SignallingCommand::Disconnect));
        cx.out.push(Output::Signalling(SignallingCommand::Reconnect));
        self.state = State::Cycling { deadline: cx.now.plus(OPEN_WATCHDOG_MS) };
    }

    /// What the browser says about the network. Standing sockets are left alone; attempts pause.
    pub fn set_online(&mut self, online: bool) {
        self.online = online;
    }

    fn attempt(&mut self, cx: &mut Context<'_>) {
        match self.peer {
            Peer::Absent => self.create(cx, cx.key.public().peer_id()),
            Peer::New | Peer::Proven => {
                cx.out.push(Output::Signalling(SignallingCommand::Reconnect));
                self.state = State::Opening { deadline: cx.now.plus(OPEN_WATCHDOG_MS) };
            }
        }
    }

    fn create(&mut self, cx: &mut Context<'_>, id: String) {
        self.id.clone_from(&id);
        self.peer = Peer::New;
        self.state = State::Opening { deadline: cx.now.plus(OPEN_WATCHDOG_MS) };
        cx.out.push(Output::Signalling(SignallingCommand::Create { id }));
    }
}

impl Default for Signalling {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::testing::World;

    fn commands(world: &mut World) -> Vec<SignallingCommand> {
        let taken = world.take();
        taken
            .into_iter()
            .map(|output| match output {
                Output::Signalling(command) => command,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn id(world: &World) -> String {
        world.key.public().peer_id()
    }

    fn opened(world: &mut World) -> Signalling {
        let mut signalling = Signalling::new();
        signalling.want(&mut world.cx());
        assert!(signalling.on_event(&mut world.cx(), &SignallingEvent::Opened, IdPolicy::Exact));
        world.take();
        signalling
    }

    #[test]
    fn an_open_that_never_comes_is_tried_again() {
        let mut world = World::new(1);
        let mut signalling = Signalling::new();
        signalling.want(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Create { id: id(&world) }]);
        world.now = signalling.poll_timeout().expect("a watchdog");
        assert_eq!(world.elapsed(), OPEN_WATCHDOG_MS);
        signalling.tick(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Disconnect]);
        let late = signalling.on_event(&mut world.cx(), &SignallingEvent::Opened, IdPolicy::Exact);
        assert!(!late && !signalling.is_open(), "its socket is closed");
        world.now = signalling.poll_timeout().expect("a retry");
        signalling.tick(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Reconnect]);
    }

    #[test]
    fn an_id_that_another_tab_let_go_is_registered_again() {
        let cycle = [SignallingCommand::Disconnect, SignallingCommand::Reconnect];
        let mut world = World::new(1);
        let mut signalling = opened(&mut world);
        signalling.renew(&mut world.cx());
        assert_eq!(commands(&mut world), cycle, "however lately it opened");
        signalling.renew(&mut world.cx());
        assert_eq!(commands(&mut world), [], "not before this one is through");
        for again in [&cycle[..], &[]] {
            let usable =
                signalling.on_event(&mut world.cx(), &SignallingEvent::Opened, IdPolicy::Exact);
            assert!(usable);
            assert_eq!(commands(&mut world), again);
        }
    }

    #[test]
    fn a_lost_socket_keeps_the_peer_and_a_destroyed_one_does_not() {
        let mut world = World::new(1);
        for (event, expected) in [
            (SignallingEvent::Lost, SignallingCommand::Reconnect),
            (SignallingEvent::Destroyed, SignallingCommand::Create { id: id(&world) }),
        ] {
            let mut signalling = opened(&mut world);
            assert!(!signalling.on_event(&mut world.cx(), &event, IdPolicy::Exact));
            assert!(!signalling.is_open());
            world.now = signalling.poll_timeout().expect("a retry");
            signalling.tick(&mut world.cx());
            assert_eq!(commands(&mut world), [expected]);
        }
    }

    #[test]
    fn an_owner_waits_for_its_id_and_a_participant_takes_another() {
        let mut world = World::new(1);
        let mut owner = Signalling::new();
        owner.want(&mut world.cx());
        assert!(!owner.on_event(&mut world.cx(), &SignallingEvent::IdTaken, IdPolicy::Exact));
        assert!(matches!(owner.view(), SignallingView::IdTaken { .. }));
        world.take();
        world.now = owner.poll_timeout().expect("a retry");
        owner.tick(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Create { id: id(&world) }]);

        let mut participant = Signalling::new();
        participant.want(&mut world.cx());
        world.take();
        assert!(!participant.on_event(
            &mut world.cx(),
            &SignallingEvent::IdTaken,
            IdPolicy::AnySuffix
        ));
        let created = commands(&mut world);
        assert_eq!(created, [SignallingCommand::Create { id: participant.id().to_owned() }]);
        assert!(world.key.public().owns_signalling_id(participant.id()));
        assert_ne!(participant.id(), id(&world));
    }

    #[test]
    fn an_owner_whose_id_is_given_away_keeps_who_is_connected() {
        let mut world = World::new(1);
        let mut signalling = opened(&mut world);
        for _ in 0..2 {
            assert!(!signalling.on_event(
                &mut world.cx(),
                &SignallingEvent::IdTaken,
                IdPolicy::Exact
            ));
            assert!(matches!(signalling.view(), SignallingView::IdTaken { .. }));
            world.now = signalling.poll_timeout().expect("a retry");
            signalling.tick(&mut world.cx());
            assert_eq!(commands(&mut world), [SignallingCommand::Reconnect]);
        }
    }

    #[test]
    fn a_participant_who_is_denied_a_suffix_too_waits() {
        let mut world = World::new(1);
        let mut signalling = Signalling::new();
        signalling.want(&mut world.cx());
        for _ in 0..2 {
            let denied = signalling.on_event(
                &mut world.cx(),
                &SignallingEvent::IdTaken,
                IdPolicy::AnySuffix,
            );
            assert!(!denied);
        }
        assert_eq!(commands(&mut world).len(), 2, "the plain id, and one suffix");
        assert!(matches!(signalling.view(), SignallingView::IdTaken { .. }));
        world.now = signalling.poll_timeout().expect("a retry");
        signalling.tick(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Create { id: id(&world) }]);
    }

    #[test]
    fn waking_cycles_an_old_socket_and_hurries_a_waiting_one() {
        let mut world = World::new(1);
        let mut signalling = opened(&mut world);
        signalling.wake(&mut world.cx());
        assert_eq!(commands(&mut world), []);
        world.now = world.now.plus(CYCLE_SPACING_MS);
        signalling.wake(&mut world.cx());
        assert_eq!(
            commands(&mut world),
            [SignallingCommand::Disconnect, SignallingCommand::Reconnect]
        );
        assert_eq!(signalling.view(), SignallingView::Open);
        assert!(!signalling.is_open());

        assert!(!signalling.on_event(&mut world.cx(), &SignallingEvent::Lost, IdPolicy::Exact));
        signalling.wake(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Reconnect]);
    }

    #[test]
    fn attempts_pause_while_there_is_no_network() {
        let mut world = World::new(1);
        let mut signalling = opened(&mut world);
        signalling.set_online(false);
        assert!(signalling.is_open(), "a standing socket is left alone");
        assert_eq!(
            signalling.view(),
            SignallingView::NoNetwork,
            "and what the browser says is said"
        );
        assert!(!signalling.on_event(&mut world.cx(), &SignallingEvent::Lost, IdPolicy::Exact));
        assert_eq!(signalling.poll_timeout(), None);
        assert_eq!(signalling.view(), SignallingView::NoNetwork);
        signalling.set_online(true);
        assert!(signalling.poll_timeout().is_some());
    }

    #[test]
    fn a_tick_too_early_or_without_a_network_tries_nothing() {
        let mut world = World::new(1);
        let mut signalling = opened(&mut world);
        assert!(!signalling.on_event(&mut world.cx(), &SignallingEvent::Lost, IdPolicy::Exact));
        let due = signalling.poll_timeout().expect("a retry");
        world.now = Timestamp(due.0 - 1);
        signalling.tick(&mut world.cx());
        world.now = due;
        signalling.set_online(false);
        signalling.tick(&mut world.cx());
        assert_eq!(commands(&mut world), []);
        signalling.set_online(true);
        signalling.tick(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Reconnect]);
        assert_eq!(signalling.view(), SignallingView::Connecting);
        signalling.tick(&mut world.cx());
        signalling.wake(&mut world.cx());
        assert_eq!(commands(&mut world), [], "it is under way");
    }

    #[test]
    fn a_socket_that_is_replaced_in_vain_is_given_up() {
        let mut world = World::new(1);
        let mut signalling = opened(&mut world);
        signalling.renew(&mut world.cx());
        world.take();
        assert_eq!(signalling.poll_timeout(), Some(world.now.plus(OPEN_WATCHDOG_MS)));
        world.now = world.now.plus(OPEN_WATCHDOG_MS - 1);
        signalling.tick(&mut world.cx());
        assert_eq!(commands(&mut world), []);
        world.now = world.now.plus(1);
        signalling.tick(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Disconnect]);
        assert!(matches!(signalling.view(), SignallingView::Waiting { .. }));
    }

    #[test]
    fn only_a_socket_that_stood_for_a_while_starts_the_backoff_over() {
        for (stood_ms, starts_over) in [(STABLE_MS - 1, false), (STABLE_MS, true)] {
            let mut world = World::new(1);
            let mut signalling = opened(&mut world);
            let mut pause = 0;
            for stood_ms in [0, 0, 0, 0, 0, 0, 0, 0, 0, stood_ms] {
                world.now = world.now.plus(stood_ms);
                let lost = SignallingEvent::Lost;
                assert!(!signalling.on_event(&mut world.cx(), &lost, IdPolicy::Exact));
                let due = signalling.poll_timeout().expect("a retry");
                pause = due.since(world.now);
                world.now = due;
                signalling.tick(&mut world.cx());
                let opened = SignallingEvent::Opened;
                assert!(signalling.on_event(&mut world.cx(), &opened, IdPolicy::Exact));
            }
            assert_eq!(pause <= 1_000, starts_over, "{pause}");
        }
    }

    #[test]
    fn what_is_off_stays_off_until_somebody_needs_it() {
        let mut world = World::new(1);
        let mut signalling = Signalling::new();
        signalling.stop(&mut world.cx());
        signalling.wake(&mut world.cx());
        signalling.renew(&mut world.cx());
        signalling.tick(&mut world.cx());
        for event in [SignallingEvent::IdTaken, SignallingEvent::Lost, SignallingEvent::Destroyed] {
            assert!(!signalling.on_event(&mut world.cx(), &event, IdPolicy::AnySuffix));
        }
        assert_eq!(commands(&mut world), []);
        assert_eq!(signalling.poll_timeout(), None);
        assert_eq!(signalling.view(), SignallingView::Off);
        signalling.want(&mut world.cx());
        signalling.want(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Create { id: id(&world) }]);
    }

    #[test]
    fn a_late_open_after_stopping_is_ignored() {
        let mut world = World::new(1);
        let mut signalling = opened(&mut world);
        signalling.stop(&mut world.cx());
        assert_eq!(commands(&mut world), [SignallingCommand::Destroy]);
        assert!(!signalling.on_event(&mut world.cx(), &SignallingEvent::Opened, IdPolicy::Exact));
        assert_eq!(signalling.view(), SignallingView::Off);
    }
}
