//! The numbers that every process shows: of itself and of its disk.

use procfs::process::Process as Kernel;
use procfs::{WithCurrentSystemInfo as _, page_size, ticks_per_second};

use super::context::Process;
use crate::metrics::Reading;

/// What cannot be read is not there.
pub(crate) fn readings(process: &Process) -> Vec<Reading> {
    let mut all = disk(process);
    match kernel() {
        Ok(own) => all.extend(own),
        Err(error) => tracing::warn!(%error, "the kernel does not tell of this process"),
    }
    all
}

/// Of the file system that holds the data folder.
pub fn disk(process: &Process) -> Vec<Reading> {
    let Ok(found) = rustix::fs::statvfs(process.data.root()) else {
        return Vec::new();
    };
    let block = found.f_frsize;
    vec![
        reading(
            "disk_size_bytes",
            "Size of the file system of the data folder",
            found.f_blocks.saturating_mul(block),
        ),
        reading(
            "disk_free_bytes",
            "Bytes that may still be written there",
            found.f_bavail.saturating_mul(block),
        ),
        reading(
            "disk_free_inodes",
            "Files that may still be made there",
            found.f_favail,
        ),
    ]
}

/// Under the names that Prometheus' client libraries give them.
fn kernel() -> procfs::ProcResult<Vec<Reading>> {
    let own = Kernel::myself()?;
    let (stat, limits) = (own.stat()?, own.limits()?);
    let ticks = ticks_per_second().max(1);
    let started = procfs::boot_time_secs()?.saturating_add(stat.starttime / ticks);
    let memory = stat.rss_bytes().get();
    let mut all = vec![
        reading(
            "process_cpu_seconds_total",
            "Seconds of processor time, of user and system together",
            (stat.utime + stat.stime) / ticks,
        ),
        reading("process_resident_memory_bytes", "Memory in use", memory),
        reading(
            "process_virtual_memory_bytes",
            "Addresses in use",
            stat.vsize.max(page_size()),
        ),
        reading("process_threads", "Threads", stat.num_threads),
        reading(
            "process_start_time_seconds",
            "Unix time at which the process started",
            started,
        ),
        reading(
            "process_open_fds",
            "Open descriptors",
            own.fd_count()? as u64,
        ),
    ];
    if let procfs::process::LimitValue::Value(most) = limits.max_open_files.soft_limit {
        all.push(reading(
            "process_max_fds",
            "Descriptors that may be open at once",
            most,
        ));
    }
    Ok(all)
}

fn reading(name: &'static str, help: &'static str, value: impl TryInto<i64>) -> Reading {
    Reading {
        name,
        help,
        value: value.try_into().unwrap_or(i64::MAX),
    }
}
