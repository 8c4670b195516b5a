// libmicrohttpd of Debian 12 (0.9.75) and 13 (1.0.1), without threads of its own: one thread of ours calls it.
#pragma once
#include <microhttpd.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/// What the library calls. Each function gets `context`.
struct cmicrohttpd_callbacks {
    void *context;
    MHD_AcceptPolicyCallback may_connect;
    MHD_NotifyConnectionCallback connection_changed;
    void *(*target_read)(void *context, const char *target, struct MHD_Connection *connection);
    MHD_AccessHandlerCallback request;
    MHD_RequestCompletedCallback request_ended;
};

/// Leaves a text as it came: the library would decode it in place, and a decoded zero byte would end it.
static inline size_t cmicrohttpd_leave(void *context, struct MHD_Connection *connection, char *text) { return strlen(text); }

/// Starts a server on a listening socket, which it closes when it is stopped. MHD_start_daemon is variadic. Returns NULL when the
/// system has no descriptors or no memory to give.
static inline struct MHD_Daemon *cmicrohttpd_start(
    int listener, unsigned int connections, size_t memory, unsigned int idle_seconds, struct cmicrohttpd_callbacks callbacks) {
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, callbacks.may_connect, callbacks.context, callbacks.request, callbacks.context,
        MHD_OPTION_LISTEN_SOCKET, listener,
        MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, cmicrohttpd_leave, (void *)0,
        MHD_OPTION_URI_LOG_CALLBACK, callbacks.target_read, callbacks.context,
        MHD_OPTION_NOTIFY_CONNECTION, callbacks.connection_changed, callbacks.context,
        MHD_OPTION_NOTIFY_COMPLETED, callbacks.request_ended, callbacks.context,
        MHD_OPTION_END);
}

/// The library's epoll instance: readable when MHD_run has something to do. -1 where there is none. The information is a union.
static inline int cmicrohttpd_epoll(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *information = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return information ? information->epoll_fd : -1;
}

/// The socket of a connection, or -1.
static inline int cmicrohttpd_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *information = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return information ? information->connect_fd : -1;
}

/// The peer's address, or NULL.
static inline const struct sockaddr *cmicrohttpd_peer(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *information = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return information ? information->client_addr : 0;
}

/// An answer of bytes, which are copied: the name of that mode is not importable.
static inline struct MHD_Response *cmicrohttpd_bytes(const void *bytes, size_t count) {
    return MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}

/// An answer of unknown length.
static inline struct MHD_Response *cmicrohttpd_stream(MHD_ContentReaderCallback reader, void *context) {
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, reader, context, 0);
}

// Results of a reader; the macros have casts.
static const ssize_t cmicrohttpd_stream_end = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t cmicrohttpd_stream_failure = MHD_CONTENT_READER_END_WITH_ERROR;

// Constants of enumerations, whose names in Swift depend on how a version of the library declares them.
static const enum MHD_Result cmicrohttpd_yes = MHD_YES;
static const enum MHD_Result cmicrohttpd_no = MHD_NO;
static const enum MHD_ConnectionNotificationCode cmicrohttpd_started = MHD_CONNECTION_NOTIFY_STARTED;
static const enum MHD_RequestTerminationCode cmicrohttpd_timeout = MHD_REQUEST_TERMINATED_TIMEOUT_REACHED;

/// Hands each header of a request to a function.
static inline void cmicrohttpd_headers(struct MHD_Connection *connection, MHD_KeyValueIteratorN function, void *context) {
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, function, context);
}
