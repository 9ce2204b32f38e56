/* The steps of LAPACK's dsyevr, called apart: one reduction to tridiagonal form (dsytrd, nearly all of the time) gives
 * all eigenvalues (dsterf) and, once it is known how many are wanted, the vectors of some (dstemr, dormtr).
 *
 * Sources: Anderson et al., LAPACK Users' Guide, 3rd edition, 1999; Dhillon and Parlett, Orthogonal eigenvectors and
 * relative gaps, 2004 (dstemr). */
#include "stats/fit/eigen.h"

#include "base/memory.h"

#include <string.h>

/* LAPACK as gfortran compiles it: everything by reference, a length behind for each text. */
void dsytrd_(const char *uplo, const int *n, double *a, const int *lda, double *d, double *e, double *tau,
             double *work, const int *lwork, int *info, size_t uplo_size);
void dsterf_(const int *n, double *d, double *e, int *info);
void dstemr_(const char *job, const char *range, const int *n, double *d, double *e, const double *vl,
             const double *vu, const int *il, const int *iu, int *m, double *w, double *z, const int *ldz,
             const int *nzc, int *isuppz, int *tryrac, double *work, const int *lwork, int *iwork,
             const int *liwork, int *info, size_t job_size, size_t range_size);
void dormtr_(const char *side, const char *uplo, const char *trans, const int *m, const int *n,
             const double *a, const int *lda, const double *tau, double *c, const int *ldc, double *work,
             const int *lwork, int *info, size_t side_size, size_t uplo_size, size_t trans_size);

enum { BLOCK = 64 /* columns at a time, at least LAPACK's own choice */ };

struct eigen {
    int n, work_size;
    double *matrix;               /* borrowed; reflectors of the reduction */
    double *diagonal, *off, *tau; /* [n] each, of the tridiagonal matrix; owned, in one block */
    double *work;
};

static pomona_status no_solution(const char *routine, int info, struct pomona_error *error) {
    return fail(error, POMONA_E_INTERNAL, NULL, "the eigenvalues were not found: LAPACK %s returned %d",
                routine, info);
}

/* All eigenvalues, ascending, in values; scratch [n]. */
static pomona_status find_values(struct eigen *eigen, double *values, double *scratch,
                                 struct pomona_error *error) {
    int n = eigen->n, info = 0;
    dsytrd_("L", &n, eigen->matrix, &n, eigen->diagonal, eigen->off, eigen->tau, eigen->work,
            &eigen->work_size, &info, 1);
    if (info != 0) return no_solution("dsytrd", info, error);
    memcpy(values, eigen->diagonal, (size_t)n * sizeof *values);
    memcpy(scratch, eigen->off, (size_t)n * sizeof *scratch);
    dsterf_(&n, values, scratch, &info);
    return info == 0 ? POMONA_OK : no_solution("dsterf", info, error);
}

static void reverse(double *values, int n) {
    for (int i = 0; i < n / 2; i++) {
        double swap = values[i];
        values[i] = values[n - 1 - i];
        values[n - 1 - i] = swap;
    }
}

pomona_status eigen_new(int n, double *matrix, double *values, struct eigen **eigen,
                        struct pomona_error *error) {
    *eigen = NULL;
    struct eigen *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "eigenvalues");
    size_t size = (size_t)n;
    *made = (struct eigen){.n = n, .matrix = matrix, .work_size = n * BLOCK};
    made->diagonal = memory_new(3 * size, sizeof *made->diagonal);
    made->work = memory_new(size * BLOCK, sizeof *made->work);
    double *scratch = memory_new(size, sizeof *scratch);
    pomona_status status = POMONA_OK;
    if (made->diagonal && made->work && scratch) {
        made->off = made->diagonal + size;
        made->tau = made->off + size;
        status = find_values(made, values, scratch, error);
    } else {
        status = fail_memory(error, "eigenvalues");
    }
    memory_free(scratch);
    if (status != POMONA_OK) {
        eigen_free(&made);
        return status;
    }
    reverse(values, n);
    *eigen = made;
    return POMONA_OK;
}

void eigen_free(struct eigen **eigen) {
    if (!eigen || !*eigen) return;
    memory_free((*eigen)->diagonal);
    memory_free((*eigen)->work);
    memory_free(*eigen);
    *eigen = NULL;
}

/* Vectors of the k largest, smallest of them first, as dstemr gives them. */
static pomona_status find_vectors(struct eigen *eigen, int k, double *vectors, double *values, int *integers,
                                  struct pomona_error *error) {
    int n = eigen->n, info = 0, found = 0, try_accurate = 1, first = n - k + 1;
    int integers_size = 10 * n, *support = integers + integers_size;
    const double unused = 0;
    dstemr_("V", "I", &n, eigen->diagonal, eigen->off, &unused, &unused, &first, &n, &found, values, vectors,
            &n, &k, support, &try_accurate, eigen->work, &eigen->work_size, integers, &integers_size, &info,
            1, 1);
    if (info != 0 || found != k) return no_solution("dstemr", info, error);
    dormtr_("L", "L", "N", &n, &k, eigen->matrix, &n, eigen->tau, vectors, &n, eigen->work, &eigen->work_size,
            &info, 1, 1, 1);
    return info == 0 ? POMONA_OK : no_solution("dormtr", info, error);
}

pomona_status eigen_vectors(struct eigen *eigen, int k, double *vectors, struct pomona_error *error) {
    size_t n = (size_t)eigen->n;
    double *values = memory_new(n, sizeof *values);
    int *integers = memory_new(12 * n + 2, sizeof *integers); /* workspace of 10 n, support of 2 k */
    pomona_status status = values && integers ? find_vectors(eigen, k, vectors, values, integers, error)
                                              : fail_memory(error, "eigenvectors");
    memory_free(values);
    memory_free(integers);
    if (status != POMONA_OK) return status;
    for (int c = 0; c < k / 2; c++)
        for (size_t i = 0; i < n; i++) {
            double *a = vectors + (size_t)c * n + i, *b = vectors + (size_t)(k - 1 - c) * n + i, swap = *a;
            *a = *b;
            *b = swap;
        }
    return POMONA_OK;
}
