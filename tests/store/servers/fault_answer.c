#include "tests/store/servers/fault_answer.h"

#include <string.h>
#include <time.h>

/* Code and reason phrase of HTTP, and the code that S3 uses with it when a script names none. */
static const struct meaning {
    int code;
    const char *reason, *s3_code;
} meanings[] = {
    {200, "OK", "InternalError"}, /* S3 may find out that it failed after it has said 200 */
    {301, "Moved Permanently", "PermanentRedirect"},
    {307, "Temporary Redirect", "TemporaryRedirect"},
    {400, "Bad Request", "InvalidRequest"},
    {401, "Unauthorized", "Unauthorized"},
    {403, "Forbidden", "AccessDenied"},
    {404, "Not Found", "NoSuchKey"},
    {405, "Method Not Allowed", "MethodNotAllowed"},
    {408, "Request Timeout", "RequestTimeout"},
    {409, "Conflict", "ConditionalRequestConflict"},
    {411, "Length Required", "MissingContentLength"},
    {412, "Precondition Failed", "PreconditionFailed"},
    {416, "Requested Range Not Satisfiable", "InvalidRange"},
    {429, "Too Many Requests", "TooManyRequests"},
    {500, "Internal Server Error", "InternalError"},
    {501, "Not Implemented", "NotImplemented"},
    {502, "Bad Gateway", "BadGateway"},
    {503, "Service Unavailable", "SlowDown"},
    {504, "Gateway Timeout", "GatewayTimeout"},
};

static struct meaning meaning_of(int code) {
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code) return meanings[i];
    return (struct meaning){code, "Scripted", "Scripted"};
}

/* The path of the request; what is sent in a path is safe in XML but for these. */
static void write_path(FILE *out, const char *target) {
    for (; *target && *target != '?'; target++) {
        if (*target == '&')
            fputs("&amp;", out);
        else if (*target == '<')
            fputs("&lt;", out);
        else
            putc(*target, out);
    }
}

static void write_time(FILE *out, time_t when, const char *format) {
    char text[64];
    struct tm parts;
    gmtime_r(&when, &parts);
    text[strftime(text, sizeof text, format, &parts)] = '\0';
    fputs(text, out);
}

static void write_xml(FILE *out, const char *s3_code, const struct fault *fault,
                      const struct http_head *request, time_t now) {
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>scripted by "
            "fault_proxy</Message><Resource>",
            s3_code);
    write_path(out, request->target);
    fputs("</Resource>", out);
    if (fault->kind == FAULT_REDIRECT)
        fprintf(out, "<Region>%s</Region><Endpoint>%s</Endpoint>", fault->word, request->host);
    if (fault->kind == FAULT_SKEW) {
        fputs("<ServerTime>", out);
        write_time(out, now, "%Y-%m-%dT%H:%M:%SZ");
        fputs("</ServerTime><MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>", out);
    }
    fputs("<RequestId>FAULTPROXY000000</RequestId></Error>", out);
}

static size_t finish(FILE *out) {
    long size = ftell(out);
    fclose(out);
    return size < 0 ? 0 : (size_t)size;
}

size_t fault_answer_write(const struct fault *fault, const struct http_head *request, bool closes,
                          char *out) {
    char body[FAULT_ANSWER_BYTES / 2];
    int code = fault->kind == FAULT_ERROR200 ? 200 : fault->kind == FAULT_SKEW ? 403 : (int)fault->number;
    struct meaning meaning = meaning_of(code);
    if (fault->kind == FAULT_SKEW) meaning.s3_code = "RequestTimeTooSkewed";
    if (fault->kind == FAULT_REDIRECT && code == 400) meaning.s3_code = "AuthorizationHeaderMalformed";
    if (fault->word[0] && fault->kind != FAULT_REDIRECT) meaning.s3_code = fault->word;
    time_t now = time(NULL) + (fault->kind == FAULT_SKEW ? fault->number : 0);

    FILE *file = fmemopen(body, sizeof body, "w");
    if (!file) return 0;
    write_xml(file, meaning.s3_code, fault, request, now);
    size_t size = finish(file);

    file = fmemopen(out, FAULT_ANSWER_BYTES, "w");
    if (!file) return 0;
    fprintf(file, "HTTP/1.1 %d %s\r\nDate: ", code, meaning.reason);
    write_time(file, now, "%a, %d %b %Y %H:%M:%S GMT");
    fprintf(file, "\r\nServer: fault_proxy\r\nx-amz-request-id: FAULTPROXY000000\r\n");
    if (fault->kind == FAULT_REDIRECT) fprintf(file, "x-amz-bucket-region: %s\r\n", fault->word);
    if (fault->kind == FAULT_REDIRECT && code == 307)
        fprintf(file, "Location: http://%s%s\r\n", request->host, request->target);
    if (closes) fprintf(file, "Connection: close\r\n");
    if (code != 204 && code != 304)
        fprintf(file, "Content-Type: application/xml\r\nContent-Length: %zu\r\n", size);
    fprintf(file, "\r\n");
    if (strcmp(request->method, "HEAD") != 0 && code != 204 && code != 304) fwrite(body, 1, size, file);
    return finish(file);
}

size_t fault_answer_plain(int code, const char *type, const char *text, char *out, size_t capacity) {
    int size = snprintf(out, capacity, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                        code, meaning_of(code).reason, type, strlen(text), text);
    return size > 0 && (size_t)size < capacity ? (size_t)size : 0;
}
