//! Release notes: Markdown from a publisher, as HTML for everybody.
//!
//! The HTML is written here, tag by tag, from the parser's events: what is not named below cannot come out, whatever a
//! publisher writes. Raw HTML is text, a picture is its description, and a link leads to `http`, `https` or `mailto`.

mod links;
mod writer;

use pulldown_cmark::{Options, Parser, TextMergeStream};

pub(crate) use writer::Notes;
use writer::{COLUMNS, Writer};

/// Renders Markdown, with tables and strikethrough. What follows about `lines` lines is the rest. A line
/// stays a line, as in the notes of other release pages and in those that were written as plain text.
///
/// The headings are `h3` and below, without a gap, for a place under an `h2`.
pub(crate) fn render(markdown: &str, lines: usize) -> Notes {
    let parser = Parser::new_ext(
        markdown,
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH,
    );
    // A few lines more are not worth a fold.
    let limit = if longer_than(markdown, lines.saturating_add(lines / 2)) {
        lines
    } else {
        usize::MAX
    };
    let mut writer = Writer::new(limit);
    for event in TextMergeStream::new(parser) {
        writer.write(event);
    }
    writer.finish()
}

fn longer_than(markdown: &str, lines: usize) -> bool {
    let rows = |line: &str| usize::from(!line.trim().is_empty()) + line.chars().count() / COLUMNS;
    markdown.lines().map(rows).sum::<usize>() > lines
}

#[cfg(test)]
mod tests;
