//! `slipway accept-restore` where nothing waits; `checks/02-4-age` shows the rest.

use crate::slipway::{Platform, slipway, text};

#[test]
fn nothing_waits_on_an_ordinary_day_and_nobody_is_let_in_without_a_token() {
    let platform = Platform::start(&[]);
    let server = platform.server();
    let token = platform.token_file();
    let with_token = ["--server", &server, "--token-file", text(&token)];
    let (code, output, error) = slipway(&[&["accept-restore"], &with_token[..]].concat());
    assert_eq!(code, Some(0), "{error}");
    assert!(output.contains("nothing waits to be accepted"), "{output}");
    let (code, _, error) = slipway(&["accept-restore", "--server", &server]);
    assert_eq!(code, Some(2));
    assert!(error.contains("SLIPWAY_TOKEN"), "{error}");
}
