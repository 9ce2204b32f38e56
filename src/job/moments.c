#include "job/table_source.h"
#include "store/folder.h"

pomona_status pomona_moments_of_features(const struct pomona_context *context, const char *path,
                                         struct pomona_moments **moments, struct pomona_error *error) {
    struct table_source source;
    *moments = NULL;
    pomona_status status = table_source_open(&source, path, error);
    if (status == POMONA_OK) status = table_source_sum(&source, context, NULL, NULL, moments, error);
    table_source_close(&source);
    return status;
}

/* A refusal, with the file it is about in front. */
static pomona_status name_file(pomona_status status, const char *file, struct pomona_error *error) {
    if (status == POMONA_OK || !error) return status;
    struct pomona_error cause = *error;
    return fail(error, status, file, "%s", cause.message);
}

static pomona_status combine(const struct pomona_context *context, const char *const *files, int count,
                             bool subtract, struct pomona_moments **sum, struct pomona_error *error) {
    TRY(pomona_moments_read(context, files[0], sum, error));
    for (int i = 1; i < count; i++) {
        struct pomona_moments *next = NULL;
        TRY(pomona_moments_read(context, files[i], &next, error));
        pomona_status status =
            subtract ? pomona_moments_subtract(*sum, next, error) : pomona_moments_merge(*sum, next, error);
        pomona_moments_free(&next);
        TRY(name_file(status, files[i], error));
    }
    return POMONA_OK;
}

pomona_status pomona_moments_combine(const struct pomona_context *context, const char *const *files,
                                     int count, bool subtract, const char *out, bool overwrite,
                                     struct pomona_error *error) {
    struct pomona_moments *sum = NULL;
    if (count < 1 || !out)
        return fail(error, POMONA_E_USAGE, NULL, "moments files and a destination are needed");
    if (!overwrite && path_exists(out))
        return fail(error, POMONA_E_EXISTS, out, "exists already: --overwrite replaces it");
    pomona_status status = combine(context, files, count, subtract, &sum, error);
    if (status == POMONA_OK) status = pomona_moments_write(sum, out, NULL, error);
    pomona_moments_free(&sum);
    return status;
}
