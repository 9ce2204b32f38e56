#include "report/reliability.h"

#include "report/axes.h"

#include <math.h>
#include <stdio.h>

/* Both panels have the confidence across. */
struct panels {
    const struct pomona_evaluation_report *report;
    struct axes accuracy, counts;
    int64_t answers, most; /* of all bins, of the largest one */
};

static void count_answers(struct panels *panels) {
    for (size_t i = 0; i < panels->report->reliability_count; i++) {
        int64_t count = panels->report->reliability[i].count;
        panels->answers += count;
        if (count > panels->most) panels->most = count;
    }
}

static bool is_tempered(const struct pomona_evaluation_report *report) {
    return report->ece_before > 0 || report->reliability_before;
}

static struct panels lay_out(const struct judged_picture *picture, const struct canvas *canvas) {
    const struct pomona_evaluation_report *report = picture->report;
    double size = canvas->text_size, key = is_tempered(report) ? 3.1 : 1.6;
    double top = (picture->titled ? 5.2 + key : 2.6 + key) * size;
    double room = canvas->height - top - 3.6 * size - 4 * size; /* between the panels stands a name */
    struct axes axes = {.canvas = canvas,
                        .language = report->language,
                        .left = 4.2 * size,
                        .top = top,
                        .width = canvas->width - 6.2 * size,
                        .height = 0.78 * room,
                        .x_high = 1,
                        .y_high = 1};
    struct panels panels = {.report = report, .accuracy = axes, .counts = axes};
    panels.counts.top = top + 0.78 * room + 4 * size;
    panels.counts.height = 0.22 * room;
    count_answers(&panels);
    return panels;
}

static void draw_text(const struct axes *axes, enum ink ink, enum text_anchor anchor, int style, double x,
                      double y, const char *text) {
    axes->canvas->text(axes->canvas->self, ink, anchor, style, 1, x, y, text);
}

/* Points of bins that have answers, joined by a line. */
static void draw_bins(const struct panels *panels, const struct pomona_reliability_bin *bins, bool before) {
    const struct axes *axes = &panels->accuracy;
    const struct canvas *canvas = axes->canvas;
    enum ink ink = before ? INK_MUTED : INK_BAR;
    double last_x = 0, last_y = 0;
    bool first = true;
    for (size_t i = 0; i < panels->report->reliability_count; i++) {
        const struct pomona_reliability_bin *bin = &bins[i];
        if (bin->count <= 0) continue;
        if (!first)
            axes_line(axes, ink, before ? 1.5 : 2.5, before, last_x, last_y, bin->confidence,
                      bin->accuracy.value);
        first = false;
        last_x = bin->confidence, last_y = bin->accuracy.value;
    }
    for (size_t i = 0; i < panels->report->reliability_count; i++) {
        const struct pomona_reliability_bin *bin = &bins[i];
        if (bin->count <= 0) continue;
        double x = axes_x(axes, bin->confidence), y = axes_y(axes, bin->accuracy.value);
        if (before) {
            canvas->dot(canvas->self, INK_PAGE, x, y, 0.26 * canvas->text_size);
            canvas->ring(canvas->self, ink, 1.5, x, y, 0.26 * canvas->text_size);
            continue;
        }
        if (bin->accuracy.high > 0)
            axes_line(axes, ink, 1.5, 0, bin->confidence, bin->accuracy.low, bin->confidence,
                      bin->accuracy.high);
        canvas->dot(canvas->self, ink, x, y, 0.34 * canvas->text_size);
    }
}

static void draw_key(const struct panels *panels) {
    const struct pomona_evaluation_report *report = panels->report;
    const struct axes *axes = &panels->accuracy;
    const struct canvas *canvas = axes->canvas;
    double size = canvas->text_size, x = axes->left + 0.4 * size,
           y = axes->top - (is_tempered(report) ? 2.3 : 0.8) * size;
    char text[160];
    bool tempered = is_tempered(report);
    canvas->dot(canvas->self, INK_BAR, x, y - 0.33 * size, 0.34 * size);
    snprintf(text, sizeof text, "%sECE %s", tempered ? word(axes->language, WORD_reliability_after) : "",
             number_percent(axes->language, report->ece, 1).text);
    draw_text(axes, INK_BAR, ANCHOR_START, TEXT_BOLD, x + 0.8 * size, y, text);
    if (!tempered) return;
    y += 1.5 * size;
    if (report->reliability_before) {
        canvas->dot(canvas->self, INK_PAGE, x, y - 0.33 * size, 0.26 * size);
        canvas->ring(canvas->self, INK_MUTED, 1.5, x, y - 0.33 * size, 0.26 * size);
    }
    snprintf(text, sizeof text, "%s%s%s", word(axes->language, WORD_reliability_before),
             report->ece_before > 0 ? "ECE " : "",
             report->ece_before > 0 ? number_percent(axes->language, report->ece_before, 1).text : "");
    draw_text(axes, INK_MUTED, ANCHOR_START, 0, x + 0.8 * size, y, text);
}

static void draw_accuracy(const struct panels *panels) {
    const struct axes *axes = &panels->accuracy;
    double size = axes->canvas->text_size, right = axes->left + axes->width - 0.8 * size;
    axes_percent_y(axes, 0.2);
    axes_percent_x(axes, 0.2);
    axes_line(axes, INK_MUTED, 1.5, 1, 0, 0, 1, 1);
    draw_text(axes, INK_TEXT, ANCHOR_START, TEXT_BOLD, 0.5 * size,
              axes->top - (is_tempered(panels->report) ? 4.2 : 2.7) * size,
              word(axes->language, WORD_reliability_accuracy));
    if (axes->width > 30 * size) {
        draw_text(axes, INK_MUTED, ANCHOR_END, 0, right, axes_y(axes, 0.16),
                  word(axes->language, WORD_reliability_over));
        draw_text(axes, INK_MUTED, ANCHOR_END, 0, right, axes_y(axes, 0.16) + 1.35 * size,
                  word(axes->language, WORD_reliability_over_end));
    }
    if (panels->report->reliability_before) draw_bins(panels, panels->report->reliability_before, true);
    draw_bins(panels, panels->report->reliability, false);
    draw_key(panels);
}

static void draw_counts(const struct panels *panels) {
    const struct pomona_evaluation_report *report = panels->report;
    const struct canvas *canvas = panels->counts.canvas;
    struct axes axes = panels->counts;
    double most = panels->answers > 0 ? (double)panels->most / (double)panels->answers : 1;
    double step = plot_step(fmax(most, 1e-6) / 2);
    axes.y_high = step * ceil(most / step - 1e-9);
    axes_percent_y(&axes, step);
    double wide = 1.0 / (double)report->reliability_count, gap = fmin(2, 0.1 * wide * axes.width);
    for (size_t i = 0; i < report->reliability_count && panels->answers > 0; i++) {
        double share = (double)report->reliability[i].count / (double)panels->answers;
        double x = axes_x(&axes, wide * (double)i), y = axes_y(&axes, share);
        if (share > 0)
            canvas->box(canvas->self, INK_BAR, x + gap / 2, y, wide * axes.width - gap,
                        axes.top + axes.height - y);
    }
    for (int i = 0; i <= 5; i++)
        draw_text(&axes, INK_MUTED, ANCHOR_MIDDLE, 0, axes_x(&axes, i / 5.0),
                  axes.top + axes.height + 1.4 * canvas->text_size,
                  number_percent(axes.language, i / 5.0, 0).text);
    axes_names(&axes, word(axes.language, WORD_reliability_confidence), "");
    draw_text(&axes, INK_TEXT, ANCHOR_START, TEXT_BOLD, 0.5 * canvas->text_size,
              axes.top - 0.9 * canvas->text_size, word(axes.language, WORD_reliability_answers));
}

static void draw(const void *self, const struct canvas *canvas) {
    const struct judged_picture *picture = self;
    struct panels panels = lay_out(picture, canvas);
    if (picture->titled) axes_title(canvas, word(picture->report->language, WORD_reliability_title));
    draw_accuracy(&panels);
    draw_counts(&panels);
}

struct plot reliability_plot(const struct judged_picture *picture) {
    return (struct plot){draw,
                         picture,
                         JUDGED_WIDTH,
                         JUDGED_HEIGHT,
                         PICTURE_TEXT_SIZE,
                         word(picture->report->language, WORD_reliability_title),
                         picture->report->language};
}
