#include "base/memory.h"
#include "job/commit_log.h"
#include "job/error_rows.h"
#include "job/success_file.h"
#include "job/verify_source.h"
#include "pomona/maintenance.h"
#include "pomona/moments.h"
#include "store/folder.h"
#include "table/file_source.h"
#include "table/parquet_reader.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct verifying {
    const struct pomona_context *context;
    const struct pomona_verify_options *options;
    struct pomona_verify_result *result;
    const char *dst; /* as the user calls it */
    const struct verify_source *source;
    char *results;
    struct success success;
    const char **names; /* [success.count], sorted */
    struct pomona_error *error;
};

static void tell(struct verifying *v, const char *kind, const char *file, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(struct verifying *v, const char *kind, const char *file, const char *format, ...) {
    struct pomona_error line = {0};
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* Where something is read from is not what it is called. */
    size_t local = strlen(v->source->folder);
    if (strcmp(v->source->folder, v->dst) != 0 && strncmp(text, v->source->folder, local) == 0) {
        char rest[sizeof text];
        snprintf(rest, sizeof rest, "%s", text + local);
        snprintf(text, sizeof text, "%.200s%.300s", v->dst, rest);
    }
    fail(&line, POMONA_E_CORRUPT, file, "%s", text); /* makes a line that no file name can forge */
    v->result->faults++;
    if (v->options->fault) v->options->fault(v->options->user, kind, file, line.message);
}

static bool is_fatal(pomona_status status) {
    return status == POMONA_E_MEMORY || status == POMONA_E_INTERRUPTED || status == POMONA_E_IO;
}

/* SHA-256 of the whole file. */
static pomona_status hash_source(struct verifying *v, const struct source *source,
                                 char hex[SHA256_HEX_SIZE]) {
    enum { PIECE = 1 << 20 };
    const struct pomona_verify_options *options = v->options;
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE], *piece = memory_new(PIECE, 1);
    pomona_status status = piece ? POMONA_OK : fail_memory(v->error, "verify");
    sha256_start(&hash);
    for (uint64_t at = 0; at < source->size && status == POMONA_OK; at += PIECE) {
        size_t size = source->size - at < PIECE ? (size_t)(source->size - at) : PIECE;
        status = source_read(source, at, piece, size, v->error);
        if (status == POMONA_OK) sha256_add(&hash, piece, size);
        if (status == POMONA_OK && options->should_stop && options->should_stop(options->user))
            status = fail(v->error, POMONA_E_INTERRUPTED, v->dst, "interrupted");
    }
    memory_free(piece);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    return status;
}

static pomona_status check_footer(struct verifying *v, const struct source *source, const char *path,
                                  const struct success_part *part) {
    struct parquet_reader *reader = NULL;
    struct pomona_error cause = {0};
    pomona_status status = parquet_reader_open(*source, &reader, &cause);
    if (status != POMONA_OK) {
        parquet_reader_free(&reader);
        if (is_fatal(status)) return fail(v->error, status, NULL, "%s", cause.message);
        tell(v, "unreadable", path, "is no Parquet file");
        return POMONA_OK;
    }
    if (parquet_reader_rows(reader) != part->rows)
        tell(v, "rows", path, "has %lld rows, _SUCCESS says %lld", (long long)parquet_reader_rows(reader),
             (long long)part->rows);
    const char *space = parquet_reader_property(reader, "pomona.feature_space");
    if (!space || strcmp(space, v->success.feature_space) != 0)
        tell(v, "feature_space", path, "is of feature space %.16s, _SUCCESS says %.16s",
             space ? space : "(none)", v->success.feature_space);
    parquet_reader_free(&reader);
    return POMONA_OK;
}

static pomona_status check_open_part(struct verifying *v, const struct source *source, const char *path,
                                     const struct success_part *part) {
    char hex[SHA256_HEX_SIZE];
    v->result->bytes += source->size;
    if (source->size != (uint64_t)part->bytes) {
        tell(v, "bytes", path, "has %llu bytes, _SUCCESS says %lld", (unsigned long long)source->size,
             (long long)part->bytes);
        return POMONA_OK;
    }
    TRY(hash_source(v, source, hex));
    if (strcmp(hex, part->sha256) != 0) {
        tell(v, "sha256", path, "its bytes are not those that were written: SHA-256 %.16s, not %.16s", hex,
             part->sha256);
        return POMONA_OK;
    }
    return check_footer(v, source, path, part);
}

/* Where a name in DST can be read once the source has brought it. NULL: out of memory. */
static char *local_path(const struct verifying *v, const char *name) {
    return path_join(v->source->folder, name);
}

static pomona_status bring(struct verifying *v, const char *name, struct pomona_error *error) {
    return v->source->bring ? v->source->bring(v->source->self, name, error) : POMONA_OK;
}

static void drop(struct verifying *v, const char *name) {
    if (v->source->drop) v->source->drop(v->source->self, name);
}

static pomona_status read_part(struct verifying *v, const struct success_part *part, const char *local,
                               const char *path) {
    struct file_source file = FILE_SOURCE_INIT;
    struct source source;
    struct pomona_error cause = {0};
    pomona_status status = file_source_open(&file, local, &source, &cause);
    if (status == POMONA_OK) {
        status = check_open_part(v, &source, path, part);
    } else if (is_fatal(status)) {
        fail(v->error, status, NULL, "%s", cause.message);
    } else {
        bool there = path_exists(local);
        tell(v, there ? "unreadable" : "missing", path, there ? "can't be read" : "is missing");
        status = POMONA_OK;
    }
    file_source_close(&file);
    return status;
}

static pomona_status check_part(struct verifying *v, const struct success_part *part) {
    struct pomona_error cause = {0};
    char *name = path_join("Results", part->name), *path = path_join(v->results, part->name);
    char *local = name ? local_path(v, name) : NULL;
    pomona_status status = local && path ? bring(v, name, &cause) : fail_memory(&cause, "path");
    if (is_fatal(status))
        fail(v->error, status, NULL, "%s", cause.message);
    else if (status == POMONA_OK || status == POMONA_E_INPUT) /* what is missing is not there to be read */
        status = read_part(v, part, local, path);
    else
        tell(v, "unreadable", path, "%s", cause.message);
    if (!is_fatal(status)) status = POMONA_OK;
    if (name) drop(v, name);
    memory_free(name);
    memory_free(local);
    memory_free(path);
    return status;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static pomona_status sort_names(struct verifying *v) {
    v->names = memory_new(v->success.count + 1, sizeof *v->names);
    if (!v->names) return fail_memory(v->error, "names");
    for (size_t i = 0; i < v->success.count; i++) v->names[i] = v->success.parts[i].name;
    if (v->success.count > 1) qsort((void *)v->names, v->success.count, sizeof *v->names, compare_names);
    for (size_t i = 1; i < v->success.count; i++)
        if (strcmp(v->names[i], v->names[i - 1]) == 0)
            tell(v, "twice", v->names[i], "is named twice by _SUCCESS");
    return POMONA_OK;
}

/* What readers of the folder would take for a part, and is none. Names with `_` or `.` are nobody's business. */
static pomona_status check_stranger(void *user, const char *name, struct pomona_error *error) {
    struct verifying *v = user;
    if (name[0] == '_' || name[0] == '.') return POMONA_OK;
    if (v->success.count > 0 &&
        bsearch(&name, (const void *)v->names, v->success.count, sizeof *v->names, compare_names))
        return POMONA_OK;
    char *path = path_join(v->results, name);
    if (!path) return fail_memory(error, "path");
    tell(v, "stranger", path, "_SUCCESS does not name it");
    memory_free(path);
    return POMONA_OK;
}

static pomona_status list_folder(struct verifying *v) {
    DIR *stream = opendir(v->results);
    if (!stream) return fail_errno(v->error, errno, 1, v->results, "cannot list");
    pomona_status status = POMONA_OK;
    for (struct dirent *entry; status == POMONA_OK && (entry = readdir(stream));)
        status = check_stranger(v, entry->d_name, v->error);
    closedir(stream);
    return status;
}

static pomona_status check_strangers(struct verifying *v) {
    if (!v->source->list) return list_folder(v);
    return v->source->list(v->source->self, check_stranger, v, v->error);
}

static pomona_status check_errors(struct verifying *v) {
    struct error_rows rows = ERROR_ROWS_INIT;
    struct pomona_error cause = {0};
    char *folder = path_join(v->dst, "Errors"), *local = local_path(v, "Errors");
    pomona_status status = folder && local ? bring(v, "Errors/", &cause) : fail_memory(&cause, "path");
    if (status == POMONA_OK) status = error_rows_read(local, 1, &rows, &cause);
    if (is_fatal(status))
        fail(v->error, status, NULL, "%s", cause.message);
    else if (status != POMONA_OK)
        tell(v, "errors", folder, "%s", cause.message);
    else if (rows.total != v->success.errors)
        tell(v, "errors", folder, "has %lld rows, _SUCCESS says %lld", (long long)rows.total,
             (long long)v->success.errors);
    error_rows_free(&rows);
    drop(v, "Errors/");
    memory_free(local);
    memory_free(folder);
    return is_fatal(status) ? status : POMONA_OK;
}

/* The hash that ends the file, which _moments_read has compared with its content. */
static pomona_status moments_hash(const char *path, char hex[SHA256_HEX_SIZE], struct pomona_error *error) {
    struct file_source file = FILE_SOURCE_INIT;
    struct source source;
    uint8_t digest[SHA256_SIZE];
    TRY(file_source_open(&file, path, &source, error));
    pomona_status status = source_read(&source, source.size < SHA256_SIZE ? 0 : source.size - SHA256_SIZE,
                                       digest, sizeof digest, error);
    file_source_close(&file);
    if (status == POMONA_OK) sha256_hex(digest, hex);
    return status;
}

static pomona_status check_moments_file(struct verifying *v, const char *local, const char *path) {
    struct pomona_moments *moments = NULL;
    struct pomona_moments_info info;
    struct pomona_error cause = {0};
    char hex[SHA256_HEX_SIZE] = "";
    pomona_status status = pomona_moments_read(v->context, local, &moments, &cause);
    if (status == POMONA_OK) status = moments_hash(local, hex, &cause);
    if (is_fatal(status)) {
        pomona_moments_free(&moments);
        return fail(v->error, status, NULL, "%s", cause.message);
    }
    if (status != POMONA_OK) {
        tell(v, "moments", path, "%s", cause.message);
        pomona_moments_free(&moments);
        return POMONA_OK;
    }
    pomona_moments_get_info(moments, &info);
    if (info.rows != v->success.rows)
        tell(v, "moments", path, "is of %lld rows, _SUCCESS says %lld", (long long)info.rows,
             (long long)v->success.rows);
    else if (strcmp(info.feature_space, v->success.feature_space) != 0)
        tell(v, "moments", path, "is of feature space %.16s, _SUCCESS says %.16s", info.feature_space,
             v->success.feature_space);
    else if (v->success.moments[0] && strcmp(hex, v->success.moments) != 0)
        tell(v, "moments", path, "is not the one that was written with Results");
    pomona_moments_free(&moments);
    return POMONA_OK;
}

static pomona_status check_moments(struct verifying *v) {
    static const char name[] = "moments.pom";
    struct pomona_error cause = {0};
    char *path = path_join(v->dst, name), *local = local_path(v, name);
    pomona_status status = path && local ? bring(v, name, &cause) : fail_memory(&cause, "path");
    if (status != POMONA_OK && status != POMONA_E_INPUT) {
        fail(v->error, status, NULL, "%s", cause.message);
    } else {
        status = POMONA_OK;
        if (path_exists(local))
            status = check_moments_file(v, local, path);
        else if (v->success.moments[0])
            tell(v, "moments", path, "is missing");
    }
    drop(v, name);
    memory_free(local);
    memory_free(path);
    return status;
}

static bool is_interrupted_folder(const char *dst) {
    char *staging = path_join(dst, "_temporary"), *job = staging ? path_join(staging, "job") : NULL;
    bool interrupted = job && (path_exists(job) || commit_log_pending(staging));
    memory_free(staging);
    memory_free(job);
    return interrupted;
}

static pomona_status verify(struct verifying *v) {
    struct pomona_verify_result *result = v->result;
    int64_t rows = 0;
    v->results = path_join(v->dst, "Results");
    if (!v->results) return fail_memory(v->error, "path");
    result->interrupted = v->source->bring ? v->source->interrupted : is_interrupted_folder(v->dst);
    TRY(bring(v, "Results/_SUCCESS", v->error));
    char *local = local_path(v, "Results");
    pomona_status status = local ? success_read(local, &v->success, v->error) : fail_memory(v->error, "path");
    memory_free(local);
    TRY(status);
    result->parts = (int64_t)v->success.count;
    result->rows = v->success.rows;
    result->errors = v->success.errors;
    memcpy(result->job, v->success.job, sizeof result->job);
    memcpy(result->feature_space, v->success.feature_space, sizeof result->feature_space);
    TRY(sort_names(v));
    for (size_t i = 0; i < v->success.count; i++) {
        TRY(check_part(v, &v->success.parts[i]));
        rows += v->success.parts[i].rows;
    }
    if (rows != v->success.rows)
        tell(v, "rows", v->results, "its parts have %lld rows in all, _SUCCESS says %lld", (long long)rows,
             (long long)v->success.rows);
    TRY(check_strangers(v));
    TRY(check_errors(v));
    return check_moments(v);
}

pomona_status verify_source(const struct pomona_context *context, const char *dst,
                            const struct verify_source *source, const struct pomona_verify_options *options,
                            struct pomona_verify_result *result, struct pomona_error *error) {
    static const struct pomona_verify_options none = {.fault = NULL};
    struct pomona_verify_result own;
    struct pomona_error own_error;
    if (!result) result = &own;
    memset(result, 0, sizeof *result);
    struct verifying v = {.context = context,
                          .options = options ? options : &none,
                          .result = result,
                          .dst = dst,
                          .source = source,
                          .success = SUCCESS_INIT,
                          .error = error ? error : &own_error};
    pomona_status status = verify(&v);
    success_free(&v.success);
    memory_free((void *)v.names);
    memory_free(v.results);
    if (status == POMONA_OK && result->faults > 0)
        return fail(error, POMONA_E_CORRUPT, dst, "%lld faults", (long long)result->faults);
    return status;
}

pomona_status pomona_verify(const struct pomona_context *context, const char *dst,
                            const struct pomona_verify_options *options, struct pomona_verify_result *result,
                            struct pomona_error *error) {
    return verify_source(context, dst, &(struct verify_source){.folder = dst}, options, result, error);
}
