#include "report/plot.h"

#include "base/file_sink.h"
#include "base/text.h"
#include "report/canvas_svg.h"

#include <math.h>
#include <string.h>

enum { SVG_LIMIT = 16 << 20 };

/* The colours of canvas_cairo.c. */
static const char style[] =
    "polyline{fill:none;stroke-linejoin:round}.dashed{stroke-dasharray:4 4}.bold{font-weight:bold}"
    "text{paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}.bare{stroke:none}\n"
    ".ink-text{fill:#1c1f21}.ink-muted{fill:#5c6169}.ink-grid{fill:#e3e6e8}.ink-bar{fill:#3873ab}"
    ".ink-line{fill:#b35405}.ink-mark{fill:#991f5c}.ink-page{fill:#fff}\n"
    "polyline.ink-text,.outline.ink-text{stroke:#1c1f21}polyline.ink-muted,.outline.ink-muted{stroke:#5c6169}"
    "polyline.ink-grid{stroke:#e3e6e8}polyline.ink-bar,.outline.ink-bar{stroke:#3873ab}"
    "polyline.ink-line,.outline.ink-line{stroke:#b35405}polyline.ink-mark,.outline.ink-mark{stroke:#991f5c}"
    "polyline.ink-page,.outline.ink-page{stroke:#fff}\n"
    "polyline[class],.outline[class]{fill:none}\n"
    "</style>\n";

pomona_status plot_svg(const struct plot *plot, struct sink *sink, struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(SVG_LIMIT);
    struct markup markup = {&text, error, POMONA_OK, plot->language};
    struct canvas canvas = canvas_svg(&markup, plot->width, plot->height, plot->text_size);
    markup_raw(&markup, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    markup_printf(&markup,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                  "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>%s</title>\n",
                  plot->width, plot->height, plot->width, plot->height, plot->title);
    markup_printf(&markup, "<style>\nsvg{background:#fff;font:%dpx \"DejaVu Sans\",Verdana,sans-serif}\n",
                  plot->text_size);
    markup_raw(&markup, style);
    markup_raw(&markup, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    plot->draw(plot->self, &canvas);
    markup_raw(&markup, "</svg>\n");
    pomona_status status = markup.status;
    if (status == POMONA_OK) status = sink_write(sink, text.data, text.size, error);
    buffer_free(&text);
    return status;
}

pomona_status plot_file(const struct plot *plot, plot_format *format, const char *path,
                        struct pomona_error *error) {
    struct file_sink file;
    TRY(file_sink_open(&file, path, error));
    struct sink sink = file_sink_as_sink(&file);
    pomona_status status = format(plot, &sink, error);
    if (status == POMONA_OK) status = file_sink_commit(&file, NULL, error);
    file_sink_close(&file);
    return status;
}

void plot_inline(struct markup *markup, const struct plot *plot, const char *class) {
    struct canvas canvas = canvas_svg(markup, plot->width, plot->height, plot->text_size);
    markup_printf(markup, "<svg class=\"scree %s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" ",
                  class, plot->width, plot->height, plot->title);
    markup_printf(markup, "style=\"font-size:%dpx;--width:%dpx\">\n", plot->text_size, plot->width);
    plot->draw(plot->self, &canvas);
    markup_raw(markup, "</svg>\n");
}

/* ---- labels ---- */

/* The first byte of each character but the first `letters`, or the end. */
static size_t skip_letters(const char *text, size_t size, size_t letters) {
    size_t at = 0;
    for (; letters > 0 && at < size; letters--) {
        size_t length = utf8_sequence(text + at, size - at);
        at += length ? length : 1;
    }
    return at;
}

static size_t count_letters(const char *text, size_t size) {
    size_t letters = 0;
    for (size_t at = 0; at < size; letters++) at += skip_letters(text + at, size - at, 1);
    return letters;
}

struct plot_label plot_label(const char *text, size_t letters) {
    struct plot_label label = {""};
    char visible[MARKUP_VISIBLE_SIZE];
    size_t size = markup_visible(text ? text : "", visible);
    size_t count = count_letters(visible, size), used = 0;
    if (letters > PLOT_LABEL_MAX) letters = PLOT_LABEL_MAX;
    if (count <= letters) {
        memcpy(label.text, visible, size);
        return label;
    }
    /* What tells similar names apart is more often at their end. */
    size_t head = skip_letters(visible, size, (letters - 1) / 2);
    size_t tail = skip_letters(visible, size, count - (letters - 1 - (letters - 1) / 2));
    memcpy(label.text, visible, used = head);
    memcpy(label.text + used, "\xe2\x80\xa6", 3);
    memcpy(label.text + used + 3, visible + tail, size - tail);
    return label;
}

/* DejaVu Sans, rounded up. */
static double letter_width(unsigned char first) {
    if (first >= 0xE2) return 1.05; /* may be a wide script or a picture */
    if (first >= 0x80) return 0.64;
    if (strchr("ijlI.,:;'|! ", first)) return 0.34;
    if (strchr("ftr()[]-/\\", first)) return 0.41;
    if (strchr("csvxyzk", first)) return 0.6;
    if (strchr("mMwW@%", first)) return 0.99;
    if (first >= 'A' && first <= 'Z') return 0.72;
    return 0.64;
}

double plot_text_width(const char *text) {
    double width = 0;
    for (const char *at = text; *at; at++)
        if (((unsigned char)*at & 0xC0) != 0x80) width += letter_width((unsigned char)*at);
    return width;
}

/* ---- axes ---- */

double plot_step(double least) {
    static const double steps[] = {1, 2, 2.5, 5, 10};
    double power = pow(10, floor(log10(least)));
    for (size_t i = 0; i < 4; i++)
        if (steps[i] * power >= least * (1 - 1e-12)) return steps[i] * power;
    return 10 * power;
}

int plot_step_decimals(double step) {
    int decimals = 0;
    for (; decimals < 6 && fabs(step - round(step)) > 1e-6; step *= 10) decimals++;
    return decimals;
}
