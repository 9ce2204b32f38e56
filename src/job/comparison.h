/* The inside of a comparison: what its files have in common. */
#ifndef JOB_COMPARISON_H
#define JOB_COMPARISON_H

#include "base/error.h"
#include "pomona/compare.h"
#include "store/listing.h"

/* One photo and one model, as bits. */
enum {
    VERDICT_READ = 1,     /* decoded and answered */
    VERDICT_KNOWN = 2,    /* the model knows the photo's label */
    VERDICT_FINE = 4,     /* its most probable class is that label */
    VERDICT_COARSE = 8,   /* its most probable group is that of the label */
    VERDICT_REJECTED = 16 /* answered with "none of my classes" */
};

/* A model at a resolution, and how it is to be measured. Borrowed for the job. */
struct compare_subject {
    const struct pomona_context *context;
    const char *path;               /* NULL: embedded */
    int size;                       /* pixels a side; 0: the model's own */
    const char *decode, *precision; /* NULL: the model's own */
    struct listing *photos;
    const struct listed_photo *probes; /* [probe_count], some of the photos, in a memory of their own */
    size_t probe_count;
    int threads, timed;
    double seconds;
    bool (*should_stop)(void *user);
    void *user;
};

/* What a round measures. Seconds; joules may be NaN. */
struct compare_speed {
    double ready, median, p99, cpu, joules, photos_per_second;
    int timed;
};

/* Each runs in a child (child_work.body), with a struct compare_subject as its user. Errors: those of opening the model,
 * POMONA_E_INPUT when no probe can be decoded, POMONA_E_MEMORY.
 *
 * Describes the model: fills the row's facts (reply: struct pomona_compare_row, whose name and path are kept). */
pomona_status compare_describe(void *user, void *reply, struct pomona_error *error);

/* Answers the largest probes one by one and gives the peak of resident memory (reply: uint64_t). Frees the child's copy of
 * the list of photos first: it is not the model's. */
pomona_status compare_memory(void *user, void *reply, struct pomona_error *error);

/* One round (reply: struct compare_speed). */
pomona_status compare_speed(void *user, void *reply, struct pomona_error *error);

/* Answers all photos (reply: VERDICT_ bits [photos.count]). Only for a model with a head. */
pomona_status compare_accuracy(void *user, void *reply, struct pomona_error *error);

/* Counts a row's verdicts [photos] into its shares. */
void compare_count(const uint8_t *verdicts, size_t photos, struct pomona_compare_row *row);

/* Fills all that the rows and the result say about the choice but the advice, from the rows' figures, result->budget and
 * the verdicts: [row_count] arrays of [photos]; NULL where a row has none. */
void compare_choose(struct pomona_compare_result *result, const uint8_t *const *verdicts, size_t photos);

/* Fills result->advice. POMONA_E_MEMORY. */
pomona_status compare_advise(struct pomona_compare_result *result, struct pomona_error *error);

/* "fruit.onnx", or "fruit.onnx at 192 x 192" where several rows have that name. */
enum { COMPARE_LABEL_SIZE = 160 };
void compare_label(const struct pomona_compare_result *result, int row, char label[COMPARE_LABEL_SIZE]);

/* Whether a row has figures, and whether it has an accuracy. */
static inline bool compare_measured(const struct pomona_compare_row *row) { return row->error[0] == '\0'; }
static inline bool compare_judged(const struct pomona_compare_row *row) {
    return compare_measured(row) && row->fine.of > 0;
}

/* Write a file each. POMONA_E_IO, POMONA_E_MEMORY. */
pomona_status compare_write_csv(const struct pomona_compare_result *result, const char *path,
                                struct pomona_error *error);
pomona_status compare_write_json(const struct pomona_compare_result *result, const char *source,
                                 const char *path, struct pomona_error *error);

/* Writes comparison.html, pareto.png and pareto.svg into `folder`. Errors: those of the report. */
pomona_status compare_write_page(const struct pomona_compare_result *result, const char *source,
                                 const char *language, const char *folder, struct pomona_error *error);

#endif
