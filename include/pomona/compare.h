/* Comparing models on the same photos: accuracy, latency, photos a second, peak memory, size of the file and energy of
 * each model at each resolution, the Pareto front, and which one to take within a budget.
 *
 * Each model is measured in child processes, so that one that crashes or asks for too much memory is a row with its error
 * and the others go on. Models take turns, round after round: a busy moment of the machine hurts all alike.
 *
 * The job forks. Call it from a process of one thread, or from one whose other threads hold no lock for long.
 *
 * DIR afterwards holds
 *   comparison.csv           a row for each model and resolution
 *   comparison.json          the same, how it was measured, and the recommendation
 *   comparison.html          one page with the table, the plot and the recommendation; no network
 *   pareto.png, pareto.svg   accuracy against latency
 * Everything is written to DIR/_temporary_compare first and moved at the end. What was answered depends on photos, models
 * and tier alone; what was timed depends on the machine. */
#ifndef POMONA_COMPARE_H
#define POMONA_COMPARE_H

#include "pomona/context.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    POMONA_COMPARE_MODELS_MAX = 64,
    POMONA_COMPARE_SIZES_MAX = 16,
    POMONA_COMPARE_ROUNDS_DEFAULT = 3,
    POMONA_COMPARE_ROUNDS_MAX = 100,
    POMONA_COMPARE_PHOTOS_DEFAULT = 200,
    POMONA_COMPARE_PHOTOS_MAX = 10000
};

/* What a model may cost; 0: no bound. */
struct pomona_compare_budget {
    uint64_t memory; /* bytes, against row.peak_memory */
    double ms;       /* milliseconds, against the median latency of one photo */
    double p99;      /* milliseconds, against the 99th percentile of it */
    uint64_t bytes;  /* against row.file_bytes */
};

/* Reads "memory=64MB,ms=20,p99=40,bytes=4MB" in any order, each at most once. Bytes may end in kB, MB, GB (powers of 1000)
 * or KiB, MiB, GiB. POMONA_E_USAGE names what is not understood; values must be above 0. */
POMONA_API pomona_status pomona_compare_budget_parse(const char *text, struct pomona_compare_budget *budget,
                                                     struct pomona_error *error);

/* What a running job tells its caller. */
struct pomona_compare_progress {
    int done, total;  /* pieces of work */
    const char *what; /* "fruit.onnx, round 2 of 3" */
};

/* Zero-initialise, then set what differs from the defaults. Strings are borrowed for the call. */
struct pomona_compare_options {
    const char *const *models; /* [model_count], 1..64: files; "embedded" or NULL: the one in the library */
    int model_count;
    const int *sizes; /* [size_count], 0..16: inputs of so many pixels a side; none: the model's own */
    int size_count;
    const char *decode;    /* "exact" or "scaled": see pomona_model_options and, for models with a head,
                           pomona_classifier_options; NULL: the model's own */
    const char *precision; /* likewise; NULL: the model's own */
    const char *source;    /* folder of photos; the label is the name of the photo's folder */
    const char *out;       /* DIR; made if missing */
    const char *glob;      /* default "*.jpg" */
    const char *labels;    /* CSV instead of folder names, see pomona_features_options */
    int64_t limit;         /* at most so many photos, the first by path; 0: all */
    struct pomona_compare_budget budget;
    int threads; /* of photos a second and of the accuracy; default pomona_cpu_threads() */
    int rounds;  /* 1..100; default 3 */
    int photos;  /* a round times so many photos one by one, the same again where there are fewer, 10..10,000;
                       default 200 */
    double seconds; /* or those that take so long, but at least 10; also the time of the threads; default 5 */
    bool quick;     /* other defaults: 1 round, 30 photos, half a second */
    bool overwrite; /* replace the comparison in DIR; it stays until the new one is complete */
    const char *language; /* of the page: "en" (default) or "fr" */

    void (*progress)(void *user, const struct pomona_compare_progress *progress); /* may be NULL */
    bool (*should_stop)(
        void *user); /* asked often; true: POMONA_E_INTERRUPTED, nothing is left. May be NULL */
    void *user;
};

/* A figure that was measured once a round: the median of the rounds, the least and the greatest. NaN: not measured. */
struct pomona_compare_figure {
    double median, low, high;
};

/* A share of photos with its Wilson interval of 95 %. Zero: nothing was judged. */
struct pomona_compare_share {
    int64_t right, of;
    double share, low, high;
};

/* A model at a resolution. Texts are cut where they are longer. */
struct pomona_compare_row {
    char name[128];    /* file name, or the path where two are called alike; "embedded" */
    char path[512];    /* as given; "" for the embedded one */
    char error[384];   /* why it could not be measured; "": it was */
    char kind[16];     /* of the head, as in pomona_classifier_info; "": a backbone alone, without accuracy */
    char precision[8]; /* "fp32" */
    char decode[8];    /* "exact" or "scaled" */
    char hash[POMONA_HASH_TEXT_SIZE]; /* SHA-256 of the file */
    int width, height;                /* input, pixels */
    int classes, groups;              /* fine and coarse ones that it answers with; 0: none */
    uint64_t macs;                    /* multiply-accumulates for one photo, all its views */
    uint64_t file_bytes;
    uint64_t head_bytes; /* weights of the head in memory */

    /* The photos, all of them. */
    int64_t photos;  /* judged: those that could be read, with a label that the model knows */
    int64_t unknown; /* left out: a label that the model does not know, or none */
    int64_t failed;  /* left out: could not be read or decoded */
    int64_t
        rejected; /* of those judged: answered with "none of my classes"; the best class is judged all the same */
    struct pomona_compare_share fine, coarse; /* top-1; coarse: only with a hierarchy */

    struct pomona_compare_figure ready_ms; /* opening the file until the first photo can be answered */
    struct pomona_compare_figure ms,
        p99_ms; /* one photo, one thread: decode, resize, net and head; bytes in memory */
    struct pomona_compare_figure photos_per_second; /* result.threads threads, from files to answers */
    struct pomona_compare_figure joules;      /* a photo, of the whole processor package; NaN: not readable */
    struct pomona_compare_figure cpu_seconds; /* a photo, one thread */
    int timed; /* photos that a round timed one by one, the fewest of all rounds */
    uint64_t
        peak_memory; /* bytes resident in a process that opens the model and answers photos one by one, program and
                             libraries included */

    /* The choice. */
    bool front; /* no other row is at least as accurate and as fast, and better in one of them */
    bool fits;  /* within all budgets */
    bool over_memory, over_ms, over_p99, over_bytes; /* what it exceeds */
    double
        answered; /* share of all readable photos that it answers right; a label that it does not know is not */
    double p;     /* McNemar's exact test against result.best, two-sided; NaN: not tested */
    bool tied;    /* fits, and is not significantly (95 %) worse than result.best */
};

enum pomona_compare_reason {
    POMONA_COMPARE_NO_ACCURACY,   /* no model answers with a class that a photo is labelled with */
    POMONA_COMPARE_NONE_FITS,     /* every model exceeds a budget */
    POMONA_COMPARE_MOST_ACCURATE, /* the chosen one is the most accurate of those that fit */
    POMONA_COMPARE_CHEAPER_AS_GOOD /* another is more accurate, but not significantly, and the chosen one is faster, or about
                                      as fast and smaller */
};

struct pomona_compare_result {
    struct pomona_compare_row *rows; /* [row_count]: models in the order given, each with its sizes; owned */
    int row_count;
    enum pomona_compare_reason reason;
    int best;           /* row that answers most photos right, of those that fit; -1: none */
    int chosen;         /* recommended row; -1: none */
    int nearest;        /* with POMONA_COMPARE_NONE_FITS: the row that exceeds its budgets least; else -1 */
    double excess;      /* of nearest: largest ratio of a figure to its budget */
    bool labels_differ; /* the models do not know the same labels: their accuracies are of different photos */
    char advice[1536];  /* the recommendation in words, English */

    int64_t photos, unlabelled; /* that matched; of those, without a label */
    struct pomona_compare_budget budget;
    int threads, rounds;
    bool has_joules;  /* RAPL could be read; else energy is compared by cpu_seconds */
    const char *tier; /* static string */
    double seconds;   /* wall clock of the whole call */
};

/* Runs the job. `result` may be NULL; else free it with pomona_compare_result_free in every case. Errors: POMONA_E_USAGE
 * (options), POMONA_E_EXISTS (DIR has a comparison, or another job at work), POMONA_E_INPUT (no photos, labels that can't
 * be read, not one model that could be measured: with the first one's cause), POMONA_E_IO, POMONA_E_MEMORY,
 * POMONA_E_INTERRUPTED. In full builds only. */
POMONA_API pomona_status pomona_compare_run(const struct pomona_context *context,
                                            const struct pomona_compare_options *options,
                                            struct pomona_compare_result *result, struct pomona_error *error);

/* Frees the rows and zeroes the result. Accepts NULL and zeroed ones. */
POMONA_API void pomona_compare_result_free(struct pomona_compare_result *result);

#ifdef __cplusplus
}
#endif
#endif
