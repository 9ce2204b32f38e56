/* Photos one after the other, in their order, while a thread of its own reads the next ones: no Python in here. */
#ifndef PYTHON_AHEAD_H
#define PYTHON_AHEAD_H

#include "base/buffer.h"
#include "store/listing.h"

struct ahead;
struct pomona_places;

/* A photo that was read, or why it was not. */
struct ahead_photo {
    size_t index; /* in the listing */
    pomona_status status;
    struct buffer bytes; /* the caller's: buffer_free */
    struct pomona_error cause;
};

enum ahead_state {
    AHEAD_PHOTO,
    AHEAD_WAIT, /* nothing within the time */
    AHEAD_END,
    AHEAD_FAILED /* not a photo, the place: no more photos come */
};

/* Begins to read. The listing moves into it, on failure too. At most `window` photos and about `bytes` bytes are read or under way and not
 * taken; one photo always may be. `places` (NULL: only this machine) outlives it. POMONA_E_MEMORY, POMONA_E_IO: no thread. */
pomona_status ahead_new(struct pomona_places *places, struct listing *photos, size_t window, uint64_t bytes,
                        struct ahead **ahead, struct pomona_error *error);

/* What is under way is dropped. Accepts pointers to NULL. */
void ahead_free(struct ahead **ahead);

/* The next photo. Any thread; each photo goes to one caller. AHEAD_FAILED fills `error` and *status. */
enum ahead_state ahead_next(struct ahead *ahead, int milliseconds, struct ahead_photo *photo,
                            pomona_status *status, struct pomona_error *error);

#endif
