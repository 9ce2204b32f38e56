/* SHA-256 (FIPS 180-4), for model, profile and job hashes. Own code because the core library (wheel, WASM)
 * carries no crypto library; tested with the FIPS vectors. Not for secrets: no constant-time promise is needed. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 };

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes hashed so far */
    uint8_t block[64];
    bool hardware; /* the processor's own instructions; clear it after the start to do without, as tests do */
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);

/* Hashes the length (as 8 bytes) and then the bytes, so that ("ab","c") differs from ("a","bc"). */
void sha256_add_field(struct sha256 *hash, const void *data, size_t size);
void sha256_finish(struct sha256 *hash, uint8_t digest[SHA256_SIZE]);

/* Lower-case hexadecimal with a NUL. */
void sha256_hex(const uint8_t digest[SHA256_SIZE], char hex[SHA256_HEX_SIZE]);

/* All of it for bytes that lie together: their digest, and the same in hexadecimal. `digest` may be among the bytes. */
void sha256_of(const void *data, size_t size, uint8_t digest[SHA256_SIZE]);
void sha256_hex_of(const void *data, size_t size, char hex[SHA256_HEX_SIZE]);

#endif
