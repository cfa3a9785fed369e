//! References to secrets: a document says `secret:NAME`, and what the name stands for lies where the process runs.

/// What a reference begins with.
pub const PREFIX: &str = "secret:";

/// The name in a reference: lower-case letters, digits and `-`, so that it is a file's name and leads nowhere else.
pub fn name(reference: &str) -> Option<&str> {
    let name = reference.strip_prefix(PREFIX)?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good =
        (1..=64).contains(&name.len()) && !name.starts_with('-') && name.chars().all(is_plain);
    good.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_reference_names_a_file_and_nothing_else() {
        assert_eq!(name("secret:catalog-database"), Some("catalog-database"));
        for text in [
            "catalog",
            "secret:",
            "secret:../x",
            "secret:A",
            "secret:-a",
            "secret:a/b",
            " secret:a",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
