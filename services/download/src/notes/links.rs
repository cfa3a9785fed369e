//! Where notes may lead.

use slipway_runtime::http::page::escaped;

/// Schemes that a click may follow: none of them runs anything.
const SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];

/// The start tag of a link, or `None` for a destination that is no link here: another scheme (`javascript:` runs,
/// `data:` and `file:` mislead), an address without a host, which would seem to be the platform's own, or one with a user
/// before its host (`https://bank.example@evil.example`).
pub(super) fn open(destination: &str) -> Option<String> {
    let lower = destination.to_ascii_lowercase();
    let mut schemes = SCHEMES.iter();
    let (scheme, rest) =
        schemes.find_map(|scheme| lower.strip_prefix(scheme).map(|rest| (*scheme, rest)))?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let misleads = scheme != "mailto:" && host.contains('@');
    // Nothing that a browser would take out before it reads the scheme, or reads as another host.
    let is_plain = |character: char| {
        !character.is_control() && !character.is_whitespace() && character != '\\'
    };
    if host.is_empty() || misleads || !destination.chars().all(is_plain) {
        return None;
    }
    Some(format!(
        "<a href=\"{}\" rel=\"nofollow noopener noreferrer\">",
        escaped(destination)
    ))
}

/// Text split into what is no address and addresses that stand in it bare, in this order and by turns.
pub(super) fn bare(text: &str) -> Vec<(&str, Option<&str>)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(begin) = begin(rest) {
        let (before, from) = rest.split_at(begin);
        let end = from
            .find(|character: char| {
                character.is_whitespace() || "<>\"'`，。；：！？、（）「」".contains(character)
            })
            .unwrap_or(from.len());
        let address = trimmed(&from[..end]);
        parts.push((before, Some(address)));
        rest = &from[address.len()..];
    }
    parts.push((rest, None));
    parts
}

/// Where the first bare address begins that has something behind its scheme.
fn begin(text: &str) -> Option<usize> {
    let mut found = text.match_indices("http").map(|(at, _)| at);
    found.find(|at| {
        let before = text[..*at].chars().next_back();
        let scheme = ["https://", "http://"];
        let after = scheme
            .iter()
            .find_map(|scheme| text[*at..].strip_prefix(scheme));
        let after = after.and_then(|after| after.chars().next());
        !before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
    })
}

/// Without the punctuation of the sentence that it stands in.
fn trimmed(address: &str) -> &str {
    let mut address = address;
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_', '~', ']']);
        let count = |bracket: char| shorter.matches(bracket).count();
        let shorter = match shorter.strip_suffix(')') {
            // A bracket that was opened within it is its own.
            Some(inner) if count(')') > count('(') => inner,
            _ => shorter,
        };
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}
