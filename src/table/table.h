/* Columns and cells: what the table formats have in common. */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum table_type {
    TABLE_TEXT,        /* UTF-8 */
    TABLE_FLOAT_LIST,  /* array<float> */
    TABLE_DOUBLE_LIST, /* array<double> */
    TABLE_INT64,
    TABLE_FLOAT, /* read only */
    TABLE_DOUBLE,
    TABLE_BOOLEAN,
    TABLE_INT64_LIST,   /* read only */
    TABLE_SPARK_VECTOR, /* Spark ML's VectorUDT, dense: a struct of type, size, indices, values; write only */
    TABLE_OTHER         /* a column that the reader can name but not read */
};

/* All columns are nullable, as Spark writes them. */
struct table_column {
    const char *name;
    enum table_type type;
};

/* A key and a value of a file's footer. */
struct table_property {
    const char *key, *value;
};

/* One value of one row. Which member counts follows from the column's type. Pointers are borrowed: from the caller
 * until a writer returns, from a reader until its next row. */
struct table_cell {
    bool null;
    size_t count; /* bytes of a text, elements of a list */
    union {
        const char *text; /* not NUL-terminated */
        const float *floats;
        const double *doubles; /* also TABLE_SPARK_VECTOR */
        const int64_t *integers;
        int64_t integer;
        double number; /* TABLE_FLOAT, TABLE_DOUBLE */
        bool boolean;
    };
};

static inline struct table_cell cell_null(void) { return (struct table_cell){.null = true}; }

/* NULL is null. */
static inline struct table_cell cell_text(const char *text) {
    return (struct table_cell){.null = !text, .count = text ? strlen(text) : 0, .text = text};
}

static inline struct table_cell cell_text_of(const char *text, size_t bytes) {
    return (struct table_cell){.count = bytes, .text = text};
}

static inline struct table_cell cell_floats(const float *values, size_t count) {
    return (struct table_cell){.count = count, .floats = values};
}

static inline struct table_cell cell_doubles(const double *values, size_t count) {
    return (struct table_cell){.count = count, .doubles = values};
}

static inline struct table_cell cell_integer(int64_t value) { return (struct table_cell){.integer = value}; }
static inline struct table_cell cell_number(double value) { return (struct table_cell){.number = value}; }
static inline struct table_cell cell_boolean(bool value) { return (struct table_cell){.boolean = value}; }

#endif
