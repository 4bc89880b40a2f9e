//! Telling everybody what happened: increments, presence, and the list in the lobby.
//!
//! Nothing is queued per connection. Each has cursors into the log and the presence, and a flush sends what
//! lies between them and now; what several connections need is serialised once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Hosted, Hub, Phase};
use crate::domain::Timestamp;
use crate::domain::bug::{self, Bug};
use crate::domain::identity::PollId;
use crate::protocol::Context;
use crate::protocol::effect::{LinkId, Output};
use crate::protocol::message::{DISCOVERY_PEERS_MAX, FRAME_BYTES_MAX, Message, PeerInfo, pack};
use crate::protocol::view::ListedPoll;

/// Connections served in one slice of a flush, so that no slice holds the page.
const FLUSH_LINKS_MAX: usize = 64;
/// Rooms up to this size are told at once.
const FLUSH_AT_ONCE: usize = 10;
/// The longest that increments gather.
const FLUSH_INTERVAL_MS_MAX: u64 = 250;

impl Hub {
    /// When the next slice is due: at once within a flush, else after an interval that grows with the room.
    pub(super) fn flush_due(&self, hosted: &Hosted) -> Option<Timestamp> {
        let behind = hosted
            .members
            .values()
            .any(|id| self.links.get(id).is_some_and(|link| hosted.is_behind(link)));
        if !behind {
            return None;
        }
        if hosted.flush_from.is_some() {
            return Some(hosted.flushed_at);
        }
        let size = hosted.members.len();
        let interval =
            if size <= FLUSH_AT_ONCE { 0 } else { (size as u64 / 2).min(FLUSH_INTERVAL_MS_MAX) };
        Some(hosted.flushed_at.plus(interval))
    }

    pub(super) fn flush_if_due(&mut self, cx: &mut Context<'_>, id: PollId) {
        if let Some(hosted) = self.polls.get(&id)
            && self.flush_due(hosted).is_some_and(|due| cx.now >= due)
        {
            self.flush_slice(cx, id);
        }
    }

    /// Brings the next connections in order up to date. What several need is serialised once.
    pub(super) fn flush_slice(&mut self, cx: &mut Context<'_>, id: PollId) {
        let Some(hosted) = self.polls.get_mut(&id) else { return };
        let from = hosted.flush_from.take();
        let mut behind: Vec<LinkId> = hosted
            .members
            .values()
            .copied()
            .filter(|link| from.is_none_or(|from| *link > from))
            .filter(|link| self.links.get(link).is_some_and(|link| hosted.is_behind(link)))
            .collect();
        behind.sort_unstable();
        let rest = behind.split_off(behind.len().min(FLUSH_LINKS_MAX));
        let mut frames: BTreeMap<(u64, u64), Vec<Arc<str>>> = BTreeMap::new();
        for link_id in &behind {
            let Some(link) = self.links.get_mut(link_id) else { continue };
            let frames = frames
                .entry((link.revision_sent, link.presence_sent))
                .or_insert_with_key(|(revision, presence)| news(hosted, *revision, *presence));
            link.revision_sent = hosted.log.revision();
            link.presence_sent = hosted.presence_version;
            for frame in frames {
                cx.out.push(Output::Send { link: *link_id, frame: frame.clone() });
            }
        }
        hosted.flushed_at = cx.now;
        hosted.flush_from = if rest.is_empty() { None } else { behind.last().copied() };
        if hosted.flush_from.is_none() {
            self.prune_presence(id);
        }
    }

    /// Forgets who left, once everybody connected has been told.
    pub(super) fn prune_presence(&mut self, id: PollId) {
        let Some(hosted) = self.polls.get_mut(&id) else { return };
        let told = hosted
            .members
            .values()
            .filter_map(|link| self.links.get(link))
            .map(|link| link.presence_sent)
            .min()
            .unwrap_or(hosted.presence_version);
        hosted.presence.retain(|_, (version, online)| *online || *version > told);
    }

    /// Tells everybody in the lobby which open polls are listed, if that changed for them.
    pub(super) fn tell_lobby(&mut self, cx: &mut Context<'_>) {
        let listed = self
            .polls
            .values()
            .map(|hosted| hosted.log.poll())
            .filter(|poll| (poll.listed || bug::on(Bug::LobbyTellsAll)) && poll.open)
            .map(|poll| ListedPoll { poll_id: poll.id, question: poll.question.clone() });
        let mut message = None;
        for (id, link) in &mut self.links {
            if let Phase::Lobby { told, .. } = &mut link.phase {
                let text =
                    message.get_or_insert_with(|| list_within_a_frame(listed.clone().collect()));
                if told.as_ref() != Some(text) {
                    cx.out.push(Output::Send { link: *id, frame: text.as_str().into() });
                    *told = Some(text.clone());
                }
            }
        }
    }
}

/// What lies between two cursors and now, in frames.
fn news(hosted: &Hosted, revision: u64, presence: u64) -> Vec<Arc<str>> {
    let records = hosted.log.after(revision);
    let increments = records.iter().filter_map(Message::increment).map(|message| message.to_json());
    let head = (!records.is_empty()).then(|| Message::Head(hosted.head.clone()).to_json());
    let peers: Vec<PeerInfo> = hosted
        .presence
        .iter()
        .filter(|(_, (version, _))| *version > presence)
        .map(|(key, (_, online))| PeerInfo { peer_id: *key, online: *online })
        .collect();
    pack(increments.chain(head).chain(discovery(&peers)))
}

pub(super) fn discovery(peers: &[PeerInfo]) -> impl Iterator<Item = String> {
    peers.chunks(DISCOVERY_PEERS_MAX).map(|peers| Message::Discovery(peers.to_vec()).to_json())
}

/// As many listed polls as fit one frame.
fn list_within_a_frame(mut listed: Vec<ListedPoll>) -> String {
    loop {
        let text = Message::List(listed.clone()).to_json();
        if text.len() <= FRAME_BYTES_MAX || listed.pop().is_none() {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::Question;
    use crate::protocol::message::parse_frame;

    #[test]
    fn the_lobby_is_told_of_as_many_polls_as_fit_a_frame() {
        let poll = |n: u128| ListedPoll {
            poll_id: PollId(uuid::Uuid::from_u128(n)),
            question: Question::clean(&"q".repeat(500)).expect("a question"),
        };
        let told = |count| {
            let text = list_within_a_frame((0..count).map(poll).collect());
            match parse_frame(&text, FRAME_BYTES_MAX).as_deref() {
                Ok([Message::List(listed)]) => listed.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(told(0), []);
        assert_eq!(told(3), [0, 1, 2].map(poll));
        // A poll takes 566 bytes, the message around them 34 and a comma between two.
        assert_eq!(told(40), (0..28).map(poll).collect::<Vec<_>>());
    }
}
