use super::*;

fn html(markdown: &str) -> String {
    let notes = render(markdown, usize::MAX);
    assert_eq!(notes.rest, "", "{markdown}");
    notes.lead
}

#[test]
fn what_release_notes_are_made_of_is_shown() {
    for (markdown, wanted) in [
        ("# What's new", "<h3 dir=\"auto\">What&#39;s new</h3>\n"),
        (
            "**Faster** and *safer*",
            "<p dir=\"auto\"><strong>Faster</strong> and <em>safer</em></p>\n",
        ),
        (
            "- one\n- two",
            "<ul dir=\"auto\"><li>one</li>\n<li>two</li>\n</ul>\n",
        ),
        (
            "3. three\n4. four",
            "<ol start=\"3\" dir=\"auto\"><li>three</li>\n<li>four</li>\n</ol>\n",
        ),
        ("plain\nlines", "<p dir=\"auto\">plain<br>\nlines</p>\n"),
        (
            "> said",
            "<blockquote dir=\"auto\"><p>said</p>\n</blockquote>\n",
        ),
        (
            "a `b<c>`",
            "<p dir=\"auto\">a <code>b&lt;c&gt;</code></p>\n",
        ),
        (
            "```sh\nls <x>\n```",
            "<pre dir=\"auto\">ls &lt;x&gt;\n</pre>\n",
        ),
        ("~~gone~~", "<p dir=\"auto\"><del>gone</del></p>\n"),
        ("---", "<hr>\n"),
        (
            "|a| |\n|-|-|\n|1|2|",
            "<div class=\"wide\" tabindex=\"0\"><table dir=\"auto\"><thead><tr><th>a</th><td></td></tr></thead>\n<tr><td>1</td><td>2</td></tr>\n</table></div>\n",
        ),
    ] {
        assert_eq!(html(markdown), wanted, "{markdown}");
    }
}

#[test]
fn links_lead_out_and_nowhere_else() {
    const REL: &str = "rel=\"nofollow noopener noreferrer\"";
    for (markdown, wanted) in [
        (
            "[the blog](https://a.example/x?y=1&z=\"2\")".to_owned(),
            format!("<a href=\"https://a.example/x?y=1&amp;z=&quot;2&quot;\" {REL}>the blog</a>"),
        ),
        (
            "<me@a.example>".to_owned(),
            format!("<a href=\"mailto:me@a.example\" {REL}>me@a.example</a>"),
        ),
        (
            "see https://a.example/b_c_d.".to_owned(),
            format!("see <a href=\"https://a.example/b_c_d\" {REL}>https://a.example/b_c_d</a>."),
        ),
        (
            "(https://a.example/b_(c))".to_owned(),
            format!("(<a href=\"https://a.example/b_(c)\" {REL}>https://a.example/b_(c)</a>)"),
        ),
        (
            "见https://a.example/x。好".to_owned(),
            "见https://a.example/x。好".to_owned(),
        ),
        (
            "见 https://a.example/x。好".to_owned(),
            format!("见 <a href=\"https://a.example/x\" {REL}>https://a.example/x</a>。好"),
        ),
        (
            "[ ](https://a.example)".to_owned(),
            format!("<a href=\"https://a.example\" {REL}> https://a.example</a>"),
        ),
        (
            "[![](https://a.example/i.png)](https://a.example)".to_owned(),
            format!("<a href=\"https://a.example\" {REL}>https://a.example</a>"),
        ),
        (
            "[![badge [x](https://b.example)](https://a.example/i.png)](https://a.example)"
                .to_owned(),
            "badge x".to_owned(),
        ),
        (
            "![a picture](https://a.example/i.png)".to_owned(),
            "a picture".to_owned(),
        ),
    ] {
        let html = html(&markdown);
        assert!(html.contains(&wanted), "{markdown}: {html}");
        assert!(!html.contains("<img"), "{html}");
    }
}

#[test]
fn what_could_run_or_mislead_is_text() {
    for markdown in [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](/a/other)",
        "[x](//evil.example)",
        "[x](https:///evil.example)",
        "[x](<https://a.example\\@evil.example>)",
        "[x](https://a.example@evil.example)",
        "[x](#top)",
        "[x](ftp://a.example)",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=x>b</b>",
        "<style>*{display:none}</style>",
        "<iframe src=//evil.example>",
        "<!-- a --> <a href=\"javascript:x\">y</a>",
        "<svg/onload=alert(1)>",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "`<script>`",
        "```<script>\n</pre><script>x</script>\n```",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ] {
        let html = html(markdown);
        let tags: Vec<&str> = html
            .split('<')
            .skip(1)
            .map(|tag| tag.split(['>', ' ']).next().unwrap_or_default())
            .collect();
        for tag in tags {
            let name = tag.trim_start_matches('/');
            assert!(
                ["p", "pre", "code", "br"].contains(&name),
                "{markdown}: {html}"
            );
        }
    }
    let quoted = html("[x](https://a.example/\"onmouseover=\"alert(1))");
    assert!(!quoted.contains("\"onmouseover"), "{quoted}");
}

#[test]
fn headings_have_no_gap_and_are_never_empty() {
    let html = html("#### d\n\n# a\n\n### c\n\n###### f\n\n#\n\n## ![](x)\n\n## b");
    let levels: Vec<&str> = html
        .matches("<h")
        .zip(html.split("<h").skip(1))
        .map(|(_, rest)| &rest[..1])
        .collect();
    assert_eq!(levels, ["3", "3", "4", "5", "4"], "{html}");
}

#[test]
fn what_is_long_is_folded_between_lines_and_nothing_is_lost() {
    let list = (1..=40)
        .map(|number| format!("{number}. line {number}\n"))
        .collect::<Vec<_>>()
        .concat();
    let notes = render(&list, 10);
    assert!(
        notes.lead.ends_with("<li>line 10</li>\n</ol>\n"),
        "{}",
        notes.lead
    );
    assert!(
        notes
            .rest
            .starts_with("<ol start=\"11\" dir=\"auto\"><li>line 11</li>"),
        "{}",
        notes.rest
    );
    let lines = (1..=40)
        .map(|number| format!("line {number}\n"))
        .collect::<Vec<_>>()
        .concat();
    for whole in [
        lines.clone(),
        lines.replace('\n', "\n\n"),
        format!("```\n{lines}```"),
        lines.replace("line", "> line"),
        format!("**{}**", lines.trim()),
        "word ".repeat(400),
        format!("# head\n\n{}", "字，".repeat(900)),
    ] {
        let notes = render(&whole, 10);
        assert!(
            !notes.rest.is_empty() && notes.lead.len() < notes.rest.len(),
            "{}",
            notes.lead
        );
        for part in [&notes.lead, &notes.rest] {
            for tag in ["p", "pre", "blockquote", "ul", "strong"] {
                let begun = part.matches(&format!("<{tag} ")).count()
                    + part.matches(&format!("<{tag}>")).count();
                assert_eq!(
                    begun,
                    part.matches(&format!("</{tag}>")).count(),
                    "{tag}: {part}"
                );
            }
        }
        for number in 1..=40 {
            if whole.contains("line 1\n") {
                assert!(
                    (notes.lead.clone() + &notes.rest).contains(&format!("line {number}")),
                    "{number}"
                );
            }
        }
    }
    let short = (1..=14)
        .map(|number| format!("{number}\n\n"))
        .collect::<Vec<_>>()
        .concat();
    assert_eq!(
        render(&short, 10).rest,
        "",
        "a few lines more are not worth a fold"
    );
}

#[test]
fn nothing_is_pushed_off_the_screen_and_no_text_takes_long() {
    let html = html(&format!("{} deep", ">".repeat(2000)));
    assert_eq!(html.matches("<blockquote").count(), 5, "{html}");
    let nested = (0..300)
        .map(|depth| format!("{}- x\n", "  ".repeat(depth)))
        .collect::<Vec<_>>()
        .concat();
    assert_eq!(self::html(&nested).matches("<ul").count(), 5);
    let begun = std::time::Instant::now();
    for unit in [
        "http://a ",
        "[",
        "**a",
        "`",
        "![[](",
        "<a ",
        "|a|\n|-|\n",
        "http",
    ] {
        render(&unit.repeat(100_000 / unit.len()), 10);
    }
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
