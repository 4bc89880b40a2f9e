//! Every state put into words.

use super::format;
use crate::domain::Timestamp;
use crate::domain::identity::PublicKey;
use crate::domain::poll::{Action, Poll, Role, Tally, Vote};
use crate::runtime::view::{LinkView, LostCause, Stage};

/// Characters of a peer id that stand for it in a list.
const SHORT_KEY_CHARS: usize = 6;
/// Options that are read out after a change.
const SPOKEN_OPTIONS_MAX: usize = 3;

/// Seconds until `at`, rounded up; `None` when that moment has come.
fn seconds_until(at: Option<Timestamp>, now: Timestamp) -> Option<u64> {
    let ms = at?.since(now);
    (ms > 0).then(|| ms.div_ceil(1000))
}

/// The text of the status named `Connection`.
pub fn connection(link: &LinkView, cached_at: Option<Timestamp>, now: Timestamp) -> String {
    match link {
        LinkView::Connecting => "Connecting".into(),
        LinkView::Connected => "Connected".into(),
        LinkView::Reconnecting { retry_at, .. } | LinkView::Refused { retry_at, .. } => {
            match seconds_until(*retry_at, now) {
                Some(seconds) => format!("Reconnecting in {seconds} s"),
                None => "Reconnecting …".into(),
            }
        }
        LinkView::OwnerOffline { .. } => match cached_at {
            Some(at) => format!("Owner offline – showing the copy of {}", format::moment(at)),
            None => "Owner offline – no copy on this device yet".into(),
        },
    }
}

/// What a screen reader hears when the connection changes: no countdown.
pub fn connection_change(link: &LinkView) -> &'static str {
    match link {
        LinkView::Connecting => "Connecting",
        LinkView::Connected => "Connected",
        LinkView::Reconnecting { cause: LostCause::TurnedAway(_), .. } => {
            "Turned away, trying again"
        }
        LinkView::Reconnecting { .. } => "Connection lost, reconnecting",
        LinkView::OwnerOffline { .. } => "Owner offline",
        LinkView::Refused { .. } => "The owner's browser refused the connection",
    }
}

/// What stands beside the connection's status: why it is so, and what follows from it.
pub fn connection_cause(link: &LinkView, is_owner: bool, others: usize) -> String {
    match link {
        LinkView::Connecting if is_owner => "Making this poll reachable for others.".into(),
        LinkView::Connecting => "Looking for the owner's browser.".into(),
        LinkView::Connected if is_owner => match others {
            0 => "Others can join now. Keep this page open: your browser is the room.".into(),
            1 => "1 other person is here. Keep this page open: your browser is the room.".into(),
            n => format!(
                "{} other people are here. Keep this page open: your browser is the room.",
                format::number(n)
            ),
        },
        LinkView::Connected => "Live: what you see is the owner's count.".into(),
        LinkView::Reconnecting { cause, .. } => lost(*cause, is_owner),
        LinkView::OwnerOffline { .. } => {
            "The owner's browser can't be reached. This page joins again by itself as soon as it is back.".into()
        }
        LinkView::Refused { message, .. } => {
            format!("Refused by the owner's browser: {message} This page keeps trying.")
        }
    }
}

fn lost(cause: LostCause, is_owner: bool) -> String {
    let words = match cause {
        LostCause::Link => "The connection to the owner's browser broke.",
        LostCause::Signalling if is_owner => {
            "The signalling server can't be reached: nobody new can join. Whoever is connected stays so."
        }
        LostCause::Signalling => {
            "The signalling server, which introduces browsers to each other, can't be reached."
        }
        LostCause::IdTaken if is_owner => {
            "Another device or browser is using your peer id. Close Peerpoll there, and this one takes over."
        }
        LostCause::IdTaken => "Your peer id is in use on another device.",
        LostCause::NoNetwork => "This device has no network.",
        LostCause::Impostor => {
            "Whoever answered could not prove to be the owner, so nothing was sent to them."
        }
        LostCause::TurnedAway(code) => {
            return format!(
                "Whoever answered, the owner or not, said: {} This page keeps trying.",
                code.message()
            );
        }
    };
    words.into()
}

/// When the next try is, where the status itself does not say so.
pub fn next_try(link: &LinkView, now: Timestamp) -> Option<String> {
    match link {
        LinkView::OwnerOffline { retry_at } => Some(match seconds_until(*retry_at, now) {
            Some(seconds) => format!("Next try in {seconds} s."),
            None => "Trying now …".into(),
        }),
        LinkView::Connecting
        | LinkView::Connected
        | LinkView::Reconnecting { .. }
        | LinkView::Refused { .. } => None,
    }
}

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Voter => "Voter",
        Role::Moderator => "Moderator",
        Role::Owner => "Owner",
    }
}

pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Saving => "being saved on this device",
        Stage::Saved => "saved here; goes out as soon as there is a connection",
        Stage::Sent => "sent; waiting for the owner's confirmation",
    }
}

/// A command of our own, as the subject of a sentence.
pub fn action(action: &Action, poll: Option<&Poll>) -> String {
    match action {
        Action::Create(_) => "The new poll".into(),
        Action::Vote(vote) => self::vote(vote, poll),
        Action::AddOption(option) => format!("The option “{}”", option.label),
        Action::SetRole(update) => {
            format!("{} as {}", name_in(poll, &update.peer), role(update.role).to_lowercase())
        }
        Action::Profile(profile) => match &profile.name {
            Some(name) => format!("The name “{name}”"),
            None => "Taking your name back".into(),
        },
        Action::SetStatus(status) if status.open => "Reopening the poll".into(),
        Action::SetStatus(_) => "Closing the poll".into(),
        Action::Edit(_) => "The changes to the poll".into(),
    }
}

fn vote(vote: &Vote, poll: Option<&Poll>) -> String {
    if vote.choices.is_empty() {
        return "Withdrawing your vote".into();
    }
    let labels: Vec<&str> = vote
        .choices
        .iter()
        .filter_map(|id| poll.and_then(|poll| poll.option(*id)))
        .map(|option| option.label.as_str())
        .collect();
    format!("Your vote for {}", labels.join(", "))
}

/// What somebody is called: the name they gave, or the start of their key.
pub fn name_in(poll: Option<&Poll>, who: &PublicKey) -> String {
    poll.and_then(|poll| poll.names.get(who))
        .map_or_else(|| format!("Peer {}", short_key(who)), ToString::to_string)
}

pub fn short_key(who: &PublicKey) -> String {
    who.peer_id().chars().take(SHORT_KEY_CHARS).collect()
}

pub fn voters(count: usize) -> String {
    match count {
        0 => "Nobody has voted yet".into(),
        1 => "1 person has voted".into(),
        n => format!("{} people have voted", format::number(n)),
    }
}

pub fn votes(count: usize, voters: usize) -> String {
    let share = format::percent(count, voters);
    match count {
        1 => format!("1 vote · {share}"),
        n => format!("{} votes · {share}", format::number(n)),
    }
}

/// The count in a few spoken words: `Pizza 3, Soup 2`.
pub fn spoken_tally(poll: &Poll, tally: &Tally) -> String {
    let mut counted: Vec<_> = poll.options.iter().zip(tally.counts.iter().copied()).collect();
    let mut spoken = Vec::new();
    while spoken.len() < SPOKEN_OPTIONS_MAX
        // The first of those with the most: the last maximum, read backwards.
        && let Some(most) = (0..counted.len()).rev().max_by_key(|at| counted.get(*at).map(|(_, count)| *count))
    {
        let (option, count) = counted.remove(most);
        if count > 0 {
            spoken.push(format!("{} {}", option.label, format::number(count)));
        }
    }
    if spoken.is_empty() { voters(tally.voters) } else { spoken.join(", ") }
}
