//! Each forbidden thing, tried by a process that `confine` has confined: this program runs itself once for each.
//!
//! It is a program of its own, because the harness of tests would start threads, and a confined process has one.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, IoSliceMut, IsTerminal as _, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt as _, chroot, symlink};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio, abort};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::sys::ptrace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{Uid, getppid, setuid};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process, pidfd_open,
    set_dumpable_behavior, setrlimit, test_kill_process,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use slipway_upload::{Share, confine};

type Act = Box<dyn FnOnce() -> anyhow::Result<()>>;

/// An exit code, or a signal.
type End = (Option<i32>, Option<i32>);

/// What is made ready before the process is confined, and what it then does.
struct Trial {
    name: &'static str,
    prepare: fn() -> Act,
}

/// An empty set of capabilities, as /proc shows it.
const NONE: &str = "0000000000000000";

/// The trial that waits to be looked at.
const WAIT: &str = "wait for the end of its input";

const SHARE: Share = Share {
    memory_bytes: 1 << 30,
    cpu_seconds: 20,
    files: 16,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--confined", name] => confined(name),
        ["--without-seccomp"] => without_seccomp(),
        _ => everything(),
    }
}

fn everything() -> ExitCode {
    let mut seen = Vec::new();
    for trial in forbidden() {
        let status = run(trial.name);
        let ended = status.signal() == Some(libc::SIGSYS);
        seen.push((trial.name, ended, status.to_string()));
    }
    for (trial, wanted) in allowed() {
        let status = run(trial.name);
        let ended = (status.code(), status.signal()) == wanted;
        seen.push((trial.name, ended, status.to_string()));
    }
    let differing = facts();
    seen.push(("/proc", differing.is_empty(), format!("{differing:?}")));
    let (code, raw) = refusal();
    let refused = code == Some(3) && raw.contains("seccomp was refused");
    seen.push(("a kernel without seccomp", refused, raw));

    let mut stdout = io::stdout();
    for (name, expected, raw) in &seen {
        let verdict = if *expected { "ok" } else { "FAILED" };
        let _ = writeln!(stdout, "{name} ... {verdict} ({raw})");
    }
    let failed = seen.iter().filter(|(_, expected, _)| !expected).count();
    let _ = writeln!(stdout, "\n{} passed, {failed} failed", seen.len() - failed);
    ExitCode::from(u8::from(failed > 0))
}

/// This program, with no environment, as an inspection: a backtrace would ask for the folder.
fn itself(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().expect("a program"));
    command.args(arguments).env_clear();
    command
}

/// How a process ends that is confined and then does `name`. It reads this program's file.
fn run(name: &str) -> ExitStatus {
    let package = File::open(env::current_exe().expect("a program")).expect("a file");
    itself(&["--confined", name])
        .stdin(package)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("a process")
}

fn confined(name: &str) -> ExitCode {
    let trials = forbidden().into_iter();
    let mut trials = trials.chain(allowed().into_iter().map(|(trial, _)| trial));
    let trial = trials.find(|trial| trial.name == name).expect("a trial");
    let act = (trial.prepare)();
    confine(&SHARE).expect("confined");
    match act() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn trial(name: &'static str, prepare: fn() -> Act) -> Trial {
    Trial { name, prepare }
}

/// A trial that needs nothing made ready.
macro_rules! now {
    ($name:literal, $act:expr) => {
        trial($name, || {
            Box::new(|| {
                $act;
                Ok(())
            })
        })
    };
}

fn forbidden() -> Vec<Trial> {
    [
        files(),
        descriptors(),
        network(),
        processes(),
        memory(),
        privileges(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn files() -> Vec<Trial> {
    vec![
        now!("open a file", File::open("/etc/passwd")?),
        now!("open standard input anew", File::open("/proc/self/fd/0")?),
        now!("make a file", File::create(here("made"))?),
        now!("ask for a file's size", fs::metadata("/etc/passwd")?),
        now!("list a folder", fs::read_dir("/")?),
        now!("remove a file", fs::remove_file(here("absent"))?),
        now!("rename a file", fs::rename(here("absent"), here("other"))?),
        now!("make a folder", fs::create_dir(here("folder"))?),
        now!("make a link", symlink("/etc/passwd", here("link"))?),
        now!(
            "change a mode",
            fs::set_permissions("/tmp", fs::Permissions::from_mode(0o777))?
        ),
        now!("change the folder", env::set_current_dir("/")?),
        now!("change the root", chroot("/")?),
        now!("mount", rustix::mount::mount_bind("/tmp", "/tmp")?),
        now!(
            "make a file in memory",
            rustix::fs::memfd_create(c"made", rustix::fs::MemfdFlags::empty())?
        ),
    ]
}

fn descriptors() -> Vec<Trial> {
    vec![
        trial("write to an open file", || {
            let mut file = OpenOptions::new()
                .write(true)
                .open("/dev/null")
                .expect("a file");
            Box::new(move || Ok(file.write_all(b"x")?))
        }),
        trial("read from another open file", || {
            let mut file = File::open("/etc/passwd").expect("a file");
            Box::new(move || Ok(file.read_exact(&mut [0])?))
        }),
        trial("go on listing a folder", || {
            let mut folder = fs::read_dir("/proc").expect("a folder");
            Box::new(move || {
                folder.next();
                Ok(())
            })
        }),
        trial("send to an open socket", || {
            let (socket, _peer) = UnixDatagram::pair().expect("sockets");
            Box::new(move || {
                socket.send(b"x")?;
                Ok(())
            })
        }),
        now!(
            "write to standard input",
            rustix::io::write(rustix::stdio::stdin(), b"x")?
        ),
        now!(
            "copy between descriptors",
            rustix::fs::sendfile(rustix::stdio::stdout(), rustix::stdio::stdin(), None, 1)?
        ),
        now!("control a device", io::stdin().is_terminal()),
        now!(
            "copy a descriptor",
            rustix::io::dup(rustix::stdio::stdin())?
        ),
        now!("make a pipe", rustix::pipe::pipe()?),
        now!("io_uring", io_uring::IoUring::new(8)?),
    ]
}

fn network() -> Vec<Trial> {
    vec![
        now!("make a socket", UnixDatagram::unbound()?),
        now!("listen", TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?),
        now!("connect", TcpStream::connect((Ipv4Addr::LOCALHOST, 9))?),
        trial("connect an open socket", || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
            Box::new(move || Ok(socket.connect((Ipv4Addr::LOCALHOST, 9))?))
        }),
    ]
}

fn processes() -> Vec<Trial> {
    vec![
        now!("start a process", Command::new("/bin/true").status()?),
        // With a user to become, the standard library forks.
        now!(
            "fork",
            Command::new("/bin/true")
                .uid(Uid::current().as_raw())
                .status()?
        ),
        now!("execve", Err::<(), _>(Command::new("/bin/true").exec())?),
        now!("start a thread", thread::Builder::new().spawn(|| {})?),
        now!("end another process", kill_process(parent(), Signal::URG)?),
        now!("look whether a process lives", test_kill_process(parent())?),
        now!("hold a process", pidfd_open(parent(), PidfdFlags::empty())?),
        now!("be traced", ptrace::traceme()?),
        now!("trace another process", ptrace::attach(getppid())?),
        now!(
            "read another process's memory",
            process_vm_readv(
                getppid(),
                &mut [IoSliceMut::new(&mut [0])],
                &[RemoteIoVec { base: 4096, len: 1 }]
            )?
        ),
    ]
}

fn memory() -> Vec<Trial> {
    vec![
        now!(
            "map memory as code",
            region::alloc(4096, region::Protection::READ_WRITE_EXECUTE)?
        ),
        trial("turn memory into code", || {
            let memory = memmap2::MmapMut::map_anon(4096).expect("memory");
            Box::new(move || {
                memory.make_exec()?;
                Ok(())
            })
        }),
        now!(
            "map a file",
            memmap2::MmapOptions::new()
                .len(1)
                .map_raw_read_only(&io::stdin())?
        ),
    ]
}

fn privileges() -> Vec<Trial> {
    vec![
        now!(
            "raise a limit",
            setrlimit(
                Resource::Core,
                Rlimit {
                    current: None,
                    maximum: None
                }
            )?
        ),
        now!(
            "become dumpable",
            set_dumpable_behavior(DumpableBehavior::Dumpable)?
        ),
        now!("undo no_new_privs", set_no_new_privs(false)?),
        now!("name itself", rustix::thread::set_name(c"other")?),
        now!(
            "another filter",
            seccompiler::apply_filter(&filter([libc::SYS_read], SeccompAction::Log))?
        ),
        now!(
            "take capabilities",
            set_capabilities(
                None,
                CapabilitySets {
                    effective: CapabilitySet::SYS_ADMIN,
                    permitted: CapabilitySet::SYS_ADMIN,
                    inheritable: CapabilitySet::empty(),
                }
            )?
        ),
        now!("become root", setuid(Uid::from_raw(0))?),
        now!("leave a namespace", unshare(CloneFlags::CLONE_NEWUSER)?),
    ]
}

/// What an inspection does, and how it may end.
fn allowed() -> Vec<(Trial, End)> {
    vec![
        (
            trial("read, allocate and answer", || {
                Box::new(read_allocate_and_answer)
            }),
            (Some(0), None),
        ),
        (
            trial("panic", || Box::new(|| panic!("as a decoder may"))),
            (Some(101), None),
        ),
        (
            trial("abort", || Box::new(|| abort())),
            (None, Some(libc::SIGABRT)),
        ),
        (
            now!("more memory than there is", vec![1_u8; 2 << 30]),
            (None, Some(libc::SIGABRT)),
        ),
        (trial(WAIT, || Box::new(wait)), (Some(0), None)),
    ]
}

fn read_allocate_and_answer() -> anyhow::Result<()> {
    let stdin = rustix::stdio::stdin();
    rustix::fs::seek(stdin, rustix::fs::SeekFrom::End(-4096))?;
    let mut seeds = HashMap::new();
    for power in 4..28 {
        let mut bytes = vec![0; 1 << power];
        rustix::io::read(stdin, &mut bytes[..16])?;
        bytes.resize(3 << power, 1);
        seeds.insert(power, bytes);
    }
    Ok(writeln!(io::stdout(), "{}", seeds.len())?)
}

/// Says that it is confined, and lives until its input ends.
fn wait() -> anyhow::Result<()> {
    writeln!(io::stdout(), "confined")?;
    let stdin = rustix::stdio::stdin();
    while rustix::io::read(stdin, &mut [0; 4096])? > 0 {}
    Ok(())
}

/// The status and the limits of a confined process, from /proc.
fn status_and_limits() -> (String, String) {
    let mut child = itself(&["--confined", WAIT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let stdout = child.stdout.take().expect("a pipe");
    let mut word = String::new();
    io::BufReader::new(stdout)
        .read_line(&mut word)
        .expect("a word");
    let read = |name| fs::read_to_string(format!("/proc/{}/{name}", child.id())).expect("Linux");
    let read = (read("status"), read("limits"));
    drop(child.stdin.take());
    child.wait().expect("an end");
    read
}

/// What /proc says of a confined process that is not as it must be.
fn facts() -> Vec<String> {
    let (status, limits) = status_and_limits();
    let mut wanted = vec![
        ("Threads", "1"),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
        ("CapInh", NONE),
        ("CapPrm", NONE),
        ("CapEff", NONE),
        ("CapAmb", NONE),
    ];
    let held = capabilities(None).expect("Linux").effective;
    if held.contains(CapabilitySet::SETPCAP) {
        wanted.push(("CapBnd", NONE));
    }
    let differs = |(name, value): &(&str, &str)| {
        let line = format!("{name}:\t{value}");
        !status.lines().any(|seen| seen == line)
    };
    let mut differing: Vec<String> = wanted
        .into_iter()
        .filter(differs)
        .map(|(name, value)| format!("{name} is not {value}"))
        .collect();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    if core.is_none_or(|line| line.split_whitespace().nth(5) != Some("0")) {
        differing.push("a core may be left".to_owned());
    }
    differing
}

/// What an inspection answers on a kernel that has no seccomp: its exit code and its raw.
fn refusal() -> (Option<i32>, String) {
    let output = itself(&["--without-seccomp"]).output().expect("a process");
    let raw = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), raw)
}

/// Becomes the inspection of upload's own binary, for whom the call to install a filter does not exist.
fn without_seccomp() -> ExitCode {
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let filter = filter([libc::SYS_seccomp], absent);
    seccompiler::apply_filter(&filter).expect("a filter");
    let _ = Command::new(env!("CARGO_BIN_EXE_slipway-upload"))
        .args(["inspect", "1073741824", "20", "16"])
        .exec();
    ExitCode::FAILURE
}

/// A filter that allows all calls but `calls`.
fn filter<const N: usize>(calls: [libc::c_long; N], answer: SeccompAction) -> BpfProgram {
    SeccompFilter::new(
        calls.map(|call| (call, Vec::new())).into(),
        SeccompAction::Allow,
        answer,
        env::consts::ARCH.try_into().expect("an architecture"),
    )
    .and_then(BpfProgram::try_from)
    .expect("a filter")
}

fn here(name: &str) -> PathBuf {
    env::temp_dir().join(name)
}

fn parent() -> Pid {
    rustix::process::getppid().expect("a parent")
}
