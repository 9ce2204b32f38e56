/* The page of a comparison, and the pieces that write its sections. */
#ifndef REPORT_COMPARISON_PAGE_H
#define REPORT_COMPARISON_PAGE_H

#include "report/pareto.h"
#include "report/parts.h"

enum { COMPARISON_ROWS_MAX = 2000 };

struct comparison_page {
    const struct pomona_comparison_report *report;
    struct markup markup;
    struct pareto pareto;
};

/* comparison_table.c */
void comparison_table(struct comparison_page *page);

#endif
