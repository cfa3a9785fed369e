//! The one reading of a path: what is routed on is what is forwarded, byte for byte, so every spelling that somebody
//! behind us could read as another path is refused instead of being put right (path confusion).

use slipway_contract::Code;
use slipway_runtime::Problem;

/// First segments that are never served to the public, by whatever routes the settings name.
const INSIDE: [&str; 2] = ["internal", "metrics"];

/// Refuses a path that has more than one reading, and hides the inside.
pub(crate) fn check(path: &str) -> Result<(), Problem> {
    if !path.starts_with('/') {
        return Err(refused("it does not begin with /"));
    }
    if path.contains("//") {
        return Err(refused("it has an empty segment"));
    }
    if path
        .bytes()
        .any(|byte| byte == b'\\' || byte.is_ascii_control())
    {
        return Err(refused("it has a backslash or a control character"));
    }
    for segment in path.split('/') {
        check_segment(&decode(segment)?)?;
    }
    let first = path.split('/').nth(1).unwrap_or_default();
    let first = String::from_utf8_lossy(&decode(first)?).to_lowercase();
    // `;` begins parameters of a segment for some servers.
    if INSIDE.contains(&first.split(';').next().unwrap_or_default()) {
        return Err(Problem::not_found());
    }
    Ok(())
}

fn check_segment(segment: &[u8]) -> Result<(), Problem> {
    if matches!(segment, b"." | b"..") {
        return Err(refused("it has a segment that stands for another folder"));
    }
    if segment.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0)) {
        return Err(refused("it hides a slash, a backslash or a zero byte"));
    }
    Ok(())
}

/// Resolves `%XX` once, as every service does.
fn decode(segment: &str) -> Result<Vec<u8>, Problem> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(refused(
                "it has a % that two hexadecimal digits do not follow",
            ));
        };
        decoded.extend(u8::try_from(high * 16 + low));
    }
    Ok(decoded)
}

fn refused(why: &str) -> Problem {
    Problem::bad_request(
        Code::PathRefused,
        format!("this path is not served because {why}: correct the address"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_one_reading_passes() {
        for path in [
            "/",
            "/a/notes",
            "/a/",
            "/d/notes/1.0.0/notes%20one.apk",
            "/d/notes/1..0/..apk",
            "/d/notes/%252e%252e/x",
            "/keys/notes/minisign.pub",
            "/d/notes/1.0.0+build/a%2Bb",
            "/a/internal",
            "/d/metrics",
            "/d/%C3%A4.bin",
        ] {
            assert!(check(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_path_with_two_readings_is_refused() {
        for path in [
            "*",
            "a/b",
            "",
            "//a",
            "/a//b",
            "/a/..",
            "/a/../b",
            "/./a",
            "/a/.",
            "/a/%2e%2e/b",
            "/a/.%2E/b",
            "/%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a\\b",
            "/a%00b",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%2finternal/x",
            "/a/%2e.",
        ] {
            let problem = check(path).expect_err(path);
            assert_eq!(problem.code, Code::PathRefused, "{path}");
        }
    }

    #[test]
    fn the_inside_is_hidden_in_every_spelling() {
        for path in [
            "/internal",
            "/internal/",
            "/internal/changes",
            "/INTERNAL/changes",
            "/%69nternal/changes",
            "/metrics",
            "/metrics/",
            "/%6detrics",
            "/metrics;x=1",
            "/Metrics",
            "/%4detric%73",
            "/internal;/changes",
        ] {
            let problem = check(path).expect_err(path);
            assert_eq!(problem.code, Code::NotFound, "{path}");
        }
    }
}
