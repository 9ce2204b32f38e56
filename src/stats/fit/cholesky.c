#include "stats/fit/cholesky.h"

#include <float.h>
#include <stddef.h>

/* LAPACK as gfortran compiles it: everything by reference, a length behind for each text. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t uplo_size);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t uplo_size);
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b,
             const int *ldb, int *info, size_t uplo_size);

static pomona_status too_little(struct pomona_error *error) {
    return fail(error, POMONA_E_INPUT, NULL,
                "the covariance of the features is not positive definite: more regularisation is needed");
}

static pomona_status factor(int n, double *matrix, struct pomona_error *error) {
    int info = 0;
    dpotrf_("L", &n, matrix, &n, &info, 1);
    return info == 0 ? POMONA_OK : too_little(error);
}

pomona_status cholesky_invert(int n, double *matrix, struct pomona_error *error) {
    int info = 0;
    TRY(factor(n, matrix, error));
    dpotri_("L", &n, matrix, &n, &info, 1);
    if (info != 0)
        return fail(error, POMONA_E_INTERNAL, NULL, "the inverse was not found: LAPACK dpotri returned %d",
                    info);
    size_t size = (size_t)n;
    for (size_t i = 0; i < size;
         i++) /* column-major: the lower triangle lies behind the diagonal of each row */
        for (size_t j = i + 1; j < size; j++) matrix[j * size + i] = matrix[i * size + j];
    return POMONA_OK;
}

pomona_status cholesky_solve(int n, double *matrix, int count, double *b, struct pomona_error *error) {
    int info = 0;
    double largest = 0;
    size_t next = (size_t)n + 1; /* from one element of the diagonal to the next */
    for (size_t i = 0; i < (size_t)n; i++) largest = matrix[i * next] > largest ? matrix[i * next] : largest;
    TRY(factor(n, matrix, error));
    for (size_t i = 0; i < (size_t)n; i++) /* what rounding leaves of a 0 must not be divided by */
        if (!(matrix[i * next] * matrix[i * next] > n * DBL_EPSILON * largest)) return too_little(error);
    dpotrs_("L", &n, &count, matrix, &n, b, &n, &info, 1);
    if (info == 0) return POMONA_OK;
    return fail(error, POMONA_E_INTERNAL, NULL, "no solution was found: LAPACK dpotrs returned %d", info);
}
