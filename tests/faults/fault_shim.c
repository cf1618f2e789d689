// SPDX-License-Identifier: Apache-2.0
//
// A bad day for one process, by LD_PRELOAD: its clock steps, its disk is slow. What is wrong stands in
// the file that FAULT_FILE names, two numbers that a test rewrites while the process runs: seconds that
// the clock is off, and milliseconds that each fsync() takes longer.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_long clock_off_s, fsync_ms, read_at_ms;

static long monotonic_ms(void) {
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void look(void) {
  const long now = monotonic_ms();
  if (now - atomic_load(&read_at_ms) < 20) return;
  atomic_store(&read_at_ms, now);
  const char* const path = getenv("FAULT_FILE");
  if (path == NULL) return;
  char text[64] = {0};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  const ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  long off = 0, slow = 0;
  if (size > 0 && sscanf(text, "%ld %ld", &off, &slow) == 2) {
    atomic_store(&clock_off_s, off);
    atomic_store(&fsync_ms, slow);
  }
}

int clock_gettime(clockid_t id, struct timespec* out) {
  const long status = syscall(SYS_clock_gettime, id, out);
  if (status == 0 && id == CLOCK_REALTIME) {
    look();
    out->tv_sec += atomic_load(&clock_off_s);
  }
  return (int)status;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

static void dawdle(void) {
  look();
  const long ms = atomic_load(&fsync_ms);
  const struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
  if (ms > 0) nanosleep(&wait, NULL);
}

int fsync(int file) {
  dawdle();
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  dawdle();
  return (int)syscall(SYS_fdatasync, file);
}
