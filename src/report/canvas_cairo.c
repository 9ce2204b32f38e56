#include "report/canvas.h"
#include "report/plot.h"

#include <cairo.h>
#include <math.h>
#include <string.h>

/* The page's light theme. */
static const double colours[INK_COUNT][3] = {
    [INK_TEXT] = {0.11, 0.12, 0.13}, [INK_MUTED] = {0.36, 0.38, 0.41}, [INK_GRID] = {0.89, 0.90, 0.91},
    [INK_BAR] = {0.22, 0.45, 0.67},  [INK_LINE] = {0.70, 0.33, 0.02},  [INK_MARK] = {0.60, 0.12, 0.36},
    [INK_PAGE] = {1, 1, 1},
};

/* What a canvas calls its self. */
struct drawing {
    cairo_t *cairo;
    double text_size;
};

static cairo_t *cairo_of(void *self) { return ((struct drawing *)self)->cairo; }

static void use(cairo_t *cairo, enum ink ink) {
    cairo_set_source_rgb(cairo, colours[ink][0], colours[ink][1], colours[ink][2]);
}

static void use_weak(cairo_t *cairo, enum ink ink, double strength) {
    cairo_set_source_rgba(cairo, colours[ink][0], colours[ink][1], colours[ink][2], strength);
}

static void draw_box(void *self, enum ink ink, double x, double y, double width, double height) {
    use(cairo_of(self), ink);
    cairo_rectangle(cairo_of(self), x, y, width, height);
    cairo_fill(cairo_of(self));
}

static void draw_line(void *self, enum ink ink, double thickness, int dashed, const double *points,
                      size_t count) {
    static const double dashes[2] = {4, 4};
    cairo_t *cairo = cairo_of(self);
    use(cairo, ink);
    cairo_set_line_width(cairo, thickness);
    cairo_set_dash(cairo, dashes, dashed ? 2 : 0, 0);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < count; i++) cairo_line_to(cairo, points[2 * i], points[2 * i + 1]);
    cairo_stroke(cairo);
}

static void draw_dot(void *self, enum ink ink, double x, double y, double radius) {
    use(cairo_of(self), ink);
    cairo_arc(cairo_of(self), x, y, radius, 0, 2 * M_PI);
    cairo_fill(cairo_of(self));
}

static void draw_shade(void *self, enum ink ink, double strength, double x, double y, double width,
                       double height, const char *hint) {
    (void)hint;
    use_weak(cairo_of(self), ink, strength);
    cairo_rectangle(cairo_of(self), x, y, width, height);
    cairo_fill(cairo_of(self));
}

static void draw_disc(void *self, enum ink ink, double strength, double x, double y, double radius,
                      const char *hint) {
    (void)hint;
    use_weak(cairo_of(self), ink, strength);
    cairo_arc(cairo_of(self), x, y, radius, 0, 2 * M_PI);
    cairo_fill(cairo_of(self));
}

static void draw_ring(void *self, enum ink ink, double thickness, double x, double y, double radius) {
    use(cairo_of(self), ink);
    cairo_set_line_width(cairo_of(self), thickness);
    cairo_set_dash(cairo_of(self), NULL, 0, 0);
    cairo_arc(cairo_of(self), x, y, radius, 0, 2 * M_PI);
    cairo_stroke(cairo_of(self));
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

static void draw_text(void *self, enum ink ink, enum text_anchor anchor, int style, double scale, double x,
                      double y, const char *text) {
    cairo_text_extents_t extents;
    char ascii[256];
    cairo_t *cairo = cairo_of(self);
    cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           style & TEXT_BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, ((struct drawing *)self)->text_size * scale);
    if (cairo_scaled_font_get_type(cairo_get_scaled_font(cairo)) == CAIRO_FONT_TYPE_USER)
        text = without_accents(text, ascii, sizeof ascii);
    cairo_text_extents(cairo, text, &extents);
    double shift = anchor == ANCHOR_START ? 0 : anchor == ANCHOR_END ? 1 : 0.5;
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    if (style & TEXT_UPWARD) cairo_rotate(cairo, -M_PI / 2);
    cairo_move_to(cairo, -shift * extents.x_advance, 0);
    if (!(style & TEXT_BARE)) {
        cairo_text_path(cairo, text);
        use(cairo, INK_PAGE);
        cairo_set_line_width(cairo, 5);
        cairo_set_dash(cairo, NULL, 0, 0);
        cairo_stroke(cairo);
        cairo_move_to(cairo, -shift * extents.x_advance, 0);
    }
    use(cairo, ink);
    cairo_show_text(cairo, text);
    cairo_new_path(cairo);
    cairo_restore(cairo);
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
    struct drawing drawing = {cairo_create(surface), plot->text_size};
    fix_fonts(drawing.cairo);
    use(drawing.cairo, INK_PAGE);
    cairo_paint(drawing.cairo);
    struct canvas canvas = {&drawing, plot->width, plot->height, plot->text_size, draw_box, draw_line,
                            draw_dot, draw_text,   draw_shade,   draw_disc,       draw_ring};
    plot->draw(plot->self, &canvas);
    cairo_status_t status = cairo_status(drawing.cairo);
    cairo_destroy(drawing.cairo);
    return status;
}

pomona_status plot_png(const struct plot *plot, struct sink *sink, struct pomona_error *error) {
    struct stream stream = {sink, error, POMONA_OK};
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, plot->width, plot->height);
    cairo_status_t status = draw(surface, plot);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(surface, write_stream, &stream);
    cairo_surface_destroy(surface);
    return check_cairo(&stream, status);
}
