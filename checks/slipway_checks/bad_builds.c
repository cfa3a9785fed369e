// Makes a good build a bad one: preloaded by the programs that bad_builds.py writes, which say in BAD_BUILD what is bad.
//
//   500s      every answer is a failure              wrong   one byte of one answer in a hundred is another
//   slow      every answer comes late                 leaks   every answer costs memory that is never given back
//   unready   it never serves                         crashes it ends after BAD_BUILD_SECONDS
//   unread    it cannot read what is published
//
// What is spoilt is what leaves the process over sockets in the clear, so the gateway's answers to visitors; and what it
// opens.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define LATE_MICROSECONDS 400000
#define LEAKED_BYTES (4 * 1024 * 1024)

static const char *kind = "";
static atomic_uint answers;
// Volatile: what nobody could read again the compiler does not take at all.
static void *volatile leaked;

static int is(const char *name) { return !strcmp(kind, name); }

static void *crash(void *seconds) {
  sleep((unsigned)(uintptr_t)seconds);
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char *said = getenv("BAD_BUILD");
  if (said) kind = said;
  if (is("unready")) for (;;) pause();
  if (is("crashes")) {
    const char *seconds = getenv("BAD_BUILD_SECONDS");
    pthread_t thread;
    pthread_create(&thread, NULL, crash, (void *)(uintptr_t)(seconds ? atoi(seconds) : 60));
  }
}

static int is_answer(const void *bytes, size_t size) {
  return size > 16 && !memcmp(bytes, "HTTP/1.1 2", 10);
}

// Before an answer leaves. Whatever is changed in place is never read again by who wrote it, or is the head alone.
static void spoil_head(char *head) {
  unsigned number = atomic_fetch_add(&answers, 1) + 1;
  if (is("500s")) memcpy(head + 9, "500", 3);
  if (is("slow")) usleep(LATE_MICROSECONDS);
  if (is("leaks")) {
    leaked = malloc(LEAKED_BYTES);
    if (leaked) memset(leaked, (int)number, LEAKED_BYTES);
  }
}

static int spoils_this_one(void) { return is("wrong") && atomic_load(&answers) % 100 == 0; }

static ssize_t send_all(int file, struct iovec *parts, int count, int flags) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
  return syscall(SYS_sendmsg, file, &message, flags | MSG_NOSIGNAL);
}

// The body begins behind the empty line, or in the next part.
static ssize_t answer(int file, const struct iovec *parts, int count, int flags) {
  struct iovec copy[64];
  if (count > 64) count = 64;
  memcpy(copy, parts, sizeof *copy * (size_t)count);
  char *head = malloc(copy[0].iov_len);
  memcpy(head, copy[0].iov_base, copy[0].iov_len);
  copy[0].iov_base = head;
  spoil_head(head);
  char *spoilt = NULL;
  if (spoils_this_one()) {
    char *end = memmem(head, copy[0].iov_len, "\r\n\r\n", 4);
    if (end && end + 4 < head + copy[0].iov_len) end[4] ^= 1;
    else if (count > 1 && copy[1].iov_len) {
      spoilt = malloc(copy[1].iov_len);
      memcpy(spoilt, copy[1].iov_base, copy[1].iov_len);
      spoilt[0] ^= 1;
      copy[1].iov_base = spoilt;
    }
  }
  ssize_t sent = send_all(file, copy, count, flags);
  free(spoilt);
  free(head);
  return sent;
}

ssize_t send(int file, const void *bytes, size_t size, int flags) {
  struct iovec part = {(void *)bytes, size};
  if (is_answer(bytes, size)) return answer(file, &part, 1, flags);
  return syscall(SYS_sendto, file, bytes, size, flags, NULL, 0);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  if (count > 0 && is_answer(parts[0].iov_base, parts[0].iov_len)) return answer(file, parts, count, 0);
  return syscall(SYS_writev, file, parts, count);
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
  if (message->msg_iovlen > 0 && message->msg_controllen == 0 && is_answer(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len))
    return answer(file, message->msg_iov, (int)message->msg_iovlen, flags);
  return syscall(SYS_sendmsg, file, message, flags);
}

static int is_published(const char *path) { return is("unread") && strstr(path, "/blobs/sha256/"); }

int open64(const char *path, int flags, ...) {
  if (is_published(path)) {
    errno = EIO;
    return -1;
  }
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
