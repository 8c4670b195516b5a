// The clock of a program under test: CLOCK_REALTIME and CLOCK_BOOTTIME run from what a shared file says. Sleeps and
// CLOCK_MONOTONIC stay the machine's, as they do when a wall clock is set or a machine wakes from a suspend.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Added to the machine's clocks, in ns; with `isHeld` the clocks stand still at `base` and the offsets move them.
// Where `framePort` is set, what comes from that TCP port is read a frame at a time, and each frame read moves both by a second:
// the program sees each frame apart and a second after the last, however many wait. Each hour the bytes of its heap are noted.
struct shared { volatile int64_t wallOffset, bootOffset, isHeld, wallBase, bootBase, framePort, framesRead, heapUsed, heapFree; };
static struct shared *shared;
static ssize_t (*realRead)(int, void *, size_t);
enum { frameLength = 58 };

__attribute__((constructor)) static void attach(void) {
    realRead = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    const char *path = getenv("FAULT_CLOCK");
    int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
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

static int bringsFrames(int descriptor) {
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    return getpeername(descriptor, (struct sockaddr *)&peer, &length) == 0 && peer.sin_family == AF_INET
        && ntohs(peer.sin_port) == shared->framePort;
}

ssize_t read(int descriptor, void *buffer, size_t count) {
    // One thread reads the source.
    static size_t rest = frameLength;
    if (!shared || !shared->framePort || count < frameLength || !bringsFrames(descriptor)) return realRead(descriptor, buffer, count);
    ssize_t result = realRead(descriptor, buffer, rest);
    if (result <= 0) return result;
    rest -= (size_t)result;
    if (rest) return result;
    rest = frameLength;
    shared->wallOffset += INT64_C(1000000000);
    shared->bootOffset += INT64_C(1000000000);
    shared->framesRead += 1;
    if (shared->framesRead % 3600 == 0) {
        struct mallinfo2 heap = mallinfo2();
        shared->heapUsed = (int64_t)heap.uordblks;
        shared->heapFree = (int64_t)heap.fordblks;
    }
    return result;
}
