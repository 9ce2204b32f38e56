#include "base/memory.h"
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void write_notes(struct page *page) {
    struct markup *markup = &page->markup;
    if (page->report->synthetic_photos) part_note(markup, WORD_note_synthetic);
    if (page->report->untrained_model) part_note(markup, WORD_note_untrained);
    if (page->report->profile_assumed) part_note(markup, WORD_note_profile);
}

void write_figures(struct page *page) {
    const struct pomona_report *report = page->report;
    struct markup *markup = &page->markup;
    pomona_language language = markup->language;
    if (report->photos > 0) part_figure(markup, number_integer(language, report->photos), WORD_fact_photos);
    if (report->rows > 0) part_figure(markup, number_integer(language, report->rows), WORD_fact_rows);
    if (report->photos > 0 || report->errors > 0)
        part_figure(markup, number_integer(language, report->errors), WORD_fact_errors);
    if (report->seconds > 0)
        part_figure(markup, number_fixed(language, report->seconds, report->seconds < 100 ? 1 : 0),
                    WORD_fact_seconds);
    if (report->photos_per_second > 0)
        part_figure(
            markup,
            number_fixed(language, report->photos_per_second, report->photos_per_second < 100 ? 1 : 0),
            WORD_fact_rate);
    if (page->marks.k95)
        part_figure(markup, number_integer(language, (int64_t)page->marks.k95), WORD_fact_k95);
}

void write_facts(struct page *page) {
    const struct pomona_report *report = page->report;
    struct markup *markup = &page->markup;
    part_fact(markup, WORD_fact_source, report->source, NULL);
    part_fact_count(markup, WORD_fact_skipped, report->skipped);
    if (report->bytes_read > 0) {
        part_fact_open(markup, WORD_fact_bytes);
        markup_number(markup, number_fixed(markup->language, (double)report->bytes_read / 1e6, 1));
        markup_raw(markup, "\xc2\xa0");
        markup_word(markup, WORD_megabytes);
        part_fact_close(markup);
    }
    part_fact_count(markup, WORD_fact_threads, report->threads);
    part_fact(markup, WORD_fact_model, report->model, NULL);
    part_fact(markup, WORD_fact_layer, report->layer, NULL);
    part_fact_count(markup, WORD_fact_features, report->features);
    part_fact(markup, WORD_fact_profile, report->profile, NULL);
    part_fact(markup, WORD_fact_precision, report->precision, NULL);
    part_fact(markup, WORD_fact_tier, report->tier, NULL);
    part_fact(markup, WORD_fact_version, report->version, NULL);
    part_fact(markup, WORD_fact_model_hash, report->model_hash, "hash");
    part_fact(markup, WORD_fact_space, report->feature_space, "hash");
}

/* ---- rows with bars: stages and labels ---- */

/* A row whose bar is `fraction` of the widest one's width. The name is a text of our own, or one from outside. */
static void bar_row(struct page *page, const char *ours, const char *outside, double fraction,
                    struct number value, double share) {
    struct markup *markup = &page->markup;
    markup_raw(markup, "<tr><th scope=\"row\">");
    if (ours)
        markup_raw(markup, ours);
    else
        markup_name(markup, outside);
    markup_raw(markup, "</th><td class=\"bar\" aria-hidden=\"true\"><i style=\"width:");
    markup_coordinate(markup, fmin(1, fmax(0, fraction)) * 100);
    markup_raw(markup, "%\"></i></td><td>");
    markup_number(markup, value);
    markup_raw(markup, "</td><td>");
    markup_number(markup, number_percent(markup->language, share, 1));
    markup_raw(markup, "</td></tr>\n");
}

static void bar_head(struct page *page, enum word name, enum word value) {
    struct markup *markup = &page->markup;
    markup_raw(markup, "<div class=\"scroll\"><table class=\"bars\"><thead><tr><th scope=\"col\">");
    markup_word(markup, name);
    markup_raw(markup, "</th><td></td><th scope=\"col\">");
    markup_word(markup, value);
    markup_raw(markup, "</th><th scope=\"col\">");
    markup_word(markup, WORD_share);
    markup_raw(markup, "</th></tr></thead><tbody>\n");
}

static void bar_end(struct page *page) { markup_raw(&page->markup, "</tbody></table></div>\n"); }

/* NULL for a stage that has no name in our languages. */
static const char *stage_name(pomona_language language, const char *name) {
    static const struct {
        const char *name;
        enum word word;
    } known[] = {
        {"list", WORD_stage_list},     {"model", WORD_stage_model},   {"read", WORD_stage_read},
        {"decode", WORD_stage_decode}, {"resize", WORD_stage_resize}, {"net", WORD_stage_net},
        {"write", WORD_stage_write},   {"commit", WORD_stage_commit}, {"moments", WORD_stage_moments},
        {"pca", WORD_stage_pca},       {"scores", WORD_stage_scores}, {"report", WORD_stage_report}};
    for (size_t i = 0; name && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0) return word(language, known[i].word);
    return NULL;
}

static double stage_seconds(const struct pomona_report *report, size_t index) {
    double seconds = report->stages[index].seconds;
    return isfinite(seconds) && seconds > 0 ? seconds : 0;
}

void write_stages(struct page *page) {
    const struct pomona_report *report = page->report;
    double sum = 0, most = 0;
    for (size_t i = 0; i < report->stage_count; i++) {
        sum += stage_seconds(report, i);
        most = fmax(most, stage_seconds(report, i));
    }
    bar_head(page, WORD_stage, WORD_seconds);
    for (size_t i = 0; i < report->stage_count; i++) {
        double seconds = stage_seconds(report, i);
        if (seconds <= 0) continue;
        bar_row(page, stage_name(page->markup.language, report->stages[i].name), report->stages[i].name,
                seconds / most, number_fixed(page->markup.language, seconds, seconds < 10 ? 2 : 1),
                seconds / sum);
    }
    bar_end(page);
}

static int by_count(const void *left, const void *right) {
    const struct pomona_report_label *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    if (!a->label || !b->label) return !a->label - !b->label;
    return strcmp(a->label, b->label);
}

static void write_class_rows(struct page *page, const struct pomona_report_label *labels, size_t count) {
    struct markup *markup = &page->markup;
    pomona_language language = markup->language;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)labels[i].count;
    markup_raw(markup, "<p>");
    part_count(markup, WORD_classes_intro, (int64_t)count, ". ");
    part_count(markup, WORD_classes_largest, labels[0].count, ", ");
    part_count(markup, WORD_classes_smallest, labels[count - 1].count, ".</p>\n");
    bar_head(page, WORD_label, WORD_photos);
    size_t shown = count < CLASS_BARS_MAX ? count : CLASS_BARS_MAX;
    double most = labels[0].count > 0 ? (double)labels[0].count : 1;
    for (size_t i = 0; i < shown; i++)
        bar_row(page, labels[i].label ? NULL : word(language, WORD_no_label), labels[i].label,
                (double)labels[i].count / most, number_integer(language, labels[i].count),
                sum > 0 ? (double)labels[i].count / sum : 0);
    bar_end(page);
    if (shown < count) part_remark(markup, (int64_t)(count - shown), WORD_classes_more, ".");
}

void write_classes(struct page *page) {
    size_t count = page->report->label_count;
    struct pomona_report_label *labels = memory_new(count, sizeof *labels);
    if (!labels) {
        if (page->markup.status == POMONA_OK)
            page->markup.status = fail_memory(page->markup.error, "labels of the report");
        return;
    }
    memcpy(labels, page->report->labels, count * sizeof *labels);
    qsort(labels, count, sizeof *labels, by_count);
    write_class_rows(page, labels, count);
    memory_free(labels);
}

/* ---- error rows ---- */

void write_failures(struct page *page) {
    const struct pomona_report *report = page->report;
    part_failures(&page->markup, report->failures, report->failure_count, report->errors, page->folder.length,
                  WORD_failures_meaning, WORD_failures_shown);
}
