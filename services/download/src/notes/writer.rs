//! The parser's events, written as HTML.

use pulldown_cmark::{Event, HeadingLevel, LinkType, Tag, TagEnd};
use slipway_runtime::http::page::escaped;

use super::links;

/// Lists and quotes within each other; what is deeper stands at the last of them, so that nothing is pushed off a narrow
/// screen.
const MAX_DEPTH: usize = 5;
/// Characters of a line on a phone in both directions of reading; an estimate is enough to fold by.
pub(super) const COLUMNS: usize = 50;
/// Lines by which a paragraph without breaks may exceed the limit.
const GRACE: usize = 4;

/// What an open element is, as far as it decides where notes may be folded and what may stand in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A list or a quote.
    Container,
    /// A paragraph.
    Paragraph,
    Code,
    Link,
    /// A cell of a table's head.
    Head,
    Heading,
    Inline,
    /// What cannot go on in another part: an item, a table and its rows and cells.
    Whole,
    /// It has no tags of its own.
    Bare,
}

struct Element {
    role: Role,
    /// Written again where the rest begins.
    begin: String,
    end: &'static str,
    /// Where `begin` stands.
    at: usize,
    /// Whether it holds something to read.
    visible: bool,
    /// The number of a list's next item.
    next: Option<u64>,
    /// Where a link leads.
    destination: String,
}

/// Notes as HTML.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notes {
    /// What is shown at once.
    pub(crate) lead: String,
    /// What is folded; empty when all of it is shown.
    pub(crate) rest: String,
}

pub(super) struct Writer {
    html: String,
    lead: Option<String>,
    open: Vec<Element>,
    /// Levels of the headings that the next one may stand under.
    headings: Vec<HeadingLevel>,
    /// Pictures that are open: what stands in them is their description.
    pictures: usize,
    limit: usize,
    lines: usize,
    column: usize,
}

impl Writer {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            html: String::new(),
            lead: None,
            open: Vec::new(),
            headings: Vec::new(),
            pictures: 0,
            limit,
            lines: 0,
            column: 0,
        }
    }

    pub(super) fn finish(self) -> Notes {
        match self.lead {
            Some(lead) => Notes {
                lead,
                rest: self.html,
            },
            None => Notes {
                lead: self.html,
                rest: String::new(),
            },
        }
    }

    pub(super) fn write(&mut self, event: Event) {
        match event {
            Event::Start(Tag::Image { .. }) => self.pictures += 1,
            Event::End(TagEnd::Image) => self.pictures -= 1,
            Event::Text(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Html(text) => {
                self.text(text.trim_end_matches('\n'));
                self.line();
            }
            Event::Code(text) => {
                self.html
                    .push_str(if self.pictures == 0 { "<code>" } else { "" });
                self.plain(&text);
                self.html
                    .push_str(if self.pictures == 0 { "</code>" } else { "" });
            }
            Event::SoftBreak | Event::HardBreak => self.line(),
            Event::Rule => {
                self.fold(self.limit);
                self.html.push_str("<hr>\n");
            }
            // What a picture's description is made of has no tags.
            Event::Start(_) | Event::End(_) if self.pictures > 0 => {}
            Event::Start(tag) => self.start(tag),
            Event::End(_) => self.end(),
            // Extensions that are not switched on.
            Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.block(Role::Paragraph, "<p", "</p>\n"),
            Tag::Heading { level, .. } => {
                let (begin, end) = self.heading(level);
                self.block(Role::Heading, begin, end);
            }
            Tag::BlockQuote(_) => self.container("<blockquote", "</blockquote>\n", None),
            Tag::List(None) => self.container("<ul", "</ul>\n", None),
            Tag::List(first) => self.container("<ol", "</ol>\n", first),
            Tag::Item => self.item(),
            Tag::CodeBlock(_) => self.block(Role::Code, "<pre", "</pre>\n"),
            Tag::Table(_) => {
                // It scrolls on its own; with the keyboard too, hence the index.
                self.block(
                    Role::Whole,
                    "<div class=\"wide\" tabindex=\"0\"><table",
                    "</table></div>\n",
                );
            }
            Tag::TableHead => self.push(Role::Whole, "<thead><tr>", "</tr></thead>\n"),
            Tag::TableRow => self.push(Role::Whole, "<tr>", "</tr>\n"),
            Tag::TableCell if self.is_in_head() => self.push(Role::Head, "<th>", "</th>"),
            Tag::TableCell => self.push(Role::Whole, "<td>", "</td>"),
            Tag::Emphasis => self.push(Role::Inline, "<em>", "</em>"),
            Tag::Strong => self.push(Role::Inline, "<strong>", "</strong>"),
            Tag::Strikethrough => self.push(Role::Inline, "<del>", "</del>"),
            Tag::Link {
                link_type: LinkType::Email,
                dest_url,
                ..
            } => self.link(format!("mailto:{dest_url}")),
            Tag::Link { dest_url, .. } => self.link(dest_url.into_string()),
            _ => self.push(Role::Bare, "", ""),
        }
    }

    fn end(&mut self) {
        let Some(element) = self.open.last() else {
            return;
        };
        if !element.visible {
            match element.role {
                // Somebody who hears the page would hear of nothing.
                Role::Link => self.plain(&element.destination.clone()),
                Role::Heading => {
                    self.html.truncate(element.at);
                    self.open.pop();
                    return;
                }
                Role::Head => {
                    self.html.truncate(element.at);
                    self.html.push_str("<td></td>");
                    self.open.pop();
                    return;
                }
                _ => {}
            }
        }
        let Some(element) = self.open.pop() else {
            return;
        };
        self.html.push_str(element.end);
        if element.end.ends_with('\n') {
            self.end_line();
        }
    }

    /// Opens a block. The outermost one finds its direction by its text; what is within follows it, so that a list's
    /// marks stand on the side where reading begins.
    fn block(&mut self, role: Role, begin: &str, end: &'static str) {
        self.fold(self.limit);
        let outermost = self.open.iter().all(|element| element.begin.is_empty());
        let direction = if outermost { " dir=\"auto\">" } else { ">" };
        self.push(role, &format!("{begin}{direction}"), end);
    }

    fn container(&mut self, begin: &str, end: &'static str, first: Option<u64>) {
        let containers = self.open.iter();
        if containers.filter(|one| one.role == Role::Container).count() >= MAX_DEPTH {
            return self.push(Role::Bare, "", "");
        }
        self.block(Role::Container, begin, end);
        let (Some(first), Some(list)) = (first, self.open.last_mut()) else {
            return;
        };
        list.next = Some(first);
        self.html.truncate(list.at);
        self.html.push_str(&list.begin_again());
    }

    fn item(&mut self) {
        self.fold(self.limit);
        match self.open.last_mut() {
            Some(list) if list.role == Role::Container => {
                list.next = list.next.map(|next| next.saturating_add(1));
                self.push(Role::Whole, "<li>", "</li>\n");
            }
            _ => self.push(Role::Bare, "", "\n"),
        }
    }

    fn link(&mut self, destination: String) {
        let Some(begin) = links::open(&destination) else {
            return self.push(Role::Bare, "", "");
        };
        self.push(Role::Link, &begin, "</a>");
        if let Some(link) = self.open.last_mut() {
            link.destination = destination;
        }
    }

    /// Tags of a heading one below the one that it stands under, whatever its number of `#`: a screen reader goes by them.
    fn heading(&mut self, level: HeadingLevel) -> (&'static str, &'static str) {
        while self.headings.last().is_some_and(|above| *above >= level) {
            self.headings.pop();
        }
        self.headings.push(level);
        match self.headings.len() {
            1 => ("<h3", "</h3>\n"),
            2 => ("<h4", "</h4>\n"),
            3 => ("<h5", "</h5>\n"),
            _ => ("<h6", "</h6>\n"),
        }
    }

    fn push(&mut self, role: Role, begin: &str, end: &'static str) {
        let at = self.html.len();
        self.html.push_str(begin);
        self.open.push(Element {
            role,
            begin: begin.to_owned(),
            end,
            at,
            visible: false,
            next: None,
            destination: String::new(),
        });
    }

    fn is_in(&self, role: Role) -> bool {
        self.open.iter().any(|element| element.role == role)
    }

    fn is_in_head(&self) -> bool {
        let row = self.open.last();
        row.is_some_and(|row| row.begin.starts_with("<thead>"))
    }

    /// Text in which addresses become links.
    fn text(&mut self, text: &str) {
        if self.pictures > 0 || self.is_in(Role::Link) || self.is_in(Role::Code) {
            return self.plain(text);
        }
        for (before, address) in links::bare(text) {
            self.plain(before);
            let Some(address) = address else { continue };
            let begin = links::open(address);
            self.html.push_str(begin.as_deref().unwrap_or_default());
            self.plain(address);
            self.html.push_str(begin.map_or("", |_| "</a>"));
        }
    }

    fn plain(&mut self, text: &str) {
        let is_code = self.is_in(Role::Code);
        let ends: &[char] = if is_code {
            &['\n']
        } else {
            &[' ', '。', '，']
        };
        for piece in text.split_inclusive(ends) {
            // Not within an address, which has no such ends.
            self.fold(self.limit.saturating_add(GRACE));
            self.html.push_str(&escaped(piece));
            self.column += piece
                .chars()
                .map(|one| 1 + usize::from(one >= '\u{1100}'))
                .sum::<usize>();
            self.lines += self.column / COLUMNS;
            self.column %= COLUMNS;
            if is_code {
                self.end_line();
            }
        }
        if !text.trim().is_empty() {
            for element in &mut self.open {
                element.visible = true;
            }
        }
    }

    /// The end of a line within a block.
    fn line(&mut self) {
        if self.pictures > 0 || self.is_in(Role::Heading) {
            self.html.push(' ');
            return;
        }
        self.html.push_str("<br>\n");
        self.end_line();
    }

    fn end_line(&mut self) {
        self.lines += 1;
        self.column = 0;
    }

    /// Begins the rest where `limit` lines are written and everything that is open can go on in it.
    fn fold(&mut self, limit: usize) {
        let goes_on =
            |element: &Element| !matches!(element.role, Role::Whole | Role::Head | Role::Heading);
        let is_due = self.lead.is_none() && self.lines >= limit;
        if !is_due || !self.open.iter().all(goes_on) {
            return;
        }
        for element in self.open.iter().rev() {
            self.html.push_str(element.end);
        }
        self.lead = Some(std::mem::take(&mut self.html));
        for element in &mut self.open {
            element.at = self.html.len();
            let begin = element.begin_again();
            self.html.push_str(&begin);
            element.visible = false;
        }
    }
}

impl Element {
    /// The start tag, in a list with the number of its next item.
    fn begin_again(&self) -> String {
        match (self.next, self.begin.strip_prefix("<ol")) {
            (Some(next), Some(rest)) if next != 1 => format!("<ol start=\"{next}\"{rest}"),
            _ => self.begin.clone(),
        }
    }
}
