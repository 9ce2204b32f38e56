/* The report of a comparison: models side by side, as a table, a Pareto plot and a recommendation.
 *
 * As in pomona/report.h, everything comes from the caller, texts may come from anywhere and are borrowed for the call, and
 * the same input gives the same bytes. */
#ifndef POMONA_REPORT_COMPARISON_H
#define POMONA_REPORT_COMPARISON_H

#include "pomona/report_evaluation.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a photo costs of the machine's energy. */
typedef enum pomona_comparison_energy {
    POMONA_COMPARISON_NO_ENERGY = 0,
    POMONA_COMPARISON_JOULES = 1,     /* of the whole processor package */
    POMONA_COMPARISON_CPU_SECONDS = 2 /* of one thread, where joules can't be read */
} pomona_comparison_energy;

/* The area of a bubble in the plot. */
typedef enum pomona_comparison_bubble {
    POMONA_COMPARISON_MEMORY = 0,
    POMONA_COMPARISON_FILE = 1
} pomona_comparison_bubble;

/* One model at one resolution. What is 0 or NULL is not known: shown as "n/a" and never the best. */
struct pomona_comparison_row {
    const char *name;
    const char *precision; /* "fp32" */
    const char *kind;      /* of the head; NULL: a backbone alone */
    int width, height;     /* of its input, pixels */
    int classes;
    int64_t photos; /* that its accuracy is of */
    struct pomona_report_share top1, coarse_top1;
    double ms, ms_low,
        ms_high; /* median latency of one photo; of the rounds, the least and the greatest median */
    double p99_ms;
    double photos_per_second;
    double ready_ms; /* opening the file until the first photo can be answered */
    uint64_t memory; /* peak, bytes */
    uint64_t file;   /* bytes */
    double energy;   /* a photo; the unit is the report's */
    bool recommended;
    bool over_ms, over_p99, over_memory, over_file, over_energy; /* budgets that it exceeds */
};

/* Bounds; 0: none. */
struct pomona_comparison_budget {
    double ms, p99_ms;
    uint64_t memory, file;
    double energy; /* in the report's unit */
};

/* Zero-initialise, then set what is known: a column without data is left out, and so is a fact that is NULL or 0. */
struct pomona_comparison_report {
    pomona_language language;
    const char *title;        /* NULL: "Comparison of models" in the language */
    const char *source;       /* the photos that all were measured on */
    const char *version;      /* of pomona */
    const char *tier;         /* of the processor */
    int threads;              /* of photos a second */
    int rounds;               /* that a latency is the median of */
    int64_t photos;           /* found */
    double seconds;           /* wall clock of all */
    const char *advice;       /* the recommendation in words, in the language of the report; NULL: none */
    bool labels_differ;       /* the page says that the accuracies are of different photos */
    const char *const *notes; /* [note_count] of the caller, in the language of the report */
    size_t note_count;

    const struct pomona_comparison_row
        *rows; /* [row_count], 0..2,000; at most 60 of them are labelled in the plot */
    size_t row_count;
    struct pomona_comparison_budget budget;
    pomona_comparison_energy energy;
    pomona_comparison_bubble bubble;

    const struct pomona_report_failure
        *failures; /* [failure_count] models that could not be measured, and why */
    size_t failure_count;
};

/* Writes FOLDER/comparison.html, and pareto.png and pareto.svg if a row has both top-1 and a latency. The folder must exist;
 * each file appears whole or not at all, and replaces an older one. Errors: POMONA_E_USAGE (a count without its array, an
 * unknown unit), POMONA_E_INPUT (a share that is not one; a figure that is negative or not finite), POMONA_E_LIMIT (more than
 * 2,000 rows, a page beyond 64 MiB), POMONA_E_IO, POMONA_E_MEMORY.
 *
 * The plot has the median latency across, on a logarithmic scale, and top-1 with its interval upwards. The Pareto front is
 * the staircase of rows than which no other is at least as fast and at least as accurate, and better in one of them. The
 * front is of all rows, also of those beyond a budget. */
POMONA_API pomona_status pomona_comparison_report_write(const struct pomona_comparison_report *report,
                                                        const char *folder, struct pomona_error *error);

/* The page alone, as text in memory; freed with pomona_report_free_text. */
POMONA_API pomona_status pomona_comparison_report_html(const struct pomona_comparison_report *report,
                                                       char **text, size_t *size, struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
