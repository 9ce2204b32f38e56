#include "store/hmac.h"

#include <string.h>

enum { BLOCK_SIZE = 64 };

static void add_padded_key(struct sha256 *hash, const uint8_t key[BLOCK_SIZE], uint8_t pad) {
    uint8_t block[BLOCK_SIZE];
    for (int i = 0; i < BLOCK_SIZE; i++) block[i] = key[i] ^ pad;
    sha256_start(hash);
    sha256_add(hash, block, sizeof block);
}

void hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                 uint8_t digest[SHA256_SIZE]) {
    uint8_t block[BLOCK_SIZE] = {0}, inner[SHA256_SIZE];
    struct sha256 hash;
    if (key_size > BLOCK_SIZE)
        sha256_of(key, key_size, block);
    else if (key_size > 0)
        memcpy(block, key, key_size);
    add_padded_key(&hash, block, 0x36);
    sha256_add(&hash, data, size);
    sha256_finish(&hash, inner);
    add_padded_key(&hash, block, 0x5c);
    sha256_add(&hash, inner, sizeof inner);
    sha256_finish(&hash, digest);
}
