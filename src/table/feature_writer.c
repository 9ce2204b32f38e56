#include "base/file_sink.h"
#include "base/memory.h"
#include "pomona/table.h"
#include "table/parquet_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct pomona_feature_writer {
    struct file_sink file;
    struct parquet_writer *table;
    char *folder; /* in which the file lies, owned */
    size_t features;
};

/* The NULL-terminated list of keys and values as an array; *properties is owned by the caller. */
static pomona_status gather_properties(const char *const *list, struct table_property **properties,
                                       size_t *count, struct pomona_error *error) {
    size_t texts = 0;
    while (list && list[texts]) texts++;
    *count = texts / 2;
    if (texts % 2 != 0)
        return fail(error, POMONA_E_USAGE, NULL, "property \"%s\" has no value", list[texts - 1]);
    *properties = memory_new(*count, sizeof **properties);
    if (!*properties) return fail_memory(error, "feature writer");
    for (size_t i = 0; i < *count; i++)
        (*properties)[i] = (struct table_property){list[2 * i], list[2 * i + 1]};
    return POMONA_OK;
}

static pomona_status parse_options(const struct pomona_feature_writer_options *options,
                                   struct parquet_options *parsed, struct pomona_error *error) {
    if (options->compression) TRY(parquet_codec_parse(options->compression, &parsed->codec, error));
    if (options->list_layout) TRY(parquet_lists_parse(options->list_layout, &parsed->lists, error));
    return POMONA_OK;
}

static pomona_status start(struct pomona_feature_writer *writer, const char *path,
                           const struct parquet_options *options, struct pomona_error *error) {
    static const struct table_column columns[] = {
        {"path", TABLE_TEXT}, {"label", TABLE_TEXT}, {"features", TABLE_FLOAT_LIST}};
    const char *slash = strrchr(path, '/');
    writer->folder = memory_copy_string(slash ? path : ".");
    if (!writer->folder) return fail_memory(error, "feature writer");
    if (slash) writer->folder[slash == path ? 1 : slash - path] = '\0';
    TRY(file_sink_open(&writer->file, path, error));
    return parquet_writer_new(file_sink_as_sink(&writer->file), columns, 3, options, &writer->table, error);
}

pomona_status pomona_feature_writer_open(const char *path, int features,
                                         const struct pomona_feature_writer_options *options,
                                         struct pomona_feature_writer **writer, struct pomona_error *error) {
    static const struct pomona_feature_writer_options defaults = {0};
    struct parquet_options parsed = {0};
    struct table_property *properties = NULL;
    struct pomona_feature_writer *made = NULL;
    struct stat info;
    *writer = NULL;
    if (!options) options = &defaults;
    if (features < 1 || features > PARQUET_CELL_BYTES_MAX / (int)sizeof(float))
        return fail(error, POMONA_E_USAGE, path, "vectors of %d features can't be written", features);
    TRY(parse_options(options, &parsed, error));
    if (!options->overwrite && lstat(path, &info) == 0)
        return fail(error, POMONA_E_EXISTS, path, "exists already");
    pomona_status status = gather_properties(options->properties, &properties, &parsed.property_count, error);
    if (status != POMONA_OK) goto done;
    parsed.properties = properties;
    made = memory_new(1, sizeof *made);
    if (!made) {
        status = fail_memory(error, "feature writer");
        goto done;
    }
    made->features = (size_t)features;
    made->file = FILE_SINK_INIT;
    status = start(made, path, &parsed, error);
done:
    memory_free(properties);
    if (status != POMONA_OK) pomona_feature_writer_free(&made);
    *writer = made;
    return status;
}

pomona_status pomona_feature_writer_add(struct pomona_feature_writer *writer, const char *path,
                                        const char *label, const float *features,
                                        struct pomona_error *error) {
    struct table_cell cells[] = {cell_text(path), cell_text(label), cell_floats(features, writer->features)};
    if (!path) return fail(error, POMONA_E_USAGE, NULL, "a row of features needs a path");
    return parquet_writer_add(writer->table, cells, error);
}

/* A rename lasts once the folder is on disk. */
static pomona_status sync_folder(const char *path, struct pomona_error *error) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return fail_errno(error, errno, 0, path, "cannot open");
    int synced = fsync(descriptor);
    int cause = errno;
    close(descriptor);
    return synced == 0 || cause == EINVAL ? POMONA_OK
                                          : fail_errno(error, cause, 0, path, "cannot sync to disk");
}

pomona_status pomona_feature_writer_finish(struct pomona_feature_writer *writer, struct pomona_error *error) {
    TRY(parquet_writer_finish(writer->table, error));
    TRY(file_sink_commit(&writer->file, NULL, error));
    return sync_folder(writer->folder, error);
}

void pomona_feature_writer_free(struct pomona_feature_writer **writer) {
    if (!writer || !*writer) return;
    parquet_writer_free(&(*writer)->table);
    file_sink_close(&(*writer)->file);
    memory_free((*writer)->folder);
    memory_free(*writer);
    *writer = NULL;
}
