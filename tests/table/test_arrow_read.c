/* Record batches of Arrow's C data interface, read: every layout, slices, nulls, and what is refused with which words. Buffers are of
 * exactly the size that the format asks for, so that the sanitizers see a byte too many. */
#include "pomona/arrow.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 40, FRONT = 3 /* rows before a slice */ };

struct column {
    struct ArrowSchema schema, value_schema, *schema_children[1];
    struct ArrowArray array, values, *array_children[1];
    const void *buffers[3], *value_buffers[2];
    void *blocks[4];
};

struct batch {
    struct ArrowSchema schema, *schema_children[COLUMNS_MAX];
    struct ArrowArray array, *array_children[COLUMNS_MAX];
    const void *buffers[1];
    struct column columns[COLUMNS_MAX];
};

static struct pomona_error error;
static struct batch batch;
static struct pomona_arrow_column column;

static void *block_of(size_t size) { /* NULL for nothing, as producers do */
    void *block = size ? malloc(size) : NULL;
    assert_true(block || !size);
    return block;
}

static struct column *start_column(const char *name, const char *format, int64_t rows, int64_t front) {
    struct column *made = &batch.columns[batch.schema.n_children];
    made->schema = (struct ArrowSchema){.format = format, .name = name};
    made->array = (struct ArrowArray){.length = rows, .offset = front, .buffers = made->buffers};
    batch.schema_children[batch.schema.n_children++] = &made->schema;
    batch.array_children[batch.array.n_children++] = &made->array;
    return made;
}

static void start_batch(int64_t rows) {
    memset(&batch, 0, sizeof batch);
    batch.schema = (struct ArrowSchema){.format = "+s", .name = "", .children = batch.schema_children};
    batch.array = (struct ArrowArray){
        .length = rows, .n_buffers = 1, .buffers = batch.buffers, .children = batch.array_children};
}

static void end_batch(void) {
    for (int64_t i = 0; i < batch.array.n_children; i++)
        for (int b = 0; b < 4; b++) free(batch.columns[i].blocks[b]);
}

/* Row i is null where bit i of `nulls` is set; `front` rows that are null lie before. */
static uint8_t *validity_of(int64_t rows, int64_t front, unsigned nulls) {
    uint8_t *bits = block_of((size_t)(front + rows + 7) / 8);
    memset(bits, 0, (size_t)(front + rows + 7) / 8);
    for (int64_t i = 0; i < rows; i++)
        if (!(nulls >> i & 1)) bits[(front + i) / 8] |= (uint8_t)(1U << (front + i) % 8);
    return bits;
}

/* Offsets of rows whose lengths are given, 4 or 8 bytes each; rows before have 2 elements. Returns the number of elements. */
static int64_t offsets_of(void **block, bool wide, int64_t rows, int64_t front, const int *lengths) {
    int64_t at = 0;
    *block = block_of((size_t)(front + rows + 1) * (wide ? 8 : 4));
    for (int64_t i = 0; i <= front + rows; i++) {
        if (wide)
            ((int64_t *)*block)[i] = at;
        else
            ((int32_t *)*block)[i] = (int32_t)at;
        if (i < front + rows) at += i < front ? 2 : lengths[i - front];
    }
    return at;
}

/* A column of texts or bytes; NULL is null. */
static struct column *add_texts(const char *name, const char *format, int64_t rows, int64_t front,
                                const char *const *texts) {
    struct column *made = start_column(name, format, rows, front);
    int lengths[32];
    unsigned nulls = 0;
    for (int64_t i = 0; i < rows; i++) {
        lengths[i] = texts[i] ? (int)strlen(texts[i]) : 0;
        nulls |= (unsigned)(texts[i] == NULL) << i;
    }
    int64_t bytes = offsets_of(&made->blocks[1], strchr("UZ", format[0]) != NULL, rows, front, lengths);
    char *data = block_of((size_t)bytes), *end = data;
    for (int64_t i = 0; i < front; i++, end += 2) memcpy(end, "??", 2);
    for (int64_t i = 0; i < rows; end += lengths[i], i++)
        if (lengths[i]) memcpy(end, texts[i], (size_t)lengths[i]);
    made->blocks[2] = data;
    if (nulls || front) made->blocks[0] = validity_of(rows, front, nulls);
    made->array.null_count = nulls || front ? -1 : 0; /* -1: not counted */
    made->array.n_buffers = 3;
    for (int b = 0; b < 3; b++) made->buffers[b] = made->blocks[b];
    return made;
}

/* A column of lists, row i of lengths[i] elements 100 i, 100 i + 1, ... as float or double; `skip` elements lie before the values that
 * the offsets count from. */
static struct column *add_lists(const char *name, const char *format, bool doubles, int64_t rows,
                                int64_t front, const int *lengths, unsigned nulls, int64_t skip) {
    struct column *made = start_column(name, format, rows, front);
    bool fixed = format[1] == 'w';
    int64_t elements = fixed ? (front + rows) * lengths[0]
                             : offsets_of(&made->blocks[1], format[1] == 'L', rows, front, lengths);
    void *values = block_of((size_t)(skip + elements) * (doubles ? 8 : 4));
    int64_t at = skip + (fixed ? front * lengths[0] : front * 2);
    for (int64_t i = 0; i < at; i++)
        if (doubles)
            ((double *)values)[i] = -1;
        else
            ((float *)values)[i] = -1;
    for (int64_t i = 0; i < rows; i++)
        for (int e = 0; e < lengths[fixed ? 0 : i]; e++, at++)
            if (doubles)
                ((double *)values)[at] = (double)(100 * i + e);
            else
                ((float *)values)[at] = (float)(100 * i + e);
    made->blocks[2] = values;
    if (nulls) made->blocks[0] = validity_of(rows, front, nulls);
    made->buffers[0] = made->blocks[0];
    made->buffers[1] = made->blocks[1];
    made->array.n_buffers = fixed ? 1 : 2;
    made->array.null_count = nulls ? -1 : 0;
    made->array.n_children = made->schema.n_children = 1;
    made->schema.children = made->schema_children;
    made->array.children = made->array_children;
    made->schema_children[0] = &made->value_schema;
    made->array_children[0] = &made->values;
    made->value_schema = (struct ArrowSchema){.format = doubles ? "g" : "f", .name = "item"};
    made->value_buffers[1] = values;
    made->values = (struct ArrowArray){
        .length = elements, .offset = skip, .n_buffers = 2, .buffers = made->value_buffers};
    return made;
}

static pomona_status find(const char *name, enum pomona_arrow_type type, bool optional) {
    return pomona_arrow_find(&batch.schema, &batch.array, name, type, optional, &column, &error);
}

static void assert_text(int64_t row, const char *expected) {
    const void *data = NULL;
    size_t size = 0;
    assert_int_equal(pomona_arrow_is_null(&column, row), expected == NULL);
    assert_int_equal(pomona_arrow_bytes(&column, row, &data, &size), expected != NULL);
    if (!expected) return;
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(data, expected, size);
}

static const char *const texts[] = {"a", NULL, "", "d\xc3\xa9", NULL, "f", "gg", NULL, "i", "jjjj"};
enum { TEXTS = 10 };

static void texts_and_bytes_of_all_widths_and_slices(void **state) {
    (void)state;
    static const char *const formats[] = {"u", "U", "z", "Z"};
    for (int f = 0; f < 4; f++)
        for (int64_t front = 0; front <= 17; front += 17) {
            start_batch(TEXTS);
            add_texts("other", "u", TEXTS, 0, texts);
            add_texts("x", formats[f], TEXTS, front, texts);
            assert_int_equal(find("x", f < 2 ? POMONA_ARROW_TEXT : POMONA_ARROW_BYTES, false), POMONA_OK);
            assert_int_equal(column.rows, TEXTS);
            for (int64_t i = 0; i < TEXTS; i++) assert_text(i, texts[i]);
            if (f < 2) { /* a text is bytes as well */
                assert_int_equal(find("x", POMONA_ARROW_BYTES, false), POMONA_OK);
                for (int64_t i = 0; i < TEXTS; i++) assert_text(i, texts[i]);
            }
            end_batch();
        }
}

/* A slice of the batch itself: its offset counts in every column. */
static void a_sliced_batch(void **state) {
    (void)state;
    static const int lengths[] = {1, 2, 0, 4, 3, 2, 1, 1, 5, 1};
    start_batch(4);
    batch.array.offset = 5;
    add_texts("x", "u", TEXTS, FRONT, texts);
    add_lists("y", "+l", false, TEXTS, FRONT, lengths, 0, 2);
    assert_int_equal(find("x", POMONA_ARROW_TEXT, false), POMONA_OK);
    for (int64_t i = 0; i < 4; i++) assert_text(i, texts[5 + i]);
    assert_int_equal(find("y", POMONA_ARROW_FLOATS, false), POMONA_OK);
    for (int64_t i = 0; i < 4; i++) {
        const float *floats;
        const double *doubles;
        size_t count;
        assert_true(pomona_arrow_floats(&column, i, &floats, &doubles, &count));
        assert_int_equal(count, lengths[5 + i]);
        for (size_t e = 0; e < count; e++) assert_true(floats[e] == (float)(100 * (5 + i) + (int)e));
    }
    batch.array.length = 6; /* more than the columns have */
    assert_failure(find("x", POMONA_ARROW_TEXT, false), POMONA_E_INPUT, "x: a column shorter than its table");
    end_batch();
}

static void check_lists(const char *format, bool doubles, int64_t front, unsigned nulls, int64_t skip) {
    static const int ragged[] = {3, 0, 7, 1, 3, 3}, even[] = {5};
    bool fixed = format[1] == 'w';
    start_batch(6);
    add_lists("features", format, doubles, 6, front, fixed ? even : ragged, nulls, skip);
    assert_int_equal(find("features", POMONA_ARROW_FLOATS, false), POMONA_OK);
    for (int64_t i = 0; i < 6; i++) {
        const float *floats;
        const double *values;
        size_t count;
        bool null = nulls >> i & 1;
        assert_int_equal(pomona_arrow_is_null(&column, i), null);
        assert_int_equal(pomona_arrow_floats(&column, i, &floats, &values, &count), !null);
        if (null) continue;
        assert_int_equal(count, fixed ? even[0] : ragged[i]);
        assert_true(doubles ? !floats && values : floats && !values);
        for (size_t e = 0; e < count; e++)
            assert_true((doubles ? values[e] : (double)floats[e]) == (double)(100 * i + (int)e));
    }
    end_batch();
}

static void lists_of_all_kinds_and_slices(void **state) {
    (void)state;
    static const char *const formats[] = {"+l", "+L", "+w:5"};
    for (int f = 0; f < 3; f++)
        for (int doubles = 0; doubles < 2; doubles++)
            for (int64_t front = 0; front <= 9; front += 9)
                for (int64_t skip = 0; skip <= 3; skip += 3)
                    for (unsigned nulls = 0; nulls <= 0x3f; nulls += 0x15)
                        check_lists(formats[f], doubles, front, nulls, skip);
}

static void a_null_inside_a_list_is_found(void **state) {
    (void)state;
    static const int lengths[] = {3, 3, 3};
    start_batch(3);
    struct column *made = add_lists("features", "+l", false, 3, 0, lengths, 0, 1);
    made->blocks[3] = validity_of(9, 1, 1U << 4); /* the middle of the second row */
    made->value_buffers[0] = made->blocks[3];
    made->values.null_count = 1;
    assert_int_equal(find("features", POMONA_ARROW_FLOATS, false), POMONA_OK);
    for (int64_t i = 0; i < 3; i++) {
        const float *floats;
        const double *doubles;
        size_t count;
        assert_int_equal(pomona_arrow_floats(&column, i, &floats, &doubles, &count), i != 1);
        assert_false(pomona_arrow_is_null(&column, i));
    }
    end_batch();
}

static void a_missing_column_is_named_with_those_that_are_there(void **state) {
    (void)state;
    start_batch(TEXTS);
    add_texts("path", "u", TEXTS, 0, texts);
    add_texts("photo", "z", TEXTS, 0, texts);
    add_texts(NULL, "z", TEXTS, 0, texts); /* a name may be left out */
    assert_failure(find("content", POMONA_ARROW_BYTES, false), POMONA_E_INPUT, "content: ");
    assert_string_equal(error.message, "content: there is no such column; the table has: path, photo, ");
    assert_string_equal(error.where, "content");
    assert_null(column.array);
    assert_int_equal(find("content", POMONA_ARROW_BYTES, true), POMONA_OK);
    assert_null(column.array);
    end_batch();

    start_batch(0); /* more names than a message holds */
    static char names[COLUMNS_MAX][32];
    for (int i = 0; i < COLUMNS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "a column of some length %d", i);
        add_texts(names[i], "u", 0, 0, texts);
    }
    assert_failure(find("x", POMONA_ARROW_TEXT, false), POMONA_E_INPUT,
                   "the table has: a column of some length 0, ");
    end_batch();
}

static void wrong_types_are_named(void **state) {
    (void)state;
    static const int lengths[] = {2};
    static const struct {
        const char *format;
        enum pomona_arrow_type type;
        const char *message;
    } cases[] = {{"z", POMONA_ARROW_TEXT, "x: the column is not a string (its Arrow format is \"z\")"},
                 {"Z", POMONA_ARROW_TEXT, "x: the column is not a string (its Arrow format is \"Z\")"},
                 {"vu", POMONA_ARROW_TEXT, "x: the column is not a string (its Arrow format is \"vu\")"},
                 {"", POMONA_ARROW_BYTES, "x: the column is not binary (its Arrow format is \"\")"},
                 {"l", POMONA_ARROW_BYTES, "x: the column is not binary (its Arrow format is \"l\")"},
                 {"w:16", POMONA_ARROW_BYTES, "x: the column is not binary (its Arrow format is \"w:16\")"},
                 {"u", POMONA_ARROW_FLOATS,
                  "x: the column is not a list of float or double (its Arrow format is \"u\")"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start_batch(1);
        add_texts("x", "u", 1, 0, texts)->schema.format = cases[i].format;
        assert_failure(find("x", cases[i].type, i % 2), POMONA_E_INPUT, "x: ");
        assert_string_equal(error.message, cases[i].message);
        end_batch();
    }
    static const char *const lists[] = {"+w:", "+w:0", "+w:-2", "+w:99999999999", "+w:2x", "+vl", "+s", "f"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        start_batch(1);
        add_lists("x", "+w:2", false, 1, 0, lengths, 0, 0)->schema.format = lists[i];
        assert_failure(find("x", POMONA_ARROW_FLOATS, false), POMONA_E_INPUT,
                       "not a list of float or double");
        end_batch();
    }
    static const char *const elements[] = {"i", "e", "u", "+l", "gg", ""};
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        start_batch(1);
        add_lists("x", "+l", false, 1, 0, lengths, 0, 0)->value_schema.format = elements[i];
        assert_failure(find("x", POMONA_ARROW_FLOATS, false), POMONA_E_INPUT,
                       "not a list of float or double");
        end_batch();
    }
}

static void dictionaries_are_refused(void **state) {
    (void)state;
    static const int lengths[] = {2};
    struct ArrowSchema words = {.format = "u"};
    start_batch(1);
    add_texts("x", "u", 1, 0, texts)->schema.dictionary = &words;
    add_lists("y", "+l", false, 1, 0, lengths, 0, 0)->schema.dictionary = &words;
    assert_failure(find("x", POMONA_ARROW_TEXT, false), POMONA_E_INPUT, "x: the column is not a string");
    assert_failure(find("y", POMONA_ARROW_FLOATS, true), POMONA_E_INPUT, "y: the column is not a list");
    end_batch();
}

static void only_record_batches(void **state) {
    (void)state;
    start_batch(TEXTS);
    struct column *made = add_texts("x", "u", TEXTS, 0, texts);
    batch.schema.format = "u";
    assert_failure(find("x", POMONA_ARROW_TEXT, false), POMONA_E_INPUT, "not a record batch");
    batch.schema.format = NULL;
    assert_failure(find("x", POMONA_ARROW_TEXT, true), POMONA_E_INPUT, "not a record batch");
    batch.schema.format = "+s";
    batch.array.n_children = 0;
    assert_failure(find("x", POMONA_ARROW_TEXT, true), POMONA_E_INPUT, "not a record batch");
    batch.array.n_children = 1;
    batch.buffers[0] = made->buffers[0]; /* a struct array whose rows may be null */
    batch.array.null_count = -1;
    assert_failure(find("x", POMONA_ARROW_TEXT, false), POMONA_E_INPUT, "not a record batch");
    batch.array.length = 1; /* of which this row is not */
    assert_int_equal(find("x", POMONA_ARROW_TEXT, false), POMONA_OK);
    end_batch();
}

/* Producers leave out all buffers of an empty array. */
static void no_rows(void **state) {
    (void)state;
    start_batch(0);
    struct column *made = start_column("x", "u", 0, 0);
    made->array.n_buffers = 3;
    assert_int_equal(find("x", POMONA_ARROW_TEXT, false), POMONA_OK);
    assert_int_equal(column.rows, 0);
    end_batch();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_and_bytes_of_all_widths_and_slices),
                                       cmocka_unit_test(a_sliced_batch),
                                       cmocka_unit_test(lists_of_all_kinds_and_slices),
                                       cmocka_unit_test(a_null_inside_a_list_is_found),
                                       cmocka_unit_test(a_missing_column_is_named_with_those_that_are_there),
                                       cmocka_unit_test(wrong_types_are_named),
                                       cmocka_unit_test(dictionaries_are_refused),
                                       cmocka_unit_test(only_record_batches),
                                       cmocka_unit_test(no_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
