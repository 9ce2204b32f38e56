#include "image/libjpeg.h"

#include <jerror.h>
#include <string.h>

static pomona_status status_of(int code) {
    switch (code) {
    case JERR_OUT_OF_MEMORY: return POMONA_E_MEMORY;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW: return POMONA_E_LIMIT;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_SOF_UNSUPPORTED: return POMONA_E_UNSUPPORTED;
    default: return POMONA_E_CORRUPT;
    }
}

static void error_exit(j_common_ptr jpeg) {
    struct libjpeg_error *error = (struct libjpeg_error *)jpeg->err;
    error->status = status_of(jpeg->err->msg_code);
    (*jpeg->err->format_message)(jpeg, error->message);
    longjmp(error->jump, 1);
}

void libjpeg_fail(j_common_ptr jpeg, pomona_status status, const char *message) {
    struct libjpeg_error *error = (struct libjpeg_error *)jpeg->err;
    error->status = status;
    snprintf(error->message, sizeof error->message, "%s", message);
    longjmp(error->jump, 1);
}

static void emit_message(j_common_ptr jpeg, int level) {
    if (level < 0) jpeg->err->num_warnings++;
}

static void output_message(j_common_ptr jpeg) { (void)jpeg; }

struct jpeg_error_mgr *libjpeg_error_start(struct libjpeg_error *error) {
    jpeg_std_error(&error->manager);
    error->manager.error_exit = error_exit;
    error->manager.emit_message = emit_message;
    error->manager.output_message = output_message;
    error->status = POMONA_OK;
    error->message[0] = '\0';
    return &error->manager;
}
