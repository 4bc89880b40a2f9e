//! Everybody connected: from the channel's opening through the handshake to membership and the end.

use std::collections::BTreeSet;

use super::fanout::discovery;
use super::{BUFFER_DROP_BYTES, BUFFER_PAUSE_BYTES};
use super::{GATHERED_MAX, Gathered, Hub, LINKS_MAX, Link, PENDING_LINKS_MAX, Phase, Source, send};
use crate::domain::bug::{self, Bug};
use crate::domain::command::{CommandId, SignedCommand};
use crate::domain::identity::{PollId, PublicKey, RoomRef};
use crate::domain::poll::{Action, Refusal, Role};
use crate::protocol::Context;
use crate::protocol::effect::{Descriptions, LinkEvent, LinkId, Output, SignallingCommand};
use crate::protocol::handshake::{Binding, HANDSHAKE_BYTES_MAX, OwnerHandshake, fingerprints};
use crate::protocol::liveness::{Liveness, Pulse};
use crate::protocol::message::{
    Code, Empty, FRAME_BYTES_MAX, FrameError, Hello, Message, Mutation, ParticipantProof, PeerInfo,
    Unknown, Welcome, pack, parse_frame, state_frames,
};
use crate::protocol::rate::{Admission, Pace};

/// A last word needs a moment to leave before the connection closes.
const CLOSING_MS: u64 = 1_000;
/// How long whoever sent what nobody may is not let in again.
pub const SHUN_MS: u64 = 10_000;

impl Hub {
    pub fn on_link(&mut self, cx: &mut Context<'_>, id: LinkId, my_id: &str, event: LinkEvent) {
        match event {
            LinkEvent::Opened { remote, descriptions } => {
                self.opened(cx, id, remote, &descriptions);
            }
            LinkEvent::Frame(text) => self.frame(cx, id, my_id, &text),
            // Without a last word: more of it may be on its way.
            LinkEvent::NoFrame => {
                self.shun(cx, id);
                cx.out.push(Output::CloseLink { link: id });
                self.drop_link(cx, id);
            }
            LinkEvent::Buffered { bytes } => self.buffered(cx, id, bytes),
            LinkEvent::Closed => self.drop_link(cx, id),
        }
    }

    pub(super) fn opened(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        remote: String,
        descriptions: &Descriptions,
    ) {
        let pending = self.links.values().filter(|link| link.is_pending()).count();
        let full = self.links.len() >= LINKS_MAX || pending >= PENDING_LINKS_MAX;
        let Some(fingerprints) = fingerprints(descriptions) else {
            cx.out.push(Output::CloseLink { link: id });
            return;
        };
        self.links.insert(
            id,
            Link {
                remote,
                fingerprints,
                phase: if full { Phase::TurnedAway } else { Phase::Greeting },
                opened: cx.now,
                liveness: Liveness::new(cx.now),
                revision_sent: 0,
                presence_sent: 0,
                congested_since: None,
            },
        );
    }

    pub(super) fn frame(&mut self, cx: &mut Context<'_>, id: LinkId, my_id: &str, text: &str) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.liveness.heard(cx.now);
        let bytes_max = match link.phase {
            Phase::Closing { .. } => return,
            Phase::TurnedAway => return self.close(cx, id, Code::RoomFull, None),
            Phase::Greeting | Phase::Proving(_) => HANDSHAKE_BYTES_MAX,
            Phase::Member { .. } | Phase::Lobby { .. } => FRAME_BYTES_MAX,
        };
        match parse_frame(text, bytes_max) {
            Ok(messages) => {
                for message in messages {
                    self.message(cx, id, my_id, message);
                }
            }
            Err(FrameError { code, command_id }) => self.close(cx, id, code, command_id),
        }
    }

    pub(super) fn message(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        my_id: &str,
        message: Message,
    ) {
        let Some(link) = self.links.get(&id) else { return };
        match &link.phase {
            Phase::Closing { .. } | Phase::TurnedAway => {}
            // One hello and one proof: anything else, or more, ends the connection.
            Phase::Greeting | Phase::Proving(_) => match message {
                Message::Hello(hello) => self.hello(cx, id, my_id, &hello),
                Message::ParticipantProof(proof) => self.proof(cx, id, my_id, &proof),
                Message::Unknown(_) => self.close(cx, id, Code::UnknownType, None),
                _ => self.close(cx, id, Code::OutOfOrder, None),
            },
            Phase::Lobby { key, .. } => {
                let key = *key;
                self.lobby_message(cx, id, key, &message);
            }
            Phase::Member { key, poll } => {
                let (key, poll) = (*key, *poll);
                self.member_message(cx, id, key, poll, message);
            }
        }
    }

    pub(super) fn hello(&mut self, cx: &mut Context<'_>, id: LinkId, my_id: &str, hello: &Hello) {
        let nonce = cx.random.bytes();
        let Some(link) = self.links.get_mut(&id) else { return };
        if !matches!(link.phase, Phase::Greeting) {
            return self.close(cx, id, Code::OutOfOrder, None);
        }
        match OwnerHandshake::prove(hello, nonce, &binding(link, my_id), cx.key) {
            Ok((handshake, proof)) => {
                link.phase = Phase::Proving(handshake);
                send(cx, id, &Message::OwnerProof(proof));
                if bug::on(Bug::ServedBeforeProof) {
                    let polls: Vec<PollId> = self.polls.keys().copied().collect();
                    for poll in polls {
                        self.send_state(cx, id, poll);
                    }
                }
            }
            Err(code) => self.close(cx, id, code, None),
        }
    }

    pub(super) fn proof(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        my_id: &str,
        proof: &ParticipantProof,
    ) {
        let Some(link) = self.links.get(&id) else { return };
        let Phase::Proving(handshake) = &link.phase else {
            return self.close(cx, id, Code::OutOfOrder, None);
        };
        match handshake.verify(proof, &binding(link, my_id), cx.key) {
            // A connection that was opening when its key was shunned.
            Ok((key, _)) if self.shunned.get(&key).is_some_and(|until| cx.now < *until) => {
                self.close(cx, id, Code::TooFast, None);
            }
            Ok((key, PollId::LOBBY)) => self.welcome_to_lobby(cx, id, key),
            Ok((key, poll)) => self.welcome(cx, id, key, poll),
            Err(code) => self.close(cx, id, code, None),
        }
    }

    pub(super) fn welcome(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        key: PublicKey,
        poll: PollId,
    ) {
        let Some(hosted) = self.polls.get_mut(&poll) else {
            return self.close(cx, id, Code::UnknownPoll, None);
        };
        let older = hosted.members.insert(key, id);
        hosted.set_presence(key, true);
        if let Some(link) = self.links.get_mut(&id) {
            link.phase = Phase::Member { key, poll };
            link.presence_sent = hosted.presence_version;
            hosted.visitors.add(&link.remote);
        }
        let role = hosted.log.poll().role_of(&key);
        send(cx, id, &Message::Welcome(Welcome { role, head: Some(hosted.head.clone()) }));
        let online = hosted.presence.iter().filter(|(_, (_, online))| *online).map(|(key, _)| *key);
        let peers: Vec<PeerInfo> = std::iter::once(self.owner)
            .chain(online)
            .map(|peer_id| PeerInfo { peer_id, online: true })
            .collect();
        self.send_state(cx, id, poll);
        for frame in pack(discovery(&peers)) {
            cx.out.push(Output::Send { link: id, frame });
        }
        if let Some(older) = older {
            self.close(cx, older, Code::Replaced, None);
        }
        self.write_visitors(cx, poll);
        self.flush_if_due(cx, poll);
        cx.changed();
    }

    /// The committed state, and from here on increments.
    pub(super) fn send_state(&mut self, cx: &mut Context<'_>, id: LinkId, poll: PollId) {
        let (Some(hosted), Some(link)) = (self.polls.get(&poll), self.links.get_mut(&id)) else {
            return;
        };
        link.revision_sent = hosted.log.revision();
        for frame in state_frames(hosted.log.poll()) {
            cx.out.push(Output::Send { link: id, frame });
        }
    }

    pub(super) fn welcome_to_lobby(&mut self, cx: &mut Context<'_>, id: LinkId, key: PublicKey) {
        if let Some(link) = self.links.get_mut(&id) {
            link.phase = Phase::Lobby { key, told: None };
            send(cx, id, &Message::Welcome(Welcome { role: Role::default(), head: None }));
        }
        self.tell_lobby(cx);
        cx.changed();
    }

    pub(super) fn lobby_message(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        key: PublicKey,
        message: &Message,
    ) {
        match message {
            Message::Ping(_) => send(cx, id, &Message::Pong(Empty {})),
            Message::Pong(_) => {}
            Message::Unknown(unknown) => self.unknown(cx, id, key, PollId::LOBBY, unknown),
            _ => self.close(cx, id, Code::OutOfOrder, None),
        }
    }

    /// Also over a new connection somebody's pace is what it was over the one before.
    fn admit(&mut self, cx: &Context<'_>, key: PublicKey, poll: PollId) -> Admission {
        if !self.paces.contains_key(&(poll, key)) {
            self.paces.retain(|_, pace| !pace.is_rested(cx.now));
        }
        self.paces.entry((poll, key)).or_insert_with(|| Pace::new(cx.now)).admit(cx.now)
    }

    /// A newer client may say more than we understand.
    fn unknown(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        key: PublicKey,
        poll: PollId,
        unknown: &Unknown,
    ) {
        if self.admit(cx, key, poll) == Admission::Granted {
            send(cx, id, &Message::error(Code::UnknownType, unknown.command_id));
        } else {
            self.close(cx, id, Code::TooFast, None);
        }
    }

    pub(super) fn member_message(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        key: PublicKey,
        poll: PollId,
        message: Message,
    ) {
        match message {
            Message::Command(mutation) if mutation.tail.entry.is_some() => {
                self.close(cx, id, Code::OutOfOrder, Some(mutation.tail.command_id));
            }
            Message::Command(mutation) => self.command(cx, id, key, poll, mutation),
            Message::Ping(_) => send(cx, id, &Message::Pong(Empty {})),
            Message::Pong(_) => {}
            Message::SyncRequest(request) if request.poll_id == poll => {
                if self.admit(cx, key, poll) == Admission::Granted {
                    self.send_state(cx, id, poll);
                } else {
                    self.close(cx, id, Code::TooFast, None);
                }
            }
            Message::SyncRequest(_) => self.close(cx, id, Code::UnknownPoll, None),
            Message::Unknown(unknown) => self.unknown(cx, id, key, poll, &unknown),
            Message::Hello(_)
            | Message::OwnerProof(_)
            | Message::ParticipantProof(_)
            | Message::Welcome(_)
            | Message::State(_)
            | Message::StateChunk(_)
            | Message::Head(_)
            | Message::List(_)
            | Message::Discovery(_)
            | Message::Ack(_)
            | Message::Error(_) => self.close(cx, id, Code::OutOfOrder, None),
        }
    }

    pub(super) fn command(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        key: PublicKey,
        poll: PollId,
        mutation: Mutation,
    ) {
        let command_id = mutation.tail.command_id;
        match self.admit(cx, key, poll) {
            Admission::Granted if self.gathered.len() < GATHERED_MAX => {}
            Admission::Granted | Admission::Deferred => {
                return send(cx, id, &Message::error(Code::TooFast, Some(command_id)));
            }
            Admission::Denied => return self.close(cx, id, Code::TooFast, Some(command_id)),
        }
        let signed = mutation.into_signed(RoomRef { owner: self.owner, poll }, key);
        if !signed.verify() && !bug::on(Bug::ForgedCommandAccepted) {
            return send(cx, id, &Message::error(Code::BadSignature, Some(command_id)));
        }
        if bug::on(Bug::RoleCheckedAtReceipt) && self.is_new_vote_of_a_viewer(&signed) {
            return send(
                cx,
                id,
                &Message::error(Code::Rule(Refusal::RoleForbids), Some(command_id)),
            );
        }
        self.gathered.push(Gathered { source: Source::Link(id), signed });
        self.begin_commit(cx);
    }

    fn is_new_vote_of_a_viewer(&self, SignedCommand { command, .. }: &SignedCommand) -> bool {
        matches!(command.action, Action::Vote(_))
            && self.polls.get(&command.room.poll).is_some_and(|hosted| {
                hosted.log.poll().role_of(&command.author) == Role::Viewer
                    && hosted.log.receipt(command.id).is_none()
            })
    }

    pub(super) fn buffered(&mut self, cx: &mut Context<'_>, id: LinkId, bytes: u64) {
        if bytes > BUFFER_DROP_BYTES {
            cx.out.push(Output::CloseLink { link: id });
            return self.drop_link(cx, id);
        }
        let Some(link) = self.links.get_mut(&id) else { return };
        if bytes > BUFFER_PAUSE_BYTES {
            link.congested_since.get_or_insert(cx.now);
        } else {
            link.congested_since = None;
        }
    }

    /// Whoever did what nobody may waits before the next try: each connection costs this page milliseconds.
    fn shun(&mut self, cx: &mut Context<'_>, id: LinkId) {
        if let Some(key) = self.links.get(&id).and_then(Link::proved_key) {
            self.shunned.retain(|_, until| cx.now < *until);
            self.shunned.insert(key, cx.now.plus(SHUN_MS));
            cx.out.push(Output::Shun { key, ms: SHUN_MS });
        }
    }

    /// Says why, and closes once that had time to leave.
    pub(super) fn close(
        &mut self,
        cx: &mut Context<'_>,
        id: LinkId,
        code: Code,
        command: Option<CommandId>,
    ) {
        if code.is_offence() {
            self.shun(cx, id);
        }
        self.leave_room(cx, id);
        if let Some(link) = self.links.get_mut(&id) {
            link.phase = Phase::Closing { until: cx.now.plus(CLOSING_MS) };
            if command.is_some() {
                send(cx, id, &Message::error(code, command));
            }
            send(cx, id, &Message::error(code, None));
        }
    }

    /// Forgets a connection that is gone.
    pub(super) fn drop_link(&mut self, cx: &mut Context<'_>, id: LinkId) {
        self.leave_room(cx, id);
        self.links.remove(&id);
    }

    pub(super) fn leave_room(&mut self, cx: &mut Context<'_>, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        if link.proved_key().is_some() {
            cx.changed();
        }
        let Some((poll, key)) = link.member_of() else { return };
        let Some(hosted) = self.polls.get_mut(&poll) else { return };
        // A newer connection of the same key may have taken its place.
        if hosted.members.get(&key) == Some(&id) {
            hosted.members.remove(&key);
            hosted.set_presence(key, false);
            self.flush_if_due(cx, poll);
        }
    }

    /// Ends every connection: the page goes away or another tab leads.
    pub fn stop(&mut self, cx: &mut Context<'_>) {
        for link in std::mem::take(&mut self.links).into_keys() {
            cx.out.push(Output::CloseLink { link });
        }
        for hosted in self.polls.values_mut() {
            hosted.members.clear();
            hosted.presence.clear();
        }
    }

    /// Signalling is up (again): those who were here and are not now may dial at once.
    pub fn announce(&mut self, cx: &mut Context<'_>) {
        let connected: BTreeSet<&String> = self.links.values().map(|link| &link.remote).collect();
        let peers: BTreeSet<String> = self
            .polls
            .values()
            .flat_map(|hosted| &hosted.visitors.ids)
            .filter(|visitor| !connected.contains(visitor))
            .cloned()
            .collect();
        if !peers.is_empty() {
            let peers = peers.into_iter().collect();
            cx.out.push(Output::Signalling(SignallingCommand::Leave { peers }));
        }
    }

    /// The page came back: ask everybody for a sign of life.
    pub fn wake(&mut self, cx: &mut Context<'_>) {
        for (id, link) in &mut self.links {
            if matches!(link.phase, Phase::Member { .. } | Phase::Lobby { .. })
                && link.liveness.probe(cx.now) == Pulse::Ping
            {
                cx.out.push(Output::Send { link: *id, frame: Message::Ping(Empty {}).to_frame() });
            }
        }
    }
}

fn binding<'a>(link: &'a Link, my_id: &'a str) -> Binding<'a> {
    Binding {
        fingerprint_participant: link.fingerprints.remote,
        fingerprint_owner: link.fingerprints.local,
        id_participant: &link.remote,
        id_owner: my_id,
    }
}
