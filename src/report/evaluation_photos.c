#include "report/evaluation.h"

#include <string.h>

static const char *short_path(const struct evaluation_page *page, const char *path) {
    return path + page->folder.length;
}

static void open_photo(struct evaluation_page *page, const struct pomona_evaluation_photo *photo,
                       const char *class) {
    struct markup *markup = &page->markup;
    markup_printf(markup, "<figure class=\"%s\">", class);
    part_photo(markup, &page->photos, photo->id, short_path(page, photo->path));
    markup_raw(markup, "<figcaption>");
}

static void close_photo(struct evaluation_page *page, const struct pomona_evaluation_photo *photo) {
    struct markup *markup = &page->markup;
    markup_raw(markup, " <span class=\"path\">");
    markup_name(markup, short_path(page, photo->path));
    markup_raw(markup, "</span></figcaption></figure>\n");
}

/* A photo with a word, resp. with the probability of its answer. */
static void write_photo(struct evaluation_page *page, const struct pomona_evaluation_photo *photo,
                        enum word caption) {
    if (!photo->path) return;
    open_photo(page, photo, "photo");
    markup_raw(&page->markup, "<b>");
    markup_word(&page->markup, caption);
    markup_raw(&page->markup, "</b>");
    close_photo(page, photo);
}

static void write_answered(struct evaluation_page *page, const struct pomona_evaluation_photo *photo) {
    if (!photo->path) return;
    open_photo(page, photo, "photo");
    if (photo->probability > 0) {
        markup_raw(&page->markup, "<b>");
        markup_number(&page->markup, number_percent(page->markup.language, photo->probability, 1));
        markup_raw(&page->markup, "</b>");
    }
    close_photo(page, photo);
}

/* A photo of what was answered. */
static void write_example(struct evaluation_page *page, const struct pomona_evaluation_confusion *one) {
    if (!one->example.path) return;
    open_photo(page, &one->example, "example");
    markup_raw(&page->markup, "<b>");
    evaluation_class_name(page, one->predicted);
    markup_raw(&page->markup, "</b>");
    close_photo(page, &one->example);
}

/* "Lemon taken for Lime" */
static void write_pair(struct evaluation_page *page, int truth, int predicted) {
    struct markup *markup = &page->markup;
    markup_raw(markup, "<b>");
    evaluation_class_name(page, truth);
    markup_raw(markup, "</b> <span class=\"taken\">");
    markup_word(markup, WORD_worst_taken);
    markup_raw(markup, "</span> <b>");
    evaluation_class_name(page, predicted);
    markup_raw(markup, "</b>");
}

/* "7 of 21 (33.3%)" */
static void write_count(struct evaluation_page *page, const struct pomona_evaluation_confusion *one) {
    struct markup *markup = &page->markup;
    int64_t all = one->truth >= 0 ? page->report->classes[one->truth].photos : page->report->unknown_photos;
    markup_raw(markup, " <span class=\"count\">");
    markup_number(markup, number_integer(markup->language, one->count));
    if (all >= one->count && all > 0) {
        markup_raw(markup, " ");
        part_count(markup, WORD_worst_of, all, " (");
        markup_number(markup, number_percent(markup->language, (double)one->count / (double)all, 0));
        markup_raw(markup, ")");
    }
    markup_raw(markup, "</span>");
}

void evaluation_worst(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    size_t shown = report->worst_count < WORST_MAX ? report->worst_count : WORST_MAX;
    markup_raw(markup, "<ol class=\"worst\">\n");
    for (size_t i = 0; i < shown; i++) {
        const struct pomona_evaluation_confusion *one = &report->worst[i];
        markup_raw(markup, "<li><p>");
        write_pair(page, one->truth, one->predicted);
        write_count(page, one);
        markup_raw(markup, "</p>\n<div>");
        for (size_t k = 0; k < one->photo_count && k < WORST_PHOTOS_MAX; k++)
            write_answered(page, &one->photos[k]);
        write_example(page, one);
        markup_raw(markup, "</div></li>\n");
    }
    markup_raw(markup, "</ol>\n");
}

void evaluation_mistakes(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    size_t shown = report->mistake_count < MISTAKES_MAX ? report->mistake_count : MISTAKES_MAX;
    markup_raw(markup, "<ol class=\"outliers mistakes\">\n");
    for (size_t i = 0; i < shown; i++) {
        const struct pomona_evaluation_mistake *one = &report->mistakes[i];
        markup_raw(markup, "<li>");
        write_answered(page, &one->photo);
        markup_raw(markup, "<p>");
        write_pair(page, one->truth, one->predicted);
        markup_raw(markup, "</p></li>\n");
    }
    markup_raw(markup, "</ol>\n");
}

/* ---- leakage ---- */

static void write_duplicate(struct evaluation_page *page, const struct pomona_evaluation_duplicate *one) {
    struct markup *markup = &page->markup;
    markup_raw(markup, "<li><p>");
    markup_word(markup, WORD_distance);
    markup_raw(markup, " ");
    markup_number(markup, number_plain(markup->language, one->distance));
    if (one->judged_label && one->learnt_label && strcmp(one->judged_label, one->learnt_label) != 0) {
        markup_raw(markup, " <span class=\"flag\">");
        markup_word(markup, WORD_pairs_labels);
        markup_raw(markup, "</span>");
    }
    markup_raw(markup, "</p>\n<div>");
    write_photo(page, &one->judged, WORD_leakage_judged);
    write_photo(page, &one->learnt, WORD_leakage_learnt);
    markup_raw(markup, "</div></li>\n");
}

static void write_duplicates(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    size_t shown = report->duplicate_count < DUPLICATES_MAX ? report->duplicate_count : DUPLICATES_MAX;
    if (shown == 0) return;
    markup_raw(markup, "<ol class=\"pairs\">\n");
    for (size_t i = 0; i < shown; i++) write_duplicate(page, &report->duplicates[i]);
    markup_raw(markup, "</ol>\n");
    if ((int64_t)shown >= report->duplicate_pairs) return;
    markup_raw(markup, "<p class=\"quiet\">");
    part_count(markup, WORD_leakage_first, (int64_t)shown, ".</p>\n");
}

static void write_shared_groups(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    size_t shown = report->shared_group_count < UNSEEN_MAX ? report->shared_group_count : UNSEEN_MAX;
    markup_raw(markup, "<p>");
    part_count(markup, WORD_leakage_groups, report->shared_groups, ".</p>\n");
    if (shown == 0) return;
    markup_raw(markup, "<ul class=\"labels\">\n");
    for (size_t i = 0; i < shown; i++) {
        markup_raw(markup, "<li>");
        markup_name(markup, report->shared_group_names[i]);
        markup_raw(markup, "</li>\n");
    }
    markup_raw(markup, "</ul>\n");
}

void evaluation_leakage(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    struct markup *markup = &page->markup;
    bool found = report->duplicate_pairs > 0 || report->duplicate_count > 0;
    markup_raw(markup, "<p>");
    if (found)
        part_count(markup, WORD_leakage_pairs, report->duplicate_pairs, ". ");
    else
        markup_word(markup, WORD_leakage_none);
    if (report->duplicate_distance > 0) {
        markup_raw(markup, " ");
        markup_word(markup, WORD_leakage_within);
        markup_raw(markup, " ");
        markup_number(markup, number_plain(markup->language, report->duplicate_distance));
        markup_raw(markup, ".");
    }
    markup_raw(markup, "</p>\n");
    if (report->clean_top1.high > 0) {
        markup_raw(markup, "<p>");
        markup_word(markup, WORD_leakage_clean);
        markup_raw(markup, " <b>");
        markup_number(markup, number_percent(markup->language, report->clean_top1.value, 1));
        markup_printf(markup, "</b> (%s \xe2\x80\x93 ",
                      number_fixed(markup->language, 100 * report->clean_top1.low, 1).text);
        markup_number(markup, number_percent(markup->language, report->clean_top1.high, 1));
        markup_raw(markup, ").</p>\n");
    }
    write_duplicates(page);
    if (report->shared_groups > 0) write_shared_groups(page);
}
