//! The language of somebody's words, as far as their letters tell it.

/// For the attribute `lang`: fonts and voices go by it. Empty, which is "not known", for letters that many languages share:
/// the page's own language would be a wrong one.
pub(crate) fn language(text: &str) -> &'static str {
    let holds = |is_one: fn(char) -> bool| text.chars().any(is_one);
    if holds(|letter| matches!(letter, '\u{3041}'..='\u{30ff}')) {
        "ja"
    } else if holds(|letter| matches!(letter, '\u{ac00}'..='\u{d7a3}')) {
        "ko"
    } else if holds(|letter| matches!(letter, '\u{3400}'..='\u{9fff}')) {
        "zh"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_one_language_tell_it() {
        for (text, tag) in [
            ("修复了搜索 bug", "zh"),
            ("検索のバグ", "ja"),
            ("검색 오류", "ko"),
            ("إصلاح", ""),
            ("Search", ""),
            ("", ""),
        ] {
            assert_eq!(language(text), tag, "{text}");
        }
    }
}
