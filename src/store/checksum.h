/* Checksums of object storage. */
#ifndef STORE_CHECKSUM_H
#define STORE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4): start with 0, feed the last result back to go on. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* What bytes with this CRC-32C, followed by `size` others, add to the CRC-32C of all: the exclusive or of what each piece adds is it, in whatever order
 * the pieces came. */
uint32_t crc32c_followed(uint32_t crc, uint64_t size);

/* MD5 as 32 lower-case hexadecimal digits and a NUL; false when libcrypto refuses (a FIPS mode). */
bool md5_hex(const void *data, size_t size, char out[33]);

/* Four bytes, the highest first, as base64 ("AAAAAA==" and a NUL): how S3 writes a CRC. */
void crc_base64(uint32_t crc, char out[9]);

#endif
