/* Regions and endpoints that the environment or a profile asks for. */
#include "store/credentials_find.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static pomona_status take(const char *value, const char *variable, char *out, size_t capacity,
                          struct pomona_error *error) {
    size_t size = strlen(value) + 1;
    if (size > capacity)
        return fail(error, POMONA_E_INPUT, variable, "is longer than %zu bytes", capacity - 1);
    memcpy(out, value, size);
    return POMONA_OK;
}

pomona_status settings_region(const struct profile_files *files, const char *profile, char *out,
                              size_t capacity, struct pomona_error *error) {
    const char *variable = environment("AWS_REGION") ? "AWS_REGION" : "AWS_DEFAULT_REGION";
    const char *value = environment(variable);
    if (value)
        TRY(take(value, variable, out, capacity, error));
    else
        TRY(profile_files_get(files, profile, "region", out, capacity, error));
    /* It becomes part of a host's name. */
    if (strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(out))
        return fail(error, POMONA_E_INPUT, NULL, "'%s' is not the name of a region", out);
    return POMONA_OK;
}

static bool is_ignored(const struct profile_files *files, const char *profile) {
    char text[16];
    const char *value = environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if (!value && profile_files_get(files, profile, "ignore_configured_endpoint_urls", text, sizeof text,
                                    NULL) == POMONA_OK)
        value = text;
    return value && strcasecmp(value, "true") == 0;
}

pomona_status settings_endpoint(const struct profile_files *files, const char *profile, const char *service,
                                char *out, size_t capacity, struct pomona_error *error) {
    char own[64];
    snprintf(own, sizeof own, "AWS_ENDPOINT_URL_%s", service);
    for (char *c = own; *c; c++) *c = (char)toupper((unsigned char)*c);
    const char *variable = environment(own) ? own : "AWS_ENDPOINT_URL", *value = environment(variable);
    out[0] = '\0';
    if (is_ignored(files, profile)) return POMONA_OK;
    if (value)
        TRY(take(value, variable, out, capacity, error));
    else
        TRY(profile_files_endpoint(files, profile, service, out, capacity, error));
    if (!out[0]) TRY(profile_files_get(files, profile, "endpoint_url", out, capacity, error));
    if (out[0] && strncmp(out, "http://", 7) != 0 && strncmp(out, "https://", 8) != 0)
        return fail(error, POMONA_E_INPUT, NULL, "the endpoint '%s' is not an http:// or https:// URL", out);
    return POMONA_OK;
}

static pomona_status settings_s3_endpoint(const struct profile_files *files, const char *profile, char *out,
                                          size_t capacity, struct pomona_error *error) {
    return settings_endpoint(files, profile, "s3", out, capacity, error);
}

typedef pomona_status find_setting(const struct profile_files *files, const char *profile, char *out,
                                   size_t capacity, struct pomona_error *error);

static pomona_status find_in_files(find_setting *find, const struct credentials_options *options, char *out,
                                   size_t capacity, struct pomona_error *error) {
    struct profile_files *files;
    bool named;
    out[0] = '\0';
    TRY(profile_files_read(&files, error));
    pomona_status status = find(files, profile_pick(options->profile, &named), out, capacity, error);
    profile_files_free(&files);
    return status;
}

pomona_status credentials_region(const struct credentials_options *options, char *out, size_t capacity,
                                 struct pomona_error *error) {
    return find_in_files(settings_region, options, out, capacity, error);
}

pomona_status credentials_endpoint(const struct credentials_options *options, char *out, size_t capacity,
                                   struct pomona_error *error) {
    return find_in_files(settings_s3_endpoint, options, out, capacity, error);
}
