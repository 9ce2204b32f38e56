#include "report/evaluation.h"

#include "report/asset.h"
#include "report/page_text.h"
#include "report/reliability.h"
#include "report/template.h"

/* ---- what is computed before the first byte ---- */

static void add_photo(struct evaluation_page *page, const struct pomona_evaluation_photo *photo) {
    shared_folder_add(&page->folder, photo->path);
}

static size_t at_most(size_t count, size_t most) { return count < most ? count : most; }

static void find_folder(struct evaluation_page *page) {
    const struct pomona_evaluation_report *report = page->report;
    for (size_t i = 0; i < at_most(report->worst_count, WORST_MAX); i++) {
        const struct pomona_evaluation_confusion *one = &report->worst[i];
        for (size_t k = 0; k < at_most(one->photo_count, WORST_PHOTOS_MAX); k++)
            add_photo(page, &one->photos[k]);
        add_photo(page, &one->example);
    }
    for (size_t i = 0; i < at_most(report->mistake_count, MISTAKES_MAX); i++)
        add_photo(page, &report->mistakes[i].photo);
    for (size_t i = 0; i < at_most(report->duplicate_count, DUPLICATES_MAX); i++) {
        add_photo(page, &report->duplicates[i].judged);
        add_photo(page, &report->duplicates[i].learnt);
    }
    for (size_t i = 0; i < at_most(report->failure_count, FAILURES_MAX); i++)
        shared_folder_add(&page->folder, report->failures[i].path);
    shared_folder_close(&page->folder);
}

void evaluation_class_name(struct evaluation_page *page, int class) {
    if (class >= 0)
        markup_name(&page->markup, page->report->classes[class].name);
    else
        markup_word(&page->markup, WORD_no_class);
}

/* ---- the pieces of the template ---- */

static void put_title(void *self) {
    struct evaluation_page *page = self;
    if (page->report->title)
        markup_text(&page->markup, page->report->title);
    else
        markup_word(&page->markup, WORD_evaluation_title);
}

static void put_folder(void *self) {
    struct evaluation_page *page = self;
    part_folder(&page->markup, &page->folder);
}

static void put_css(void *self) { page_css(&((struct evaluation_page *)self)->markup); }
static void put_js(void *self) { page_table_js(&((struct evaluation_page *)self)->markup); }

static void put_failures(void *self) {
    struct evaluation_page *page = self;
    const struct pomona_evaluation_report *report = page->report;
    part_failures(&page->markup, report->failures, report->failure_count, report->errors, page->folder.length,
                  WORD_judged_failures_meaning, WORD_judged_failures_shown);
}

#define HAS(name, condition)                                                                                 \
    static bool has_##name(void *self) {                                                                     \
        const struct evaluation_page *page = self;                                                           \
        const struct pomona_evaluation_report *report = page->report;                                        \
        (void)report;                                                                                        \
        return condition;                                                                                    \
    }
HAS(folder, page->folder.length > 0)
HAS(confusion, page->confusion.size > 0)
HAS(worst, report->worst_count > 0)
HAS(mistakes, report->mistake_count > 0)
HAS(classes, report->class_count > 0)
HAS(reliability, report->reliability_count > 0)
HAS(rejection, report->rejection_count > 0)
HAS(leakage, report->leakage_checked)
HAS(unseen, report->unseen_count > 0)
HAS(failures, report->errors > 0 || report->failure_count > 0 || report->photos > 0)
#undef HAS

#define PIECE(name)                                                                                          \
    static void put_##name(void *self) { evaluation_##name(self); }
PIECE(notes)
PIECE(figures)
PIECE(facts)
PIECE(confusion)
PIECE(worst)
PIECE(mistakes)
PIECE(classes)
PIECE(reliability)
PIECE(rejection)
PIECE(leakage)
PIECE(unseen)
#undef PIECE

static const struct template_piece pieces[] = {
    {"css", put_css, NULL},
    {"js", put_js, NULL},
    {"title", put_title, NULL},
    {"folder", put_folder, has_folder},
    {"notes", put_notes, NULL},
    {"figures", put_figures, NULL},
    {"facts", put_facts, NULL},
    {"confusion", put_confusion, has_confusion},
    {"worst", put_worst, has_worst},
    {"mistakes", put_mistakes, has_mistakes},
    {"classes", put_classes, has_classes},
    {"reliability", put_reliability, has_reliability},
    {"rejection", put_rejection, has_rejection},
    {"leakage", put_leakage, has_leakage},
    {"unseen", put_unseen, has_unseen},
    {"failures", put_failures, has_failures},
};

static pomona_status write_page(const struct evaluation_page *prepared, struct buffer *out,
                                struct pomona_error *error) {
    struct evaluation_page page = *prepared;
    page.markup = (struct markup){out, error, POMONA_OK, page.report->language};
    template_fill(&page.markup, asset_evaluation_html.text, asset_evaluation_html.size, pieces,
                  sizeof pieces / sizeof pieces[0], &page);
    return page.markup.status;
}

/* `page->confusion` is the caller's to free, also after a failure. */
static pomona_status prepare(struct evaluation_page *page, const struct pomona_evaluation_report *report,
                             struct pomona_error *error) {
    *page = (struct evaluation_page){.report = report,
                                     .photos = {report->context, report->read_photo, report->user}};
    TRY(evaluation_check(report, error));
    find_folder(page);
    return confusion_find(report, &page->confusion, error);
}

/* ---- the public functions ---- */

pomona_status pomona_evaluation_report_html(const struct pomona_evaluation_report *report, char **text,
                                            size_t *size, struct pomona_error *error) {
    struct evaluation_page page;
    struct buffer out = BUFFER_INIT(PAGE_LIMIT);
    *text = NULL;
    *size = 0;
    pomona_status status = prepare(&page, report, error);
    if (status == POMONA_OK) status = write_page(&page, &out, error);
    confusion_free(&page.confusion);
    return page_take_text(&out, status, text, size, error);
}

/* Both pictures of a plot. */
static pomona_status write_plot(const struct plot *plot, const char *folder, const char *png, const char *svg,
                                struct pomona_error *error) {
    TRY(page_plot(plot, plot_png, folder, png, error));
    return page_plot(plot, plot_svg, folder, svg, error);
}

static pomona_status write_plots(const struct evaluation_page *page, const char *folder,
                                 struct pomona_error *error) {
    const struct pomona_evaluation_report *report = page->report;
    struct judged_picture judged = {report, true};
    if (page->confusion.size > 0) {
        struct confusion_picture picture;
        struct plot plot = confusion_plot(&page->confusion, report->language, true, &picture);
        TRY(write_plot(&plot, folder, "confusion.png", "confusion.svg", error));
    }
    if (report->reliability_count > 0) {
        struct plot plot = reliability_plot(&judged);
        TRY(write_plot(&plot, folder, "reliability.png", "reliability.svg", error));
    }
    if (report->rejection_count > 0) {
        struct plot plot = rejection_plot(&judged);
        TRY(write_plot(&plot, folder, "rejection.png", "rejection.svg", error));
    }
    return POMONA_OK;
}

pomona_status pomona_evaluation_report_write(const struct pomona_evaluation_report *report,
                                             const char *folder, struct pomona_error *error) {
    struct evaluation_page page;
    struct buffer out = BUFFER_INIT(PAGE_LIMIT);
    pomona_status status = prepare(&page, report, error);
    if (status == POMONA_OK) status = write_page(&page, &out, error);
    if (status == POMONA_OK) status = write_plots(&page, folder, error);
    if (status == POMONA_OK) status = page_write(&out, folder, "report.html", error);
    confusion_free(&page.confusion);
    buffer_free(&out);
    return status;
}
