/* A canvas that writes SVG: inside the page, where the style sheet colours the classes (ink-text, ink-muted, ink-grid,
 * ink-bar, ink-line, ink-mark, ink-page), or a whole file. */
#ifndef REPORT_CANVAS_SVG_H
#define REPORT_CANVAS_SVG_H

#include "report/canvas.h"
#include "report/markup.h"

/* A canvas of this size; elements are appended to `markup`, whose status tells of failures. The caller writes <svg> and
 * </svg> around them. */
struct canvas canvas_svg(struct markup *markup, double width, double height, double text_size);

#endif
