//! How much of the processor time that this process may have it takes.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use procfs::process::Process as Kernel;
use procfs::ticks_per_second;

/// The shortest time that is looked at: the kernel counts in hundredths of a second.
const SHORTEST: Duration = Duration::from_secs(2);

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Load(Arc<Mutex<Option<Sample>>>);

#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    ticks: u64,
    share: f64,
}

impl Load {
    /// 0 to 1, of the time since it was last looked at; 0 at first, and where the kernel does not tell.
    pub fn share(&self) -> f64 {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match *last {
            Some(sample) if now.duration_since(sample.at) < SHORTEST => return sample.share,
            _ => {}
        }
        let Some(ticks) = ticks() else { return 0.0 };
        let share = last.map_or(0.0, |before| {
            let seconds = now.duration_since(before.at).as_secs_f64();
            let used = ticks.saturating_sub(before.ticks);
            let used = Duration::from_millis(used * 1000 / ticks_per_second().max(1));
            (used.as_secs_f64() / seconds / processors()).clamp(0.0, 1.0)
        });
        let at = now;
        *last = Some(Sample { at, ticks, share });
        share
    }
}

fn ticks() -> Option<u64> {
    let stat = Kernel::myself().ok()?.stat().ok()?;
    Some(stat.utime + stat.stime)
}

/// Processors that this process may use: those of the machine, or the part of them that its control group has.
fn processors() -> f64 {
    let machine = std::thread::available_parallelism().map_or(1, usize::from);
    let machine = u32::try_from(machine).map_or(1.0, f64::from);
    // Where it runs in a container, this file is its own group's.
    let limit = fs::read_to_string("/sys/fs/cgroup/cpu.max").ok();
    let limit = limit.as_deref().and_then(quota);
    limit.map_or(machine, |limit| limit.min(machine))
}

/// The limit of a control group (Linux, cgroup-v2, `cpu.max`): microseconds in each period of microseconds, or `max`.
fn quota(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u32, u32) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0 && period > 0).then(|| f64::from(quota) / f64::from(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_a_control_group_is_read() {
        assert_eq!(quota("8000 100000\n"), Some(0.08));
        assert_eq!(quota("max 100000\n"), None);
        assert_eq!(quota(""), None);
    }

    #[test]
    fn a_share_is_one_of_what_there_is() {
        let load = Load::default();
        assert!(
            load.share().abs() < f64::EPSILON,
            "nothing is known at first"
        );
        let begun = Instant::now()
            .checked_sub(SHORTEST)
            .expect("the machine is up that long");
        *load.0.lock().expect("nobody panics") = Some(Sample {
            at: begun,
            ticks: 0,
            share: 0.0,
        });
        let share = load.share();
        assert!((0.0..=1.0).contains(&share), "{share}");
        assert!(
            (load.share() - share).abs() < f64::EPSILON,
            "not looked at again at once"
        );
    }
}
