/* The load of the bench: many people in one thread, over raw sockets and epoll.
 *
 *   load PORT SECONDS SIZE PID RATE < plan
 *
 * One line of the plan is one connection:
 *   L TOKEN                          listens on the WebSocket
 *   S TOKEN DEVICE CONVERSATION      sends messages over HTTP, the next when one is acknowledged
 * SIZE is the ciphertext's length, PID the server's, whose CPU is shown too, and how
 * many bytes of memory it has more at the end than before anybody came. Counting begins a
 * second after everybody is ready. With SECONDS 0 it counts everything until the server has closed
 * all connections. With RATE 0 a sender sends its next message when one is acknowledged; otherwise so
 * many messages a second fall due, at random times that no answer alters, and each goes to a sender
 * that waits for none: times are counted from when it fell due. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 90, NONCE = 24, MOST_ENTERING = 64, BUCKETS = 2000000, WARM_UP = 1 };
enum state { CONNECTING, SHAKING, GREETING, READY, CLOSED };

struct connection {
    int fd;
    enum state state;
    bool sends;
    char token[129];
    uint8_t device[16], conversation[16];
    uint8_t *in;
    size_t in_length, in_capacity;
    uint8_t *out;
    size_t out_length, out_sent;
    uint64_t sent_at;
};

static struct connection *people;
static int count, dialled, entering, ready, closed;
static int poller, port, seconds, size;
static bool counting;
static double rate;
static uint64_t due; /* when the next message is to be sent */
static struct connection **waiting;
static int first_waiting, waiting_count;
static uint64_t deliveries, bytes, acknowledged, errors;
static uint32_t *delivery_times, *acknowledgement_times; /* histograms in microseconds */
static const uint8_t MARK[8] = {0xc0, 0x7e, 0x51, 0xe5, 0xbe, 0x9c, 0x4a, 0x11};

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t draw(void) { /* xorshift64*: ids need to differ, not to be secret */
    static uint64_t x;
    if (!x) x = now() | 1;
    x ^= x >> 12, x ^= x << 25, x ^= x >> 27;
    return x * 0x2545f4914f6cdd1d;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* --- writing */

static void watch(struct connection *c, bool writable) {
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void flush(struct connection *c) {
    while (c->out_sent < c->out_length) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN) watch(c, true);
            return;
        }
        c->out_sent += n;
    }
    c->out_length = c->out_sent = 0;
}

static void put(struct connection *c, const void *data, size_t length) {
    c->out = realloc(c->out, c->out_length + length);
    memcpy(c->out + c->out_length, data, length);
    c->out_length += length;
}

/* A client's frame: masked, with a mask of zeros. */
static void put_frame(struct connection *c, uint8_t opcode, const uint8_t *data, uint8_t length) {
    uint8_t head[6] = {0x80 | opcode, 0x80 | length};
    put(c, head, sizeof head);
    put(c, data, length);
}

/* --- sending messages */

static size_t base64(char *to, const uint8_t *from, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *start = to;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t v = from[i] << 16 | (left > 1 ? from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
        *to++ = digits[v >> 18];
        *to++ = digits[v >> 12 & 63];
        *to++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[v & 63] : '=';
    }
    return to - start;
}

/* header || nonce || ciphertext; the ciphertext begins with a mark and the time. */
static size_t make_entry(struct connection *c, uint8_t *entry) {
    size_t length = HEADER + NONCE + size;
    memset(entry, 0, HEADER);
    entry[0] = 1;
    memcpy(entry + 1, c->conversation, 16);
    memcpy(entry + 25, c->device, 16);
    for (int i = 0; i < 2; i++) {
        uint64_t r = draw();
        memcpy(entry + 41 + 8 * i, &r, 8);
    }
    entry[57] = 1; /* a message */
    memset(entry + HEADER, 'x', length - HEADER);
    memcpy(entry + HEADER + NONCE, MARK, 8);
    memcpy(entry + HEADER + NONCE + 8, &c->sent_at, 8);
    return length;
}

static void send_message(struct connection *c, uint64_t at) {
    static uint8_t entry[70000];
    static char body[100000], head[600];
    const uint8_t *g = c->conversation;
    c->sent_at = at;
    int n = sprintf(body, "{\"entry\":\"");
    n += base64(body + n, entry, make_entry(c, entry));
    n += sprintf(body + n, "\"}");
    int m = snprintf(
        head, sizeof head,
        "POST /api/v1/conversations/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
        "%02x%02x%02x%02x%02x%02x/messages HTTP/1.1\r\nHost: localhost\r\n"
        "Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
        g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10], g[11], g[12], g[13],
        g[14], g[15], c->token, n);
    put(c, head, m);
    put(c, body, n);
    flush(c);
}

static uint64_t interval(void) {
    double uniform = (draw() >> 11) * 0x1p-53;
    return -log(1 - uniform) / rate * 1e9;
}

static void send_due(void) {
    while (waiting_count && due <= now()) {
        struct connection *c = waiting[first_waiting];
        first_waiting = (first_waiting + 1) % count;
        waiting_count--;
        send_message(c, due);
        due += interval();
    }
}

/* It has nothing to wait for. */
static void send_next(struct connection *c) {
    if (!rate) {
        send_message(c, now());
        return;
    }
    waiting[(first_waiting + waiting_count++) % count] = c;
    send_due();
}

/* --- reading */

static void record(uint32_t *times, uint64_t since) {
    uint64_t microseconds = (now() - since) / 1000;
    times[microseconds < BUCKETS ? microseconds : BUCKETS - 1]++;
}

/* One whole response, if there is one: returns its length. */
static size_t read_response(struct connection *c, const uint8_t *data, size_t length) {
    uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return 0;
    char *given = strcasestr((char *)data, "\r\nContent-Length:");
    if (!given || (uint8_t *)given > end) fail("a response without its length");
    size_t whole = end + 4 - data + strtoul(given + 17, NULL, 10);
    if (length < whole) return 0;
    if (memcmp(data, "HTTP/1.1 200", 12)) {
        if (!errors++) fprintf(stderr, "refused: %.*s\n", (int)whole, data);
    } else if (counting) {
        acknowledged++;
        record(acknowledgement_times, c->sent_at);
    }
    return whole;
}

static void enter(struct connection *c) {
    c->state = READY;
    entering--;
    ready++;
}

static void hear(struct connection *c, uint8_t opcode, const uint8_t *data, size_t length) {
    if (opcode == 9) put_frame(c, 10, data, length), flush(c);
    if (opcode == 8) errors += seconds != 0;
    if (opcode != 2 || length < 2) return;
    if (c->state == GREETING) { /* the first event is Ready */
        enter(c);
    } else if (counting && data[1] == 1) {
        uint8_t *mark = size ? memmem(data, length, MARK, sizeof MARK) : NULL;
        uint64_t sent_at;
        deliveries++;
        bytes += length;
        if (mark) memcpy(&sent_at, mark + 8, 8), record(delivery_times, sent_at);
    }
}

/* One whole frame of a server, if there is one: returns its length. */
static size_t read_frame(struct connection *c, const uint8_t *data, size_t length) {
    if (length < 2) return 0;
    size_t head = 2, payload = data[1] & 127;
    if (payload == 126) {
        if (length < (head = 4)) return 0;
        payload = data[2] << 8 | data[3];
    } else if (payload == 127) {
        if (length < (head = 10)) return 0;
        payload = (size_t)data[6] << 24 | data[7] << 16 | data[8] << 8 | data[9];
    }
    if (length < head + payload) return 0;
    hear(c, data[0] & 15, data + head, payload);
    return head + payload;
}

static size_t read_handshake(struct connection *c, const uint8_t *data, size_t length) {
    uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(data, "HTTP/1.1 101", 12)) {
        fprintf(stderr, "no WebSocket: %.*s\n", (int)length, data);
        exit(1);
    }
    uint8_t hello[140] = {0x92, 100, 0xd9, strlen(c->token)};
    memcpy(hello + 4, c->token, strlen(c->token));
    if (4 + strlen(c->token) > 125) fail("a token too long");
    put_frame(c, 2, hello, 4 + strlen(c->token));
    flush(c);
    c->state = GREETING;
    return end + 4 - data;
}

static size_t read_one(struct connection *c, const uint8_t *data, size_t length) {
    if (c->sends) {
        size_t taken = read_response(c, data, length);
        if (taken) send_next(c);
        return taken;
    }
    return c->state == SHAKING ? read_handshake(c, data, length) : read_frame(c, data, length);
}

static void read_all(struct connection *c) {
    size_t offset = 0, taken;
    while ((taken = read_one(c, c->in + offset, c->in_length - offset))) offset += taken;
    c->in_length -= offset;
    memmove(c->in, c->in + offset, c->in_length);
    c->in[c->in_length] = 0;
}

static void hang_up(struct connection *c) {
    close(c->fd);
    if (c->state != READY) fail("turned away");
    c->state = CLOSED;
    closed++;
}

static void receive(struct connection *c) {
    for (;;) {
        if (c->in_capacity - c->in_length < 4097) {
            c->in_capacity = c->in_capacity ? 2 * c->in_capacity : 16384;
            c->in = realloc(c->in, c->in_capacity);
        }
        size_t room = c->in_capacity - c->in_length - 1;
        ssize_t n = recv(c->fd, c->in + c->in_length, room, 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            errors += seconds != 0;
            hang_up(c);
            return;
        }
        c->in_length += n;
        read_all(c);
        if ((size_t)n < room) return;
    }
}

/* --- connecting */

static void dial(struct connection *c) {
    int one = 1;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) fail("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (void *)&server, sizeof server) < 0 && errno != EINPROGRESS) fail("connect");
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    entering++;
}

static void connected(struct connection *c) {
    static const char request[] =
        "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    watch(c, false);
    if (c->sends) {
        enter(c);
    } else {
        c->state = SHAKING;
        put(c, request, sizeof request - 1);
        flush(c);
    }
}

static void wait_for_events(int milliseconds) {
    struct epoll_event events[512];
    int n = epoll_wait(poller, events, 512, milliseconds);
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (c->state == CLOSED) continue;
        if (c->state == CONNECTING) {
            if (events[i].events & (EPOLLERR | EPOLLHUP)) fail("refused connection");
            connected(c);
            continue;
        }
        if (events[i].events & EPOLLOUT) watch(c, false), flush(c);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
    }
}

static void connect_all(void) {
    while (ready + closed < count) {
        while (dialled < count && entering < MOST_ENTERING) dial(people + dialled++);
        wait_for_events(10);
    }
}

/* --- the plan and the result */

static void read_id(const char *hex, uint8_t *id) {
    for (int i = 0; i < 16; i++) sscanf(hex + 2 * i, "%2hhx", id + i);
}

static void read_plan(void) {
    char kind, device[33], conversation[33];
    struct connection c;
    while (memset(&c, 0, sizeof c), scanf(" %c %128s", &kind, c.token) == 2) {
        c.sends = kind == 'S';
        if (c.sends) {
            if (scanf("%32s %32s", device, conversation) != 2) fail("plan");
            read_id(device, c.device);
            read_id(conversation, c.conversation);
        }
        people = realloc(people, (count + 1) * sizeof c);
        people[count++] = c;
    }
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Of another process, in seconds. */
static double cpu_of(const char *pid) {
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    sscanf(strrchr(text, ')') + 2,
           "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return (double)(user + system) / sysconf(_SC_CLK_TCK);
}

/* Of another process, in bytes. */
static long memory_of(const char *pid) {
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%s/statm", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static double percentile(const uint32_t *times, double part) {
    uint64_t total = 0, sum = 0;
    for (int i = 0; i < BUCKETS; i++) total += times[i];
    for (int i = 0; i < BUCKETS; i++)
        if ((sum += times[i]) > total * part) return i / 1000.0;
    return 0;
}

static void report(double elapsed, double used, double server, long memory) {
    printf("{\"seconds\": %.3f, \"acknowledged\": %lu, \"deliveries\": %lu, \"bytes\": %lu, "
           "\"errors\": %lu, \"generator_cpu\": %.3f, \"server_cpu\": %.3f, "
           "\"connections\": %d, \"server_bytes\": %ld, "
           "\"acknowledged_ms\": {\"p50\": %.3f, \"p99\": %.3f}, "
           "\"delivered_ms\": {\"p50\": %.3f, \"p99\": %.3f}}\n",
           elapsed, acknowledged, deliveries, bytes, errors, used / elapsed, server / elapsed,
           count, memory,
           percentile(acknowledgement_times, .5), percentile(acknowledgement_times, .99),
           percentile(delivery_times, .5), percentile(delivery_times, .99));
}

static void wait_until_due(void) {
    struct pollfd answers = {.fd = poller, .events = POLLIN};
    uint64_t time = now(), left = 10000000;
    if (waiting_count) left = due > time ? due - time : 0;
    if (left > 10000000) left = 10000000;
    ppoll(&answers, 1, &(struct timespec){.tv_nsec = left}, NULL);
}

static void run_until(uint64_t end) {
    while (closed < count && (!end || now() < end)) {
        if (rate) send_due(), wait_until_due();
        wait_for_events(rate ? 0 : 10);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "load PORT SECONDS SIZE PID RATE < plan\n"), 2;
    port = atoi(argv[1]), seconds = atoi(argv[2]), size = atoi(argv[3]);
    rate = atof(argv[5]);
    delivery_times = calloc(BUCKETS, sizeof *delivery_times);
    acknowledgement_times = calloc(BUCKETS, sizeof *acknowledgement_times);
    poller = epoll_create1(0);
    read_plan();
    counting = !seconds;
    long memory = memory_of(argv[4]);
    connect_all();
    waiting = calloc(count, sizeof *waiting);
    due = now();
    for (int i = 0; i < count; i++)
        if (people[i].sends) send_next(people + i);
    if (seconds) run_until(now() + WARM_UP * 1000000000ull);
    counting = true;
    uint64_t begin = now();
    double used = cpu(), server = cpu_of(argv[4]);
    run_until(seconds ? begin + seconds * 1000000000ull : 0);
    server = cpu_of(argv[4]) - server;
    memory = memory_of(argv[4]) - memory;
    report((now() - begin) / 1e9, cpu() - used, server, memory);
    return 0;
}
