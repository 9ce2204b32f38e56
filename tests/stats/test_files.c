/* The files of moments and models: what is written is read back, and nothing damaged is. Every allocation may fail. */
#include "../base/failing.h"
#include "base/sha256.h"
#include "pomona/pca.h"
#include "table.h"

static void write_bytes(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb"); /* without the fsync of file_write, thousands of times */
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static pomona_status read_moments(const char *path) {
    struct pomona_moments *m;
    pomona_status status = pomona_moments_read(context, path, &m, &error);
    assert_true((m == NULL) == (status != POMONA_OK));
    pomona_moments_free(&m);
    return status;
}

static pomona_status read_pca(const char *path) {
    struct pomona_pca *pca;
    pomona_status status = pomona_pca_read(path, &pca, &error);
    assert_true((pca == NULL) == (status != POMONA_OK));
    pomona_pca_free(&pca);
    return status;
}

static void assert_refused(pomona_status status, const char *path) {
    assert_true(status == POMONA_E_CORRUPT || status == POMONA_E_INPUT || status == POMONA_E_UNSUPPORTED);
    assert_non_null(strstr(error.message, path));
}

/* Cut at every byte, and one bit flipped in every byte. */
static void check_damage(const char *path, pomona_status (*read)(const char *)) {
    struct buffer bytes = file_bytes(path);
    assert_int_equal(read(path), POMONA_OK);
    for (size_t size = 0; size < bytes.size; size++) {
        write_bytes(path, bytes.data, size);
        assert_refused(read(path), path);
    }
    for (size_t at = 0; at < bytes.size; at++) {
        bytes.data[at] ^= (uint8_t)(1 << at % 8);
        write_bytes(path, bytes.data, bytes.size);
        assert_refused(read(path), path);
        bytes.data[at] ^= (uint8_t)(1 << at % 8);
    }
    assert_int_equal(buffer_append_byte(&bytes, 0, &error), POMONA_OK);
    write_bytes(path, bytes.data, bytes.size);
    assert_refused(read(path), path);
    buffer_free(&bytes);
}

static struct pomona_pca *fit(struct pomona_moments *m) {
    struct pomona_pca *pca;
    const struct pomona_pca_options options = {0};
    assert_int_equal(pomona_pca_fit(m, &options, &pca, &error), POMONA_OK);
    return pca;
}

static void test_damage(void **unused) {
    (void)unused;
    char path[64];
    file_name(path, "damaged");
    struct table table = table_make(9, 5, 3, TABLE_WIDE);
    struct pomona_moments *m = moments_of(&table, 0, 1);
    struct pomona_pca *pca = fit(m);
    assert_int_equal(pomona_moments_write(m, path, NULL, &error), POMONA_OK);
    check_damage(path, read_moments);
    assert_int_equal(pomona_pca_write(pca, path, &error), POMONA_OK);
    check_damage(path, read_pca);
    unlink(path);
    assert_failure(read_moments("/nonexistent/m.pom"), POMONA_E_INPUT, "m.pom");
    assert_failure(read_moments("/tmp"), POMONA_E_INPUT, "/tmp");
    assert_failure(read_pca("/tmp"), POMONA_E_INPUT, "folder");
    pomona_pca_free(&pca);
    pomona_moments_free(&m);
    table_free(&table);
}

static pomona_status moments_from(const void *data, size_t size) {
    struct pomona_moments *m;
    pomona_status status = pomona_moments_from_bytes(context, "some bytes", data, size, &m, &error);
    assert_true((m == NULL) == (status != POMONA_OK));
    pomona_moments_free(&m);
    return status;
}

static pomona_status pca_from(const void *data, size_t size) {
    struct pomona_pca *pca;
    pomona_status status = pomona_pca_from_bytes("some bytes", data, size, &pca, &error);
    assert_true((pca == NULL) == (status != POMONA_OK));
    pomona_pca_free(&pca);
    return status;
}

/* As check_damage, in memory: in blocks of their own size, so that a byte read too many is seen. */
static void check_damaged_bytes(const uint8_t *bytes, size_t size,
                                pomona_status (*from)(const void *, size_t)) {
    assert_int_equal(from(bytes, size), POMONA_OK);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut ? cut : 1);
        assert_non_null(part);
        memcpy(part, bytes, cut);
        assert_refused(from(part, cut), "some bytes");
        free(part);
    }
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    for (size_t at = 0; at < size; at++) {
        copy[at] ^= (uint8_t)(1 << at % 8);
        assert_refused(from(copy, size), "some bytes");
        copy[at] ^= (uint8_t)(1 << at % 8);
    }
    copy[size] = 0;
    assert_refused(from(copy, size + 1), "some bytes");
    free(copy);
}

static void test_bytes_in_memory(void **unused) {
    (void)unused;
    char path[64];
    file_name(path, "bytes");
    uint8_t *bytes;
    size_t size;
    for (int labels = 0; labels < 4; labels++) {
        struct table table = table_make(9 * labels, 7, labels + 1, TABLE_WIDE);
        struct pomona_moments *m = moments_of(&table, 0, 1), *back;
        struct buffer file = moments_bytes(m);
        assert_int_equal(pomona_moments_to_bytes(m, &bytes, &size, &error), POMONA_OK);
        assert_int_equal(size, file.size);
        assert_memory_equal(bytes, file.data, size);
        assert_int_equal(pomona_moments_from_bytes(context, "m", bytes, size, &back, &error), POMONA_OK);
        assert_same_moments(m, back);
        pomona_moments_free(&back);
        check_damaged_bytes(bytes, size, moments_from);
        pomona_bytes_free(&bytes);
        assert_null(bytes);
        buffer_free(&file);
        if (table.rows > 0) {
            struct pomona_pca *pca = fit(m);
            assert_int_equal(pomona_pca_write(pca, path, &error), POMONA_OK);
            file = file_bytes(path);
            assert_int_equal(pomona_pca_to_bytes(pca, &bytes, &size, &error), POMONA_OK);
            assert_int_equal(size, file.size);
            assert_memory_equal(bytes, file.data, size);
            check_damaged_bytes(bytes, size, pca_from);
            pomona_bytes_free(&bytes);
            buffer_free(&file);
            pomona_pca_free(&pca);
        }
        pomona_moments_free(&m);
        table_free(&table);
    }
    unlink(path);
    pomona_bytes_free(&bytes); /* NULL */
    pomona_bytes_free(NULL);
    assert_failure(moments_from(NULL, 0), POMONA_E_INPUT, "some bytes: not a moments file");
}

/* A checksum that fits does not make lies true. */
static void test_lies(void **unused) {
    (void)unused;
    char path[64];
    file_name(path, "lies");
    struct table table = table_make(9, 5, 3, TABLE_RELU6);
    struct pomona_moments *m = moments_of(&table, 0, 1);
    assert_int_equal(pomona_moments_write(m, path, NULL, &error), POMONA_OK);
    struct buffer bytes = file_bytes(path);
    int accepted = 0;
    for (size_t at = 8; at + SHA256_SIZE < bytes.size; at++) {
        bytes.data[at] ^= 0x80;
        sha256_of(bytes.data, bytes.size - SHA256_SIZE, bytes.data + bytes.size - SHA256_SIZE);
        write_bytes(path, bytes.data, bytes.size);
        accepted += read_moments(path) == POMONA_OK;
        bytes.data[at] ^= 0x80;
    }
    /* Names, the feature space and low digits of products can't be told from the truth; counts and sums can. */
    assert_true(accepted < (int)bytes.size - 100);
    buffer_free(&bytes);
    unlink(path);
    pomona_moments_free(&m);
    table_free(&table);
}

static void test_round_trip(void **unused) {
    (void)unused;
    char path[64], hash[POMONA_HASH_TEXT_SIZE];
    file_name(path, "trip");
    for (int rows = 0; rows < 600; rows = rows * 3 + 1)
        for (enum table_kind kind = TABLE_RELU6; kind <= TABLE_EXTREME; kind++) {
            struct table table = table_make(rows, 37, 5, kind);
            struct pomona_moments *m = moments_of(&table, 0, 1), *back;
            assert_int_equal(pomona_moments_write(m, path, hash, &error), POMONA_OK);
            assert_int_equal(strlen(hash), 64);
            assert_int_equal(pomona_moments_read(context, path, &back, &error), POMONA_OK);
            assert_same_moments(m, back);
            /* and it goes on from there */
            if (rows > 0) {
                assert_int_equal(pomona_moments_subtract(back, m, &error), POMONA_OK);
                add_row(back, &table, 0);
                struct pomona_moments *one = moments_make(37);
                add_row(one, &table, 0);
                assert_same_moments(back, one);
                pomona_moments_free(&one);
            }
            pomona_moments_free(&m);
            pomona_moments_free(&back);
            table_free(&table);
        }
    unlink(path);
}

/* Everything once, as one operation whose allocations fail one after the other. */
static pomona_status everything(const struct table *table, const char *path) {
    struct pomona_moments *m = NULL, *other = NULL, *back = NULL, *from = NULL;
    struct pomona_pca *pca = NULL, *pca_back = NULL, *pca_from = NULL;
    uint8_t *bytes = NULL, *pca_bytes = NULL;
    size_t size = 0, pca_size = 0;
    const struct pomona_pca_options options = {.k = 2};
    char label[32];
    pomona_status status = pomona_moments_new(context, table->features, "s", &m, &error);
    if (status == POMONA_OK) status = pomona_moments_new(context, table->features, "s", &other, &error);
    for (int row = 0; row < table->rows && status == POMONA_OK; row++)
        status = pomona_moments_add(row % 2 ? m : other, "r", table_label(table, row, label),
                                    table_row(table, row), &error);
    if (status == POMONA_OK) status = pomona_moments_merge(m, other, &error);
    if (status == POMONA_OK) status = pomona_moments_write(m, path, NULL, &error);
    if (status == POMONA_OK) status = pomona_moments_read(context, path, &back, &error);
    if (status == POMONA_OK) status = pomona_moments_subtract(back, other, &error);
    if (status == POMONA_OK) status = pomona_pca_fit(m, &options, &pca, &error);
    if (status == POMONA_OK) status = pomona_pca_write(pca, path, &error);
    if (status == POMONA_OK) status = pomona_pca_read(path, &pca_back, &error);
    if (status == POMONA_OK) status = pomona_moments_to_bytes(m, &bytes, &size, &error);
    if (status == POMONA_OK) status = pomona_moments_from_bytes(context, "m", bytes, size, &from, &error);
    if (status == POMONA_OK) status = pomona_pca_to_bytes(pca, &pca_bytes, &pca_size, &error);
    if (status == POMONA_OK) status = pomona_pca_from_bytes("p", pca_bytes, pca_size, &pca_from, &error);
    pomona_bytes_free(&bytes);
    pomona_bytes_free(&pca_bytes);
    pomona_moments_free(&from);
    pomona_pca_free(&pca_from);
    pomona_pca_free(&pca);
    pomona_pca_free(&pca_back);
    pomona_moments_free(&m);
    pomona_moments_free(&other);
    pomona_moments_free(&back);
    return status;
}

static void test_every_allocation(void **unused) {
    (void)unused;
    char path[64];
    file_name(path, "allocations");
    struct table table = table_make(300, 5, 40, TABLE_RELU6);
    long k = 1;
    for (;; k++) {
        fail_allocation(k);
        pomona_status status = everything(&table, path);
        int reached = failed_allocation();
        fail_allocation(0);
        if (!reached) {
            assert_int_equal(status, POMONA_OK);
            break;
        }
        /* LAPACK and stdio have allocations of their own, whose failure they may survive. */
        if (status != POMONA_OK) assert_int_equal(status, POMONA_E_MEMORY);
    }
    assert_true(k > 50);
    unlink(path);
    table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage),
                                       cmocka_unit_test(test_lies), cmocka_unit_test(test_bytes_in_memory),
                                       cmocka_unit_test(test_every_allocation)};
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pomona_context_free(&context);
    return failed;
}
