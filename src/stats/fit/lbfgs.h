/* Limited-memory BFGS for a smooth convex function, with a preconditioner.
 *
 * Source: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithm 7.4 (two loops), with the initial inverse
 * Hessian given by the caller and scaled as in (7.20), and a backtracking search for a sufficient decrease (3.4). */
#ifndef STATS_FIT_LBFGS_H
#define STATS_FIT_LBFGS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct lbfgs_problem {
    size_t size;
    /* Value and gradient [size] at x. */
    double (*evaluate)(void *user, const double *x, double *gradient);
    /* out = H0 v, both [size], H0 positive definite. */
    void (*precondition)(void *user, const double *v, double *out);
    void *user;
    bool (*should_stop)(void *stop_user); /* may be NULL */
    void *stop_user;
    double tolerance; /* converged when no element of the gradient is larger */
    int max_iterations;
};

struct lbfgs_info {
    int iterations, evaluations;
    double value, gradient; /* at the end; gradient: its largest magnitude */
    bool converged;         /* gradient <= tolerance, as evaluated at the x that is returned */
};

/* Minimises from x [size], in place. Ends for any function: where no step decreases the value, it stays and converged is
 * false. POMONA_E_MEMORY, POMONA_E_INTERRUPTED. */
pomona_status lbfgs_minimise(const struct lbfgs_problem *problem, double *x, struct lbfgs_info *info,
                             struct pomona_error *error);

#endif
