/* The file of moments, `moments.pom`, little-endian:
 *   0   "POMMOM\r\n"
 *   8   u32 version (1), u32 features, u64 rows, u32 labels
 *   28  u8 fraction bits (20), u8 bytes of a sum (1..8), u8 bytes of a product (1..16), u8 whether label 0 is "no label"
 *   32  feature space, 64 characters, zeros behind
 *   96  sums [features], two's complement
 *       products [features (features + 1) / 2]: of features i and j <= i, row by row
 *       each label, in the order of its bytes: u32 bytes of its name, the name, u64 rows, sums [features]
 *       SHA-256 of all before
 * The two sizes are the smallest that hold every value, so that equal moments have one file only. */
#ifndef STATS_FIT_MOMENTS_FILE_H
#define STATS_FIT_MOMENTS_FILE_H

enum {
    MOMENTS_FILE_VERSION = 1,
    MOMENTS_HEADER_SIZE = 96,
    MOMENTS_LABEL_BYTES_MAX = 1 << 20 /* of one name */
};
#define MOMENTS_MAGIC "POMMOM\r\n"

#endif
