/* Credentials that the machine has: from an agent beside a container (ECS, EKS Pod Identity), or from an instance's metadata
 * (IMDSv2, Amazon EC2 User Guide, "Use the Instance Metadata Service"). */
#include "base/io.h"
#include "store/credentials_find.h"
#include "store/http.h"
#include "store/sigv4.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ANSWER_MAX = 64 << 10, TOKEN_MAX = 4096, URL_SIZE = 2048 };

struct request {
    struct http_transfer transfer;
    struct buffer answer;
    const char *url, *header, *value; /* header NULL: none */
};

static pomona_status prepare(struct http_transfer *transfer, struct pomona_error *error) {
    const struct request *request = transfer->user;
    TRY(buffer_append_text(&transfer->url, request->url, error));
    if (!request->header) return POMONA_OK;
    return buffer_printf(&transfer->headers, error, "%s: %s\n", request->header, request->value);
}

/* The answer to a request, as text. `code`: its HTTP status, 0 when there was none. */
static pomona_status ask(struct http *http, struct request *request, const char *name, const char *method,
                         const char **text, int *code, struct pomona_error *error) {
    request->transfer = HTTP_TRANSFER_INIT;
    request->answer = BUFFER_INIT(ANSWER_MAX);
    request->transfer.prepare = prepare;
    request->transfer.user = request;
    request->transfer.name = name;
    request->transfer.method = method;
    request->transfer.response = &request->answer;
    pomona_status status = http_run(http, &request->transfer, error);
    *code = request->transfer.code;
    http_transfer_free(&request->transfer);
    if (status == POMONA_OK) status = buffer_terminate(&request->answer, text, error);
    if (status != POMONA_OK) buffer_free(&request->answer);
    return status;
}

static bool is_plain(const char *text) {
    for (; *text; text++)
        if (*text < ' ' || *text > '~') return false;
    return true;
}

/* --- the container's agent --- */

/* Whether a token may go there without TLS: this machine, or the agents of ECS and EKS. */
static bool is_near(const char *host) {
    static const char *const agents[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                         "[fd00:ec2::23]"};
    struct in_addr address;
    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
        if (strcasecmp(host, agents[i]) == 0) return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static pomona_status check_uri(const char *uri, struct pomona_error *error) {
    static const char variable[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    char host[256];
    bool safe = strncmp(uri, "https://", 8) == 0;
    if (!safe && strncmp(uri, "http://", 7) != 0)
        return fail(error, POMONA_E_INPUT, variable, "is not an http:// or https:// URL");
    const char *start = uri + (safe ? 8 : 7);
    size_t length = strcspn(start, "/?#");
    if (!is_plain(uri) || strlen(uri) >= URL_SIZE || memchr(start, '@', length) ||
        memchr(start, '\\', length) || length == 0 || length >= sizeof host)
        return fail(error, POMONA_E_INPUT, variable, "is not a URL that credentials can come from");
    memcpy(host, start, length);
    host[length] = '\0';
    char *port = strrchr(host, ':');
    if (port && strspn(port + 1, "0123456789") == strlen(port + 1)) *port = '\0';
    if (!safe && !is_near(host))
        return fail(error, POMONA_E_INPUT, variable,
                    "'%s' is neither this machine nor an agent of AWS: it needs https", host);
    return POMONA_OK;
}

/* The agent's token, which may change, from its file or its variable. */
static pomona_status read_token(struct buffer *token, const char **text, struct pomona_error *error) {
    const char *file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *given = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    *text = NULL;
    if (!file && !given) return POMONA_OK;
    if (file)
        TRY(file_read(file, token, error));
    else
        TRY(buffer_append_text(token, given, error));
    while (token->size > 0 && strchr("\r\n", token->data[token->size - 1])) token->size--;
    TRY(buffer_terminate(token, text, error));
    if (!is_plain(*text))
        return fail(error, POMONA_E_INPUT, file ? file : "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                    "a token with control characters");
    return POMONA_OK;
}

static pomona_status ask_container(const char *url, const char *token, struct credentials *credentials,
                                   struct pomona_error *error) {
    static const char where[] = "the container's credentials";
    struct http_options options = {.ca_bundle = environment("AWS_CA_BUNDLE"),
                                   .direct = true,
                                   .connect_milliseconds = 2000,
                                   .attempts = 4,
                                   .patience_milliseconds = 5000};
    struct request request = {.url = url, .header = token ? "Authorization" : NULL, .value = token};
    struct http *http = NULL;
    const char *text;
    int code;
    TRY(http_new(&options, &http, error));
    pomona_status status = ask(http, &request, where, "GET", &text, &code, error);
    http_free(&http);
    TRY(status);
    status = credentials_from_json(&request.answer, "Token", where, "container", credentials, error);
    buffer_free(&request.answer);
    return status;
}

pomona_status credentials_from_container(struct credentials *credentials, struct pomona_error *error) {
    const char *relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct buffer token = BUFFER_INIT(TOKEN_MAX);
    char url[URL_SIZE + 32];
    const char *text;
    credentials->origin = NULL;
    if (!relative && !full) return POMONA_OK;
    if (relative && (*relative != '/' || !is_plain(relative) || strlen(relative) >= URL_SIZE))
        return fail(error, POMONA_E_INPUT, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "is not a path");
    if (!relative) TRY(check_uri(full, error));
    snprintf(url, sizeof url, "%s%s", relative ? "http://169.254.170.2" : "", relative ? relative : full);
    pomona_status status = read_token(&token, &text, error);
    if (status == POMONA_OK) status = ask_container(url, text, credentials, error);
    buffer_free(&token);
    return status;
}

/* --- the instance's metadata --- */

static const char instance[] = "the instance's metadata";

/* Of our own making, and not of the service's. */
static bool is_ours(pomona_status status) { return status == POMONA_E_MEMORY || status == POMONA_E_INTERNAL; }

static pomona_status ask_role(struct http *http, const char *base, const char *token,
                              struct credentials *credentials, char why[CREDENTIALS_WHY_SIZE],
                              struct pomona_error *error) {
    static const char path[] = "/latest/meta-data/iam/security-credentials/";
    struct buffer url = BUFFER_INIT(URL_SIZE);
    struct request request = {.header = "X-aws-ec2-metadata-token", .value = token};
    struct pomona_error cause = {0};
    const char *role, *document;
    int code;
    pomona_status status = POMONA_OK;
    TRY_GOTO(buffer_printf(&url, error, "%s%s", base, path), status, out);
    TRY_GOTO(buffer_terminate(&url, &request.url, error), status, out);
    status = ask(http, &request, instance, "GET", &role, &code, &cause);
    if (status != POMONA_OK && code == 404) {
        snprintf(why, CREDENTIALS_WHY_SIZE, "the instance has no role");
        status = POMONA_OK;
        goto out;
    }
    if (status != POMONA_OK && error) *error = cause;
    if (status != POMONA_OK) goto out;
    request.answer.data[strcspn(role, "\r\n")] = '\0'; /* one role a line, and there is one */
    status = sigv4_encode(&url, role, false, error);
    bool has_role = *role != '\0';
    buffer_free(&request.answer);
    if (!has_role) snprintf(why, CREDENTIALS_WHY_SIZE, "the instance has no role");
    if (status != POMONA_OK || !has_role) goto out;
    TRY_GOTO(buffer_terminate(&url, &request.url, error), status, out);
    TRY_GOTO(ask(http, &request, instance, "GET", &document, &code, error), status, out);
    status = credentials_from_json(&request.answer, "Token", instance, "instance", credentials, error);
    buffer_free(&request.answer);
out:
    buffer_free(&url);
    return status;
}

/* A machine that is no instance has nobody at that address: a short connect, and no answer means that there are none. */
static pomona_status ask_instance(const char *base, struct credentials *credentials,
                                  char why[CREDENTIALS_WHY_SIZE], struct pomona_error *error) {
    struct http_options options = {.direct = true,
                                   .connect_milliseconds = 1000,
                                   .stall_seconds = 2,
                                   .attempts = 3,
                                   .patience_milliseconds = 500};
    struct pomona_error cause = {0};
    char url[URL_SIZE];
    struct request request = {.url = url, .header = "X-aws-ec2-metadata-token-ttl-seconds", .value = "21600"};
    struct http *http = NULL;
    const char *token;
    int code;
    snprintf(url, sizeof url, "%s/latest/api/token", base);
    TRY(http_new(&options, &http, error));
    pomona_status status = ask(http, &request, instance, "PUT", &token, &code, &cause);
    if (status == POMONA_OK && (!*token || !is_plain(token))) {
        status = fail(&cause, POMONA_E_CORRUPT, instance, "a token that is none");
        buffer_free(&request.answer);
    }
    if (status == POMONA_OK) {
        status = ask_role(http, base, token, credentials, why, error);
        buffer_free(&request.answer);
    } else if (is_ours(status)) {
        if (error) *error = cause;
    } else {
        snprintf(why, CREDENTIALS_WHY_SIZE, "%.*s", CREDENTIALS_WHY_SIZE - 1, cause.message);
        status = POMONA_OK;
    }
    http_free(&http);
    return status;
}

pomona_status credentials_from_instance(struct credentials *credentials, char why[CREDENTIALS_WHY_SIZE],
                                        struct pomona_error *error) {
    const char *off = environment("AWS_EC2_METADATA_DISABLED");
    const char *base = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    char trimmed[1024];
    credentials->origin = NULL;
    if (off && strcasecmp(off, "true") == 0) {
        snprintf(why, CREDENTIALS_WHY_SIZE, "AWS_EC2_METADATA_DISABLED is true");
        return POMONA_OK;
    }
    if (!base)
        base = mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    size_t length = strlen(base);
    while (length > 0 && base[length - 1] == '/') length--;
    if (length >= sizeof trimmed || !is_plain(base))
        return fail(error, POMONA_E_INPUT, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "is not a URL");
    snprintf(trimmed, sizeof trimmed, "%.*s", (int)length, base);
    return ask_instance(trimmed, credentials, why, error);
}
