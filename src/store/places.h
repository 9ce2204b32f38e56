/* What all that talks to one set of remote places has in common: where S3 is, who we are, what was learnt about buckets. Any thread. */
#ifndef STORE_PLACES_H
#define STORE_PLACES_H

#include "pomona/places.h"
#include "store/credentials.h"
#include "store/http.h"

#include <pthread.h>

enum { PLACES_REGIONS = 16, PLACES_REGION_SIZE = 64, PLACES_ENDPOINT_SIZE = 1024, PLACES_BUCKET_SIZE = 256 };

struct pomona_places {
    struct pomona_places_options options; /* strings are owned */
    struct credentials_source *credentials;
    struct http_quota quota;
    _Atomic long skew; /* seconds that the server's clock is ahead of ours */

    pthread_mutex_t lock; /* guards the rest */
    bool resolved;
    char region[PLACES_REGION_SIZE];     /* of buckets that said nothing else */
    char endpoint[PLACES_ENDPOINT_SIZE]; /* "http://127.0.0.1:7070" without a slash at the end; "": AWS */
    struct {
        char bucket[PLACES_BUCKET_SIZE], region[PLACES_REGION_SIZE];
    } learnt[PLACES_REGIONS];
    int learnt_count, learnt_next;
};

/* Where a bucket is now. */
struct place_address {
    char region[PLACES_REGION_SIZE];
    char
        base[PLACES_ENDPOINT_SIZE + PLACES_BUCKET_SIZE + 8]; /* "https://bucket.s3.eu-west-3.amazonaws.com" */
    char host[PLACES_ENDPOINT_SIZE + PLACES_BUCKET_SIZE];    /* as in the Host header */
    bool bucket_in_path;
};
pomona_status places_address(struct pomona_places *places, const char *bucket, struct place_address *address,
                             struct pomona_error *error);

/* A bucket said where it is. False: that is not the name of a region. */
bool places_learn_region(struct pomona_places *places, const char *bucket, const char *region);

/* An engine with these places' quota and patience. */
pomona_status places_http(struct pomona_places *places, struct http **http, struct pomona_error *error);

#endif
