#include "base/error.h"
#include "pomona/model.h"

#include <string.h>

static const char *const names[] = {[POMONA_PRECISION_AUTO] = "auto",
                                    [POMONA_PRECISION_FP32] = "fp32",
                                    [POMONA_PRECISION_FP16] = "fp16",
                                    [POMONA_PRECISION_INT8] = "int8"};
enum { NAMES = sizeof names / sizeof *names };

const char *pomona_precision_name(pomona_precision precision) {
    return (unsigned)precision < NAMES ? names[precision] : "?";
}

pomona_status pomona_precision_parse(const char *name, pomona_precision *precision,
                                     struct pomona_error *error) {
    for (int i = 0; i < NAMES; i++)
        if (strcmp(name, names[i]) == 0) {
            *precision = (pomona_precision)i;
            return POMONA_OK;
        }
    return fail(error, POMONA_E_USAGE, NULL, "unknown precision '%.40s': auto, fp32, fp16 or int8", name);
}
