//! One room, as its page asks about it.

use std::sync::Arc;

use leptos::prelude::*;

use super::view::memo;
use super::words;
use crate::domain::Timestamp;
use crate::domain::identity::{PublicKey, RoomRef};
use crate::domain::log::Receipt;
use crate::domain::poll::{Action, OptionId, Poll, Role, Tally};
use crate::runtime::App;
use crate::runtime::view::{Intent, LinkView, ListedPoll, Pending, Rejected, RoomView, Warning};

/// The room that a page shows. Copied freely: every part of the page works out from this what it shows.
#[derive(Clone, Copy)]
pub struct Room {
    pub app: App,
    /// Behind a handle because a key is large and this is copied everywhere.
    at: StoredValue<RoomRef>,
    shown: Memo<Shown>,
    /// Counted once for all options.
    count: Memo<Count>,
}

/// The newest word about the room.
#[derive(Clone, PartialEq)]
struct Shown {
    me: Option<PublicKey>,
    view: Option<Arc<RoomView>>,
}

#[derive(Clone, PartialEq)]
struct Count {
    tally: Tally,
    lead: Lead,
}

/// The most votes that any option has, and whether several have them.
#[derive(Clone, Copy, PartialEq)]
pub struct Lead {
    pub votes: usize,
    pub tied: bool,
}

/// Somebody who took part or is here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// What puts people in their order: oneself, the owner, whoever is here, and then by key, so that a list that
    /// people point at does not jump.
    is_other: bool,
    is_participant: bool,
    is_away: bool,
    pub who: PublicKey,
}

impl Person {
    pub fn is_here(self) -> bool {
        !self.is_away
    }
}

impl Room {
    pub fn new(app: App, at: RoomRef) -> Self {
        let shown = memo(move || {
            app.view().with(|view| Shown {
                me: view.as_ref().map(|view| view.me),
                view: view
                    .as_ref()
                    .and_then(|view| view.rooms.iter().find(|room| room.room == at).cloned()),
            })
        });
        let count = memo(move || {
            let poll = shown.get().view.and_then(|view| view.poll.clone());
            let tally = poll.map_or(Tally { counts: vec![], voters: 0 }, |poll| poll.tally());
            let votes = tally.counts.iter().copied().max().unwrap_or_default();
            let tied = tally.counts.iter().filter(|count| **count == votes).count() > 1;
            Count { tally, lead: Lead { votes, tied } }
        });
        Self { app, at: StoredValue::new(at), shown, count }
    }

    pub fn at(self) -> RoomRef {
        self.at.get_value()
    }

    fn view(self) -> Option<Arc<RoomView>> {
        self.shown.get().view
    }

    pub fn me(self) -> Option<PublicKey> {
        self.shown.get().me
    }

    pub fn poll(self) -> Option<Arc<Poll>> {
        self.view()?.poll.clone()
    }

    /// The poll, and who asks.
    pub fn poll_and_me(self) -> Option<(Arc<Poll>, PublicKey)> {
        self.poll().zip(self.me())
    }

    /// Until a poll is there it counts as open.
    pub fn is_open(self) -> bool {
        self.poll().is_none_or(|poll| poll.open)
    }

    pub fn role(self) -> Role {
        self.view().map_or(Role::Viewer, |view| view.role())
    }

    pub fn can_act(self) -> bool {
        self.view().is_some_and(|view| view.can_act())
    }

    pub fn link(self) -> LinkView {
        self.view().map_or(LinkView::Connecting, |view| view.link.clone())
    }

    pub fn cached_at(self) -> Option<Timestamp> {
        self.view()?.cached_at
    }

    pub fn chose(self, option: OptionId) -> bool {
        self.view().is_some_and(|view| view.my_choices().contains(&option))
    }

    pub fn tally(self) -> Tally {
        self.count.get().tally
    }

    pub fn voters(self) -> usize {
        self.count.with(|count| count.tally.voters)
    }

    pub fn votes_for(self, option: OptionId) -> usize {
        let place = usize::from(option.0);
        self.count.with(|count| count.tally.counts.get(place).copied().unwrap_or_default())
    }

    pub fn lead(self) -> Lead {
        self.count.with(|count| count.lead)
    }

    /// The count in a few words, unless the page is gone.
    pub fn spoken_tally(self) -> Option<String> {
        let poll = self.shown.try_get_untracked()?.view?.poll.clone()?;
        Some(words::spoken_tally(&poll, &self.count.try_get_untracked()?.tally))
    }

    pub fn pending(self) -> Vec<Pending> {
        self.view().map_or_else(Vec::new, |view| view.pending.clone())
    }

    pub fn rejected(self) -> Vec<Rejected> {
        self.view().map_or_else(Vec::new, |view| view.rejected.clone())
    }

    pub fn receipt(self) -> Option<Receipt> {
        self.view()?.receipt.clone()
    }

    pub fn warning(self) -> Option<Warning> {
        self.view()?.warning
    }

    pub fn listed(self) -> Option<Vec<ListedPoll>> {
        self.view()?.listed.clone()
    }

    /// Everybody who took part or is here.
    pub fn people(self) -> Vec<Person> {
        let Some(view) = self.view() else { return vec![] };
        let person = |who: &PublicKey| Person {
            is_other: *who != view.me,
            is_participant: *who != view.room.owner,
            is_away: *who != view.me && !view.online.contains(who),
            who: *who,
        };
        let mut people = vec![person(&view.me)];
        people.extend(view.online.iter().map(person));
        if let Some(poll) = &view.poll {
            let took_part = poll.votes.keys().chain(poll.names.keys()).chain(poll.roles.keys());
            people.extend([&poll.owner].into_iter().chain(took_part).map(person));
        }
        people.sort_unstable();
        people.dedup();
        people
    }

    pub fn is_here(self, who: PublicKey) -> bool {
        self.view().is_some_and(|view| who == view.me || view.online.contains(&who))
    }

    pub fn is_owner(self) -> bool {
        self.me() == Some(self.at().owner)
    }

    /// How many people besides this one are connected now.
    pub fn others_online(self) -> usize {
        self.view()
            .map_or(0, |view| view.online.iter().filter(|online| **online != view.me).count())
    }

    pub fn may_moderate(self) -> bool {
        match self.role() {
            Role::Owner | Role::Moderator => true,
            Role::Voter | Role::Viewer => false,
        }
    }

    /// Why nothing can be done here now.
    pub fn out_of_reach(self) -> Option<&'static str> {
        if self.can_act() {
            return None;
        }
        Some(match self.link() {
            LinkView::Connecting | LinkView::Connected => "Not possible until connected.",
            LinkView::Reconnecting { .. } => "Not possible until reconnected.",
            LinkView::OwnerOffline { .. } => "Not possible while the owner is offline.",
            LinkView::Refused { .. } => {
                "Not possible while the owner's browser refuses to connect."
            }
        })
    }

    /// Why voting is not possible now.
    pub fn cannot_vote(self) -> Option<&'static str> {
        if !self.is_open() {
            return Some("Voting is over: this poll is closed.");
        }
        if self.role() == Role::Viewer {
            return Some("You are a viewer in this poll: you see everything, but don't vote.");
        }
        if self.can_act() {
            return None;
        }
        Some(match self.link() {
            LinkView::Connecting | LinkView::Connected => {
                "You can vote as soon as this page is connected to the owner."
            }
            LinkView::Reconnecting { .. } => {
                "You can vote again as soon as the connection to the owner is back."
            }
            LinkView::OwnerOffline { .. } => {
                "The owner is offline. You can vote again as soon as their browser is back."
            }
            LinkView::Refused { .. } => {
                "You can vote again as soon as the owner's browser lets you in."
            }
        })
    }

    pub fn act(self, action: Action) {
        self.app.dispatch(Intent::Act { room: self.at(), action });
    }
}
