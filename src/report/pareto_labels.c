#include "report/pareto.h"

#include <math.h>

enum { RINGS = 5, DIRECTIONS = 12 };

static double overlap(const struct pareto_box *a, const struct pareto_box *b) {
    double wide = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x);
    double high = fmin(a->y + a->height, b->y + b->height) - fmax(a->y, b->y);
    return wide > 0 && high > 0 ? wide * high : 0;
}

static struct pareto_box box_of(const struct pareto_label *label, double line) {
    return (struct pareto_box){label->left, label->top, label->width, line, 1};
}

/* What a place for the label at `index` covers, and how much of it sticks out of the area. */
static double cost(const struct pareto_label *labels, size_t index, const struct pareto_box *boxes,
                   size_t box_count, const struct pareto_box *area, double line) {
    struct pareto_box own = box_of(&labels[index], line);
    double outside = own.width * own.height - overlap(&own, area);
    double sum = outside > 1e-6 ? 20 * outside : 0; /* less is rounding */
    for (size_t i = 0; i < index; i++) {
        struct pareto_box other = box_of(&labels[i], line);
        if (labels[i].placed) sum += 4 * overlap(&own, &other);
    }
    for (size_t i = 0; i < box_count; i++) sum += boxes[i].weight * overlap(&own, &boxes[i]);
    return sum;
}

/* Puts the label's box beside its point, `away` from its edge, in one of the directions: to the right first, then left,
 * above, below, then between those. */
static void put(struct pareto_label *label, int direction, double away, double line) {
    static const double order[DIRECTIONS] = {0, 180, 90, 270, 30, 150, 330, 210, 60, 120, 300, 240};
    double angle = order[direction] * 3.14159265358979 / 180, reach = label->radius + away;
    double x = label->x + reach * cos(angle), y = label->y - reach * sin(angle);
    double across = cos(angle), up = sin(angle);
    /* The side of the box that faces the point touches the circle of `reach`. */
    double shift = fabs(across) < 1e-9 ? 0.5 : across > 0 ? 0 : 1;
    if (fabs(up) > 0.8) shift = 0.5 - 0.5 * across;
    label->left = x - shift * label->width;
    label->top = y - (0.5 + 0.5 * up) * line;
}

static void place(struct pareto_label *labels, size_t index, const struct pareto_box *boxes, size_t box_count,
                  const struct pareto_box *area, double line) {
    struct pareto_label *label = &labels[index], best = *label;
    double least = INFINITY;
    for (int ring = 0; ring < RINGS && least > 0; ring++)
        for (int direction = 0; direction < DIRECTIONS && least > 0; direction++) {
            put(label, direction, (0.3 + 1.1 * ring) * line, line);
            label->led = ring > 0;
            /* Rather close than spotless. */
            double sum = cost(labels, index, boxes, box_count, area, line);
            if (sum > 0) sum += ring * line * line;
            if (sum < least) {
                least = sum;
                best = *label;
            }
        }
    *label = best;
    label->placed = label->wanted || least <= 0.5 * line * line;
}

void pareto_place(struct pareto_label *labels, size_t count, const struct pareto_box *boxes, size_t box_count,
                  const struct pareto_box *area, double line) {
    for (size_t i = 0; i < count; i++) place(labels, i, boxes, box_count, area, line);
}
