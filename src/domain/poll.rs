//! A poll and the rules that change it. A poll is its log: `state = fold(log)`, and this is the fold.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;

use super::bug::{self, Bug};
use super::bytes::Hash;
use super::identity::{PollId, PublicKey};
use super::text::{Description, Label, Name, Question};

/// Options a poll starts with at least.
pub const OPTIONS_MIN: usize = 2;
/// Options a poll holds at most.
pub const OPTIONS_MAX: usize = 50;

/// An option's place in the order in which options were added, from 0. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OptionId(pub u16);

/// How many options one ballot may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    Single,
    Multiple,
}

/// What somebody may do. The owner is whoever the link names; everybody else starts as a voter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Viewer,
    #[default]
    Voter,
    Moderator,
    Owner,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Voter, Self::Moderator, Self::Owner];

    /// The number in signed transcripts.
    pub fn number(self) -> u8 {
        match self {
            Self::Viewer => 0,
            Self::Voter => 1,
            Self::Moderator => 2,
            Self::Owner => 3,
        }
    }
}

/// What a poll asks, and how. The command `poll:create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    pub question: Question,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    pub choice: Choice,
    pub options: Vec<Label>,
    pub participants_add_options: bool,
    /// Whether somebody who knows only the owner's peer id is told of this poll.
    pub listed: bool,
}

/// The whole ballot of one voter: ascending, without repeats; empty withdraws. The command `poll:vote`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub choices: Vec<OptionId>,
}

/// The command `poll:option:add`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOption {
    pub label: Label,
}

/// The command `poll:role:update`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleUpdate {
    #[serde(rename = "peerId")]
    pub peer: PublicKey,
    pub role: Role,
}

/// The command `user:profile`. No name takes it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProfile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
}

/// The command `poll:status`: close or reopen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub open: bool,
}

/// The command `poll:edit`: everything about a poll that may change without touching votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    pub question: Question,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    pub participants_add_options: bool,
    pub listed: bool,
}

/// Everything that can change a poll, in JSON as `{type, payload}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "payload")]
pub enum Action {
    #[serde(rename = "poll:create")]
    Create(Draft),
    #[serde(rename = "poll:vote")]
    Vote(Vote),
    #[serde(rename = "poll:option:add")]
    AddOption(NewOption),
    #[serde(rename = "poll:role:update")]
    SetRole(RoleUpdate),
    #[serde(rename = "user:profile")]
    Profile(UserProfile),
    #[serde(rename = "poll:status")]
    SetStatus(Status),
    #[serde(rename = "poll:edit")]
    Edit(Edit),
}

/// `{type, payload}` with the payload still unread: what it may be depends on the type.
#[derive(Deserialize)]
pub struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    pub kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pub payload: &'a RawValue,
}

impl Action {
    /// Reads the payload of an action; `None` when `kind` is no action's.
    pub fn read(kind: &str, payload: &str) -> Option<serde_json::Result<Self>> {
        use serde_json::from_str;
        Some(match kind {
            "poll:create" => from_str(payload).map(Self::Create),
            "poll:vote" => from_str(payload).map(Self::Vote),
            "poll:option:add" => from_str(payload).map(Self::AddOption),
            "poll:role:update" => from_str(payload).map(Self::SetRole),
            "user:profile" => from_str(payload).map(Self::Profile),
            "poll:status" => from_str(payload).map(Self::SetStatus),
            "poll:edit" => from_str(payload).map(Self::Edit),
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let envelope = Envelope::deserialize(deserializer)?;
        Self::read(&envelope.kind, envelope.payload.get())
            .ok_or_else(|| D::Error::custom("no action of that type"))?
            .map_err(D::Error::custom)
    }
}

/// One thing that can be voted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PollOption {
    pub id: OptionId,
    pub label: Label,
    /// The peer id of whoever added it.
    pub added_by: PublicKey,
}

/// The state of a poll after `revision` entries. The payload of `poll:state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    pub id: PollId,
    pub owner: PublicKey,
    pub question: Question,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    pub choice: Choice,
    pub participants_add_options: bool,
    pub listed: bool,
    pub open: bool,
    pub options: Vec<PollOption>,
    pub roles: BTreeMap<PublicKey, Role>,
    pub names: BTreeMap<PublicKey, Name>,
    pub votes: BTreeMap<PublicKey, Vec<OptionId>>,
    /// How many entries the log has; 1 after the creation.
    pub revision: u64,
    /// The hash of the newest entry.
    pub head: Hash,
}

/// Why a poll does not take a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    PollClosed,
    RoleForbids,
    UnknownOption,
    TooManyChoices,
    UnorderedChoices,
    DuplicateOption,
    TooManyOptions,
    TooFewOptions,
    OptionsByOwnerOnly,
    RoleOfOwner,
    AlreadyCreated,
}

impl Refusal {
    /// Words for the person whose command it was.
    pub fn message(self) -> &'static str {
        match self {
            Self::PollClosed => "The poll is closed.",
            Self::RoleForbids => "Your role in this poll does not allow that.",
            Self::UnknownOption => "That option is not in the poll.",
            Self::TooManyChoices => "This poll takes one choice only.",
            Self::UnorderedChoices => "The choices must be ascending and without repeats.",
            Self::DuplicateOption => "The poll has that option already.",
            Self::TooManyOptions => "The poll has as many options as it can hold.",
            Self::TooFewOptions => "A poll needs two options at least.",
            Self::OptionsByOwnerOnly => "Only the owner and moderators add options to this poll.",
            Self::RoleOfOwner => {
                "The owner's role can't be changed, and nobody else can become owner."
            }
            Self::AlreadyCreated => "That poll exists already.",
        }
    }
}

/// Checks a draft by the same rules that later additions obey.
pub fn check_draft(draft: &Draft) -> Result<(), Refusal> {
    if draft.options.len() < OPTIONS_MIN {
        return Err(Refusal::TooFewOptions);
    }
    if draft.options.len() > OPTIONS_MAX {
        return Err(Refusal::TooManyOptions);
    }
    let mut seen: Vec<String> = draft.options.iter().map(Label::folded).collect();
    seen.sort_unstable();
    if seen.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(Refusal::DuplicateOption);
    }
    Ok(())
}

impl Poll {
    /// The state before the first entry is placed: revision 0.
    pub fn create(id: PollId, owner: PublicKey, draft: &Draft) -> Result<Self, Refusal> {
        check_draft(draft)?;
        let mut poll = Self {
            id,
            owner,
            question: draft.question.clone(),
            description: draft.description.clone(),
            choice: draft.choice,
            participants_add_options: draft.participants_add_options,
            listed: draft.listed,
            open: true,
            options: Vec::with_capacity(draft.options.len()),
            roles: BTreeMap::new(),
            names: BTreeMap::new(),
            votes: BTreeMap::new(),
            revision: 0,
            head: Hash::ZERO,
        };
        for label in &draft.options {
            poll.push_option(label.clone(), owner);
        }
        Ok(poll)
    }

    fn push_option(&mut self, label: Label, added_by: PublicKey) {
        // OPTIONS_MAX keeps the count far below u16::MAX.
        let id = OptionId(u16::try_from(self.options.len()).unwrap_or(u16::MAX));
        self.options.push(PollOption { id, label, added_by });
    }

    pub fn role_of(&self, who: &PublicKey) -> Role {
        if *who == self.owner {
            return Role::Owner;
        }
        self.roles.get(who).copied().unwrap_or_default()
    }

    pub fn option(&self, id: OptionId) -> Option<&PollOption> {
        self.options.get(usize::from(id.0))
    }

    /// Whether `who` may add options now, were there room.
    pub fn may_add_options(&self, who: &PublicKey) -> bool {
        match self.role_of(who) {
            Role::Owner | Role::Moderator => true,
            Role::Voter => self.participants_add_options,
            Role::Viewer => false,
        }
    }

    /// Whether `who` may close, reopen and edit.
    pub fn may_moderate(&self, who: &PublicKey) -> bool {
        match self.role_of(who) {
            Role::Owner | Role::Moderator => true,
            Role::Voter | Role::Viewer => false,
        }
    }

    /// Whether `who` may set the role of `peer` to `role`. Moderators decide between voters and viewers.
    pub fn may_set_role(
        &self,
        who: &PublicKey,
        peer: &PublicKey,
        role: Role,
    ) -> Result<(), Refusal> {
        if *peer == self.owner || role == Role::Owner {
            return Err(Refusal::RoleOfOwner);
        }
        match self.role_of(who) {
            Role::Owner => Ok(()),
            Role::Moderator if self.role_of(peer) < Role::Moderator && role < Role::Moderator => {
                Ok(())
            }
            Role::Moderator | Role::Voter | Role::Viewer => Err(Refusal::RoleForbids),
        }
    }

    /// The whole of the rules: may `author` do this to the poll as it stands?
    pub fn check(&self, author: &PublicKey, action: &Action) -> Result<(), Refusal> {
        match action {
            Action::Create(_) => Err(Refusal::AlreadyCreated),
            Action::Vote(vote) => self.check_vote(author, vote),
            Action::AddOption(option) => self.check_option(author, option),
            Action::SetRole(update) => self.may_set_role(author, &update.peer, update.role),
            Action::Profile(_) => Ok(()),
            Action::SetStatus(_) | Action::Edit(_) if self.may_moderate(author) => Ok(()),
            Action::SetStatus(_) | Action::Edit(_) => Err(Refusal::RoleForbids),
        }
    }

    fn check_vote(&self, author: &PublicKey, vote: &Vote) -> Result<(), Refusal> {
        if self.role_of(author) == Role::Viewer && !bug::on(Bug::RoleCheckedAtReceipt) {
            return Err(Refusal::RoleForbids);
        }
        if !self.open && !bug::on(Bug::ClosedPollTakesVotes) {
            return Err(Refusal::PollClosed);
        }
        if vote.choices.windows(2).any(|pair| matches!(pair, [a, b] if a >= b)) {
            return Err(Refusal::UnorderedChoices);
        }
        if vote.choices.iter().any(|id| self.option(*id).is_none()) {
            return Err(Refusal::UnknownOption);
        }
        if self.choice == Choice::Single && vote.choices.len() > 1 {
            return Err(Refusal::TooManyChoices);
        }
        Ok(())
    }

    fn check_option(&self, author: &PublicKey, option: &NewOption) -> Result<(), Refusal> {
        match self.role_of(author) {
            Role::Viewer => return Err(Refusal::RoleForbids),
            Role::Voter if !self.participants_add_options => {
                return Err(Refusal::OptionsByOwnerOnly);
            }
            Role::Voter | Role::Moderator | Role::Owner => {}
        }
        if !self.open {
            return Err(Refusal::PollClosed);
        }
        if self.options.len() >= OPTIONS_MAX {
            return Err(Refusal::TooManyOptions);
        }
        let folded = option.label.folded();
        if self.options.iter().any(|existing| existing.label.folded() == folded) {
            return Err(Refusal::DuplicateOption);
        }
        Ok(())
    }

    /// Checks and applies. The place in the log is [`super::log`]'s business.
    pub fn apply(&mut self, author: &PublicKey, action: &Action) -> Result<(), Refusal> {
        self.check(author, action)?;
        match action {
            Action::Create(_) => {}
            Action::Vote(vote) if vote.choices.is_empty() => {
                self.votes.remove(author);
            }
            Action::Vote(vote) => {
                self.votes.insert(*author, vote.choices.clone());
            }
            Action::AddOption(option) => self.push_option(option.label.clone(), *author),
            Action::SetRole(update) if update.role == Role::default() => {
                self.roles.remove(&update.peer);
            }
            Action::SetRole(update) => {
                self.roles.insert(update.peer, update.role);
            }
            Action::Profile(UserProfile { name: Some(name) }) => {
                self.names.insert(*author, name.clone());
            }
            Action::Profile(UserProfile { name: None }) => {
                self.names.remove(author);
            }
            Action::SetStatus(status) => self.open = status.open,
            Action::Edit(edit) => {
                self.question = edit.question.clone();
                self.description.clone_from(&edit.description);
                self.participants_add_options = edit.participants_add_options;
                self.listed = edit.listed;
            }
        }
        Ok(())
    }

    /// Whether a snapshot could be the fold of some log: what the rest of the code takes for granted.
    pub fn is_consistent(&self) -> bool {
        let options_in_order = self
            .options
            .iter()
            .zip(0..)
            .all(|(option, place): (_, u16)| option.id == OptionId(place));
        options_in_order
            && (OPTIONS_MIN..=OPTIONS_MAX).contains(&self.options.len())
            && self.revision > 0
            && self.votes.values().all(|choices| {
                !choices.is_empty()
                    && choices.iter().all(|id| self.option(*id).is_some())
                    && choices.windows(2).all(|pair| matches!(pair, [a, b] if a < b))
            })
    }

    /// Votes per option, in the order of [`Poll::options`], and the number of voters.
    pub fn tally(&self) -> Tally {
        let mut counts = vec![0; self.options.len()];
        for id in self.votes.values().flatten() {
            if let Some(count) = counts.get_mut(usize::from(id.0)) {
                *count += 1;
            }
        }
        Tally { counts, voters: self.votes.len() }
    }

    /// The ballot that results when `who` presses the button of `option`: a second press takes it back.
    pub fn toggled(&self, who: &PublicKey, option: OptionId) -> Vote {
        let current = self.votes.get(who).cloned().unwrap_or_default();
        let pressed = current.contains(&option);
        let mut choices = match (self.choice, pressed) {
            (Choice::Single, true) => vec![],
            (Choice::Single, false) => vec![option],
            (Choice::Multiple, true) => current.into_iter().filter(|id| *id != option).collect(),
            (Choice::Multiple, false) => current.into_iter().chain([option]).collect(),
        };
        choices.sort_unstable();
        Vote { choices }
    }
}

/// The count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub counts: Vec<usize>,
    pub voters: usize,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::identity::KeyPair;
    use uuid::Uuid;

    pub fn who(byte: u8) -> PublicKey {
        KeyPair::from_seed(&[byte; 32]).public()
    }

    pub fn label(text: &str) -> Label {
        Label::clean(text).expect("a clean label")
    }

    pub fn draft(choice: Choice, options: &[&str]) -> Draft {
        Draft {
            question: Question::clean("Lunch?").expect("a clean question"),
            description: None,
            choice,
            options: options.iter().map(|text| label(text)).collect(),
            participants_add_options: false,
            listed: false,
        }
    }

    const OWNER: u8 = 1;
    const ANN: u8 = 2;
    const BOB: u8 = 3;

    fn poll(choice: Choice) -> Poll {
        Poll::create(
            PollId(Uuid::from_u128(1)),
            who(OWNER),
            &draft(choice, &["Pizza", "Soup", "Rice"]),
        )
        .expect("a valid draft")
    }

    fn vote(ids: &[u16]) -> Action {
        Action::Vote(Vote { choices: ids.iter().copied().map(OptionId).collect() })
    }

    fn set_role(peer: u8, role: Role) -> Action {
        Action::SetRole(RoleUpdate { peer: who(peer), role })
    }

    #[test]
    fn the_last_vote_of_a_key_counts_and_an_empty_one_withdraws() {
        let mut poll = poll(Choice::Single);
        assert_eq!(poll.apply(&who(ANN), &vote(&[0])), Ok(()));
        assert_eq!(poll.apply(&who(ANN), &vote(&[2])), Ok(()));
        assert_eq!(poll.apply(&who(BOB), &vote(&[2])), Ok(()));
        assert_eq!(poll.tally(), Tally { counts: vec![0, 0, 2], voters: 2 });
        assert_eq!(poll.apply(&who(BOB), &vote(&[])), Ok(()));
        assert_eq!(poll.tally(), Tally { counts: vec![0, 0, 1], voters: 1 });
    }

    #[test]
    fn bad_ballots_are_refused_and_change_nothing() {
        let mut single = poll(Choice::Single);
        assert_eq!(single.apply(&who(ANN), &vote(&[0, 1])), Err(Refusal::TooManyChoices));
        let mut multiple = poll(Choice::Multiple);
        assert_eq!(multiple.apply(&who(ANN), &vote(&[3])), Err(Refusal::UnknownOption));
        assert_eq!(multiple.apply(&who(ANN), &vote(&[1, 1])), Err(Refusal::UnorderedChoices));
        assert_eq!(multiple.apply(&who(ANN), &vote(&[2, 1])), Err(Refusal::UnorderedChoices));
        assert_eq!(multiple, poll(Choice::Multiple));
        assert_eq!(multiple.apply(&who(ANN), &vote(&[0, 2])), Ok(()));
    }

    #[test]
    fn a_closed_poll_takes_no_votes_until_it_is_reopened() {
        let mut poll = poll(Choice::Single);
        let close = Action::SetStatus(Status { open: false });
        assert_eq!(poll.apply(&who(ANN), &close), Err(Refusal::RoleForbids));
        assert_eq!(poll.apply(&who(OWNER), &close), Ok(()));
        assert_eq!(poll.apply(&who(ANN), &vote(&[0])), Err(Refusal::PollClosed));
        let option = Action::AddOption(NewOption { label: label("Salad") });
        assert_eq!(poll.apply(&who(OWNER), &option), Err(Refusal::PollClosed));
        assert_eq!(poll.apply(&who(OWNER), &Action::SetStatus(Status { open: true })), Ok(()));
        assert_eq!(poll.apply(&who(ANN), &vote(&[0])), Ok(()));
    }

    #[test]
    fn options_come_from_whom_the_owner_allows() {
        let mut poll = poll(Choice::Single);
        let add = |text: &str| Action::AddOption(NewOption { label: label(text) });
        assert_eq!(poll.apply(&who(ANN), &add("Salad")), Err(Refusal::OptionsByOwnerOnly));
        let edit = Action::Edit(Edit {
            question: poll.question.clone(),
            description: None,
            participants_add_options: true,
            listed: false,
        });
        assert_eq!(poll.apply(&who(OWNER), &edit), Ok(()));
        assert_eq!(poll.apply(&who(ANN), &add("Salad")), Ok(()));
        assert_eq!(poll.apply(&who(BOB), &add("SALAD")), Err(Refusal::DuplicateOption));
        assert_eq!(poll.options.last().map(|o| (o.id, o.added_by)), Some((OptionId(3), who(ANN))));
        for n in poll.options.len()..OPTIONS_MAX {
            assert_eq!(poll.apply(&who(ANN), &add(&format!("Dish {n}"))), Ok(()));
        }
        assert_eq!(poll.apply(&who(ANN), &add("One more")), Err(Refusal::TooManyOptions));
    }

    #[test]
    fn roles_decide() {
        let mut poll = poll(Choice::Single);
        assert_eq!(poll.apply(&who(ANN), &set_role(BOB, Role::Viewer)), Err(Refusal::RoleForbids));
        assert_eq!(poll.apply(&who(OWNER), &set_role(ANN, Role::Moderator)), Ok(()));
        assert_eq!(poll.apply(&who(ANN), &set_role(BOB, Role::Viewer)), Ok(()));
        assert_eq!(poll.apply(&who(BOB), &vote(&[0])), Err(Refusal::RoleForbids));
        assert_eq!(
            poll.apply(&who(ANN), &set_role(BOB, Role::Moderator)),
            Err(Refusal::RoleForbids)
        );
        assert_eq!(poll.apply(&who(ANN), &set_role(ANN, Role::Voter)), Err(Refusal::RoleForbids));
        for role in Role::ALL {
            assert_eq!(poll.apply(&who(OWNER), &set_role(OWNER, role)), Err(Refusal::RoleOfOwner));
        }
        assert_eq!(poll.apply(&who(OWNER), &set_role(ANN, Role::Owner)), Err(Refusal::RoleOfOwner));
        assert_eq!(poll.apply(&who(OWNER), &set_role(BOB, Role::Voter)), Ok(()));
        assert_eq!(poll.roles.get(&who(BOB)), None);
    }

    #[test]
    fn roles_have_the_numbers_that_are_signed() {
        assert_eq!(Role::ALL.map(Role::number), [0, 1, 2, 3]);
    }

    #[test]
    fn who_may_add_options_and_moderate() {
        let mut poll = poll(Choice::Single);
        for (peer, role) in [(2, Role::Viewer), (3, Role::Moderator)] {
            assert_eq!(poll.apply(&who(1), &set_role(peer, role)), Ok(()));
        }
        for open_to_all in [false, true] {
            poll.participants_add_options = open_to_all;
            let may = [1, 2, 3, 4].map(|n| poll.may_add_options(&who(n)));
            assert_eq!(may, [true, false, true, open_to_all], "owner, viewer, moderator, voter");
        }
        assert_eq!([1, 2, 3, 4].map(|n| poll.may_moderate(&who(n))), [true, false, true, false]);
    }

    #[test]
    fn every_action_is_read_back() {
        let actions = [
            Action::Create(draft(Choice::Multiple, &["A", "B"])),
            vote(&[0, 1]),
            Action::AddOption(NewOption { label: label("C") }),
            set_role(2, Role::Viewer),
            Action::Profile(UserProfile { name: Name::clean("Ann").ok() }),
            Action::SetStatus(Status { open: false }),
            Action::Edit(Edit {
                question: Question::clean("Where?").expect("a question"),
                description: None,
                participants_add_options: true,
                listed: true,
            }),
        ];
        for action in actions {
            let json = serde_json::to_string(&action).expect("serialises");
            assert_eq!(serde_json::from_str::<Action>(&json).expect("parses"), action);
        }
    }

    #[test]
    fn a_snapshot_that_no_log_folds_to_is_inconsistent() {
        let mut poll = poll(Choice::Multiple);
        assert!(!poll.is_consistent(), "no entry is placed yet");
        poll.revision = 1;
        assert!(poll.is_consistent());
        let breaks: [fn(&mut Poll); 9] = [
            |poll| poll.revision = 0,
            |poll| poll.options[1].id = OptionId(2),
            |poll| poll.options.swap(0, 1),
            |poll| poll.options.truncate(1),
            |poll| {
                for _ in 0..=OPTIONS_MAX {
                    poll.push_option(label("More"), who(1));
                }
            },
            |poll| drop(poll.votes.insert(who(2), vec![])),
            |poll| drop(poll.votes.insert(who(2), vec![OptionId(99)])),
            |poll| drop(poll.votes.insert(who(2), vec![OptionId(1), OptionId(0)])),
            |poll| drop(poll.votes.insert(who(2), vec![OptionId(0), OptionId(0)])),
        ];
        for (at, broken) in breaks.into_iter().enumerate() {
            let mut snapshot = poll.clone();
            broken(&mut snapshot);
            assert!(!snapshot.is_consistent(), "{at}");
        }
        poll.votes.insert(who(2), vec![OptionId(0), OptionId(1)]);
        assert!(poll.is_consistent());
    }

    #[test]
    fn drafts_need_two_to_fifty_different_options() {
        let check = |options: &[&str]| check_draft(&draft(Choice::Single, options));
        assert_eq!(check(&["A"]), Err(Refusal::TooFewOptions));
        assert_eq!(check(&["A", "a"]), Err(Refusal::DuplicateOption));
        let many: Vec<String> = (0..=OPTIONS_MAX).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(check(&many), Err(Refusal::TooManyOptions));
        assert_eq!(check(&many[1..]), Ok(()));
    }

    #[test]
    fn pressing_toggles() {
        let mut single = poll(Choice::Single);
        assert_eq!(single.toggled(&who(ANN), OptionId(1)).choices, [OptionId(1)]);
        single.votes.insert(who(ANN), vec![OptionId(1)]);
        assert_eq!(single.toggled(&who(ANN), OptionId(1)).choices, []);
        assert_eq!(single.toggled(&who(ANN), OptionId(0)).choices, [OptionId(0)]);
        let mut multiple = poll(Choice::Multiple);
        multiple.votes.insert(who(ANN), vec![OptionId(2)]);
        assert_eq!(multiple.toggled(&who(ANN), OptionId(0)).choices, [OptionId(0), OptionId(2)]);
        assert_eq!(multiple.toggled(&who(ANN), OptionId(2)).choices, []);
    }
}
