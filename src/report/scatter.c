#include "base/memory.h"
#include "pomona/image.h"
#include "report/page.h"
#include "report/spectrum.h"

#include <math.h>

/* The plot's own units; the script knows them from the viewBox and from UNITS. */
enum { PLOT_WIDTH = 1000, PLOT_HEIGHT = 700, PLOT_EDGE = 24, UNITS = 10000 };

/* The rows that are drawn, and where. */
struct scatter {
    struct page *page;
    struct markup *markup;
    size_t count, axes;
    double low[AXES_MAX], high[AXES_MAX]; /* halved, so that their difference is finite */
    uint32_t *names; /* [group_count] number of a label in the data; UINT32_MAX: not in it */
};

static size_t row_of(const struct scatter *scatter, size_t point) {
    const struct neighbours *found = &scatter->page->neighbours;
    return found->finite[point * found->finite_count / scatter->count];
}

static double half_score(const struct scatter *scatter, size_t row, size_t axis) {
    return scatter->page->report->scores[row * scatter->page->report->components + axis] / 2;
}

static void find_ranges(struct scatter *scatter) {
    for (size_t axis = 0; axis < scatter->axes; axis++) {
        scatter->low[axis] = INFINITY;
        scatter->high[axis] = -INFINITY;
        for (size_t i = 0; i < scatter->count; i++) {
            double value = half_score(scatter, row_of(scatter, i), axis);
            scatter->low[axis] = fmin(scatter->low[axis], value);
            scatter->high[axis] = fmax(scatter->high[axis], value);
        }
    }
}

/* 0..UNITS along an axis; the middle where all are equal, and for an axis that is not there. */
static int place(const struct scatter *scatter, size_t row, size_t axis) {
    if (axis >= scatter->axes || !(scatter->high[axis] > scatter->low[axis])) return UNITS / 2;
    double low = scatter->low[axis], range = scatter->high[axis] - low;
    return (int)lround((half_score(scatter, row, axis) - low) / range * UNITS);
}

/* ---- the plot ---- */

static bool is_styled(size_t group) { return group < STYLED_LABELS; }

/* A zero-length stroke is a dot, a triangle is an outline: the script draws the same. */
static void write_point(struct scatter *scatter, size_t row, bool triangle) {
    struct markup *markup = scatter->markup;
    double x = PLOT_EDGE + (PLOT_WIDTH - 2.0 * PLOT_EDGE) * place(scatter, row, 0) / UNITS;
    double y = PLOT_HEIGHT - PLOT_EDGE - (PLOT_HEIGHT - 2.0 * PLOT_EDGE) * place(scatter, row, 1) / UNITS;
    markup_raw(markup, "M");
    markup_coordinate(markup, round(x * 10) / 10);
    markup_raw(markup, " ");
    markup_coordinate(markup, round(y * 10) / 10 - (triangle ? 8 : 0));
    markup_raw(markup, triangle ? "l7 12h-14z" : "h0");
}

/* One path for each mark: 0..11 for the largest labels, 12 for all others. */
static void write_points(struct scatter *scatter) {
    struct markup *markup = scatter->markup;
    for (size_t turn = 0; turn <= STYLED_LABELS; turn++) {
        size_t mark = STYLED_LABELS - turn; /* the many others lie below */
        bool triangle = mark >= STYLED_LABELS / 2 && mark < STYLED_LABELS;
        if (mark > scatter->page->group_count) continue;
        markup_printf(markup, "<path class=\"mark m%zu\" d=\"", mark);
        for (size_t i = 0; i < scatter->count; i++) {
            size_t row = row_of(scatter, i), group = scatter->page->row_groups[row];
            if ((is_styled(group) ? group : STYLED_LABELS) == mark) write_point(scatter, row, triangle);
        }
        markup_raw(markup, "\"/>\n");
    }
}

static void write_plot(struct scatter *scatter) {
    struct markup *markup = scatter->markup;
    markup_raw(markup, "<div id=\"plot\" tabindex=\"0\" role=\"group\" aria-label=\"");
    markup_word(markup, WORD_map_plot);
    markup_printf(
        markup,
        "\">\n<svg viewBox=\"0 0 %d %d\" data-edge=\"%d\" data-units=\"%d\" role=\"img\" aria-label=\"",
        PLOT_WIDTH, PLOT_HEIGHT, PLOT_EDGE, UNITS);
    markup_word(markup, WORD_map_plot);
    markup_raw(markup, "\">\n");
    write_points(scatter);
    markup_raw(
        markup,
        "<path class=\"mark front\" d=\"\"/><circle class=\"ring\" r=\"12\" cx=\"-99\" cy=\"-99\"/>\n</svg>\n"
        "<div id=\"card\" hidden aria-live=\"polite\"></div>\n</div>\n");
}

/* ---- axes and legend ---- */

static void write_axis_name(struct scatter *scatter, size_t axis) {
    const struct page *page = scatter->page;
    struct markup *markup = scatter->markup;
    markup_printf(markup, "PC%zu", axis + 1);
    if (!(page->marks.total > 0) || axis >= page->report->spectrum.count) return;
    markup_raw(markup, " (");
    markup_number(markup,
                  number_percent(markup->language,
                                 spectrum_value(&page->report->spectrum, axis) / page->marks.total, 1));
    markup_raw(markup, ")");
}

static void write_axis(struct scatter *scatter, const char *id, enum word name, size_t chosen) {
    struct markup *markup = scatter->markup;
    markup_raw(markup, "<label>");
    markup_word(markup, name);
    markup_printf(markup, " <select id=\"%s\" disabled>", id);
    for (size_t axis = 0; axis < scatter->axes; axis++) {
        markup_printf(markup, "<option value=\"%zu\"%s>", axis, axis == chosen ? " selected" : "");
        write_axis_name(scatter, axis);
        markup_raw(markup, "</option>");
    }
    markup_raw(markup, "</select></label>\n");
}

static void write_legend_item(struct scatter *scatter, size_t group) {
    static const char *const shapes[] = {"M8 8h0", "M8 2l6 11h-12z"};
    const struct label_group *label = &scatter->page->groups[group];
    struct markup *markup = scatter->markup;
    size_t mark = is_styled(group) ? group : STYLED_LABELS;
    bool triangle = mark >= STYLED_LABELS / 2 && mark < STYLED_LABELS;
    markup_printf(markup, "<li><button type=\"button\" data-label=\"%zu\" aria-pressed=\"false\" disabled>",
                  group);
    markup_printf(
        markup, "<svg viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path class=\"mark m%zu\" d=\"%s\"/></svg>",
        mark, shapes[triangle]);
    if (label->label)
        markup_name(markup, label->label);
    else
        markup_word(markup, WORD_no_label);
    markup_raw(markup, " <small>");
    markup_number(markup, number_integer(markup->language, label->count));
    markup_raw(markup, "</small></button></li>\n");
}

static void write_legend(struct scatter *scatter) {
    struct markup *markup = scatter->markup;
    size_t groups = scatter->page->group_count, shown = groups < LEGEND_MAX ? groups : LEGEND_MAX;
    markup_raw(markup, "<div id=\"legend\" role=\"group\" aria-label=\"");
    markup_word(markup, WORD_map_legend);
    markup_raw(markup, "\">\n<ul>\n");
    for (size_t i = 0; i < shown && is_styled(i); i++) write_legend_item(scatter, i);
    markup_raw(markup, "</ul>\n");
    if (shown > STYLED_LABELS) {
        markup_raw(markup, "<details><summary>");
        markup_number(markup, number_integer(markup->language, (int64_t)(groups - STYLED_LABELS)));
        markup_raw(markup, " ");
        markup_word(markup, WORD_map_others);
        markup_raw(markup, "</summary>\n<ul>\n");
        for (size_t i = STYLED_LABELS; i < shown; i++) write_legend_item(scatter, i);
        markup_raw(markup, "</ul></details>\n");
    }
    markup_raw(markup, "<button type=\"button\" id=\"all\" hidden>");
    markup_word(markup, WORD_map_show_all);
    markup_raw(markup, "</button>\n</div>\n");
}

/* ---- the script's data ---- */

static void write_comma(struct markup *markup, size_t index) {
    if (index > 0) markup_raw(markup, ",");
}

/* Labels of the legend keep their numbers; labels beyond it get theirs when a point needs one. */
static void write_labels(struct scatter *scatter) {
    struct markup *markup = scatter->markup;
    const struct page *page = scatter->page;
    uint32_t next = 0;
    for (size_t i = 0; i < page->group_count; i++) scatter->names[i] = UINT32_MAX;
    markup_raw(markup, "\"labels\":[");
    for (size_t i = 0; i < page->group_count + scatter->count; i++) {
        size_t group = i < page->group_count ? i : page->row_groups[row_of(scatter, i - page->group_count)];
        if ((i < page->group_count && i >= LEGEND_MAX) || scatter->names[group] != UINT32_MAX) continue;
        write_comma(markup, next);
        scatter->names[group] = next++;
        if (page->groups[group].label)
            markup_json(markup, page->groups[group].label);
        else
            markup_raw(markup, "null");
    }
    markup_raw(markup, "],\n\"label\":[");
    for (size_t i = 0; i < scatter->count; i++) {
        write_comma(markup, i);
        markup_printf(markup, "%u", (unsigned)scatter->names[page->row_groups[row_of(scatter, i)]]);
    }
    markup_raw(markup, "],\n");
}

static void write_scores(struct scatter *scatter) {
    struct markup *markup = scatter->markup;
    markup_raw(markup, "\"score\":[");
    for (size_t axis = 0; axis < scatter->axes; axis++) {
        markup_raw(markup, axis ? ",\n[" : "[");
        for (size_t i = 0; i < scatter->count; i++) {
            write_comma(markup, i);
            markup_printf(markup, "%d", place(scatter, row_of(scatter, i), axis));
        }
        markup_raw(markup, "]");
    }
    markup_raw(markup, "],\n");
}

static void write_paths(struct scatter *scatter) {
    struct markup *markup = scatter->markup;
    markup_raw(markup, "\"path\":[");
    for (size_t i = 0; i < scatter->count; i++) {
        write_comma(markup, i);
        markup_json(markup,
                    page_path(scatter->page, scatter->page->report->row_photos[row_of(scatter, i)].path));
    }
    markup_raw(markup, "],\n");
}

/* "thumb": {number of the point: base64, ...}; returns how many. */
static size_t write_thumbnails(struct scatter *scatter) {
    const struct pomona_report *report = scatter->page->report;
    struct photo_source source = page_photos(scatter->page);
    struct markup *markup = scatter->markup;
    size_t wanted = report->thumbnails > 0 ? (size_t)report->thumbnails : THUMBNAILS_DEFAULT, made = 0;
    if (wanted > scatter->count) wanted = scatter->count;
    markup_raw(markup, "\"thumb\":{");
    for (size_t i = 0; i < wanted && markup->status == POMONA_OK; i++) {
        size_t point = i * scatter->count / wanted, size;
        uint8_t *jpeg = thumbnail_make(markup, &source, row_of(scatter, point), THUMBNAIL_MAP, &size);
        if (!jpeg) continue;
        markup_printf(markup, "%s\"%zu\":\"", made++ ? ",\n" : "", point);
        markup_base64(markup, jpeg, size);
        markup_raw(markup, "\"");
        pomona_bytes_free(&jpeg);
    }
    markup_raw(markup, "}");
    return made;
}

static void write_counts(struct scatter *scatter, size_t pictures) {
    struct markup *markup = scatter->markup;
    const struct page *page = scatter->page;
    size_t all = page_population(page), left_out = page->report->row_count - page->neighbours.finite_count;
    const struct {
        bool applies;
        size_t number;
        enum word word;
        size_t of;
    } lines[] = {{scatter->count < all, scatter->count, WORD_map_sampled, all},
                 {pictures > 0 && pictures < scatter->count, pictures, WORD_map_pictures, 0},
                 {left_out > 0, left_out, WORD_map_left_out, 0}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!lines[i].applies) continue;
        markup_raw(markup, "<p class=\"quiet\">");
        markup_number(markup, number_integer(markup->language, (int64_t)lines[i].number));
        markup_raw(markup, " ");
        markup_word(markup, lines[i].word);
        if (lines[i].of > 0) {
            markup_raw(markup, " ");
            markup_number(markup, number_integer(markup->language, (int64_t)lines[i].of));
        }
        markup_raw(markup, ".</p>\n");
    }
}

static void write_all(struct scatter *scatter) {
    struct markup *markup = scatter->markup;
    find_ranges(scatter);
    markup_raw(markup, "<div class=\"axes\">\n");
    write_axis(scatter, "axis-x", WORD_map_horizontal, 0);
    write_axis(scatter, "axis-y", WORD_map_vertical, 1);
    markup_raw(markup, "</div>\n<div class=\"map\">\n");
    write_plot(scatter);
    write_legend(scatter);
    markup_raw(markup, "</div>\n<script type=\"application/json\" id=\"points\">{");
    write_labels(scatter);
    write_scores(scatter);
    write_paths(scatter);
    size_t pictures = write_thumbnails(scatter);
    markup_raw(markup, "}</script>\n");
    write_counts(scatter, pictures);
}

void write_map(struct page *page) {
    const struct pomona_report *report = page->report;
    size_t finite = page->neighbours.finite_count;
    struct scatter scatter = {.page = page,
                              .markup = &page->markup,
                              .count = finite < POINTS_MAX ? finite : POINTS_MAX,
                              .axes = report->components < AXES_MAX ? report->components : AXES_MAX};
    scatter.names = memory_new(page->group_count, sizeof *scatter.names);
    if (scatter.names)
        write_all(&scatter);
    else if (page->markup.status == POMONA_OK)
        page->markup.status = fail_memory(page->markup.error, "labels of the report");
    memory_free(scatter.names);
}
