// What Swift's Glibc module does not show: header-only, one line of reason each.
#pragma once
// Without _GNU_SOURCE: with it, types like fd_set differ from those of Swift's Glibc module and both cannot be imported.
#include <malloc.h>         // mallopt: a macro names its option
#include <pty.h>            // openpty: the simulator's --pty and the serial tests
#include <sys/epoll.h>      // epoll: one thread reads a thousand sources
#include <sys/eventfd.h>    // eventfd: wakes a thread that waits in poll
#include <sys/file.h>       // flock: a second bridge on one port is refused
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <spawn.h>          // posix_spawn_file_actions_addclosefrom_np, which Glibc hides
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

/// Name of the calling thread, as `ps -T` shows it (15 characters at most).
static inline void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// TIOCEXCL: further opens of the terminal fail with EBUSY. Variadic ioctl is not importable. Returns 0 or -1 with errno.
static inline int clinux_exclusive(int fd) { return ioctl(fd, TIOCEXCL); }

/// TIOCNXCL: the terminal may be opened again. Only the last close of all would do that by itself.
static inline int clinux_shared(int fd) { return ioctl(fd, TIOCNXCL); }

/// A child gets no descriptor from `first` on. Returns 0 or an error number.
static inline int clinux_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

/// Two arenas for all threads. glibc gives each new thread one of its own, and a daemon that reloads its configuration for years would
/// keep them all.
static inline void clinux_bound_memory(void) { mallopt(M_ARENA_MAX, 2); }

/// The disposition of a signal is "ignore". SIG_IGN is a cast, and functions cannot be compared in Swift.
#include <signal.h>
static inline int clinux_ignores(const struct sigaction *action) { return action->sa_handler == SIG_IGN; }

/// CRTSCTS is a macro that Swift cannot see; 0 where the platform lacks it.
static inline unsigned int clinux_crtscts(void) { return CRTSCTS; }

/// Terminal size in columns and rows. Returns 0 or -1 with errno.
static inline int clinux_window_size(int fd, unsigned short *columns, unsigned short *rows) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0) return -1;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}

/// open(2) with a mode: the C function is variadic.
#include <fcntl.h>
static inline int clinux_open(const char *path, int flags, unsigned int mode) { return open(path, flags, mode); }

/// fcntl(2) with an integer argument: the C function is variadic.
static inline int clinux_fcntl(int fd, int command, int argument) { return fcntl(fd, command, argument); }

/// Bytes of heap in use: mallinfo2 is not in the importable part of the C library. For benchmarks.
#include <malloc.h>
static inline size_t clinux_heap_in_use(void) { return mallinfo2().uordblks; }

/// epoll_ctl(2), add for reading: the packed event with its union is awkward from Swift. Returns 0 or -1 with errno.
static inline int clinux_epoll_add(int epoll, int fd, unsigned long long token) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = token}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/// epoll_wait(2): the tokens of at most 64 descriptors that can be read or have hung up. Returns their count, or -1 with errno.
static inline int clinux_epoll_wait(int epoll, unsigned long long tokens[64], int milliseconds) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, milliseconds);
    for (int index = 0; index < count; index++) tokens[index] = events[index].data.u64;
    return count;
}
