#include "report/page.h"

#include <string.h>

static const char *row_label(const struct page *page, size_t row) {
    return page->report->row_photos[row].label;
}

static void write_photo(struct page *page, size_t row) {
    struct markup *markup = &page->markup;
    const char *path = page_path(page, page->report->row_photos[row].path);
    struct photo_source source = page_photos(page);
    markup_raw(markup, "<figure>");
    part_photo(markup, &source, row, path);
    markup_raw(markup, "<figcaption><b>");
    if (row_label(page, row))
        markup_name(markup, row_label(page, row));
    else
        markup_word(markup, WORD_no_label);
    markup_raw(markup, "</b> <span class=\"path\">");
    markup_name(markup, path);
    markup_raw(markup, "</span></figcaption></figure>\n");
}

static void write_distance(struct page *page, double distance) {
    struct markup *markup = &page->markup;
    markup_word(markup, WORD_distance);
    markup_raw(markup, " ");
    markup_number(markup, number_short(markup->language, distance));
}

static void write_typical(struct page *page, enum word words, double distance) {
    struct markup *markup = &page->markup;
    markup_raw(markup, " ");
    markup_word(markup, words);
    markup_raw(markup, " ");
    markup_number(markup, number_short(markup->language, distance));
    markup_raw(markup, ".</p>\n");
}

/* Says so when only `count` photos were looked at. */
static void write_sampled(struct page *page, size_t count) {
    struct markup *markup = &page->markup;
    size_t all = page_population(page);
    if (count >= all) return;
    markup_raw(markup, "<p class=\"quiet\">");
    markup_number(markup, number_integer(markup->language, (int64_t)count));
    markup_raw(markup, " ");
    markup_word(markup, WORD_pairs_sampled);
    markup_raw(markup, " ");
    markup_number(markup, number_integer(markup->language, (int64_t)all));
    markup_raw(markup, ".</p>\n");
}

static bool labels_differ(const struct page *page, const struct near_pair *pair) {
    const char *a = row_label(page, pair->a), *b = row_label(page, pair->b);
    return a && b && strcmp(a, b) != 0;
}

void write_pairs(struct page *page) {
    struct markup *markup = &page->markup;
    const struct neighbours *found = &page->neighbours;
    markup_raw(markup, "<p>");
    markup_word(markup, WORD_pairs_intro);
    write_typical(page, WORD_pairs_typical, found->typical_nearest);
    write_sampled(page, found->compared);
    markup_raw(markup, "<ol class=\"pairs\">\n");
    for (size_t i = 0; i < found->pair_count; i++) {
        const struct near_pair *pair = &found->pairs[i];
        markup_raw(markup, "<li><p>");
        write_distance(page, pair->distance);
        if (pair->more > 0) {
            markup_raw(markup, ", +");
            markup_number(markup, number_integer(markup->language, (int64_t)pair->more));
            markup_raw(markup, " ");
            markup_word(markup, WORD_pairs_more);
        }
        if (labels_differ(page, pair)) {
            markup_raw(markup, " <span class=\"flag\">");
            markup_word(markup, WORD_pairs_labels);
            markup_raw(markup, "</span>");
        }
        markup_raw(markup, "</p>\n<div>");
        write_photo(page, pair->a);
        write_photo(page, pair->b);
        markup_raw(markup, "</div></li>\n");
    }
    markup_raw(markup, "</ol>\n");
}

void write_outliers(struct page *page) {
    struct markup *markup = &page->markup;
    const struct neighbours *found = &page->neighbours;
    markup_raw(markup, "<p>");
    markup_word(markup, WORD_outliers_intro);
    write_typical(page, WORD_outliers_typical, found->typical_distance);
    write_sampled(page, found->finite_count);
    markup_raw(markup, "<ol class=\"outliers\">\n");
    for (size_t i = 0; i < found->outlier_count; i++) {
        markup_raw(markup, "<li><p>");
        write_distance(page, found->outliers[i].distance);
        markup_raw(markup, "</p>\n");
        write_photo(page, found->outliers[i].row);
        markup_raw(markup, "</li>\n");
    }
    markup_raw(markup, "</ol>\n");
}
