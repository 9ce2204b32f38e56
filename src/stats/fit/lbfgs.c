#include "stats/fit/lbfgs.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { MEMORY = 10, BACKTRACKS_MAX = 40 };

#define SUFFICIENT_DECREASE 1e-4

struct state {
    const struct lbfgs_problem *problem;
    struct lbfgs_info *info;
    double *x, *gradient, *direction, *trial, *trial_gradient; /* [size]; x is the caller's */
    double *steps, *changes;                                   /* [MEMORY][size]: s and y, a ring */
    double rho[MEMORY];                                        /* 1 / (s . y) */
    int held, newest;
    double *block; /* owns all of them but x */
};

static double dot(size_t size, const double *a, const double *b) {
    double sum = 0;
    for (size_t i = 0; i < size; i++) sum += a[i] * b[i];
    return sum;
}

static double largest(size_t size, const double *a) {
    double most = 0;
    for (size_t i = 0; i < size; i++) most = fabs(a[i]) > most || isnan(a[i]) ? fabs(a[i]) : most;
    return most;
}

static void add_scaled(size_t size, double factor, const double *a, double *to) {
    for (size_t i = 0; i < size; i++) to[i] += factor * a[i];
}

static double evaluate(struct state *s, const double *x, double *gradient) {
    s->info->evaluations++;
    return s->problem->evaluate(s->problem->user, x, gradient);
}

/* direction = -H gradient, H being H0 corrected by the steps that are held. */
static void find_direction(struct state *s) {
    const struct lbfgs_problem *p = s->problem;
    size_t n = p->size;
    double alpha[MEMORY], *q = s->trial; /* free until the line search */
    memcpy(q, s->gradient, n * sizeof *q);
    for (int i = 0; i < s->held; i++) {
        int at = (s->newest - i + MEMORY) % MEMORY;
        alpha[at] = s->rho[at] * dot(n, s->steps + (size_t)at * n, q);
        add_scaled(n, -alpha[at], s->changes + (size_t)at * n, q);
    }
    p->precondition(p->user, q, s->direction);
    if (s->held > 0) {
        const double *y = s->changes + (size_t)s->newest * n;
        p->precondition(p->user, y, q);
        double curvature = dot(n, y, q), scale = curvature > 0 ? 1 / (s->rho[s->newest] * curvature) : 1;
        for (size_t i = 0; i < n; i++) s->direction[i] *= scale;
    }
    for (int i = s->held; i-- > 0;) {
        int at = (s->newest - i + MEMORY) % MEMORY;
        double beta = s->rho[at] * dot(n, s->changes + (size_t)at * n, s->direction);
        add_scaled(n, alpha[at] - beta, s->steps + (size_t)at * n, s->direction);
    }
    for (size_t i = 0; i < n; i++) s->direction[i] = -s->direction[i];
}

/* Finds a step along the direction that decreases the value enough; false when there is none. On success trial and its
 * gradient and *value are those of the new point. */
static bool search(struct state *s, double *value) {
    size_t n = s->problem->size;
    double slope = dot(n, s->gradient, s->direction), step = 1;
    if (!(slope < 0)) return false;
    for (int i = 0; i < BACKTRACKS_MAX; i++) {
        for (size_t j = 0; j < n; j++) s->trial[j] = s->x[j] + step * s->direction[j];
        *value = evaluate(s, s->trial, s->trial_gradient);
        if (*value <= s->info->value + SUFFICIENT_DECREASE * step * slope) return true;
        /* The minimum of the parabola through the value and slope here and the value there. */
        double bend = 2 * (*value - s->info->value - step * slope);
        double next = bend > 0 && isfinite(bend) ? -slope * step * step / bend : 0.1 * step;
        step = next > 0.5 * step ? 0.5 * step : next < 0.1 * step ? 0.1 * step : next;
    }
    return false;
}

/* Takes the trial point and remembers what the step has taught. */
static void advance(struct state *s, double value) {
    size_t n = s->problem->size;
    int at = s->held ? (s->newest + 1) % MEMORY : 0;
    double *step = s->steps + (size_t)at * n, *change = s->changes + (size_t)at * n;
    for (size_t i = 0; i < n; i++) {
        step[i] = s->trial[i] - s->x[i];
        change[i] = s->trial_gradient[i] - s->gradient[i];
    }
    double curvature = dot(n, step, change);
    memcpy(s->x, s->trial, n * sizeof *s->x);
    memcpy(s->gradient, s->trial_gradient, n * sizeof *s->gradient);
    s->info->value = value;
    s->info->gradient = largest(n, s->gradient);
    if (!(curvature > 1e-14 * dot(n, change, change))) return; /* rounding: it would spoil H */
    s->rho[at] = 1 / curvature;
    s->newest = at;
    if (s->held < MEMORY) s->held++;
}

static pomona_status minimise(struct state *s, struct pomona_error *error) {
    const struct lbfgs_problem *p = s->problem;
    struct lbfgs_info *info = s->info;
    info->value = evaluate(s, s->x, s->gradient);
    info->gradient = largest(p->size, s->gradient);
    while (!(info->gradient <= p->tolerance) && info->iterations < p->max_iterations) {
        double value;
        if (p->should_stop && p->should_stop(p->stop_user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted");
        find_direction(s);
        bool found = search(s, &value);
        if (!found && s->held == 0) break;
        if (found) {
            advance(s, value);
            info->iterations++;
        } else {
            s->held = 0; /* once more, without what was learnt */
        }
    }
    info->converged = info->gradient <= p->tolerance;
    return POMONA_OK;
}

pomona_status lbfgs_minimise(const struct lbfgs_problem *problem, double *x, struct lbfgs_info *info,
                             struct pomona_error *error) {
    size_t n = problem->size;
    *info = (struct lbfgs_info){0};
    struct state state = {.problem = problem, .info = info, .x = x};
    state.block = memory_new(size_multiply(n, 4 + 2 * MEMORY), sizeof *state.block);
    if (!state.block) return fail_memory(error, "fit");
    state.gradient = state.block;
    state.direction = state.gradient + n;
    state.trial = state.direction + n;
    state.trial_gradient = state.trial + n;
    state.steps = state.trial_gradient + n;
    state.changes = state.steps + MEMORY * n;
    pomona_status status = minimise(&state, error);
    memory_free(state.block);
    return status;
}
