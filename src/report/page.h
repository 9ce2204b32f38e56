/* The page: what the report becomes on its way to HTML, and the pieces that write its sections. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "report/neighbours.h"
#include "report/parts.h"

#include <stdbool.h>

enum {
    POINTS_MAX = 5000,  /* drawn in the scatter plot */
    AXES_MAX = 6,       /* components to choose from */
    STYLED_LABELS = 12, /* labels with a mark of their own */
    LEGEND_MAX = 200,
    CLASS_BARS_MAX = 40,
    VARIANCE_ROWS_MAX = 200
};

/* The rows of one label. */
struct label_group {
    const char *label; /* NULL: none */
    int64_t count;
};

struct page {
    const struct pomona_report *report;
    struct markup markup;
    struct pomona_spectrum_marks marks;
    struct neighbours neighbours;
    struct label_group *groups; /* [group_count] labels of the rows, by count descending, then by name */
    size_t group_count;
    uint32_t *row_groups; /* [report->row_count] index into groups */
    struct shared_folder folder;
};

/* A path without the common folder. NULL becomes "". */
const char *page_path(const struct page *page, const char *path);

/* The photos that the rows with scores stand for: more than the rows themselves where the caller sampled. */
size_t page_population(const struct page *page);

/* Where thumbnails come from. */
struct photo_source page_photos(const struct page *page);

bool page_has_scores(const struct page *page);
bool page_has_spectrum(const struct page *page);

/* summary.c: notes, figures, facts, stages, labels, errors. */
void write_notes(struct page *page);
void write_figures(struct page *page);
void write_facts(struct page *page);
void write_stages(struct page *page);
void write_classes(struct page *page);
void write_failures(struct page *page);

/* variance.c */
void write_variance(struct page *page);
void write_variance_table(struct page *page);

/* scatter.c: the plot with its legend, and what its script needs. */
void write_map(struct page *page);

/* lists.c */
void write_pairs(struct page *page);
void write_outliers(struct page *page);

#endif
