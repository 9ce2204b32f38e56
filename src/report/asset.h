/* The files of src/report/assets, compiled in by embed.py. */
#ifndef REPORT_ASSET_H
#define REPORT_ASSET_H

#include <stddef.h>

struct asset {
    size_t size; /* without the NUL behind the text */
    const char *text;
};

extern const struct asset asset_report_html, asset_report_css, asset_report_js;
extern const struct asset asset_evaluation_html, asset_comparison_html, asset_judged_css, asset_table_js;

#endif
