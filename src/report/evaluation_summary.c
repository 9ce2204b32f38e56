#include "report/evaluation.h"
#include "report/reliability.h"

#include <math.h>
#include <stdio.h>

void evaluation_notes(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    for (size_t i = 0; i < report->note_count; i++) part_note_text(markup, report->notes[i]);
    if (report->synthetic_photos) part_note(markup, WORD_note_synthetic);
    if (report->untrained_model) part_note(markup, WORD_note_untrained);
}

/* ---- the large figures ---- */

static void share_figure(struct markup *markup, const struct pomona_report_share *share, enum word unit) {
    pomona_language language = markup->language;
    char below[2 * NUMBER_SIZE + 16];
    if (!(share->high > 0)) return;
    snprintf(below, sizeof below, "(%s \xe2\x80\x93 %s)", number_fixed(language, 100 * share->low, 1).text,
             number_percent(language, share->high, 1).text);
    part_figure_text(markup, number_percent(language, share->value, 1).text, unit, below);
}

void evaluation_figures(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    pomona_language language = markup->language;
    share_figure(markup, &report->top1, WORD_top1);
    share_figure(markup, &report->top5, WORD_top5);
    share_figure(markup, &report->coarse_top1, WORD_coarse_top1);
    share_figure(markup, &report->coarse_top5, WORD_coarse_top5);
    share_figure(markup, &report->accepted_top1, WORD_fact_accepted);
    if (report->macro_recall > 0)
        part_figure(markup, number_percent(language, report->macro_recall, 1), WORD_fact_macro);
    if (report->reliability_count > 0)
        part_figure(markup, number_percent(language, report->ece, 1), WORD_fact_ece);
    if (report->auroc.high > 0) {
        char below[2 * NUMBER_SIZE + 16];
        snprintf(below, sizeof below, "(%s \xe2\x80\x93 %s)",
                 number_fixed(language, report->auroc.low, 3).text,
                 number_fixed(language, report->auroc.high, 3).text);
        part_figure_text(markup, number_fixed(language, report->auroc.value, 3).text, WORD_fact_auroc, below);
    }
    part_figure(markup, number_integer(language, report->judged), WORD_fact_judged);
}

/* ---- facts ---- */

static void fact_number(struct markup *markup, enum word name, struct number number, enum word unit) {
    part_fact_open(markup, name);
    markup_number(markup, number);
    markup_raw(markup, "\xc2\xa0");
    markup_word(markup, unit);
    part_fact_close(markup);
}

/* "120 (2.4%)" of the judged photos. */
static void fact_part(struct markup *markup, enum word name, int64_t count, int64_t of) {
    if (count <= 0 || of <= 0) return;
    part_fact_open(markup, name);
    markup_number(markup, number_integer(markup->language, count));
    markup_raw(markup, " (");
    markup_number(markup, number_percent(markup->language, (double)count / (double)of, 1));
    markup_raw(markup, ")");
    part_fact_close(markup);
}

void evaluation_facts(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    part_fact(markup, WORD_fact_model, report->model, NULL);
    part_fact(markup, WORD_fact_judged_source, report->source, NULL);
    part_fact(markup, WORD_fact_kind, report->kind, NULL);
    part_fact(markup, WORD_fact_precision, report->precision, NULL);
    part_fact_count(markup, WORD_fact_classes, (int64_t)report->class_count);
    part_fact_count(markup, WORD_fact_groups, (int64_t)report->group_count);
    part_fact(markup, WORD_fact_profile, report->profile, NULL);
    part_fact(markup, WORD_fact_layer, report->layer, NULL);
    part_fact(markup, WORD_fact_backbone, report->backbone, NULL);
    part_fact(markup, WORD_fact_calibration, report->calibration, NULL);
    if (report->temperature > 0 && isfinite(report->temperature)) {
        part_fact_open(markup, WORD_fact_temperature);
        markup_number(markup, number_plain(markup->language, report->temperature));
        part_fact_close(markup);
    }
    part_fact_count(markup, WORD_fact_found, report->photos);
    fact_part(markup, WORD_fact_rejected, report->rejected, report->judged);
    fact_part(markup, WORD_fact_coarse_only, report->coarse, report->judged);
    part_fact_count(markup, WORD_failures, report->errors);
    if (report->seconds > 0)
        fact_number(markup, WORD_fact_time,
                    number_fixed(markup->language, report->seconds, report->seconds < 100 ? 1 : 0),
                    WORD_seconds_short);
    part_fact(markup, WORD_fact_tier, report->tier, NULL);
    part_fact(markup, WORD_fact_version, report->version, NULL);
    part_fact(markup, WORD_fact_model_hash, report->model_hash, "hash");
    part_fact(markup, WORD_fact_backbone_hash, report->backbone_hash, "hash");
}

/* ---- plots ---- */

/* SVG text does not flow, so phones get a narrow picture with letters of the same size. */
static void write_plot(struct markup *markup, struct plot plot) {
    markup_raw(markup, "<figure class=\"judged\">\n");
    plot.width = 640, plot.height = 620, plot.text_size = 14;
    plot_inline(markup, &plot, "wide");
    plot.width = 360, plot.height = 430, plot.text_size = 13;
    plot_inline(markup, &plot, "narrow");
    markup_raw(markup, "</figure>\n");
}

void evaluation_reliability(struct evaluation_page *page) {
    struct judged_picture picture = {page->report, false};
    write_plot(&page->markup, reliability_plot(&picture));
}

static void cell(struct markup *markup, struct number number) {
    markup_raw(markup, "<td>");
    markup_number(markup, number);
    markup_raw(markup, "</td>");
}

static void write_point(struct markup *markup, const struct pomona_rejection_point *point, bool own) {
    pomona_language language = markup->language;
    markup_printf(markup, "<tr%s><th scope=\"row\">", own ? " class=\"own\"" : "");
    markup_number(markup, number_short(language, point->threshold));
    if (own) {
        markup_raw(markup, " <small>");
        markup_word(markup, WORD_own_threshold);
        markup_raw(markup, "</small>");
    }
    markup_raw(markup, "</th>");
    cell(markup, number_percent(language, 1 - point->known_accepted, 1));
    cell(markup, number_percent(language, point->unknown_accepted, 1));
    if (isnan(point->accuracy)) {
        markup_raw(markup, "<td>");
        markup_word(markup, WORD_not_defined);
        markup_raw(markup, "</td>");
    } else {
        cell(markup, number_percent(language, point->accuracy, 1));
    }
    markup_raw(markup, "</tr>\n");
}

/* The highest threshold that rejects at most `share` of the known photos; NULL: none does. */
static const struct pomona_rejection_point *find_point(const struct pomona_evaluation_report *report,
                                                       double share) {
    const struct pomona_rejection_point *found = NULL;
    for (size_t i = 0; i < report->rejection_count; i++)
        if (1 - report->rejection[i].known_accepted <= share + 1e-12) found = &report->rejection[i];
    return found;
}

static void write_points(struct evaluation_page *page) {
    static const enum word heads[] = {WORD_threshold, WORD_rejection_known_column,
                                      WORD_rejection_unknown_column, WORD_rejection_accuracy_column};
    static const double shares[] = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5};
    const struct pomona_evaluation_report *report = page->report;
    const struct pomona_rejection_point *last = NULL;
    struct markup *markup = &page->markup;
    bool own = !report->rejects;
    markup_raw(markup, "<div class=\"scroll\"><table class=\"numbers wider\"><thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        markup_raw(markup, "<th scope=\"col\">");
        markup_word(markup, heads[i]);
        markup_raw(markup, "</th>");
    }
    markup_raw(markup, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        const struct pomona_rejection_point *point = find_point(report, shares[i]);
        if (!point || point == last) continue;
        last = point;
        if (!own && report->operating.threshold <= point->threshold) {
            write_point(markup, &report->operating, true);
            own = true;
            if (report->operating.threshold == point->threshold) continue;
        }
        write_point(markup, point, false);
    }
    if (!own) write_point(markup, &report->operating, true);
    markup_raw(markup, "</tbody></table></div>\n");
}

void evaluation_rejection(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    struct judged_picture picture = {report, false};
    markup_raw(markup, "<p>");
    if (report->known_photos > 0 || report->unknown_photos > 0) {
        part_count(markup, WORD_rejection_counts_known, report->known_photos, ", ");
        part_count(markup, WORD_rejection_counts_unknown, report->unknown_photos, ". ");
    }
    if (report->rejects && report->false_reject > 0) {
        markup_word(markup, WORD_rejection_set);
        markup_raw(markup, " ");
        markup_number(markup, number_percent(markup->language, report->false_reject, 1));
        markup_raw(markup, ".");
    }
    markup_raw(markup, "</p>\n");
    write_plot(markup, rejection_plot(&picture));
    write_points(page);
}
