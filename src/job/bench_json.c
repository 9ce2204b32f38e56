#include "base/json.h"
#include "base/memory.h"
#include "pomona/bench.h"
#include "pomona/version.h"

static void add_row(struct json *json, const struct pomona_bench_row *row) {
    json_object(json, NULL);
    json_text(json, "stage", row->stage);
    json_integer(json, "threads", row->threads);
    json_integer(json, "batch", row->batch ? row->batch : 1);
    json_integer(json, "runs", row->runs);
    json_integer(json, "photos", row->photos);
    json_number(json, "photos_per_second", row->photos_per_second);
    json_number(json, "photos_per_second_low", row->low);
    json_number(json, "photos_per_second_high", row->high);
    json_number(json, "ms_per_photo", row->ms_per_photo);
    json_number(json, "ghz_before", row->ghz_before);
    json_number(json, "ghz_after", row->ghz_after);
    json_number(json, "gmacs", row->gmacs);
    json_number(json, "fraction_of_peak", row->fraction);
    json_object_end(json);
}

static void add_peaks(struct json *json, const struct pomona_bench_result *result) {
    json_array(json, "peaks");
    for (int i = 0; i < result->peak_count; i++) {
        const struct pomona_bench_peak *peak = &result->peaks[i];
        json_object(json, NULL);
        json_integer(json, "threads", peak->threads);
        json_number(json, "ghz", peak->ghz);
        json_number(json, "fp32_gmacs", peak->f32);
        json_number(json, "int8_gmacs", peak->u8s8);
        json_object_end(json);
    }
    json_array_end(json);
}

static void add_photos(struct json *json, const struct pomona_bench_result *result) {
    json_object(json, "photos");
    json_boolean(json, "synthetic", result->synthetic);
    json_integer(json, "count", result->photos);
    json_integer(json, "failed", result->failed);
    json_text(json, "first_failure", result->first_failure[0] ? result->first_failure : NULL);
    json_number(json, "mean_bytes", result->photo_bytes);
    json_number(json, "mean_megapixels", result->photo_megapixels);
    json_object_end(json);
}

static pomona_status format(const struct pomona_bench_result *result, struct buffer *out,
                            struct pomona_error *error) {
    struct json json = json_start(out, error);
    json_object(&json, NULL);
    json_text(&json, "pomona", pomona_version());
    json_text(&json, "tier", result->tier);
    json_object(&json, "model");
    json_text(&json, "name", result->model_name);
    json_text(&json, "hash", result->model_hash);
    json_text(&json, "profile", result->profile_text);
    json_text(&json, "precision", result->precision);
    json_integer(&json, "macs", (int64_t)result->macs);
    json_object_end(&json);
    add_photos(&json, result);
    add_peaks(&json, result);
    json_number(&json, "run_seconds", result->run_seconds);
    json_number(&json, "seconds", result->seconds);
    json_array(&json, "rows");
    for (int i = 0; i < result->row_count; i++) add_row(&json, &result->rows[i]);
    json_array_end(&json);
    json_object_end(&json);
    return json_finish(&json);
}

pomona_status pomona_bench_result_json(const struct pomona_bench_result *result, char **text,
                                       struct pomona_error *error) {
    enum { JSON_MAX = 1 << 16 };
    struct buffer buffer = BUFFER_INIT(JSON_MAX);
    const char *terminated = NULL;
    *text = NULL;
    pomona_status status = format(result, &buffer, error);
    if (status == POMONA_OK) status = buffer_terminate(&buffer, &terminated, error);
    if (status == POMONA_OK)
        *text = (char *)buffer.data; /* the caller's from here on */
    else
        buffer_free(&buffer);
    return status;
}

void pomona_bench_free_text(char **text) {
    if (!text) return;
    memory_free(*text);
    *text = NULL;
}
