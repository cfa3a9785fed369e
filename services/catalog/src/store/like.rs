//! Searching a text for another.

/// Patterns of `LIKE … ESCAPE '!'` for texts that hold what is searched for: one for the text as it is, one for its lower
/// case. Both, because `lower` of SQLite knows ASCII alone. What is empty is in every text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Like {
    pub(crate) exact: String,
    pub(crate) lower: String,
}

impl Like {
    pub(crate) fn holding(text: &str) -> Self {
        Self {
            exact: pattern(text),
            lower: pattern(&text.to_lowercase()),
        }
    }
}

fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_taken_as_it_is() {
        let like = Like::holding("50% Éx_!");
        assert_eq!(like.exact, "%50!% Éx!_!!%");
        assert_eq!(like.lower, "%50!% éx!_!!%");
        assert_eq!(Like::holding("").exact, "%%");
    }
}
