//! The only strings a person may put into a poll: tidy, visible, bounded.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// Combining marks that a letter may carry; more is decoration that covers its neighbours.
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
    /// Tidies what a person typed: line breaks become spaces, what can't be seen goes, and so does what
    /// changes a letter where none is. Composing letters (NFC) is left to the browser, which has the tables
    /// for it.
    pub fn clean(input: &str) -> Result<Self, TextError> {
        let mut text = String::new();
        let mut marks = 0;
        let mut joiner = None;
        for c in input.chars() {
            // A word starts with a letter: whatever else there is has one before it.
            let before = text.chars().next_back().filter(|before| *before != ' ');
            match (Kind::of(c), before) {
                (Kind::Letter, _) => {
                    text.extend(joiner.take());
                    text.push(c);
                    marks = 0;
                }
                (Kind::Space, Some(_)) => {
                    joiner = None;
                    text.push(' ');
                }
                (Kind::Mark, Some(_)) if marks < COMBINING_MAX => {
                    joiner = None;
                    text.push(c);
                    marks += 1;
                }
                (Kind::Selector, Some(before))
                    if joiner.is_none() && Kind::of(before) == Kind::Letter =>
                {
                    text.push(c);
                }
                // After a virama it shapes what is before it; elsewhere it waits for what it joins.
                (Kind::Joiner, Some(before)) if is_virama(before) => text.push(c),
                (Kind::Joiner, Some(before)) if Kind::of(before) != Kind::Joiner => {
                    joiner = joiner.or(Some(c));
                }
                (Kind::Hidden | Kind::Space | Kind::Mark | Kind::Selector | Kind::Joiner, _) => {}
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

    /// What two texts share when people would call them the same. Joiners and selectors change how letters
    /// look, and many letters they leave as they are.
    pub fn folded(&self) -> String {
        self.0.to_lowercase().chars().filter(|c| !is_joiner(*c) && !is_selector(*c)).collect()
    }
}

/// What a character is to those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Seen by itself: letters, signs, emoji.
    Letter,
    Space,
    /// Drawn over the letter before it.
    Mark,
    /// Chooses another look of the letter before it.
    Selector,
    /// Joins what stands on both its sides, or keeps it apart.
    Joiner,
    Hidden,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            // The cell without a dot parts words in Braille.
            '\u{2800}' => Self::Space,
            c if c.is_whitespace() => Self::Space,
            c if is_joiner(c) => Self::Joiner,
            c if is_selector(c) => Self::Selector,
            c if is_hidden(c) => Self::Hidden,
            c if is_combining(c) => Self::Mark,
            _ => Self::Letter,
        }
    }
}

/// Emoji and several scripts need them.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// The sign that takes a consonant's vowel in the scripts of India: Unicode lays out nine of them alike, Devanagari to
/// Malayalam; the last is Sinhala's.
fn is_virama(c: char) -> bool {
    matches!(c, '\u{0900}'..='\u{0d7f}' if u32::from(c) % 0x80 == 0x4d) || c == '\u{0dca}'
}

/// The marks that are drawn over each other when they pile up, where many people meet them. Those of India, Tibet and Burma are left alone: words
/// may need more of them, and where they make no syllable they are drawn side by side.
fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05bd}'
        | '\u{05bf}' | '\u{05c1}' | '\u{05c2}' | '\u{05c4}' | '\u{05c5}' | '\u{05c7}'
        | '\u{0610}'..='\u{061a}' | '\u{064b}'..='\u{065f}' | '\u{0670}' | '\u{06d6}'..='\u{06dc}'
        | '\u{06df}'..='\u{06e4}' | '\u{06e7}' | '\u{06e8}' | '\u{06ea}'..='\u{06ed}'
        | '\u{0730}'..='\u{074a}' | '\u{07eb}'..='\u{07f3}' | '\u{0898}'..='\u{089f}'
        | '\u{08ca}'..='\u{08e1}' | '\u{08e3}'..='\u{08ff}' | '\u{a66f}' | '\u{a674}'..='\u{a67d}'
        | '\u{0e31}' | '\u{0e34}'..='\u{0e3a}' | '\u{0e47}'..='\u{0e4e}'
        | '\u{0eb1}' | '\u{0eb4}'..='\u{0ebc}' | '\u{0ec8}'..='\u{0ece}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{2de0}'..='\u{2dff}' | '\u{3099}' | '\u{309a}' | '\u{fe20}'..='\u{fe2f}')
}

/// Controls, bidi controls and invisible characters.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
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
        // The page's own words around a text are no letters for its marks, and neither are its spaces.
        assert_eq!(cleaned("\u{0323}a \u{0323}b"), Ok("a b".to_owned()));
        for piled in [
            "\u{0e4a}", "\u{0ec9}", "\u{06d6}", "\u{0670}", "\u{08f0}", "\u{a67c}", "\u{2de0}",
            "\u{3099}", "\u{20dd}",
        ] {
            assert_eq!(
                cleaned(&format!("o{}", piled.repeat(50))),
                Ok(format!("o{}", piled.repeat(4)))
            );
        }
    }

    #[test]
    fn nothing_unseen_lets_marks_pile_up_again() {
        let marks = "\u{0323}\u{0316}\u{0323}\u{0316}";
        for unseen in
            ["\u{200c}", "\u{200d}", "\u{fe0f}", "\u{200d}\u{fe0f}", "\u{200b}", "\u{1d173}"]
        {
            let flood = format!("z{}", format!("{marks}{unseen}").repeat(10));
            let kept = Label::clean(&flood).map(|text| text.to_string());
            assert_eq!(kept, Ok(format!("z{marks}")), "{}", unseen.escape_unicode());
        }
    }

    #[test]
    fn something_has_to_be_seen() {
        for unseen in [
            "\u{200c}",
            "\u{200d}",
            "\u{fe0f}",
            "\u{200d}\u{fe0f}",
            "\u{2800}",
            "\u{0301}",
            "\u{20dd}",
            "\u{1bca0}",
            "\u{1d159}",
            "\u{1d17a}",
            "\u{e0101}",
            " \u{200d} \u{fe00} ",
        ] {
            let cleaned = Name::clean(unseen);
            assert_eq!(cleaned, Err(TextError::Empty), "{}", unseen.escape_unicode());
        }
    }

    #[test]
    fn joiners_and_selectors_stay_where_they_do_something() {
        for text in [
            "👨‍👩‍👧‍👦 and 🏳️‍🌈",
            "❤️‍🔥",
            "👩‍❤️‍💋‍👨",
            "🧑🏽‍💻",
            "👁️‍🗨️",
            "1️⃣ 2️⃣ #️⃣ *️⃣",
            "☎︎ or ☎️",
            "葛\u{fe00}",
            // Persian: I want, books; an abbreviation, whose letter is to look as if it were joined.
            "می‌خواهم",
            "کتاب‌ها",
            "ه‍.ش.",
            // Hindi, Marathi, Bengali, Sinhala: a consonant of a cluster in its half form, or whole.
            "क्‍ष",
            "क्‌ष",
            "र्‍य",
            "র‍্যাব",
            "ශ්‍රී",
            // Malayalam as it was spelt before its bare consonants had characters of their own: at a word's end.
            "അവന്‍",
            "അവന്‍ വന്നു",
            // Hebrew: a hyphen and the end of a verse are no marks.
            "בית־ספר",
            "־ים ׃",
            // Burmese: a secret. Thai: water. Tibetan: a mantra.
            "လျှို့ဝှက်",
            "น้ำ",
            "ཨོཾ་མ་ཎི་པདྨེ་ཧཱུྃ",
        ] {
            assert_eq!(Label::parse(text).map(|text| text.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn joiners_and_selectors_go_where_they_do_nothing() {
        for (typed, kept) in [
            ("Pizza\u{200d}", "Pizza"),
            ("\u{200d}Pizza", "Pizza"),
            ("Pizza\u{200c} \u{200d}bread", "Pizza bread"),
            ("\u{fe0f}Pizza", "Pizza"),
            ("Pizza \u{fe0f}bread", "Pizza bread"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
            ("❤\u{200d}\u{fe0f}🔥", "❤\u{200d}🔥"),
            ("e\u{0301}\u{fe0f}", "e\u{0301}"),
            ("e\u{200d}\u{0301}", "e\u{0301}"),
            ("می\u{200c}\u{200c}خواهم", "می\u{200c}خواهم"),
            ("می\u{200c}\u{200d}خواهم", "می\u{200c}خواهم"),
            ("ന്\u{200d}\u{200c}\u{200d}", "ന്\u{200d}"),
            ("ക്\u{200d}\u{200c}ഷ", "ക്\u{200d}ഷ"),
        ] {
            let cleaned = Label::clean(typed).map(|text| text.to_string());
            assert_eq!(cleaned, Ok(kept.to_owned()), "{}", typed.escape_unicode());
        }
    }

    #[test]
    fn a_braille_cell_without_a_dot_is_a_space() {
        let cleaned = Label::clean("⠞⠺⠕\u{2800}⠺⠕⠗⠙⠎\u{2800}").map(|text| text.to_string());
        assert_eq!(cleaned, Ok("⠞⠺⠕ ⠺⠕⠗⠙⠎".to_owned()));
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
        for alike in ["Piz\u{200d}za", "Piz\u{200c}za", "Pizza\u{fe0f}", "P\u{fe00}izza"] {
            assert_eq!(folded(alike), Ok("pizza".to_owned()));
        }
    }

    #[test]
    fn the_wire_accepts_clean_text_only() {
        assert!(serde_json::from_str::<Name>("\"Ann\"").is_ok());
        for dirty in ["\" Ann\"", "\"A\\u202enn\"", "\"\"", "7"] {
            assert!(serde_json::from_str::<Name>(dirty).is_err(), "{dirty}");
        }
    }

    /// Anything, with more than its share of what changes a neighbour, needs one, or is not seen.
    fn awkward() -> impl Strategy<Value = String> {
        let special = [
            ' ',
            '\u{00a0}',
            '\u{2800}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{0301}',
            '\u{034f}',
            '\u{20e3}',
            '\u{094d}',
            '\u{0dca}',
            '\u{e0101}',
            '\u{202e}',
            'z',
            '1',
            '❤',
            '🔥',
            'क',
            'ی',
        ];
        let character =
            prop_oneof![4 => prop::sample::select(special.to_vec()), 1 => any::<char>()];
        prop::collection::vec(character, 0..80).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn clean_text_parses_unchanged(input in awkward()) {
            if let Ok(text) = Question::clean(&input) {
                prop_assert_eq!(Question::parse(text.as_str()), Ok(text));
            }
        }

        #[test]
        fn what_parses_is_what_cleaning_makes(input in awkward()) {
            let is_clean = Question::clean(&input).is_ok_and(|text| text.as_str() == input);
            prop_assert_eq!(Question::parse(&input).is_ok(), is_clean);
        }

        #[test]
        fn clean_text_is_seen_and_no_letter_bears_a_flood(input in awkward()) {
            if let Ok(text) = Question::clean(&input) {
                let shown: Vec<Kind> = text.as_str().chars().map(Kind::of).collect();
                for word in shown.split(|kind| *kind == Kind::Space) {
                    prop_assert_eq!(word.first(), Some(&Kind::Letter));
                    for borne in word.split(|kind| *kind == Kind::Letter) {
                        let marks = borne.iter().filter(|kind| **kind == Kind::Mark).count();
                        prop_assert!(marks <= COMBINING_MAX);
                    }
                }
                prop_assert!(!shown.contains(&Kind::Hidden));
            }
        }
    }
}
