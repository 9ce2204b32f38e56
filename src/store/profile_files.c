#include "store/profile_files.h"

#include "base/io.h"
#include "base/memory.h"
#include "store/ini.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 1 << 20 };

const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

const char *profile_pick(const char *option, bool *named) {
    const char *name = option ? option : environment("AWS_PROFILE");
    if (!name) name = environment("AWS_DEFAULT_PROFILE");
    *named = name != NULL;
    return name ? name : "default";
}

/* The path that a variable has, with ~ for the home folder, else ~/.aws/NAME; "" without a home. */
static pomona_status find_path(const char *variable, const char *name, char path[PROFILE_PATH_SIZE],
                               struct pomona_error *error) {
    const char *chosen = environment(variable), *home = environment("HOME");
    int length = 0;
    path[0] = '\0';
    if (chosen && !(chosen[0] == '~' && chosen[1] == '/'))
        length = snprintf(path, PROFILE_PATH_SIZE, "%s", chosen);
    else if (chosen && home)
        length = snprintf(path, PROFILE_PATH_SIZE, "%s%s", home, chosen + 1);
    else if (home)
        length = snprintf(path, PROFILE_PATH_SIZE, "%s/.aws/%s", home, name);
    if (length >= PROFILE_PATH_SIZE) return fail(error, POMONA_E_INPUT, variable, "is too long a path");
    return POMONA_OK;
}

static pomona_status read_file(const char *path, struct buffer *out, struct pomona_error *error) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct stat info;
    if (!*path) return POMONA_OK;
    if (stat(path, &info) != 0) /* not there, or in a folder of somebody else (a container's HOME may be) */
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? POMONA_OK
                   : fail_errno(error, errno, 1, path, "cannot stat");
    if (S_ISCHR(info.st_mode)) return POMONA_OK;
    TRY(file_read(path, out, error));
    if (out->size >= 3 && memcmp(out->data, byte_order_mark, 3) == 0) {
        out->size -= 3;
        memmove(out->data, out->data + 3, out->size);
    }
    return POMONA_OK;
}

pomona_status profile_files_read(struct profile_files **files, struct pomona_error *error) {
    struct profile_files *f = *files = memory_new(1, sizeof *f);
    pomona_status status = POMONA_OK;
    if (!f) return fail_memory(error, "profiles");
    f->config = f->credentials = BUFFER_INIT(FILE_MAX);
    TRY_GOTO(find_path("AWS_CONFIG_FILE", "config", f->config_path, error), status, failed);
    TRY_GOTO(find_path("AWS_SHARED_CREDENTIALS_FILE", "credentials", f->credentials_path, error), status,
             failed);
    TRY_GOTO(read_file(f->config_path, &f->config, error), status, failed);
    TRY_GOTO(read_file(f->credentials_path, &f->credentials, error), status, failed);
    return POMONA_OK;
failed:
    profile_files_free(files);
    return status;
}

void profile_files_free(struct profile_files **files) {
    if (!*files) return;
    buffer_free(&(*files)->config);
    buffer_free(&(*files)->credentials);
    memory_free(*files);
    *files = NULL;
}

static bool find_in(const struct buffer *file, const struct ini_place *place, struct ini_value *value) {
    return ini_find((const char *)file->data, file->size, place, value);
}

/* Where a profile may be told of, the most telling place first. */
static bool find(const struct profile_files *files, const char *profile, const char *key,
                 struct ini_value *value) {
    struct ini_place plain = {.name = profile, .key = key};
    struct ini_place prefixed = {.kind = "profile", .name = profile, .key = key};
    return find_in(&files->credentials, &plain, value) || find_in(&files->config, &prefixed, value) ||
           (strcmp(profile, "default") == 0 && find_in(&files->config, &plain, value));
}

bool profile_files_have(const struct profile_files *files, const char *profile) {
    struct ini_value value;
    return find(files, profile, NULL, &value);
}

static pomona_status copy(struct ini_value value, const char *profile, const char *key, char *out,
                          size_t capacity, struct pomona_error *error) {
    if (value.size >= capacity)
        return fail(error, POMONA_E_INPUT, NULL, "profile '%s': %s is longer than %zu bytes", profile, key,
                    capacity - 1);
    memcpy(out, value.text, value.size);
    out[value.size] = '\0';
    return POMONA_OK;
}

pomona_status profile_files_get(const struct profile_files *files, const char *profile, const char *key,
                                char *out, size_t capacity, struct pomona_error *error) {
    struct ini_value value;
    out[0] = '\0';
    if (!find(files, profile, key, &value)) return POMONA_OK;
    if (strcmp(key, "credential_process") != 0) ini_cut_comment(&value); /* a shell knows `;` and `#` */
    return copy(value, profile, key, out, capacity, error);
}

pomona_status profile_files_endpoint(const struct profile_files *files, const char *profile,
                                     const char *service, char *out, size_t capacity,
                                     struct pomona_error *error) {
    char services[256];
    struct ini_value value;
    out[0] = '\0';
    TRY(profile_files_get(files, profile, "services", services, sizeof services, error));
    struct ini_place place = {.kind = "services", .name = services, .block = service, .key = "endpoint_url"};
    if (!services[0] || !find_in(&files->config, &place, &value)) return POMONA_OK;
    ini_cut_comment(&value);
    return copy(value, profile, "endpoint_url", out, capacity, error);
}
