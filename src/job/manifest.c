#include "job/manifest.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/time_text.h"
#include "job/manifest_rows.h"
#include "job/photo_uri.h"
#include "store/pack_finder.h"
#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PHOTOS_MAX = 100000000, URI_BYTES_MAX = 1 << 20 };

static bool same_name(const char *a, const char *b) {
    for (;; a++, b++) {
        while (*a == '_' || *a == ' ') a++;
        while (*b == '_') b++;
        char first = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
        if (first != *b) return false;
        if (!first) return true;
    }
}

int manifest_column_of(const char *name) {
    static const struct {
        const char *name;
        enum manifest_column column;
    } known[] = {{"path", MANIFEST_NAME},         {"uri", MANIFEST_NAME},
                 {"key", MANIFEST_NAME},          {"bucket", MANIFEST_BUCKET},
                 {"label", MANIFEST_LABEL},       {"size", MANIFEST_SIZE},
                 {"modified", MANIFEST_MODIFIED}, {"last_modified_date", MANIFEST_MODIFIED},
                 {"is_latest", MANIFEST_LATEST},  {"is_delete_marker", MANIFEST_DELETED}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (same_name(name, known[i].name)) return (int)known[i].column;
    return -1;
}

/* The place of the photos' names: the first of path, uri, key. */
static int find_names(const char *const *names, size_t count) {
    static const char *const wanted[] = {"path", "uri", "key"};
    for (int w = 0; w < 3; w++)
        for (size_t i = 0; i < count; i++)
            if (same_name(names[i], wanted[w])) return (int)i;
    return -1;
}

pomona_status manifest_match(struct manifest *manifest, const char *const *names, size_t count,
                             int index[MANIFEST_COLUMNS], struct pomona_error *error) {
    for (int i = 0; i < MANIFEST_COLUMNS; i++) index[i] = -1;
    index[MANIFEST_NAME] = find_names(names, count);
    if (index[MANIFEST_NAME] < 0)
        return fail(error, POMONA_E_INPUT, manifest->name, "line 1: has no column path, uri or key");
    for (size_t i = 0; i < count; i++) {
        int column = manifest_column_of(names[i]);
        if (column < 0 || (column == MANIFEST_NAME && !same_name(names[i], names[index[MANIFEST_NAME]])))
            continue;
        if (index[column] >= 0 && index[column] != (int)i)
            return fail(error, POMONA_E_INPUT, manifest->name, "line 1: two columns are named \"%s\"",
                        names[i]);
        index[column] = (int)i;
    }
    manifest->inventory =
        same_name(names[index[MANIFEST_NAME]], "key") && (index[MANIFEST_BUCKET] >= 0 || manifest->bucket);
    return POMONA_OK;
}

static pomona_status bad_row(struct manifest *manifest, const struct manifest_row *row, const char *what,
                             const char *text, struct pomona_error *error) {
    return fail(error, POMONA_E_INPUT, manifest->name, "line %zu: %s '%.100s'", row->line, what, text);
}

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

/* Appends a key; encoded ones have "%20" or "+" for a space, as forms of the web. */
static pomona_status append_key(struct manifest *manifest, const struct manifest_row *row, const char *key,
                                struct pomona_error *error) {
    struct buffer *out = &manifest->scratch;
    if (!manifest->encoded) return buffer_append_text(out, key, error);
    for (const char *at = key; *at; at++) {
        char byte = *at == '+' ? ' ' : *at;
        if (*at == '%') {
            int high = hex_value(at[1]), low = high >= 0 ? hex_value(at[2]) : -1;
            if (low < 0) return bad_row(manifest, row, "a key that is not URL-encoded:", key, error);
            byte = (char)(high << 4 | low);
            at += 2;
        }
        if (!byte) return bad_row(manifest, row, "a key with a NUL byte:", key, error);
        TRY(buffer_append_byte(out, (uint8_t)byte, error));
    }
    return POMONA_OK;
}

/* The name as photo_from_text takes it: of an inventory "s3://bucket/key". */
static pomona_status name_of(struct manifest *manifest, const struct manifest_row *row, const char **name,
                             struct pomona_error *error) {
    const char *text = row->text[MANIFEST_NAME];
    *name = text;
    if (!text || !*text) return bad_row(manifest, row, "no photo is named in the column", "path", error);
    if (!manifest->inventory) return POMONA_OK;
    const char *bucket = row->text[MANIFEST_BUCKET] ? row->text[MANIFEST_BUCKET] : manifest->bucket;
    if (!bucket || !*bucket || strchr(bucket, '/'))
        return bad_row(manifest, row, "no bucket for the key", text, error);
    buffer_clear(&manifest->scratch);
    TRY(buffer_printf(&manifest->scratch, error, "s3://%s/", bucket));
    TRY(append_key(manifest, row, text, error));
    TRY(buffer_terminate(&manifest->scratch, name, error));
    for (const char *at = *name; *at;) {
        size_t length = utf8_sequence(at, strlen(at));
        if (!length) return bad_row(manifest, row, "a key that is not UTF-8:", text, error);
        at += length;
    }
    return POMONA_OK;
}

static bool is_hidden(const char *names) {
    if (*names == '_' || *names == '.') return true;
    for (const char *at = names; (at = strchr(at, '/')); at++)
        if (at[1] == '_' || at[1] == '.') return true;
    return false;
}

/* By the rules of a listing: the pattern is for the last name, and none on the way below the source may be hidden. */
static bool is_left_out(const struct manifest *manifest, const char *uri) {
    const char *below = photo_below(manifest->source_uri, uri);
    const char *last = strrchr(uri, '/');
    last = last ? last + 1 : uri;
    bool everywhere = manifest->inventory && strncmp(manifest->source_uri, "s3://", 5) != 0;
    if (manifest->inventory && !everywhere && !below) return true; /* the inventory is of the whole bucket */
    if (everywhere) below = strchr(uri + 5, '/') ? strchr(uri + 5, '/') + 1 : last;
    return *last == '\0' || is_hidden(below ? below : last) || !text_glob(manifest->request->glob, last);
}

static bool is_true(const char *text) { return text && strcasecmp(text, "true") == 0; }

/* Numbers of files written by others are seconds, or (where they would be far in the future) milli-, micro- or nanoseconds. */
static int64_t seconds_of(int64_t number) {
    const int64_t far = 100000000000;
    while (number > far || number < -far) number /= 1000;
    return number;
}

static pomona_status take_facts(struct manifest *manifest, const struct manifest_row *row,
                                struct listed_photo *photo, struct pomona_error *error) {
    const char *size = row->text[MANIFEST_SIZE], *modified = row->text[MANIFEST_MODIFIED];
    long long number;
    if (row->has_number[MANIFEST_SIZE]) {
        if (row->number[MANIFEST_SIZE] < 0) return bad_row(manifest, row, "a size below", "0", error);
        photo->size = (uint64_t)row->number[MANIFEST_SIZE];
    } else if (size && *size) {
        if (!text_parse_int(size, 0, INT64_MAX, &number))
            return bad_row(manifest, row, "no size is", size, error);
        photo->size = (uint64_t)number;
    }
    if (row->has_number[MANIFEST_MODIFIED]) {
        photo->modified = seconds_of(row->number[MANIFEST_MODIFIED]);
    } else if (modified && *modified) {
        if (text_parse_int(modified, INT64_MIN, INT64_MAX, &number))
            photo->modified = seconds_of(number);
        else if (!time_parse_iso(modified, &photo->modified))
            return bad_row(manifest, row, "no time is", modified, error);
    }
    return POMONA_OK;
}

pomona_status manifest_add(struct manifest *manifest, const struct manifest_row *row,
                           struct pomona_error *error) {
    struct listing *listing = manifest->listing;
    struct listed_photo photo;
    const char *name, *label = row->text[MANIFEST_LABEL], *latest = row->text[MANIFEST_LATEST];
    manifest->rows++;
    TRY(name_of(manifest, row, &name, error));
    if ((latest && *latest && !is_true(latest)) || is_true(row->text[MANIFEST_DELETED])) {
        listing->skipped++;
        return POMONA_OK;
    }
    struct pomona_error cause = {0};
    pomona_status status = photo_from_text(&listing->arena, manifest->request->source, name, &photo, &cause);
    if (status == POMONA_E_INPUT)
        return fail(error, status, manifest->name, "line %zu: %s", row->line, cause.message);
    if (status != POMONA_OK) return fail_memory(error, "manifest");
    if (is_left_out(manifest, photo.uri)) {
        listing->skipped++;
        return POMONA_OK;
    }
    TRY(take_facts(manifest, row, &photo, error));
    bool labelled = label && *label;
    if (labelled) photo.label = arena_copy_text(&listing->arena, label, strlen(label));
    if (!photo.label) return fail_memory(error, "manifest");
    if (listing->count == PHOTOS_MAX)
        return fail(error, POMONA_E_LIMIT, manifest->name, "line %zu: more than %d photos", row->line,
                    PHOTOS_MAX);
    /* The size names the job: one on this machine is asked for it, so that a list and a listing are the same job. */
    bool here = photo_look_up(&photo), packed = false;
    if (!here || place_is_remote(photo.uri))
        TRY(pack_finder_find(manifest->finder, photo.path, NULL, listing, &packed, error));
    if (!packed) return listing_append(listing, &photo, error);
    struct listed_photo *last = &listing->photos[listing->count - 1]; /* with the index's size and time */
    last->uri = photo.uri;
    if (labelled) last->label = photo.label;
    return POMONA_OK;
}

/* Of two rows for one photo the one that knows more comes first. */
static int compare_photos(const void *a, const void *b) {
    const struct listed_photo *first = a, *second = b;
    int order = strcmp(first->uri, second->uri);
    if (order) return order;
    if (first->size != second->size) return first->size > second->size ? -1 : 1;
    return (first->modified < second->modified) - (first->modified > second->modified);
}

static pomona_status drop_duplicates(struct manifest *manifest, struct manifest_counts *counts,
                                     struct pomona_error *error) {
    struct listing *listing = manifest->listing;
    size_t kept = 0;
    if (listing->count > 1) qsort(listing->photos, listing->count, sizeof *listing->photos, compare_photos);
    for (size_t i = 0; i < listing->count; i++) {
        struct listed_photo *photo = &listing->photos[i], *last = kept ? &listing->photos[kept - 1] : NULL;
        if (!last || strcmp(last->uri, photo->uri) != 0) {
            listing->photos[kept++] = *photo;
            continue;
        }
        if (strcmp(last->label, photo->label) != 0)
            return fail(error, POMONA_E_INPUT, manifest->name, "'%s' has two labels, '%s' and '%s'",
                        photo->uri, last->label, photo->label);
        counts->duplicates++;
    }
    listing->count = kept;
    return POMONA_OK;
}

enum kind { KIND_CSV, KIND_PARQUET, KIND_JSON };

/* What a file is, by its first bytes. */
static pomona_status sniff(const char *file, const char *name, enum kind *kind, struct pomona_error *error) {
    char bytes[64];
    struct stat info;
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return fail_errno(error, errno, 1, name, "cannot open");
    ssize_t got =
        fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) ? read(descriptor, bytes, sizeof bytes) : -1;
    close(descriptor);
    if (got < 0) return fail(error, POMONA_E_INPUT, name, "is no file that can be read");
    *kind = KIND_CSV;
    if (got >= 4 && memcmp(bytes, "PAR1", 4) == 0) *kind = KIND_PARQUET;
    ssize_t at = 0;
    while (at < got && strchr(" \t\r\n", bytes[at]) && bytes[at]) at++;
    if (at < got && bytes[at] == '{') *kind = KIND_JSON;
    return POMONA_OK;
}

static pomona_status read_manifest(struct manifest *manifest, struct pomona_error *error) {
    const char *file = manifest->request->file;
    enum kind kind = KIND_CSV;
    manifest->source_uri = photo_source_uri(&manifest->listing->arena, manifest->request->source);
    if (!manifest->source_uri)
        return fail(error, POMONA_E_INPUT, manifest->request->source,
                    "is neither a folder nor a prefix of S3");
    /* A list of a whole bucket must not cost a request for each of its folders. */
    const struct pack_finder_options options = {.places = manifest->request->places,
                                                .within = manifest->source_uri,
                                                .should_stop = manifest->request->should_stop,
                                                .user = manifest->request->user};
    TRY(pack_finder_new(&options, &manifest->finder, error));
    TRY(sniff(file, manifest->name, &kind, error));
    if (kind == KIND_JSON) return manifest_read_inventory(manifest, file, error);
    return kind == KIND_PARQUET ? manifest_read_parquet(manifest, file, error)
                                : manifest_read_csv(manifest, file, NULL, 0, error);
}

pomona_status manifest_list(const struct manifest_request *request, struct listing *listing,
                            struct manifest_counts *counts, struct pomona_error *error) {
    struct manifest manifest = {.request = request,
                                .listing = listing,
                                .name = request->name ? request->name : request->file,
                                .scratch = BUFFER_INIT(URI_BYTES_MAX)};
    *counts = (struct manifest_counts){0};
    pomona_status status = read_manifest(&manifest, error);
    if (status == POMONA_OK) {
        manifest.name = request->name ? request->name : request->file;
        status = drop_duplicates(&manifest, counts, error);
    }
    counts->rows = manifest.rows;
    buffer_free(&manifest.scratch);
    pack_finder_free(&manifest.finder);
    return status;
}
