#include "base/buffer.h"
#include "base/text.h"
#include "job/comparison.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_SHOWN = 8 };

/* The text as it grows; the first failure sticks. */
struct advice {
    struct pomona_compare_result *result;
    struct buffer text;
    struct pomona_error *error;
    pomona_status status;
};

#define SAY(advice, ...)                                                                                     \
    do {                                                                                                     \
        if ((advice)->status == POMONA_OK)                                                                   \
            (advice)->status = buffer_printf(&(advice)->text, (advice)->error, __VA_ARGS__);                 \
    } while (0)

void compare_label(const struct pomona_compare_result *result, int row, char label[COMPARE_LABEL_SIZE]) {
    const struct pomona_compare_row *one = &result->rows[row];
    bool twice = false;
    for (int i = 0; i < result->row_count; i++)
        twice |=
            i != row && strcmp(result->rows[i].name, one->name) == 0 && result->rows[i].width != one->width;
    if (twice && one->width > 0)
        snprintf(label, COMPARE_LABEL_SIZE, "%s at %d x %d", one->name, one->width, one->height);
    else
        snprintf(label, COMPARE_LABEL_SIZE, "%s", one->name);
}

static void say_label(struct advice *advice, int row) {
    char label[COMPARE_LABEL_SIZE];
    compare_label(advice->result, row, label);
    SAY(advice, "%s", label);
}

/* "A", "A and B", "A, B and 7 more" for the rows of which `which` is true. */
static int say_labels(struct advice *advice, bool (*which)(const struct pomona_compare_row *row)) {
    const struct pomona_compare_result *result = advice->result;
    int total = 0, said = 0;
    for (int i = 0; i < result->row_count; i++) total += which(&result->rows[i]);
    for (int i = 0; i < result->row_count && said < NAMES_SHOWN; i++) {
        if (!which(&result->rows[i])) continue;
        bool last = said == total - 1;
        SAY(advice, "%s", said == 0 ? "" : last ? " and " : ", ");
        say_label(advice, i);
        said++;
    }
    if (said < total) SAY(advice, " and %d more", total - said);
    return total;
}

static bool is_front(const struct pomona_compare_row *row) { return row->front; }
static bool is_backbone(const struct pomona_compare_row *row) {
    return compare_measured(row) && row->kind[0] == '\0';
}
static bool has_failed(const struct pomona_compare_row *row) { return !compare_measured(row); }

static void say_excess(struct advice *advice, const struct pomona_compare_row *row) {
    const struct pomona_compare_budget *budget = &advice->result->budget;
    const char *between = "";
    if (row->over_memory) {
        SAY(advice, "memory %.1f of %.1f MB", (double)row->peak_memory / 1e6, (double)budget->memory / 1e6);
        between = ", ";
    }
    if (row->over_ms) {
        SAY(advice, "%s%.3g of %.3g ms", between, row->ms.median, budget->ms);
        between = ", ";
    }
    if (row->over_p99) {
        SAY(advice, "%s99th percentile %.3g of %.3g ms", between, row->p99_ms.median, budget->p99);
        between = ", ";
    }
    if (row->over_bytes)
        SAY(advice, "%sfile %.2f of %.2f MB", between, (double)row->file_bytes / 1e6,
            (double)budget->bytes / 1e6);
}

/* "Over budget: a.onnx (memory 80.0 of 64.0 MB), b.onnx (12 of 10 ms)." */
static void say_excluded(struct advice *advice) {
    const struct pomona_compare_result *result = advice->result;
    int said = 0, left = 0;
    for (int i = 0; i < result->row_count; i++) {
        const struct pomona_compare_row *row = &result->rows[i];
        if (!compare_judged(row) || row->fits) continue;
        if (said == NAMES_SHOWN) {
            left++;
            continue;
        }
        SAY(advice, "%s", said ? ", " : " Over budget: ");
        say_label(advice, i);
        SAY(advice, " (");
        say_excess(advice, row);
        SAY(advice, ")");
        said++;
    }
    if (left) SAY(advice, " and %d more", left);
    if (said) SAY(advice, ".");
}

static void say_choice(struct advice *advice) {
    const struct pomona_compare_result *result = advice->result;
    const struct pomona_compare_row *row = &result->rows[result->chosen];
    SAY(advice, "Take ");
    say_label(advice, result->chosen);
    SAY(advice,
        ": top-1 %.1f %% of %lld photos (95 %% interval %.1f to %.1f), %.3g ms a photo, %.1f MB of memory.",
        100 * row->fine.share, (long long)row->fine.of, 100 * row->fine.low, 100 * row->fine.high,
        row->ms.median, (double)row->peak_memory / 1e6);
}

/* Why not the most accurate one. */
static void say_as_good(struct advice *advice) {
    const struct pomona_compare_result *result = advice->result;
    const struct pomona_compare_row *best = &result->rows[result->best], *row = &result->rows[result->chosen];
    SAY(advice, " ");
    say_label(advice, result->best);
    if (best->answered > row->answered)
        SAY(advice,
            " answers more photos right (%.1f %% against %.1f %% of all), but so little that it may be "
            "chance (McNemar's test, "
            "p = %.2g)",
            100 * best->answered, 100 * row->answered, row->p);
    else
        SAY(advice, " answers as many photos right");
    if (row->ms.median < best->ms.median)
        SAY(advice, ", and takes %.3g ms.", best->ms.median);
    else
        SAY(advice, ", is about as fast, and takes %.1f MB.", (double)best->peak_memory / 1e6);
}

/* Who else was in the running, and who was beaten. */
static void say_others(struct advice *advice) {
    const struct pomona_compare_result *result = advice->result;
    int tied = 0, beaten = 0;
    for (int i = 0; i < result->row_count; i++) {
        const struct pomona_compare_row *row = &result->rows[i];
        if (!compare_judged(row) || !row->fits || i == result->chosen || i == result->best) continue;
        if (row->tied)
            tied++;
        else
            beaten++;
    }
    if (tied) SAY(advice, " %d more %s not worse beyond chance, but dearer.", tied, tied == 1 ? "is" : "are");
    if (beaten)
        SAY(advice, " %d %s less accurate beyond chance (95 %%).", beaten, beaten == 1 ? "is" : "are");
}

static void say_none_fits(struct advice *advice) {
    const struct pomona_compare_result *result = advice->result;
    SAY(advice, "No model fits the budget.");
    say_excluded(advice);
    if (result->nearest < 0) return;
    SAY(advice, " Nearest: ");
    say_label(advice, result->nearest);
    if (isfinite(result->excess)) SAY(advice, ", %.2f times its tightest budget", result->excess);
    SAY(advice, ".");
}

static void say_no_accuracy(struct advice *advice) {
    SAY(advice, "No model answers with a class that the photos are labelled with, so there is no accuracy to "
                "choose by.");
}

static void say_notes(struct advice *advice) {
    struct buffer *text = &advice->text;
    size_t before = text->size;
    SAY(advice, " Front of accuracy and latency: ");
    if (say_labels(advice, is_front) == 0)
        text->size = before;
    else
        SAY(advice, ".");
    if (advice->result->labels_differ)
        SAY(advice,
            " The models know different labels; the choice counts a label that a model does not know as not "
            "answered.");
    before = text->size;
    SAY(advice, " Without a head, so without accuracy: ");
    if (say_labels(advice, is_backbone) == 0)
        text->size = before;
    else
        SAY(advice, ".");
    before = text->size;
    SAY(advice, " Could not be measured: ");
    if (say_labels(advice, has_failed) == 0)
        text->size = before;
    else
        SAY(advice, ".");
}

pomona_status compare_advise(struct pomona_compare_result *result, struct pomona_error *error) {
    enum { ADVICE_MAX = 64 << 10 };
    struct advice advice = {.result = result, .text = BUFFER_INIT(ADVICE_MAX), .error = error};
    const char *text = NULL;
    switch (result->reason) {
    case POMONA_COMPARE_NO_ACCURACY: say_no_accuracy(&advice); break;
    case POMONA_COMPARE_NONE_FITS: say_none_fits(&advice); break;
    case POMONA_COMPARE_MOST_ACCURATE:
    case POMONA_COMPARE_CHEAPER_AS_GOOD:
        say_choice(&advice);
        if (result->reason == POMONA_COMPARE_CHEAPER_AS_GOOD) say_as_good(&advice);
        say_others(&advice);
        say_excluded(&advice);
        break;
    }
    say_notes(&advice);
    if (advice.status == POMONA_OK) advice.status = buffer_terminate(&advice.text, &text, error);
    if (advice.status == POMONA_OK) text_printable(text, result->advice, sizeof result->advice);
    buffer_free(&advice.text);
    return advice.status;
}
