#include "report/canvas_svg.h"

static const char *const classes[INK_COUNT] = {
    [INK_TEXT] = "ink-text", [INK_MUTED] = "ink-muted", [INK_GRID] = "ink-grid", [INK_BAR] = "ink-bar",
    [INK_LINE] = "ink-line", [INK_MARK] = "ink-mark",   [INK_PAGE] = "ink-page",
};

static void attribute(struct markup *markup, const char *name, double value) {
    markup_printf(markup, " %s=\"", name);
    markup_coordinate(markup, value);
    markup_raw(markup, "\"");
}

static void draw_box(void *self, enum ink ink, double x, double y, double width, double height) {
    markup_printf(self, "<rect class=\"%s\"", classes[ink]);
    attribute(self, "x", x);
    attribute(self, "y", y);
    attribute(self, "width", width);
    attribute(self, "height", height);
    markup_raw(self, "/>\n");
}

static void draw_line(void *self, enum ink ink, double thickness, int dashed, const double *points,
                      size_t count) {
    markup_printf(self, "<polyline class=\"%s%s\"", classes[ink], dashed ? " dashed" : "");
    attribute(self, "stroke-width", thickness);
    markup_raw(self, " points=\"");
    for (size_t i = 0; i < 2 * count; i++) {
        if (i > 0) markup_raw(self, i % 2 ? "," : " ");
        markup_coordinate(self, points[i]);
    }
    markup_raw(self, "\"/>\n");
}

static void draw_dot(void *self, enum ink ink, double x, double y, double radius) {
    markup_printf(self, "<circle class=\"%s\"", classes[ink]);
    attribute(self, "cx", x);
    attribute(self, "cy", y);
    attribute(self, "r", radius);
    markup_raw(self, "/>\n");
}

static void draw_ring(void *self, enum ink ink, double thickness, double x, double y, double radius) {
    markup_printf(self, "<circle class=\"%s outline\"", classes[ink]);
    attribute(self, "stroke-width", thickness);
    attribute(self, "cx", x);
    attribute(self, "cy", y);
    attribute(self, "r", radius);
    markup_raw(self, "/>\n");
}

/* Ends a shape, with what pointing at it shows. */
static void end_with_hint(struct markup *markup, const char *shape, const char *hint) {
    if (!hint) {
        markup_raw(markup, "/>\n");
        return;
    }
    markup_raw(markup, "><title>");
    markup_text(markup, hint);
    markup_printf(markup, "</title></%s>\n", shape);
}

static void draw_shade(void *self, enum ink ink, double strength, double x, double y, double width,
                       double height, const char *hint) {
    markup_printf(self, "<rect class=\"%s\"", classes[ink]);
    attribute(self, "fill-opacity", strength);
    attribute(self, "x", x);
    attribute(self, "y", y);
    attribute(self, "width", width);
    attribute(self, "height", height);
    end_with_hint(self, "rect", hint);
}

static void draw_disc(void *self, enum ink ink, double strength, double x, double y, double radius,
                      const char *hint) {
    markup_printf(self, "<circle class=\"%s\"", classes[ink]);
    attribute(self, "fill-opacity", strength);
    attribute(self, "cx", x);
    attribute(self, "cy", y);
    attribute(self, "r", radius);
    end_with_hint(self, "circle", hint);
}

static void draw_text(void *self, enum ink ink, enum text_anchor anchor, int style, double scale, double x,
                      double y, const char *text) {
    static const char *const anchors[] = {"start", "middle", "end"};
    markup_printf(self, "<text class=\"%s%s%s\" text-anchor=\"%s\"", classes[ink],
                  style & TEXT_BOLD ? " bold" : "", style & TEXT_BARE ? " bare" : "", anchors[anchor]);
    if (scale > 1.001 || scale < 0.999) {
        markup_raw(self, " style=\"font-size:");
        markup_coordinate(self, scale);
        markup_raw(self, "em\"");
    }
    if (style & TEXT_UPWARD) {
        markup_raw(self, " transform=\"translate(");
        markup_coordinate(self, x);
        markup_raw(self, " ");
        markup_coordinate(self, y);
        markup_raw(self, ") rotate(-90)\"");
    } else {
        attribute(self, "x", x);
        attribute(self, "y", y);
    }
    markup_raw(self, ">");
    markup_text(self, text);
    markup_raw(self, "</text>\n");
}

struct canvas canvas_svg(struct markup *markup, double width, double height, double text_size) {
    return (struct canvas){markup,   width,     height,     text_size, draw_box, draw_line,
                           draw_dot, draw_text, draw_shade, draw_disc, draw_ring};
}
