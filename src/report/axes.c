#include "report/axes.h"

#include "report/plot.h"

#include <math.h>

double axes_x(const struct axes *axes, double value) {
    double low = axes->x_low, high = axes->x_high;
    if (axes->x_log) value = log10(value), low = log10(low), high = log10(high);
    return axes->left + axes->width * (value - low) / (high - low);
}

double axes_y(const struct axes *axes, double value) {
    return axes->top + axes->height * (axes->y_high - value) / (axes->y_high - axes->y_low);
}

void axes_line(const struct axes *axes, enum ink ink, double thickness, int dashed, double x0, double y0,
               double x1, double y1) {
    double points[4] = {axes_x(axes, x0), axes_y(axes, y0), axes_x(axes, x1), axes_y(axes, y1)};
    axes->canvas->line(axes->canvas->self, ink, thickness, dashed, points, 2);
}

static void tick_text(const struct axes *axes, enum text_anchor anchor, double x, double y,
                      const char *text) {
    axes->canvas->text(axes->canvas->self, INK_MUTED, anchor, 0, 1, x, y, text);
}

static void tick_x(const struct axes *axes, double value, const char *text, bool edge) {
    double bottom = axes->top + axes->height, size = axes->canvas->text_size;
    axes_line(axes, edge ? INK_MUTED : INK_GRID, 1, 0, value, axes->y_low, value, axes->y_high);
    if (text) tick_text(axes, ANCHOR_MIDDLE, axes_x(axes, value), bottom + 1.4 * size, text);
}

void axes_percent_y(const struct axes *axes, double step) {
    double size = axes->canvas->text_size;
    int decimals = plot_step_decimals(step * 100);
    for (double i = ceil(axes->y_low / step - 1e-9); i * step <= axes->y_high + 1e-9; i++) {
        double value = i * step;
        bool edge = value <= axes->y_low + 1e-9;
        axes_line(axes, edge ? INK_MUTED : INK_GRID, 1, 0, axes->x_low, value, axes->x_high, value);
        tick_text(axes, ANCHOR_END, axes->left - 0.5 * size, axes_y(axes, value) + 0.35 * size,
                  number_percent(axes->language, value, decimals).text);
    }
}

void axes_percent_x(const struct axes *axes, double step) {
    int decimals = plot_step_decimals(step * 100);
    for (double i = ceil(axes->x_low / step - 1e-9); i * step <= axes->x_high + 1e-9; i++)
        tick_x(axes, i * step, number_percent(axes->language, i * step, decimals).text,
               i * step <= axes->x_low + 1e-9);
}

void axes_log_x(const struct axes *axes) {
    static const double coarse[] = {1, 2, 5}, fine[] = {1, 1.5, 2, 3, 4, 5, 7};
    double decades = log10(axes->x_high / axes->x_low);
    const double *steps = decades < 1.2 ? fine : coarse;
    int count = decades < 1.2 ? 7 : 3;
    int first = (int)floor(log10(axes->x_low)), last = (int)floor(log10(axes->x_high));
    for (int decade = first; decade <= last; decade++)
        for (int i = 0; i < count; i++) {
            double value = steps[i] * pow(10, decade);
            if (value < axes->x_low * (1 - 1e-9) || value > axes->x_high * (1 + 1e-9)) continue;
            bool named = decades < 3 || i == 0;
            tick_x(axes, value, named ? number_plain(axes->language, value).text : NULL, false);
        }
}

void axes_names(const struct axes *axes, const char *x, const char *y) {
    const struct canvas *canvas = axes->canvas;
    double size = canvas->text_size;
    canvas->text(canvas->self, INK_TEXT, ANCHOR_START, TEXT_BOLD, 1, 0.5 * size, axes->top - 1.1 * size, y);
    canvas->text(canvas->self, INK_TEXT, ANCHOR_MIDDLE, TEXT_BOLD, 1, axes->left + axes->width / 2,
                 axes->top + axes->height + 2.9 * size, x);
}

void axes_title(const struct canvas *canvas, const char *title) {
    double size = canvas->text_size;
    canvas->text(canvas->self, INK_TEXT, ANCHOR_START, TEXT_BOLD, 1.35, 0.5 * size, 2.1 * size, title);
}
