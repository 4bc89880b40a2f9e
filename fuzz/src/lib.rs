//! Values that several fuzz targets make out of the fuzzer's bytes.

use arbitrary::{Result, Unstructured};
use peerpoll::domain::identity::{KeyPair, PollId, RoomRef};
use peerpoll::domain::poll::{
    Action, Choice, Draft, Edit, NewOption, OptionId, Role, RoleUpdate, Status, UserProfile, Vote,
};
use peerpoll::domain::text::Text;
use uuid::Uuid;

/// One of few keys: owners and authors that meet again.
pub fn key(number: u8) -> KeyPair {
    KeyPair::from_seed(&[number + 1; 32])
}

pub fn room() -> RoomRef {
    RoomRef { owner: key(0).public(), poll: PollId(Uuid::from_u128(0x51)) }
}

pub fn draft() -> Draft {
    Draft {
        question: text("Lunch?"),
        description: None,
        choice: Choice::Multiple,
        options: vec![text("Pizza"), text("Soup")],
        participants_add_options: true,
        listed: true,
    }
}

/// Text that is known to be clean.
pub fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).expect("clean")
}

fn any_text<const MAX: usize>(u: &mut Unstructured<'_>) -> Result<Text<MAX>> {
    let typed: &str = u.arbitrary()?;
    Ok(Text::clean(typed).unwrap_or_else(|_| text("?")))
}

fn maybe_text<const MAX: usize>(u: &mut Unstructured<'_>) -> Result<Option<Text<MAX>>> {
    u.arbitrary::<bool>()?.then(|| any_text(u)).transpose()
}

/// Any action, allowed or not.
pub fn action(u: &mut Unstructured<'_>) -> Result<Action> {
    Ok(match u.int_in_range(0..=6)? {
        0 => Action::Create(Draft {
            question: any_text(u)?,
            description: maybe_text(u)?,
            choice: *u.choose(&[Choice::Single, Choice::Multiple])?,
            options: (0..u.int_in_range(0..=4)?).map(|_| any_text(u)).collect::<Result<_>>()?,
            participants_add_options: u.arbitrary()?,
            listed: u.arbitrary()?,
        }),
        1 => Action::Vote(Vote {
            choices: u.arbitrary::<Vec<u16>>()?.into_iter().map(OptionId).collect(),
        }),
        2 => Action::AddOption(NewOption { label: any_text(u)? }),
        3 => Action::SetRole(RoleUpdate {
            peer: key(u.int_in_range(0..=3)?).public(),
            role: *u.choose(&Role::ALL)?,
        }),
        4 => Action::Profile(UserProfile { name: maybe_text(u)? }),
        5 => Action::SetStatus(Status { open: u.arbitrary()? }),
        _ => Action::Edit(Edit {
            question: any_text(u)?,
            description: maybe_text(u)?,
            participants_add_options: u.arbitrary()?,
            listed: u.arbitrary()?,
        }),
    })
}
