#include "report/comparison_page.h"

#include "report/asset.h"
#include "report/page_text.h"
#include "report/template.h"

#include <math.h>

/* ---- checks ---- */

static bool is_figure(double value) { return isfinite(value) && value >= 0; }

static bool is_share(const struct pomona_report_share *share) {
    return share->low >= 0 && share->low <= share->value + 1e-9 && share->value <= share->high + 1e-9 &&
           share->value <= 1 && share->high <= 1;
}

static pomona_status check_row(const struct pomona_comparison_row *row, struct pomona_error *error) {
    const double figures[] = {row->ms,       row->ms_low, row->ms_high, row->p99_ms, row->photos_per_second,
                              row->ready_ms, row->energy};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (!is_figure(figures[i]))
            return fail(error, POMONA_E_INPUT, row->name, "a figure of %g", figures[i]);
    const struct pomona_report_share *const shares[] = {&row->top1, &row->coarse_top1};
    for (size_t i = 0; i < 2; i++)
        if (shares[i]->high != 0 && !is_share(shares[i]))
            return fail(error, POMONA_E_INPUT, row->name, "is not a share with its interval: %g (%g to %g)",
                        shares[i]->value, shares[i]->low, shares[i]->high);
    return POMONA_OK;
}

static pomona_status check(const struct pomona_comparison_report *report, struct pomona_error *error) {
    const struct pomona_comparison_budget *budget = &report->budget;
    if ((unsigned)report->language >= POMONA_LANGUAGE_COUNT)
        return fail(error, POMONA_E_USAGE, "report", "unknown language %d", (int)report->language);
    if ((unsigned)report->energy > POMONA_COMPARISON_CPU_SECONDS ||
        (unsigned)report->bubble > POMONA_COMPARISON_FILE)
        return fail(error, POMONA_E_USAGE, "report", "unknown unit of energy or bubbles");
    if ((report->row_count > 0 && !report->rows) || (report->note_count > 0 && !report->notes) ||
        (report->failure_count > 0 && !report->failures))
        return fail(error, POMONA_E_USAGE, "report", "a count without its array");
    if (report->row_count > COMPARISON_ROWS_MAX)
        return fail(error, POMONA_E_LIMIT, "report", "more than %d rows", COMPARISON_ROWS_MAX);
    if (!is_figure(budget->ms) || !is_figure(budget->p99_ms) || !is_figure(budget->energy))
        return fail(error, POMONA_E_INPUT, "report", "a budget that is negative or not finite");
    for (size_t i = 0; i < report->row_count; i++) TRY(check_row(&report->rows[i], error));
    return POMONA_OK;
}

/* ---- sections ---- */

static void write_notes(struct comparison_page *page) {
    const struct pomona_comparison_report *report = page->report;
    for (size_t i = 0; i < report->note_count; i++) part_note_text(&page->markup, report->notes[i]);
    if (report->labels_differ) part_note(&page->markup, WORD_comparison_labels_differ);
    if (report->energy == POMONA_COMPARISON_CPU_SECONDS) part_note(&page->markup, WORD_comparison_cpu);
}

static void write_advice(struct comparison_page *page) {
    markup_raw(&page->markup, "<p class=\"advice\">");
    markup_name(&page->markup, page->report->advice);
    markup_raw(&page->markup, "</p>\n");
}

static void write_pareto(struct comparison_page *page) {
    struct pareto pareto = page->pareto;
    pareto.titled = false;
    struct plot plot = pareto_plot(&pareto);
    markup_raw(&page->markup, "<figure>\n");
    plot.width = 980, plot.height = 620, plot.text_size = 14;
    plot_inline(&page->markup, &plot, "wide");
    pareto.letters = 18;
    plot.width = 360, plot.height = 460, plot.text_size = 13;
    plot_inline(&page->markup, &plot, "narrow");
    markup_raw(&page->markup, "</figure>\n");
}

/* One bound: "median 20 ms". */
static void write_bound(struct markup *markup, const char **between, const char *name, double value,
                        const char *unit) {
    if (!(value > 0)) return;
    markup_printf(markup, "%s%s%s%s\xc2\xa0%s", *between, name, name[0] ? " " : "",
                  number_plain(markup->language, value).text, unit);
    *between = ", ";
}

static void write_budget(struct comparison_page *page) {
    const struct pomona_comparison_budget *budget = &page->report->budget;
    struct markup *markup = &page->markup;
    pomona_language language = markup->language;
    const char *between = "", *megabytes = word(language, WORD_megabytes);
    if (!(budget->ms > 0 || budget->p99_ms > 0 || budget->memory > 0 || budget->file > 0 ||
          budget->energy > 0))
        return;
    part_fact_open(markup, WORD_comparison_budget);
    write_bound(markup, &between, word(language, WORD_median_name), budget->ms, "ms");
    write_bound(markup, &between, "p99", budget->p99_ms, "ms");
    write_bound(markup, &between, word(language, WORD_memory_name), (double)budget->memory / 1e6, megabytes);
    write_bound(markup, &between, word(language, WORD_file_name), (double)budget->file / 1e6, megabytes);
    write_bound(markup, &between, word(language, WORD_energy_name), budget->energy,
                page->report->energy == POMONA_COMPARISON_JOULES ? "J" : "s");
    part_fact_close(markup);
}

static void write_facts(struct comparison_page *page) {
    const struct pomona_comparison_report *report = page->report;
    struct markup *markup = &page->markup;
    part_fact(markup, WORD_fact_source, report->source, NULL);
    part_fact_count(markup, WORD_fact_found, report->photos);
    write_budget(page);
    part_fact_count(markup, WORD_fact_threads, report->threads);
    part_fact_count(markup, WORD_fact_rounds, report->rounds);
    if (isfinite(report->seconds) && report->seconds > 0) {
        part_fact_open(markup, WORD_fact_time);
        markup_number(markup, number_significant(markup->language, report->seconds, 3));
        markup_raw(markup, "\xc2\xa0");
        markup_word(markup, WORD_seconds_short);
        part_fact_close(markup);
    }
    part_fact(markup, WORD_fact_tier, report->tier, NULL);
    part_fact(markup, WORD_fact_version, report->version, NULL);
}

static void write_failures(struct comparison_page *page) {
    const struct pomona_comparison_report *report = page->report;
    part_failure_rows(&page->markup, report->failures, report->failure_count, 0, WORD_model_column);
}

/* ---- the pieces of the template ---- */

static void put_title(void *self) {
    struct comparison_page *page = self;
    if (page->report->title)
        markup_text(&page->markup, page->report->title);
    else
        markup_word(&page->markup, WORD_comparison_title);
}

static void put_css(void *self) { page_css(&((struct comparison_page *)self)->markup); }
static void put_js(void *self) { page_table_js(&((struct comparison_page *)self)->markup); }
static void put_notes(void *self) { write_notes(self); }
static void put_advice(void *self) { write_advice(self); }
static void put_pareto(void *self) { write_pareto(self); }
static void put_table(void *self) { comparison_table(self); }
static void put_facts(void *self) { write_facts(self); }
static void put_failures(void *self) { write_failures(self); }

static bool has_advice(void *self) {
    const char *advice = ((struct comparison_page *)self)->report->advice;
    return advice && advice[0];
}
static bool has_pareto(void *self) { return ((struct comparison_page *)self)->pareto.count > 0; }
static bool has_rows(void *self) { return ((struct comparison_page *)self)->report->row_count > 0; }
static bool has_failures(void *self) { return ((struct comparison_page *)self)->report->failure_count > 0; }

static const struct template_piece pieces[] = {
    {"css", put_css, NULL},
    {"js", put_js, NULL},
    {"title", put_title, NULL},
    {"notes", put_notes, NULL},
    {"advice", put_advice, has_advice},
    {"pareto", put_pareto, has_pareto},
    {"table", put_table, has_rows},
    {"facts", put_facts, NULL},
    {"failures", put_failures, has_failures},
};

/* `page->pareto` is the caller's to free, also after a failure. */
static pomona_status write_page(struct comparison_page *page, const struct pomona_comparison_report *report,
                                struct buffer *out, struct pomona_error *error) {
    *page = (struct comparison_page){.report = report, .markup = {out, error, POMONA_OK, report->language}};
    TRY(check(report, error));
    TRY(pareto_find(report, &page->pareto, error));
    template_fill(&page->markup, asset_comparison_html.text, asset_comparison_html.size, pieces,
                  sizeof pieces / sizeof pieces[0], page);
    return page->markup.status;
}

/* ---- the public functions ---- */

pomona_status pomona_comparison_report_html(const struct pomona_comparison_report *report, char **text,
                                            size_t *size, struct pomona_error *error) {
    struct comparison_page page;
    struct buffer out = BUFFER_INIT(PAGE_LIMIT);
    *text = NULL;
    *size = 0;
    pomona_status status = write_page(&page, report, &out, error);
    pareto_free(&page.pareto);
    return page_take_text(&out, status, text, size, error);
}

static pomona_status write_plots(const struct pareto *pareto, const char *folder,
                                 struct pomona_error *error) {
    if (pareto->count == 0) return POMONA_OK;
    struct plot plot = pareto_plot(pareto);
    TRY(page_plot(&plot, plot_png, folder, "pareto.png", error));
    return page_plot(&plot, plot_svg, folder, "pareto.svg", error);
}

pomona_status pomona_comparison_report_write(const struct pomona_comparison_report *report,
                                             const char *folder, struct pomona_error *error) {
    struct comparison_page page;
    struct buffer out = BUFFER_INIT(PAGE_LIMIT);
    pomona_status status = write_page(&page, report, &out, error);
    if (status == POMONA_OK) status = write_plots(&page.pareto, folder, error);
    if (status == POMONA_OK) status = page_write(&out, folder, "comparison.html", error);
    pareto_free(&page.pareto);
    buffer_free(&out);
    return status;
}
