#include "tests/store/servers/fault_control.h"

#include "tests/store/servers/fault_answer.h"
#include "tests/store/servers/tcp.h"

#include <stdlib.h>
#include <string.h>

/* A sized body as text, in malloc's memory; NULL: it can't be read. */
static char *read_text(struct wire *wire, const struct http_head *request) {
    size_t size = request->framing == BODY_SIZED ? (size_t)request->size : 0;
    if (request->framing == BODY_CHUNKED || size > FAULT_SCRIPT_BYTES) return NULL;
    while (wire->end - wire->start < size)
        if (!wire_fill(wire)) return NULL;
    char *text = malloc(size + 1);
    if (!text) return NULL;
    memcpy(text, wire->bytes + wire->start, size);
    text[size] = '\0';
    wire->start += size;
    return text;
}

bool fault_control(struct fault_proxy *proxy, struct wire *client, const struct http_head *request,
                   size_t head_size) {
    char problem[256], *report = NULL;
    size_t report_size = 0;
    int code = 200;
    const char *type = "text/plain";
    client->start += head_size;
    if (request->expects_continue && !tcp_write(client->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        return false;
    char *text = read_text(client, request);
    if (!text) return false;
    snprintf(problem, sizeof problem, "GET reports, POST replaces the script\n");
    if (strcmp(request->method, "GET") == 0) {
        FILE *out = open_memstream(&report, &report_size);
        if (out) {
            fault_counts_write_json(&proxy->counts, proxy->script, out);
            fclose(out);
        }
        type = "application/json";
    } else if (strcmp(request->method, "POST") == 0) {
        if (fault_script_replace(proxy->script, text, problem, sizeof problem)) {
            fault_counts_clear(&proxy->counts);
            snprintf(problem, sizeof problem, "ok\n");
        } else {
            code = 400;
        }
    } else {
        code = 405;
    }
    const char *said = report ? report : problem;
    size_t capacity = strlen(said) + 256;
    char *answer = malloc(capacity);
    bool good =
        answer && tcp_write(client->fd, answer, fault_answer_plain(code, type, said, answer, capacity));
    free(answer);
    free(report);
    free(text);
    return good && !request->closes;
}
