/* The bytes of a photo on this machine: a file, or a part of a shard. */
#ifndef STORE_PHOTO_FILE_H
#define STORE_PHOTO_FILE_H

#include "base/buffer.h"
#include "base/error.h"
#include "store/listing.h"

/* Reads the whole photo into `out` (cleared first; its limit holds). Errors: those of file_read; of a packed one also
 * POMONA_E_CORRUPT where the shard ends early. Its checksum is not looked at: pomona pack --check does. */
pomona_status photo_file_read(const struct listed_photo *photo, struct buffer *out,
                              struct pomona_error *error);

/* An open photo, for those that are too large to be held. Initialise with PHOTO_FILE_INIT. */
struct photo_file {
    int descriptor;
    const struct listed_photo *photo; /* borrowed */
    uint64_t size;                    /* as it was opened */
    int64_t modified;                 /* seconds of the epoch; of a packed one as its index has it */
};

#define PHOTO_FILE_INIT ((struct photo_file){.descriptor = -1})

/* On success and failure alike close with photo_file_close. */
pomona_status photo_file_open(struct photo_file *file, const struct listed_photo *photo,
                              struct pomona_error *error);
/* Exactly `size` bytes at `offset` of the photo. POMONA_E_CORRUPT: it ends before. */
pomona_status photo_file_read_at(const struct photo_file *file, uint64_t offset, void *data, size_t size,
                                 struct pomona_error *error);
void photo_file_close(struct photo_file *file);

#endif
