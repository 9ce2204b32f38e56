/* What all pages do with their bytes. */
#ifndef REPORT_PAGE_TEXT_H
#define REPORT_PAGE_TEXT_H

#include "report/plot.h"

enum { PAGE_LIMIT = 64 << 20 };

/* The style sheets of pages with tables and plots, and the script that sorts their tables. */
void page_css(struct markup *markup);
void page_table_js(struct markup *markup);

/* Gives the text in `out` to the caller if `status` is POMONA_OK, else frees it; returns the status. */
pomona_status page_take_text(struct buffer *out, pomona_status status, char **text, size_t *size,
                             struct pomona_error *error);

/* Write FOLDER/NAME, whole or not at all. */
pomona_status page_write(const struct buffer *text, const char *folder, const char *name,
                         struct pomona_error *error);
pomona_status page_plot(const struct plot *plot, plot_format *format, const char *folder, const char *name,
                        struct pomona_error *error);

#endif
