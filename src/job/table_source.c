#include "job/table_source.h"

#include "base/memory.h"
#include "store/folder.h"

#include <string.h>
#include <sys/stat.h>

static bool is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

pomona_status table_source_open(struct table_source *source, const char *path, struct pomona_error *error) {
    *source = (struct table_source){.features = path_join(path, "Results")};
    if (!source->features) return fail_memory(error, "path");
    if (is_folder(source->features)) {
        if (!(source->moments = path_join(path, "moments.pom"))) return fail_memory(error, "path");
    } else {
        memory_free(source->features);
        if (!(source->features = memory_copy_string(path))) return fail_memory(error, "path");
    }
    TRY(pomona_feature_reader_open(source->features, &source->reader, error));
    pomona_feature_reader_info(source->reader, &source->info);
    if (source->info.rows == 0) return fail(error, POMONA_E_INPUT, path, "has no rows");
    const char *space = pomona_feature_reader_property(source->reader, "pomona.feature_space");
    if (space && strlen(space) >= sizeof source->feature_space)
        return fail(error, POMONA_E_INPUT, path, "its feature space is no hash");
    if (space) memcpy(source->feature_space, space, strlen(space));
    return POMONA_OK;
}

void table_source_close(struct table_source *source) {
    pomona_feature_reader_free(&source->reader);
    memory_free(source->features);
    memory_free(source->moments);
    source->features = source->moments = NULL;
}

static pomona_status add_rows(struct table_source *source, bool (*should_stop)(void *user), void *user,
                              struct pomona_moments *moments, struct pomona_error *error) {
    struct pomona_feature_row row;
    bool has_row;
    TRY(pomona_feature_reader_rewind(source->reader, error));
    for (;;) {
        TRY(pomona_feature_reader_next(source->reader, &row, &has_row, error));
        if (!has_row) return POMONA_OK;
        TRY(pomona_moments_add(moments, row.path, row.label, row.features, error));
        if (should_stop && row.index % 256 == 0 && should_stop(user))
            return fail(error, POMONA_E_INTERRUPTED, source->features, "interrupted");
    }
}

pomona_status table_source_sum(struct table_source *source, const struct pomona_context *context,
                               bool (*should_stop)(void *user), void *user, struct pomona_moments **moments,
                               struct pomona_error *error) {
    *moments = NULL;
    TRY(pomona_moments_new(context, source->info.features, source->feature_space, moments, error));
    pomona_status status = add_rows(source, should_stop, user, *moments, error);
    if (status != POMONA_OK) pomona_moments_free(moments);
    return status;
}
