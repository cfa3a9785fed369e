//! What is taken from a process before it reads a stranger's bytes.
//!
//! A decoder that is made to run an attacker's code finds itself with one file that it can read, one answer that it can
//! write, and memory. There is no path, socket, process or signal that it can reach any more, and no way back: every
//! call that is not named here ends the process.

use std::collections::BTreeMap;

use anyhow::Context as _;
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule,
};

/// What a confined process may use of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Bytes of address space.
    pub memory_bytes: u64,
    /// Seconds of processor time.
    pub cpu_seconds: u64,
    /// Open descriptors.
    pub files: u64,
}

/// Confines the calling thread, which must be the only one of its process, until the process ends.
///
/// Left are: reading and seeking in standard input, writing to standard output and standard error, memory that is not
/// executable, random bytes, and the end of the process. Any other system call ends it with SIGSYS. It has no
/// capabilities, gains none, cannot be traced by others of its user, and leaves no core.
///
/// Fails when the kernel refuses a step. The process must then not read what it was to be confined for.
pub fn confine(share: &Share) -> anyhow::Result<()> {
    let filter = filter().context("the system calls could not be listed")?;
    limit(share).context("a limit could not be set")?;
    drop_capabilities().context("the capabilities could not be dropped")?;
    set_no_new_privs(true).context("no_new_privs was refused")?;
    // Neither a core nor another process of this user may show a stranger's bytes.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("dumps could not be switched off")?;
    // Its error tells its cause itself.
    seccompiler::apply_filter(&filter).map_err(|why| anyhow::anyhow!("seccomp was refused: {why}"))
}

fn limit(share: &Share) -> Result<(), Errno> {
    for (resource, limit) in [
        (Resource::As, share.memory_bytes),
        (Resource::Cpu, share.cpu_seconds),
        (Resource::Nofile, share.files),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limit)?;
    }
    Ok(())
}

/// An ordinary user has none and may not change the bounding set, which means nothing without `execve`.
fn drop_capabilities() -> Result<(), Errno> {
    if capabilities(None)?
        .effective
        .contains(CapabilitySet::SETPCAP)
    {
        for number in 0..u64::BITS {
            let capability = CapabilitySet::from_bits_retain(1 << number);
            match remove_capability_from_bounding_set(capability) {
                // The kernel knows no more of them.
                Err(Errno::INVAL) => break,
                outcome => outcome?,
            }
        }
    }
    // The ambient set never holds what the permitted set does not (capabilities(7)).
    let none = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )
}

/// Wakes other threads of the process, of which there are none.
const WAKE: u32 = (libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG).unsigned_abs();

/// What may be called, and with what. Descriptors that a careless parent left open are of no use.
fn filter() -> Result<BpfProgram, BackendError> {
    let (stdin, stdout, stderr) = (0, 1, 2);
    let data = || Ok(vec![lacks(2, libc::PROT_EXEC)?]);
    let own_memory = || {
        Ok(vec![
            lacks(2, libc::PROT_EXEC)?,
            has(3, libc::MAP_ANONYMOUS)?,
        ])
    };
    let always = Vec::new;
    let rules = BTreeMap::from([
        // The package, and the answer. A panic writes to standard error, where nobody listens.
        (libc::SYS_read, rules([vec![is(0, stdin)?]])?),
        (libc::SYS_lseek, rules([vec![is(0, stdin)?]])?),
        (
            libc::SYS_write,
            rules([vec![is(0, stdout)?], vec![is(0, stderr)?]])?,
        ),
        // The allocator. Memory that can be written never becomes code.
        (libc::SYS_brk, always()),
        (libc::SYS_mmap, rules([own_memory()?])?),
        (libc::SYS_mprotect, rules([data()?])?),
        (libc::SYS_mremap, always()),
        (libc::SYS_munmap, always()),
        (libc::SYS_madvise, always()),
        // The seeds of hash tables.
        (libc::SYS_getrandom, always()),
        // The end, also by a fault or by `abort`, so that the log can tell which one it was.
        (libc::SYS_rt_sigaction, always()),
        (libc::SYS_rt_sigprocmask, always()),
        (libc::SYS_rt_sigreturn, always()),
        (libc::SYS_sigaltstack, always()),
        // The unwinder of a panic begins with `pthread_once`, which wakes those who wait.
        (libc::SYS_futex, rules([vec![is(1, WAKE)?]])?),
        (libc::SYS_getpid, always()),
        (libc::SYS_gettid, always()),
        (
            libc::SYS_tgkill,
            rules([vec![
                is(0, std::process::id())?,
                is(2, libc::SIGABRT.unsigned_abs())?,
            ]])?,
        ),
        (libc::SYS_exit, always()),
        (libc::SYS_exit_group, always()),
    ]);
    SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

/// One of these lists of conditions is enough.
fn rules<const N: usize>(
    alternatives: [Vec<SeccompCondition>; N],
) -> Result<Vec<SeccompRule>, BackendError> {
    alternatives.into_iter().map(SeccompRule::new).collect()
}

/// The argument is `value`. The kernel reads 32 bits of a descriptor, process or signal.
fn is(argument: u8, value: u32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, Dword, Eq, value.into())
}

fn has(argument: u8, flag: i32) -> Result<SeccompCondition, BackendError> {
    let flag = u64::from(flag.unsigned_abs());
    SeccompCondition::new(argument, Qword, MaskedEq(flag), flag)
}

fn lacks(argument: u8, flag: i32) -> Result<SeccompCondition, BackendError> {
    let flag = u64::from(flag.unsigned_abs());
    SeccompCondition::new(argument, Qword, MaskedEq(flag), 0)
}
