#include "report/page.h"
#include "report/scree.h"
#include "report/spectrum.h"

#include <math.h>

/* The plot twice: SVG text does not flow, so phones get a narrow one with letters of the same size. */
static void write_plots(struct page *page) {
    struct scree scree = {&page->report->spectrum, &page->marks, page->markup.language, false};
    struct plot plot = scree_plot(&scree);
    plot.width = 960, plot.height = 480, plot.text_size = 14;
    plot_inline(&page->markup, &plot, "wide");
    plot.width = 360, plot.height = 330, plot.text_size = 13;
    plot_inline(&page->markup, &plot, "narrow");
}

static void open_mark(struct page *page, size_t k) {
    struct markup *markup = &page->markup;
    markup_raw(markup, "<div><dd>");
    if (k == 0) {
        markup_raw(markup, "<small>");
        markup_word(markup, WORD_variance_beyond);
        markup_raw(markup, "</small> ");
        k = page->report->spectrum.count;
    }
    markup_number(markup, number_integer(markup->language, (int64_t)k));
    markup_raw(markup, "</dd><dt>");
}

static void write_mark(struct page *page, size_t k, double share) {
    struct markup *markup = &page->markup;
    open_mark(page, k);
    markup_word(markup, WORD_variance_k);
    markup_raw(markup, ", ");
    markup_number(markup, number_percent(markup->language, share, 0));
    markup_raw(markup, " ");
    markup_word(markup, WORD_variance_of);
    markup_raw(markup, "</dt></div>\n");
}

void write_variance(struct page *page) {
    struct markup *markup = &page->markup;
    if (page->marks.total > 0) {
        markup_raw(markup, "<dl class=\"figures small\">\n");
        if (page->marks.elbow) {
            open_mark(page, page->marks.elbow);
            markup_word(markup, WORD_variance_elbow);
            markup_raw(markup, "</dt></div>\n");
        }
        /* Of the shares that are not reached, the lowest says it all. */
        write_mark(page, page->marks.k90, 0.90);
        if (page->marks.k90) write_mark(page, page->marks.k95, 0.95);
        if (page->marks.k95) write_mark(page, page->marks.k99, 0.99);
        markup_raw(markup, "</dl>\n");
    }
    markup_raw(markup, "<figure>\n");
    write_plots(page);
    if (page->marks.elbow || page->report->scores_standardised) {
        markup_raw(markup, "<figcaption>");
        if (page->report->scores_standardised) {
            markup_word(markup, WORD_variance_standardised);
            markup_raw(markup, " ");
        }
        if (page->marks.elbow) markup_word(markup, WORD_variance_elbow_note);
        markup_raw(markup, "</figcaption>\n");
    }
    markup_raw(markup, "</figure>\n");
}

static void cell(struct markup *markup, struct number number) {
    markup_raw(markup, "<td>");
    markup_number(markup, number);
    markup_raw(markup, "</td>");
}

void write_variance_table(struct page *page) {
    static const enum word heads[] = {WORD_component, WORD_eigenvalue, WORD_explained, WORD_cumulative};
    const struct pomona_spectrum *spectrum = &page->report->spectrum;
    struct markup *markup = &page->markup;
    pomona_language language = markup->language;
    size_t shown = spectrum->count < VARIANCE_ROWS_MAX ? spectrum->count : VARIANCE_ROWS_MAX;
    double cumulative = 0, total = page->marks.total > 0 ? page->marks.total : 1;
    markup_raw(markup, "<div class=\"scroll\"><table class=\"numbers\"><thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        markup_raw(markup, "<th scope=\"col\">");
        markup_word(markup, heads[i]);
        markup_raw(markup, "</th>");
    }
    markup_raw(markup, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < shown; i++) {
        double value = spectrum_value(spectrum, i);
        cumulative += value / total;
        markup_raw(markup, "<tr><th scope=\"row\">");
        markup_number(markup, number_integer(language, (int64_t)(i + 1)));
        markup_raw(markup, "</th>");
        cell(markup, number_short(language, value));
        cell(markup, number_percent(language, value / total, 2));
        cell(markup, number_percent(language, fmin(cumulative, 1), 2));
        markup_raw(markup, "</tr>\n");
    }
    markup_raw(markup, "</tbody></table></div>\n");
    if (shown == spectrum->count) return;
    markup_raw(markup, "<p class=\"quiet\">");
    markup_word(markup, WORD_first_rows);
    markup_raw(markup, "</p>\n");
}
