/* A bucket and prefix: what the files of this kind share. */
#ifndef STORE_PLACE_S3_H
#define STORE_PLACE_S3_H

#include "store/place_kind.h"
#include "store/s3.h"
#include "store/s3_xml.h"

/* Object keys are at most 1,024 bytes of UTF-8. */
enum { S3_KEY_SIZE = 1025, S3_ANSWER_MAX = 64 << 20, S3_PART_BYTES = 8 << 20, S3_PARTS_UNDER_WAY = 6 };

struct place_s3 {
    struct place place;
    struct http *http;
    char bucket[PLACES_BUCKET_SIZE];
    char prefix[S3_KEY_SIZE]; /* without a slash at the end; "" : the whole bucket */
    char item_etag[S3_ETAG_SIZE], item_version[S3_ETAG_SIZE]; /* of the last place_stat */
};

/* "prefix/name", or prefix for the name "". POMONA_E_INPUT: longer than a key may be. */
pomona_status s3_key(const struct place_s3 *s3, const char *name, char key[S3_KEY_SIZE],
                     struct pomona_error *error);
/* The name of a key below the place's prefix; NULL: it is not below. */
const char *s3_name(const struct place_s3 *s3, const char *key);

/* An item as the visitor of a place wants it. */
struct place_item s3_place_item(const char *name, const struct s3_item *item);

pomona_status s3_list(struct place *place, const char *prefix, bool shallow, place_visit visit, void *user,
                      struct pomona_error *error);
pomona_status s3_versions(struct place *place, const char *prefix, place_visit visit, void *user,
                          struct pomona_error *error);
pomona_status s3_list_staged(struct place *place, const char *prefix, place_visit visit, void *user,
                             struct pomona_error *error);
pomona_status s3_fetch(struct place *place, const char *name, const char *file, struct pomona_error *error);
pomona_status s3_stage(struct place *place, const char *name, const char *file, struct buffer *receipt,
                       struct pomona_error *error);
pomona_status s3_commit(struct place *place, const char *name, const char *receipt_text,
                        struct pomona_error *error);
pomona_status s3_unstage(struct place *place, const char *name, const char *receipt_text,
                         struct pomona_error *error);

#endif
