#include "report/neighbours.h"

#include "base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 8 }; /* components added to a distance between two looks at the bound */

/* The rows compared, sorted by their first component. */
struct cloud {
    size_t count, width; /* width: a multiple of GROUP, padded with zeros */
    double *points;      /* [count][width] */
    size_t *rows;        /* [count] */
    double scale;        /* points are scores / scale, so that no square overflows */
};

/* The nearest neighbour of one row; sorted to give the list of pairs. */
struct nearest {
    size_t row, other;
    double squared;
};

struct keyed_row {
    double key;
    size_t row;
};

static int by_key(const void *left, const void *right) {
    const struct keyed_row *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static int by_distance(const void *left, const void *right) {
    const struct nearest *a = left, *b = right;
    if (a->squared != b->squared) return a->squared < b->squared ? -1 : 1;
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    return a->other < b->other ? -1 : a->other > b->other;
}

static pomona_status find_finite(const double *scores, size_t rows, size_t components,
                                 struct neighbours *found, double *largest, struct pomona_error *error) {
    found->finite = memory_new(rows, sizeof *found->finite);
    if (!found->finite) return fail_memory(error, "rows of the report");
    for (size_t row = 0; row < rows; row++) {
        const double *values = scores + row * components;
        double most = 0;
        bool finite = true;
        for (size_t c = 0; c < components; c++) {
            finite = finite && isfinite(values[c]);
            most = fmax(most, fabs(values[c]));
        }
        if (!finite) continue;
        *largest = fmax(*largest, most);
        found->finite[found->finite_count++] = row;
    }
    return POMONA_OK;
}

/* ---- outliers ---- */

static pomona_status find_outliers(const double *scores, size_t components, double scale,
                                   struct neighbours *found, struct pomona_error *error) {
    size_t count = found->finite_count;
    double *mean = memory_new(components, sizeof *mean);
    struct keyed_row *far = memory_new(count, sizeof *far);
    pomona_status status = mean && far ? POMONA_OK : fail_memory(error, "distances of the report");
    if (status != POMONA_OK) goto done;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < components; c++)
            mean[c] += scores[found->finite[i] * components + c] / scale / (double)count;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t c = 0; c < components; c++) {
            double away = scores[found->finite[i] * components + c] / scale - mean[c];
            sum += away * away;
        }
        far[i] = (struct keyed_row){-sum, found->finite[i]}; /* ascending order: the farthest first */
    }
    qsort(far, count, sizeof *far, by_key);
    found->typical_distance = count ? sqrt(-far[count / 2].key) * scale : 0;
    /* Of a handful of photos, all would be outliers. */
    while (found->outlier_count < OUTLIERS_KEPT && found->outlier_count < count / 4) {
        const struct keyed_row *next = &far[found->outlier_count];
        found->outliers[found->outlier_count++] = (struct far_row){next->row, sqrt(-next->key) * scale};
    }
done:
    memory_free(mean);
    memory_free(far);
    return status;
}

/* ---- pairs ---- */

static void cloud_free(struct cloud *cloud) {
    memory_free(cloud->points);
    memory_free(cloud->rows);
}

static pomona_status cloud_new(const double *scores, size_t components, double scale,
                               const struct neighbours *found, struct cloud *cloud,
                               struct pomona_error *error) {
    size_t used = components < COMPARED_COMPONENTS ? components : COMPARED_COMPONENTS;
    *cloud =
        (struct cloud){.count = found->compared, .width = (used + GROUP - 1) / GROUP * GROUP, .scale = scale};
    struct keyed_row *order = memory_new(cloud->count, sizeof *order);
    cloud->points = memory_new(size_multiply(cloud->count, cloud->width), sizeof *cloud->points);
    cloud->rows = memory_new(cloud->count, sizeof *cloud->rows);
    if (!order || !cloud->points || !cloud->rows) {
        memory_free(order);
        cloud_free(cloud);
        return fail_memory(error, "points of the report");
    }
    for (size_t i = 0; i < cloud->count; i++) {
        size_t row = found->finite[i * found->finite_count / cloud->count];
        order[i] = (struct keyed_row){scores[row * components], row};
    }
    qsort(order, cloud->count, sizeof *order, by_key);
    for (size_t i = 0; i < cloud->count; i++) {
        cloud->rows[i] = order[i].row;
        for (size_t c = 0; c < used; c++)
            cloud->points[i * cloud->width + c] = scores[order[i].row * components + c] / scale;
    }
    memory_free(order);
    return POMONA_OK;
}

/* The squared distance of two points, or any value above `bound` once it is known to be larger. */
static double squared_distance(const double *a, const double *b, size_t width, double bound) {
    double sum = 0;
    for (size_t c = 0; c < width && sum <= bound; c += GROUP) {
        double parts[GROUP];
        for (size_t i = 0; i < GROUP; i++) parts[i] = (a[c + i] - b[c + i]) * (a[c + i] - b[c + i]);
        sum +=
            ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
    }
    return sum;
}

/* Looks at point j as a neighbour of point i; false when no point beyond it can be nearer. Of copies of one photo the
 * first one met is the nearest: looking at all would take the square of their number. */
static bool consider(const struct cloud *cloud, size_t i, size_t j, struct nearest *best) {
    const double *a = cloud->points + i * cloud->width, *b = cloud->points + j * cloud->width;
    double along = (a[0] - b[0]) * (a[0] - b[0]);
    if (along > best->squared) return false;
    double squared = squared_distance(a, b, cloud->width, best->squared);
    if (squared < best->squared || (squared == best->squared && cloud->rows[j] < best->other))
        *best = (struct nearest){cloud->rows[i], cloud->rows[j], squared};
    return best->squared > 0;
}

/* Walks outwards from point i, to both sides in turn, until the first component alone is too far. */
static struct nearest nearest_of(const struct cloud *cloud, size_t i) {
    struct nearest best = {cloud->rows[i], SIZE_MAX, INFINITY};
    bool up = true, down = true;
    for (size_t step = 1; up || down; step++) {
        up = up && i + step < cloud->count && consider(cloud, i, i + step, &best);
        down = down && step <= i && consider(cloud, i, i - step, &best);
    }
    return best;
}

/* Picks pairs from neighbours sorted by distance. A row that is near a pair of the list belongs to it, so that forty
 * copies of one photo take one line and not twenty. */
static pomona_status pick_pairs(const struct cloud *cloud, const struct nearest *sorted, size_t rows,
                                struct neighbours *found, struct pomona_error *error) {
    uint8_t *member = memory_new(rows, sizeof *member); /* number of the row's pair, from 1 */
    if (!member) return fail_memory(error, "pairs of the report");
    for (size_t i = 0; i < cloud->count; i++) {
        const struct nearest *next = &sorted[i];
        uint8_t *mine = &member[next->row], *other = &member[next->other];
        double distance = sqrt(next->squared) * cloud->scale;
        if (*mine && *other) continue;
        if (!*mine && !*other) {
            if (found->pair_count == PAIRS_KEPT) break;
            size_t a = next->row < next->other ? next->row : next->other;
            found->pairs[found->pair_count++] =
                (struct near_pair){a, next->row + next->other - a, distance, 0};
            *mine = *other = (uint8_t)found->pair_count;
            continue;
        }
        struct near_pair *pair = &found->pairs[(*mine ? *mine : *other) - 1];
        if (distance <= 1.5 * pair->distance) {
            pair->more++;
            *mine = *other = *mine ? *mine : *other;
        }
    }
    memory_free(member);
    return POMONA_OK;
}

static pomona_status find_pairs(const double *scores, size_t rows, size_t components, double scale,
                                struct neighbours *found, struct pomona_error *error) {
    struct cloud cloud;
    if (found->compared < 2) return POMONA_OK;
    TRY(cloud_new(scores, components, scale, found, &cloud, error));
    struct nearest *nearest = memory_new(cloud.count, sizeof *nearest);
    pomona_status status = nearest ? POMONA_OK : fail_memory(error, "neighbours of the report");
    if (status == POMONA_OK) {
        for (size_t i = 0; i < cloud.count; i++) nearest[i] = nearest_of(&cloud, i);
        qsort(nearest, cloud.count, sizeof *nearest, by_distance);
        found->typical_nearest = sqrt(nearest[cloud.count / 2].squared) * scale;
        status = pick_pairs(&cloud, nearest, rows, found, error);
    }
    memory_free(nearest);
    cloud_free(&cloud);
    return status;
}

pomona_status neighbours_find(const double *scores, size_t rows, size_t components, struct neighbours *found,
                              struct pomona_error *error) {
    double largest = 0;
    *found = (struct neighbours){0};
    if (rows == 0 || components == 0) return POMONA_OK;
    pomona_status status = find_finite(scores, rows, components, found, &largest, error);
    if (status != POMONA_OK) return status;
    double scale = largest > 0 ? largest : 1;
    found->compared = found->finite_count < COMPARED_MAX ? found->finite_count : COMPARED_MAX;
    status = find_outliers(scores, components, scale, found, error);
    if (status == POMONA_OK) status = find_pairs(scores, rows, components, scale, found, error);
    if (status != POMONA_OK) neighbours_free(found);
    return status;
}

void neighbours_free(struct neighbours *found) {
    memory_free(found->finite);
    *found = (struct neighbours){0};
}
