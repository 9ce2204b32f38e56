#include "base/json.h"
#include "base/memory.h"
#include "job/task.h"
#include "pomona/version.h"

#include <string.h>
#include <time.h>

static void format_seconds(struct json *json, const struct pomona_features_result *result) {
    json_object(json, "seconds");
    json_number(json, "total", result->seconds);
    json_number(json, "list", result->seconds_list);
    json_number(json, "model", result->seconds_model);
    json_number(json, "commit", result->seconds_commit);
    json_object(json, "summed_over_threads");
    json_number(json, "read", result->seconds_read);
    json_number(json, "decode", result->seconds_decode);
    json_number(json, "resize", result->seconds_resize);
    json_number(json, "net", result->seconds_net);
    json_number(json, "write", result->seconds_write);
    json_number(json, "moments", result->seconds_moments);
    json_object_end(json);
    json_object_end(json);
}

pomona_status run_json_format(const struct pomona_features_result *result, struct buffer *out,
                              struct pomona_error *error) {
    char finished[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(finished, sizeof finished, "%Y-%m-%dT%H:%M:%SZ", &utc);
    struct json json = json_start(out, error);
    json_object(&json, NULL);
    json_text(&json, "pomona", pomona_version());
    json_text(&json, "job", result->uuid);
    json_text(&json, "finished", finished);
    json_object(&json, "counts");
    json_integer(&json, "photos", result->photos);
    json_integer(&json, "rows", result->rows);
    json_integer(&json, "errors", result->errors);
    json_integer(&json, "resumed", result->resumed);
    json_integer(&json, "skipped", result->skipped);
    json_integer(&json, "unlabelled", result->unlabelled);
    json_integer(&json, "duplicates", result->duplicates);
    json_integer(&json, "older", result->older);
    json_integer(&json, "undated", result->undated);
    json_integer(&json, "known", result->known);
    json_integer(&json, "bytes_read", (int64_t)result->bytes_read);
    json_object_end(&json);
    json_object(&json, "total");
    json_integer(&json, "rows", result->total_rows);
    json_integer(&json, "errors", result->total_errors);
    json_integer(&json, "parts", result->total_parts);
    json_object_end(&json);
    json_number(&json, "images_per_second", result->photos_per_second);
    format_seconds(&json, result);
    json_integer(&json, "partitions", result->partitions);
    json_integer(&json, "threads", result->threads);
    json_text(&json, "tier", result->tier);
    json_text(&json, "precision", result->precision);
    json_object(&json, "model");
    json_text(&json, "name", result->model_name);
    json_text(&json, "hash", result->model_hash);
    json_text(&json, "layer", result->layer);
    json_integer(&json, "features", result->features);
    json_boolean(&json, "untrained", result->untrained_model);
    json_object_end(&json);
    json_object(&json, "profile");
    json_text(&json, "text", result->profile_text);
    json_text(&json, "hash", result->profile_hash);
    json_boolean(&json, "assumed", result->profile_assumed);
    json_object_end(&json);
    json_text(&json, "feature_space", result->feature_space);
    json_object(&json, "moments");
    json_text(&json, "hash", result->moments_hash[0] ? result->moments_hash : NULL);
    json_text(&json, "refused", result->moments_refused[0] ? result->moments_refused : NULL);
    json_object_end(&json);
    json_array(&json, "first_failures");
    for (int i = 0; i < POMONA_FAILURES_KEPT && i < result->errors; i++) {
        json_object(&json, NULL);
        json_text(&json, "path", result->failures[i].path);
        json_text(&json, "reason", result->failures[i].reason);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    return json_finish(&json);
}

pomona_status pomona_features_result_json(const struct pomona_features_result *result, char **text,
                                          struct pomona_error *error) {
    enum { JSON_MAX = 1 << 16 };
    struct buffer buffer = BUFFER_INIT(JSON_MAX);
    const char *terminated = NULL;
    *text = NULL;
    pomona_status status = run_json_format(result, &buffer, error);
    if (status == POMONA_OK) status = buffer_terminate(&buffer, &terminated, error);
    if (status == POMONA_OK)
        *text = (char *)buffer.data; /* the caller's from here on */
    else
        buffer_free(&buffer);
    return status;
}

void pomona_features_free_text(char **text) {
    if (!text) return;
    memory_free(*text);
    *text = NULL;
}
