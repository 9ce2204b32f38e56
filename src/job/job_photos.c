/* Which photos a features job is about. */
#include "base/file_sink.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time_text.h"
#include "job/labels.h"
#include "job/manifest.h"
#include "job/photos.h"
#include "job/task.h"
#include "store/folder.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* "TEXT SECONDS" of an interrupted run: "24h" goes on meaning what it meant when the job began, or it could never be resumed. */
static bool recall_since(const struct job *job, int64_t *since) {
    struct buffer text = BUFFER_INIT(4096);
    const char *line = NULL;
    size_t length = strlen(job->options->since);
    long long seconds;
    bool known = job->options->resume && file_read(job->folders.since, &text, NULL) == POMONA_OK &&
                 buffer_terminate(&text, &line, NULL) == POMONA_OK &&
                 strncmp(line, job->options->since, length) == 0 && line[length] == ' ' &&
                 text_parse_int(line + length + 1, INT64_MIN, INT64_MAX, &seconds);
    if (known) *since = seconds;
    buffer_free(&text);
    return known;
}

pomona_status job_photos_since(struct job *job, struct pomona_error *error) {
    const char *text = job->options->since;
    if (!text || (time_is_relative(text) && recall_since(job, &job->since))) return POMONA_OK;
    if (!time_parse_since(text, (int64_t)time(NULL), &job->since))
        return fail(error, POMONA_E_USAGE, NULL,
                    "since: '%.60s' is no time; 2026-03-31, 2026-03-31T22:00Z, @1774994400, 24h and 7d are",
                    text);
    return POMONA_OK;
}

pomona_status job_photos_note_since(const struct job *job, struct pomona_error *error) {
    char line[128];
    const char *text = job->options->since;
    if (!text || !time_is_relative(text)) return path_remove(job->folders.since, error);
    int length = snprintf(line, sizeof line, "%s %lld", text, (long long)job->since);
    return file_write(job->folders.since, line, (size_t)length, error);
}

static void drop_older(struct job *job) {
    struct listing *listing = &job->photos;
    size_t kept = 0;
    for (size_t i = 0; i < listing->count; i++) {
        const struct listed_photo *photo = &listing->photos[i];
        if (photo->modified && photo->modified < job->since) continue;
        job->result->undated += !photo->modified;
        listing->photos[kept++] = *photo;
    }
    job->result->older = (int64_t)(listing->count - kept);
    listing->count = kept;
}

static pomona_status list(struct job *job, struct pomona_error *error) {
    const struct pomona_features_options *options = job->options;
    const char *glob = options->glob ? options->glob : "*.jpg";
    int64_t unlabelled;
    if (options->manifest) {
        const struct manifest_request request = {.file = options->manifest,
                                                 .name = options->manifest_name,
                                                 .source = options->source,
                                                 .glob = glob,
                                                 .places = options->places,
                                                 .should_stop = options->should_stop,
                                                 .user = options->user};
        struct manifest_counts counts;
        TRY(manifest_list(&request, &job->photos, &counts, error));
        job->result->duplicates = counts.duplicates;
        if (job->photos.count == 0 && !job->increment.adds)
            return fail(error, POMONA_E_INPUT, request.name ? request.name : request.file,
                        "no photo of it matches '%s' (%lld rows)", glob, (long long)counts.rows);
        return POMONA_OK;
    }
    if (job->increment.adds && options->retry_failed && !options->only_new)
        return increment_list_failed(job, error);
    return photos_list(options->places, options->source, glob, NULL, 0, options->should_stop, options->user,
                       &job->photos, &unlabelled, error);
}

pomona_status job_photos_select(struct job *job, struct pomona_error *error) {
    const struct pomona_features_options *options = job->options;
    struct pomona_features_result *result = job->result;
    struct listing *listing = &job->photos;
    TRY(list(job, error));
    result->skipped = listing->skipped;
    if (options->since) drop_older(job);
    TRY(increment_select(job, error));
    if (listing->count == 0 && !job->increment.adds) {
        char since[32];
        time_format_iso(job->since, since);
        return fail(error, POMONA_E_INPUT, options->source,
                    "none of its %lld photos was modified at %s or later", (long long)result->older, since);
    }
    if (options->limit > 0 && (uint64_t)options->limit < listing->count)
        listing->count = (size_t)options->limit;
    return options->labels && listing->count > 0
               ? labels_apply(options->labels, options->source, listing, &result->unlabelled, error)
               : POMONA_OK;
}
