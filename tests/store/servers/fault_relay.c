#include "tests/store/servers/fault_relay.h"

#include "tests/store/servers/pause.h"
#include "tests/store/servers/tcp.h"

#include <poll.h>

static bool has_input(int fd) {
    return fd >= 0 && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) > 0;
}

/* In pieces of a fiftieth of a second, or of a byte. */
static bool write_slowly(int fd, const char *bytes, size_t size, int64_t bytes_per_second) {
    size_t piece = bytes_per_second >= 50 ? (size_t)(bytes_per_second / 50) : 1;
    while (size > 0) {
        size_t now = size < piece ? size : piece;
        pause_nanoseconds((long)((double)now / (double)bytes_per_second * 1e9));
        if (!tcp_write(fd, bytes, now)) return false;
        bytes += now;
        size -= now;
    }
    return true;
}

/* Sends bytes[0, size), whose first `plain` bytes (the head) are never slow. */
static bool pass_on(struct relay *relay, const char *bytes, size_t size, size_t plain) {
    bool good = true;
    if (relay->to < 0) return true;
    *relay->bytes += size;
    if (relay->spoil.bytes_per_second <= 0) return tcp_write(relay->to, bytes, size);
    if (plain > size) plain = size;
    if (plain > 0) good = tcp_write(relay->to, bytes, plain);
    return good && write_slowly(relay->to, bytes + plain, size - plain, relay->spoil.bytes_per_second);
}

/* Looks at what is in the buffer from *scan on, flips and cuts; false: the message is to be cut at *scan. */
static bool scan_body(struct relay *relay, size_t *scan) {
    struct wire *from = relay->from;
    while (!relay->body.over && *scan < from->end) {
        bool payload;
        size_t run = http_body_next(&relay->body, from->bytes + *scan, from->end - *scan, &payload);
        if (payload) {
            uint64_t seen = relay->seen, flip = (uint64_t)relay->spoil.flip, cut = (uint64_t)relay->spoil.cut;
            if (relay->spoil.flip >= 0 && flip >= seen && flip - seen < run) {
                char *byte = from->bytes + *scan + (flip - seen);
                *byte = (char)(*byte ^ 1 << relay->spoil.flip_bit);
                ++*relay->flips;
            }
            if (relay->spoil.cut >= 0 && cut - seen <= run) {
                *scan += (size_t)(cut - seen);
                return false;
            }
            relay->seen += run;
        }
        *scan += run;
    }
    if (relay->spoil.cut < 0 || !relay->body.over || relay->body.framing != BODY_CHUNKED) return true;
    *scan -= 1; /* a chunked body that is shorter than what it was to be cut at misses the end of its end */
    return false;
}

void relay_start(struct relay *relay, const struct http_head *head, size_t head_size) {
    http_body_start(&relay->body, head);
    relay->head_size = head_size;
    relay->seen = 0;
    if (relay->spoil.cut >= (int64_t)head->size && head->framing == BODY_SIZED)
        relay->spoil.cut = (int64_t)head->size - 1;
    if (relay->spoil.flip >= 0) relay->spoil.flip %= head->framing == BODY_SIZED ? (int64_t)head->size : 1;
    if (head->framing == BODY_NONE) relay->spoil = RELAY_UNSPOILT;
}

enum relay_end relay_message(struct relay *relay) {
    struct wire *from = relay->from;
    for (;;) {
        size_t scan = from->start + relay->head_size;
        bool whole = scan_body(relay, &scan);
        if (!pass_on(relay, from->bytes + from->start, scan - from->start, relay->head_size))
            return RELAY_TARGET_LOST;
        from->start = scan;
        relay->head_size = 0;
        if (!whole) return RELAY_CUT;
        if (relay->body.over) return RELAY_WHOLE;
        if (has_input(relay->answers)) return RELAY_ANSWERED;
        if (!wire_fill(from)) return relay->body.framing == BODY_TO_THE_END ? RELAY_WHOLE : RELAY_SOURCE_LOST;
    }
}
