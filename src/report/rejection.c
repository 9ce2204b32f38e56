#include "report/axes.h"
#include "report/reliability.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POINTS_MAX = 2000, RUN = 256 };

void share_as_fraction(const struct pomona_report_share *share, pomona_language language,
                       char text[SHARE_TEXT_SIZE]) {
    if (!(share->high > 0))
        snprintf(text, SHARE_TEXT_SIZE, "%s", number_fixed(language, share->value, 3).text);
    else
        snprintf(text, SHARE_TEXT_SIZE, "%s (%s \xe2\x80\x93 %s)",
                 number_fixed(language, share->value, 3).text, number_fixed(language, share->low, 3).text,
                 number_fixed(language, share->high, 3).text);
}

static struct axes lay_out(const struct judged_picture *picture, const struct canvas *canvas) {
    double size = canvas->text_size, top = (picture->titled ? 5.2 : 2.6) * size;
    return (struct axes){.canvas = canvas,
                         .language = picture->report->language,
                         .left = 4.2 * size,
                         .top = top,
                         .width = canvas->width - 6.2 * size,
                         .height = canvas->height - top - 3.6 * size,
                         .x_high = 1,
                         .y_high = 1};
}

/* The curve, in runs of points that share their ends: an even sample of many, with both ends. */
static void draw_curve(const struct axes *axes, const struct pomona_evaluation_report *report) {
    size_t count = report->rejection_count < POINTS_MAX ? report->rejection_count : POINTS_MAX, filled = 0;
    double points[2 * RUN];
    for (size_t i = 0; i < count; i++) {
        size_t at = count > 1 ? i * (report->rejection_count - 1) / (count - 1) : 0;
        points[2 * filled] = axes_x(axes, 1 - report->rejection[at].known_accepted);
        points[2 * filled + 1] = axes_y(axes, report->rejection[at].unknown_accepted);
        if (++filled == RUN || i + 1 == count) {
            axes->canvas->line(axes->canvas->self, INK_BAR, 2.5, 0, points, filled);
            memmove(points, points + 2 * (filled - 1), 2 * sizeof points[0]);
            filled = 1;
        }
    }
}

/* The model's own threshold, with guides to both axes and its two shares. */
static void draw_operating(const struct axes *axes, const struct pomona_evaluation_report *report) {
    const struct canvas *canvas = axes->canvas;
    double size = canvas->text_size, rejected = 1 - report->operating.known_accepted,
           accepted = report->operating.unknown_accepted;
    double x = axes_x(axes, rejected), y = axes_y(axes, accepted);
    char lines[3][2 * NUMBER_SIZE + 96];
    snprintf(lines[0], sizeof lines[0], "%s%s", word(axes->language, WORD_rejection_threshold),
             number_short(axes->language, report->operating.threshold).text);
    snprintf(lines[1], sizeof lines[1], "%s%s", number_percent(axes->language, rejected, 1).text,
             word(axes->language, WORD_rejection_of_known));
    snprintf(lines[2], sizeof lines[2], "%s%s", number_percent(axes->language, accepted, 1).text,
             word(axes->language, WORD_rejection_of_unknown));
    axes_line(axes, INK_MARK, 1, 1, rejected, 0, rejected, accepted);
    axes_line(axes, INK_MARK, 1, 1, 0, accepted, rejected, accepted);
    canvas->dot(canvas->self, INK_MARK, x, y, 0.42 * size);
    double wide = 0;
    for (int i = 0; i < 3; i++) wide = fmax(wide, size * plot_text_width(lines[i]));
    bool left = x + size + wide > axes->left + axes->width;
    double below = y - 1.2 * size - 2.7 * size < axes->top + 3 * size ? 1.6 * size : -3.6 * size;
    for (int i = 0; i < 3; i++)
        canvas->text(canvas->self, INK_MARK, left ? ANCHOR_END : ANCHOR_START, i == 0 ? TEXT_BOLD : 0, 1,
                     x + (left ? -0.8 : 0.8) * size, y + below + 1.35 * size * i, lines[i]);
}

static void draw(const void *self, const struct canvas *canvas) {
    const struct judged_picture *picture = self;
    const struct pomona_evaluation_report *report = picture->report;
    struct axes axes = lay_out(picture, canvas);
    double size = canvas->text_size, right = axes.left + axes.width - 0.8 * size;
    if (picture->titled) axes_title(canvas, word(report->language, WORD_rejection_title));
    axes_percent_y(&axes, 0.2);
    axes_percent_x(&axes, 0.2);
    axes_names(&axes, word(report->language, WORD_rejection_known),
               word(report->language, WORD_rejection_unknown));
    axes_line(&axes, INK_MUTED, 1.5, 1, 0, 1, 1, 0);
    draw_curve(&axes, report);
    if (report->auroc.high > 0 || report->auroc.value > 0) {
        char value[SHARE_TEXT_SIZE], text[SHARE_TEXT_SIZE + 16];
        share_as_fraction(&report->auroc, report->language, value);
        snprintf(text, sizeof text, "AUROC %s", value);
        canvas->text(canvas->self, INK_BAR, ANCHOR_END, TEXT_BOLD, 1, right, axes.top + 1.5 * size, text);
        canvas->text(canvas->self, INK_MUTED, ANCHOR_END, 0, 1, right, axes.top + 2.95 * size,
                     word(report->language, WORD_rejection_chance));
    }
    if (report->rejects) draw_operating(&axes, report);
}

struct plot rejection_plot(const struct judged_picture *picture) {
    return (struct plot){draw,
                         picture,
                         JUDGED_WIDTH,
                         JUDGED_HEIGHT,
                         PICTURE_TEXT_SIZE,
                         word(picture->report->language, WORD_rejection_title),
                         picture->report->language};
}
