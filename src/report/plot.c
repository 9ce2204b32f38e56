#include "report/plot.h"

#include "base/file_sink.h"
#include "report/canvas_svg.h"
#include "report/scree.h"

enum { SVG_LIMIT = 16 << 20 };

/* The colours of canvas_cairo.c, and the other theme where the viewer asks for it. */
static const char style[] =
    "<style>\n"
    "svg{background:#fff;font:17px \"DejaVu Sans\",Verdana,sans-serif}\n"
    "polyline{fill:none;stroke-linejoin:round}.dashed{stroke-dasharray:4 4}.bold{font-weight:bold}"
    "text{paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}\n"
    ".ink-text{fill:#1c1f21}.ink-muted{fill:#5c6169}.ink-bar{fill:#3873ab}.ink-line{fill:#b35405}"
    ".ink-mark{fill:#991f5c}\n"
    "polyline.ink-muted{stroke:#5c6169}polyline.ink-grid{stroke:#e3e6e8}polyline.ink-line{stroke:#b35405}"
    "polyline.ink-mark{stroke:#991f5c}\n"
    "polyline.ink-muted,polyline.ink-line,polyline.ink-mark{fill:none}\n"
    "</style>\n";

pomona_status plot_svg(const struct plot *plot, struct sink *sink, struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(SVG_LIMIT);
    struct markup markup = {&text, error, POMONA_OK, plot->language};
    struct canvas canvas = canvas_svg(&markup, SCREE_WIDTH, SCREE_HEIGHT, SCREE_TEXT_SIZE);
    markup_raw(&markup, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    markup_printf(
        &markup,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "role=\"img\">\n<title>",
        SCREE_WIDTH, SCREE_HEIGHT, SCREE_WIDTH, SCREE_HEIGHT);
    markup_word(&markup, WORD_plot_title);
    markup_raw(&markup, "</title>\n");
    markup_raw(&markup, style);
    markup_raw(&markup, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    scree_draw(&canvas, plot->spectrum, plot->marks, plot->language, true);
    markup_raw(&markup, "</svg>\n");
    pomona_status status = markup.status;
    if (status == POMONA_OK) status = sink_write(sink, text.data, text.size, error);
    buffer_free(&text);
    return status;
}

static pomona_status
write_file(const struct pomona_spectrum *spectrum, pomona_language language, const char *path,
           pomona_status (*write)(const struct plot *plot, struct sink *sink, struct pomona_error *error),
           struct pomona_error *error) {
    struct pomona_spectrum_marks marks;
    struct file_sink file;
    TRY(pomona_spectrum_mark(spectrum, &marks, error));
    TRY(file_sink_open(&file, path, error));
    struct sink sink = file_sink_as_sink(&file);
    struct plot plot = {spectrum, &marks, language};
    pomona_status status = write(&plot, &sink, error);
    if (status == POMONA_OK) status = file_sink_commit(&file, NULL, error);
    file_sink_close(&file);
    return status;
}

pomona_status pomona_report_scree_png(const struct pomona_spectrum *spectrum, pomona_language language,
                                      const char *path, struct pomona_error *error) {
    return write_file(spectrum, language, path, plot_png, error);
}

pomona_status pomona_report_scree_svg(const struct pomona_spectrum *spectrum, pomona_language language,
                                      const char *path, struct pomona_error *error) {
    return write_file(spectrum, language, path, plot_svg, error);
}
