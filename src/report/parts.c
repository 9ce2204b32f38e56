#include "report/parts.h"

#include "pomona/image.h"

#include <stdio.h>
#include <string.h>

void part_note(struct markup *markup, enum word text) {
    markup_raw(markup, "<p class=\"note\">");
    markup_word(markup, text);
    markup_raw(markup, "</p>\n");
}

void part_note_text(struct markup *markup, const char *text) {
    markup_raw(markup, "<p class=\"note\">");
    markup_name(markup, text);
    markup_raw(markup, "</p>\n");
}

void part_figure_text(struct markup *markup, const char *value, enum word unit, const char *below) {
    markup_raw(markup, "<div><dt>");
    markup_word(markup, unit);
    if (below[0]) markup_printf(markup, "<br><small>%s</small>", below);
    markup_raw(markup, "</dt><dd>");
    markup_raw(markup, value);
    markup_raw(markup, "</dd></div>\n");
}

void part_figure(struct markup *markup, struct number value, enum word unit) {
    part_figure_text(markup, value.text, unit, "");
}

void part_fact_open(struct markup *markup, enum word name) {
    markup_raw(markup, "<div><dt>");
    markup_word(markup, name);
    markup_raw(markup, "</dt><dd>");
}

void part_fact_close(struct markup *markup) { markup_raw(markup, "</dd></div>\n"); }

void part_fact(struct markup *markup, enum word name, const char *text, const char *class) {
    if (!text || !text[0]) return;
    part_fact_open(markup, name);
    if (class) markup_printf(markup, "<span class=\"%s\">", class);
    markup_name(markup, text);
    if (class) markup_raw(markup, "</span>");
    part_fact_close(markup);
}

void part_fact_count(struct markup *markup, enum word name, int64_t value) {
    if (value <= 0) return;
    part_fact_open(markup, name);
    markup_number(markup, number_integer(markup->language, value));
    part_fact_close(markup);
}

void part_count(struct markup *markup, enum word name, int64_t value, const char *end) {
    markup_word(markup, name);
    markup_raw(markup, " ");
    markup_number(markup, number_integer(markup->language, value));
    markup_raw(markup, end);
}

void part_remark(struct markup *markup, int64_t value, enum word text, const char *end) {
    markup_raw(markup, "<p class=\"quiet\">");
    markup_number(markup, number_integer(markup->language, value));
    markup_raw(markup, " ");
    markup_word(markup, text);
    markup_raw(markup, end);
    markup_raw(markup, "</p>\n");
}

/* ---- error rows ---- */

void part_failure_rows(struct markup *markup, const struct pomona_report_failure *failures, size_t count,
                       size_t prefix, enum word head) {
    if (count > FAILURES_MAX) count = FAILURES_MAX;
    markup_raw(markup, "<div class=\"scroll\"><table class=\"failures\"><thead><tr><th scope=\"col\">");
    markup_word(markup, head);
    markup_raw(markup, "</th><th scope=\"col\">");
    markup_word(markup, WORD_reason);
    markup_raw(markup, "</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < count; i++) {
        markup_raw(markup, "<tr><td class=\"path\">");
        markup_name(markup, failures[i].path ? failures[i].path + prefix : "");
        markup_raw(markup, "</td><td>");
        markup_name(markup, failures[i].reason);
        markup_raw(markup, "</td></tr>\n");
    }
    markup_raw(markup, "</tbody></table></div>\n");
}

void part_failures(struct markup *markup, const struct pomona_report_failure *failures, size_t count,
                   int64_t all, size_t prefix, enum word meaning, enum word below) {
    size_t shown = count < FAILURES_MAX ? count : FAILURES_MAX;
    markup_raw(markup, "<p>");
    if (all < (int64_t)count) all = (int64_t)count;
    if (all == 0) {
        markup_word(markup, WORD_failures_none);
        markup_raw(markup, "</p>\n");
        return;
    }
    part_count(markup, WORD_failures_intro, all, ". ");
    markup_word(markup, meaning);
    markup_raw(markup, "</p>\n");
    if (shown > 0) part_failure_rows(markup, failures, shown, prefix, WORD_path);
    if ((int64_t)shown < all) part_remark(markup, (int64_t)shown, below, "");
}

void part_photo(struct markup *markup, const struct photo_source *source, size_t id, const char *path) {
    size_t size;
    uint8_t *jpeg = thumbnail_make(markup, source, id, THUMBNAIL_LIST, &size);
    if (jpeg) {
        markup_raw(markup, "<img alt=\"");
        markup_word(markup, WORD_photo_of);
        markup_text(markup, path);
        markup_raw(markup, "\" src=\"data:image/jpeg;base64,");
        markup_base64(markup, jpeg, size);
        markup_raw(markup, "\">");
    } else if (photos_possible(source)) {
        markup_raw(markup, "<div class=\"blank\"></div>");
    }
    pomona_bytes_free(&jpeg);
}

/* ---- paths ---- */

void shared_folder_add(struct shared_folder *folder, const char *path) {
    if (!path) return;
    if (!folder->path) {
        folder->path = path;
        folder->length = strlen(path);
    }
    size_t same = 0;
    while (same < folder->length && path[same] == folder->path[same]) same++;
    folder->length = same;
}

void shared_folder_close(struct shared_folder *folder) {
    while (folder->length > 0 && folder->path[folder->length - 1] != '/') folder->length--;
}

void part_folder(struct markup *markup, const struct shared_folder *folder) {
    char text[1024];
    size_t length = folder->length < sizeof text ? folder->length : sizeof text - 1;
    snprintf(text, sizeof text, "%.*s", (int)length, folder->path);
    markup_name(markup, text);
}
