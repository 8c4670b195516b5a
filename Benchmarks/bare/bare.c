// The cost of MQTT with libmosquitto alone, for comparison with the bridge. The benchmarks that use this program compile it.
//   bare frames PORT PTY       each read of the terminal -> a message of the size that the topic bare/size gave
//   bare commands PORT         each message on bare/command -> the same
//   bare replay PORT FILE      the messages of FILE at their times: lines of "<milliseconds> <quality> <retain> <expiry> <topic> <payload>"
#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char payload[65536];
static int size = 100;

static void publish(
    struct mosquitto *client, const char *topic, int length, const void *bytes, int quality, int retain, int expiry) {
    mosquitto_property *properties = NULL;
    if (expiry) mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, (unsigned)expiry);
    mosquitto_publish_v5(client, NULL, topic, length, bytes, quality, retain, properties);
    mosquitto_property_free_all(&properties);
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
    (void)context;
    if (strcmp(message->topic, "bare/size") == 0) size = atoi(message->payload);
    else publish(client, "bare/limits", size, payload, 0, 1, 28);
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/// Waits for a descriptor or a time while the client lives.
static int wait_for(struct mosquitto *client, int fd, long until) {
    for (;;) {
        struct pollfd entries[2] = {{mosquitto_socket(client), POLLIN, 0}, {fd, POLLIN, 0}};
        if (mosquitto_want_write(client)) entries[0].events |= POLLOUT;
        long left = until - now_ms();
        poll(entries, 2, (int)(left < 0 ? 0 : left < 1000 ? left : 1000));
        if (entries[0].revents & ~POLLOUT && mosquitto_loop_read(client, 1)) exit(1);
        if (entries[0].revents & POLLOUT) mosquitto_loop_write(client, 1);
        mosquitto_loop_misc(client);
        if (entries[1].revents) return 1;
        if (now_ms() >= until) return 0;
    }
}

static void replay(struct mosquitto *client, FILE *file) {
    static char line[1 << 20], topic[512];
    long start = now_ms(), at;
    int quality, retain, expiry, offset;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%ld %d %d %d %511s %n", &at, &quality, &retain, &expiry, topic, &offset) != 5) continue;
        wait_for(client, -1, start + at);
        publish(client, topic, (int)strlen(line + offset), line + offset, quality, retain, expiry);
    }
}

int main(int count, char **words) {
    if (count < 3) return 2;
    signal(SIGPIPE, SIG_IGN);
    memset(payload, 'x', sizeof payload);
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new("bare", true, NULL);
    mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_message_callback_set(client, on_message);
    if (mosquitto_connect(client, "127.0.0.1", atoi(words[2]), 10)) return 1;
    wait_for(client, -1, now_ms() + 300);
    mosquitto_subscribe(client, NULL, "bare/size", 0);
    mosquitto_subscribe(client, NULL, "bare/command", 1);
    wait_for(client, -1, now_ms() + 300);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    if (strcmp(words[1], "replay") == 0 && count == 4) {
        FILE *file = fopen(words[3], "r");
        if (file) replay(client, file);
        return 0;
    }
    int pty = strcmp(words[1], "frames") == 0 && count == 4 ? open(words[3], O_RDONLY | O_NOCTTY | O_NONBLOCK) : -1;
    char buffer[4096];
    while (wait_for(client, pty, now_ms() + 3600000)) {
        ssize_t got = read(pty, buffer, sizeof buffer);
        if (got > 0) publish(client, "bare/limits", size, payload, 0, 1, 28);
        // The terminal has hung up, because the measuring program has ended.
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return 0;
    }
}
