/* The floor of the bench: what fan-out costs when nothing is done but to send.
 *
 *   floor PEOPLE SIZE FRAME JOINED SECONDS
 *
 * PEOPLE connect over WebSocket, in groups of SIZE. Then, in rounds and for SECONDS, each group's
 * members are sent JOINED frames of FRAME bytes: built once for the group, one send() to a member.
 * Prints its port when it listens, and at the end one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 1 };

static int people, size, frame, joined, seconds;
static int *sockets;
static uint64_t deliveries;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int open_listener(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) fail("listen");
    getsockname(listener, (void *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

/* Read until `end` bytes can no longer belong to the handshake and Hello has come. */
static void greet(int fd) {
    static const char accepted[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    static const char welcome[] = {(char)0x82, 2, (char)0x91, 0};
    char request[4096];
    size_t length = 0;
    while (!memmem(request, length, "\r\n\r\n", 4)) {
        ssize_t n = recv(fd, request + length, sizeof request - length, 0);
        if (n <= 0) fail("handshake");
        length += n;
    }
    send(fd, accepted, sizeof accepted - 1, MSG_NOSIGNAL);
    if (recv(fd, request, sizeof request, 0) <= 0) fail("hello");
    send(fd, welcome, sizeof welcome, MSG_NOSIGNAL);
}

static void accept_all(int listener) {
    int one = 1;
    sockets = calloc(people, sizeof *sockets);
    for (int i = 0; i < people; i++) {
        sockets[i] = accept(listener, NULL, NULL);
        if (sockets[i] < 0) fail("accept");
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        greet(sockets[i]);
    }
}

/* A frame is copied together anew for each message of each group, as a server encodes it. */
static size_t build(uint8_t *to, uint64_t seq) {
    static uint8_t payload[70000];
    uint8_t *start = to;
    for (int i = 0; i < joined; i++) {
        size_t length = frame - 4;
        *to++ = 0x82, *to++ = 126, *to++ = length >> 8, *to++ = length;
        payload[0] = 0x93, payload[1] = 1;
        memcpy(payload + 2, &seq, sizeof seq);
        memcpy(to, payload, length);
        to += length;
    }
    return to - start;
}

static void send_all(int fd, const uint8_t *data, size_t length) {
    while (length) {
        ssize_t n = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            if (errno != EAGAIN) fail("send");
            poll(&writable, 1, -1);
            continue;
        }
        data += n, length -= n;
    }
}

static void play_round(uint8_t *buffer, uint64_t seq) {
    for (int group = 0; group + size <= people; group += size) {
        size_t length = build(buffer, seq);
        for (int i = 0; i < size; i++) send_all(sockets[group + i], buffer, length);
        deliveries += (uint64_t)size * joined;
    }
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "floor PEOPLE SIZE FRAME JOINED SECONDS\n"), 2;
    people = atoi(argv[1]), size = atoi(argv[2]), frame = atoi(argv[3]);
    joined = atoi(argv[4]), seconds = atoi(argv[5]);
    uint8_t *buffer = malloc((size_t)frame * joined);
    uint64_t seq = 0;
    accept_all(open_listener());
    for (double end = now() + WARM_UP; now() < end;) play_round(buffer, seq++);
    uint64_t before = deliveries;
    double begin = now(), used = cpu();
    while (now() < begin + seconds) play_round(buffer, seq++);
    used = cpu() - used;
    printf("{\"deliveries\": %lu, \"all_deliveries\": %lu, \"seconds\": %.3f, \"cpu\": %.3f}\n",
           deliveries - before, deliveries, now() - begin, used);
    return 0;
}
