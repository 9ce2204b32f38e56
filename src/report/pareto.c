#include "report/pareto.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOXES_MAX = 1000 };

/* ---- points and front ---- */

static bool is_point(const struct pomona_comparison_row *row) { return row->top1.high > 0 && row->ms > 0; }

bool pareto_is_over(const struct pomona_comparison_row *row) {
    return row->over_ms || row->over_p99 || row->over_memory || row->over_file || row->over_energy;
}

struct sorted_row {
    double ms, top1;
    size_t row;
};

/* By latency, the more accurate of equals first. */
static int by_latency(const void *left, const void *right) {
    const struct sorted_row *a = left, *b = right;
    if (a->ms != b->ms) return a->ms < b->ms ? -1 : 1;
    if (a->top1 != b->top1) return a->top1 > b->top1 ? -1 : 1;
    return a->row < b->row ? -1 : 1;
}

/* Sorted rows become points. Rows equal to one on the front are on it too. */
static void mark_front(struct pareto *pareto, const struct sorted_row *sorted) {
    double best = -1, best_ms = 0;
    for (size_t i = 0; i < pareto->count; i++) {
        bool front = sorted[i].top1 > best || (sorted[i].top1 == best && sorted[i].ms == best_ms);
        pareto->points[i] = (struct pareto_point){sorted[i].row, front};
        if (!front) continue;
        best = sorted[i].top1;
        best_ms = sorted[i].ms;
    }
}

pomona_status pareto_find(const struct pomona_comparison_report *report, struct pareto *pareto,
                          struct pomona_error *error) {
    struct sorted_row *sorted = memory_new(report->row_count, sizeof *sorted);
    *pareto = (struct pareto){.report = report, .titled = true, .letters = 32};
    pareto->points = memory_new(report->row_count, sizeof *pareto->points);
    if (!sorted || !pareto->points) {
        memory_free(sorted);
        return fail_memory(error, "points of the comparison");
    }
    for (size_t i = 0; i < report->row_count; i++) {
        const struct pomona_comparison_row *row = &report->rows[i];
        if (is_point(row)) sorted[pareto->count++] = (struct sorted_row){row->ms, row->top1.value, i};
    }
    qsort(sorted, pareto->count, sizeof *sorted, by_latency);
    mark_front(pareto, sorted);
    memory_free(sorted);
    return POMONA_OK;
}

void pareto_free(struct pareto *pareto) {
    memory_free(pareto->points);
    pareto->points = NULL;
}

bool pareto_is_front(const struct pareto *pareto, size_t row) {
    for (size_t i = 0; i < pareto->count; i++)
        if (pareto->points[i].row == row) return pareto->points[i].front;
    return false;
}

/* ---- layout ---- */

/* The plot as it is drawn. */
struct drawn {
    const struct pareto *pareto;
    const struct pomona_comparison_report *report;
    const struct canvas *canvas;
    struct axes axes;
    double most;        /* bytes of the largest bubble */
    double most_radius; /* pixels */
};

static const struct pomona_comparison_row *row_of(const struct drawn *drawn, size_t point) {
    return &drawn->report->rows[drawn->pareto->points[point].row];
}

static double bytes_of(const struct drawn *drawn, const struct pomona_comparison_row *row) {
    return (double)(drawn->report->bubble == POMONA_COMPARISON_FILE ? row->file : row->memory);
}

static double radius_of(const struct drawn *drawn, double bytes) {
    double radius = drawn->most > 0 ? drawn->most_radius * sqrt(bytes / drawn->most) : 0;
    return fmax(radius, 0.35 * drawn->canvas->text_size);
}

static void find_ranges(struct drawn *drawn) {
    struct axes *axes = &drawn->axes;
    double low = 1, high = 0, fast = INFINITY, slow = 0, budget = drawn->report->budget.ms;
    for (size_t i = 0; i < drawn->pareto->count; i++) {
        const struct pomona_comparison_row *row = row_of(drawn, i);
        low = fmin(low, row->top1.low), high = fmax(high, row->top1.high);
        fast = fmin(fast, row->ms), slow = fmax(slow, row->ms);
        drawn->most = fmax(drawn->most, bytes_of(drawn, row));
    }
    if (budget > 0) fast = fmin(fast, budget), slow = fmax(slow, budget);
    double step = plot_step(fmax(high - low, 0.01) / 6);
    axes->y_low = fmax(0, step * floor(low / step));
    axes->y_high = fmin(1, step * ceil(high / step));
    if (!(axes->y_high > axes->y_low)) axes->y_low = 0, axes->y_high = 1;
    double spread = fmax(1.35, pow(slow / fast, 0.12));
    axes->x_low = fast / spread, axes->x_high = slow * spread * 1.15;
}

static struct drawn lay_out(const struct pareto *pareto, const struct canvas *canvas) {
    double size = canvas->text_size, most_radius = (canvas->width < 600 ? 1.3 : 2) * size;
    double top = 0.4 * size + 2 * most_radius + 2.6 * size;
    struct drawn drawn = {
        .pareto = pareto, .report = pareto->report, .canvas = canvas, .most_radius = most_radius};
    drawn.axes = (struct axes){.canvas = canvas,
                               .language = pareto->report->language,
                               .left = 4.2 * size,
                               .top = top,
                               .width = canvas->width - 5 * size,
                               .height = canvas->height - top - 3.6 * size,
                               .x_log = true};
    find_ranges(&drawn);
    return drawn;
}

/* ---- drawing ---- */

/* The largest of 1, 2, 5 x 10^n that is at most `most` > 0. */
static double round_below(double most) {
    double power = pow(10, floor(log10(most)));
    return most >= 5 * power ? 5 * power : most >= 2 * power ? 2 * power : power;
}

/* Circles of known bytes, right-aligned over the data, beside the title. */
static void draw_key(const struct drawn *drawn) {
    const struct canvas *canvas = drawn->canvas;
    pomona_language language = drawn->report->language;
    double size = canvas->text_size, right = drawn->axes.left + drawn->axes.width;
    double middle = 0.4 * size + drawn->most_radius;
    if (!(drawn->most > 0)) return;
    double bytes[2] = {round_below(drawn->most), round_below(drawn->most / 4)};
    for (int i = 0; i < 2; i++) {
        char text[NUMBER_SIZE + 8];
        double radius = radius_of(drawn, bytes[i]);
        snprintf(text, sizeof text, "%s\xc2\xa0%s", number_plain(language, bytes[i] / 1e6).text,
                 word(language, WORD_megabytes));
        canvas->text(canvas->self, INK_MUTED, ANCHOR_END, 0, 0.9, right, middle + 0.33 * size, text);
        right -= 0.9 * size * plot_text_width(text) + 0.4 * size + radius;
        canvas->disc(canvas->self, INK_BAR, 0.3, right, middle, radius, NULL);
        right -= radius + 0.8 * size;
    }
    canvas->text(canvas->self, INK_MUTED, ANCHOR_END, 0, 0.9, right, middle + 0.33 * size,
                 word(language, drawn->report->bubble == POMONA_COMPARISON_FILE ? WORD_pareto_file
                                                                                : WORD_pareto_memory));
}

static void budget_text(const struct drawn *drawn, char text[2 * NUMBER_SIZE]) {
    snprintf(text, 2 * NUMBER_SIZE, "%s%s\xc2\xa0ms", word(drawn->report->language, WORD_pareto_budget),
             number_plain(drawn->report->language, drawn->report->budget.ms).text);
}

/* What is too slow lies in a shadow. */
static void draw_budget(const struct drawn *drawn) {
    const struct axes *axes = &drawn->axes;
    const struct canvas *canvas = drawn->canvas;
    double ms = drawn->report->budget.ms, x = axes_x(axes, ms);
    char text[2 * NUMBER_SIZE];
    if (!(ms > 0)) return;
    budget_text(drawn, text);
    canvas->shade(canvas->self, INK_MUTED, 0.08, x, axes->top, axes->left + axes->width - x, axes->height,
                  NULL);
    axes_line(axes, INK_MUTED, 1.5, 1, ms, axes->y_low, ms, axes->y_high);
    canvas->text(canvas->self, INK_MUTED, ANCHOR_END, 0, 0.9, x - 0.4 * canvas->text_size,
                 axes->top + axes->height - 0.6 * canvas->text_size, text);
}

/* The front as a staircase, from below its first point to the right edge. */
static void draw_front(const struct drawn *drawn) {
    const struct axes *axes = &drawn->axes;
    const struct pomona_comparison_row *last = NULL;
    for (size_t i = 0; i < drawn->pareto->count; i++) {
        const struct pomona_comparison_row *row = row_of(drawn, i);
        if (!drawn->pareto->points[i].front) continue;
        double before = last ? last->top1.value : axes->y_low;
        if (last) axes_line(axes, INK_LINE, 2, 0, last->ms, before, row->ms, before);
        axes_line(axes, INK_LINE, 2, 0, row->ms, before, row->ms, row->top1.value);
        last = row;
    }
    if (last) axes_line(axes, INK_LINE, 2, 0, last->ms, last->top1.value, axes->x_high, last->top1.value);
}

static enum ink ink_of(const struct pomona_comparison_row *row) {
    return row->recommended ? INK_MARK : pareto_is_over(row) ? INK_MUTED : INK_BAR;
}

/* Whether another row of that name differs in precision, resp. in resolution. */
static void find_namesakes(const struct drawn *drawn, const struct pomona_comparison_row *row,
                           bool *precision, bool *size) {
    *precision = *size = false;
    for (size_t i = 0; i < drawn->pareto->count && row->name; i++) {
        const struct pomona_comparison_row *other = row_of(drawn, i);
        if (other == row || !other->name || strcmp(other->name, row->name) != 0) continue;
        *precision |= other->precision && row->precision && strcmp(other->precision, row->precision) != 0;
        *size |= other->width != row->width || other->height != row->height;
    }
}

/* A file's name without what all of them end in. */
static struct plot_label short_name(const char *name, size_t letters) {
    struct plot_label label = plot_label(name, PLOT_LABEL_MAX);
    size_t length = strlen(label.text);
    if (length > 5 && strcmp(label.text + length - 5, ".onnx") == 0) label.text[length - 5] = '\0';
    return plot_label(label.text, letters);
}

static void name_row(const struct drawn *drawn, const struct pomona_comparison_row *row,
                     char text[PARETO_LABEL_SIZE]) {
    bool precision, size;
    char pixels[NUMBER_SIZE + 16] = "";
    find_namesakes(drawn, row, &precision, &size);
    if (size && row->width > 0)
        snprintf(pixels, sizeof pixels, ", %d\xc2\xa0%s", row->width,
                 word(drawn->report->language, WORD_pixels));
    snprintf(text, PARETO_LABEL_SIZE, "%s%s%s%s", short_name(row->name, drawn->pareto->letters).text,
             precision ? ", " : "", precision ? plot_label(row->precision, 8).text : "", pixels);
}

static void draw_points(const struct drawn *drawn) {
    const struct axes *axes = &drawn->axes;
    const struct canvas *canvas = drawn->canvas;
    pomona_language language = drawn->report->language;
    for (size_t i = 0; i < drawn->pareto->count; i++) {
        const struct pomona_comparison_row *row = row_of(drawn, i);
        char name[PARETO_LABEL_SIZE], hint[PARETO_LABEL_SIZE + 4 * NUMBER_SIZE];
        double x = axes_x(axes, row->ms), y = axes_y(axes, row->top1.value), bytes = bytes_of(drawn, row);
        name_row(drawn, row, name);
        snprintf(hint, sizeof hint, "%s: %s, %s ms, %s %s", name,
                 number_percent(language, row->top1.value, 1).text,
                 number_significant(language, row->ms, 3).text,
                 number_significant(language, bytes / 1e6, 3).text, word(language, WORD_megabytes));
        canvas->disc(canvas->self, ink_of(row), 0.25, x, y, radius_of(drawn, bytes), hint);
    }
    for (size_t i = 0; i < drawn->pareto->count; i++) {
        const struct pomona_comparison_row *row = row_of(drawn, i);
        axes_line(axes, ink_of(row), 1.5, 0, row->ms, row->top1.low, row->ms, row->top1.high);
        canvas->dot(canvas->self, ink_of(row), axes_x(axes, row->ms), axes_y(axes, row->top1.value),
                    0.24 * canvas->text_size);
        if (row->recommended)
            canvas->ring(canvas->self, INK_MARK, 2.5, axes_x(axes, row->ms), axes_y(axes, row->top1.value),
                         radius_of(drawn, bytes_of(drawn, row)) + 3);
    }
}

/* ---- labels ---- */

/* 0 for the recommended one, 1 on the front, 2 others. */
static int rank(const struct drawn *drawn, size_t point) {
    return row_of(drawn, point)->recommended ? 0 : drawn->pareto->points[point].front ? 1 : 2;
}

static size_t make_labels(const struct drawn *drawn, struct pareto_label labels[PARETO_LABELS_MAX]) {
    size_t count = 0;
    for (int turn = 0; turn <= 2; turn++)
        for (size_t i = 0; i < drawn->pareto->count && count < PARETO_LABELS_MAX; i++) {
            const struct pomona_comparison_row *row = row_of(drawn, i);
            if (rank(drawn, i) != turn) continue;
            struct pareto_label *label = &labels[count++];
            *label = (struct pareto_label){.point = i,
                                           .x = axes_x(&drawn->axes, row->ms),
                                           .y = axes_y(&drawn->axes, row->top1.value),
                                           .radius = radius_of(drawn, bytes_of(drawn, row)),
                                           .ink = row->recommended      ? INK_MARK
                                                  : pareto_is_over(row) ? INK_MUTED
                                                                        : INK_TEXT,
                                           .wanted = turn < 2};
            name_row(drawn, row, label->text);
            label->width = drawn->canvas->text_size * plot_text_width(label->text) * (turn == 0 ? 1.1 : 1);
        }
    return count;
}

/* What labels keep off: points, intervals, the staircase, the name of the budget. */
static size_t make_boxes(const struct drawn *drawn, struct pareto_box *boxes) {
    const struct axes *axes = &drawn->axes;
    double size = drawn->canvas->text_size, half = 0.35 * size, last_x = axes->left;
    double last_y = axes->top + axes->height;
    size_t count = 0;
    for (size_t i = 0; i < drawn->pareto->count && count + 4 < BOXES_MAX; i++) {
        const struct pomona_comparison_row *row = row_of(drawn, i);
        double x = axes_x(axes, row->ms), y = axes_y(axes, row->top1.value);
        double top = axes_y(axes, row->top1.high), bottom = axes_y(axes, row->top1.low);
        boxes[count++] = (struct pareto_box){x - half, y - half, 2 * half, 2 * half, 4};
        boxes[count++] = (struct pareto_box){x - 2, top, 4, bottom - top, 3};
        if (!drawn->pareto->points[i].front) continue;
        boxes[count++] = (struct pareto_box){last_x, last_y - 2, x - last_x, 4, last_x > axes->left ? 2 : 0};
        boxes[count++] = (struct pareto_box){x - 2, y, 4, last_y - y, 2};
        last_x = x, last_y = y;
    }
    boxes[count++] = (struct pareto_box){last_x, last_y - 2, axes->left + axes->width - last_x, 4, 2};
    if (drawn->report->budget.ms > 0) {
        char text[2 * NUMBER_SIZE];
        budget_text(drawn, text);
        double wide = size * plot_text_width(text), x = axes_x(axes, drawn->report->budget.ms);
        boxes[count++] =
            (struct pareto_box){x - wide, axes->top + axes->height - 1.8 * size, wide, 1.8 * size, 4};
    }
    return count;
}

/* From the edge of the bubble to the nearest point of the label's box. */
static void draw_lead(const struct drawn *drawn, const struct pareto_label *label, double line) {
    double x = fmax(label->left, fmin(label->x, label->left + label->width)),
           y = fmax(label->top, fmin(label->y, label->top + line));
    double away = hypot(x - label->x, y - label->y);
    if (away <= label->radius + 1) return;
    double from = 0.24 * drawn->canvas->text_size / away;
    double points[4] = {label->x + from * (x - label->x), label->y + from * (y - label->y), x, y};
    drawn->canvas->line(drawn->canvas->self, INK_MUTED, 1, 0, points, 2);
}

static void draw_labels(const struct drawn *drawn) {
    struct pareto_label labels[PARETO_LABELS_MAX];
    struct pareto_box boxes[BOXES_MAX + 2];
    const struct canvas *canvas = drawn->canvas;
    double size = canvas->text_size, line = 1.2 * size;
    struct pareto_box area = {drawn->axes.left, drawn->axes.top - size, drawn->axes.width + 0.5 * size,
                              drawn->axes.height + size, 0};
    size_t count = make_labels(drawn, labels);
    pareto_place(labels, count, boxes, make_boxes(drawn, boxes), &area, line);
    for (size_t i = 0; i < count; i++)
        if (labels[i].placed && labels[i].led) draw_lead(drawn, &labels[i], line);
    for (size_t i = 0; i < count; i++) {
        if (!labels[i].placed) continue;
        canvas->text(canvas->self, labels[i].ink, ANCHOR_MIDDLE, labels[i].ink == INK_MARK ? TEXT_BOLD : 0, 1,
                     labels[i].left + labels[i].width / 2, labels[i].top + 0.95 * size, labels[i].text);
    }
}

static void draw(const void *self, const struct canvas *canvas) {
    const struct pareto *pareto = self;
    struct drawn drawn = lay_out(pareto, canvas);
    pomona_language language = pareto->report->language;
    if (pareto->titled) axes_title(canvas, word(language, WORD_pareto_title));
    draw_budget(&drawn);
    axes_percent_y(&drawn.axes, plot_step((drawn.axes.y_high - drawn.axes.y_low) / 6));
    axes_log_x(&drawn.axes);
    axes_names(&drawn.axes, word(language, WORD_pareto_x), word(language, WORD_pareto_y));
    draw_key(&drawn);
    draw_front(&drawn);
    draw_points(&drawn);
    draw_labels(&drawn);
}

struct plot pareto_plot(const struct pareto *pareto) {
    return (struct plot){draw,
                         pareto,
                         PICTURE_WIDTH,
                         PICTURE_HEIGHT + 50,
                         PICTURE_TEXT_SIZE,
                         word(pareto->report->language, WORD_pareto_title),
                         pareto->report->language};
}
