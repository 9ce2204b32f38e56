/* HMAC-SHA-256 (RFC 2104). What it hashes does not decide which instructions run or which memory is touched: SHA-256 has
 * neither tables nor branches that depend on data. */
#ifndef STORE_HMAC_H
#define STORE_HMAC_H

#include "base/sha256.h"

/* The digest of data[0..size) under key[0..key_size). `digest` may be the key. */
void hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                 uint8_t digest[SHA256_SIZE]);

#endif
