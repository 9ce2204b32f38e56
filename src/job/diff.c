#include "pomona/diff.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "pomona/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rows are matched by the hash of their path, a share of the hashes at a time, so that memory stays bounded: in each
 * pass the rows of A whose hash falls into the share are kept, and those of B looked up among them. */
enum { PASS_BYTES = 192 << 20 };

struct kept_row {
    uint64_t hash;
    int64_t next; /* in the same bucket; -1: last */
    const char *path, *label;
    bool found; /* B has it too */
};

struct diff {
    const char *a, *b;
    struct pomona_diff_result *result;
    struct pomona_error *error;
    struct pomona_feature_reader *reader_a, *reader_b;
    size_t features;
    char *prefix_a, *prefix_b; /* what to leave out at the front of a side's paths; NULL: nothing */
    int passes;
    /* of one pass */
    struct arena texts;
    struct kept_row *rows;
    float *values;
    int64_t *buckets;
    int64_t kept, capacity;
    double abs_sum, cosine_sum;
};

static bool in_pass(const struct diff *diff, uint64_t hash, int pass) {
    return (int)((hash >> 40) % (unsigned)diff->passes) == pass;
}

static struct kept_row *find(const struct diff *diff, const char *path, uint64_t hash) {
    for (int64_t i = diff->buckets[hash % (uint64_t)diff->capacity]; i >= 0; i = diff->rows[i].next)
        if (diff->rows[i].hash == hash && strcmp(diff->rows[i].path, path) == 0) return &diff->rows[i];
    return NULL;
}

static pomona_status keep(struct diff *diff, const struct pomona_feature_row *row, const char *path,
                          uint64_t hash) {
    if (find(diff, path, hash))
        return fail(diff->error, POMONA_E_INPUT, diff->a, "path '%s' occurs twice", row->path);
    if (diff->kept == diff->capacity)
        return fail(diff->error, POMONA_E_INTERNAL, diff->a, "rows are spread unevenly over the passes");
    struct kept_row *kept = &diff->rows[diff->kept];
    int64_t *bucket = &diff->buckets[hash % (uint64_t)diff->capacity];
    *kept = (struct kept_row){hash, *bucket, arena_copy_text(&diff->texts, path, strlen(path)), NULL, false};
    if (row->label) kept->label = arena_copy_text(&diff->texts, row->label, strlen(row->label));
    if (!kept->path || (row->label && !kept->label)) return fail_memory(diff->error, "paths");
    *bucket = diff->kept;
    memcpy(diff->values + (size_t)diff->kept * diff->features, row->features, diff->features * sizeof(float));
    diff->kept++;
    return POMONA_OK;
}

/* |a - b| where equal values, infinities and NaN on both sides count as no difference. */
static double difference(float a, float b) {
    if (a == b || (isnan(a) && isnan(b))) return 0;
    return fabs((double)a - (double)b);
}

static void compare_values(struct diff *diff, const char *path, const float *a, const float *b) {
    struct pomona_diff_result *result = diff->result;
    double worst = 0, sum = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < diff->features; i++) {
        double d = difference(a[i], b[i]);
        if (d > worst || isnan(d)) worst = d;
        sum += d;
        aa += (double)a[i] * a[i], bb += (double)b[i] * b[i], ab += (double)a[i] * b[i];
    }
    double cosine = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : (aa == bb ? 1 : 0);
    if (memcmp(a, b, diff->features * sizeof(float)) == 0) result->identical++;
    if (worst > result->max_abs || isnan(worst) || !result->worst_path[0]) {
        if (!isnan(result->max_abs)) {
            result->max_abs = worst;
            snprintf(result->worst_path, sizeof result->worst_path, "%s", path);
        }
    }
    if (result->common == 0 || cosine < result->cosine_min || isnan(cosine)) result->cosine_min = cosine;
    diff->abs_sum += sum;
    diff->cosine_sum += cosine;
    result->common++;
}

static void note_missing(struct pomona_diff_result *result, const char *path) {
    if (!result->missing_path[0]) snprintf(result->missing_path, sizeof result->missing_path, "%s", path);
}

static bool same_label(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static pomona_status look_up(struct diff *diff, const struct pomona_feature_row *row, const char *path,
                             uint64_t hash) {
    struct kept_row *kept = find(diff, path, hash);
    if (!kept) {
        diff->result->only_b++;
        note_missing(diff->result, row->path);
        return POMONA_OK;
    }
    if (kept->found) return fail(diff->error, POMONA_E_INPUT, diff->b, "path '%s' occurs twice", row->path);
    kept->found = true;
    if (!same_label(kept->label, row->label)) diff->result->labels_differ++;
    compare_values(diff, row->path, diff->values + (size_t)(kept - diff->rows) * diff->features,
                   row->features);
    return POMONA_OK;
}

/* Calls `take` for the rows of one side that belong to the pass. */
static pomona_status
scan(struct diff *diff, struct pomona_feature_reader *reader, const char *prefix, int pass,
     pomona_status (*take)(struct diff *, const struct pomona_feature_row *, const char *, uint64_t)) {
    struct pomona_feature_row row;
    bool has_row;
    TRY(pomona_feature_reader_rewind(reader, diff->error));
    for (;;) {
        TRY(pomona_feature_reader_next(reader, &row, &has_row, diff->error));
        if (!has_row) return POMONA_OK;
        const char *path = row.path;
        if (prefix && strncmp(path, prefix, strlen(prefix)) == 0) path += strlen(prefix);
        uint64_t hash = text_hash(path);
        if (in_pass(diff, hash, pass)) TRY(take(diff, &row, path, hash));
    }
}

static pomona_status run_pass(struct diff *diff, int pass) {
    diff->kept = 0;
    arena_free(&diff->texts);
    for (int64_t i = 0; i < diff->capacity; i++) diff->buckets[i] = -1;
    TRY(scan(diff, diff->reader_a, diff->prefix_a, pass, keep));
    TRY(scan(diff, diff->reader_b, diff->prefix_b, pass, look_up));
    for (int64_t i = 0; i < diff->kept; i++)
        if (!diff->rows[i].found) {
            diff->result->only_a++;
            note_missing(diff->result, diff->rows[i].path);
        }
    return POMONA_OK;
}

/* Length of the longest common end of two paths that begins behind a slash in both (or is a whole path). */
static size_t common_end(const char *a, size_t size_a, const char *b, size_t size_b) {
    size_t same = 0, best = 0;
    while (same < size_a && same < size_b && a[size_a - 1 - same] == b[size_b - 1 - same]) {
        same++;
        bool starts_a = same == size_a || a[size_a - 1 - same] == '/';
        bool starts_b = same == size_b || b[size_b - 1 - same] == '/';
        if (starts_a && starts_b) best = same;
    }
    return best;
}

/* Finds what to leave out at the front of each side's paths: looks for the row of A whose path ends most like the first
 * path of B. */
static pomona_status match_prefixes(struct diff *diff) {
    struct pomona_feature_row row;
    bool has_row;
    size_t best = 0;
    TRY(pomona_feature_reader_rewind(diff->reader_b, diff->error));
    TRY(pomona_feature_reader_next(diff->reader_b, &row, &has_row, diff->error));
    diff->prefix_b = memory_copy_string(row.path);
    if (!diff->prefix_b) return fail_memory(diff->error, "paths");
    size_t size_b = strlen(diff->prefix_b);
    TRY(pomona_feature_reader_rewind(diff->reader_a, diff->error));
    for (;;) {
        TRY(pomona_feature_reader_next(diff->reader_a, &row, &has_row, diff->error));
        if (!has_row) break;
        size_t size = strlen(row.path), end = common_end(row.path, size, diff->prefix_b, size_b);
        if (end <= best) continue;
        best = end;
        memory_free(diff->prefix_a);
        diff->prefix_a = memory_copy_string(row.path);
        if (!diff->prefix_a) return fail_memory(diff->error, "paths");
        diff->prefix_a[size - end] = '\0';
    }
    diff->prefix_b[size_b - best] = '\0';
    return POMONA_OK;
}

static void reset(struct diff *diff, int64_t rows_a, int64_t rows_b) {
    *diff->result =
        (struct pomona_diff_result){.rows_a = rows_a, .rows_b = rows_b, .features = (int)diff->features};
    diff->abs_sum = diff->cosine_sum = 0;
}

static pomona_status run_passes(struct diff *diff, int64_t rows_a, int64_t rows_b) {
    reset(diff, rows_a, rows_b);
    for (int pass = 0; pass < diff->passes; pass++) TRY(run_pass(diff, pass));
    if (diff->result->common > 0) {
        double common = (double)diff->result->common;
        diff->result->mean_abs = diff->abs_sum / (common * (double)diff->features);
        diff->result->cosine_mean = diff->cosine_sum / common;
    }
    return POMONA_OK;
}

static pomona_status allocate(struct diff *diff, int64_t rows) {
    size_t row_bytes = diff->features * sizeof(float) + sizeof(struct kept_row) + sizeof(int64_t) + 256;
    int64_t per_pass = PASS_BYTES / (int64_t)row_bytes + 1;
    diff->passes = (int)(rows / per_pass) + 1;
    /* The hash spreads rows evenly; a quarter and 1,000 more than the mean is far beyond chance. */
    diff->capacity = rows / diff->passes + rows / diff->passes / 4 + 1000;
    diff->rows = memory_new((size_t)diff->capacity, sizeof *diff->rows);
    diff->values =
        memory_new(size_multiply((size_t)diff->capacity, diff->features ? diff->features : 1), sizeof(float));
    diff->buckets = memory_new((size_t)diff->capacity, sizeof *diff->buckets);
    return diff->rows && diff->values && diff->buckets ? POMONA_OK : fail_memory(diff->error, "diff");
}

static pomona_status run_diff(struct diff *diff) {
    struct pomona_feature_info info_a, info_b;
    TRY(pomona_feature_reader_open(diff->a, &diff->reader_a, diff->error));
    TRY(pomona_feature_reader_open(diff->b, &diff->reader_b, diff->error));
    pomona_feature_reader_info(diff->reader_a, &info_a);
    pomona_feature_reader_info(diff->reader_b, &info_b);
    if (info_a.rows && info_b.rows && info_a.features != info_b.features)
        return fail(diff->error, POMONA_E_INPUT, diff->b, "has %d features, %s has %d", info_b.features,
                    diff->a, info_a.features);
    diff->features = (size_t)(info_a.rows ? info_a.features : info_b.features);
    TRY(allocate(diff, info_a.rows));
    TRY(run_passes(diff, info_a.rows, info_b.rows));
    if (diff->result->common > 0 || info_a.rows == 0 || info_b.rows == 0) return POMONA_OK;
    TRY(match_prefixes(diff));
    if (!diff->prefix_a) return POMONA_OK; /* no two paths end alike */
    TRY(run_passes(diff, info_a.rows, info_b.rows));
    diff->result->prefixes_removed = true;
    return POMONA_OK;
}

pomona_status pomona_diff_run(const char *a, const char *b, struct pomona_diff_result *result,
                              struct pomona_error *error) {
    struct diff diff = {.a = a, .b = b, .result = result, .error = error, .texts = ARENA_INIT(PASS_BYTES)};
    memset(result, 0, sizeof *result);
    pomona_status status = run_diff(&diff);
    arena_free(&diff.texts);
    memory_free(diff.prefix_a);
    memory_free(diff.prefix_b);
    memory_free(diff.rows);
    memory_free(diff.values);
    memory_free(diff.buckets);
    pomona_feature_reader_free(&diff.reader_a);
    pomona_feature_reader_free(&diff.reader_b);
    return status;
}
