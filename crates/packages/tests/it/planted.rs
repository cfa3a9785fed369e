//! The fault that is there on purpose.

use std::process::Command;

use slipway_packages::{Outcome, PLANTED_PANIC, PLANTED_PANIC_SETTING};

use crate::outcome;

#[test]
fn the_planted_fault_needs_its_setting_and_its_exact_bytes() {
    assert!(matches!(
        outcome(PLANTED_PANIC),
        Outcome::NotUnderstood { .. }
    ));
    let run = |setting: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "planted::inspects_the_marker",
            "--ignored",
            "--nocapture",
        ]);
        if let Some(value) = setting {
            command.env(PLANTED_PANIC_SETTING, value);
        }
        command.output().unwrap()
    };
    let armed = run(Some("1"));
    assert!(!armed.status.success());
    assert!(
        String::from_utf8_lossy(&armed.stderr).contains("the planted fault"),
        "{armed:?}"
    );
    assert!(run(None).status.success());
    assert!(run(Some("0")).status.success());
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn inspects_the_marker() {
    outcome(b"slipway: a planted fault");
    outcome(PLANTED_PANIC);
}
