/* A bucket of up to ten million made-up photos that can only be listed: what a client's listing costs is measured with it.
 *
 *   list_server [--listen PORT] [--keys N] [--prefixes N] [--latency MS]
 *
 * The first line of stdout is "listening 127.0.0.1:PORT". list_page.h has the keys. Every name is a bucket:
 *
 *   GET /BUCKET?list-type=2&prefix=&delimiter=&max-keys=&start-after=&continuation-token=&encoding-type=url
 *   GET /raw?prefix=...      the same pages in a row, as one chunked body: what this server can do at most
 *
 * Signatures are not looked at. A query that S3 would refuse is refused. For the limit of single pages:
 * http_load 127.0.0.1:PORT '/bucket?list-type=2'. */
#include "tests/store/servers/http_wire.h"
#include "tests/store/servers/list_page.h"
#include "tests/store/servers/pause.h"
#include "tests/store/servers/tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_BYTES = 512 };

struct list_server {
    struct list_bucket bucket;
    long latency; /* milliseconds a page */
};

struct session {
    struct wire wire;
    struct http_head request;
    struct list_query query;
    char page[HEAD_BYTES + LIST_PAGE_BYTES];
};

/* ---- the query ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The decoded value of a parameter of "name=value&..." in out[0..capacity); "" when there is none. False: it is malformed. */
static bool query_value(const char *query, const char *name, char *out, size_t capacity) {
    size_t length = strlen(name), used = 0;
    out[0] = '\0';
    while (*query && !(strncmp(query, name, length) == 0 && query[length] == '=')) {
        query += strcspn(query, "&");
        if (*query) query++;
    }
    if (!*query) return true;
    for (query += length + 1; *query && *query != '&'; query++) {
        if (used + 1 >= capacity) return false;
        if (*query == '%') {
            int high = hex_digit(query[1]), low = high < 0 ? -1 : hex_digit(query[2]);
            if (low < 0) return false;
            out[used++] = (char)(high << 4 | low);
            query += 2;
        } else {
            out[used++] = *query == '+' ? ' ' : *query;
        }
    }
    out[used] = '\0';
    return true;
}

/* Fills the query from what stands behind the '?'; NULL, or the name of what is wrong. */
static const char *read_query(const char *text, struct list_query *query) {
    char word[1024], *end;
    if (!query_value(text, "prefix", query->prefix, sizeof query->prefix)) return "prefix";
    if (!query_value(text, "delimiter", query->delimiter, sizeof query->delimiter)) return "delimiter";
    if (!query_value(text, "start-after", query->start_after, sizeof query->start_after))
        return "start-after";
    if (!query_value(text, "encoding-type", word, sizeof word) || (word[0] && strcmp(word, "url") != 0))
        return "encoding-type";
    query->encode = word[0] != '\0';
    if (!query_value(text, "max-keys", word, sizeof word)) return "max-keys";
    query->max_keys = word[0] ? strtol(word, &end, 10) : LIST_PAGE_KEYS;
    if (query->max_keys < 0 || (word[0] && *end)) return "max-keys";
    if (query->max_keys > LIST_PAGE_KEYS) query->max_keys = LIST_PAGE_KEYS;
    query->from = 0;
    if (!query_value(text, "continuation-token", word, sizeof word) ||
        (word[0] && !list_token_read(word, &query->from)))
        return "continuation-token";
    if (word[0]) query->start_after[0] = '\0'; /* as in S3: the token has it already */
    return NULL;
}

/* ---- answers ---- */

/* The body is at page + HEAD_BYTES; its head is put right before it, and both are sent as one. */
static bool send_page(struct session *session, int code, const char *reason, size_t size) {
    char head[HEAD_BYTES];
    int length =
        snprintf(head, sizeof head,
                 "HTTP/1.1 %d %s\r\nServer: list_server\r\nx-amz-bucket-region: us-east-1\r\nContent-Type: "
                 "application/xml\r\nContent-Length: %zu\r\n\r\n",
                 code, reason, size);
    char *start = session->page + HEAD_BYTES - length;
    memcpy(start, head, (size_t)length);
    bool no_body = strcmp(session->request.method, "HEAD") == 0;
    return tcp_write(session->wire.fd, start, (size_t)length + (no_body ? 0 : size));
}

static bool refuse(struct session *session, int code, const char *reason, const char *s3_code,
                   const char *message) {
    int size = snprintf(
        session->page + HEAD_BYTES, LIST_PAGE_BYTES,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>",
        s3_code, message);
    return send_page(session, code, reason, (size_t)size);
}

static bool send_all_pages(const struct list_server *server, struct session *session) {
    static const char head[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n";
    char *page = session->page + HEAD_BYTES, size_line[32];
    if (!tcp_write(session->wire.fd, head, sizeof head - 1)) return false;
    for (long next = session->query.from; next >= 0;) {
        session->query.from = next;
        size_t size = list_page_write(&server->bucket, &session->query, page, &next);
        int length = snprintf(size_line, sizeof size_line, "%zx\r\n", size);
        memcpy(page - length, size_line, (size_t)length);
        memcpy(page + size, "\r\n", 2);
        if (!tcp_write(session->wire.fd, page - length, (size_t)length + size + 2)) return false;
    }
    return tcp_write(session->wire.fd, "0\r\n\r\n", 5);
}

static bool answer(const struct list_server *server, struct session *session) {
    struct list_query *query = &session->query;
    char *path = session->request.target, *question = strchr(path, '?'), type[16];
    bool get = strcmp(session->request.method, "GET") == 0;
    if (question) *question = '\0';
    const char *text = question ? question + 1 : "";
    size_t name = strcspn(path + 1, "/");
    if (session->request.framing != BODY_NONE || (!get && strcmp(session->request.method, "HEAD") != 0))
        return refuse(session, 405, "Method Not Allowed", "MethodNotAllowed", "it can only be listed") &&
               false;
    if (path[0] != '/' || name == 0 || name >= sizeof query->bucket)
        return refuse(session, 404, "Not Found", "NoSuchBucket", "no name of a bucket");
    if (path[1 + name] && path[2 + name])
        return refuse(session, 404, "Not Found", "NoSuchKey", "it can only be listed");
    memcpy(query->bucket, path + 1, name);
    query->bucket[name] = '\0';
    if (!get) return send_page(session, 200, "OK", 0);
    const char *wrong = read_query(text, query);
    if (wrong) return refuse(session, 400, "Bad Request", "InvalidArgument", wrong);
    if (strcmp(path, "/raw") == 0) return send_all_pages(server, session);
    if (!query_value(text, "list-type", type, sizeof type) || strcmp(type, "2") != 0)
        return refuse(session, 501, "Not Implemented", "NotImplemented", "only list-type=2");
    if (server->latency > 0) pause_nanoseconds(server->latency * 1000000);
    long next;
    return send_page(session, 200, "OK",
                     list_page_write(&server->bucket, query, session->page + HEAD_BYTES, &next));
}

static void serve(void *user, int client) {
    struct session *session = calloc(1, sizeof *session);
    char *bytes = malloc(WIRE_BYTES);
    if (session && bytes) {
        session->wire = (struct wire){.fd = client, .bytes = bytes};
        for (long size; (size = wire_head(&session->wire)) > 0;) {
            if (!http_request_head(bytes + session->wire.start, (size_t)size, &session->request)) break;
            session->wire.start += (size_t)size;
            if (!answer(user, session) || session->request.closes) break;
        }
    }
    close(client);
    free(bytes);
    free(session);
}

static int usage(void) {
    fprintf(stderr, "usage: list_server [--listen PORT] [--keys N] [--prefixes N] [--latency MS]\n");
    return 2;
}

int main(int argc, char **argv) {
    static const char *const names[] = {"--listen", "--keys", "--prefixes", "--latency"};
    long values[4] = {0, 1000000, 100, 0};
    const long least[4] = {0, 1, 1, 0}, most[4] = {65535, LIST_KEYS_MAX, LIST_PREFIXES_MAX, 60000};
    for (int i = 1; i < argc; i += 2) {
        size_t name = 0;
        char *end;
        while (name < 4 && strcmp(argv[i], names[name]) != 0) name++;
        if (name == 4 || i + 1 == argc) return usage();
        values[name] = strtol(argv[i + 1], &end, 10);
        if (!*argv[i + 1] || *end || values[name] < least[name] || values[name] > most[name]) return usage();
    }
    struct list_server server = {.bucket = {.keys = values[1], .prefixes = values[2]}, .latency = values[3]};
    int port, listener = tcp_listen((int)values[0], &port);
    if (listener < 0) {
        perror("list_server");
        return 1;
    }
    pause_precisely();
    printf("listening 127.0.0.1:%d\n", port);
    fflush(stdout);
    tcp_serve(listener, serve, &server);
    perror("list_server: accept");
    return 1;
}
