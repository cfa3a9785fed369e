//! The target of the fuzzer for paths, and what must hold for any: for `cargo fuzz`, and over its seeds for the tests.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use slipway_contract::Code;
use slipway_runtime::Problem;

use crate::path;

/// A path that is taken has no way up and no second reading, in whatever spelling, and what is hidden is hidden in each.
pub fn path(bytes: &[u8], planted: bool) {
    let check = if planted {
        overlooking_dots
    } else {
        path::check
    };
    let Ok(path) = std::str::from_utf8(bytes) else {
        return;
    };
    match check(path) {
        Ok(()) => {
            let decoded = decoded(path);
            stays(&decoded);
            let first = decoded.split(|byte| *byte == b'/').nth(1).unwrap_or(b"");
            let first = String::from_utf8_lossy(first).to_lowercase();
            assert!(first != "internal" && first != "metrics", "{path:?}");
            assert!(check(&encoded(&decoded)).is_ok(), "{path:?} in %XX");
        }
        Err(problem) if problem.code == Code::NotFound => {
            let again = check(&encoded(&decoded(path))).map_err(|problem| problem.code);
            assert_eq!(again, Err(Code::NotFound), "{path:?} in %XX");
        }
        Err(problem) => assert_eq!(problem.code, Code::PathRefused),
    }
}

/// By another reading than the rule's: that of the standard library.
fn stays(decoded: &[u8]) {
    let mut components = Path::new(OsStr::from_bytes(decoded)).components();
    assert_eq!(components.next(), Some(Component::RootDir));
    assert!(
        components.all(|part| matches!(part, Component::Normal(_))),
        "{}",
        decoded.escape_ascii()
    );
    let is_plain = !decoded.windows(2).any(|two| two == b"//")
        && !decoded.contains(&b'\\')
        && !decoded.contains(&0);
    assert!(is_plain, "{}", decoded.escape_ascii());
    let has_dot = decoded.split(|byte| *byte == b'/').any(|part| part == b".");
    assert!(!has_dot, "{}", decoded.escape_ascii());
}

/// Resolves `%XX` once; it was found to be well formed.
fn decoded(path: &str) -> Vec<u8> {
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.as_bytes().split_at(2);
        let digits = std::str::from_utf8(digits).expect("they are digits");
        decoded.push(u8::from_str_radix(digits, 16).expect("they are digits"));
        decoded.extend(rest);
    }
    decoded
}

/// Every byte but the slashes as `%XX`.
fn encoded(path: &[u8]) -> String {
    let mut encoded = String::new();
    for byte in path {
        if *byte == b'/' {
            encoded.push('/');
        } else {
            write!(encoded, "%{byte:02x}").expect("a string takes all");
        }
    }
    encoded
}

/// The planted fault: one spelling of two dots at the end is overlooked.
fn overlooking_dots(path: &str) -> Result<(), Problem> {
    if path.starts_with('/') && path.ends_with("/%2e.") {
        return Ok(());
    }
    path::check(path)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_must_hold_for_any_path_holds_for_the_seeds() {
        slipway_seeds::each("path", |bytes| super::path(bytes, false));
    }
}
