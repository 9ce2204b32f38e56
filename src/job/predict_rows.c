#include "job/predict_rows.h"

#include "base/json.h"
#include "base/memory.h"
#include "job/predict_text.h"

#include <string.h>
#include <unistd.h>

enum { ROW_BYTES_MAX = 16 << 20, COLUMNS = 10, FUSED_COLUMN = 9 };

static const struct table_column columns[COLUMNS] = {{"path", TABLE_TEXT},
                                                     {"class", TABLE_TEXT},
                                                     {"probability", TABLE_DOUBLE},
                                                     {"coarse", TABLE_TEXT},
                                                     {"coarse_probability", TABLE_DOUBLE},
                                                     {"level", TABLE_TEXT},
                                                     {"rejected", TABLE_BOOLEAN},
                                                     {"known", TABLE_DOUBLE},
                                                     {"error", TABLE_TEXT},
                                                     {"photos", TABLE_INT64}};

static const char *level_name(enum pomona_answer_level level) {
    return level == POMONA_ANSWER_FINE ? "fine" : level == POMONA_ANSWER_COARSE ? "coarse" : "rejected";
}

static const char *class_name(const struct predict_rows *rows, int index) {
    struct pomona_class class = {.name = ""};
    pomona_classifier_class(rows->classifier, index, &class);
    return class.name;
}

/* Gives the gathered text to the sink. */
static pomona_status flush_text(struct predict_rows *rows, struct pomona_error *error) {
    if (rows->text.size > 0) TRY(sink_write(&rows->sink, rows->text.data, rows->text.size, error));
    buffer_clear(&rows->text);
    return POMONA_OK;
}

static void fill_cells(const struct predict_rows *rows, const struct predict_row *row,
                       struct table_cell cells[COLUMNS]) {
    const struct pomona_answer *answer = &row->answer;
    for (int i = 0; i < COLUMNS; i++) cells[i] = cell_null();
    cells[0] = cell_text(row->path);
    cells[8] = cell_text(row->error);
    if (row->error) return;
    cells[1] = cell_text(class_name(rows, answer->best));
    cells[2] = cell_number(answer->probability);
    if (answer->group >= 0) {
        cells[3] = cell_text(pomona_classifier_group(rows->classifier, answer->group));
        cells[4] = cell_number(answer->group_probability);
    }
    cells[5] = cell_text(level_name(answer->level));
    cells[6] = (struct table_cell){.boolean = answer->level == POMONA_ANSWER_REJECTED};
    cells[7] = cell_number(answer->known);
    cells[FUSED_COLUMN] = (struct table_cell){.integer = row->photos};
}

/* The CSV writer quotes an empty text, so that a null is told from it: a null is written as nothing at all. */
static void csv_cell(struct csv_writer *csv, enum table_type type, const struct table_cell *cell) {
    if (cell->null)
        csv_null(csv);
    else if (type == TABLE_TEXT)
        csv_text(csv, cell->text);
    else if (type == TABLE_DOUBLE)
        csv_number(csv, cell->number);
    else if (type == TABLE_BOOLEAN)
        csv_text(csv, cell->boolean ? "true" : "false");
    else
        csv_integer(csv, cell->integer);
}

static pomona_status add_csv(struct predict_rows *rows, const struct predict_row *row,
                             struct pomona_error *error) {
    struct table_cell cells[COLUMNS];
    fill_cells(rows, row, cells);
    rows->csv.error = error;
    for (int i = 0; i < COLUMNS - !rows->fused; i++) csv_cell(&rows->csv, columns[i].type, &cells[i]);
    csv_end_record(&rows->csv);
    return rows->csv.status;
}

static void json_top(struct predict_rows *rows, struct json *json, const struct predict_row *row) {
    json_array(json, "top");
    pomona_classifier_top(row->probabilities, rows->info.classes, rows->top, rows->best);
    for (int i = 0; i < rows->top; i++) {
        json_object(json, NULL);
        json_text(json, "class", class_name(rows, rows->best[i]));
        json_number(json, "probability", row->probabilities[rows->best[i]]);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_cell(struct json *json, const struct table_column *column, const struct table_cell *cell) {
    if (cell->null || column->type == TABLE_TEXT)
        json_text(json, column->name, cell->null ? NULL : cell->text);
    else if (column->type == TABLE_DOUBLE)
        json_number(json, column->name, cell->number);
    else if (column->type == TABLE_BOOLEAN)
        json_boolean(json, column->name, cell->boolean);
    else
        json_integer(json, column->name, cell->integer);
}

static pomona_status add_json(struct predict_rows *rows, const struct predict_row *row,
                              struct pomona_error *error) {
    struct table_cell cells[COLUMNS];
    struct json json = json_start_line(&rows->text, error);
    fill_cells(rows, row, cells);
    json_object(&json, NULL);
    for (int i = 0; i < COLUMNS - !rows->fused; i++) json_cell(&json, &columns[i], &cells[i]);
    if (row->error)
        json_text(&json, "top", NULL);
    else
        json_top(rows, &json, row);
    json_object_end(&json);
    TRY(json_finish(&json));
    return flush_text(rows, error);
}

pomona_status predict_rows_start(struct predict_rows *rows, struct pomona_error *error) {
    pomona_classifier_get_info(rows->classifier, &rows->info);
    rows->text = BUFFER_INIT(ROW_BYTES_MAX);
    if (rows->top > rows->info.classes) rows->top = rows->info.classes;
    rows->best = memory_new((size_t)rows->top, sizeof *rows->best);
    if (!rows->best) return fail_memory(error, "rows");
    if (getcwd(rows->folder, sizeof rows->folder - 1))
        rows->folder[strlen(rows->folder) + 1] = '\0', rows->folder[strlen(rows->folder)] = '/';
    else
        rows->folder[0] = '\0';
    int count = COLUMNS - !rows->fused;
    if (rows->format == POMONA_PREDICT_PARQUET) {
        const struct table_property properties[] = {{"pomona.classifier_hash", rows->info.hash},
                                                    {"pomona.feature_space", rows->info.model.feature_space}};
        const struct parquet_options options = {.properties = properties, .property_count = 2};
        return parquet_writer_new(rows->sink, columns, count, &options, &rows->parquet, error);
    }
    if (rows->format != POMONA_PREDICT_CSV) return POMONA_OK;
    rows->csv = csv_start(rows->sink, error);
    for (int i = 0; i < count; i++) csv_text(&rows->csv, columns[i].name);
    csv_end_record(&rows->csv);
    return rows->csv.status;
}

pomona_status predict_rows_add(struct predict_rows *rows, const struct predict_row *row,
                               struct pomona_error *error) {
    struct table_cell cells[COLUMNS];
    switch (rows->format) {
    case POMONA_PREDICT_CSV: return add_csv(rows, row, error);
    case POMONA_PREDICT_JSON: return add_json(rows, row, error);
    case POMONA_PREDICT_PARQUET:
        fill_cells(rows, row, cells);
        return parquet_writer_add(rows->parquet, cells, error);
    case POMONA_PREDICT_TEXT: break;
    }
    TRY(rows->block ? predict_text_block(rows, row, error) : predict_text_line(rows, row, error));
    return flush_text(rows, error);
}

pomona_status predict_rows_finish(struct predict_rows *rows, struct pomona_error *error) {
    if (rows->format == POMONA_PREDICT_PARQUET) return parquet_writer_finish(rows->parquet, error);
    if (rows->format != POMONA_PREDICT_CSV) return POMONA_OK;
    rows->csv.error = error;
    return csv_finish(&rows->csv);
}

void predict_rows_free(struct predict_rows *rows) {
    parquet_writer_free(&rows->parquet);
    buffer_free(&rows->csv.text);
    buffer_free(&rows->text);
    memory_free(rows->best);
    rows->best = NULL;
}
