#include "base/file_sink.h"
#include "base/json.h"
#include "job/comparison.h"
#include "pomona/version.h"
#include "table/csv.h"

#include <math.h>
#include <time.h>

/* ---- comparison.csv ---- */

static const char *const columns[] = {
    "model",    "path",        "precision",  "decode",      "width",        "height",    "head",
    "classes",  "groups",      "photos",     "unknown",     "failed",       "rejected",  "top1",
    "top1_low", "top1_high",   "coarse",     "coarse_low",  "coarse_high",  "ms",        "ms_low",
    "ms_high",  "p99_ms",      "p99_ms_low", "p99_ms_high", "photos_per_s", "per_s_low", "per_s_high",
    "ready_ms", "peak_memory", "file_bytes", "head_bytes",  "macs",         "joules",    "cpu_seconds",
    "timed",    "answered",    "p",          "front",       "fits",         "tied",      "recommended",
    "hash",     "error"};

/* Empty where there is nothing. */
static void put_number(struct csv_writer *csv, bool known, double value) {
    if (known && isfinite(value))
        csv_number(csv, value);
    else
        csv_text(csv, "");
}

static void put_count(struct csv_writer *csv, bool known, uint64_t value) {
    if (known)
        csv_integer(csv, (int64_t)value);
    else
        csv_text(csv, "");
}

static void put_share(struct csv_writer *csv, const struct pomona_compare_share *share) {
    put_number(csv, share->of > 0, share->share);
    put_number(csv, share->of > 0, share->low);
    put_number(csv, share->of > 0, share->high);
}

static void put_figure(struct csv_writer *csv, bool known, const struct pomona_compare_figure *figure) {
    put_number(csv, known, figure->median);
    put_number(csv, known, figure->low);
    put_number(csv, known, figure->high);
}

static void put_facts(struct csv_writer *csv, const struct pomona_compare_row *row) {
    bool described = row->width > 0, judged = compare_measured(row) && row->kind[0];
    csv_text(csv, row->name);
    csv_text(csv, row->path);
    csv_text(csv, row->precision);
    csv_text(csv, row->decode);
    put_count(csv, described, (uint64_t)row->width);
    put_count(csv, described, (uint64_t)row->height);
    csv_text(csv, row->kind);
    put_count(csv, described, (uint64_t)row->classes);
    put_count(csv, described, (uint64_t)row->groups);
    put_count(csv, judged, (uint64_t)row->photos);
    put_count(csv, judged, (uint64_t)row->unknown);
    put_count(csv, judged, (uint64_t)row->failed);
    put_count(csv, judged, (uint64_t)row->rejected);
    put_share(csv, &row->fine);
    put_share(csv, &row->coarse);
}

static void put_row(struct csv_writer *csv, const struct pomona_compare_result *result, int index) {
    const struct pomona_compare_row *row = &result->rows[index];
    bool known = compare_measured(row);
    put_facts(csv, row);
    put_figure(csv, known, &row->ms);
    put_figure(csv, known, &row->p99_ms);
    put_figure(csv, known, &row->photos_per_second);
    put_number(csv, known, row->ready_ms.median);
    put_count(csv, row->peak_memory > 0, row->peak_memory);
    put_count(csv, row->file_bytes > 0, row->file_bytes);
    put_count(csv, row->kind[0] != '\0', row->head_bytes);
    put_count(csv, row->macs > 0, row->macs);
    put_number(csv, known, row->joules.median);
    put_number(csv, known, row->cpu_seconds.median);
    put_count(csv, known, (uint64_t)row->timed);
    put_number(csv, compare_judged(row), row->answered);
    put_number(csv, compare_judged(row), row->p);
    csv_integer(csv, row->front);
    csv_integer(csv, row->fits);
    csv_integer(csv, row->tied);
    csv_integer(csv, index == result->chosen);
    csv_text(csv, row->hash);
    csv_text(csv, row->error);
    csv_end_record(csv);
}

pomona_status compare_write_csv(const struct pomona_compare_result *result, const char *path,
                                struct pomona_error *error) {
    enum { CSV_MAX = 16 << 20 };
    struct buffer text = BUFFER_INIT(CSV_MAX);
    struct csv_writer csv = csv_start(sink_to_buffer(&text), error);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) csv_text(&csv, columns[i]);
    csv_end_record(&csv);
    for (int i = 0; i < result->row_count; i++) put_row(&csv, result, i);
    pomona_status status = csv_finish(&csv);
    if (status == POMONA_OK) status = file_write(path, text.data, text.size, error);
    buffer_free(&text);
    return status;
}

/* ---- comparison.json ---- */

static void add_share(struct json *json, const char *key, const struct pomona_compare_share *share) {
    if (share->of == 0) {
        json_text(json, key, NULL);
        return;
    }
    json_object(json, key);
    json_integer(json, "right", share->right);
    json_integer(json, "of", share->of);
    json_number(json, "share", share->share);
    json_number(json, "low", share->low);
    json_number(json, "high", share->high);
    json_object_end(json);
}

static void add_figure(struct json *json, const char *key, const struct pomona_compare_figure *figure) {
    if (!isfinite(figure->median)) {
        json_text(json, key, NULL);
        return;
    }
    json_object(json, key);
    json_number(json, "median", figure->median);
    json_number(json, "low", figure->low);
    json_number(json, "high", figure->high);
    json_object_end(json);
}

static void add_figures(struct json *json, const struct pomona_compare_row *row) {
    if (row->kind[0]) {
        json_integer(json, "photos", row->photos);
        json_integer(json, "unknown", row->unknown);
        json_integer(json, "failed", row->failed);
        json_integer(json, "rejected", row->rejected);
        add_share(json, "top1", &row->fine);
        add_share(json, "coarse", &row->coarse);
    }
    add_figure(json, "ready_ms", &row->ready_ms);
    add_figure(json, "ms", &row->ms);
    add_figure(json, "p99_ms", &row->p99_ms);
    json_integer(json, "timed", row->timed);
    add_figure(json, "photos_per_second", &row->photos_per_second);
    add_figure(json, "joules", &row->joules);
    add_figure(json, "cpu_seconds", &row->cpu_seconds);
    json_integer(json, "peak_memory", (int64_t)row->peak_memory);
    if (compare_judged(row)) {
        json_number(json, "answered", row->answered);
        json_number(json, "p", row->p);
    }
    json_boolean(json, "front", row->front);
    json_boolean(json, "fits", row->fits);
    json_boolean(json, "tied", row->tied);
    json_array(json, "exceeds");
    if (row->over_memory) json_text(json, NULL, "memory");
    if (row->over_ms) json_text(json, NULL, "ms");
    if (row->over_p99) json_text(json, NULL, "p99");
    if (row->over_bytes) json_text(json, NULL, "bytes");
    json_array_end(json);
}

static void add_row(struct json *json, const struct pomona_compare_row *row) {
    json_object(json, NULL);
    json_text(json, "model", row->name);
    json_text(json, "path", row->path[0] ? row->path : NULL);
    json_text(json, "error", row->error[0] ? row->error : NULL);
    if (row->width > 0) {
        json_text(json, "hash", row->hash);
        json_text(json, "head", row->kind[0] ? row->kind : NULL);
        json_text(json, "precision", row->precision);
        json_text(json, "decode", row->decode);
        json_integer(json, "width", row->width);
        json_integer(json, "height", row->height);
        json_integer(json, "classes", row->classes);
        json_integer(json, "groups", row->groups);
        json_integer(json, "macs", (int64_t)row->macs);
        json_integer(json, "file_bytes", (int64_t)row->file_bytes);
        json_integer(json, "head_bytes", (int64_t)row->head_bytes);
    }
    if (compare_measured(row)) add_figures(json, row);
    json_object_end(json);
}

static void add_index(struct json *json, const char *key, int index) {
    if (index < 0)
        json_text(json, key, NULL);
    else
        json_integer(json, key, index);
}

static void add_choice(struct json *json, const struct pomona_compare_result *result) {
    static const char *const reasons[] = {"no-accuracy", "none-fits", "most-accurate", "cheaper-as-good"};
    const struct pomona_compare_budget *budget = &result->budget;
    json_object(json, "budget");
    if (budget->memory) json_integer(json, "memory", (int64_t)budget->memory);
    if (budget->ms > 0) json_number(json, "ms", budget->ms);
    if (budget->p99 > 0) json_number(json, "p99", budget->p99);
    if (budget->bytes) json_integer(json, "bytes", (int64_t)budget->bytes);
    json_object_end(json);
    json_object(json, "recommendation");
    json_text(json, "reason", reasons[result->reason]);
    add_index(json, "chosen", result->chosen);
    add_index(json, "most_accurate", result->best);
    add_index(json, "nearest", result->nearest);
    json_boolean(json, "labels_differ", result->labels_differ);
    json_text(json, "text", result->advice);
    json_object_end(json);
}

static void add_method(struct json *json, const struct pomona_compare_result *result) {
    json_integer(json, "threads", result->threads);
    json_integer(json, "rounds", result->rounds);
    json_text(json, "tier", result->tier);
    json_text(json, "energy", result->has_joules ? "rapl, whole packages" : "cpu seconds, no RAPL readable");
    json_text(json, "memory",
              "peak resident set of a process that answers photos one by one, program and libraries "
              "included");
}

pomona_status compare_write_json(const struct pomona_compare_result *result, const char *source,
                                 const char *path, struct pomona_error *error) {
    enum { JSON_MAX = 16 << 20 };
    struct buffer text = BUFFER_INIT(JSON_MAX);
    char finished[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(finished, sizeof finished, "%Y-%m-%dT%H:%M:%SZ", &utc);
    struct json json = json_start(&text, error);
    json_object(&json, NULL);
    json_text(&json, "pomona", pomona_version());
    json_text(&json, "finished", finished);
    json_text(&json, "source", source);
    json_integer(&json, "photos", result->photos);
    json_integer(&json, "unlabelled", result->unlabelled);
    json_number(&json, "seconds", result->seconds);
    add_method(&json, result);
    add_choice(&json, result);
    json_array(&json, "rows");
    for (int i = 0; i < result->row_count; i++) add_row(&json, &result->rows[i]);
    json_array_end(&json);
    json_object_end(&json);
    pomona_status status = json_finish(&json);
    if (status == POMONA_OK) status = file_write(path, text.data, text.size, error);
    buffer_free(&text);
    return status;
}
