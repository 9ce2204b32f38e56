/* Blocks of bytes that the library makes and hands over. */
#ifndef POMONA_BYTES_H
#define POMONA_BYTES_H

#include "pomona/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Frees a block and sets *bytes to NULL. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_bytes_free(uint8_t **bytes);

#ifdef __cplusplus
}
#endif
#endif
