#include "report/comparison_page.h"

#include <math.h>

/* A column of numbers. */
struct column {
    double (*value)(const struct pomona_comparison_row *row); /* 0: not known */
    const struct pomona_report_share *(*share)(
        const struct pomona_comparison_row *row);          /* NULL: a plain number */
    bool (*over)(const struct pomona_comparison_row *row); /* NULL: no budget */
    enum word head;
    bool least; /* the least is best */
};

static double top1_value(const struct pomona_comparison_row *row) { return row->top1.value; }
static double coarse_value(const struct pomona_comparison_row *row) { return row->coarse_top1.value; }
static double ms_value(const struct pomona_comparison_row *row) { return row->ms; }
static double p99_value(const struct pomona_comparison_row *row) { return row->p99_ms; }
static double rate_value(const struct pomona_comparison_row *row) { return row->photos_per_second; }
static double ready_value(const struct pomona_comparison_row *row) { return row->ready_ms; }
static double memory_value(const struct pomona_comparison_row *row) { return (double)row->memory / 1e6; }
static double file_value(const struct pomona_comparison_row *row) { return (double)row->file / 1e6; }
static double energy_value(const struct pomona_comparison_row *row) { return row->energy; }
static const struct pomona_report_share *top1_share(const struct pomona_comparison_row *row) {
    return &row->top1;
}
static const struct pomona_report_share *coarse_share(const struct pomona_comparison_row *row) {
    return &row->coarse_top1;
}
static bool over_ms(const struct pomona_comparison_row *row) { return row->over_ms; }
static bool over_p99(const struct pomona_comparison_row *row) { return row->over_p99; }
static bool over_memory(const struct pomona_comparison_row *row) { return row->over_memory; }
static bool over_file(const struct pomona_comparison_row *row) { return row->over_file; }
static bool over_energy(const struct pomona_comparison_row *row) { return row->over_energy; }

static const struct column columns[] = {
    {top1_value, top1_share, NULL, WORD_top1, false},
    {coarse_value, coarse_share, NULL, WORD_coarse_column, false},
    {ms_value, NULL, over_ms, WORD_ms_column, true},
    {p99_value, NULL, over_p99, WORD_p99_column, true},
    {rate_value, NULL, NULL, WORD_rate_column, false},
    {ready_value, NULL, NULL, WORD_ready_column, true},
    {memory_value, NULL, over_memory, WORD_memory_column, true},
    {file_value, NULL, over_file, WORD_file_column, true},
    {energy_value, NULL, over_energy, WORD_joules_column, true},
    {energy_value, NULL, over_energy, WORD_cpu_column, true},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static bool is_known(const struct column *column, const struct pomona_comparison_row *row) {
    return column->share ? column->share(row)->high > 0 : column->value(row) > 0;
}

/* The best value of each column; NAN: the column is not shown. */
static void find_best(const struct pomona_comparison_report *report, double best[COLUMNS]) {
    for (size_t c = 0; c < COLUMNS; c++) {
        bool joules = columns[c].head == WORD_joules_column, cpu = columns[c].head == WORD_cpu_column;
        best[c] = NAN;
        if ((joules && report->energy != POMONA_COMPARISON_JOULES) ||
            (cpu && report->energy != POMONA_COMPARISON_CPU_SECONDS))
            continue;
        for (size_t i = 0; i < report->row_count; i++) {
            if (!is_known(&columns[c], &report->rows[i])) continue;
            double value = columns[c].value(&report->rows[i]);
            if (isnan(best[c]) || (columns[c].least ? value < best[c] : value > best[c])) best[c] = value;
        }
    }
}

static void write_heads(struct markup *markup, const double best[COLUMNS]) {
    markup_raw(markup, "<th scope=\"col\" aria-sort=\"none\"><button type=\"button\" disabled>");
    markup_word(markup, WORD_model_column);
    markup_raw(markup, "</button></th>");
    for (size_t c = 0; c < COLUMNS; c++) {
        if (isnan(best[c])) continue;
        markup_printf(markup,
                      "<th scope=\"col\" aria-sort=\"none\" data-number%s><button type=\"button\" disabled>",
                      columns[c].least ? " data-least" : "");
        markup_word(markup, columns[c].head);
        markup_raw(markup, "</button></th>");
    }
}

static void write_interval(struct markup *markup, const struct pomona_report_share *share) {
    pomona_language language = markup->language;
    markup_number(markup, number_percent(language, share->value, 1));
    markup_printf(markup, "<small>(%s \xe2\x80\x93 %s)</small>",
                  number_fixed(language, 100 * share->low, 1).text,
                  number_percent(language, share->high, 1).text);
}

static void write_cell(struct markup *markup, const struct column *column,
                       const struct pomona_comparison_row *row, double best) {
    if (!is_known(column, row)) {
        markup_raw(markup, "<td data-v=\"\">");
        markup_word(markup, WORD_not_defined);
        markup_raw(markup, "</td>");
        return;
    }
    double value = column->value(row);
    bool wins = value == best;
    /* Millionths of its unit keep the order, and have no decimal point for a locale to change. */
    markup_printf(markup, "<td data-v=\"%lld\"%s>", llround(fmin(value, 1e12) * 1e6),
                  wins ? " class=\"best\"" : "");
    if (column->share)
        write_interval(markup, column->share(row));
    else
        markup_number(markup, number_significant(markup->language, value, 3));
    if (wins)
        markup_printf(markup, "<span class=\"spoken\"> (%s)</span>",
                      word(markup->language, WORD_best_of_column));
    if (column->over && column->over(row))
        markup_printf(markup, "<small class=\"flag\">%s</small>", word(markup->language, WORD_over_budget));
    markup_raw(markup, "</td>");
}

/* "logistic, fp32, 224 x 224 px": what is known of it. */
static void write_kind(struct markup *markup, const struct pomona_comparison_row *row) {
    const char *between = "";
    const char *const texts[] = {row->kind, row->precision};
    markup_raw(markup, "<small>");
    for (size_t i = 0; i < 2; i++) {
        if (!texts[i] || !texts[i][0]) continue;
        markup_raw(markup, between);
        markup_name(markup, texts[i]);
        between = ", ";
    }
    if (row->width > 0 && row->height > 0)
        markup_printf(markup, "%s%d\xc2\xa0\xc3\x97\xc2\xa0%d\xc2\xa0%s", between, row->width, row->height,
                      word(markup->language, WORD_pixels));
    markup_raw(markup, "</small>");
}

static void write_row(struct comparison_page *page, size_t index, const double best[COLUMNS]) {
    const struct pomona_comparison_row *row = &page->report->rows[index];
    struct markup *markup = &page->markup;
    markup_printf(markup, "<tr%s><th scope=\"row\">", row->recommended ? " class=\"recommended\"" : "");
    markup_name(markup, row->name);
    if (row->recommended)
        markup_printf(markup, " <span class=\"chip\">%s</span>", word(markup->language, WORD_recommended));
    if (pareto_is_front(&page->pareto, index))
        markup_printf(markup, " <span class=\"chip front\">%s</span>", word(markup->language, WORD_on_front));
    write_kind(markup, row);
    markup_raw(markup, "</th>");
    for (size_t c = 0; c < COLUMNS; c++)
        if (!isnan(best[c])) write_cell(markup, &columns[c], row, best[c]);
    markup_raw(markup, "</tr>\n");
}

void comparison_table(struct comparison_page *page) {
    struct markup *markup = &page->markup;
    double best[COLUMNS];
    find_best(page->report, best);
    markup_raw(markup, "<div class=\"bleed\" tabindex=\"0\" role=\"group\" aria-label=\"");
    markup_word(markup, WORD_comparison_table);
    markup_raw(markup, "\"><table class=\"sortable models\"><thead><tr>");
    write_heads(markup, best);
    markup_raw(markup, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < page->report->row_count; i++) write_row(page, i, best);
    markup_raw(markup, "</tbody></table></div>\n");
}
