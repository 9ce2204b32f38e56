#include "report/template.h"

#include <string.h>

struct filling {
    struct markup *markup;
    const struct template_piece *pieces;
    size_t piece_count;
    void *self;
    bool skipping;
};

static const struct template_piece *find_piece(const struct filling *filling, const char *name, size_t size) {
    for (size_t i = 0; i < filling->piece_count; i++) {
        const char *known = filling->pieces[i].name;
        if (strlen(known) == size && memcmp(known, name, size) == 0) return &filling->pieces[i];
    }
    return NULL;
}

/* Obeys one tag; false if it means nothing. */
static bool obey(struct filling *filling, const char *tag, size_t size) {
    char kind = size > 0 ? tag[0] : '\0';
    if (kind == '@' || kind == '?' || kind == '/') {
        const struct template_piece *piece = find_piece(filling, tag + 1, size - 1);
        if (!piece || (kind == '@' && !piece->write)) return false;
        if (kind == '?') filling->skipping = piece->applies && !piece->applies(filling->self);
        if (kind == '/') filling->skipping = false;
        if (kind == '@' && !filling->skipping) piece->write(filling->self);
        return true;
    }
    enum word name = word_find(tag, size);
    if (name == WORD_COUNT) return false;
    if (!filling->skipping) markup_word(filling->markup, name);
    return true;
}

void template_fill(struct markup *markup, const char *text, size_t size, const struct template_piece *pieces,
                   size_t piece_count, void *self) {
    struct filling filling = {markup, pieces, piece_count, self, false};
    const char *end = text + size;
    while (text < end && markup->status == POMONA_OK) {
        const char *open = memmem(text, (size_t)(end - text), "{{", 2);
        const char *close = open ? memmem(open, (size_t)(end - open), "}}", 2) : NULL;
        if (!filling.skipping) markup_bytes(markup, text, (size_t)((close ? open : end) - text));
        if (!close) break;
        if (!obey(&filling, open + 2, (size_t)(close - open - 2)) && markup->status == POMONA_OK)
            markup->status = fail(markup->error, POMONA_E_INTERNAL, "report.html", "unknown tag {{%.*s}}",
                                  (int)(close - open - 2), open + 2);
        text = close + 2;
    }
}
