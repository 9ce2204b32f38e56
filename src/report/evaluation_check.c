#include "report/evaluation.h"

#include <math.h>

static bool is_share(double value) { return value >= 0 && value <= 1; }

static pomona_status check_share(const struct pomona_report_share *share, const char *name,
                                 struct pomona_error *error) {
    if (share->high == 0 && share->low == 0 && is_share(share->value)) return POMONA_OK;
    /* Where rounding left the value a little outside, nobody would see it. */
    if (is_share(share->value) && is_share(share->low) && is_share(share->high) &&
        share->low <= share->value + 1e-9 && share->value <= share->high + 1e-9)
        return POMONA_OK;
    return fail(error, POMONA_E_INPUT, name, "is not a share with its interval: %g (%g to %g)", share->value,
                share->low, share->high);
}

/* NaN stands for what is not defined. */
static bool is_share_or_none(double value) { return isnan(value) || is_share(value); }

static pomona_status check_arrays(const struct pomona_evaluation_report *report, struct pomona_error *error) {
    const struct {
        size_t count;
        const void *array;
        const char *name;
    } arrays[] = {{report->note_count, report->notes, "notes"},
                  {report->class_count, report->classes, "classes"},
                  {report->group_count, report->groups, "coarse classes"},
                  {report->confusion_count, report->confusions, "confusions"},
                  {report->reliability_count, report->reliability, "reliability"},
                  {report->rejection_count, report->rejection, "rejection"},
                  {report->worst_count, report->worst, "worst confusions"},
                  {report->mistake_count, report->mistakes, "mistakes"},
                  {report->duplicate_count, report->duplicates, "duplicates"},
                  {report->shared_group_count, report->shared_group_names, "shared groups"},
                  {report->unseen_count, report->unseen, "unknown labels"},
                  {report->failure_count, report->failures, "failures"}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        if (arrays[i].count > 0 && !arrays[i].array)
            return fail(error, POMONA_E_USAGE, arrays[i].name, "a count without its array");
    for (size_t i = 0; i < report->worst_count; i++)
        if (report->worst[i].photo_count > 0 && !report->worst[i].photos)
            return fail(error, POMONA_E_USAGE, "worst confusions", "a count without its array");
    if (report->class_count > EVALUATION_CLASSES_MAX || report->group_count > EVALUATION_CLASSES_MAX)
        return fail(error, POMONA_E_LIMIT, "classes", "more than %d", EVALUATION_CLASSES_MAX);
    if (report->reliability_count > EVALUATION_BINS_MAX)
        return fail(error, POMONA_E_LIMIT, "reliability", "more than %d bins", EVALUATION_BINS_MAX);
    return POMONA_OK;
}

static bool is_class(const struct pomona_evaluation_report *report, int class, int least) {
    return class >= least && (class < 0 || (size_t) class < report->class_count);
}

static pomona_status check_classes(const struct pomona_evaluation_report *report,
                                   struct pomona_error *error) {
    for (size_t i = 0; i < report->class_count; i++) {
        const struct pomona_evaluation_class *one = &report->classes[i];
        if (one->group < -1 || (one->group >= 0 && (size_t)one->group >= report->group_count))
            return fail(error, POMONA_E_USAGE, one->name, "coarse class %d of %zu", one->group,
                        report->group_count);
        if (one->photos < 0 || !is_share_or_none(one->precision) || !is_share_or_none(one->recall) ||
            !is_share_or_none(one->f1))
            return fail(error, POMONA_E_INPUT, one->name, "photos, precision, recall or F1 is not one");
    }
    return POMONA_OK;
}

static pomona_status check_answers(const struct pomona_evaluation_report *report,
                                   struct pomona_error *error) {
    int64_t sum = 0;
    for (size_t i = 0; i < report->confusion_count; i++) {
        const struct pomona_confusion_count *cell = &report->confusions[i];
        if (!is_class(report, cell->truth, 0) || !is_class(report, cell->predicted, 0))
            return fail(error, POMONA_E_USAGE, "confusions", "class %d or %d of %zu", cell->truth,
                        cell->predicted, report->class_count);
        if (cell->count < 0 || __builtin_add_overflow(sum, cell->count, &sum) || sum > INT64_MAX / 2)
            return fail(error, POMONA_E_INPUT, "confusions", "%lld photos", (long long)cell->count);
    }
    for (size_t i = 0; i < report->worst_count; i++)
        if (!is_class(report, report->worst[i].truth, -1) ||
            !is_class(report, report->worst[i].predicted, -1))
            return fail(error, POMONA_E_USAGE, "worst confusions", "class %d or %d of %zu",
                        report->worst[i].truth, report->worst[i].predicted, report->class_count);
    for (size_t i = 0; i < report->mistake_count; i++)
        if (!is_class(report, report->mistakes[i].truth, -1) ||
            !is_class(report, report->mistakes[i].predicted, -1))
            return fail(error, POMONA_E_USAGE, "mistakes", "class %d or %d of %zu", report->mistakes[i].truth,
                        report->mistakes[i].predicted, report->class_count);
    return POMONA_OK;
}

static pomona_status check_bins(const struct pomona_reliability_bin *bins, size_t count,
                                struct pomona_error *error) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (bins[i].count < 0 || __builtin_add_overflow(sum, bins[i].count, &sum))
            return fail(error, POMONA_E_INPUT, "reliability", "bin %zu: %lld answers", i + 1,
                        (long long)bins[i].count);
        if (bins[i].count == 0) continue;
        if (!is_share(bins[i].confidence))
            return fail(error, POMONA_E_INPUT, "reliability", "bin %zu: confidence %g", i + 1,
                        bins[i].confidence);
        TRY(check_share(&bins[i].accuracy, "reliability", error));
    }
    return POMONA_OK;
}

static pomona_status check_point(const struct pomona_rejection_point *point, struct pomona_error *error) {
    if (isnan(point->threshold) || !is_share(point->known_accepted) || !is_share(point->unknown_accepted) ||
        !is_share_or_none(point->accuracy))
        return fail(error, POMONA_E_INPUT, "rejection", "threshold %g: a share that is not one",
                    point->threshold);
    return POMONA_OK;
}

static pomona_status check_rejection(const struct pomona_evaluation_report *report,
                                     struct pomona_error *error) {
    for (size_t i = 0; i < report->rejection_count; i++) {
        TRY(check_point(&report->rejection[i], error));
        if (i > 0 && report->rejection[i].threshold < report->rejection[i - 1].threshold)
            return fail(error, POMONA_E_INPUT, "rejection", "threshold %zu is lower than the one before",
                        i + 1);
    }
    if (report->rejects && report->rejection_count > 0) TRY(check_point(&report->operating, error));
    return check_share(&report->auroc, "AUROC", error);
}

static pomona_status check_totals(const struct pomona_evaluation_report *report, struct pomona_error *error) {
    const struct {
        const struct pomona_report_share *share;
        const char *name;
    } shares[] = {{&report->top1, "top-1"},
                  {&report->top5, "top-5"},
                  {&report->coarse_top1, "coarse top-1"},
                  {&report->coarse_top5, "coarse top-5"},
                  {&report->accepted_top1, "top-1 of the accepted"},
                  {&report->clean_top1, "top-1 without leakage"}};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
        TRY(check_share(shares[i].share, shares[i].name, error));
    if (!is_share(report->ece) || !is_share(report->ece_before) || !is_share(report->macro_recall) ||
        !is_share(report->false_reject))
        return fail(error, POMONA_E_INPUT, "report", "a share that is not one");
    return POMONA_OK;
}

pomona_status evaluation_check(const struct pomona_evaluation_report *report, struct pomona_error *error) {
    if ((unsigned)report->language >= POMONA_LANGUAGE_COUNT)
        return fail(error, POMONA_E_USAGE, "report", "unknown language %d", (int)report->language);
    TRY(check_arrays(report, error));
    TRY(check_classes(report, error));
    TRY(check_answers(report, error));
    TRY(check_bins(report->reliability, report->reliability_count, error));
    if (report->reliability_before)
        TRY(check_bins(report->reliability_before, report->reliability_count, error));
    TRY(check_rejection(report, error));
    return check_totals(report, error);
}
