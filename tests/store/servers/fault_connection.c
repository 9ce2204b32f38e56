#include "tests/store/servers/fault_connection.h"

#include "tests/store/servers/fault_answer.h"
#include "tests/store/servers/fault_control.h"
#include "tests/store/servers/fault_relay.h"
#include "tests/store/servers/pause.h"
#include "tests/store/servers/tcp.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    struct fault_proxy *proxy;
    struct wire client, server; /* server.fd is -1 when there is no connection */
    struct http_head request, response;
    bool counted; /* a connection that only asks for reports is not */
    enum { END_ORDERLY, END_BY_RESET, END_PATIENTLY } end;
};

/* ---- the server's side ---- */

static void leave_server(struct connection *c) {
    if (c->server.fd >= 0) close(c->server.fd);
    c->server.fd = -1;
    c->server.start = c->server.end = 0;
}

/* A kept connection that has something to say has ended: nothing was asked. */
static bool server_is_kept(struct connection *c) {
    if (c->server.fd < 0) return false;
    char byte;
    if (c->server.start == c->server.end && recv(c->server.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
        return true;
    leave_server(c);
    return false;
}

/* Reads an answer's head, passing interim ones (100 Continue) on; its size, or 0. */
static size_t read_answer_head(struct connection *c, bool *interim) {
    for (;;) {
        long size = wire_head(&c->server);
        if (size <= 0 || !http_response_head(c->server.bytes + c->server.start, (size_t)size,
                                             c->request.method, &c->response))
            return 0;
        if (c->response.code >= 200) return (size_t)size;
        tcp_write(c->client.fd, c->server.bytes + c->server.start, (size_t)size);
        c->server.start += (size_t)size;
        if (interim) {
            *interim = true;
            return 0;
        }
    }
}

/* The client waits for a "100 Continue" before it sends the body. False: the server has refused, or is gone. */
static bool wait_to_continue(struct connection *c) {
    struct pollfd either[2] = {{.fd = c->server.fd, .events = POLLIN},
                               {.fd = c->client.fd, .events = POLLIN}};
    bool interim = false;
    if (c->client.start < c->client.end) return true;
    if (poll(either, 2, -1) <= 0 || !either[0].revents) return true;
    read_answer_head(c, &interim);
    return interim;
}

static enum relay_end send_request(struct connection *c, size_t head_size, struct relay *relay) {
    relay_start(relay, &c->request, head_size);
    if (c->request.expects_continue && c->request.framing != BODY_NONE) {
        if (!tcp_write(relay->to, c->client.bytes + c->client.start, head_size)) return RELAY_TARGET_LOST;
        *relay->bytes += head_size;
        c->client.start += head_size;
        relay->head_size = 0;
        if (!wait_to_continue(c)) return RELAY_ANSWERED;
    }
    for (;;) {
        bool interim = false;
        enum relay_end end = relay_message(relay);
        if (end != RELAY_ANSWERED) return end;
        read_answer_head(c, &interim);
        if (!interim) return end;
    }
}

/* ---- the client's side ---- */

/* The client goes on to send what nobody reads: closing now would reset the connection, and it might lose the answer. */
static void end_patiently(int fd) {
    char waste[4096];
    struct timeval patience = {.tv_sec = 2};
    shutdown(fd, SHUT_WR);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int i = 0; i < 100000 && recv(fd, waste, sizeof waste, 0) > 0; i++) {}
}

static void wait_for_hangup(int fd) {
    struct pollfd client = {.fd = fd, .events = POLLRDHUP};
    while (poll(&client, 1, -1) < 0) {}
}

/* Meets a fault that is no answer of the server's; false: the connection is over. */
static bool answer_by_fault(struct connection *c, const struct fault *fault) {
    char answer[FAULT_ANSWER_BYTES];
    bool closes = c->request.closes || (c->request.expects_continue && !fault->done);
    c->proxy->counts.faults[fault->kind]++;
    switch (fault->kind) {
    case FAULT_RESET: c->end = END_BY_RESET; return false;
    case FAULT_CLOSE: return false;
    case FAULT_STALL: wait_for_hangup(c->client.fd); return false;
    default: break;
    }
    size_t size = fault_answer_write(fault, &c->request, closes, answer);
    c->proxy->counts.bytes_down += size;
    if (closes) c->end = END_PATIENTLY;
    return tcp_write(c->client.fd, answer, size) && !closes;
}

/* Reads and forgets the request; one whose body waits for "100 Continue" is answered without it. */
static bool drop_request(struct connection *c, size_t head_size) {
    struct relay relay = {.from = &c->client, .to = -1, .answers = -1, .spoil = RELAY_UNSPOILT};
    if (c->request.expects_continue) return true;
    relay_start(&relay, &c->request, head_size);
    return relay_message(&relay) == RELAY_WHOLE;
}

/* ---- one request ---- */

/* The answer, whose head has been read, to the client. */
static bool pass_answer(struct connection *c, const struct fault *fault, size_t head_size,
                        bool request_sent) {
    struct fault_counts *counts = &c->proxy->counts;
    struct relay relay = {.from = &c->server,
                          .to = c->client.fd,
                          .answers = -1,
                          .spoil = RELAY_UNSPOILT,
                          .bytes = &counts->bytes_down,
                          .flips = &counts->faults[FAULT_CORRUPT]};
    if (fault->kind == FAULT_CUT) relay.spoil.cut = fault->number;
    if (fault->kind == FAULT_CORRUPT) relay.spoil.flip = (int64_t)(fault->draw >> 3 & INT64_MAX);
    if (fault->kind == FAULT_SLOW) relay.spoil.bytes_per_second = fault->number;
    relay.spoil.flip_bit = fault->draw & 7;
    if (fault->done) relay.to = -1;

    relay_start(&relay, &c->response, head_size);
    counts->passed++;
    counts->faults[FAULT_SLOW] += relay.spoil.bytes_per_second > 0;
    enum relay_end end = relay_message(&relay);
    counts->server_lost += end == RELAY_SOURCE_LOST;
    counts->client_lost += end == RELAY_TARGET_LOST;
    counts->faults[FAULT_CUT] += end == RELAY_CUT;
    if (end != RELAY_WHOLE || c->response.closes || !request_sent) leave_server(c);
    if (!request_sent) c->end = END_PATIENTLY;
    if (fault->done) {
        counts->done_anyway++;
        return answer_by_fault(c, fault) && request_sent;
    }
    return end == RELAY_WHOLE && !c->response.closes && !c->request.closes && request_sent;
}

static bool forward(struct connection *c, const struct fault *fault, size_t head_size) {
    struct fault_counts *counts = &c->proxy->counts;
    for (;;) {
        bool kept = server_is_kept(c);
        if (!kept) c->server.fd = tcp_connect(&c->proxy->server);
        if (c->server.fd < 0) break;
        size_t start = c->client.start;
        struct relay relay = {.from = &c->client,
                              .to = c->server.fd,
                              .answers = c->server.fd,
                              .spoil = RELAY_UNSPOILT,
                              .bytes = &counts->bytes_up,
                              .flips = &counts->faults[FAULT_CORRUPT_UPLOAD]};
        if (fault->kind == FAULT_CUT_UPLOAD) relay.spoil.cut = fault->number;
        if (fault->kind == FAULT_CORRUPT_UPLOAD) relay.spoil.flip = (int64_t)(fault->draw >> 3 & INT64_MAX);
        relay.spoil.flip_bit = fault->draw & 7;
        enum relay_end sent = send_request(c, head_size, &relay);
        counts->faults[FAULT_CUT_UPLOAD] += sent == RELAY_CUT;
        counts->client_lost += sent == RELAY_SOURCE_LOST;
        if (sent == RELAY_CUT) c->end = END_BY_RESET;
        if (sent == RELAY_CUT || sent == RELAY_SOURCE_LOST) return false;
        size_t size = read_answer_head(c, NULL);
        if (size > 0) return pass_answer(c, fault, size, sent == RELAY_WHOLE);
        leave_server(c);
        if (!kept || c->request.framing != BODY_NONE) break;
        /* The server ended a kept connection just as it was used. Nothing was read since, so the head is still there. */
        c->client.start = start;
    }
    counts->server_lost++;
    return false;
}

static bool answers_by_itself(enum fault_kind kind) {
    return kind == FAULT_STATUS || kind == FAULT_ERROR200 || kind == FAULT_SKEW || kind == FAULT_REDIRECT ||
           kind == FAULT_RESET || kind == FAULT_CLOSE || kind == FAULT_STALL;
}

static bool handle(struct connection *c, size_t head_size) {
    struct fault_counts *counts = &c->proxy->counts;
    if (!c->counted) {
        c->counted = true;
        counts->connections++;
        fault_counts_enter(&counts->open, &counts->open_most);
    }
    fault_counts_request(counts, c->request.method);
    struct fault fault = fault_script_choose(c->proxy->script, &c->request);
    if (fault.latency > 0) {
        counts->delayed++;
        pause_nanoseconds(fault.latency * 1000000);
    }
    if (!answers_by_itself(fault.kind) || fault.done) return forward(c, &fault, head_size);
    return drop_request(c, head_size) && answer_by_fault(c, &fault);
}

static bool serve_request(struct connection *c) {
    struct fault_counts *counts = &c->proxy->counts;
    long size = wire_head(&c->client);
    if (size <= 0) return false;
    if (!http_request_head(c->client.bytes + c->client.start, (size_t)size, &c->request)) {
        char answer[256];
        tcp_write(c->client.fd, answer,
                  fault_answer_plain(400, "text/plain", "fault_proxy can't read this request\n", answer,
                                     sizeof answer));
        return false;
    }
    if (strcmp(c->request.target, FAULT_CONTROL_PATH) == 0)
        return fault_control(c->proxy, &c->client, &c->request, (size_t)size);
    fault_counts_enter(&counts->busy, &counts->busy_most);
    bool more = handle(c, (size_t)size);
    counts->busy--;
    return more;
}

void fault_connection_serve(void *proxy, int client) {
    struct connection *c = calloc(1, sizeof *c);
    char *bytes = malloc(2 * (size_t)WIRE_BYTES);
    if (c && bytes) {
        *c = (struct connection){.proxy = proxy,
                                 .client = {.fd = client, .bytes = bytes},
                                 .server = {.fd = -1, .bytes = bytes + WIRE_BYTES}};
        while (serve_request(c)) {}
        leave_server(c);
        if (c->end == END_PATIENTLY) end_patiently(client);
        if (c->counted) c->proxy->counts.open--;
    }
    if (c && c->end == END_BY_RESET)
        tcp_reset(client);
    else
        close(client);
    free(bytes);
    free(c);
}
