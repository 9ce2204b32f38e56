#include "stats/fit/beta.h"

#include <math.h>

/* The continued fraction of the incomplete beta function, by Lentz's method; converges fast for x < (a + 1) / (a + b + 2).
 * The number of terms grows with sqrt(max(a, b)). */
static double fraction(double x, double a, double b) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int i = 1; i < 200000; i++) {
        double even = i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i));
        double odd = -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1));
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            if (fabs(c) < tiny) c = tiny;
            value *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return value;
}

/* log of the gamma function, x > 0, by Stirling's series (Abramowitz and Stegun, 6.1.40): lgamma writes to a global. */
static double log_gamma(double x) {
    double shift = 0;
    while (x < 16) shift -= log(x), x += 1;
    double inverse = 1 / x, square = inverse * inverse;
    double series = inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square / 1680)));
    return shift + (x - 0.5) * log(x) - x + 0.918938533204672742 + series;
}

double beta_share(double x, double a, double b) {
    if (!(x > 0)) return 0;
    if (!(x < 1)) return 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * fraction(x, a, b) / a;
    return 1 - front * fraction(1 - x, b, a) / b;
}

double beta_quantile(double p, double a, double b) {
    double low = 0, high = 1;
    for (int step = 0; step < 100 && low < high; step++) { /* down to neighbouring doubles, nearly */
        double middle = (low + high) / 2;
        if (beta_share(middle, a, b) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
