// The clock of a program under test: CLOCK_REALTIME and CLOCK_BOOTTIME run from what a shared file says. Sleeps and
// CLOCK_MONOTONIC stay the machine's, as they do when a wall clock is set or a machine wakes from a suspend.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Added to the machine's clocks, in ns; with `isHeld` the clocks stand still at `base` and the offsets move them.
struct shared { volatile int64_t wallOffset, bootOffset, isHeld, wallBase, bootBase; };
static struct shared *shared;

__attribute__((constructor)) static void attach(void) {
    const char *path = getenv("FAULT_CLOCK");
    int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    void *memory = mmap(NULL, sizeof *shared, PROT_READ, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (memory != MAP_FAILED) shared = memory;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (!shared || result || (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)) return result;
    int isWall = clock == CLOCK_REALTIME;
    int64_t now = time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
    if (shared->isHeld) now = isWall ? shared->wallBase : shared->bootBase;
    now += isWall ? shared->wallOffset : shared->bootOffset;
    time->tv_sec = now / 1000000000;
    time->tv_nsec = now % 1000000000;
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}
