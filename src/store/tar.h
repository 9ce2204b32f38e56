/* Members of a tar archive: POSIX.1-2001 (pax), as GNU tar, Python, libarchive and others read it.
 *
 * Source: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html (ustar and pax interchange formats). */
#ifndef STORE_TAR_H
#define STORE_TAR_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

enum {
    TAR_BLOCK = 512,
    TAR_END = 1024 /* zeroes behind the last member */
};

/* Appends what stands before a file's bytes: a ustar header, and before it a pax header where the name is long or not ASCII, the size is
 * 8 GiB or more, or the time does not fit. Owner 0, mode 0644: equal arguments give equal bytes. `name` may be any bytes. Errors: those of
 * the buffer. */
pomona_status tar_append_header(struct buffer *out, const char *name, uint64_t size, int64_t modified,
                                struct pomona_error *error);

/* What stands between two files' bytes, read: data[size] is exactly the headers of one member, as tar_append_header makes them. Its name goes to `name` (cleared
 * first), its size to *member_size. POMONA_E_CORRUPT: anything else, a wrong checksum too; errors of the buffer. */
pomona_status tar_read_header(const uint8_t *data, size_t size, struct buffer *name, uint64_t *member_size,
                              struct pomona_error *error);

/* Zeroes that follow `size` bytes, up to a whole block. */
static inline size_t tar_padding(uint64_t size) {
    return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

#endif
