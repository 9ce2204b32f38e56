/* The schema of a table that is written: nodes and leaves of each column, and Spark's JSON of it. */
#ifndef TABLE_PARQUET_SCHEMA_H
#define TABLE_PARQUET_SCHEMA_H

#include "table/parquet_format.h"
#include "table/parquet_writer.h"
#include "table/thrift_writer.h"

enum { COLUMN_NODES_MAX = 9, COLUMN_LEAVES_MAX = 4, LEAF_PATH_MAX = 4 };

/* A node of the schema tree; the children of a group follow it, depth first. */
struct schema_node {
    const char *name;
    enum parquet_physical physical;
    enum parquet_repetition repetition;
    enum parquet_converted converted;
    int children;
};

/* A column chunk: a leaf of the tree, with the greatest definition and repetition level of its values. */
struct schema_leaf {
    enum parquet_physical physical;
    int max_definition, max_repetition; /* 0..4, 0..1 */
    int empty_definition;               /* level of an empty list; 0 where there is no list */
    const char *path[LEAF_PATH_MAX];
    int path_size;
};

/* Fills the nodes of one column and returns their number. Names point into `column` and static storage. */
int schema_nodes(const struct table_column *column, enum parquet_lists lists,
                 struct schema_node nodes[COLUMN_NODES_MAX]);

/* Fills the leaves below nodes[0] and returns their number. */
int schema_leaves(const struct schema_node *nodes, struct schema_leaf leaves[COLUMN_LEAVES_MAX]);

/* Appends the element (field 2's struct) of one node to a list just started. */
void schema_write_node(struct thrift_writer *writer, const struct schema_node *node);

/* Appends Spark's description of the columns, the value of org.apache.spark.sql.parquet.row.metadata. */
pomona_status schema_spark_json(const struct table_column *columns, int count, struct buffer *out,
                                struct pomona_error *error);

#endif
