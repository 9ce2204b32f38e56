/* Credentials from texts: checked before they go anywhere. */
#include "store/credentials_find.h"
#include "store/timestamp.h"

#include <jansson.h>
#include <string.h>

/* Visible ASCII, as a header carries it: nothing that could begin another line. */
static bool is_plain(const char *text) {
    for (; *text; text++)
        if (*text <= ' ' || *text > '~') return false;
    return true;
}

static pomona_status copy(const char *text, const char *what, const char *where, char *out, size_t capacity,
                          struct pomona_error *error) {
    size_t size = strlen(text) + 1;
    if (size > capacity)
        return fail(error, POMONA_E_INPUT, where, "the %s is longer than %zu characters", what, capacity - 1);
    if (!is_plain(text))
        return fail(error, POMONA_E_INPUT, where, "the %s has spaces or control characters", what);
    memcpy(out, text, size);
    return POMONA_OK;
}

pomona_status credentials_fill(struct credentials *credentials, const char *where, const char *origin,
                               const char *access_key, const char *secret_key, const char *token,
                               const char *expires, struct pomona_error *error) {
    int64_t seconds = 0;
    if (!access_key || !*access_key) return fail(error, POMONA_E_INPUT, where, "the access key is missing");
    if (!secret_key || !*secret_key) return fail(error, POMONA_E_INPUT, where, "the secret key is missing");
    memset(credentials, 0, sizeof *credentials);
    TRY(copy(access_key, "access key", where, credentials->access_key, sizeof credentials->access_key,
             error));
    TRY(copy(secret_key, "secret key", where, credentials->secret_key, sizeof credentials->secret_key,
             error));
    TRY(copy(token ? token : "", "session token", where, credentials->token, sizeof credentials->token,
             error));
    if (expires && *expires && !timestamp_parse(expires, &seconds))
        return fail(error, POMONA_E_CORRUPT, where, "the expiration is not a time");
    credentials->expires = (time_t)seconds;
    credentials->origin = origin;
    return POMONA_OK;
}

pomona_status credentials_from_environment(struct credentials *credentials, struct pomona_error *error) {
    const char *access_key = environment("AWS_ACCESS_KEY_ID");
    credentials->origin = NULL;
    if (!access_key) return POMONA_OK;
    if (!environment("AWS_SECRET_ACCESS_KEY"))
        return fail(error, POMONA_E_INPUT, NULL,
                    "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
    return credentials_fill(credentials, "environment", "environment", access_key,
                            environment("AWS_SECRET_ACCESS_KEY"), environment("AWS_SESSION_TOKEN"), NULL,
                            error);
}

static const char *text_of(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static pomona_status from_object(const json_t *object, const char *token_name, const char *where,
                                 const char *origin, struct credentials *credentials,
                                 struct pomona_error *error) {
    const char *code = text_of(object, "Code");
    const json_t *version = json_object_get(object, "Version");
    if (!json_is_object(object))
        return fail(error, POMONA_E_CORRUPT, where, "the answer is not a JSON object");
    if (code && strcmp(code, "Success") != 0)
        return fail(error, POMONA_E_INPUT, where, "there are no credentials: %.64s", code);
    if (json_is_integer(version) && json_integer_value(version) != 1)
        return fail(error, POMONA_E_UNSUPPORTED, where, "the answer is of a version that is not 1");
    return credentials_fill(credentials, where, origin, text_of(object, "AccessKeyId"),
                            text_of(object, "SecretAccessKey"), text_of(object, token_name),
                            text_of(object, "Expiration"), error);
}

pomona_status credentials_from_json(const struct buffer *document, const char *token_name, const char *where,
                                    const char *origin, struct credentials *credentials,
                                    struct pomona_error *error) {
    json_error_t problem; /* its text may hold what stands near it, so only the line is told */
    json_t *object = json_loadb((const char *)document->data, document->size, 0, &problem);
    if (!object && json_error_code(&problem) == json_error_out_of_memory) return fail_memory(error, "JSON");
    if (!object)
        return fail(error, POMONA_E_CORRUPT, where, "the answer is not JSON (line %d)", problem.line);
    pomona_status status = from_object(object, token_name, where, origin, credentials, error);
    json_decref(object);
    return status;
}
