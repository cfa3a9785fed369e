//! Patterns of paths, for the tables that say which path belongs where.

/// Whether `path` is one of `pattern`, in which `*` stands for one segment that is not empty and `**` at the end for any
/// number of them, none included.
pub fn matches(pattern: &str, path: &str) -> bool {
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        match (wanted, given.next()) {
            ("**", _) => return true,
            ("*", Some(segment)) if !segment.is_empty() => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    given.next().is_none()
}
