#include "report/spectrum.h"

#include "base/error.h"

#include <math.h>

double spectrum_value(const struct pomona_spectrum *spectrum, size_t index) {
    double value = spectrum->eigenvalues[index];
    return value > 0 ? value : 0;
}

static pomona_status check(const struct pomona_spectrum *spectrum, double *sum, struct pomona_error *error) {
    if (spectrum->count > 0 && !spectrum->eigenvalues)
        return fail(error, POMONA_E_USAGE, "spectrum", "a count without eigenvalues");
    if (!isfinite(spectrum->total) || spectrum->total < 0)
        return fail(error, POMONA_E_INPUT, "spectrum", "the total variance is negative or not finite");
    for (size_t i = 0; i < spectrum->count; i++) {
        if (!isfinite(spectrum->eigenvalues[i]))
            return fail(error, POMONA_E_INPUT, "spectrum", "eigenvalue %zu is not finite", i + 1);
        /* Solvers give equal eigenvalues in any order of their last digits. */
        double before = i > 0 ? spectrum->eigenvalues[i - 1] : INFINITY;
        if (spectrum->eigenvalues[i] > before + 1e-9 * fabs(spectrum->eigenvalues[0]))
            return fail(error, POMONA_E_INPUT, "spectrum", "eigenvalue %zu is larger than the one before",
                        i + 1);
        *sum += spectrum_value(spectrum, i);
    }
    if (!isfinite(*sum))
        return fail(error, POMONA_E_INPUT, "spectrum", "the sum of the eigenvalues is not finite");
    if (spectrum->total > 0 && *sum > spectrum->total * (1 + 1e-6))
        return fail(error, POMONA_E_INPUT, "spectrum", "the eigenvalues sum to more than the total variance");
    return POMONA_OK;
}

/* The component, 1..count, whose eigenvalue lies farthest below the chord from the first to the last. */
static size_t find_elbow(const struct pomona_spectrum *spectrum, size_t count) {
    if (count < 3) return 0;
    double first = spectrum_value(spectrum, 0), last = spectrum_value(spectrum, count - 1), farthest = 1e-9;
    if (!(first > last)) return 0;
    size_t elbow = 0;
    for (size_t i = 1; i + 1 < count; i++) {
        double x = (double)i / (double)(count - 1);
        double y = (spectrum_value(spectrum, i) - last) / (first - last);
        double below = 1 - x - y;
        if (below > farthest) farthest = below, elbow = i + 1;
    }
    return elbow;
}

pomona_status pomona_spectrum_mark(const struct pomona_spectrum *spectrum,
                                   struct pomona_spectrum_marks *marks, struct pomona_error *error) {
    double sum = 0;
    *marks = (struct pomona_spectrum_marks){0};
    TRY(check(spectrum, &sum, error));
    marks->total = spectrum->total > 0 ? spectrum->total : sum;
    if (!(marks->total > 0)) return POMONA_OK;
    double cumulative = 0;
    for (size_t i = 0; i < spectrum->count; i++) {
        cumulative += spectrum_value(spectrum, i);
        /* A sum of doubles that should be exactly the share may end an ulp below it. */
        double share = cumulative / marks->total * (1 + 1e-12);
        if (!marks->k90 && share >= 0.90) marks->k90 = i + 1;
        if (!marks->k95 && share >= 0.95) marks->k95 = i + 1;
        if (!marks->k99 && share >= 0.99) marks->k99 = i + 1;
    }
    marks->elbow = find_elbow(spectrum, marks->k99 ? marks->k99 : spectrum->count);
    return POMONA_OK;
}
