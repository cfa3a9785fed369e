//! Whether a package says that it is of another version than the one that it is released as.

use crate::version::Version;

/// What is said of a package that is released as `version` and says of itself that it is `own`; `None` when the two agree,
/// and when what it says is no version.
///
/// The build counts not: `1.2.3` is what `1.2.3+1`, Debian's `1.2.3-1`, is commonly released as. Nor does a fourth number,
/// which counts builds on Windows.
pub fn contradiction(version: &Version, own: Option<&str>) -> Option<String> {
    let text = own?;
    let own: Version = text.parse().ok()?;
    if precedence(version.as_str()) == precedence(own.as_str()) {
        return None;
    }
    Some(format!(
        "version_contradicts: the package says that it is {text}, and it is released as {version}: leave the version out, or build it anew as {version}"
    ))
}

/// The first three numbers, missing ones 0, and the pre-release.
fn precedence(text: &str) -> Option<(Vec<u128>, &str)> {
    let text = text.split('+').next().unwrap_or_default();
    let (numbers, pre_release) = text.split_once('-').unwrap_or((text, ""));
    let numbers = numbers.split('.').map(|number| number.parse().ok());
    let mut numbers = numbers.take(3).collect::<Option<Vec<u128>>>()?;
    numbers.resize(3, 0);
    Some((numbers, pre_release))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_contradicts_by_its_numbers_and_its_pre_release() {
        for (version, own, contradicts) in [
            ("1.0", "1.0.0", false),
            ("1.2.3", "1.2.3+1", false),
            ("1.2.3", "1.2.3.4567", false),
            ("1.0.0+41", "1.0.0+42", false),
            ("1.0", "first of May", false),
            ("2.0", "1.0", true),
            ("1.2.3", "1.2.4", true),
            ("1.0", "1.0-beta", true),
            ("1.0-beta.2", "1.0-beta.1", true),
        ] {
            let version: Version = version.parse().expect("a version");
            let said = contradiction(&version, Some(own));
            assert_eq!(said.is_some(), contradicts, "{version} {own}");
        }
        let version = "1.0".parse().expect("a version");
        assert_eq!(contradiction(&version, None), None);
    }
}
