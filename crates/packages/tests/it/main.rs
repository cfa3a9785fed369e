//! The inspection as a caller sees it: bytes in, an outcome out.

mod archive;
mod content;
mod damage;
mod deb;
mod fixtures;
mod hostile;
mod icons;
mod kinds;
mod manifests;
mod real_apks;
mod signer;
mod whole;

use std::{env, io::Cursor, process::Command};

use slipway_contract::{Facts, Kind, Rule};
use slipway_packages::{Inspected, Limits, Outcome, inspect};

fn outcome(bytes: &[u8]) -> Outcome {
    outcome_within(bytes, &Limits::default())
}

fn outcome_within(bytes: &[u8], limits: &Limits) -> Outcome {
    inspected(bytes, None, limits).outcome
}

fn inspected(bytes: &[u8], named: Option<Kind>, limits: &Limits) -> Inspected {
    inspect(Cursor::new(bytes), named, limits).expect("memory can always be read")
}

/// What is missing of these bytes, whatever their name.
fn damage_of(bytes: &[u8]) -> Option<String> {
    match outcome(bytes) {
        Outcome::Damaged { detail } => Some(detail),
        _ => None,
    }
}

fn facts(bytes: &[u8]) -> Facts {
    match outcome(bytes) {
        Outcome::Understood(facts) => *facts,
        other => panic!("not understood: {other:?}"),
    }
}

fn rule(bytes: &[u8]) -> Option<Rule> {
    match outcome(bytes) {
        Outcome::Refused { rule, .. } => Some(rule),
        _ => None,
    }
}

/// Says that a test did not run; where everything must run, that is a failure.
fn skip(why: &str) {
    assert!(
        env::var("CI").as_deref() != Ok("true"),
        "{why}, and under CI=true nothing is skipped"
    );
    #[expect(
        clippy::print_stderr,
        reason = "a skip is said where the test's result is"
    )]
    {
        eprintln!("skipped: {why}");
    }
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// What a program prints, which must end well.
fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Numbers that look random and are the same in every run (Marsaglia, "Xorshift RNGs").
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("it is below a usize")
    }
}
