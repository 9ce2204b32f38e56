#include "report/scree.h"

#include "report/plot.h"
#include "report/spectrum.h"
#include "report/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GRID_LINES = 5, ALWAYS_SHOWN = 30 };

/* Where the data lie on the canvas. */
struct frame {
    const struct canvas *canvas;
    const struct pomona_spectrum *spectrum;
    const struct pomona_spectrum_marks *marks;
    pomona_language language;
    double left, top, width, height;
    size_t shown;      /* components on the x axis, at least 1 */
    double share_step; /* of the left axis between two grid lines */
};

static double share(const struct frame *frame, size_t index) {
    return spectrum_value(frame->spectrum, index) / frame->marks->total;
}

/* Centre of component k (from 1). */
static double x_of(const struct frame *frame, size_t k) {
    return frame->left + frame->width * ((double)k - 0.5) / (double)frame->shown;
}

/* `fraction` 0..1 of the height of the plot. */
static double y_of(const struct frame *frame, double fraction) {
    return frame->top + frame->height * (1 - fraction);
}

static double bar_fraction(const struct frame *frame, size_t index) {
    return share(frame, index) / (GRID_LINES * frame->share_step);
}

/* Everything up to 99 %; all of a short spectrum. */
static size_t components_shown(const struct pomona_spectrum *spectrum,
                               const struct pomona_spectrum_marks *marks) {
    if (spectrum->count <= ALWAYS_SHOWN || !marks->k99) return spectrum->count;
    size_t shown = marks->k99 + marks->k99 / 20 + 1;
    if (shown < ALWAYS_SHOWN) shown = ALWAYS_SHOWN;
    return shown < spectrum->count ? shown : spectrum->count;
}

static void draw_text(const struct frame *frame, enum ink ink, enum text_anchor anchor, double x, double y,
                      const char *text) {
    frame->canvas->text(frame->canvas->self, ink, anchor, 0, 1, x, y, text);
}

static void draw_grid(const struct frame *frame) {
    const struct canvas *canvas = frame->canvas;
    double size = canvas->text_size, right = frame->left + frame->width;
    int decimals = plot_step_decimals(frame->share_step * 100);
    for (int i = 0; i <= GRID_LINES; i++) {
        double y = y_of(frame, (double)i / GRID_LINES), points[4] = {frame->left, y, right, y};
        canvas->line(canvas->self, i == 0 ? INK_MUTED : INK_GRID, 1, 0, points, 2);
        struct number each = number_percent(frame->language, i * frame->share_step, i ? decimals : 0);
        struct number all = number_percent(frame->language, (double)i / GRID_LINES, 0);
        draw_text(frame, INK_MUTED, ANCHOR_END, frame->left - 0.5 * size, y + 0.35 * size, each.text);
        draw_text(frame, INK_MUTED, ANCHOR_START, right + 0.5 * size, y + 0.35 * size, all.text);
    }
    double above = frame->top - 1.1 * size;
    canvas->text(canvas->self, INK_BAR, ANCHOR_START, 1, 1, 0.5 * size, above,
                 word(frame->language, WORD_plot_each));
    canvas->text(canvas->self, INK_LINE, ANCHOR_END, 1, 1, canvas->width - 0.5 * size, above,
                 word(frame->language, WORD_plot_cumulative));
}

static void draw_x_axis(const struct frame *frame) {
    double size = frame->canvas->text_size, bottom = frame->top + frame->height;
    /* A label needs about four of its letters' widths. */
    double labels = frame->width / (3.5 * size);
    size_t step = (size_t)fmax(1, ceil(plot_step(fmax(1, (double)frame->shown / labels))));
    for (size_t k = step; k <= frame->shown; k += step) {
        struct number text = number_integer(frame->language, (int64_t)k);
        draw_text(frame, INK_MUTED, ANCHOR_MIDDLE, x_of(frame, k), bottom + 1.4 * size, text.text);
    }
    draw_text(frame, INK_MUTED, ANCHOR_MIDDLE, frame->left + frame->width / 2, bottom + 2.9 * size,
              word(frame->language, WORD_plot_axis));
}

static void draw_bars(const struct frame *frame) {
    const struct canvas *canvas = frame->canvas;
    double pitch = frame->width / (double)frame->shown, bottom = frame->top + frame->height;
    double gap = pitch >= 4 ? 0.22 * pitch : 0;
    /* No more bars than half pixels: the first of each stands for those beside it. */
    size_t step = pitch >= 0.5 ? 1 : (size_t)ceil(0.5 / pitch);
    for (size_t i = 0; i < frame->shown; i += step) {
        double height = frame->height * bar_fraction(frame, i);
        size_t wide = frame->shown - i < step ? frame->shown - i : step;
        if (height >= 0.4)
            canvas->box(canvas->self, INK_BAR, frame->left + pitch * (double)i + gap / 2, bottom - height,
                        pitch * (double)wide - gap, height);
    }
}

/* The cumulative curve, in runs of points that share their ends. */
static void draw_cumulative(const struct frame *frame) {
    enum { RUN = 256 };
    double points[2 * RUN], cumulative = 0;
    size_t filled = 0;
    for (size_t i = 0; i < frame->shown; i++) {
        cumulative += share(frame, i);
        points[2 * filled] = x_of(frame, i + 1);
        points[2 * filled + 1] = y_of(frame, fmin(cumulative, 1));
        if (++filled == RUN || i + 1 == frame->shown) {
            frame->canvas->line(frame->canvas->self, INK_LINE, 2.5, 0, points, filled);
            memmove(points, points + 2 * (filled - 1), 2 * sizeof points[0]);
            filled = 1;
        }
    }
}

/* "90%, 95%: k = 3" for shares that the same component reaches. */
struct share_label {
    size_t k;
    double x, y; /* of the point on the curve */
    char text[160];
};

static size_t share_labels(const struct frame *frame, struct share_label labels[3]) {
    const struct pomona_spectrum_marks *marks = frame->marks;
    const size_t ks[3] = {marks->k90, marks->k95, marks->k99};
    const double shares[3] = {0.90, 0.95, 0.99};
    size_t count = 0;
    for (int i = 0; i < 3; i++) {
        if (ks[i] == 0 || ks[i] > frame->shown) continue;
        struct number percent = number_percent(frame->language, shares[i], 0);
        if (count == 0 || labels[count - 1].k != ks[i]) labels[count++] = (struct share_label){.k = ks[i]};
        char *text = labels[count - 1].text;
        size_t used = strlen(text);
        snprintf(text + used, sizeof labels[0].text - used, "%s%s", used ? ", " : "", percent.text);
    }
    double cumulative = 0;
    for (size_t i = 0, next = 0; next < count; i++) {
        cumulative += share(frame, i);
        if (labels[next].k != i + 1) continue;
        struct number k = number_integer(frame->language, (int64_t)(i + 1));
        size_t used = strlen(labels[next].text);
        snprintf(labels[next].text + used, sizeof labels[0].text - used, "%s%s",
                 word(frame->language, WORD_plot_k), k.text);
        labels[next].x = x_of(frame, i + 1);
        labels[next++].y = y_of(frame, fmin(cumulative, 1));
    }
    return count;
}

/* Labels stand above the curve, to the left of their points; those without room there stand below it. */
static void draw_shares(const struct frame *frame) {
    const struct canvas *canvas = frame->canvas;
    double size = canvas->text_size, line = 1.35 * size, bottom = frame->top + frame->height;
    struct share_label labels[3];
    size_t count = share_labels(frame, labels);
    bool left[3] = {false};
    double highest = INFINITY, lowest = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        double guide[4] = {labels[i].x, labels[i].y, labels[i].x, bottom};
        canvas->line(canvas->self, INK_LINE, 1, 1, guide, 2);
        canvas->dot(canvas->self, INK_LINE, labels[i].x, labels[i].y, 0.3 * size);
    }
    for (size_t i = 0; i < count; i++) {
        left[i] = labels[i].x - 0.62 * size * (double)strlen(labels[i].text) > frame->left;
        if (!left[i]) continue;
        highest = fmin(labels[i].y - 0.5 * size, highest - line);
        draw_text(frame, INK_TEXT, ANCHOR_END, labels[i].x - 0.5 * size, highest, labels[i].text);
    }
    for (size_t i = count; i-- > 0;) {
        if (left[i]) continue;
        lowest = fmax(labels[i].y + 1.6 * size, lowest + line);
        draw_text(frame, INK_TEXT, ANCHOR_START, labels[i].x + 0.6 * size, lowest, labels[i].text);
    }
}

static void draw_elbow(const struct frame *frame) {
    const struct canvas *canvas = frame->canvas;
    size_t k = frame->marks->elbow;
    if (k == 0 || k > frame->shown) return;
    char text[96];
    snprintf(text, sizeof text, "%s%s", word(frame->language, WORD_plot_elbow),
             number_integer(frame->language, (int64_t)k).text);
    double size = canvas->text_size, x = x_of(frame, k), y = y_of(frame, bar_fraction(frame, k - 1));
    double stem[4] = {x, y, x, y - 1.8 * size};
    canvas->line(canvas->self, INK_MARK, 2, 0, stem, 2);
    canvas->dot(canvas->self, INK_MARK, x, y, 0.3 * size);
    bool late = x > frame->left + 0.7 * frame->width;
    canvas->text(canvas->self, INK_MARK, late ? ANCHOR_END : ANCHOR_START, 1, 1,
                 x + (late ? -0.5 : 0.5) * size, y - 1.4 * size, text);
}

static struct frame lay_out(const struct canvas *canvas, const struct pomona_spectrum *spectrum,
                            const struct pomona_spectrum_marks *marks, pomona_language language,
                            bool titled) {
    double size = canvas->text_size;
    struct frame frame = {.canvas = canvas, .spectrum = spectrum, .marks = marks, .language = language};
    frame.left = 4.2 * size;
    frame.width = canvas->width - 8.4 * size;
    frame.top = (titled ? 5.6 : 3.2) * size;
    frame.height = canvas->height - frame.top - 3.6 * size;
    frame.shown = components_shown(spectrum, marks);
    if (frame.shown > 0 && marks->total > 0)
        frame.share_step = plot_step(fmax(share(&frame, 0), 1e-9) / GRID_LINES);
    return frame;
}

static void draw(const void *self, const struct canvas *canvas) {
    const struct scree *scree = self;
    const struct pomona_spectrum_marks *marks = scree->marks;
    pomona_language language = scree->language;
    bool titled = scree->titled;
    struct frame frame = lay_out(canvas, scree->spectrum, marks, language, titled);
    double size = canvas->text_size;
    if (titled)
        canvas->text(canvas->self, INK_TEXT, ANCHOR_START, 1, 1.35, 0.5 * size, 2.1 * size,
                     word(language, WORD_plot_title));
    if (frame.shown == 0 || !(marks->total > 0)) {
        canvas->text(canvas->self, INK_MUTED, ANCHOR_MIDDLE, 0, 1.2, canvas->width / 2, canvas->height / 2,
                     word(language, WORD_plot_empty));
        return;
    }
    draw_grid(&frame);
    draw_bars(&frame);
    draw_cumulative(&frame);
    draw_shares(&frame);
    draw_elbow(&frame);
    draw_x_axis(&frame);
}

struct plot scree_plot(const struct scree *scree) {
    return (struct plot){draw,
                         scree,
                         PICTURE_WIDTH,
                         PICTURE_HEIGHT,
                         PICTURE_TEXT_SIZE,
                         word(scree->language, WORD_plot_title),
                         scree->language};
}

static pomona_status write_file(const struct pomona_spectrum *spectrum, pomona_language language,
                                plot_format *format, const char *path, struct pomona_error *error) {
    struct pomona_spectrum_marks marks;
    TRY(pomona_spectrum_mark(spectrum, &marks, error));
    struct scree scree = {spectrum, &marks, language, true};
    struct plot plot = scree_plot(&scree);
    return plot_file(&plot, format, path, error);
}

pomona_status pomona_report_scree_png(const struct pomona_spectrum *spectrum, pomona_language language,
                                      const char *path, struct pomona_error *error) {
    return write_file(spectrum, language, plot_png, path, error);
}

pomona_status pomona_report_scree_svg(const struct pomona_spectrum *spectrum, pomona_language language,
                                      const char *path, struct pomona_error *error) {
    return write_file(spectrum, language, plot_svg, path, error);
}
