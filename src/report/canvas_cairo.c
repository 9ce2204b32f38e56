#include "report/canvas.h"
#include "report/plot.h"
#include "report/scree.h"

#include <cairo.h>
#include <math.h>
#include <string.h>

/* The page's light theme. */
static const double colours[INK_COUNT][3] = {
    [INK_TEXT] = {0.11, 0.12, 0.13}, [INK_MUTED] = {0.36, 0.38, 0.41}, [INK_GRID] = {0.89, 0.90, 0.91},
    [INK_BAR] = {0.22, 0.45, 0.67},  [INK_LINE] = {0.70, 0.33, 0.02},  [INK_MARK] = {0.60, 0.12, 0.36},
};

static void use(cairo_t *cairo, enum ink ink) {
    cairo_set_source_rgb(cairo, colours[ink][0], colours[ink][1], colours[ink][2]);
}

static void draw_box(void *self, enum ink ink, double x, double y, double width, double height) {
    use(self, ink);
    cairo_rectangle(self, x, y, width, height);
    cairo_fill(self);
}

static void draw_line(void *self, enum ink ink, double thickness, int dashed, const double *points,
                      size_t count) {
    static const double dashes[2] = {4, 4};
    use(self, ink);
    cairo_set_line_width(self, thickness);
    cairo_set_dash(self, dashes, dashed ? 2 : 0, 0);
    cairo_set_line_join(self, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < count; i++) cairo_line_to(self, points[2 * i], points[2 * i + 1]);
    cairo_stroke(self);
}

static void draw_dot(void *self, enum ink ink, double x, double y, double radius) {
    use(self, ink);
    cairo_arc(self, x, y, radius, 0, 2 * M_PI);
    cairo_fill(self);
}

/* Without any font installed, Cairo draws with a built-in one that knows ASCII only: letters lose their accents then,
 * which beats empty boxes. */
static const char *without_accents(const char *text, char *out, size_t capacity) {
    static const struct {
        const char *from, *to;
    } pairs[] = {{"\xc3\xa9", "e"}, {"\xc3\xa8", "e"}, {"\xc3\xaa", "e"},     {"\xc3\xa0", "a"},
                 {"\xc3\xa7", "c"}, {"\xc3\x89", "E"}, {"\xe2\x80\xaf", " "}, {"\xc2\xa0", " "}};
    size_t used = 0;
    while (*text && used + 1 < capacity) {
        size_t pair = 0, count = sizeof pairs / sizeof pairs[0];
        while (pair < count && strncmp(text, pairs[pair].from, strlen(pairs[pair].from)) != 0) pair++;
        out[used++] = pair < count ? pairs[pair].to[0] : *text;
        text += pair < count ? strlen(pairs[pair].from) : 1;
    }
    out[used] = '\0';
    return out;
}

static void draw_text(void *self, enum ink ink, enum text_anchor anchor, int bold, double scale, double x,
                      double y, const char *text) {
    cairo_text_extents_t extents;
    char ascii[256];
    use(self, ink);
    cairo_select_font_face(self, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(self, SCREE_TEXT_SIZE * scale);
    if (cairo_scaled_font_get_type(cairo_get_scaled_font(self)) == CAIRO_FONT_TYPE_USER)
        text = without_accents(text, ascii, sizeof ascii);
    cairo_text_extents(self, text, &extents);
    double shift = anchor == ANCHOR_START ? 0 : anchor == ANCHOR_END ? 1 : 0.5;
    cairo_move_to(self, x - shift * extents.x_advance, y);
    cairo_text_path(self, text);
    cairo_set_source_rgb(self, 1, 1, 1);
    cairo_set_line_width(self, 5);
    cairo_set_dash(self, NULL, 0, 0);
    cairo_stroke(self);
    use(self, ink);
    cairo_move_to(self, x - shift * extents.x_advance, y);
    cairo_show_text(self, text);
    cairo_new_path(self);
}

/* Cairo knows one write error; ours is kept beside it. */
struct stream {
    struct sink *sink;
    struct pomona_error *error;
    pomona_status status;
};

static cairo_status_t write_stream(void *self, const unsigned char *data, unsigned int size) {
    struct stream *stream = self;
    if (stream->status == POMONA_OK) stream->status = sink_write(stream->sink, data, size, stream->error);
    return stream->status == POMONA_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static pomona_status check_cairo(struct stream *stream, cairo_status_t status) {
    if (stream->status != POMONA_OK || status == CAIRO_STATUS_SUCCESS) return stream->status;
    if (status == CAIRO_STATUS_NO_MEMORY) return fail_memory(stream->error, "plot");
    return fail(stream->error, POMONA_E_INTERNAL, "plot", "%s", cairo_status_to_string(status));
}

/* Grey levels and whole outlines, whatever the machine's screen would like. */
static void fix_fonts(cairo_t *cairo) {
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(cairo, options);
    cairo_font_options_destroy(options);
}

static cairo_status_t draw(cairo_surface_t *surface, const struct plot *plot) {
    cairo_t *cairo = cairo_create(surface);
    fix_fonts(cairo);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    struct canvas canvas = {cairo,    SCREE_WIDTH, SCREE_HEIGHT, SCREE_TEXT_SIZE,
                            draw_box, draw_line,   draw_dot,     draw_text};
    scree_draw(&canvas, plot->spectrum, plot->marks, plot->language, true);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    return status;
}

pomona_status plot_png(const struct plot *plot, struct sink *sink, struct pomona_error *error) {
    struct stream stream = {sink, error, POMONA_OK};
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, SCREE_WIDTH, SCREE_HEIGHT);
    cairo_status_t status = draw(surface, plot);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(surface, write_stream, &stream);
    cairo_surface_destroy(surface);
    return check_cairo(&stream, status);
}
