/* The beta distribution: of the share of a population that lies below an order statistic of a sample.
 *
 * Sources: Lentz, Generating Bessel functions in Mie scattering calculations using continued fractions, 1976; Abramowitz and
 * Stegun, Handbook of Mathematical Functions, 26.5.8. */
#ifndef STATS_FIT_BETA_H
#define STATS_FIT_BETA_H

/* P(X <= x) of Beta(a, b), a and b in (0, 1e9], within about 1e-10. */
double beta_share(double x, double a, double b);

/* The x at which beta_share is p, 0 <= p <= 1. */
double beta_quantile(double p, double a, double b);

#endif
