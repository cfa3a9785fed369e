// Fails chosen writes of `slipway run SERVICE`, before or after they lasted. Preloaded into release binaries by
// failing_writes.py, which writes the file FAILING_WRITES/SERVICE that is mapped here, and reads FAILING_WRITES/SERVICE.log.
//
// A write is a call that changes a file or a folder below FAILING_WRITES_BELOW, or makes such a change durable.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

enum fault { NONE, BEFORE, AFTER };

// As failing_writes.py packs it.
struct control {
  uint64_t writes;  // that were begun since the first start
  uint64_t at;      // number of the first one that fails; 0 for none
  uint64_t times;   // how often: that one, and the next of the same call and place
  uint64_t after;   // 1: they last, and say that they failed
  uint64_t failed;  // so far
};

static struct control *control;
static int journal = -1;
static const char *below;
static char failing[PATH_MAX + 32];
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

// A rename that must not replace is asked of the kernel without libc. It ends here by a filter that traps it; this one's own
// call is let through by a sixth argument, which the kernel does not read.
#define OWN 0x51u
static void take_over_renames(void);

__attribute__((constructor)) static void begin(int argc, char **argv) {
  const char *folder = getenv("FAILING_WRITES");
  below = getenv("FAILING_WRITES_BELOW");
  if (!folder || !below || argc < 3 || strcmp(argv[1], "run")) return;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, argv[2]);
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  strcat(path, ".log");
  journal = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) control = mapped;
  close(file);
  take_over_renames();
}

// The call and where: a folder, and how the name in it ends. A try that is made again has the same, with other names.
static void site(char *into, size_t size, const char *call, const char *path) {
  const char *name = strrchr(path, '/');
  // A name that begins with a dot is one of the moment.
  const char *end = name && name[1] != '.' ? strchr(name, '.') : NULL;
  snprintf(into, size, "%s %.*s%s", call, (int)(name ? name - path : 0), path, end ? end : "");
}

static enum fault fault_of_path(const char *call, const char *path) {
  if (!control || !path || strncmp(path, below, strlen(below))) return NONE;
  int saved = errno;
  pthread_mutex_lock(&turn);
  uint64_t number = ++control->writes;
  char here[sizeof failing];
  site(here, sizeof here, call, path);
  enum fault fault = NONE;
  if (control->at && number >= control->at && control->failed < control->times
      && (control->failed == 0 || !strcmp(here, failing))) {
    strcpy(failing, here);
    control->failed++;
    fault = control->after ? AFTER : BEFORE;
  }
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "%lu %d %s %s\n", number, fault, call, path + strlen(below));
  if (length > 0) syscall(SYS_write, journal, line, (size_t)length);
  pthread_mutex_unlock(&turn);
  errno = saved;
  return fault;
}

static enum fault fault_of_file(const char *call, int file) {
  if (!control) return NONE;
  int saved = errno;
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (length < 0) return NONE;
  path[length] = 0;
  return fault_of_path(call, path);
}

static long failed(void) {
  errno = EIO;
  return -1;
}

#define ACTS(fault_of, call)                       \
  enum fault fault = fault_of;                     \
  if (fault == BEFORE) return failed();            \
  long result = call;                              \
  return fault == AFTER && result >= 0 ? failed() : result

ssize_t write(int file, const void *bytes, size_t size) {
  ACTS(fault_of_file("write", file), syscall(SYS_write, file, bytes, size));
}
ssize_t writev(int file, const struct iovec *parts, int count) {
  ACTS(fault_of_file("write", file), syscall(SYS_writev, file, parts, count));
}
ssize_t pwrite(int file, const void *bytes, size_t size, off_t place) {
  ACTS(fault_of_file("write", file), syscall(SYS_pwrite64, file, bytes, size, place));
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t place) {
  ACTS(fault_of_file("write", file), syscall(SYS_pwrite64, file, bytes, size, place));
}
int ftruncate(int file, off_t size) {
  ACTS(fault_of_file("truncate", file), syscall(SYS_ftruncate, file, size));
}
int ftruncate64(int file, off64_t size) {
  ACTS(fault_of_file("truncate", file), syscall(SYS_ftruncate, file, size));
}
int fsync(int file) { ACTS(fault_of_file("fsync", file), syscall(SYS_fsync, file)); }
int fdatasync(int file) { ACTS(fault_of_file("fsync", file), syscall(SYS_fdatasync, file)); }
static long moved(long from_folder, const char *from, long to_folder, const char *to, long flags) {
  ACTS(fault_of_path("rename", to), syscall(SYS_renameat2, from_folder, from, to_folder, to, flags, OWN));
}
int rename(const char *from, const char *to) { return moved(AT_FDCWD, from, AT_FDCWD, to, 0); }

#ifdef __x86_64__
static void renamed(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  int saved = errno;
  long result = moved(registers[REG_RDI], (const char *)registers[REG_RSI], registers[REG_RDX],
                      (const char *)registers[REG_R10], registers[REG_R8]);
  registers[REG_RAX] = result < 0 ? -errno : result;
  errno = saved;
}

static void take_over_renames(void) {
  struct sigaction action = {.sa_sigaction = renamed, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSYS, &action, NULL);
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void take_over_renames(void) {}
#endif

int link(const char *from, const char *to) {
  ACTS(fault_of_path("link", to), syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  ACTS(fault_of_path("link", to), syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}
// What is there already is not made, and what is not there is not removed: that changes nothing.
int mkdir(const char *path, mode_t mode) {
  ACTS(access(path, F_OK) ? fault_of_path("mkdir", path) : NONE, syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
int unlink(const char *path) {
  ACTS(access(path, F_OK) ? NONE : fault_of_path("unlink", path), syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}
