/* The manifest.json of an S3 Inventory: the list of the files that hold the rows. */
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "job/json_value.h"
#include "job/manifest_rows.h"
#include "pomona/publication.h"
#include "store/folder.h"

#include <string.h>
#include <sys/stat.h>

enum { JSON_MAX = 64 << 20, FILES_MAX = 100000, COLUMNS_MAX = 64 };

static char *parent_of(const char *path) {
    char *folder = memory_copy_string(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash) {
        slash[slash == folder ? 1 : 0] = '\0';
    } else if (folder) {
        memory_free(folder);
        folder = memory_copy_string(".");
    }
    return folder;
}

/* FOLDER/MIDDLE/NAME when that is a file, else NULL. *failed: out of memory. */
static char *file_in(const char *folder, const char *middle, const char *name, bool *failed) {
    struct stat info;
    char *inner = path_join(folder, middle), *path = inner ? path_join(inner, name) : NULL;
    memory_free(inner);
    if (!path) *failed = true;
    if (path && stat(path, &info) == 0 && S_ISREG(info.st_mode)) return path;
    memory_free(path);
    return NULL;
}

/* A data file from the bucket that the manifest came from, where S3 has written both. */
static pomona_status fetch_file(const struct manifest *manifest, const char *key, char **path,
                                struct pomona_error *error) {
    struct buffer uri = BUFFER_INIT(4096);
    const char *text;
    size_t bucket = 5 + strcspn(manifest->name + 5, "/");
    pomona_status status = buffer_printf(&uri, error, "%.*s/%s", (int)bucket, manifest->name, key);
    if (status == POMONA_OK) status = buffer_terminate(&uri, &text, error);
    if (status == POMONA_OK) status = pomona_fetch(manifest->request->places, text, path, error);
    buffer_free(&uri);
    return status;
}

/* Where the data file of a key lies: by the manifest as the whole key, by its last name, or in `data` next to it or above, as S3
 * arranges them. */
static pomona_status find_file(struct manifest *manifest, const char *folder, const char *key, char **path,
                               bool *fetched, struct pomona_error *error) {
    const char *slash = strrchr(key, '/'), *last = slash ? slash + 1 : key;
    bool failed = false, above = strstr(key, "..") != NULL || key[0] == '/';
    *fetched = false;
    *path = above ? NULL : file_in(folder, "", key, &failed);
    static const char *const places[] = {"", "data", "../data"};
    for (int i = 0; i < 3 && !*path && !failed && *last; i++)
        *path = file_in(folder, places[i], last, &failed);
    if (failed) return fail_memory(error, "path");
    if (!*path && manifest->request->places && strncmp(manifest->name, "s3://", 5) == 0) {
        *fetched = true;
        return fetch_file(manifest, key, path, error);
    }
    return *path ? POMONA_OK
                 : fail(error, POMONA_E_INPUT, manifest->name,
                        "the data file '%.200s' lies neither by its side nor in data/", key);
}

/* "Bucket, Key, Size, LastModifiedDate" into names. */
static pomona_status parse_schema(struct manifest *manifest, char *schema, const char **names, size_t *count,
                                  struct pomona_error *error) {
    *count = 0;
    for (char *at = schema; at;) {
        char *comma = strchr(at, ',');
        if (comma) *comma = '\0';
        while (*at == ' ') at++;
        if (*count == COLUMNS_MAX)
            return fail(error, POMONA_E_LIMIT, manifest->name, "fileSchema has more than %d columns",
                        COLUMNS_MAX);
        names[(*count)++] = at;
        at = comma ? comma + 1 : NULL;
    }
    return POMONA_OK;
}

struct inventory {
    bool parquet;
    const char *names[COLUMNS_MAX];
    size_t columns;
    const char *folder;
};

static pomona_status read_data_file(struct manifest *manifest, const struct inventory *inventory,
                                    const struct json_value *item, struct pomona_error *error) {
    const char *key = json_value_text(json_value_member(item, "key")), *name = manifest->name;
    char *path = NULL;
    int64_t size;
    bool fetched;
    struct stat info;
    if (!key) return fail(error, POMONA_E_INPUT, name, "a data file without a key");
    TRY(find_file(manifest, inventory->folder, key, &path, &fetched, error));
    pomona_status status = POMONA_OK;
    if (json_value_integer(json_value_member(item, "size"), &size) && stat(path, &info) == 0 &&
        info.st_size != size)
        status = fail(error, POMONA_E_CORRUPT, path, "has %lld bytes, the inventory says %lld",
                      (long long)info.st_size, (long long)size);
    manifest->name = path;
    if (status == POMONA_OK)
        status = inventory->parquet
                     ? manifest_read_parquet(manifest, path, error)
                     : manifest_read_csv(manifest, path, inventory->names, inventory->columns, error);
    manifest->name = name;
    if (fetched)
        pomona_fetched_free(&path);
    else
        memory_free(path);
    return status;
}

static pomona_status read_root(struct manifest *manifest, struct inventory *inventory,
                               const struct json_value *root, struct pomona_error *error) {
    const char *format = json_value_text(json_value_member(root, "fileFormat"));
    const char *schema = json_value_text(json_value_member(root, "fileSchema"));
    const struct json_value *files = json_value_member(root, "files");
    if (!format || !schema || !files)
        return fail(error, POMONA_E_INPUT, manifest->name,
                    "is no manifest of an S3 Inventory: no fileFormat, fileSchema or files");
    inventory->parquet = strcmp(format, "Parquet") == 0;
    if (!inventory->parquet && strcmp(format, "CSV") != 0)
        return fail(error, POMONA_E_UNSUPPORTED, manifest->name,
                    "an inventory as %.20s; CSV and Parquet work", format);
    if (json_value_count(files) > FILES_MAX)
        return fail(error, POMONA_E_LIMIT, manifest->name, "more than %d data files", FILES_MAX);
    manifest->bucket = json_value_text(json_value_member(root, "sourceBucket"));
    manifest->encoded = !inventory->parquet; /* only keys in CSV are URL-encoded */
    char *names = memory_copy_string(schema);
    if (!names) return fail_memory(error, "inventory");
    pomona_status status = inventory->parquet
                               ? POMONA_OK
                               : parse_schema(manifest, names, inventory->names, &inventory->columns, error);
    for (size_t i = 0; i < json_value_count(files) && status == POMONA_OK; i++)
        status = read_data_file(manifest, inventory, json_value_item(files, i), error);
    manifest->bucket = NULL;
    memory_free(names);
    return status;
}

pomona_status manifest_read_inventory(struct manifest *manifest, const char *file,
                                      struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(JSON_MAX);
    struct json_value *root = NULL;
    struct inventory inventory = {.parquet = false};
    char *folder = parent_of(file);
    pomona_status status = folder ? file_read(file, &text, error) : fail_memory(error, "path");
    inventory.folder = folder;
    if (status == POMONA_OK) status = json_value_parse(manifest->name, text.data, text.size, &root, error);
    if (status == POMONA_OK) status = read_root(manifest, &inventory, root, error);
    json_value_free(&root);
    buffer_free(&text);
    memory_free(folder);
    return status;
}
