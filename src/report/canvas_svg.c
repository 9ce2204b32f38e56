#include "report/canvas_svg.h"

static const char *const classes[INK_COUNT] = {
    [INK_TEXT] = "ink-text", [INK_MUTED] = "ink-muted", [INK_GRID] = "ink-grid",
    [INK_BAR] = "ink-bar",   [INK_LINE] = "ink-line",   [INK_MARK] = "ink-mark",
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

static void draw_text(void *self, enum ink ink, enum text_anchor anchor, int bold, double scale, double x,
                      double y, const char *text) {
    static const char *const anchors[] = {"start", "middle", "end"};
    markup_printf(self, "<text class=\"%s%s\" text-anchor=\"%s\"", classes[ink], bold ? " bold" : "",
                  anchors[anchor]);
    if (scale > 1.001 || scale < 0.999) {
        markup_raw(self, " style=\"font-size:");
        markup_coordinate(self, scale);
        markup_raw(self, "em\"");
    }
    attribute(self, "x", x);
    attribute(self, "y", y);
    markup_raw(self, ">");
    markup_text(self, text);
    markup_raw(self, "</text>\n");
}

struct canvas canvas_svg(struct markup *markup, double width, double height, double text_size) {
    return (struct canvas){markup, width, height, text_size, draw_box, draw_line, draw_dot, draw_text};
}
