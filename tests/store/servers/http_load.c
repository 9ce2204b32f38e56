/* Asks a server the same questions as fast as it answers: what the server can do is the limit of what any client of it can show.
 *
 *   http_load [--connections N] [--seconds S | --requests N] ADDRESS:PORT TARGET...
 *
 * Each connection (64) is kept and asks the targets in turn, "GET TARGET", until S seconds (5) are over or all connections together
 * have asked N times. Bodies are read to their end and forgotten. Prints one line of JSON. Signed requests: give the
 * path and query of presigned URLs. Exit code 1 when any answer was missing, cut short, or not 200. */
#include "tests/store/servers/http_wire.h"
#include "tests/store/servers/tcp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096 };

struct load {
    struct sockaddr_in address;
    const char *host;
    char **targets;
    size_t target_count;
    double until;             /* of the clock; 0: no limit */
    long requests;            /* 0: no limit */
    _Atomic long asked, good; /* good: 200 and whole */
    _Atomic unsigned long long body_bytes;
    _Atomic int bad_code; /* of the last answer that was not 200; 0: missing or cut short */
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The number of the next request; -1: that was all. */
static long next_request(struct load *load) {
    if (load->until > 0 && seconds() >= load->until) return -1;
    long number = load->asked++;
    if (load->requests == 0 || number < load->requests) return number;
    load->asked--;
    return -1;
}

/* Reads an answer to its end; false: there is none, or not all of it. */
static bool read_answer(struct wire *wire, struct http_head *head, unsigned long long *bytes) {
    struct http_body body;
    long size = wire_head(wire);
    if (size <= 0 || !http_response_head(wire->bytes + wire->start, (size_t)size, "GET", head)) return false;
    wire->start += (size_t)size;
    http_body_start(&body, head);
    while (!body.over) {
        bool payload;
        if (wire->start == wire->end && !wire_fill(wire)) return head->framing == BODY_TO_THE_END;
        size_t run = http_body_next(&body, wire->bytes + wire->start, wire->end - wire->start, &payload);
        wire->start += run;
        if (payload) *bytes += run;
    }
    return true;
}

static void *ask(void *user) {
    struct load *load = user;
    struct wire wire = {.fd = -1, .bytes = malloc(WIRE_BYTES)};
    struct http_head *head = malloc(sizeof *head);
    char *request = malloc(WIRE_BYTES);
    for (long number; wire.bytes && head && request && (number = next_request(load)) >= 0;) {
        unsigned long long bytes = 0;
        if (wire.fd < 0) {
            wire.fd = tcp_connect(&load->address);
            wire.start = wire.end = 0;
        }
        int size = snprintf(request, WIRE_BYTES, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                            load->targets[(size_t)number % load->target_count], load->host);
        bool whole = wire.fd >= 0 && size < WIRE_BYTES && tcp_write(wire.fd, request, (size_t)size) &&
                     read_answer(&wire, head, &bytes);
        bool good = whole && head->code == 200;
        load->good += good;
        if (!good) load->bad_code = whole ? head->code : 0;
        load->body_bytes += bytes;
        if (wire.fd >= 0 && (!whole || head->closes)) {
            close(wire.fd);
            wire.fd = -1;
        }
    }
    if (wire.fd >= 0) close(wire.fd);
    free(wire.bytes);
    free(head);
    free(request);
    return NULL;
}

static int usage(void) {
    fprintf(stderr,
            "usage: http_load [--connections N] [--seconds S | --requests N] ADDRESS:PORT TARGET...\n");
    return 2;
}

int main(int argc, char **argv) {
    struct load load = {0};
    static const char *const names[] = {"--connections", "--seconds", "--requests"};
    long values[3] = {64, 5, 0};
    int at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        size_t name = 0;
        char *end;
        while (name < 3 && strcmp(argv[at], names[name]) != 0) name++;
        if (name == 3) return usage();
        values[name] = strtol(argv[at + 1], &end, 10);
        if (*end || values[name] <= 0) return usage();
    }
    if (at + 1 >= argc || values[0] > CONNECTIONS_MAX || !tcp_address(argv[at], &load.address))
        return usage();
    load.host = argv[at];
    load.targets = argv + at + 1;
    load.target_count = (size_t)(argc - at - 1);
    load.requests = values[2];
    double start = seconds();
    if (load.requests == 0) load.until = start + (double)values[1];

    pthread_t threads[CONNECTIONS_MAX];
    long count = 0;
    while (count < values[0] && pthread_create(&threads[count], NULL, ask, &load) == 0) count++;
    for (long i = 0; i < count; i++) pthread_join(threads[i], NULL);
    double wall = seconds() - start;
    printf("{\"connections\": %ld, \"requests\": %ld, \"good\": %ld, \"seconds\": %.3f, "
           "\"requests_a_second\": %.0f, "
           "\"body_bytes\": %llu, \"megabytes_a_second\": %.1f}\n",
           count, load.asked, load.good, wall, (double)load.asked / wall, load.body_bytes,
           (double)load.body_bytes / wall / 1e6);
    if (load.good < load.asked)
        fprintf(stderr, "http_load: an answer was %d (0: none, or cut short)\n", load.bad_code);
    return load.good == load.asked && load.asked > 0 ? 0 : 1;
}
