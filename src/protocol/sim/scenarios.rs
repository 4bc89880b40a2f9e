//! Whole stories, told once each with exact outcomes.

use super::*;
use crate::domain::poll::tests::{draft, label};
use crate::domain::poll::{Choice, NewOption, OptionId, Role, RoleUpdate, Status, Vote};
use crate::protocol::view::{LostCause, Stage, TabView, Warning};

fn vote(option: u16) -> Action {
    Action::Vote(Vote { choices: vec![OptionId(option)] })
}

struct Party {
    sim: Sim,
    room: RoomRef,
    owner: usize,
    ann: usize,
    bob: usize,
}

/// An owner with a poll of three options, and two people connected to it.
fn room() -> Party {
    let mut sim = Sim::new(1);
    let devices = [sim.device(), sim.device(), sim.device()];
    let [owner, ann, bob] = devices.map(|device| sim.open_tab(device));
    sim.run(10);
    let room = sim.create(owner, draft(Choice::Single, &["Pizza", "Soup", "Rice"]));
    for tab in [owner, ann, bob] {
        sim.watch(tab, room);
    }
    sim.until(5_000, "all connected", |sim| sim.converged(owner, room, &[owner, ann, bob]));
    Party { sim, room, owner, ann, bob }
}

impl Party {
    fn all(&self) -> [usize; 3] {
        [self.owner, self.ann, self.bob]
    }

    /// A tab beside the one that a device has, following it.
    fn second_tab(&mut self, device: usize) -> usize {
        let tab = self.sim.open_tab(device);
        self.sim.watch(tab, self.room);
        self.sim.run(200);
        tab
    }

    fn converge(&mut self, ms: u64) {
        let (owner, room, all) = (self.owner, self.room, self.all());
        self.sim.until(ms, "converged", |sim| sim.converged(owner, room, &all));
    }

    fn counts(&self) -> Vec<usize> {
        self.sim.owner_poll(self.owner, self.room).tally().counts
    }

    fn link(&self, tab: usize) -> LinkView {
        self.sim.room(tab, self.room).link
    }
}

#[test]
fn create_share_vote_live() {
    let mut r = room();
    r.sim.act(r.ann, r.room, vote(1));
    assert_eq!(r.sim.room(r.ann, r.room).pending[0].stage, Stage::Saving);
    assert_eq!(r.sim.room(r.ann, r.room).my_choices(), [OptionId(1)], "shown at once");
    r.sim.act(r.owner, r.room, vote(0));
    r.converge(1_000);
    assert_eq!(r.counts(), [1, 1, 0]);
    let receipt = r.sim.room(r.ann, r.room).receipt.expect("a receipt");
    r.sim.run(100);
    assert_eq!(r.sim.disks[1].count(Store::Outbox), 0);
    assert_eq!(r.sim.disks[1].count(Store::Receipts), 1);
    assert!(receipt.revision == 2 || receipt.revision == 3);
    assert_eq!(r.sim.room(r.bob, r.room).online.len(), 3);
}

#[test]
fn what_a_tab_tells_of_itself() {
    let mut r = room();
    let second = r.second_tab(1);
    let about = |r: &Party, tab| {
        let node = r.sim.node(tab);
        let confirmed = node.confirmed(r.room).map(|poll| poll.revision);
        (r.sim.view(tab).tab, node.watching(), node.serves_others(), confirmed)
    };
    let watching = Some(r.room);
    assert_eq!(about(&r, r.owner), (TabView::Leading, watching, true, None));
    assert_eq!(about(&r, r.ann), (TabView::Leading, watching, false, Some(1)));
    assert_eq!(about(&r, second), (TabView::Following, watching, false, None));
    r.sim.watch_nothing(second);
    assert_eq!(about(&r, second), (TabView::Following, None, false, None));
    for tab in [second, r.ann, r.bob] {
        r.sim.close(tab);
    }
    r.sim.run(20_000);
    assert_eq!(about(&r, r.owner), (TabView::Leading, watching, false, None));
}

#[test]
fn a_confirmed_vote_never_flickers_before_its_increment_arrives() {
    let mut r = room();
    r.sim.act(r.ann, r.room, vote(1));
    let (ann, room) = (r.ann, r.room);
    let shown = |sim: &Sim| sim.room(ann, room).poll.map(|poll| poll.tally().counts);
    for _ in 0..50 {
        assert_eq!(shown(&r.sim), Some(vec![0, 1, 0]));
        r.sim.run(1);
    }
}

#[test]
fn a_participant_that_reloads_with_an_unacked_vote_sends_it_again() {
    let mut r = room();
    r.sim.disks[0].fails = Some(StorageFailure::Quota);
    r.sim.act(r.ann, r.room, vote(2));
    r.sim.run(500);
    assert_eq!(r.sim.room(r.ann, r.room).pending[0].stage, Stage::Sent);
    r.sim.kill(r.ann);
    r.sim.reopen(r.ann);
    r.sim.watch(r.ann, r.room);
    r.sim.run(500);
    assert_eq!(r.sim.room(r.ann, r.room).pending.len(), 1, "still pending after the reload");
    assert_eq!(r.counts(), [0, 0, 0]);
    r.sim.disks[0].fails = None;
    r.converge(70_000);
    assert_eq!(r.counts(), [0, 0, 1]);
    assert_eq!(r.sim.owner_poll(r.owner, r.room).revision, 2, "applied once");
}

#[test]
fn an_owner_that_is_killed_between_commit_and_ack_acks_the_duplicate() {
    let mut r = room();
    r.sim.act(r.ann, r.room, vote(0));
    let (owner, id) = (r.owner, r.room);
    r.sim.until(1_000, "committed", |sim| sim.owner_poll(owner, id).revision == 2);
    r.sim.cut(r.owner, r.ann);
    r.sim.kill(r.owner);
    r.sim.run(30_000);
    assert_eq!(r.sim.room(r.ann, r.room).pending.len(), 1);
    assert!(matches!(r.link(r.ann), LinkView::OwnerOffline { .. }));
    assert!(r.sim.room(r.ann, r.room).cached_at.is_some());
    r.sim.reopen(r.owner);
    r.sim.watch(r.owner, r.room);
    r.sim.run(5_000);
    r.converge(0);
    assert_eq!(r.counts(), [1, 0, 0]);
    assert_eq!(r.sim.owner_poll(r.owner, r.room).revision, 2);
}

#[test]
fn while_the_owner_is_offline_nothing_new_can_be_submitted() {
    let mut r = room();
    r.sim.close(r.owner);
    r.sim.run(10_000);
    assert!(matches!(r.link(r.ann), LinkView::OwnerOffline { .. }));
    r.sim.act(r.ann, r.room, vote(0));
    let view = r.sim.room(r.ann, r.room);
    assert_eq!((view.pending.len(), view.rejected.len()), (0, 1));
    assert_eq!(view.poll.map(|poll| poll.tally().counts), Some(vec![0, 0, 0]));
}

#[test]
fn an_owner_back_after_a_long_time_is_synced_within_five_seconds() {
    let mut r = room();
    r.sim.run(2_000);
    for away_ms in [10_000, 100_000, 3_600_000] {
        r.sim.close(r.owner);
        r.sim.run(away_ms);
        r.sim.reopen(r.owner);
        r.sim.watch(r.owner, r.room);
        r.sim.run(10);
        r.converge(5_000);
    }
}

#[test]
fn a_cut_connection_comes_back_and_resends() {
    let mut r = room();
    r.sim.cut(r.ann, r.owner);
    r.sim.act(r.ann, r.room, vote(1));
    r.sim.run(14_000);
    assert_eq!(r.sim.room(r.ann, r.room).pending[0].stage, Stage::Sent);
    let (ann, room) = (r.ann, r.room);
    r.sim.until(2_000, "the loss is noticed", |sim| {
        sim.room(ann, room).pending[0].stage == Stage::Saved
    });
    r.converge(30_000);
    assert_eq!(r.counts(), [0, 1, 0]);
}

#[test]
fn voting_goes_on_while_signalling_is_down() {
    let mut r = room();
    r.sim.stop_signalling();
    r.sim.run(100);
    r.sim.act(r.ann, r.room, vote(1));
    r.converge(1_000);
    assert_eq!(r.link(r.ann), LinkView::Connected);
    assert!(matches!(r.link(r.owner), LinkView::Reconnecting { cause: LostCause::Signalling, .. }));
    r.sim.run(60_000);
    r.sim.start_signalling();
    r.sim.run(61_000);
    assert_eq!(r.link(r.owner), LinkView::Connected);
}

#[test]
fn roles_close_reopen_and_options() {
    let mut r = room();
    let ann = r.sim.key(1);
    r.sim.act(r.owner, r.room, Action::SetRole(RoleUpdate { peer: ann, role: Role::Moderator }));
    r.converge(1_000);
    assert_eq!(r.sim.room(r.ann, r.room).role(), Role::Moderator);
    r.sim.act(r.ann, r.room, Action::AddOption(NewOption { label: label("Salad") }));
    r.converge(1_000);
    r.sim.act(r.ann, r.room, Action::SetStatus(Status { open: false }));
    r.converge(1_000);
    r.sim.act(r.bob, r.room, vote(0));
    assert_eq!(r.sim.room(r.bob, r.room).rejected[0].message, "The poll is closed.");
    r.sim.act(r.owner, r.room, Action::SetStatus(Status { open: true }));
    r.converge(1_000);
    r.sim.act(r.bob, r.room, vote(3));
    r.converge(1_000);
    assert_eq!(r.counts(), [0, 0, 0, 1]);
}

#[test]
fn a_demotion_stops_commands_in_flight() {
    let mut r = room();
    let ann = r.sim.key(1);
    r.sim.pace.commit_ms = (50, 50);
    r.sim.act(r.owner, r.room, Action::SetRole(RoleUpdate { peer: ann, role: Role::Viewer }));
    r.sim.act(r.ann, r.room, vote(0));
    assert_eq!(r.sim.room(r.ann, r.room).rejected, [], "not known there yet");
    r.sim.run(1_000);
    let view = r.sim.room(r.ann, r.room);
    assert_eq!(view.pending, []);
    assert_eq!(view.rejected.len(), 1);
    assert_eq!(r.counts(), [0, 0, 0]);
}

#[test]
fn a_vote_whose_refusal_is_lost_does_not_stand_over_a_later_one() {
    let mut r = room();
    let (owner, room) = (r.owner, r.room);
    r.sim.pace.frame_ms = (100, 100);
    r.sim.act(owner, room, Action::SetStatus(Status { open: false }));
    r.sim.act(r.ann, room, vote(0));
    r.sim.run(50);
    r.sim.act(r.ann, room, vote(1));
    r.sim.run(70);
    // The first vote is refused by now, and word of that is on its way.
    r.sim.act(owner, room, Action::SetStatus(Status { open: true }));
    r.sim.run(70);
    assert_eq!(r.sim.room(r.ann, room).rejected, []);
    r.sim.cut(owner, r.ann);
    r.converge(60_000);
    assert_eq!(r.counts(), [0, 1, 0]);
    assert_eq!(r.sim.owner_poll(owner, room).revision, 5, "both votes were taken, in order");
}

#[test]
fn two_tabs_share_one_view_and_the_second_takes_over() {
    let mut r = room();
    let second = r.second_tab(1);
    assert!(!r.sim.node(second).is_leading());
    r.sim.act(second, r.room, vote(2));
    r.sim.run(200);
    assert_eq!(r.counts(), [0, 0, 1]);
    assert_eq!(r.sim.room(second, r.room).my_choices(), [OptionId(2)]);
    r.sim.close(r.ann);
    r.sim.run(2_000);
    assert!(r.sim.node(second).is_leading());
    assert_eq!(r.sim.room(second, r.room).link, LinkView::Connected);
    assert_eq!(r.sim.owner_poll(r.owner, r.room).votes.len(), 1);
}

#[test]
fn the_owners_second_tab_takes_over_the_room() {
    let mut r = room();
    let second = r.second_tab(0);
    r.sim.act(second, r.room, vote(2));
    r.sim.run(200);
    r.sim.kill(r.owner);
    let (ann, bob, id) = (r.ann, r.bob, r.room);
    r.sim.until(20_000, "handed over", |sim| {
        sim.node(second).is_leading() && sim.converged(second, id, &[second, ann, bob])
    });
    assert_eq!(r.sim.owner_poll(second, r.room).tally().counts, [0, 0, 1]);
}

#[test]
fn an_intent_given_to_a_leader_that_dies_at_once_is_not_lost() {
    let mut r = room();
    let second = r.second_tab(1);
    r.sim.act(second, r.room, vote(1));
    r.sim.kill(r.ann);
    r.sim.run(20_000);
    assert_eq!(r.counts(), [0, 1, 0]);
}

#[test]
fn an_ex_leader_that_thaws_steps_down() {
    let mut r = room();
    let second = r.sim.open_tab(0);
    r.sim.run(100);
    r.sim.steal_lock(0);
    r.sim.run(100);
    assert!(r.sim.node(second).is_leading());
    assert!(!r.sim.node(r.owner).is_leading(), "it heard of the new leader");
}

#[test]
fn an_ex_leader_that_wakes_first_does_not_leave_the_owner_unreachable() {
    let mut r = room();
    let second = r.second_tab(0);
    r.sim.run(9_800);
    r.sim.steal_lock(0);
    r.sim.until(100, "the second leads", |sim| sim.is_leading(second));
    // It takes the id back before it hears that it leads no longer, and then lets it go.
    r.sim.input(r.owner, Input::Wake);
    r.sim.run(100);
    assert!(!r.sim.is_leading(r.owner));
    let (ann, bob, id) = (r.ann, r.bob, r.room);
    r.sim.until(20_000, "found under its id", |sim| sim.converged(second, id, &[second, ann, bob]));
}

#[test]
fn an_ex_leader_that_hears_nothing_is_fenced_at_its_next_commit() {
    let mut r = room();
    r.sim.disks[0].epoch += 1;
    r.sim.act(r.owner, r.room, vote(0));
    let committed = |sim: &Sim| sim.disks[0].count(Store::Log);
    r.sim.until(100, "fenced", |sim| !sim.is_leading(r.owner));
    assert_eq!(committed(&r.sim), 1);
    r.sim.run(1_000);
    assert_eq!(r.sim.disks[0].leader, Some(r.owner), "it leads again under a new epoch");
    assert_eq!(
        committed(&r.sim),
        2,
        "what it could not commit is handed over, to itself this time"
    );
}

#[test]
fn what_a_fenced_participant_could_not_save_is_handed_over() {
    let mut r = room();
    let second = r.second_tab(1);
    r.sim.disks[1].epoch += 1;
    r.sim.act(r.ann, r.room, vote(2));
    r.sim.run(20_000);
    assert!(r.sim.is_leading(second), "it stood in line for the lock");
    for tab in [r.ann, second] {
        let view = r.sim.room(tab, r.room);
        assert_eq!((view.pending, view.rejected), (vec![], vec![]));
        assert_eq!(view.poll.map(|poll| poll.tally().counts), Some(vec![0, 0, 1]));
    }
}

#[test]
fn full_storage_on_a_participant_sends_nothing() {
    let mut r = room();
    r.sim.disks[1].fails = Some(StorageFailure::Quota);
    let sent = r.sim.tabs[r.ann].sent.len();
    r.sim.act(r.ann, r.room, vote(0));
    r.sim.run(100);
    let view = r.sim.room(r.ann, r.room);
    assert_eq!((view.pending.len(), view.rejected.len()), (0, 1));
    assert!(r.sim.tabs[r.ann].sent[sent..].iter().all(|frame| !frame.contains("poll:vote")));
    assert_eq!(r.counts(), [0, 0, 0]);
}

#[test]
fn what_was_refused_is_shown_until_it_is_dismissed() {
    let mut r = room();
    for tab in [r.owner, r.ann] {
        let refused = [9, 8].map(|option| r.sim.act(tab, r.room, vote(option)));
        r.sim.run(100);
        let shown = |r: &Party| -> Vec<CommandId> {
            r.sim.room(tab, r.room).rejected.iter().map(|rejected| rejected.id).collect()
        };
        assert_eq!(shown(&r), refused);
        let [first, second] = refused;
        r.sim.intent(tab, Intent::Dismiss { room: r.room, command: first });
        assert_eq!(shown(&r), [second]);
    }
}

#[test]
fn try_now_leaves_what_is_connected_alone() {
    let mut r = room();
    let sent = r.sim.tabs[r.ann].sent.len();
    r.sim.intent(r.ann, Intent::TryNow);
    assert_eq!(r.sim.tabs[r.ann].sent.len(), sent);
    assert_eq!(r.link(r.ann), LinkView::Connected);
}

#[test]
fn full_storage_on_the_owner_acks_nothing_until_there_is_room() {
    let mut r = room();
    r.sim.disks[0].fails = Some(StorageFailure::Quota);
    r.sim.act(r.ann, r.room, vote(0));
    r.sim.run(5_000);
    assert!(r.sim.tabs[r.owner].sent.iter().all(|frame| !frame.contains("\"ack\"")));
    assert_eq!(r.sim.room(r.ann, r.room).pending.len(), 1);
    r.sim.disks[0].fails = None;
    r.converge(61_000);
    assert_eq!(r.counts(), [1, 0, 0]);
}

#[test]
fn a_lobby_lists_what_the_owner_lists() {
    let mut r = room();
    let listed = Draft { listed: true, ..draft(Choice::Single, &["Yes", "No"]) };
    let other = r.sim.create(r.owner, listed);
    let lobby = RoomRef::lobby(r.room.owner);
    r.sim.watch(r.ann, lobby);
    r.sim.run(1_000);
    let told = r.sim.room(r.ann, lobby).listed.expect("told");
    assert_eq!(told.iter().map(|poll| poll.poll_id).collect::<Vec<_>>(), [other.poll]);
    r.sim.act(r.owner, other, Action::SetStatus(Status { open: false }));
    r.sim.run(1_000);
    assert_eq!(r.sim.room(r.ann, lobby).listed, Some(vec![]));
}

#[test]
fn an_unknown_poll_is_refused_and_tried_again() {
    let mut r = room();
    let wrong = RoomRef { poll: PollId(uuid::Uuid::from_u128(77)), ..r.room };
    r.sim.watch(r.ann, wrong);
    r.sim.run(1_000);
    let LinkView::Refused { message, .. } = r.sim.room(r.ann, wrong).link else {
        panic!("refused")
    };
    assert_eq!(message, "The owner has no such poll. The link may be old.");
    let dials = r.sim.tabs[r.ann].sent.len();
    r.sim.run(30_000);
    assert!(r.sim.tabs[r.ann].sent.len() > dials, "keeps trying");
}

#[test]
fn an_owner_that_shows_another_history_is_noticed() {
    let mut r = room();
    r.sim.act(r.ann, r.room, vote(0));
    r.converge(1_000);
    let backup = {
        let mut disk = r.sim.disks[0].clone();
        disk.rows
            .retain(|(store, key), _| *store != Store::Log || key.ends_with("/0000000000000001"));
        disk.rows
    };
    r.sim.close(r.owner);
    r.sim.disks[0].rows = backup;
    r.sim.reopen(r.owner);
    r.sim.watch(r.owner, r.room);
    r.sim.run(10_000);
    assert_eq!(r.sim.room(r.ann, r.room).warning, Some(Warning::HistoryChanged));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut r = room();
        r.sim.act(r.ann, r.room, vote(1));
        r.sim.cut(r.bob, r.owner);
        r.sim.run(60_000);
        (r.sim.steps, r.sim.tabs.iter().map(|tab| tab.sent.clone()).collect::<Vec<_>>())
    };
    assert_eq!(run(), run());
}

#[test]
fn a_confirmed_vote_is_in_the_copy_even_when_the_page_is_left_at_once() {
    let mut r = room();
    let ann = r.ann;
    r.sim.act(r.ann, r.room, vote(1));
    r.sim.until(1_000, "the outbox is empty", |sim| sim.disks[1].count(Store::Outbox) == 1);
    r.sim.until(1_000, "the outbox is empty", |sim| sim.disks[1].count(Store::Outbox) == 0);
    r.sim.kill(ann);
    r.sim.stop_signalling();
    r.sim.reopen(ann);
    r.sim.watch(ann, r.room);
    r.sim.run(10);
    let view = r.sim.room(ann, r.room);
    assert_eq!(view.my_choices(), [OptionId(1)]);
    assert!(view.cached_at.is_some());
}

#[test]
fn a_poll_is_remembered_as_soon_as_it_is_seen() {
    let mut r = room();
    r.sim.run(10);
    assert_eq!(r.sim.disks[1].count(Store::Rooms), 1);
}

#[test]
fn a_device_that_slept_wakes_and_comes_to_rest() {
    let mut r = room();
    r.sim.stop_signalling();
    r.sim.run(100);
    r.sim.clocks[0] += 3_600_000;
    r.sim.run(120_000);
    assert!(r.sim.steps < 2_000, "{} steps", r.sim.steps);
    r.sim.start_signalling();
    r.converge(120_000);
}
