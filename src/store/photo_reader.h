/* Reads photos, many at a time where that pays (S3, the web), one after the other on disk. One thread, but for the wake. */
#ifndef STORE_PHOTO_READER_H
#define STORE_PHOTO_READER_H

#include "base/buffer.h"
#include "base/error.h"
#include "store/listing.h"

#include <stdbool.h>
#include <stddef.h>

struct photo_reader;
struct pomona_places;

/* `places` may be NULL when all photos are on this machine. */
pomona_status photo_reader_new(struct pomona_places *places, struct photo_reader **reader,
                               struct pomona_error *error);
/* What is under way is dropped. Accepts pointers to NULL. */
void photo_reader_free(struct photo_reader **reader);

/* A read that ended. */
struct photo_read {
    size_t ticket;
    pomona_status status;
    bool is_place_fault; /* not the photo, the place failed: the job should stop */
    double seconds;      /* spent reading; waiting for the network does not count */
};

/* Starts to read one photo into `out` (cleared first). `photo`, `out` and `cause` stay in place until photo_reader_next gives the
 * ticket back. */
void photo_reader_start(struct photo_reader *reader, const struct listed_photo *photo, struct buffer *out,
                        struct pomona_error *cause, size_t ticket);
/* How many reads are under way. */
size_t photo_reader_pending(const struct photo_reader *reader);
/* A finished read; false: none within the time, or woken. */
bool photo_reader_next(struct photo_reader *reader, int milliseconds, struct photo_read *read);
/* Ends a photo_reader_next that waits, from any thread. */
void photo_reader_wake(struct photo_reader *reader);

/* How many reads are worth having under way at once for this photo: 1 on disk, 0 while a read that ended at once waits to be taken; no
 * other may be started before that. */
int photo_reader_width(const struct photo_reader *reader, const struct listed_photo *photo);

/* One photo, from start to end, while no other is under way. What a packed photo's struct points to outlives the reader, which keeps what lay around it. */
pomona_status photo_reader_read(struct photo_reader *reader, const struct listed_photo *photo,
                                struct buffer *out, struct pomona_error *error);

/* The same with a reader of its own. */
pomona_status photo_read(struct pomona_places *places, const struct listed_photo *photo, struct buffer *out,
                         struct pomona_error *error);

#endif
