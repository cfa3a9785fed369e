//! The whole of discovery with a clock and a network of its own: nodes that are killed, come back empty, hang and look late;
//! instances that begin, end, are killed and wake up after another has their place; watchers; messages that are late, and
//! ways that are cut. The same seed is the same run: `SLIPWAY_SEED=7` repeats one, `SLIPWAY_SEEDS=1000` runs more.

mod chance;
mod fleet;
mod network;
mod node;

use std::env;

use fleet::Fleet;

/// Runs of one test; more take the time of a check.
const SEEDS: u64 = 12;

#[test]
#[expect(
    clippy::print_stdout,
    reason = "a run that fails is repeated by its seed"
)]
fn discovery_holds_whatever_happens() {
    let number = |name| {
        env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("a number"))
    };
    let seeds = match number("SLIPWAY_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SLIPWAY_SEEDS").unwrap_or(SEEDS),
    };
    let mut drained = 0;
    for seed in seeds {
        println!("seed {seed}");
        drained += Fleet::new(seed).run();
    }
    assert!(drained > 0, "not one drain was acknowledged");
}
