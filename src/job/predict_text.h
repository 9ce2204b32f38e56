/* Answers for people. */
#ifndef JOB_PREDICT_TEXT_H
#define JOB_PREDICT_TEXT_H

#include "job/predict_rows.h"

/* Appends one line, or a block with the most probable classes, to rows->text. Failed rows are nothing. */
pomona_status predict_text_line(struct predict_rows *rows, const struct predict_row *row,
                                struct pomona_error *error);
pomona_status predict_text_block(struct predict_rows *rows, const struct predict_row *row,
                                 struct pomona_error *error);

#endif
