/* How fast this machine turns photos into features, stage by stage.
 *
 * Stages, each measured alone:
 *   decode   JPEG bytes in memory to pixels, as the profile decodes them
 *   resize   turning, cropping and resizing those pixels to the network's input, for all views of a photo
 *   net      those inputs to features, in batches of 1, 2, 4, 8 and 16 photos; the best batch counts
 *   job      files to features through the pipeline of `pomona features`: reading, decode, resize, net, rows in order;
 *            from starting the threads to the last photo. The files are in the page cache
 * decode and resize take turns strip by strip, as in the job, and share its caches: each counts its own seconds only.
 *
 * Each stage is measured with one thread and with all, or with a number that is asked for. A run lasts `seconds`: the
 * threads start together, repeat their work on the photos at hand until the time is over, and the sum of their photos a
 * second is the run's figure. Before the first run the work was done once. Reported are the median of the runs, the least and the
 * greatest. Other programs, and the other half of a core, show in the spread.
 *
 * Before and after each stage, on as many threads at once, a chain of additions of registers, each of which waits for the
 * one before and takes one cycle, gives the clock at which the cores really run (GHz), and two loops of multiply-adds in
 * registers give the peak of the tier: fp32 multiply-adds, and products of bytes (vpdpbusd, or what the tier has instead:
 * vpmaddwd and an addition; smlal). The greater of both times counts. The net's multiply-adds a second are reported as a fraction of the peak of its
 * precision. It can exceed 1 by a little where the clock changes in between. The scalar tier has no peak.
 *
 * Figures of different machines are comparable if the photos are the same; synthetic ones are on every machine. */
#ifndef POMONA_BENCH_H
#define POMONA_BENCH_H

#include "pomona/context.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    POMONA_BENCH_ROWS_MAX = 8,
    POMONA_BENCH_PEAKS_MAX = 2,
    POMONA_BENCH_RUNS_DEFAULT = 5,
    POMONA_BENCH_RUNS_MAX = 1000,
    POMONA_BENCH_COUNT_DEFAULT = 32,
    POMONA_BENCH_COUNT_MAX = 1024,
    POMONA_BENCH_PHOTO_SIZE_DEFAULT = 512
};

/* Zero-initialise, then set what differs from the defaults. Strings are borrowed for the call. */
struct pomona_bench_options {
    const char *model;   /* ONNX file; NULL: the embedded network. A classifier's head does not run */
    const char *profile; /* these four: see pomona_model_options */
    const char *decode;
    const char *views;
    int size;
    const char *precision; /* see pomona_precision; "auto" by default */
    const char *stage;     /* "decode", "resize", "net" or "job"; NULL: all of them */
    const char *source;    /* folder of photos, or one; NULL: synthetic ones, drawn in memory */
    const char *glob;      /* of photos' names; default "*.jpg" */
    int count;      /* photos, 1..1024; default 32: of a folder, at even distances in the sorted list */
    int photo_size; /* pixels of a side of the synthetic ones, 32..4096; default 512 */
    int threads;    /* 1..1024; 0: one, and pomona_cpu_threads() */
    int runs;       /* 1..1000; default 5 */
    double seconds; /* of a run, up to 3600; default 0.5 */

    void (*progress)(void *user, const char *what); /* "net, 2 threads"; may be NULL */
    bool (*should_stop)(
        void *user); /* asked between runs; true: POMONA_E_INTERRUPTED, nothing is left. May be NULL */
    void *user;
};

/* One stage on so many threads. NaN: not measured. */
struct pomona_bench_row {
    const char *stage; /* static string */
    int threads;
    int batch; /* of net and job; 0: one photo after the other */
    int runs;
    int64_t photos;                      /* in all runs together */
    double photos_per_second, low, high; /* median, least and greatest of the runs */
    double ms_per_photo;                 /* wall clock: 1000 / photos_per_second */
    double ghz_before, ghz_after;        /* mean over the threads */
    double gmacs, fraction; /* net: billions of multiply-adds a second, and their share of the peak */
};

/* What so many threads at once reach in registers. */
struct pomona_bench_peak {
    int threads;
    double ghz;
    double f32, u8s8; /* GMAC/s, of no more threads than there are cores; NaN: the tier has none */
};

struct pomona_bench_result {
    struct pomona_bench_row rows[POMONA_BENCH_ROWS_MAX]; /* [row_count]: by stage, then by threads */
    int row_count;
    struct pomona_bench_peak peaks[POMONA_BENCH_PEAKS_MAX]; /* [peak_count]: by threads */
    int peak_count;
    char model_name[128], model_hash[POMONA_HASH_TEXT_SIZE], profile_text[POMONA_PROFILE_TEXT_MAX];
    const char *tier, *precision; /* static strings */
    uint64_t macs;                /* multiply-accumulates of one photo, all its views */
    bool synthetic;
    int64_t photos;                       /* used */
    int64_t failed;                       /* of a folder: could not be read or decoded, and left out */
    char first_failure[384];              /* "" for none */
    double photo_bytes, photo_megapixels; /* mean of the photos used; as stored */
    double run_seconds;                   /* asked for */
    double seconds;                       /* wall clock of the whole call */
};

/* Runs the bench. Synthetic photos of the stage `job` lie in a folder of their own below TMPDIR (or /tmp) meanwhile.
 * Errors: POMONA_E_USAGE (options), POMONA_E_INPUT and the others of a photo (none can be read: the first one's), those
 * of pomona_model_open, POMONA_E_IO, POMONA_E_INTERRUPTED, POMONA_E_MEMORY, POMONA_E_INTERNAL (no thread can be
 * started). In full builds only. */
POMONA_API pomona_status pomona_bench_run(const struct pomona_context *context,
                                          const struct pomona_bench_options *options,
                                          struct pomona_bench_result *result, struct pomona_error *error);

/* The result as one JSON object (NaN: null); freed with pomona_bench_free_text. POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_bench_result_json(const struct pomona_bench_result *result, char **text,
                                                  struct pomona_error *error);
POMONA_API void pomona_bench_free_text(char **text);

#ifdef __cplusplus
}
#endif
#endif
