//! Pages for people: who gets one, in which language, and the answer to a refusal, as a page or as JSON.
//!
//! A page runs no script and loads nothing from elsewhere, so it works wherever HTML is shown.

mod chinese;

use slipway_contract::Code;
use std::fmt::Write as _;

use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::problem::Problem;

/// Colours and type of every page.
pub const STYLE: &str = include_str!("page/style.css");

/// The platform's own picture, in the page: a browser that finds none asks for `/favicon.ico`.
pub const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='8' fill='%230f666b'/%3E%3Cpath d='M16 7v12m-5-5 5 5 5-5M8 25h16' fill='none' stroke='%23fff' stroke-width='3' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E";

/// No script, no frame, no form, no address of others; styles and the platform's picture stand in the page.
pub const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// A language that pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// The one that a browser prefers by `Accept-Language` (RFC 9110, 12.5.4), English where it wants another.
    pub fn preferred(headers: &HeaderMap) -> Self {
        let mut best = (Self::English, 0.0);
        let values = headers.get_all(ACCEPT_LANGUAGE).iter();
        for range in values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
        {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(weight) => weight.trim().parse().unwrap_or(0.0),
                None => 1.0,
            };
            if let Some(language) = Self::of(tag.trim())
                && weight > best.1
            {
                best = (language, weight);
            }
        }
        best.0
    }

    fn of(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Chinese),
            "en" | "*" => Some(Self::English),
            _ => None,
        }
    }

    /// For the attribute `lang`.
    pub const fn tag(self) -> &'static str {
        self.pick(["en", "zh-CN"])
    }

    /// Of English and Chinese.
    pub const fn pick(self, [english, chinese]: [&'static str; 2]) -> &'static str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

/// The language of the page that somebody wants; `None` for a program. A browser asks for HTML by name.
pub fn wanted(headers: &HeaderMap) -> Option<Language> {
    let accepts = headers.get_all(ACCEPT).iter();
    accepts
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.to_ascii_lowercase().contains("text/html"))
        .then(|| Language::preferred(headers))
}

/// Puts the headers of a page into `headers`: what may be in it, and that nobody keeps it.
fn head(headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept, accept-language"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
}

/// The whole answer to a request that was refused or has failed: a page in `language`, or JSON (RFC 9457) for a program.
/// Nobody keeps it: a cached 404 would hide what is there a moment later.
pub fn answer(problem: &Problem, language: Option<Language>, request_id: &str) -> Response<String> {
    let mut answer = problem.head(match language {
        Some(language) => of(problem, language, request_id),
        None => problem.body(request_id).to_string(),
    });
    let headers = answer.headers_mut();
    if language.is_some() {
        head(headers);
        return answer;
    }
    for (name, value) in [
        (CONTENT_TYPE, "application/problem+json"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// The page of a refusal.
fn of(problem: &Problem, language: Language, request_id: &str) -> String {
    let told = Told::new(problem, language);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"{ICON}\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main class=\"alone\">\n<div>\n<p class=\"tag\">{}</p>\n<h1>{title}</h1>\n",
        language.tag(),
        problem.status.as_u16(),
        title = told.title,
    );
    for (text, lang) in told.paragraphs {
        let lang = lang.map(|lang| format!(" lang=\"{lang}\""));
        let lang = lang.unwrap_or_default();
        let _ = writeln!(page, "<p dir=\"auto\"{lang}>{}</p>", escaped(&text));
    }
    let [number, start] = match language {
        Language::English => [
            "If you write to somebody about this, give them this number:",
            "To the start page",
        ],
        Language::Chinese => ["如果向他人反馈此问题，请附上这个编号：", "返回首页"],
    };
    let _ = write!(
        page,
        "<p class=\"quiet\">{number} <code>{}</code></p>\n<p><a href=\"/\">{start}</a></p>\n</div>\n</main>\n</body>\n</html>\n",
        escaped(request_id)
    );
    page
}

/// What a page says, with the language of what is not in the page's own.
struct Told {
    title: &'static str,
    paragraphs: Vec<(String, Option<&'static str>)>,
}

impl Told {
    fn new(problem: &Problem, language: Language) -> Self {
        let english = || sentence(&problem.detail);
        match language {
            Language::English => Self {
                title: title(problem.status, problem.code),
                paragraphs: vec![(english(), None)],
            },
            Language::Chinese => {
                let mut paragraphs = vec![match chinese::detail(problem.code) {
                    Some(detail) => (detail.to_owned(), None),
                    None => (english(), Some("en")),
                }];
                // Its publisher's own words.
                if let Some(reason) = problem.members().get("reason").and_then(|it| it.as_str()) {
                    paragraphs.push((reason.to_owned(), Some("")));
                }
                Self {
                    title: chinese::title(problem.status, problem.code),
                    paragraphs,
                }
            }
        }
    }
}

fn title(status: StatusCode, code: Code) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::GONE if code == Code::Deleted => "Deleted",
        StatusCode::GONE => "Withdrawn",
        StatusCode::SERVICE_UNAVAILABLE => "Away for a moment",
        status if status.is_server_error() => "This did not work",
        _ => "This cannot be answered",
    }
}

/// Begins with a capital and ends with a full stop.
fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    let mut text: String = first.chain(characters).collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// Text as it may stand in HTML, also within an attribute in quotes.
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(character),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_language_with_the_highest_weight_is_taken() {
        for (value, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("zh-TW", Language::Chinese),
            ("ZH", Language::Chinese),
            ("de, zh;q=0.5, en;q=0.3", Language::Chinese),
            ("en-US,zh;q=0.9", Language::English),
            ("en;q=0.5,zh;q=0.7", Language::Chinese),
            ("en;q=0.5, zh; q=0", Language::English),
            ("zh;q=x", Language::English),
            ("de", Language::English),
            ("*", Language::English),
            ("", Language::English),
            (";;,q=", Language::English),
        ] {
            let headers = headers(ACCEPT_LANGUAGE, value);
            assert_eq!(Language::preferred(&headers), language, "{value}");
        }
        assert_eq!(Language::preferred(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn a_page_is_for_who_asks_for_html() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("Text/HTML", true),
            ("*/*", false),
            ("application/json", false),
        ] {
            let headers = headers(ACCEPT, accept);
            assert_eq!(wanted(&headers).is_some(), page, "{accept}");
        }
    }

    #[test]
    fn nothing_of_a_refusal_is_markup() {
        let hostile = "it <script>alert('1')</script> \"x\" & y";
        let problem =
            Problem::new(StatusCode::GONE, Code::Yanked, hostile).with_member("reason", hostile);
        for language in [Language::English, Language::Chinese] {
            let page = of(&problem, language, "0190\"><b>");
            assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{page}");
            assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
            assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())));
        }
    }

    #[test]
    fn what_is_not_translated_says_which_language_it_is_in() {
        let problem = Problem::new(StatusCode::CONFLICT, Code::AppExists, "words");
        let page = of(&problem, Language::Chinese, "0190");
        assert!(
            page.contains("<p dir=\"auto\" lang=\"en\">Words.</p>"),
            "{page}"
        );
        let page = of(&Problem::not_found(), Language::Chinese, "0190");
        assert!(
            page.contains("<title>找不到</title>") && !page.contains("lang=\"en\""),
            "{page}"
        );
    }
}
