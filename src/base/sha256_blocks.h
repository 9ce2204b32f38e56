/* The inner function of SHA-256 on processors with instructions for it (Intel SDM vol. 1, chapter 5.11: SHA
 * extensions): ten times as fast, which is most of the time it takes to open a model. Internal to base. */
#ifndef BASE_SHA256_BLOCKS_H
#define BASE_SHA256_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const uint32_t sha256_constants[64];

/* Whether this processor has the instructions; false on other architectures. */
bool sha256_x86_available(void);

/* Takes whole blocks of 64 bytes into the state. Only where available. */
void sha256_x86_blocks(uint32_t state[8], const uint8_t *data, size_t blocks);

#endif
