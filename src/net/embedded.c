#include "net/embedded_path.h"
#include "net/model.h"

/* The file's bytes as they are: an array in C would take minutes to compile. Assembler syntax of GNU as and clang. */
__asm__(".pushsection .rodata,\"a\",%progbits\n"
        ".balign 64\n"
        ".hidden embedded_model_start\n"
        ".global embedded_model_start\n"
        "embedded_model_start:\n"
        ".incbin \"" EMBEDDED_MODEL_PATH "\"\n"
        ".hidden embedded_model_end\n"
        ".global embedded_model_end\n"
        "embedded_model_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const uint8_t embedded_model_start[], embedded_model_end[];

void embedded_model(const void **data, size_t *size) {
    *data = embedded_model_start;
    *size = (size_t)(embedded_model_end - embedded_model_start);
}
