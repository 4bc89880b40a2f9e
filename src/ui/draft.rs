//! What was typed into the create form, and what is wrong with it.

use crate::domain::poll::{Choice, Draft, OPTIONS_MAX};
use crate::domain::text::{Label, TextError};
use crate::ui::browser;

/// Everything typed, as it was typed.
pub struct Typed {
    pub question: String,
    pub description: String,
    pub options: Vec<String>,
    pub choice: Choice,
    pub participants_add_options: bool,
    pub listed: bool,
}

/// What is wrong with one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    Text(TextError),
    /// The same as an option before it, counted from 1.
    SameAs(usize),
    /// One more than a poll holds.
    TooMany,
}

impl Problem {
    /// Whether it is worth saying before the person has left the field.
    pub fn at_once(self) -> bool {
        match self {
            Self::Text(TextError::TooLong { .. } | TextError::Unclean) | Self::TooMany => true,
            Self::Text(TextError::Empty) | Self::SameAs(_) => false,
        }
    }

    pub fn words(self, field: Field) -> String {
        match (self, field) {
            (Self::Text(TextError::Empty), Field::Question) => {
                "This can't be empty: what do you want to ask?".into()
            }
            (Self::Text(TextError::Empty), Field::Option(_)) => {
                "This can't be empty: fill it in or remove it.".into()
            }
            (Self::Text(error), _) => error.to_string(),
            (Self::SameAs(number), _) => format!("The same as option {number}."),
            (Self::TooMany, _) => format!("A poll holds at most {OPTIONS_MAX} options."),
        }
    }
}

/// Where something is wrong. Options are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Question,
    Description,
    Option(usize),
}

/// A draft, or everything that is wrong, from top to bottom.
pub fn check(typed: &Typed) -> Result<Draft, Vec<(Field, Problem)>> {
    let mut problems = Vec::new();
    let question = keep(browser::typed(&typed.question), Field::Question, &mut problems);
    let description = browser::typed_or_nothing(&typed.description);
    let description = keep(description, Field::Description, &mut problems).flatten();
    let options = check_options(&typed.options, &mut problems);
    match question {
        Some(question) if problems.is_empty() => Ok(Draft {
            question,
            description,
            choice: typed.choice,
            options,
            participants_add_options: typed.participants_add_options,
            listed: typed.listed,
        }),
        Some(_) | None => Err(problems),
    }
}

fn check_options(typed: &[String], problems: &mut Vec<(Field, Problem)>) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::with_capacity(typed.len());
    let mut seen: Vec<(String, usize)> = Vec::with_capacity(typed.len());
    for (at, text) in typed.iter().enumerate() {
        let field = Field::Option(at);
        let Some(label) = keep(browser::typed(text), field, problems) else { continue };
        let folded = label.folded();
        if let Some((_, number)) = seen.iter().find(|(other, _)| *other == folded) {
            problems.push((field, Problem::SameAs(*number)));
        } else if at >= OPTIONS_MAX {
            problems.push((field, Problem::TooMany));
        }
        seen.push((folded, at + 1));
        labels.push(label);
    }
    labels
}

fn keep<T>(
    text: Result<T, TextError>,
    field: Field,
    problems: &mut Vec<(Field, Problem)>,
) -> Option<T> {
    text.map_err(|error| problems.push((field, Problem::Text(error)))).ok()
}
