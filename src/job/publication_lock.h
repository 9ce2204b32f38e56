/* The object that keeps two jobs out of one remote DST: `_temporary/lock`.
 *
 * It is written with If-None-Match, holds a token of the scratch folder that took it, and is written again (If-Match) every 20 s while
 * the job works. One that has not been renewed for two minutes belongs to nobody: it is taken over with If-Match. A job that finds its
 * lock taken by another stops before its commit. */
#ifndef JOB_PUBLICATION_LOCK_H
#define JOB_PUBLICATION_LOCK_H

#include "store/place.h"

enum { LOCK_TOKEN_SIZE = 33, LOCK_ETAG_SIZE = 256, LOCK_RENEW_SECONDS = 20, LOCK_STALE_SECONDS = 120 };

struct publication_lock {
    char token[LOCK_TOKEN_SIZE];
    char etag[LOCK_ETAG_SIZE]; /* of the lock as it was last written; "" : not held */
};

/* Who holds a lock; texts are cut where they are longer. */
struct publication_lock_holder {
    char token[LOCK_TOKEN_SIZE], host[128];
    char etag[LOCK_ETAG_SIZE];
    long long process;
    int64_t age; /* seconds since it was renewed, by the server's clock */
};

/* POMONA_E_INPUT: there is no lock. */
pomona_status publication_lock_look(struct place *place, struct publication_lock_holder *holder,
                                    struct pomona_error *error);
/* Whether it is our own or that of a job that died. */
bool publication_lock_is_dead(const struct publication_lock_holder *holder, const char *token);
/* POMONA_E_EXISTS, with who holds it. */
pomona_status publication_lock_refuse(const struct publication_lock_holder *holder,
                                      struct pomona_error *error);

/* The token that a scratch folder keeps; "": it has none yet. */
pomona_status publication_lock_read_token(const char *scratch, char token[LOCK_TOKEN_SIZE],
                                          struct pomona_error *error);
/* A new one, from random bytes. POMONA_E_IO: the system has none. */
pomona_status publication_lock_make_token(char token[LOCK_TOKEN_SIZE], struct pomona_error *error);
/* Where a scratch folder keeps it; freed with memory_free, NULL without memory. */
char *publication_lock_token_path(const char *scratch);

/* `token` is kept by the caller between runs. POMONA_E_EXISTS names who holds it and since when. */
pomona_status publication_lock_take(struct place *place, struct publication_lock *lock,
                                    struct pomona_error *error);
/* POMONA_E_EXISTS: it was lost to another job. */
pomona_status publication_lock_renew(struct place *place, struct publication_lock *lock,
                                     struct pomona_error *error);
void publication_lock_drop(struct place *place, struct publication_lock *lock);

#endif
