//! What a page shows, as plain data, and what a person can ask for. One tab makes it, all tabs show it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::message::Code;
use crate::domain::Timestamp;
use crate::domain::command::CommandId;
use crate::domain::identity::{PollId, PublicKey, RoomRef};
use crate::domain::log::Receipt;
use crate::domain::poll::{Action, Draft, OptionId, Poll, Role};

/// Everything there is to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppView {
    pub me: PublicKey,
    pub tab: TabView,
    pub signalling: SignallingView,
    /// Whether the owner's log can be written.
    pub storage: StorageView,
    pub owned: Vec<Summary>,
    pub joined: Vec<Summary>,
    pub rooms: Vec<Arc<RoomView>>,
}

/// What this tab is among the tabs of one identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TabView {
    /// Nothing is loaded yet.
    Starting,
    /// This tab holds the connections.
    Leading,
    /// Another tab holds them; what is done here goes through it.
    Following,
}

/// The connection to the signalling server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignallingView {
    /// Not needed now.
    Off,
    Connecting,
    Open,
    /// Lost; the next try is at `retry_at`.
    Waiting {
        retry_at: Timestamp,
    },
    /// Another device holds this identity's peer id; the next try is at `retry_at`.
    IdTaken {
        retry_at: Timestamp,
    },
    /// The browser says that there is no network.
    NoNetwork,
}

/// How the owner's commits fare. A participant's that fail come back as rejected commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StorageView {
    Working,
    /// The last commit failed for want of space; it is tried again.
    Full,
    /// The last commit failed for another reason; it is tried again.
    Failing,
}

/// One line of "My polls".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub room: RoomRef,
    pub question: String,
    pub open: bool,
    pub voters: usize,
    /// Creation for owned polls, last sync for joined ones.
    pub at: Timestamp,
}

/// One room as this identity sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomView {
    pub room: RoomRef,
    pub me: PublicKey,
    /// The poll with our own unconfirmed commands already applied; `None` until there is one to show.
    pub poll: Option<Arc<Poll>>,
    pub link: LinkView,
    /// When the copy shown was last known to be current; `None` while it is live.
    pub cached_at: Option<Timestamp>,
    pub pending: Vec<Pending>,
    pub rejected: Vec<Rejected>,
    /// The owner's word for our newest confirmed vote.
    pub receipt: Option<Receipt>,
    /// Who is connected now, the owner included.
    pub online: Vec<PublicKey>,
    pub warning: Option<Warning>,
    /// In a lobby: the polls the owner lists. `None` until told.
    pub listed: Option<Vec<ListedPoll>>,
}

impl RoomView {
    pub fn is_owner(&self) -> bool {
        self.room.owner == self.me
    }

    pub fn role(&self) -> Role {
        match &self.poll {
            Some(poll) => poll.role_of(&self.me),
            None if self.is_owner() => Role::Owner,
            None => Role::Viewer,
        }
    }

    /// Whether a command can be given now: the owner always, others only while connected.
    pub fn can_act(&self) -> bool {
        self.poll.is_some() && (self.is_owner() || self.link == LinkView::Connected)
    }

    /// Our own ballot as shown.
    pub fn my_choices(&self) -> &[OptionId] {
        self.poll.as_ref().and_then(|poll| poll.votes.get(&self.me)).map_or(&[], Vec::as_slice)
    }
}

/// The connection of a room. For an owner: whether others can reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkView {
    Connecting,
    Connected,
    /// It was there and will be again: the next try at `retry_at`, or under way.
    Reconnecting {
        retry_at: Option<Timestamp>,
        cause: LostCause,
    },
    /// The owner can't be reached: the next try at `retry_at`, or under way.
    OwnerOffline {
        retry_at: Option<Timestamp>,
    },
    /// The owner answered and said no. Tried again all the same.
    Refused {
        message: String,
        retry_at: Option<Timestamp>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LostCause {
    /// The connection to the owner broke.
    Link,
    /// The signalling server can't be reached; connections that stand go on.
    Signalling,
    /// The owner's peer id is held by another device.
    IdTaken,
    NoNetwork,
    /// The other end could not prove that it is the owner.
    Impostor,
    /// The other end said no before it proved anything: it may be the owner or not.
    TurnedAway(Code),
}

/// A command of ours that is not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub id: CommandId,
    pub action: Action,
    pub stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// On its way into this device's storage.
    Saving,
    /// Saved on this device; goes out when there is a connection.
    Saved,
    /// Sent; the owner has not answered.
    Sent,
}

/// A command that was not accepted. Shown until dismissed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    pub id: CommandId,
    pub action: Action,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Warning {
    /// The owner now shows a history that does not contain what this device has seen before.
    HistoryChanged,
    /// Hardly anybody more can connect to this owner.
    NearlyFull,
}

/// What a lobby tells of a poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedPoll {
    pub poll_id: PollId,
    pub question: crate::domain::text::Question,
}

/// What a person can ask for. Commands get their id from the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    Create {
        poll: PollId,
        draft: Draft,
    },
    Act {
        room: RoomRef,
        action: Action,
    },
    /// Dial or reconnect at once.
    TryNow,
    /// A rejected command has been read.
    Dismiss {
        room: RoomRef,
        command: CommandId,
    },
    /// Drop a joined poll from "My polls".
    Forget {
        room: RoomRef,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::tests::room;
    use crate::domain::poll::tests::{draft, who};
    use crate::domain::poll::{Choice, RoleUpdate, Vote};

    /// What the holder of seed `me` sees of a poll that seed 1 owns.
    fn view(me: u8, poll: Option<Poll>, link: LinkView) -> RoomView {
        RoomView {
            room: room(),
            me: who(me),
            poll: poll.map(Arc::new),
            link,
            cached_at: None,
            pending: Vec::new(),
            rejected: Vec::new(),
            receipt: None,
            online: Vec::new(),
            warning: None,
            listed: None,
        }
    }

    fn poll() -> Poll {
        let mut poll = Poll::create(room().poll, who(1), &draft(Choice::Multiple, &["A", "B"]))
            .expect("a valid draft");
        let moderator = Action::SetRole(RoleUpdate { peer: who(2), role: Role::Moderator });
        let vote = Action::Vote(Vote { choices: vec![OptionId(0), OptionId(1)] });
        assert_eq!(poll.apply(&who(1), &moderator), Ok(()));
        assert_eq!(poll.apply(&who(2), &vote), Ok(()));
        poll
    }

    #[test]
    fn the_owner_is_whom_the_room_names() {
        assert!(view(1, None, LinkView::Connecting).is_owner());
        assert!(!view(2, None, LinkView::Connecting).is_owner());
    }

    #[test]
    fn a_role_is_the_polls_word_and_before_that_the_rooms() {
        let role = |me, poll| view(me, poll, LinkView::Connected).role();
        assert_eq!(
            [1, 2, 3].map(|me| role(me, Some(poll()))),
            [Role::Owner, Role::Moderator, Role::Voter]
        );
        assert_eq!([1, 2].map(|me| role(me, None)), [Role::Owner, Role::Viewer]);
    }

    #[test]
    fn the_owner_can_always_act_and_others_while_connected() {
        let can_act = |me, poll, link| view(me, poll, link).can_act();
        assert!(can_act(1, Some(poll()), LinkView::Connecting));
        assert!(can_act(2, Some(poll()), LinkView::Connected));
        assert!(!can_act(2, Some(poll()), LinkView::Connecting));
        assert!(!can_act(1, None, LinkView::Connected));
        assert!(!can_act(2, None, LinkView::Connected));
    }

    #[test]
    fn ones_choices_are_ones_ballot() {
        let choices = |me, poll| view(me, poll, LinkView::Connected).my_choices().to_vec();
        assert_eq!(choices(2, Some(poll())), [OptionId(0), OptionId(1)]);
        assert_eq!(choices(3, Some(poll())), []);
        assert_eq!(choices(2, None), []);
    }
}
