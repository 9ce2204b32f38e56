#include "table/utf8.h"

#include "base/text.h"

bool utf8_valid(const char *text, size_t size) {
    for (size_t i = 0; i < size;) {
        size_t length = (unsigned char)text[i] < 0x80 ? 1 : utf8_sequence(text + i, size - i);
        if (length == 0) return false;
        i += length;
    }
    return true;
}
