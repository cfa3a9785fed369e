//! `Content-Disposition`: saved, never opened in place, under the name that was released.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but `attr-char` (RFC 8187, 3.2.1).
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The value of the header (RFC 6266). A name that is more than plain ASCII comes twice: exactly, and for old clients
/// with `_` in place of what they could misread.
pub(crate) fn attachment(filename: &str) -> String {
    let plain: String = filename
        .chars()
        .map(|character| match character {
            '"' | '\\' | '%' => '_',
            ' '..='~' => character,
            _ => '_',
        })
        .collect();
    if plain == filename {
        return format!("attachment; filename=\"{plain}\"");
    }
    let exact = utf8_percent_encode(filename, EXTENDED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::attachment;

    #[test]
    fn a_plain_name_stands_as_it_is() {
        assert_eq!(
            attachment("My App-1.0 (x64).exe"),
            "attachment; filename=\"My App-1.0 (x64).exe\""
        );
    }

    #[test]
    fn other_names_come_exactly_and_for_old_clients() {
        assert_eq!(
            attachment("Größe \"1\"%41.dmg"),
            "attachment; filename=\"Gr__e _1__41.dmg\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22%2541.dmg"
        );
    }
}
