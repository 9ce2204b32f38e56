/* Roles of STS (AWS Security Token Service API Reference, 2011-06-15). */
#include "base/io.h"
#include "base/memory.h"
#include "store/credentials_find.h"
#include "store/http.h"
#include "store/s3_xml.h"
#include "store/sigv4.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BODY_MAX = 256 << 10, TOKEN_FILE_MAX = 64 << 10, ANSWER_MAX = 256 << 10 };

struct sts_call {
    struct http_transfer transfer;
    struct buffer body, answer;
    const struct credentials *signer; /* NULL: a token in the body says who we are */
    char region[CREDENTIALS_REGION_SIZE], url[CREDENTIALS_ENDPOINT_SIZE];
    char host[CREDENTIALS_ENDPOINT_SIZE];
    const char *path; /* in url */
    char payload_hash[SHA256_HEX_SIZE];
};

static pomona_status prepare(struct http_transfer *transfer, struct pomona_error *error) {
    static const char type[] = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n";
    struct sts_call *call = transfer->user;
    TRY(buffer_append_text(&transfer->url, call->url, error));
    TRY(buffer_append_text(&transfer->headers, "Accept: text/xml\n", error));
    if (!call->signer) return buffer_append_text(&transfer->headers, type, error);
    struct sigv4_request request = {.method = transfer->method,
                                    .host = call->host,
                                    .path = call->path,
                                    .query = "",
                                    .headers = type,
                                    .payload_hash = call->payload_hash,
                                    .region = call->region,
                                    .service = "sts",
                                    .now = time(NULL)};
    return sigv4_sign(&request, call->signer, &transfer->headers, error);
}

static enum http_verdict judge(struct http_transfer *transfer, pomona_status *status,
                               struct pomona_error *error) {
    struct s3_error said;
    enum http_verdict verdict = http_judge(transfer, status, error);
    if (verdict == HTTP_DONE || !s3_xml_error(transfer->trouble.data, transfer->trouble.size, &said))
        return verdict;
    if (transfer->code < 500) *status = POMONA_E_INPUT;
    if (strcmp(said.code, "Throttling") == 0 || strcmp(said.code, "ThrottlingException") == 0 ||
        strcmp(said.code, "RequestLimitExceeded") == 0)
        *status = POMONA_E_IO, verdict = HTTP_THROTTLED;
    if (strcmp(said.code, "IDPCommunicationError") == 0) *status = POMONA_E_IO, verdict = HTTP_TRANSIENT;
    fail(error, *status, transfer->name, "STS answers %d %s%s%s", transfer->code, said.code,
         said.message[0] ? ": " : "", said.message);
    return verdict;
}

static pomona_status add(struct buffer *body, const char *name, const char *value,
                         struct pomona_error *error) {
    if (!*value) return POMONA_OK;
    TRY(buffer_printf(body, error, "&%s=", name));
    return sigv4_encode(body, value, false, error);
}

static pomona_status add_token(struct buffer *body, const char *path, struct pomona_error *error) {
    struct buffer token = BUFFER_INIT(TOKEN_FILE_MAX);
    const char *text;
    pomona_status status = file_read(path, &token, error);
    while (status == POMONA_OK && token.size > 0 && strchr(" \t\r\n", token.data[token.size - 1]))
        token.size--;
    if (status == POMONA_OK && token.size == 0)
        status = fail(error, POMONA_E_INPUT, path, "the file of the web identity token is empty");
    if (status == POMONA_OK) status = buffer_terminate(&token, &text, error);
    if (status == POMONA_OK) status = add(body, "WebIdentityToken", text, error);
    buffer_free(&token);
    return status;
}

static pomona_status write_body(const struct sts_role *role, struct sts_call *call,
                                struct pomona_error *error) {
    struct buffer *body = &call->body;
    TRY(buffer_printf(body, error, "Action=%s&Version=2011-06-15",
                      role->token_file ? "AssumeRoleWithWebIdentity" : "AssumeRole"));
    TRY(add(body, "RoleArn", role->arn, error));
    TRY(add(body, "RoleSessionName", role->session[0] ? role->session : "pomona", error));
    TRY(add(body, "DurationSeconds", role->duration, error));
    if (role->token_file)
        TRY(add_token(body, role->token_file, error));
    else
        TRY(add(body, "ExternalId", role->external_id, error));
    sha256_hex_of(body->data, body->size, call->payload_hash);
    return POMONA_OK;
}

/* The endpoint that was asked for, else that of the region, else the one of all regions. */
static pomona_status aim(const struct sts_role *role, struct sts_call *call, struct pomona_error *error) {
    TRY(settings_region(role->files, role->profile, call->region, sizeof call->region, error));
    TRY(settings_endpoint(role->files, role->profile, "sts", call->url, sizeof call->url - 1, error));
    const char *domain = strncmp(call->region, "cn-", 3) == 0 ? ".cn" : "";
    if (!call->url[0])
        snprintf(call->url, sizeof call->url, "https://sts%s%s.amazonaws.com%s/", call->region[0] ? "." : "",
                 call->region, domain);
    if (!call->region[0]) snprintf(call->region, sizeof call->region, "us-east-1");
    char *host = strstr(call->url, "://") + 3, *slash = strchr(host, '/');
    size_t length = slash ? (size_t)(slash - host) : strlen(host);
    if (!slash) slash = host + length, memcpy(slash, "/", 2);
    call->path = slash;
    /* A port that is the scheme's own is not in the Host header. */
    const char *usual = call->url[4] == 's' ? ":443" : ":80";
    size_t tail = strlen(usual);
    if (length > tail && memcmp(host + length - tail, usual, tail) == 0) length -= tail;
    snprintf(call->host, sizeof call->host, "%.*s", (int)length, host);
    return POMONA_OK;
}

static pomona_status read_answer(const struct sts_role *role, const struct buffer *answer,
                                 struct credentials *credentials, struct pomona_error *error) {
    struct credentials read;
    char expires[64];
    const struct {
        const char *element;
        char *out;
        size_t capacity;
    } wanted[] = {{"AccessKeyId", read.access_key, sizeof read.access_key},
                  {"SecretAccessKey", read.secret_key, sizeof read.secret_key},
                  {"SessionToken", read.token, sizeof read.token},
                  {"Expiration", expires, sizeof expires}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!s3_xml_text(answer->data, answer->size, wanted[i].element, wanted[i].out, wanted[i].capacity))
            return fail(error, POMONA_E_CORRUPT, role->where, "the answer of STS has no %s, or one too long",
                        wanted[i].element);
    return credentials_fill(credentials, role->where, role->origin, read.access_key, read.secret_key,
                            read.token, expires, error);
}

static pomona_status ask(const struct sts_role *role, struct sts_call *call, struct credentials *credentials,
                         struct pomona_error *error) {
    struct http_options options = {.ca_bundle = environment("AWS_CA_BUNDLE"), .attempts = 5};
    struct http *http = NULL;
    TRY(aim(role, call, error));
    TRY(write_body(role, call, error));
    call->transfer.prepare = prepare;
    call->transfer.judge = judge;
    call->transfer.user = call;
    call->transfer.name = role->where;
    call->transfer.response = &call->answer;
    call->transfer.method = "POST";
    call->transfer.body = call->body.data;
    call->transfer.body_size = call->body.size;
    TRY(http_new(&options, &http, error));
    pomona_status status = http_run(http, &call->transfer, error);
    http_free(&http);
    return status == POMONA_OK ? read_answer(role, &call->answer, credentials, error) : status;
}

pomona_status credentials_from_role(const struct sts_role *role, struct credentials *credentials,
                                    struct pomona_error *error) {
    struct sts_call *call = memory_new(1, sizeof *call);
    if (!call) return fail_memory(error, "STS");
    call->transfer = HTTP_TRANSFER_INIT;
    call->body = BUFFER_INIT(BODY_MAX);
    call->answer = BUFFER_INIT(ANSWER_MAX);
    call->signer = role->token_file ? NULL : role->signer;
    pomona_status status = ask(role, call, credentials, error);
    http_transfer_free(&call->transfer);
    buffer_free(&call->body);
    buffer_free(&call->answer);
    memory_free(call);
    return status;
}

pomona_status credentials_from_web_identity(const struct profile_files *files, const char *profile,
                                            struct credentials *credentials, struct pomona_error *error) {
    const char *arn = environment("AWS_ROLE_ARN"), *token_file = environment("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *session = environment("AWS_ROLE_SESSION_NAME");
    credentials->origin = NULL;
    if (!token_file) return POMONA_OK;
    if (!arn)
        return fail(error, POMONA_E_INPUT, NULL,
                    "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    struct sts_role role = {.where = "AWS_ROLE_ARN",
                            .origin = "web identity",
                            .arn = arn,
                            .session = session ? session : "",
                            .external_id = "",
                            .duration = "",
                            .token_file = token_file,
                            .files = files,
                            .profile = profile};
    return credentials_from_role(&role, credentials, error);
}
