#include "report/confusion.h"

#include <math.h>
#include <stdio.h>

enum { NUMBERS_FROM = 26 }; /* pixels of a cell that has room for a number */

/* Room around the matrix, in letters. */
static const double AXIS = 2.2, GAP = 0.6, BRACKET = 1.1;

static double label_size(const struct confusion_picture *picture) {
    return picture->scale * PICTURE_TEXT_SIZE;
}

static double extent(const struct confusion_picture *picture) {
    return picture->cell * (double)picture->matrix->size;
}

/* Faint shares must be seen and told apart, so the scale is steeper there; the key shows it. Under numbers the colour stays
 * light. */
static double strength(const struct confusion_picture *picture, double share) {
    double most = picture->numbers ? 0.75 : 1;
    return share > 0 ? most * (0.1 + 0.9 * pow(fmin(share, 1), 0.6)) : 0;
}

static const char *line_name(const struct confusion_picture *picture, size_t line) {
    const char *name = picture->matrix->lines[line].name;
    return name ? name : word(picture->language, WORD_no_group);
}

/* The first line behind those that share a coarse class with `line`. */
static size_t block_end(const struct confusion_matrix *matrix, size_t line) {
    int group = matrix->lines[line].group;
    size_t end = line + 1;
    while (group >= 0 && end < matrix->size && matrix->lines[end].group == group) end++;
    return end;
}

/* ---- layout ---- */

static void measure_names(struct confusion_picture *picture) {
    const struct confusion_matrix *matrix = picture->matrix;
    double size = label_size(picture);
    for (size_t i = 0, end; i < matrix->size; i = end) {
        end = block_end(matrix, i);
        for (size_t line = i; line < end; line++) {
            struct plot_label label = plot_label(line_name(picture, line), picture->letters);
            picture->names = fmax(picture->names, size * plot_text_width(label.text));
        }
        if (end == i + 1) continue;
        struct plot_label group = plot_label(matrix->groups[matrix->lines[i].group], picture->letters);
        picture->group_names = fmax(picture->group_names, size * plot_text_width(group.text));
    }
    if (picture->group_names > 0) picture->group_names += BRACKET * size;
}

static struct number largest_row(const struct confusion_picture *picture) {
    int64_t most = 0;
    for (size_t i = 0; i < picture->matrix->size; i++)
        if (picture->matrix->lines[i].photos > most) most = picture->matrix->lines[i].photos;
    return number_integer(picture->language, most);
}

static void draw(const void *self, const struct canvas *canvas);

struct plot confusion_plot(const struct confusion_matrix *matrix, pomona_language language, bool titled,
                           struct confusion_picture *picture) {
    double lines = fmax(1, (double)matrix->size);
    *picture = (struct confusion_picture){.matrix = matrix, .language = language, .titled = titled};
    picture->cell = round(fmax(titled ? 14 : 11.5, fmin(titled ? 64 : 52, (titled ? 1200 : 930) / lines)));
    picture->numbers = picture->cell >= NUMBERS_FROM;
    picture->scale = fmin(titled ? 15 : 13, fmax(picture->cell * 0.8, 9.5)) / PICTURE_TEXT_SIZE;
    picture->letters = titled ? 34 : 26;
    measure_names(picture);
    struct number most = largest_row(picture);
    double size = label_size(picture);
    picture->left = AXIS * PICTURE_TEXT_SIZE + picture->group_names + picture->names + GAP * size;
    picture->right = size * (GAP + plot_text_width(most.text)) + 0.5 * PICTURE_TEXT_SIZE;
    confusion_note(matrix, language, picture->note);
    double title = titled ? (picture->note[0] ? 5.2 : 3.9) : 0;
    picture->top = (title + 4.4) * PICTURE_TEXT_SIZE;
    double width = picture->left + extent(picture) + picture->right;
    double height = picture->top + extent(picture) + GAP * size + picture->names + picture->group_names +
                    AXIS * PICTURE_TEXT_SIZE;
    return (struct plot){draw,
                         picture,
                         (int)ceil(fmax(width, titled ? 800 : 500)),
                         (int)ceil(height),
                         PICTURE_TEXT_SIZE,
                         word(language, WORD_confusion_title),
                         language};
}

/* ---- cells ---- */

static void draw_cell(const struct confusion_picture *picture, const struct canvas *canvas, size_t row,
                      size_t column) {
    const struct confusion_matrix *matrix = picture->matrix;
    int64_t count = matrix->counts[row * matrix->size + column];
    if (count <= 0) return;
    double share = (double)count / (double)matrix->lines[row].photos, cell = picture->cell;
    double x = picture->left + cell * (double)column, y = picture->top + cell * (double)row;
    char hint[2 * PLOT_LABEL_SIZE + 3 * NUMBER_SIZE + 16];
    snprintf(hint, sizeof hint, "%s \xe2\x86\x92 %s: %s / %s (%s)",
             plot_label(line_name(picture, row), PLOT_LABEL_MAX).text,
             plot_label(line_name(picture, column), PLOT_LABEL_MAX).text,
             number_integer(picture->language, count).text,
             number_integer(picture->language, matrix->lines[row].photos).text,
             number_percent(picture->language, share, 1).text);
    canvas->shade(canvas->self, row == column ? INK_BAR : INK_LINE, strength(picture, share), x, y, cell,
                  cell, hint);
    if (!picture->numbers) return;
    double size = fmin(0.42 * cell, 15);
    canvas->text(canvas->self, INK_TEXT, ANCHOR_MIDDLE, TEXT_BARE, size / canvas->text_size, x + cell / 2,
                 y + cell / 2 + 0.36 * size,
                 share >= 0.005 ? number_fixed(picture->language, 100 * share, 0).text : "<1");
}

static void draw_rule(const struct confusion_picture *picture, const struct canvas *canvas, enum ink ink,
                      double at) {
    double left = picture->left, top = picture->top, size = extent(picture);
    double across[4] = {left, top + at, left + size, top + at},
           down[4] = {left + at, top, left + at, top + size};
    canvas->line(canvas->self, ink, 1, 0, across, 2);
    canvas->line(canvas->self, ink, 1, 0, down, 2);
}

static void draw_square(const struct confusion_picture *picture, const struct canvas *canvas, enum ink ink,
                        double thickness, double from, double to) {
    double x0 = picture->left + from, y0 = picture->top + from, x1 = picture->left + to,
           y1 = picture->top + to;
    double points[10] = {x0, y0, x1, y0, x1, y1, x0, y1, x0, y0};
    canvas->line(canvas->self, ink, thickness, 0, points, 5);
}

static void draw_cells(const struct confusion_picture *picture, const struct canvas *canvas) {
    const struct confusion_matrix *matrix = picture->matrix;
    for (size_t i = 0, end; i < matrix->size; i = end) {
        end = picture->numbers ? i + 1 : block_end(matrix, i);
        if (i > 0) draw_rule(picture, canvas, INK_GRID, picture->cell * (double)i);
    }
    for (size_t row = 0; row < matrix->size; row++)
        for (size_t column = 0; column < matrix->size; column++) draw_cell(picture, canvas, row, column);
    for (size_t i = 0, end; i < matrix->size; i = end) {
        end = block_end(matrix, i);
        if (end > i + 1)
            draw_square(picture, canvas, INK_MUTED, 1.5, picture->cell * (double)i,
                        picture->cell * (double)end);
    }
    draw_square(picture, canvas, INK_MUTED, 1, 0, extent(picture));
}

/* ---- names ---- */

/* A bracket beside lines i..end of both axes, with the coarse class's name. */
static void draw_block_name(const struct confusion_picture *picture, const struct canvas *canvas, size_t i,
                            size_t end) {
    const struct confusion_matrix *matrix = picture->matrix;
    double size = label_size(picture), from = picture->cell * (double)i + 2,
           to = picture->cell * (double)end - 2, middle = (from + to) / 2;
    double away = GAP * size + picture->names + 0.35 * size;
    double x = picture->left - away, y = picture->top + extent(picture) + away;
    double beside[4] = {x, picture->top + from, x, picture->top + to},
           below[4] = {picture->left + from, y, picture->left + to, y};
    struct plot_label name = plot_label(matrix->groups[matrix->lines[i].group], picture->letters);
    canvas->line(canvas->self, INK_MUTED, 1.5, 0, beside, 2);
    canvas->line(canvas->self, INK_MUTED, 1.5, 0, below, 2);
    canvas->text(canvas->self, INK_TEXT, ANCHOR_END, TEXT_BOLD, picture->scale, x - 0.4 * size,
                 picture->top + middle + 0.36 * size, name.text);
    canvas->text(canvas->self, INK_TEXT, ANCHOR_END, TEXT_BOLD | TEXT_UPWARD, picture->scale,
                 picture->left + middle + 0.36 * size, y + 0.4 * size, name.text);
}

static void draw_names(const struct confusion_picture *picture, const struct canvas *canvas) {
    const struct confusion_matrix *matrix = picture->matrix;
    double size = label_size(picture), bottom = picture->top + extent(picture);
    double counts = picture->left + extent(picture) + picture->right - 0.5 * PICTURE_TEXT_SIZE;
    for (size_t i = 0, end; i < matrix->size; i = end) {
        end = block_end(matrix, i);
        if (end > i + 1) draw_block_name(picture, canvas, i, end);
        for (size_t line = i; line < end; line++) {
            struct plot_label name = plot_label(line_name(picture, line), picture->letters);
            double middle = picture->cell * ((double)line + 0.5) + 0.36 * size;
            canvas->text(canvas->self, INK_TEXT, ANCHOR_END, 0, picture->scale, picture->left - GAP * size,
                         picture->top + middle, name.text);
            canvas->text(canvas->self, INK_TEXT, ANCHOR_END, TEXT_UPWARD, picture->scale,
                         picture->left + middle, bottom + GAP * size, name.text);
            canvas->text(canvas->self, INK_MUTED, ANCHOR_END, 0, picture->scale, counts,
                         picture->top + middle,
                         number_integer(picture->language, matrix->lines[line].photos).text);
        }
    }
    canvas->text(canvas->self, INK_MUTED, ANCHOR_END, 0, picture->scale, counts, picture->top - 0.5 * size,
                 "n");
}

static void draw_axes(const struct confusion_picture *picture, const struct canvas *canvas) {
    double size = canvas->text_size, middle = extent(picture) / 2;
    canvas->text(canvas->self, INK_MUTED, ANCHOR_MIDDLE, TEXT_UPWARD, 0.9, 1.2 * size, picture->top + middle,
                 word(picture->language, WORD_confusion_truth));
    canvas->text(canvas->self, INK_MUTED, ANCHOR_MIDDLE, 0, 0.9, picture->left + middle,
                 canvas->height - 0.8 * size, word(picture->language, WORD_confusion_predicted));
}

/* ---- key ---- */

/* A strip of colour from 0 to 100 %, with its name before it. Returns where it ends. */
static double draw_strip(const struct confusion_picture *picture, const struct canvas *canvas, enum ink ink,
                         enum word name, double x, double y) {
    enum { STEPS = 50 };
    double size = canvas->text_size, step = 3, height = 0.75 * size;
    const char *text = word(picture->language, name);
    canvas->text(canvas->self, INK_TEXT, ANCHOR_START, 0, 0.85, x, y + 0.62 * size, text);
    x += 0.85 * size * plot_text_width(text) + 0.4 * size;
    for (int i = 0; i < STEPS; i++)
        canvas->shade(canvas->self, ink, strength(picture, (i + 0.5) / STEPS), x + step * i, y, step, height,
                      NULL);
    for (int i = 0; i <= 2; i++)
        canvas->text(canvas->self, INK_MUTED, ANCHOR_MIDDLE, 0, 0.75, x + step * STEPS * i / 2,
                     y + height + 0.95 * size, number_percent(picture->language, i / 2.0, 0).text);
    return x + step * STEPS;
}

static void draw_title(const struct confusion_picture *picture, const struct canvas *canvas) {
    double size = canvas->text_size, left = 0.7 * size;
    canvas->text(canvas->self, INK_TEXT, ANCHOR_START, TEXT_BOLD, 1.35, left, 2.1 * size,
                 word(picture->language, WORD_confusion_title));
    canvas->text(canvas->self, INK_MUTED, ANCHOR_START, 0, 0.85, left, 3.7 * size,
                 word(picture->language, WORD_confusion_rows));
    canvas->text(canvas->self, INK_MUTED, ANCHOR_START, 0, 0.85, left, 4.95 * size, picture->note);
}

static void draw(const void *self, const struct canvas *canvas) {
    const struct confusion_picture *picture = self;
    double size = canvas->text_size, y = picture->top - 3.9 * size;
    if (picture->titled) draw_title(picture, canvas);
    double x = picture->titled ? 0.7 * size : fmax(0.7 * size, fmin(picture->left, canvas->width - 480));
    x = draw_strip(picture, canvas, INK_BAR, WORD_confusion_right, x, y) + 1.8 * size;
    draw_strip(picture, canvas, INK_LINE, WORD_confusion_wrong, x, y);
    draw_cells(picture, canvas);
    draw_names(picture, canvas);
    draw_axes(picture, canvas);
}
