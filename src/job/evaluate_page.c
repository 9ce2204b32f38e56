#include "base/memory.h"
#include "job/evaluation.h"
#include "job/label_counts.h"
#include "pomona/report_evaluation.h"
#include "pomona/version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORST_SHOWN = 12, PHOTOS_SHOWN = 4, MISTAKES_SHOWN = 24, DUPLICATES_SHOWN = 12, GROUPS_SHOWN = 50 };

/* What the page is given, and what owns it. */
struct page {
    struct evaluation *e;
    struct pomona_evaluation_report report;
    struct pomona_evaluation_class *classes;
    const char **groups;
    struct metrics_cell *cells;
    struct pomona_confusion_count *confusions;
    struct pomona_reliability_bin bins[METRICS_BINS], before[METRICS_BINS];
    struct pomona_rejection_point *curve;
    struct pomona_evaluation_photo photos[WORST_SHOWN][PHOTOS_SHOWN];
    struct pomona_evaluation_confusion worst[WORST_SHOWN];
    struct pomona_evaluation_mistake mistakes[MISTAKES_SHOWN];
    struct pomona_evaluation_duplicate duplicates[DUPLICATES_SHOWN];
    struct label_counts unseen;
    char profile[POMONA_PROFILE_TEXT_MAX];
};

/* A photo's bytes; one that can't be read has no picture. Ids are indices of photos; those from `count` on are the nearest ones
 * of the training. */
static pomona_status read_photo(void *user, size_t id, const void **bytes, size_t *size,
                                struct pomona_error *error) {
    struct evaluation *e = user;
    const char *path = id < e->count ? e->photos[id].path : e->photos[id - e->count].nearest;
    TRY(pictures_read(&e->pictures, path, &e->photo, error));
    *bytes = e->photo.data;
    *size = e->photo.size;
    return POMONA_OK;
}

static struct pomona_report_share share_of(const struct pomona_evaluate_share *share) {
    return (struct pomona_report_share){share->value, share->low, share->high};
}

static struct pomona_evaluation_photo photo_of(const struct evaluation *e, size_t index) {
    return (struct pomona_evaluation_photo){index, e->photos[index].path,
                                            e->photos[index].answer.probability};
}

static void fill_facts(struct page *page) {
    struct evaluation *e = page->e;
    const struct pomona_evaluate_result *result = e->result;
    struct pomona_evaluation_report *report = &page->report;
    pomona_profile_format(&e->info.model.profile, page->profile);
    report->source = e->options->source;
    report->model = e->info.model.name;
    report->model_hash = e->info.hash;
    report->kind = e->info.kind;
    report->precision = pomona_precision_name(e->info.model.precision);
    report->profile = page->profile;
    report->layer = e->info.model.layer;
    report->backbone_hash = e->info.model.hash;
    report->calibration = e->info.calibration[0] ? e->info.calibration : NULL;
    report->temperature = e->info.temperature;
    report->version = pomona_version();
    report->tier = pomona_tier_name(pomona_context_tier(e->context));
    report->untrained_model = e->info.model.untrained;
    report->photos = result->photos;
    report->judged = result->judged;
    report->rejected = result->rejected;
    report->coarse = result->coarse_only;
    report->errors = result->failed;
    report->seconds = result->seconds;
    report->top1 = share_of(&result->top1);
    report->top5 = share_of(&result->top5);
    report->coarse_top1 = share_of(&result->coarse_top1);
    report->coarse_top5 = share_of(&result->coarse_top5);
    report->macro_recall = result->macro_recall;
    report->failures = e->failures;
    report->failure_count = e->failure_count;
    report->context = e->context;
    report->read_photo = read_photo;
    report->user = e;
}

static pomona_status fill_classes(struct page *page) {
    struct evaluation *e = page->e;
    size_t classes = (size_t)e->info.classes, groups = (size_t)e->info.groups;
    page->classes = memory_new(classes, sizeof *page->classes);
    page->groups = memory_new(groups, sizeof *page->groups);
    if (!page->classes || !page->groups) return fail_memory(e->error, "report");
    for (size_t g = 0; g < groups; g++) page->groups[g] = pomona_classifier_group(e->classifier, (int)g);
    for (size_t c = 0; c < classes; c++) {
        struct pomona_class class;
        struct answers_class figures;
        (void)pomona_classifier_class(e->classifier, (int)c, &class);
        answers_of_class(e->answers, (int)c, &figures);
        page->classes[c] =
            (struct pomona_evaluation_class){.name = class.name,
                                             .group = class.group,
                                             .photos = (int64_t)figures.support,
                                             .precision = figures.predicted ? figures.precision : NAN,
                                             .recall = figures.support ? figures.recall : NAN,
                                             .f1 = figures.support + figures.predicted ? figures.f1 : NAN};
    }
    page->report.classes = page->classes, page->report.class_count = classes;
    page->report.groups = page->groups, page->report.group_count = groups;
    return POMONA_OK;
}

static pomona_status fill_confusions(struct page *page) {
    size_t pairs = answers_pairs(page->e->answers);
    page->cells = memory_new(pairs, sizeof *page->cells);
    page->confusions = memory_new(pairs, sizeof *page->confusions);
    if (!page->cells || !page->confusions) return fail_memory(page->e->error, "report");
    answers_confusions(page->e->answers, page->cells);
    for (size_t i = 0; i < pairs; i++)
        page->confusions[i] = (struct pomona_confusion_count){page->cells[i].truth, page->cells[i].predicted,
                                                              (int64_t)page->cells[i].count};
    page->report.confusions = page->confusions;
    page->report.confusion_count = pairs;
    return POMONA_OK;
}

static void fill_reliability(struct page *page) {
    const struct evaluation *e = page->e;
    for (int i = 0; i < METRICS_BINS; i++) {
        const struct answers_bin *bin = &e->summary.width[i];
        size_t count = e->before.count[i];
        page->bins[i] =
            (struct pomona_reliability_bin){(int64_t)bin->count, bin->confidence, {bin->accuracy, 0, 0}};
        page->before[i] =
            (struct pomona_reliability_bin){(int64_t)count,
                                            count ? e->before.confidence[i] / (double)count : 0,
                                            {count ? (double)e->before.right[i] / (double)count : 0, 0, 0}};
        size_t right = (size_t)llround(bin->accuracy * (double)bin->count);
        if (bin->count)
            metrics_wilson(right, bin->count, &page->bins[i].accuracy.low, &page->bins[i].accuracy.high);
    }
    page->report.reliability = page->bins;
    page->report.reliability_before = page->before;
    page->report.reliability_count = METRICS_BINS;
    page->report.ece = e->result->ece;
    page->report.ece_before = e->result->ece_before;
}

static pomona_status fill_rejection(struct page *page) {
    struct evaluation *e = page->e;
    struct pomona_evaluation_report *report = &page->report;
    if (!e->result->has_rejection) return POMONA_OK;
    page->curve = memory_new(e->curve_count, sizeof *page->curve);
    if (!page->curve) return fail_memory(e->error, "report");
    size_t kept = 0, accepted = 0, right = 0;
    for (size_t i = 0; i < e->curve_count; i++) {
        const struct metrics_rejection *point = &e->curve[i];
        page->curve[i] = (struct pomona_rejection_point){point->threshold, point->known, point->unknown,
                                                         point->known > 0 ? point->accuracy : NAN};
    }
    for (size_t i = 0; i < e->count; i++) {
        const struct evaluated *photo = &e->photos[i];
        bool is_kept = photo->answer.level != POMONA_ANSWER_REJECTED;
        kept += photo->truth < 0 && is_kept;
        accepted += photo->truth >= 0 && is_kept;
        right += photo->truth >= 0 && is_kept && photo->truth == photo->answer.best;
    }
    report->rejection = page->curve, report->rejection_count = e->curve_count;
    report->known_photos = e->result->judged, report->unknown_photos = e->result->unknown;
    report->rejects = e->info.rejects, report->false_reject = e->info.false_reject;
    report->auroc = share_of(&e->result->auroc);
    report->operating = (struct pomona_rejection_point){
        e->info.threshold, (double)accepted / (double)e->result->judged,
        (double)kept / (double)e->result->unknown, accepted ? (double)right / (double)accepted : NAN};
    report->accepted_top1.value = accepted ? (double)right / (double)accepted : 0;
    metrics_wilson(right, accepted, &report->accepted_top1.low, &report->accepted_top1.high);
    return POMONA_OK;
}

static int compare_cells(const void *a, const void *b) {
    const struct metrics_cell *left = a, *right = b;
    bool left_wrong = left->truth != left->predicted, right_wrong = right->truth != right->predicted;
    if (left_wrong != right_wrong) return left_wrong ? -1 : 1;
    if (left->count != right->count) return left->count > right->count ? -1 : 1;
    if (left->truth != right->truth) return left->truth < right->truth ? -1 : 1;
    return (left->predicted > right->predicted) - (left->predicted < right->predicted);
}

/* Photos by descending probability; equal ones in their order. */
struct pick {
    double key;
    size_t index;
};

static int compare_picks(const void *a, const void *b) {
    const struct pick *left = a, *right = b;
    if (left->key != right->key) return left->key > right->key ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

static void fill_worst(struct page *page, const struct pick *picks, size_t count) {
    const struct evaluation *e = page->e;
    qsort(page->cells, page->report.confusion_count, sizeof *page->cells, compare_cells);
    size_t shown = 0;
    for (; shown < WORST_SHOWN && shown < page->report.confusion_count; shown++) {
        const struct metrics_cell *cell = &page->cells[shown];
        struct pomona_evaluation_confusion *worst = &page->worst[shown];
        if (cell->truth == cell->predicted) break;
        *worst = (struct pomona_evaluation_confusion){.truth = cell->truth,
                                                      .predicted = cell->predicted,
                                                      .count = (int64_t)cell->count,
                                                      .photos = page->photos[shown]};
        for (size_t i = 0; i < count; i++) {
            const struct evaluated *photo = &e->photos[picks[i].index];
            bool mistaken = photo->truth == cell->truth && photo->answer.best == cell->predicted;
            bool example = photo->truth == cell->predicted && photo->answer.best == cell->predicted;
            if (mistaken && worst->photo_count < PHOTOS_SHOWN)
                page->photos[shown][worst->photo_count++] = photo_of(e, picks[i].index);
            if (example && !worst->example.path) worst->example = photo_of(e, picks[i].index);
        }
    }
    page->report.worst = page->worst;
    page->report.worst_count = shown;
}

static void fill_mistakes(struct page *page, const struct pick *picks, size_t count) {
    const struct evaluation *e = page->e;
    size_t shown = 0;
    for (size_t i = 0; i < count && shown < MISTAKES_SHOWN; i++) {
        const struct evaluated *photo = &e->photos[picks[i].index];
        if (photo->truth < 0 || photo->truth == photo->answer.best) continue;
        page->mistakes[shown++] =
            (struct pomona_evaluation_mistake){photo->truth, photo->answer.best, photo_of(e, picks[i].index)};
    }
    page->report.mistakes = page->mistakes;
    page->report.mistake_count = shown;
}

static void fill_leaks(struct page *page, struct pick *picks) {
    const struct evaluation *e = page->e;
    struct pomona_evaluation_report *report = &page->report;
    double least = e->options->similarity > 0 ? e->options->similarity : POMONA_EVALUATE_SIMILARITY_DEFAULT;
    size_t shown = 0;
    if (!e->options->train) return;
    for (size_t i = 0; i < e->source_count; i++) picks[i] = (struct pick){e->photos[i].alike, i};
    qsort(picks, e->source_count, sizeof *picks, compare_picks);
    for (size_t i = 0; i < e->source_count && shown < DUPLICATES_SHOWN; i++) {
        const struct evaluated *photo = &e->photos[picks[i].index];
        if (photo->truth < 0 || !(photo->alike >= least)) continue;
        double distance = photo->alike < 1 ? 1 - photo->alike : 0;
        page->duplicates[shown++] =
            (struct pomona_evaluation_duplicate){.judged = {picks[i].index, photo->path, 0},
                                                 .learnt = {e->count + picks[i].index, photo->nearest, 0},
                                                 .judged_label = photo->label,
                                                 .learnt_label = photo->nearest_label,
                                                 .distance = distance};
    }
    report->leakage_checked = true;
    report->duplicate_pairs = e->result->duplicates;
    report->duplicate_distance = 1 - least;
    report->duplicates = page->duplicates, report->duplicate_count = shown;
    report->shared_groups = e->result->shared_groups;
    report->shared_group_names = e->shared_groups;
    report->shared_group_count = e->shared_group_count < GROUPS_SHOWN ? e->shared_group_count : GROUPS_SHOWN;
    report->clean_top1 = share_of(&e->result->clean_top1);
}

static pomona_status fill_photos(struct page *page) {
    const struct evaluation *e = page->e;
    struct pick *picks = memory_new(e->count, sizeof *picks);
    if (!picks) return fail_memory(e->error, "report");
    for (size_t i = 0; i < e->count; i++) picks[i] = (struct pick){e->photos[i].answer.probability, i};
    qsort(picks, e->count, sizeof *picks, compare_picks);
    fill_worst(page, picks, e->count);
    fill_mistakes(page, picks, e->count);
    fill_leaks(page, picks);
    memory_free(picks);
    return POMONA_OK;
}

static pomona_status fill_unseen(struct page *page) {
    const struct evaluation *e = page->e;
    const char *kept;
    for (size_t i = 0; i < e->source_count; i++)
        if (e->photos[i].truth < 0) TRY(label_counts_add(&page->unseen, e->photos[i].label, &kept, e->error));
    page->report.unseen = page->unseen.labels;
    page->report.unseen_count = page->unseen.count;
    return POMONA_OK;
}

static pomona_status fill(struct page *page) {
    struct evaluation *e = page->e;
    if (e->options->language)
        TRY(pomona_language_parse(e->options->language, &page->report.language, e->error));
    fill_facts(page);
    TRY(fill_classes(page));
    TRY(fill_confusions(page));
    fill_reliability(page);
    TRY(fill_rejection(page));
    TRY(fill_photos(page));
    return fill_unseen(page);
}

pomona_status evaluation_write_page(struct evaluation *e) {
    struct page *page = memory_new(1, sizeof *page);
    if (!page) return fail_memory(e->error, "report");
    page->e = e;
    page->unseen = LABEL_COUNTS_INIT;
    pomona_status status = fill(page);
    if (status == POMONA_OK) status = pomona_evaluation_report_write(&page->report, e->staging, e->error);
    label_counts_free(&page->unseen);
    memory_free(page->classes);
    memory_free(page->groups);
    memory_free(page->cells);
    memory_free(page->confusions);
    memory_free(page->curve);
    memory_free(page);
    return status;
}
