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

// CAN: struct sockaddr_can has a union, filters are arrays of structs, and a frame of one's own is known by a flag of recvmsg alone.
#include <errno.h>
#include <linux/can.h>
#include <linux/can/error.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

/// A frame as it comes: of another node, of this socket after it was acknowledged, or a message of the controller.
struct clinux_can_frame {
    unsigned int id; ///< With the flags of linux/can.h.
    unsigned char length;
    unsigned char data[8];
    int is_own;
};

// Bits of a message of the controller; the macros carry suffixes that Swift cannot read.
static const int clinux_can_error_timeout = CAN_ERR_TX_TIMEOUT;
static const int clinux_can_error_controller = CAN_ERR_CRTL;
static const int clinux_can_error_ack = CAN_ERR_ACK;
static const int clinux_can_error_bus_off = CAN_ERR_BUSOFF;
static const int clinux_can_error_restarted = CAN_ERR_RESTARTED;
static const int clinux_can_error_passive = CAN_ERR_CRTL_TX_PASSIVE;

/// Opens a CAN interface for frames of 11-bit identifiers: those named, one's own echoes, and messages of the controller. Does not
/// block. Returns the descriptor, or -1 with errno; ENETDOWN when the interface is down.
static inline int clinux_can_open(const char *name, const unsigned short *ids, int count) {
    struct can_filter filters[64];
    struct ifreq request;
    struct sockaddr_can address;
    if (count < 0 || count > 64 || strlen(name) >= sizeof request.ifr_name) { errno = EINVAL; return -1; }
    int fd = socket(AF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW);
    if (fd < 0) return -1;
    for (int index = 0; index < count; index++) {
        filters[index].can_id = ids[index];
        filters[index].can_mask = CAN_SFF_MASK | CAN_EFF_FLAG | CAN_RTR_FLAG;
    }
    can_err_mask_t errors = CAN_ERR_TX_TIMEOUT | CAN_ERR_CRTL | CAN_ERR_ACK | CAN_ERR_BUSOFF | CAN_ERR_RESTARTED;
    int own = 1;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, name);
    memset(&address, 0, sizeof address);
    address.can_family = AF_CAN;
    if (setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, filters, (socklen_t)(count * sizeof filters[0])) == 0
        && setsockopt(fd, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &errors, sizeof errors) == 0
        && setsockopt(fd, SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, &own, sizeof own) == 0
        && ioctl(fd, SIOCGIFINDEX, &request) == 0) {
        address.can_ifindex = request.ifr_ifindex;
        if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
            if (request.ifr_flags & IFF_UP) return fd;
            errno = ENETDOWN;
        }
    }
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/// Sends a frame. Returns 0, or -1 with errno.
static inline int clinux_can_send(int fd, unsigned short id, const unsigned char *data, int length) {
    struct can_frame frame;
    memset(&frame, 0, sizeof frame);
    frame.can_id = id;
    frame.can_dlc = (unsigned char)length;
    memcpy(frame.data, data, (size_t)length);
    return write(fd, &frame, sizeof frame) == (ssize_t)sizeof frame ? 0 : -1;
}

/// Receives a frame. Returns 1, 0 for something that is no frame, or -1 with errno.
static inline int clinux_can_receive(int fd, struct clinux_can_frame *result) {
    struct can_frame frame;
    struct iovec part = {.iov_base = &frame, .iov_len = sizeof frame};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ssize_t count = recvmsg(fd, &message, 0);
    if (count < 0) return -1;
    if (count != (ssize_t)sizeof frame || frame.can_dlc > 8) return 0;
    result->id = frame.can_id;
    result->length = frame.can_dlc;
    memcpy(result->data, frame.data, 8);
    result->is_own = (message.msg_flags & MSG_CONFIRM) != 0;
    return 1;
}

/// Bytes that wait in a terminal's queue to be sent; 0 where that is not known.
static inline int clinux_waiting_output(int fd) {
    int count = 0;
    return ioctl(fd, TIOCOUTQ, &count) == 0 ? count : 0;
}
