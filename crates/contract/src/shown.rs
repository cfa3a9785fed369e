//! Text that people read: names of apps, tokens and files, notes, reasons.
//!
//! Two texts that look the same shall be the same, and a text shall read as it is written. So all of it is in composed
//! form (NFC, Unicode annex 15) and holds no character that is invisible, moves the cursor or turns the direction. A
//! name in particular is copied, compared and typed, and file systems of Windows drop dots and spaces at its end.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{
    DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic, GeneralCategory,
    GeneralCategoryGroup,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Encloses the character before it.
const KEYCAP: char = '\u{20e3}';

/// Why a text is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("it is empty")]
    Empty,
    #[error("it has {0} characters; at most {1} are allowed")]
    TooLong(usize, usize),
    #[error("it holds the control character {}", .0.escape_unicode())]
    Control(char),
    #[error("it holds {}, which changes the direction in which it is read", .0.escape_unicode())]
    Bidi(char),
    #[error("it holds {}, which is not seen", .0.escape_unicode())]
    ZeroWidth(char),
    #[error("it ends in a dot or a space, which some systems drop")]
    Trailing,
}

/// A name of one line, of an app, a token or a link, with at most `most` characters; returned in composed form and
/// without the spaces around it.
pub fn name(text: &str, most: usize) -> Result<String, TextError> {
    let text = compose(text);
    check_characters(&text, is_control)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    check_length(text, most)?;
    check_end(text)?;
    Ok(text.to_owned())
}

/// Sentences, such as notes or a reason, with at most `most` characters; returned in composed form. Line ends and tabs
/// stay, and it may end as sentences do.
pub fn prose(text: &str, most: usize) -> Result<String, TextError> {
    let text = compose(text);
    check_length(&text, most)?;
    check_characters(&text, |c| is_control(c) && !matches!(c, '\n' | '\r' | '\t'))?;
    Ok(text.into_owned())
}

/// The composed form (NFC) of a text: a Mac writes `é` as two characters, others as one.
pub fn compose(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// What is equal for two names that a person, or a file system that ignores case or composition, cannot tell apart: both
/// compatibility composed and case-folded (Unicode standard, 3.13, D146).
pub fn fold(name: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let cases = CaseMapper::new();
    let once = cases.fold_string(&nfkc.normalize(name)).into_owned();
    // Folding can make what composes again, and the other way round.
    let twice = cases.fold_string(&nfkc.normalize(&once)).into_owned();
    nfkc.normalize(&twice).into_owned()
}

/// The name among `there` that cannot be told from `name`; `None` when `name` itself is there: versions of earlier
/// platforms may hold both, and each of them stays itself.
pub fn twin<'a>(there: impl IntoIterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let folded = fold(name);
    let mut twin = None;
    for other in there {
        if other == name {
            return None;
        }
        if twin.is_none() && fold(other) == folded {
            twin = Some(other);
        }
    }
    twin
}

fn check_length(text: &str, most: usize) -> Result<(), TextError> {
    let length = text.chars().count();
    if length > most {
        return Err(TextError::TooLong(length, most));
    }
    Ok(())
}

/// Refuses a dot or a space at the end.
pub(crate) fn check_end(text: &str) -> Result<(), TextError> {
    if text.ends_with(|c: char| c == '.' || c.is_whitespace()) {
        return Err(TextError::Trailing);
    }
    Ok(())
}

/// Refuses the first character that must not be shown, or that `is_refused`.
fn check_characters(text: &str, is_refused: impl Fn(char) -> bool) -> Result<(), TextError> {
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if is_refused(character) {
            return Err(TextError::Control(character));
        }
        check_character(before, character, characters.peek().copied())?;
        before = Some(character);
    }
    Ok(())
}

/// Refuses what turns the direction, and what is not seen but for what joins letters or emoji.
fn check_character(
    before: Option<char>,
    character: char,
    after: Option<char>,
) -> Result<(), TextError> {
    if changes_direction(character) {
        return Err(TextError::Bidi(character));
    }
    let may_stay = match character {
        '\u{200c}' | '\u{200d}' => joins(before, after),
        // The two spellings of an emoji, in colour and as text; a digit has them only in a keycap.
        '\u{fe0e}' | '\u{fe0f}' => {
            before.is_some_and(|c| is_emoji(c) && (!c.is_ascii() || after == Some(KEYCAP)))
        }
        other => !is_zero_width(other),
    };
    if may_stay {
        return Ok(());
    }
    Err(TextError::ZeroWidth(character))
}

/// One line out of a stranger's bytes, without what must not be shown, of at most `most` characters; `None` when nothing
/// is left. What it gives it gives again.
pub fn legible(text: &str, most: usize) -> Option<String> {
    let mut kept = kept(text, most);
    // What is left out or cut off makes neighbours of what composes, and takes a joiner's neighbours away.
    loop {
        let again = self::kept(&kept, most);
        if again == kept {
            return (!kept.is_empty()).then_some(kept);
        }
        kept = again;
    }
}

fn kept(text: &str, most: usize) -> String {
    let text = compose(text);
    let mut kept = String::new();
    let mut before = None;
    let mut characters = text.chars().filter(|c| !is_control(*c)).peekable();
    while let Some(character) = characters.next() {
        if check_character(before, character, characters.peek().copied()).is_ok() {
            kept.push(character);
        }
        before = Some(character);
    }
    let kept: String = kept.trim().chars().take(most).collect();
    kept.trim_end().to_owned()
}

/// Whether a joiner between the two has a meaning: between letters it changes their form, between emoji it makes one.
fn joins(before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let picture_before = is_picture(before) || is_modifier(before) || before == '\u{fe0f}';
    (is_letter(before) && is_letter(after)) || (picture_before && is_picture(after))
}

/// A letter or a mark on one: in Indic scripts a joiner follows the mark that takes the vowel away.
fn is_letter(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Mark)
        .contains(category)
        && !is_zero_width(character)
}

/// Unicode counts digits, `#` and `*` among them, as parts of keycaps.
fn is_emoji(character: char) -> bool {
    CodePointSetData::new::<Emoji>().contains(character) || is_modifier(character)
}

/// The colour of a skin.
fn is_modifier(character: char) -> bool {
    CodePointSetData::new::<EmojiModifier>().contains(character)
}

/// An emoji that can be a part of a joined one (Unicode standard 51, ED-16). Below the arrows there are only signs of
/// text, such as the digits and ©, between which a joiner would not be seen.
fn is_picture(character: char) -> bool {
    character >= '\u{2190}'
        && CodePointSetData::new::<Emoji>().contains(character)
        && CodePointSetData::new::<ExtendedPictographic>().contains(character)
}

/// A control character, or one of the two that end a line or a paragraph.
pub(crate) fn is_control(character: char) -> bool {
    // A tab would end the field in a signed comment, a line break the comment itself.
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Shown as nothing wherever it stands (Unicode standard, 5.21), or marks an annotation that is not shown.
pub(crate) fn is_zero_width(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || matches!(character, '\u{fff9}'..='\u{fffb}')
}

/// The controls of the bidirectional algorithm (Unicode annex 9): `notes\u{202e}kpa.exe` is shown as
/// `notesexe.apk`.
pub(crate) fn changes_direction(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::{TextError, fold, legible, name, prose};

    #[test]
    fn names_that_read_as_they_are_written_stay() {
        for good in [
            "Notes",
            "Größe 2.0",
            "メモ帳",
            "1.0 (β)",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "Family 👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "👩🏽\u{200d}💻 at work",
            "🏳\u{fe0f}\u{200d}🌈 🏴\u{200d}☠\u{fe0f} 🇩🇪",
            "🏃🏽\u{200d}♂\u{fe0f}\u{200d}➡\u{fe0f}",
            "1\u{fe0f}\u{20e3} ©\u{fe0f}",
            "שלום",
        ] {
            assert_eq!(name(good, 100).as_deref(), Ok(good), "{good:?}");
        }
    }

    #[test]
    fn names_are_composed() {
        assert_eq!(name(" cafe\u{301} ", 100).as_deref(), Ok("caf\u{e9}"));
        assert_eq!(prose("cafe\u{301}.", 100).as_deref(), Ok("caf\u{e9}."));
    }

    #[test]
    fn names_that_could_mislead_are_refused() {
        for (bad, error) in [
            ("", TextError::Empty),
            ("Notes.", TextError::Trailing),
            (" \u{3000}", TextError::Empty),
            ("Notes. ", TextError::Trailing),
            ("Notes\n", TextError::Control('\n')),
            ("a\nb", TextError::Control('\n')),
            ("a\tb", TextError::Control('\t')),
            ("a\u{9b}b", TextError::Control('\u{9b}')),
            ("a\u{2028}b", TextError::Control('\u{2028}')),
            ("a\u{202e}b", TextError::Bidi('\u{202e}')),
            ("a\u{200f}b", TextError::Bidi('\u{200f}')),
            ("a\u{200b}b", TextError::ZeroWidth('\u{200b}')),
            ("a\u{feff}b", TextError::ZeroWidth('\u{feff}')),
            ("a\u{ad}b", TextError::ZeroWidth('\u{ad}')),
            ("a\u{2060}b", TextError::ZeroWidth('\u{2060}')),
            ("a\u{3164}b", TextError::ZeroWidth('\u{3164}')),
            ("a\u{e0041}b", TextError::ZeroWidth('\u{e0041}')),
            ("a\u{fff9}b", TextError::ZeroWidth('\u{fff9}')),
            ("a\u{fe0f}b", TextError::ZeroWidth('\u{fe0f}')),
            ("\u{200d}a", TextError::ZeroWidth('\u{200d}')),
            ("a\u{200d}", TextError::ZeroWidth('\u{200d}')),
            ("a\u{200c} b", TextError::ZeroWidth('\u{200c}')),
            ("a\u{200d}👧", TextError::ZeroWidth('\u{200d}')),
            ("a\u{200d}\u{200d}b", TextError::ZeroWidth('\u{200d}')),
            ("Notes 1\u{200d}2", TextError::ZeroWidth('\u{200d}')),
            ("Notes 1\u{200c}2", TextError::ZeroWidth('\u{200c}')),
            ("#\u{200d}#", TextError::ZeroWidth('\u{200d}')),
            ("©\u{200d}®", TextError::ZeroWidth('\u{200d}')),
            ("™\u{200d}‼", TextError::ZeroWidth('\u{200d}')),
            ("🇩\u{200d}🇪", TextError::ZeroWidth('\u{200d}')),
            ("Notes 1\u{fe0f}", TextError::ZeroWidth('\u{fe0f}')),
            ("Notes *\u{fe0e}2", TextError::ZeroWidth('\u{fe0e}')),
        ] {
            assert_eq!(name(bad, 100), Err(error), "{bad:?}");
        }
        assert_eq!(name("abc", 2), Err(TextError::TooLong(3, 2)));
    }

    #[test]
    fn prose_keeps_its_lines_and_its_dots() {
        let notes = "New:\r\n\t- faster\n- می\u{200c}خواهم, 👨\u{200d}👧.\n";
        assert_eq!(prose(notes, 1000).as_deref(), Ok(notes));
        assert_eq!(prose("", 10).as_deref(), Ok(""));
        for (bad, error) in [
            ("a\u{1b}[31m", TextError::Control('\u{1b}')),
            ("a\0", TextError::Control('\0')),
            ("a\u{2066}b", TextError::Bidi('\u{2066}')),
            ("a\u{200b}b", TextError::ZeroWidth('\u{200b}')),
        ] {
            assert_eq!(prose(bad, 10), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn of_a_strangers_text_what_reads_well_is_kept() {
        let text = " No\u{200b}te\u{301}s\u{202e}\n 👨\u{200d}👧 ";
        assert_eq!(
            legible(text, 100).as_deref(),
            Some("Not\u{e9}s 👨\u{200d}👧")
        );
        assert_eq!(legible("abc def", 4).as_deref(), Some("abc"));
        assert_eq!(legible("\u{200b} \u{feff}", 100), None);
        assert_eq!(legible("a\0\u{300}", 100).as_deref(), Some("\u{e0}"));
        assert_eq!(
            legible("می\u{200c}خ", 3).as_deref(),
            Some("می"),
            "a joiner at the end is not seen"
        );
    }

    #[test]
    fn what_cannot_be_told_apart_folds_together() {
        for (one, other) in [
            ("Twin.zip", "twin.ZIP"),
            ("caf\u{e9}", "CAFE\u{301}"),
            ("straße", "STRASSE"),
            ("ﬁle", "FILE"),
            ("ｎotes", "notes"),
            ("\u{3c3}\u{3c2}", "ΣΣ"),
            ("\u{212b}", "å"),
            ("\u{345}", "\u{3b9}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("notes-1.zip"), fold("notes-2.zip"));
        assert_ne!(fold("café"), fold("cafe"));
    }
}
