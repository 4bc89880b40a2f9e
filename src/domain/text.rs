//! The only strings a person may put into a poll: tidy, visible, bounded.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
/// Combining marks in a row that a letter may carry; more is decoration that covers its neighbours.
const COMBINING_MAX: usize = 4;

/// At most `MAX` characters, trimmed, with no control, bidi or invisible characters.
///
/// [`Text::clean`] makes one out of what somebody typed; [`Text::parse`] and `Deserialize` accept
/// only what is clean already, so that the bytes that were signed are the bytes that are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

pub type Question = Text<500>;
pub type Description = Text<2000>;
pub type Label = Text<200>;
pub type Name = Text<60>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    Empty,
    TooLong { max: usize, found: usize },
    Unclean,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("This can't be empty."),
            Self::TooLong { max, found } => {
                write!(f, "At most {max} characters; this has {found}.")
            }
            Self::Unclean => f.write_str("This holds invisible or control characters."),
        }
    }
}

impl<const MAX: usize> Text<MAX> {
    /// Tidies what a person typed: line breaks become spaces, what can't be seen goes. Composing letters
    /// (NFC) is left to the browser, which has the tables for it.
    pub fn clean(input: &str) -> Result<Self, TextError> {
        let mut marks = 0;
        let visible = input
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .filter(|c| !is_hidden(*c))
            .filter(|c| {
                marks = if is_combining(*c) { marks + 1 } else { 0 };
                marks <= COMBINING_MAX
            });
        let mut text = String::new();
        for c in visible {
            if c != ' ' || !(text.is_empty() || text.ends_with(' ')) {
                text.push(c);
            }
        }
        text.truncate(text.trim_end().len());
        let found = text.chars().count();
        if found == 0 {
            return Err(TextError::Empty);
        }
        if found > MAX {
            return Err(TextError::TooLong { max: MAX, found });
        }
        Ok(Self(text))
    }

    /// Accepts only text that [`Text::clean`] would leave as it is.
    pub fn parse(input: &str) -> Result<Self, TextError> {
        // Four bytes a character at most: refuse a huge string before looking at it.
        if input.len() > MAX * 4 {
            return Err(TextError::TooLong { max: MAX, found: input.chars().count() });
        }
        let clean = Self::clean(input)?;
        if clean.0 == input { Ok(clean) } else { Err(TextError::Unclean) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two texts share when people would call them the same.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

/// The marks that can be piled up on one letter: the combining blocks, and the points of Hebrew, Arabic and Thai.
fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05c7}'
        | '\u{0610}'..='\u{061a}' | '\u{064b}'..='\u{065f}' | '\u{0e31}' | '\u{0e34}'..='\u{0e3a}'
        | '\u{0e47}'..='\u{0e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Controls, bidi controls and invisible characters. The zero width joiner stays: emoji
/// and several scripts need it.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cleaning_keeps_what_is_seen_and_drops_what_is_not() {
        for (typed, kept) in [
            ("  Lunch \n today? ", "Lunch today?"),
            ("a \u{200b} b", "a b"),
            ("a\u{202e}b\u{200b}c\u{0007}", "abc"),
            ("<b>bold</b>", "<b>bold</b>"),
            ("👩‍👩‍👧", "👩‍👩‍👧"),
            ("=1+1", "=1+1"),
        ] {
            assert_eq!(Question::clean(typed).map(|t| t.to_string()), Ok(kept.to_owned()));
        }
    }

    #[test]
    fn combining_floods_are_cut() {
        let marks = "\u{0323}\u{0316}";
        let cleaned = |text: &str| Label::clean(text).map(|t| t.to_string());
        assert_eq!(cleaned(&format!("a{}b", marks.repeat(50))), Ok(format!("a{marks}{marks}b")));
        let spread = format!("a{marks}{marks}b{marks}{marks}");
        assert_eq!(cleaned(&spread), Ok(spread));
    }

    #[test]
    fn limits_count_characters() {
        assert_eq!(Name::clean("é".repeat(60).as_str()).map(|t| t.as_str().len()), Ok(120));
        assert_eq!(Name::clean(&"x".repeat(61)), Err(TextError::TooLong { max: 60, found: 61 }));
        assert_eq!(Name::clean(" \u{200b} "), Err(TextError::Empty));
    }

    #[test]
    fn the_longest_text_that_may_come_has_four_bytes_a_character() {
        let longest = "👍".repeat(60);
        assert_eq!(Name::parse(&longest).map(|t| t.to_string()), Ok(longest.clone()));
        let too_long = TextError::TooLong { max: 60, found: 61 };
        assert_eq!(Name::parse(&format!("{longest}a")), Err(too_long));
    }

    #[test]
    fn every_mistake_has_its_words() {
        assert_eq!(TextError::Empty.to_string(), "This can't be empty.");
        let too_long = TextError::TooLong { max: 60, found: 61 };
        assert_eq!(too_long.to_string(), "At most 60 characters; this has 61.");
        assert_eq!(TextError::Unclean.to_string(), "This holds invisible or control characters.");
    }

    #[test]
    fn texts_that_people_would_call_the_same_fold_to_one() {
        let folded = |text: &str| Label::clean(text).map(|t| t.folded());
        assert_eq!(folded("PIZZA Ä"), Ok("pizza ä".to_owned()));
    }

    #[test]
    fn the_wire_accepts_clean_text_only() {
        assert!(serde_json::from_str::<Name>("\"Ann\"").is_ok());
        for dirty in ["\" Ann\"", "\"A\\u202enn\"", "\"\"", "7"] {
            assert!(serde_json::from_str::<Name>(dirty).is_err(), "{dirty}");
        }
    }

    proptest! {
        #[test]
        fn clean_text_parses_unchanged(input in "\\PC{0,80}") {
            if let Ok(text) = Question::clean(&input) {
                prop_assert_eq!(Question::parse(text.as_str()), Ok(text));
            }
        }
    }
}
