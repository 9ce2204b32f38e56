#include "net/embedded_path.h"
#include "net/model.h"

#include <string.h>

/* The files' bytes as they are: an array in C would take minutes to compile. Assembler syntax of GNU as and clang. */
#define EMBED(name, path)                                                                                    \
    __asm__(".pushsection .rodata,\"a\",%progbits\n"                                                         \
            ".balign 64\n"                                                                                   \
            ".hidden " #name "_start\n"                                                                      \
            ".global " #name "_start\n" #name "_start:\n"                                                    \
            ".incbin \"" path "\"\n"                                                                         \
            ".hidden " #name "_end\n"                                                                        \
            ".global " #name "_end\n" #name "_end:\n"                                                        \
            ".byte 0\n"                                                                                      \
            ".popsection\n");                                                                                \
    extern const uint8_t name##_start[], name##_end[];

EMBED(embedded_fp32, EMBEDDED_FP32_PATH)
EMBED(embedded_int8, EMBEDDED_INT8_PATH)

void embedded_model(const char *precision, const void **data, size_t *size) {
    bool integers = !precision || strcmp(precision, "auto") == 0 || strcmp(precision, "int8") == 0;
    const uint8_t *start = integers ? embedded_int8_start : embedded_fp32_start;
    *data = start;
    *size = (size_t)((integers ? embedded_int8_end : embedded_fp32_end) - start);
}
