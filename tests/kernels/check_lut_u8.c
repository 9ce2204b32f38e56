/* Tables of bytes: equal to the plain C. */
#include "check_bytes.h"
#include "kernels/lut_u8/lut_u8.h"

void check_lut_u8(struct check *check, const struct lut_u8_impl *impl) {
    for (int count = 1; count <= 300 && !check_done(check); count += count < 140 ? 1 : 7) {
        struct bytes x = bytes_input(check, (size_t)count, check_coin(check)),
                     table = bytes_input(check, 256, false);
        struct bytes got = bytes_output((size_t)count, check_coin(check)),
                     want = bytes_output((size_t)count, false);
        check_case(check, "table over %d bytes", count);
        impl->run((size_t)count, x.data, table.data, got.data);
        lut_u8_scalar.run((size_t)count, x.data, table.data, want.data);
        check_bytes(check, &got, &want, 1, (size_t)count, (size_t)count);
        impl->run((size_t)count, x.data, table.data, x.data); /* in place */
        check_same_bytes(check, x.data, want.data, (size_t)count);
        bytes_free(&x), bytes_free(&table), bytes_free(&got), bytes_free(&want);
    }
}
