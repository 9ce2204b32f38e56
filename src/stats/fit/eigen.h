/* Eigenvalues and eigenvectors of a symmetric matrix, by LAPACK. */
#ifndef STATS_FIT_EIGEN_H
#define STATS_FIT_EIGEN_H

#include "base/error.h"

struct eigen;

/* Takes a symmetric matrix [n][n] (its contents are destroyed; it stays the caller's and must outlive the object) and
 * finds all eigenvalues, descending, in values [n]. POMONA_E_MEMORY; POMONA_E_INTERNAL when LAPACK finds no
 * solution. */
pomona_status eigen_new(int n, double *matrix, double *values, struct eigen **eigen,
                        struct pomona_error *error);

/* The eigenvectors of the k largest eigenvalues, in that order: vectors [k][n], each of length 1, sign left open. Can be
 * called once. */
pomona_status eigen_vectors(struct eigen *eigen, int k, double *vectors, struct pomona_error *error);

void eigen_free(struct eigen **eigen);

#endif
