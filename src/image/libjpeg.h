/* libjpeg's way of failing, turned into ours. Only decode.c and encode.c call libjpeg, and a longjmp never leaves them. */
#ifndef IMAGE_LIBJPEG_H
#define IMAGE_LIBJPEG_H

#include "base/error.h"

#include <setjmp.h>
#include <stdio.h>
/* jpeglib.h needs FILE and size_t before it */
/* clang-format off */
#include <jpeglib.h>
/* clang-format on */

/* libjpeg's error manager with a place to jump to. The caller calls setjmp(jump) before it calls libjpeg. */
struct libjpeg_error {
    struct jpeg_error_mgr manager; /* first, so that libjpeg's pointer is a pointer to this */
    jmp_buf jump;
    pomona_status status; /* why we jumped */
    char message[JMSG_LENGTH_MAX];
};

/* Fills in the callbacks: errors jump, warnings are counted in manager.num_warnings, nothing is printed. Returns what
 * belongs into cinfo->err. */
struct jpeg_error_mgr *libjpeg_error_start(struct libjpeg_error *error);

/* Jumps with a reason of our own; for callbacks that libjpeg calls. */
__attribute__((noreturn)) void libjpeg_fail(j_common_ptr jpeg, pomona_status status, const char *message);

#endif
