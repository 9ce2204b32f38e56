#include "base/memory.h"
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void note(struct page *page, bool applies, enum word text) {
    if (!applies) return;
    markup_raw(&page->markup, "<p class=\"note\">");
    markup_word(&page->markup, text);
    markup_raw(&page->markup, "</p>\n");
}

void write_notes(struct page *page) {
    note(page, page->report->synthetic_photos, WORD_note_synthetic);
    note(page, page->report->untrained_model, WORD_note_untrained);
    note(page, page->report->profile_assumed, WORD_note_profile);
}

/* ---- the large figures ---- */

static void figure(struct page *page, struct number value, enum word unit) {
    markup_raw(&page->markup, "<div><dt>");
    markup_word(&page->markup, unit);
    markup_raw(&page->markup, "</dt><dd>");
    markup_number(&page->markup, value);
    markup_raw(&page->markup, "</dd></div>\n");
}

void write_figures(struct page *page) {
    const struct pomona_report *report = page->report;
    pomona_language language = page->markup.language;
    if (report->photos > 0) figure(page, number_integer(language, report->photos), WORD_fact_photos);
    if (report->rows > 0) figure(page, number_integer(language, report->rows), WORD_fact_rows);
    if (report->photos > 0 || report->errors > 0)
        figure(page, number_integer(language, report->errors), WORD_fact_errors);
    if (report->seconds > 0)
        figure(page, number_fixed(language, report->seconds, report->seconds < 100 ? 1 : 0),
               WORD_fact_seconds);
    if (report->photos_per_second > 0)
        figure(page,
               number_fixed(language, report->photos_per_second, report->photos_per_second < 100 ? 1 : 0),
               WORD_fact_rate);
    if (page->marks.k95) figure(page, number_integer(language, (int64_t)page->marks.k95), WORD_fact_k95);
}

/* ---- facts ---- */

static void open_fact(struct page *page, enum word name) {
    markup_raw(&page->markup, "<div><dt>");
    markup_word(&page->markup, name);
    markup_raw(&page->markup, "</dt><dd>");
}

static void close_fact(struct page *page) { markup_raw(&page->markup, "</dd></div>\n"); }

static void fact_text(struct page *page, enum word name, const char *text, const char *class) {
    if (!text || !text[0]) return;
    open_fact(page, name);
    if (class) markup_printf(&page->markup, "<span class=\"%s\">", class);
    markup_name(&page->markup, text);
    if (class) markup_raw(&page->markup, "</span>");
    close_fact(page);
}

static void fact_count(struct page *page, enum word name, int64_t value) {
    if (value <= 0) return;
    open_fact(page, name);
    markup_number(&page->markup, number_integer(page->markup.language, value));
    close_fact(page);
}

void write_facts(struct page *page) {
    const struct pomona_report *report = page->report;
    fact_text(page, WORD_fact_source, report->source, NULL);
    fact_count(page, WORD_fact_skipped, report->skipped);
    if (report->bytes_read > 0) {
        open_fact(page, WORD_fact_bytes);
        markup_number(&page->markup,
                      number_fixed(page->markup.language, (double)report->bytes_read / 1e6, 1));
        markup_raw(&page->markup, "\xc2\xa0");
        markup_word(&page->markup, WORD_megabytes);
        close_fact(page);
    }
    fact_count(page, WORD_fact_threads, report->threads);
    fact_text(page, WORD_fact_model, report->model, NULL);
    fact_text(page, WORD_fact_layer, report->layer, NULL);
    fact_count(page, WORD_fact_features, report->features);
    fact_text(page, WORD_fact_profile, report->profile, NULL);
    fact_text(page, WORD_fact_tier, report->tier, NULL);
    fact_text(page, WORD_fact_version, report->version, NULL);
    fact_text(page, WORD_fact_model_hash, report->model_hash, "hash");
    fact_text(page, WORD_fact_space, report->feature_space, "hash");
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

/* "Labels: 60. " */
static void labelled_number(struct markup *markup, enum word name, int64_t value, const char *end) {
    markup_word(markup, name);
    markup_raw(markup, " ");
    markup_number(markup, number_integer(markup->language, value));
    markup_raw(markup, end);
}

static void write_class_rows(struct page *page, const struct pomona_report_label *labels, size_t count) {
    struct markup *markup = &page->markup;
    pomona_language language = markup->language;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)labels[i].count;
    markup_raw(markup, "<p>");
    labelled_number(markup, WORD_classes_intro, (int64_t)count, ". ");
    labelled_number(markup, WORD_classes_largest, labels[0].count, ", ");
    labelled_number(markup, WORD_classes_smallest, labels[count - 1].count, ".</p>\n");
    bar_head(page, WORD_label, WORD_photos);
    size_t shown = count < CLASS_BARS_MAX ? count : CLASS_BARS_MAX;
    double most = labels[0].count > 0 ? (double)labels[0].count : 1;
    for (size_t i = 0; i < shown; i++)
        bar_row(page, labels[i].label ? NULL : word(language, WORD_no_label), labels[i].label,
                (double)labels[i].count / most, number_integer(language, labels[i].count),
                sum > 0 ? (double)labels[i].count / sum : 0);
    bar_end(page);
    if (shown == count) return;
    markup_raw(markup, "<p class=\"quiet\">");
    markup_number(markup, number_integer(language, (int64_t)(count - shown)));
    markup_raw(markup, " ");
    markup_word(markup, WORD_classes_more);
    markup_raw(markup, ".</p>\n");
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
    struct markup *markup = &page->markup;
    int64_t all =
        report->errors > (int64_t)report->failure_count ? report->errors : (int64_t)report->failure_count;
    size_t shown = report->failure_count < FAILURES_MAX ? report->failure_count : FAILURES_MAX;
    if (all == 0) {
        markup_raw(markup, "<p>");
        markup_word(markup, WORD_failures_none);
        markup_raw(markup, "</p>\n");
        return;
    }
    markup_raw(markup, "<p>");
    labelled_number(markup, WORD_failures_intro, all, ". ");
    markup_word(markup, WORD_failures_meaning);
    markup_raw(markup, "</p>\n<div class=\"scroll\"><table class=\"failures\"><thead><tr><th scope=\"col\">");
    markup_word(markup, WORD_path);
    markup_raw(markup, "</th><th scope=\"col\">");
    markup_word(markup, WORD_reason);
    markup_raw(markup, "</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < shown; i++) {
        markup_raw(markup, "<tr><td class=\"path\">");
        markup_name(markup, page_path(page, report->failures[i].path));
        markup_raw(markup, "</td><td>");
        markup_name(markup, report->failures[i].reason);
        markup_raw(markup, "</td></tr>\n");
    }
    markup_raw(markup, "</tbody></table></div>\n");
    if ((int64_t)shown == all) return;
    markup_raw(markup, "<p class=\"quiet\">");
    markup_number(markup, number_integer(markup->language, (int64_t)shown));
    markup_raw(markup, " ");
    markup_word(markup, WORD_failures_shown);
    markup_raw(markup, "</p>\n");
}
