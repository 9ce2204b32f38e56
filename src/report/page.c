#include "report/page.h"

#include "base/memory.h"
#include "report/asset.h"
#include "report/page_text.h"
#include "report/scree.h"
#include "report/template.h"

#include <stdlib.h>
#include <string.h>

const char *page_path(const struct page *page, const char *path) {
    return path ? path + page->folder.length : "";
}

size_t page_population(const struct page *page) {
    size_t rows = page->report->row_count, all = page->report->rows > 0 ? (size_t)page->report->rows : 0;
    return all > rows ? all : page->neighbours.finite_count;
}

struct photo_source page_photos(const struct page *page) {
    const struct pomona_report *report = page->report;
    if (report->thumbnails < 0) return (struct photo_source){0};
    return (struct photo_source){report->context, report->read_photo, report->user};
}

bool page_has_scores(const struct page *page) { return page->neighbours.finite_count > 0; }

bool page_has_spectrum(const struct page *page) { return page->report->spectrum.count > 0; }

/* ---- what is computed before the first byte ---- */

static pomona_status check_report(const struct pomona_report *report, struct pomona_error *error) {
    if ((unsigned)report->language >= POMONA_LANGUAGE_COUNT)
        return fail(error, POMONA_E_USAGE, "report", "unknown language %d", (int)report->language);
    if (report->scores && report->row_count > 0 && (!report->row_photos || report->components == 0))
        return fail(error, POMONA_E_USAGE, "report", "scores without photos or components");
    if ((report->stage_count > 0 && !report->stages) || (report->label_count > 0 && !report->labels) ||
        (report->failure_count > 0 && !report->failures))
        return fail(error, POMONA_E_USAGE, "report", "a count without its array");
    return POMONA_OK;
}

struct labelled_row {
    const char *label;
    size_t row;
};

static int compare_labels(const char *a, const char *b) {
    if (!a || !b) return !a - !b; /* no label comes last */
    return strcmp(a, b);
}

static int by_label(const void *left, const void *right) {
    const struct labelled_row *a = left, *b = right;
    int order = compare_labels(a->label, b->label);
    return order != 0 ? order : a->row < b->row ? -1 : 1;
}

struct ranked_group {
    struct label_group group;
    size_t first; /* where its rows begin among the sorted ones */
};

static int by_size(const void *left, const void *right) {
    const struct ranked_group *a = left, *b = right;
    if (a->group.count != b->group.count) return a->group.count > b->group.count ? -1 : 1;
    return compare_labels(a->group.label, b->group.label);
}

static pomona_status group_rows(struct page *page, struct pomona_error *error) {
    size_t rows = page->report->row_count;
    struct labelled_row *sorted = memory_new(rows, sizeof *sorted);
    struct ranked_group *ranked = memory_new(rows, sizeof *ranked);
    page->groups = memory_new(rows, sizeof *page->groups);
    page->row_groups = memory_new(rows, sizeof *page->row_groups);
    pomona_status status = POMONA_OK;
    if (!sorted || !ranked || !page->groups || !page->row_groups) {
        status = fail_memory(error, "labels of the report");
        goto done;
    }
    for (size_t i = 0; i < rows; i++) sorted[i] = (struct labelled_row){page->report->row_photos[i].label, i};
    qsort(sorted, rows, sizeof *sorted, by_label);
    for (size_t i = 0; i < rows; i++) {
        if (i == 0 || compare_labels(sorted[i - 1].label, sorted[i].label) != 0)
            ranked[page->group_count++] = (struct ranked_group){{sorted[i].label, 0}, i};
        ranked[page->group_count - 1].group.count++;
    }
    qsort(ranked, page->group_count, sizeof *ranked, by_size);
    for (size_t g = 0; g < page->group_count; g++) {
        page->groups[g] = ranked[g].group;
        for (size_t i = 0; i < (size_t)ranked[g].group.count; i++)
            page->row_groups[sorted[ranked[g].first + i].row] = (uint32_t)g;
    }
done:
    memory_free(sorted);
    memory_free(ranked);
    return status;
}

static void find_folder(struct page *page) {
    const struct pomona_report *report = page->report;
    size_t rows = report->scores ? report->row_count : 0;
    for (size_t i = 0; i < rows; i++) shared_folder_add(&page->folder, report->row_photos[i].path);
    for (size_t i = 0; i < report->failure_count; i++)
        shared_folder_add(&page->folder, report->failures[i].path);
    shared_folder_close(&page->folder);
}

static pomona_status prepare(struct page *page, struct pomona_error *error) {
    const struct pomona_report *report = page->report;
    TRY(check_report(report, error));
    TRY(pomona_spectrum_mark(&report->spectrum, &page->marks, error));
    find_folder(page);
    if (!report->scores || report->row_count == 0) return POMONA_OK;
    TRY(neighbours_find(report->scores, report->row_count, report->components, &page->neighbours, error));
    return group_rows(page, error);
}

static void page_free(struct page *page) {
    neighbours_free(&page->neighbours);
    memory_free(page->groups);
    memory_free(page->row_groups);
}

/* ---- the pieces of the template ---- */

static void put_title(void *self) {
    struct page *page = self;
    if (page->report->title)
        markup_text(&page->markup, page->report->title);
    else
        markup_word(&page->markup, WORD_title);
}

static void put_folder(void *self) {
    struct page *page = self;
    part_folder(&page->markup, &page->folder);
}

static void put_css(void *self) {
    markup_bytes(&((struct page *)self)->markup, asset_report_css.text, asset_report_css.size);
}
static void put_js(void *self) {
    markup_bytes(&((struct page *)self)->markup, asset_report_js.text, asset_report_js.size);
}

static bool has_spectrum(void *self) { return page_has_spectrum(self); }
static bool has_scores(void *self) { return page_has_scores(self); }
static bool has_pairs(void *self) { return ((struct page *)self)->neighbours.pair_count > 0; }
static bool has_outliers(void *self) { return ((struct page *)self)->neighbours.outlier_count > 0; }
static bool has_classes(void *self) { return ((struct page *)self)->report->label_count > 0; }
static bool has_folder(void *self) { return ((struct page *)self)->folder.length > 0; }

static bool has_stages(void *self) {
    const struct pomona_report *report = ((struct page *)self)->report;
    for (size_t i = 0; i < report->stage_count; i++)
        if (report->stages[i].seconds > 0) return true;
    return false;
}

static bool has_failures(void *self) {
    const struct pomona_report *report = ((struct page *)self)->report;
    return report->errors > 0 || report->failure_count > 0 || report->photos > 0;
}

#define PIECE(name)                                                                                          \
    static void put_##name(void *self) { write_##name(self); }
PIECE(notes)
PIECE(figures)
PIECE(facts)
PIECE(stages)
PIECE(variance)
PIECE(variance_table)
PIECE(map)
PIECE(pairs)
PIECE(outliers)
PIECE(classes)
PIECE(failures)
#undef PIECE

static const struct template_piece pieces[] = {
    {"css", put_css, NULL},
    {"js", put_js, NULL},
    {"title", put_title, NULL},
    {"folder", put_folder, has_folder},
    {"notes", put_notes, NULL},
    {"figures", put_figures, NULL},
    {"facts", put_facts, NULL},
    {"stages", put_stages, has_stages},
    {"variance", put_variance, has_spectrum},
    {"variance_table", put_variance_table, has_spectrum},
    {"map", put_map, has_scores},
    {"pairs", put_pairs, has_pairs},
    {"outliers", put_outliers, has_outliers},
    {"classes", put_classes, has_classes},
    {"failures", put_failures, has_failures},
};

static pomona_status write_page(const struct pomona_report *report, struct buffer *out,
                                struct pomona_error *error) {
    struct page page = {.report = report, .markup = {out, error, POMONA_OK, report->language}};
    pomona_status status = prepare(&page, error);
    if (status == POMONA_OK) {
        template_fill(&page.markup, asset_report_html.text, asset_report_html.size, pieces,
                      sizeof pieces / sizeof pieces[0], &page);
        status = page.markup.status;
    }
    page_free(&page);
    return status;
}

/* ---- the public functions ---- */

pomona_status pomona_report_html(const struct pomona_report *report, char **text, size_t *size,
                                 struct pomona_error *error) {
    struct buffer out = BUFFER_INIT(PAGE_LIMIT);
    *text = NULL;
    *size = 0;
    return page_take_text(&out, write_page(report, &out, error), text, size, error);
}

static pomona_status write_plots(const struct pomona_report *report, const char *folder,
                                 struct pomona_error *error) {
    struct pomona_spectrum_marks marks;
    TRY(pomona_spectrum_mark(&report->spectrum, &marks, error));
    struct scree scree = {&report->spectrum, &marks, report->language, true};
    struct plot plot = scree_plot(&scree);
    TRY(page_plot(&plot, plot_png, folder, "scree.png", error));
    return page_plot(&plot, plot_svg, folder, "scree.svg", error);
}

pomona_status pomona_report_write(const struct pomona_report *report, const char *folder,
                                  struct pomona_error *error) {
    struct buffer out = BUFFER_INIT(PAGE_LIMIT);
    pomona_status status = write_page(report, &out, error);
    if (status == POMONA_OK && report->spectrum.count > 0) status = write_plots(report, folder, error);
    if (status == POMONA_OK) status = page_write(&out, folder, "report.html", error);
    buffer_free(&out);
    return status;
}
