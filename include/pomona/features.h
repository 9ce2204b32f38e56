/* The main job: a folder of photos in, a folder of features out.
 *
 * DST afterwards holds
 *   Results/part-000NN-<uuid>-c000.<codec>.parquet   rows (path, label, features), sorted by path, dealt to the parts
 *                                                    in contiguous runs; provenance in the footer
 *   Results/_SUCCESS                                 written last; JSON: the parts, their rows and SHA-256
 *   Errors/part-00000-<uuid>-c000.<codec>.parquet    rows (path, reason), if any photo failed
 *   moments.pom                                      exact sums of the features (pomona/moments.h), unless run.json says
 *                                                    why there can be none
 *   run.json                                         counts, seconds a stage, hashes, tier; the only file with a clock
 * While it runs, everything lies in DST/_temporary (which Spark, pandas and pomona ignore) and is moved in one rename at
 * the end, so DST never shows half a result.
 *
 * Adding (only_new, retry_failed) keeps the parts that are there, as further names of the same files, and puts new ones by their side;
 * Errors keeps the rows that were not tried again; moments.pom is the exact sum. After any number of additions the rows and
 * moments.pom are those of one job over all the photos. Results of another feature space are refused. DST changes in the same
 * rename, and an interrupted addition is resumed in the same way.
 *
 * The bytes of Results and Errors depend on the photos, the model, the options and (in fp32) the tier; not on
 * threads, timing or interruptions. */
#ifndef POMONA_FEATURES_H
#define POMONA_FEATURES_H

#include "pomona/context.h"
#include "pomona/places.h"
#include "pomona/profile.h"
#include "pomona/publication.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a running job tells its caller. */
struct pomona_features_progress {
    int64_t done, total, errors; /* photos; done includes those resumed from an earlier run */
    double photos_per_second;    /* of this run so far */
    double seconds_left;         /* estimate; negative when unknown */
};

/* Zero-initialise, then set what differs from the defaults. Strings are borrowed for the call. */
struct pomona_features_options {
    const char
        *source; /* folder, read recursively (or one file); names that begin with `_` or `.` are skipped, as
                            Spark does; links are followed, loops are not */
    const char *out;   /* folder DST; made if missing */
    const char *model; /* ONNX file; NULL: the embedded network */
    const char *layer; /* see pomona_model_options */
    const char *profile;
    const char *decode;    /* "exact" or "scaled": see pomona_model_options */
    const char *precision; /* see pomona_precision; NULL: "auto" */
    const char *views;     /* "flip", "scales", "crops" or a list: see pomona_profile_set_views */
    int size;              /* pixels of a square input other than the network's own; 0: its own */
    const char *glob;      /* pattern of file names; default "*.jpg", case-sensitive */
    const char *
        labels; /* CSV with a header line and the columns path and label; path as written in the results, absolute,
                            or relative to source. NULL: the label is the name of the photo's folder */
    const char *
        manifest; /* list of photos in place of listing source: CSV (columns path, uri or key; label, size, modified), Parquet (the same), or an
                            S3 Inventory (manifest.json, or one of its Parquet files); a file on this machine. Relative names are relative
                            to source; the rules of glob and of hidden names hold */
    const char *manifest_name; /* what messages call it, when it is a copy; NULL: manifest */
    const char *
        since; /* only photos modified at this time or later: "2026-03-31", "2026-03-31T22:00:00+02:00" (without offset: UTC), "@SECONDS" of
                            the epoch, or a time before now: "90s", "30m", "24h", "7d", "2w". Photos whose time is not known are taken */
    bool only_new;     /* add to the results in DST: only photos that are neither in Results nor in Errors */
    bool retry_failed; /* add to the results in DST: only photos of Errors (with only_new: those as well) */
    int partitions; /* 1..100,000; default 20 (when adding: one for each 1,000 photos, at most 20), never more than photos */
    int threads;   /* default pomona_cpu_threads() */
    int64_t limit; /* at most so many photos, the first by path; 0: all */
    int64_t
        max_errors; /* more failed photos than this: POMONA_E_ERROR_ROWS at the end, with all results written;
                            negative: any number */
    const char *list_layout; /* "legacy" (default) or "standard", as pomona_feature_writer_options */
    const char *compression; /* "snappy" (default), "zstd" or "none" */
    bool dry_run;            /* list, open the model, check DST; write nothing */
    bool resume; /* go on with the interrupted job in DST, if there is one; a finished one is left as it is */
    bool
        overwrite; /* replace the results in DST; they stay until the new ones are complete. When adding: only an
                       interrupted addition is dropped, never the results */

    struct pomona_places *places; /* for photos that are not on this machine; NULL: there are none */
    struct pomona_publication
        *publication; /* `out` is its path: parts are staged as they are finished; may be NULL */

    /* Called a few times a second from the calling thread; may be NULL. */
    void (*progress)(void *user, const struct pomona_features_progress *progress);
    /* Asked often; true stops the job after the photos at hand: POMONA_E_INTERRUPTED, resumable. May be NULL. */
    bool (*should_stop)(void *user);
    void *user;
};

/* Why one photo has no row. Texts are cut where they are longer. */
struct pomona_photo_failure {
    char path[384], reason[384];
};

enum { POMONA_FAILURES_KEPT = 16 };

/* What was done. Zero-initialise; filled also when the job ends with POMONA_E_ERROR_ROWS or POMONA_E_INTERRUPTED. */
struct pomona_features_result {
    int64_t photos;     /* that matched */
    int64_t rows;       /* written to Results */
    int64_t errors;     /* written to Errors */
    int64_t resumed;    /* of rows + errors: taken from the interrupted run */
    int64_t skipped;    /* files that the glob or a leading `_` or `.` left out */
    int64_t unlabelled; /* photos that the labels file does not name (null label) */
    int64_t duplicates; /* rows of the manifest that name a photo again */
    int64_t older;      /* photos left out as modified before `since` */
    int64_t undated;    /* photos taken although their time is not known, with `since` */
    int64_t known;      /* photos left out as they are in DST already, when adding */
    int64_t total_rows, total_errors,
        total_parts;  /* in DST afterwards: more than rows and errors after adding */
    bool nothing_new; /* adding found no photo to do: DST was left as it is */
    uint64_t bytes_read;
    int partitions, threads, features;
    bool
        already_done; /* resume found the finished job, or ended its commit; rows and errors are those of its _SUCCESS */
    double seconds;                                     /* wall clock of the whole call */
    double seconds_list, seconds_model, seconds_commit; /* wall clock */
    double seconds_read, seconds_decode, seconds_resize, seconds_net, seconds_write; /* summed over threads */
    double photos_per_second;
    char uuid[37];                /* of the part names, derived from the job */
    const char *tier, *precision; /* static strings */
    char model_hash[POMONA_HASH_TEXT_SIZE], profile_hash[POMONA_HASH_TEXT_SIZE],
        feature_space[POMONA_HASH_TEXT_SIZE];
    char profile_text[POMONA_PROFILE_TEXT_MAX];
    char model_name[128], layer[128];
    bool profile_assumed, untrained_model;
    double seconds_moments;                   /* of seconds_write */
    char moments_hash[POMONA_HASH_TEXT_SIZE]; /* SHA-256 that ends moments.pom; "": there is none */
    char moments_refused
        [384]; /* why there is none: over 4,096 features, or one that is NaN or not below 2,048 */
    struct pomona_photo_failure
        failures[POMONA_FAILURES_KEPT]; /* the first ones by path; DST/Errors has all */
};

/* Runs the job. `result` may be NULL. Errors: POMONA_E_USAGE (options), POMONA_E_INPUT (no photos, model, labels or
 * manifest that can't be read, results that can't be added to), those of pomona_model_open, POMONA_E_EXISTS (DST has results, or another job at work),
 * POMONA_E_IO (nothing of an earlier result is lost; --resume may go on), POMONA_E_ERROR_ROWS,
 * POMONA_E_INTERRUPTED, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_features_run(const struct pomona_context *context,
                                             const struct pomona_features_options *options,
                                             struct pomona_features_result *result,
                                             struct pomona_error *error);

/* The text of run.json for a result, as one JSON object; freed with pomona_features_free_text. */
POMONA_API pomona_status pomona_features_result_json(const struct pomona_features_result *result, char **text,
                                                     struct pomona_error *error);
POMONA_API void pomona_features_free_text(char **text);

#ifdef __cplusplus
}
#endif
#endif
