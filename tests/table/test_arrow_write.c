/* Tables of features handed over by Arrow's C data interface: what they hold, who frees what, and memory that is short. */
#include "failing.h"
#include "pomona/arrow.h"
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 21, WIDTH = 5 };

static struct pomona_error error;

static struct pomona_arrow_text text_of(const char *text) {
    return (struct pomona_arrow_text){text, text ? strlen(text) : 0};
}

/* Every third row has no label, every fifth is an error. */
static bool has_label(int64_t row) { return row % 3 != 1; }
static bool has_error(int64_t row) { return row % 5 == 4; }

static pomona_status fill(struct pomona_arrow_features *table, int64_t first, int64_t rows) {
    for (int64_t i = first; i < rows; i++) {
        char path[32], label[32];
        snprintf(path, sizeof path, "photos/%d.jpg", (int)i);
        snprintf(label, sizeof label, "%s", i % 2 ? "apple" : ""); /* an empty text is none that is missing */
        for (int f = 0; f < WIDTH; f++) pomona_arrow_features_row(table, i)[f] = (float)(i * WIDTH + f);
        pomona_status status =
            pomona_arrow_features_add(table, text_of(path), text_of(has_label(i) ? label : NULL),
                                      text_of(has_error(i) ? "no JPEG" : NULL), &error);
        if (status != POMONA_OK) return status;
    }
    return POMONA_OK;
}

static void make(int64_t rows, struct ArrowSchema *schema, struct ArrowArray *array) {
    struct pomona_arrow_features *table;
    assert_int_equal(pomona_arrow_features_new(rows, WIDTH, &table, &error), POMONA_OK);
    assert_int_equal(fill(table, 0, rows), POMONA_OK);
    assert_int_equal(pomona_arrow_features_finish(&table, schema, array, &error), POMONA_OK);
    assert_null(table);
}

static void release(struct ArrowSchema *schema, struct ArrowArray *array) {
    schema->release(schema);
    array->release(array);
    assert_null(schema->release);
    assert_null(array->release);
}

static void check_text(const struct ArrowSchema *schema, const struct ArrowArray *array, const char *name,
                       int64_t row, const char *expected) {
    struct pomona_arrow_column column;
    const void *data;
    size_t size;
    assert_int_equal(pomona_arrow_find(schema, array, name, POMONA_ARROW_TEXT, false, &column, &error),
                     POMONA_OK);
    assert_int_equal(pomona_arrow_bytes(&column, row, &data, &size), expected != NULL);
    if (!expected) return;
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(data, expected, size);
}

/* By our own reader, which has tests of its own. */
static void check_table(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t rows) {
    struct pomona_arrow_column lists;
    assert_int_equal(array->length, rows);
    assert_int_equal(pomona_arrow_find(schema, array, "features", POMONA_ARROW_FLOATS, false, &lists, &error),
                     POMONA_OK);
    for (int64_t i = 0; i < rows; i++) {
        char path[32];
        const float *floats;
        const double *doubles;
        size_t count;
        snprintf(path, sizeof path, "photos/%d.jpg", (int)i);
        check_text(schema, array, "path", i, path);
        check_text(schema, array, "label", i, !has_label(i) ? NULL : i % 2 ? "apple" : "");
        check_text(schema, array, "error", i, has_error(i) ? "no JPEG" : NULL);
        assert_int_equal(pomona_arrow_floats(&lists, i, &floats, &doubles, &count), !has_error(i));
        if (has_error(i)) continue;
        assert_int_equal(count, WIDTH);
        for (int f = 0; f < WIDTH; f++) assert_true(floats[f] == (float)(i * WIDTH + f));
    }
}

static void the_schema_is_the_promised_one(void **state) {
    (void)state;
    static const char *const names[] = {"path", "label", "features", "error"}, *const formats[] = {"u", "u",
                                                                                                   "+l", "u"};
    struct ArrowSchema schema;
    struct ArrowArray array;
    make(ROWS, &schema, &array);
    assert_string_equal(schema.format, "+s");
    assert_int_equal(schema.n_children, 4);
    assert_int_equal(array.n_children, 4);
    assert_int_equal(array.n_buffers, 1);
    assert_int_equal(array.null_count, 0);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(schema.children[i]->name, names[i]);
        assert_string_equal(schema.children[i]->format, formats[i]);
        assert_int_equal(schema.children[i]->flags, ARROW_FLAG_NULLABLE);
        assert_int_equal(array.children[i]->length, ROWS);
        assert_int_equal(array.children[i]->n_buffers, i == 2 ? 2 : 3);
    }
    assert_string_equal(schema.children[2]->children[0]->format, "f");
    assert_int_equal(array.children[2]->children[0]->length, ROWS * WIDTH);
    assert_int_equal(array.children[0]->null_count, 0);
    assert_int_equal(array.children[1]->null_count, ROWS / 3);
    assert_int_equal(array.children[2]->null_count, ROWS / 5);
    assert_int_equal(array.children[3]->null_count, ROWS - ROWS / 5);
    check_table(&schema, &array, ROWS);
    release(&schema, &array);
}

static void any_number_of_rows(void **state) {
    (void)state;
    for (int64_t rows = 0; rows <= 17; rows++) {
        struct ArrowSchema schema;
        struct ArrowArray array;
        make(rows, &schema, &array);
        check_table(&schema, &array, rows);
        release(&schema, &array);
    }
}

static void fewer_rows_than_there_is_room_for(void **state) {
    (void)state;
    struct pomona_arrow_features *table;
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_int_equal(pomona_arrow_features_new(100, WIDTH, &table, &error), POMONA_OK);
    assert_int_equal(fill(table, 0, 7), POMONA_OK);
    assert_int_equal(pomona_arrow_features_finish(&table, &schema, &array, &error), POMONA_OK);
    check_table(&schema, &array, 7);
    release(&schema, &array);
}

/* A consumer may keep a column and let the rest go: it copies the struct and marks the original as released. */
static void children_may_be_moved_out(void **state) {
    (void)state;
    for (int kept = 0; kept < 4; kept++) {
        struct ArrowSchema schema, own_schema;
        struct ArrowArray array, own;
        make(ROWS, &schema, &array);
        own = *array.children[kept];
        array.children[kept]->release = NULL;
        own_schema = *schema.children[kept];
        schema.children[kept]->release = NULL;
        release(&schema, &array);
        assert_int_equal(own.length, ROWS);
        if (kept == 2) {
            struct ArrowArray values = *own.children[0]; /* and again */
            own.children[0]->release = NULL;
            release(&own_schema, &own);
            for (int i = 0; i < ROWS * WIDTH; i++)
                assert_true(((const float *)values.buffers[1])[i] == (float)i);
            values.release(&values);
        } else {
            const int32_t *offsets = own.buffers[1];
            assert_int_equal(offsets[0], 0);
            if (kept == 0) assert_memory_equal(own.buffers[2], "photos/0.jpgphotos/1.jpg", 24);
            assert_true(offsets[ROWS] > 0);
            release(&own_schema, &own);
        }
    }
}

static void bounds(void **state) {
    (void)state;
    struct pomona_arrow_features *table = (struct pomona_arrow_features *)&error;
    static const struct {
        int64_t rows;
        int features;
    } wrong[] = {
        {-1, 4}, {1, 0}, {1, -4}, {INT32_MAX / 1024 + 1, 1024}, {INT64_MAX, 1}, {INT64_MAX / 4, INT_MAX}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_failure(pomona_arrow_features_new(wrong[i].rows, wrong[i].features, &table, &error),
                       POMONA_E_LIMIT, "take fewer at a time");
        assert_null(table);
    }
    assert_int_equal(pomona_arrow_features_new(2, WIDTH, &table, &error), POMONA_OK);
    assert_int_equal(fill(table, 0, 2), POMONA_OK);
    assert_failure(pomona_arrow_features_add(table, text_of("a"), text_of("b"), text_of(NULL), &error),
                   POMONA_E_LIMIT, "more rows than the table has room for");
    pomona_arrow_features_free(&table);
    assert_null(table);
    pomona_arrow_features_free(&table);
    pomona_arrow_features_free(NULL);
}

/* One table, whose k-th allocation fails; then it goes on. */
static bool survives(long k) {
    struct pomona_arrow_features *table = NULL;
    struct ArrowSchema schema = {0};
    struct ArrowArray array = {0};
    bool reached = false;
    fail_allocation(k);
    pomona_status status = pomona_arrow_features_new(ROWS, WIDTH, &table, &error);
    if (status == POMONA_OK) {
        status = fill(table, 0, ROWS);
        if (status == POMONA_OK) status = pomona_arrow_features_finish(&table, &schema, &array, &error);
    }
    reached = failed_allocation();
    fail_allocation(0);
    assert_int_equal(status, reached ? POMONA_E_MEMORY : POMONA_OK);
    if (status == POMONA_OK) {
        check_table(&schema, &array, ROWS);
        release(&schema, &array);
    } else {
        assert_null(schema.release);
        assert_null(array.release);
    }
    pomona_arrow_features_free(&table);
    return !reached;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    long k = 1;
    while (!survives(k)) k++;
    assert_true(k > 20);
}

static void a_table_that_was_not_handed_over_can_be_handed_over_later(void **state) {
    (void)state;
    struct pomona_arrow_features *table;
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_int_equal(pomona_arrow_features_new(ROWS, WIDTH, &table, &error), POMONA_OK);
    assert_int_equal(fill(table, 0, ROWS), POMONA_OK);
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = pomona_arrow_features_finish(&table, &schema, &array, &error);
        fail_allocation(0);
        if (status == POMONA_OK) break;
        assert_int_equal(status, POMONA_E_MEMORY);
        assert_non_null(table);
        assert_null(schema.release);
        assert_null(array.release);
    }
    check_table(&schema, &array, ROWS);
    release(&schema, &array);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_is_the_promised_one),
        cmocka_unit_test(any_number_of_rows),
        cmocka_unit_test(fewer_rows_than_there_is_room_for),
        cmocka_unit_test(children_may_be_moved_out),
        cmocka_unit_test(bounds),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_table_that_was_not_handed_over_can_be_handed_over_later)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
