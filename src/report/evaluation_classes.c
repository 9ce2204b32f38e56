#include "base/memory.h"
#include "report/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void evaluation_confusion(struct evaluation_page *page) {
    struct markup *markup = &page->markup;
    struct confusion_picture picture;
    struct plot plot = confusion_plot(&page->confusion, markup->language, false, &picture);
    if (picture.note[0]) markup_printf(markup, "<p class=\"quiet\">%s</p>\n", picture.note);
    markup_raw(markup, "<div class=\"bleed\" tabindex=\"0\" role=\"group\" aria-label=\"");
    markup_word(markup, WORD_confusion_title);
    markup_raw(markup, "\">\n");
    plot_inline(markup, &plot, picture.numbers ? "fixed heat numbered" : "fixed heat");
    markup_raw(markup, "</div>\n");
}

/* ---- the table of classes ---- */

/* A class's row, and by what it is chosen and sorted. */
struct ranked_class {
    int class;
    double missed; /* photos that were not recognised */
    double f1;
};

static int by_missed(const void *left, const void *right) {
    const struct ranked_class *a = left, *b = right;
    if (a->missed != b->missed) return a->missed > b->missed ? -1 : 1;
    return a->class < b->class ? -1 : 1;
}

/* The worst first; classes without F1 come last. */
static int by_f1(const void *left, const void *right) {
    const struct ranked_class *a = left, *b = right;
    if (isnan(a->f1) != isnan(b->f1)) return isnan(a->f1) ? 1 : -1;
    if (a->f1 != b->f1 && !isnan(a->f1)) return a->f1 < b->f1 ? -1 : 1;
    return a->class < b->class ? -1 : 1;
}

static void write_head(struct markup *markup, const enum word *heads, size_t count, size_t texts) {
    for (size_t i = 0; i < count; i++) {
        markup_printf(markup, "<th scope=\"col\" aria-sort=\"%s\"%s><button type=\"button\" disabled>",
                      i + 1 == count ? "ascending" : "none", i < texts ? "" : " data-number");
        markup_word(markup, heads[i]);
        markup_raw(markup, "</button></th>");
    }
}

/* A share with a bar; what is not defined sorts last. */
static void write_share(struct markup *markup, double share) {
    if (isnan(share)) {
        markup_raw(markup, "<td class=\"meter\" data-v=\"\">");
        markup_word(markup, WORD_not_defined);
        markup_raw(markup, "</td>");
        return;
    }
    markup_printf(markup,
                  "<td class=\"meter\" data-v=\"%lld\"><span><i style=\"width:", llround(share * 1e6));
    markup_coordinate(markup, 100 * share);
    markup_raw(markup, "%\"></i></span>");
    markup_number(markup, number_percent(markup->language, share, 1));
    markup_raw(markup, "</td>");
}

static void write_class(struct evaluation_page *page, int class) {
    const struct pomona_evaluation_class *one = &page->report->classes[class];
    struct markup *markup = &page->markup;
    markup_raw(markup, "<tr><th scope=\"row\">");
    markup_name(markup, one->name);
    markup_raw(markup, "</th>");
    if (page->report->group_count > 0) {
        markup_raw(markup, "<td>");
        if (one->group >= 0) markup_name(markup, page->report->groups[one->group]);
        markup_raw(markup, "</td>");
    }
    markup_printf(markup, "<td data-v=\"%lld\">", (long long)one->photos);
    markup_number(markup, number_integer(markup->language, one->photos));
    markup_raw(markup, "</td>");
    write_share(markup, one->precision);
    write_share(markup, one->recall);
    write_share(markup, one->f1);
    markup_raw(markup, "</tr>\n");
}

static void write_table(struct evaluation_page *page, const struct ranked_class *ranked, size_t count) {
    static const enum word heads[] = {WORD_class_column,     WORD_group_column,  WORD_photos,
                                      WORD_precision_column, WORD_recall_column, WORD_f1_column};
    struct markup *markup = &page->markup;
    bool grouped = page->report->group_count > 0;
    enum word shown[6];
    size_t columns = 0;
    for (size_t i = 0; i < 6; i++)
        if (grouped || heads[i] != WORD_group_column) shown[columns++] = heads[i];
    markup_raw(markup, "<div class=\"scroll tall\" tabindex=\"0\" role=\"group\" aria-label=\"");
    markup_word(markup, WORD_class_table_title);
    markup_raw(markup, "\"><table class=\"sortable\"><thead><tr>");
    write_head(markup, shown, columns, grouped ? 2 : 1);
    markup_raw(markup, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < count; i++) write_class(page, ranked[i].class);
    markup_raw(markup, "</tbody></table></div>\n");
}

void evaluation_classes(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    size_t count = report->class_count, shown = count < CLASS_ROWS_MAX ? count : CLASS_ROWS_MAX;
    struct ranked_class *ranked = memory_new(count, sizeof *ranked);
    if (!ranked) {
        if (markup->status == POMONA_OK) markup->status = fail_memory(markup->error, "classes of the report");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct pomona_evaluation_class *one = &report->classes[i];
        double missed = isnan(one->recall) ? 0 : (double)one->photos * (1 - one->recall);
        ranked[i] = (struct ranked_class){(int)i, missed, one->f1};
    }
    if (shown < count) {
        qsort(ranked, count, sizeof *ranked, by_missed);
        markup_raw(markup, "<p class=\"quiet\">");
        markup_number(markup, number_integer(markup->language, (int64_t)shown));
        markup_raw(markup, " ");
        part_count(markup, WORD_class_table_some, (int64_t)count, ".</p>\n");
    }
    qsort(ranked, shown, sizeof *ranked, by_f1);
    write_table(page, ranked, shown);
    memory_free(ranked);
}

/* ---- labels that the model does not know ---- */

static int by_count(const void *left, const void *right) {
    const struct pomona_report_label *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    if (!a->label || !b->label) return !a->label - !b->label;
    return strcmp(a->label, b->label);
}

static void write_unseen(struct markup *markup, const struct pomona_report_label *label) {
    markup_raw(markup, "<li>");
    if (label->label)
        markup_name(markup, label->label);
    else
        markup_word(markup, WORD_no_label);
    markup_raw(markup, " <small>");
    markup_number(markup, number_integer(markup->language, label->count));
    markup_raw(markup, "</small></li>\n");
}

void evaluation_unseen(struct evaluation_page *page) {
    struct markup *markup = &page->markup;
    size_t count = page->report->unseen_count, shown = count < UNSEEN_MAX ? count : UNSEEN_MAX;
    struct pomona_report_label *labels = memory_new(count, sizeof *labels);
    if (!labels) {
        if (markup->status == POMONA_OK) markup->status = fail_memory(markup->error, "labels of the report");
        return;
    }
    memcpy(labels, page->report->unseen, count * sizeof *labels);
    qsort(labels, count, sizeof *labels, by_count);
    markup_raw(markup, "<ul class=\"labels\">\n");
    for (size_t i = 0; i < shown; i++) write_unseen(markup, &labels[i]);
    markup_raw(markup, "</ul>\n");
    if (shown < count) part_remark(markup, (int64_t)(count - shown), WORD_classes_more, ".");
    memory_free(labels);
}
