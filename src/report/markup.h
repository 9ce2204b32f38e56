/* Writes HTML, SVG and the data of the page's script into a buffer. The first failure sticks: calls after it do nothing,
 * and `status` tells.
 *
 * What comes from outside goes through markup_text, markup_name, markup_visible or markup_json only. They show what would mislead
 * a reader instead of obeying it: control characters as \xNN, bytes that are no UTF-8 as \xNN, characters that change
 * the direction of text or can't be seen (U+200B-200F, U+2028-202E, U+2060-206F, U+FEFF) as \uXXXX. */
#ifndef REPORT_MARKUP_H
#define REPORT_MARKUP_H

#include "base/buffer.h"
#include "report/words.h"

struct markup {
    struct buffer *out;
    struct pomona_error *error;
    pomona_status status;
    pomona_language language;
};

enum { MARKUP_TEXT_MAX = 400 }; /* bytes of a text that are shown; the middle of a longer one is left out */

/* As they are: markup of our own. */
void markup_raw(struct markup *markup, const char *html);
void markup_bytes(struct markup *markup, const void *data, size_t size);
#define markup_printf(page_markup, ...)                                                                      \
    do {                                                                                                     \
        struct markup *into_ = (page_markup);                                                                \
        if (into_->status == POMONA_OK)                                                                      \
            into_->status = buffer_printf(into_->out, into_->error, __VA_ARGS__);                            \
    } while (0)

/* Escaped for an element's content or a quoted attribute. NULL is empty. */
void markup_text(struct markup *markup, const char *text);

/* The same without any escaping of HTML, for a canvas. Returns its length. */
enum { MARKUP_VISIBLE_SIZE = 4 * (MARKUP_TEXT_MAX + 4) };
size_t markup_visible(const char *text, char out[MARKUP_VISIBLE_SIZE]);

/* markup_text in <bdi>, so that right-to-left text stays in its place. */
void markup_name(struct markup *markup, const char *text);

/* A string of JSON with its quotes, that may stand in <script>: no <, > or & inside. */
void markup_json(struct markup *markup, const char *text);

/* A text of the language, and a number in text. */
void markup_word(struct markup *markup, enum word name);
void markup_number(struct markup *markup, struct number number);

/* A coordinate: up to two decimals, no trailing zeros, no locale; what is not finite is 0. */
void markup_coordinate(struct markup *markup, double value);

/* RFC 4648, with padding. */
void markup_base64(struct markup *markup, const void *data, size_t size);

#endif
