/* The index of a packed folder, as it should be and as it should not, and the headers of a tar archive. */
#include "store/pack_index.h"
#include "store/tar.h"
#include "table/parquet_writer.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <stdio.h>
#include <string.h>

static struct pomona_error error;

#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct row {
    const char *path, *shard;
    int64_t offset, size;
};

static const struct row rows[] = {{"_hidden/a.jpg", "s0.tar", 512, 10}, {"apple/.b.jpg", "s0.tar", 1536, 0},
                                  {"apple/1.jpg", "s0.tar", 2048, 513}, {"apple/2.jpg", "s1.tar", 512, 7},
                                  {"apple/2.png", "s1.tar", 1536, 7},   {"pear/1.jpg", "s1.tar", 2560, 1536},
                                  {"z.jpg", "s2.tar", 512, 512}};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* Sizes of the shards of `rows`, to the last byte. */
static pomona_status size_of(void *user, const char *shard, uint64_t *size, struct pomona_error *cause) {
    int *asked = user;
    ++*asked;
    if (strcmp(shard, "s2.tar") > 0) return fail(cause, POMONA_E_INPUT, shard, "is missing");
    *size = strcmp(shard, "s0.tar") == 0 ? 2561 : strcmp(shard, "s1.tar") == 0 ? 4096 : 1024;
    return POMONA_OK;
}

static void write_index(struct buffer *out, const struct row *from, size_t count, const char *version) {
    static const struct table_column columns[] = {{"path", TABLE_TEXT},      {"shard", TABLE_TEXT},
                                                  {"offset", TABLE_INT64},   {"size", TABLE_INT64},
                                                  {"modified", TABLE_INT64}, {"sha256", TABLE_TEXT}};
    const struct table_property property = {"pomona.pack", version};
    const struct parquet_options options = {.properties = &property, .property_count = version ? 1 : 0};
    struct parquet_writer *writer;
    assert_int_equal(parquet_writer_new(sink_to_buffer(out), columns, 6, &options, &writer, &error),
                     POMONA_OK);
    for (size_t i = 0; i < count; i++) {
        const struct table_cell cells[] = {cell_text(from[i].path),      cell_text(from[i].shard),
                                           cell_integer(from[i].offset), cell_integer(from[i].size),
                                           cell_integer((int64_t)i - 3), cell_text(SUM)};
        assert_int_equal(parquet_writer_add(writer, cells, &error), POMONA_OK);
    }
    assert_int_equal(parquet_writer_finish(writer, &error), POMONA_OK);
    parquet_writer_free(&writer);
}

static pomona_status list(const struct buffer *index, const char *glob, struct listing *listing, int *asked) {
    struct source_memory state;
    const struct pack_place place = {
        .uri = "file:/p", .path = "/p", .shard_size = asked ? size_of : NULL, .user = asked};
    return pack_index_list(source_from_memory("index", index->data, index->size, &state), &place, glob,
                           listing, &error);
}

static pomona_status find(const struct buffer *index, const char *path, struct listing *listing,
                          bool *found) {
    struct source_memory state;
    const struct pack_place place = {.uri = "s3://b/p", .path = "s3://b/p"};
    return pack_index_find(source_from_memory("index", index->data, index->size, &state), &place, path,
                           listing, found, &error);
}

static void assert_photo(const struct listed_photo *photo, const char *path, const char *uri,
                         const char *label, const struct row *row) {
    assert_string_equal(photo->path, path);
    assert_string_equal(photo->uri, uri);
    assert_string_equal(photo->label, label);
    assert_true(photo->packed);
    assert_int_equal(photo->offset, row->offset);
    assert_int_equal(photo->size, row->size);
    assert_int_equal(photo->modified, row - rows - 3);
}

static void test_list(void **state) {
    struct buffer index = BUFFER_INIT(1 << 20);
    struct listing listing = LISTING_INIT;
    int asked = 0;
    (void)state;
    write_index(&index, rows, ROWS, "1");
    assert_int_equal(list(&index, "*.jpg", &listing, &asked), POMONA_OK);
    assert_int_equal(listing.count, 4);
    assert_int_equal(listing.skipped, 3); /* two that are hidden, one that the pattern leaves out */
    assert_int_equal(asked, 3);           /* once for each shard */
    assert_photo(&listing.photos[0], "/p/s0.tar", "file:/p/apple/1.jpg", "apple", &rows[2]);
    assert_photo(&listing.photos[1], "/p/s1.tar", "file:/p/apple/2.jpg", "apple", &rows[3]);
    assert_photo(&listing.photos[2], "/p/s1.tar", "file:/p/pear/1.jpg", "pear", &rows[5]);
    assert_photo(&listing.photos[3], "/p/s2.tar", "file:/p/z.jpg", "p", &rows[6]);
    listing_free(&listing);
    buffer_free(&index);
}

static void test_find(void **state) {
    struct buffer index = BUFFER_INIT(1 << 20);
    struct listing listing = LISTING_INIT;
    bool found;
    (void)state;
    write_index(&index, rows, ROWS, "1");
    assert_int_equal(find(&index, "pear/1.jpg", &listing, &found), POMONA_OK);
    assert_true(found);
    assert_photo(&listing.photos[0], "s3://b/p/s1.tar", "s3://b/p/pear/1.jpg", "pear", &rows[5]);
    static const char *const missing[] = {"", "a", "apple/1.jp", "apple/1.jpg2", "zz"};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        assert_int_equal(find(&index, missing[i], &listing, &found), POMONA_OK);
        assert_false(found);
    }
    assert_int_equal(listing.count, 1);
    listing_free(&listing);
    buffer_free(&index);
}

/* How many photos of `rows` lie below a folder, and whether it is one. */
static void assert_below(const struct buffer *index, const char *below, const char *glob, size_t count,
                         int skipped, bool is_folder) {
    struct source_memory state;
    const struct pack_place place = {.uri = "file:/p", .path = "/p"};
    struct listing listing = LISTING_INIT;
    bool found;
    assert_int_equal(pack_index_list_below(source_from_memory("index", index->data, index->size, &state),
                                           &place, below, glob, &listing, &found, &error),
                     POMONA_OK);
    assert_int_equal(listing.count, count);
    assert_int_equal(listing.skipped, skipped);
    assert_int_equal(found, is_folder);
    for (size_t i = 0; i < count; i++) assert_true(strstr(listing.photos[i].uri, below));
    listing_free(&listing);
}

static void test_below(void **state) {
    struct buffer index = BUFFER_INIT(1 << 20);
    (void)state;
    write_index(&index, rows, ROWS, "1");
    assert_below(&index, "apple", "*.jpg", 2, 2, true); /* a hidden name, another pattern */
    assert_below(&index, "apple", NULL, 4, 0, true);
    assert_below(&index, "pear", "*.png", 0, 1, true);
    assert_below(&index, "_hidden", "*.jpg", 1, 0, true); /* who names it wants it */
    assert_below(&index, "", "*", 5, 2, true);
    assert_below(&index, "appl", "*", 0, 0, false);
    assert_below(&index, "apple/1.jpg", "*", 0, 0, false);
    assert_below(&index, "z", "*", 0, 0, false);
    assert_below(&index, "zz", "*", 0, 0, false);
    buffer_free(&index);
}

static void assert_refused(const struct row *from, size_t count, const char *version, int code,
                           const char *part) {
    struct buffer index = BUFFER_INIT(1 << 20);
    struct listing listing = LISTING_INIT;
    int asked = 0;
    write_index(&index, from, count, version);
    assert_failure(list(&index, "*", &listing, &asked), code, part);
    listing_free(&listing);
    buffer_free(&index);
}

static void test_refused(void **state) {
    (void)state;
    assert_refused(rows, ROWS, NULL, POMONA_E_INPUT, "not the index");
    assert_refused(rows, ROWS, "2", POMONA_E_UNSUPPORTED, "newer");
    static const struct {
        struct row row; /* behind the first three */
        const char *part;
    } bad[] = {{{"b.jpg", "s0.tar", 3584, 0}, "beyond the end"},
               {{"b.jpg", "s0.tar", 2560, 1}, "overlaps"},
               {{"b.jpg", "s1.tar", 3584, 513}, "beyond the end"},
               {{"b.jpg", "s1.tar", 513, 1}, "overlaps"},
               {{"b.jpg", "s1.tar", 0, 1}, "overlaps"},
               {{"b.jpg", "s1.tar", INT64_MAX - 511, INT64_MAX}, "beyond the end"},
               {{"b.jpg", "s1.tar", INT64_MIN, 1}, "negative"},
               {{"b.jpg", "s3.tar", 512, 1}, "is missing"},
               {{"b.jpg", "r.tar", 512, 1}, "not in order"},
               {{"b.jpg", "_s", 512, 1}, "name"},
               {{"apple/1.jpg", "s1.tar", 512, 1}, "not in order"},
               {{"b/..", "s1.tar", 512, 1}, "below the folder"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct row some[4] = {rows[0], rows[1], rows[2], bad[i].row};
        assert_refused(some, 4, "1", strstr(bad[i].part, "missing") ? POMONA_E_INPUT : POMONA_E_CORRUPT,
                       bad[i].part);
    }
    /* Without sizes of shards the end of the numbers is what holds. */
    struct buffer index = BUFFER_INIT(1 << 20);
    struct listing listing = LISTING_INIT;
    write_index(&index, &(struct row){"b.jpg", "s.tar", INT64_MAX - 511, 512}, 1, "1");
    assert_failure(list(&index, "*", &listing, NULL), POMONA_E_CORRUPT, "beyond the end");
    listing_free(&listing);
    buffer_free(&index);
}

static void test_out_of_memory(void **state) {
    struct buffer index = BUFFER_INIT(1 << 20);
    (void)state;
    write_index(&index, rows, ROWS, "1");
    for (int finding = 0; finding < 2; finding++) {
        for (long k = 1;; k++) {
            struct listing listing = LISTING_INIT;
            int asked = 0;
            bool found = true;
            memset(&error, 0, sizeof error);
            fail_allocation(k);
            pomona_status status = finding ? find(&index, "pear/1.jpg", &listing, &found)
                                           : list(&index, "*.jpg", &listing, &asked);
            int failed = failed_allocation();
            fail_allocation(0);
            listing_free(&listing);
            if (!failed) {
                assert_int_equal(status, POMONA_OK);
                assert_true(k > 5);
                break;
            }
            assert_int_equal(status, POMONA_E_MEMORY);
            if (finding) assert_false(found);
        }
    }
    buffer_free(&index);
}

static void test_tame_paths(void **state) {
    (void)state;
    static const char *const good[] = {"a", "a/b", ".a", "..a", "a..", "a/...", "a\nb", "\xc3\xa9"};
    static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/.", "./a", "a/../b", "\xff"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(pack_path_is_tame(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pack_path_is_tame(bad[i], strlen(bad[i])));
    assert_false(pack_path_is_tame("a\0b", 3));
}

/* ---- tar: what Python's tarfile writes (of TarInfo.tobuf: PAX_FORMAT, and USTAR_FORMAT where a prefix is enough) */

#define D50 "dddddddddddddddddddddddddddddddddddddddddddddddddd"
#define F50 "ffffffffffffffffffffffffffffffffffffffffffffffffff"

static const struct {
    const char *name;
    uint64_t size;
    int64_t modified;
    const char *records; /* of the pax header, NULL: there is none */
    const char *field, *prefix, *octals,
        *checksum; /* of the header; octals: size and time; checksum NULL: not as Python's */
} headers[] = {
    {"a.jpg", UINT64_C(0), INT64_C(0), NULL, "a.jpg", "", "00000000000 00000000000", "010115\0 "},
    {"\xc3\xa9"
     ".jpg",
     UINT64_C(5), INT64_C(7),
     "15 path=\xc3\xa9"
     ".jpg\n",
     "\xc3\xa9"
     ".jpg",
     "", "00000000005 00000000007", NULL},
    {"a.jpg", UINT64_C(8589934592), INT64_C(7), "19 size=8589934592\n", "a.jpg", "",
     "00000000000 00000000007", "010124\0 "},
    {"a.jpg", UINT64_C(8589934591), INT64_C(8589934591), NULL, "a.jpg", "", "77777777777 77777777777",
     "010347\0 "},
    {"a.jpg", UINT64_C(5), INT64_C(-5), "12 mtime=-5\n", "a.jpg", "", "00000000005 00000000000", "010122\0 "},
    {"a.jpg", UINT64_C(5), INT64_C(8589934592), "20 mtime=8589934592\n", "a.jpg", "",
     "00000000005 00000000000", "010122\0 "},
    {F50 F50, UINT64_C(1), INT64_C(1), NULL, F50 F50, "", "00000000001 00000000001", "033127\0 "},
    {F50 F50 "f", UINT64_C(1), INT64_C(1), "111 path=" F50 F50 "f\n", F50 F50, "", "00000000001 00000000001",
     NULL},
    {D50 "/" F50, UINT64_C(1), INT64_C(1), NULL, F50, D50, "00000000001 00000000001", "032763\0 "},
    {D50 D50 D50 "ddddd/" F50 F50, UINT64_C(1), INT64_C(1), NULL, F50 F50, D50 D50 D50 "ddddd",
     "00000000001 00000000001", "071343\0 "},
    {D50 D50 D50 "dddddd/" F50 F50, UINT64_C(1), INT64_C(1), "267 path=" D50 D50 D50 "dddddd/" F50 F50 "\n",
     F50 F50, "", "00000000001 00000000001", NULL},
    {D50 "/" F50 F50 "f", UINT64_C(1), INT64_C(1), "162 path=" D50 "/" F50 F50 "f\n", F50 F50, "",
     "00000000001 00000000001", NULL},
};

/* Whether a field holds these bytes and then nothing. */
static bool holds(const uint8_t *field, size_t size, const char *text) {
    size_t length = strlen(text);
    if (length > size || memcmp(field, text, length) != 0) return false;
    for (size_t i = length; i < size; i++)
        if (field[i]) return false;
    return true;
}

static void test_tar_headers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct buffer out = BUFFER_INIT(1 << 16);
        char octals[25] = {0};
        assert_int_equal(
            tar_append_header(&out, headers[i].name, headers[i].size, headers[i].modified, &error),
            POMONA_OK);
        const uint8_t *at = out.data;
        if (headers[i].records) {
            size_t padded = strlen(headers[i].records) + tar_padding(strlen(headers[i].records));
            assert_int_equal(out.size, TAR_BLOCK + padded + TAR_BLOCK);
            assert_int_equal(at[156], 'x');
            assert_true(holds(at + TAR_BLOCK, padded, headers[i].records));
            at += TAR_BLOCK + padded;
        } else {
            assert_int_equal(out.size, TAR_BLOCK);
        }
        snprintf(octals, sizeof octals, "%s %s", (const char *)at + 124, (const char *)at + 136);
        if (!holds(at, 100, headers[i].field) || !holds(at + 345, 155, headers[i].prefix) ||
            strcmp(octals, headers[i].octals) != 0 || at[156] != '0' ||
            memcmp(at + 257, "ustar\00000", 8) != 0)
            fail_msg("header %zu", i);
        if (headers[i].checksum && memcmp(at + 148, headers[i].checksum, 8) != 0)
            fail_msg("header %zu: checksum %.8s", i, (const char *)at + 148);
        struct buffer name = BUFFER_INIT(1 << 16);
        uint64_t size;
        assert_int_equal(tar_read_header(out.data, out.size, &name, &size, &error), POMONA_OK);
        assert_int_equal(size, headers[i].size);
        assert_int_equal(name.size, strlen(headers[i].name));
        assert_memory_equal(name.data, headers[i].name, name.size);
        buffer_free(&name);
        buffer_free(&out);
    }
}

/* Less of a header, more than one, and one with any byte changed is none; or, where the byte does not matter, the same. */
static void test_tar_headers_that_are_none(void **state) {
    static const char long_name[] = "\xc3\xa9/a.jpg";
    struct buffer out = BUFFER_INIT(1 << 16), name = BUFFER_INIT(1 << 16);
    uint64_t member;
    (void)state;
    assert_int_equal(tar_append_header(&out, long_name, UINT64_C(1) << 33, -1, &error), POMONA_OK);
    size_t whole = out.size;
    assert_int_equal(whole, 3 * TAR_BLOCK);
    for (size_t size = 0; size < whole; size++) {
        uint8_t *some = test_malloc(size ? size : 1);
        memcpy(some, out.data, size);
        assert_int_equal(tar_read_header(some, size, &name, &member, &error), POMONA_E_CORRUPT);
        test_free(some);
    }
    for (size_t i = 0; i < whole; i++) {
        out.data[i] ^= 1;
        pomona_status status = tar_read_header(out.data, whole, &name, &member, &error);
        bool is_record = i >= TAR_BLOCK && i < 2 * TAR_BLOCK; /* no checksum covers these */
        bool is_behind_sum = i % TAR_BLOCK == 155;            /* which a NUL has ended */
        if (status == POMONA_OK && !is_record && !is_behind_sum) fail_msg("byte %zu may be anything", i);
        out.data[i] ^= 1;
    }
    assert_int_equal(tar_append_header(&out, "b.jpg", 1, 1, &error), POMONA_OK);
    assert_failure(tar_read_header(out.data, out.size, &name, &member, &error), POMONA_E_CORRUPT, "alone");
    buffer_free(&name);
    buffer_free(&out);
}

static void test_tar_out_of_memory(void **state) {
    (void)state;
    for (long k = 1;; k++) {
        struct buffer out = BUFFER_INIT(1 << 16);
        fail_allocation(k);
        pomona_status status = tar_append_header(&out, "\xc3\xa9.jpg", UINT64_C(1) << 33, -1, &error);
        int failed = failed_allocation();
        fail_allocation(0);
        buffer_free(&out);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
    struct buffer narrow = BUFFER_INIT(600);
    assert_failure(tar_append_header(&narrow, "\xc3\xa9.jpg", 1, 1, &error), POMONA_E_LIMIT, "");
    buffer_free(&narrow);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list),
                                       cmocka_unit_test(test_find),
                                       cmocka_unit_test(test_below),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_out_of_memory),
                                       cmocka_unit_test(test_tame_paths),
                                       cmocka_unit_test(test_tar_headers),
                                       cmocka_unit_test(test_tar_headers_that_are_none),
                                       cmocka_unit_test(test_tar_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
