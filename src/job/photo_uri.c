#include "job/photo_uri.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* Whether `text` begins with a scheme ("s3://", "hdfs://"), and how long it is without the slashes. */
static size_t scheme_length(const char *text) {
    size_t length = 0;
    while ((text[length] >= 'a' && text[length] <= 'z') || (text[length] >= 'A' && text[length] <= 'Z') ||
           (length > 0 && ((text[length] >= '0' && text[length] <= '9') || text[length] == '+')))
        length++;
    return length > 1 && strncmp(text + length, "://", 3) == 0 ? length : 0;
}

static char *join(struct arena *arena, const char *a, const char *middle, const char *b) {
    size_t first = strlen(a), second = strlen(middle), third = strlen(b);
    char *out = arena_new(arena, size_add(size_add(first, second), size_add(third, 1)), 1);
    if (!out) return NULL;
    memcpy(out, a, first);
    memcpy(out + first, middle, second);
    memcpy(out + first + second, b, third);
    return out;
}

/* The name of the folder or bucket that the photo lies in, in the arena. */
static const char *label_of(struct arena *arena, const char *uri) {
    const char *end = strrchr(uri, '/');
    if (!end) return arena_copy_text(arena, "", 0);
    const char *start = end;
    while (start > uri && start[-1] != '/' && !(start[-1] == ':' && strncmp(uri, "file:", 5) == 0)) start--;
    return arena_copy_text(arena, start, (size_t)(end - start));
}

static pomona_status set_remote(struct arena *arena, const char *uri, struct listed_photo *photo,
                                struct pomona_error *error) {
    photo->path = photo->uri = uri;
    photo->label = uri ? label_of(arena, uri) : NULL;
    return photo->label ? POMONA_OK : fail_memory(error, "photo");
}

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/* The path with "%E9" and the like turned back into bytes; plain ASCII is never encoded in a file: URI. */
static void decode_bytes(char *path) {
    char *out = path;
    for (const char *in = path; *in; in++) {
        int high = in[0] == '%' ? hex_value(in[1]) : -1, low = high >= 8 ? hex_value(in[2]) : -1;
        if (low >= 0) in += 2;
        *out++ = (char)(low >= 0 ? high << 4 | low : *in);
    }
    *out = '\0';
}

static pomona_status set_local(struct arena *arena, const char *path, bool from_uri,
                               struct listed_photo *photo, struct pomona_error *error) {
    struct stat info;
    char *absolute = path_absolute(arena, path);
    if (!absolute) return fail_memory(error, "photo");
    if (from_uri && strchr(absolute, '%') && lstat(absolute, &info) != 0) {
        char *decoded = arena_copy_text(arena, absolute, strlen(absolute));
        if (!decoded) return fail_memory(error, "photo");
        decode_bytes(decoded);
        if (lstat(decoded, &info) == 0) absolute = decoded;
    }
    size_t length = text_percent_encode_invalid(absolute, NULL, 0);
    char *uri = arena_new(arena, size_add(length, 6), 1);
    if (!uri) return fail_memory(error, "photo");
    memcpy(uri, "file:", 5);
    text_percent_encode_invalid(absolute, uri + 5, length + 1);
    photo->path = absolute;
    photo->uri = uri;
    photo->label = label_of(arena, uri);
    return photo->label ? POMONA_OK : fail_memory(error, "photo");
}

static pomona_status from_scheme(struct arena *arena, const char *text, size_t scheme,
                                 struct listed_photo *photo, struct pomona_error *error) {
    bool s3 = scheme == 2 && strncmp(text, "s3", 2) == 0;
    bool hadoop = scheme == 3 && (strncmp(text, "s3a", 3) == 0 || strncmp(text, "s3n", 3) == 0);
    if (s3 || hadoop) return set_remote(arena, join(arena, "s3", "", text + scheme), photo, error);
    if (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0)
        return set_remote(arena, join(arena, text, "", ""), photo, error);
    return fail(error, POMONA_E_INPUT, NULL,
                "'%.100s' is of no kind that pomona reads (file, s3, http, https)", text);
}

pomona_status photo_from_text(struct arena *arena, const char *source, const char *text,
                              struct listed_photo *photo, struct pomona_error *error) {
    *photo = (struct listed_photo){0};
    if (!*text) return fail(error, POMONA_E_INPUT, NULL, "a photo without a name");
    if (strncmp(text, "file:", 5) == 0) return set_local(arena, text + 5, true, photo, error);
    size_t scheme = scheme_length(text);
    if (scheme) return from_scheme(arena, text, scheme, photo, error);
    if (text[0] == '/') return set_local(arena, text, false, photo, error);
    size_t length = strlen(source);
    const char *joined = join(arena, source, length > 0 && source[length - 1] == '/' ? "" : "/", text);
    if (!joined) return fail_memory(error, "photo");
    scheme = scheme_length(source);
    if (scheme) return from_scheme(arena, joined, scheme, photo, error);
    return set_local(arena, strncmp(joined, "file:", 5) == 0 ? joined + 5 : joined, false, photo, error);
}

bool photo_look_up(struct listed_photo *photo) {
    struct stat info;
    if (strncmp(photo->uri, "file:", 5) != 0) return true;
    if (stat(photo->path, &info) != 0) return false;
    photo->size = (uint64_t)info.st_size;
    photo->modified = info.st_mtime;
    return true;
}

char *photo_source_uri(struct arena *arena, const char *source) {
    struct listed_photo photo;
    const char *name = source;
    if (!scheme_length(source))
        name = path_absolute(arena, strncmp(source, "file:", 5) == 0 ? source + 5 : source);
    if (!name || photo_from_text(arena, "", name, &photo, NULL) != POMONA_OK) return NULL;
    return arena_copy_text(arena, photo.uri, strlen(photo.uri));
}

const char *photo_below(const char *source_uri, const char *uri) {
    size_t length = strlen(source_uri);
    while (length > 0 && source_uri[length - 1] == '/') length--;
    if (strncmp(uri, source_uri, length) != 0 || uri[length] != '/') return NULL;
    return uri + length + 1;
}
