/* Glob patterns as a nondeterministic automaton: the pattern's tokens are its states, and the set of states that the
 * name read so far can be in is carried along (Thompson 1968). Time is at most tokens x characters, also for patterns
 * such as "{a,b}{a,b}{a,b}..." on which backtracking would take exponential time. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

enum { GLOB_MAX = 256 };

enum glob_kind {
    GLOB_CHARACTER,
    GLOB_ANY,
    GLOB_STAR,
    GLOB_CLASS,
    GLOB_OPEN,
    GLOB_NEXT,
    GLOB_CLOSE,
    GLOB_END
};

struct glob_token {
    uint8_t kind;
    uint16_t text, size; /* in the pattern: the character, or the inside of a class */
    uint16_t next;       /* OPEN, NEXT: the token that ends this alternative */
    uint16_t close;      /* NEXT, CLOSE: the token that closes the group */
};

struct glob {
    const char *pattern;
    struct glob_token tokens[GLOB_MAX + 1];
    int count;
};

/* The character at text[0..size): its length, and its code point. A byte that is no UTF-8 is a character of its own,
 * given a value that no code point has. */
static size_t next_character(const char *text, size_t size, uint32_t *value) {
    static const uint8_t masks[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    size_t length = utf8_sequence(text, size);
    if (length == 0) {
        *value = 0x110000u + (unsigned char)text[0];
        return 1;
    }
    uint32_t code = (unsigned char)text[0] & masks[length];
    for (size_t i = 1; i < length; i++) code = code << 6 | ((unsigned char)text[i] & 0x3F);
    *value = code;
    return length;
}

/* Length of the class whose inside starts at text, up to its closing bracket; -1 if there is none. A bracket that
 * comes first (behind a negation) is a member. */
static int class_length(const char *text) {
    int i = text[0] == '^' || text[0] == '!';
    if (text[i] == ']') i++;
    while (text[i] && text[i] != ']') i++;
    return text[i] ? i : -1;
}

static bool class_has(const char *text, size_t size, uint32_t wanted) {
    bool negated = size > 0 && (*text == '^' || *text == '!'), found = false;
    for (size_t i = negated; i < size;) {
        uint32_t low, high;
        i += next_character(text + i, size - i, &low);
        high = low;
        if (i + 1 < size && text[i] == '-') i += 1 + next_character(text + i + 1, size - i - 1, &high);
        if (wanted >= low && wanted <= high) found = true;
    }
    return found != negated;
}

/* Links the tokens of each {..} group; a brace or comma without its partner is a plain character. */
static void link_groups(struct glob *glob) {
    uint16_t open[GLOB_MAX];
    int depth = 0;
    for (int i = 0; i < glob->count; i++) {
        struct glob_token *token = &glob->tokens[i];
        if (token->kind == GLOB_OPEN) open[depth++] = (uint16_t)i;
        if (token->kind == GLOB_CLOSE && depth > 0) {
            token->close = (uint16_t)i;
            uint16_t end = (uint16_t)i, first = open[--depth];
            for (int k = i - 1; k > first; k--) {
                struct glob_token *inner = &glob->tokens[k];
                if (inner->kind != GLOB_NEXT || inner->close) continue; /* those of inner groups are linked */
                inner->next = end, inner->close = (uint16_t)i;
                end = (uint16_t)k;
            }
            glob->tokens[first].next = end, glob->tokens[first].close = (uint16_t)i;
        }
    }
    for (int i = 0; i < glob->count; i++) {
        struct glob_token *token = &glob->tokens[i];
        if (token->kind >= GLOB_OPEN && !token->close) token->kind = GLOB_CHARACTER;
    }
}

static bool parse_glob(const char *pattern, struct glob *glob) {
    size_t size = strlen(pattern);
    if (size > GLOB_MAX) return false;
    glob->pattern = pattern;
    glob->count = 0;
    for (size_t i = 0; i < size;) {
        struct glob_token token = {.kind = GLOB_CHARACTER};
        uint32_t ignored;
        if (pattern[i] == '[') {
            int inside = class_length(pattern + i + 1);
            if (inside < 0) return false;
            token =
                (struct glob_token){.kind = GLOB_CLASS, .text = (uint16_t)(i + 1), .size = (uint16_t)inside};
            i += (size_t)inside + 2;
        } else {
            static const char special[] = "?*{,}";
            static const uint8_t kinds[] = {GLOB_ANY, GLOB_STAR, GLOB_OPEN, GLOB_NEXT, GLOB_CLOSE};
            const char *found = strchr(special, pattern[i]);
            if (found) token.kind = kinds[found - special];
            if (pattern[i] == '\\' && i + 1 < size) i++;
            token.text = (uint16_t)i;
            token.size = (uint16_t)next_character(pattern + i, size - i, &ignored);
            i += token.size;
        }
        glob->tokens[glob->count++] = token;
    }
    link_groups(glob);
    glob->tokens[glob->count] = (struct glob_token){.kind = GLOB_END};
    return true;
}

/* Adds state i and all that is reached from it without reading a character. Recursion is no deeper than the number of
 * tokens, because a state is entered once. */
static void add_state(const struct glob *glob, bool *states, int i) {
    if (states[i]) return;
    states[i] = true;
    const struct glob_token *token = &glob->tokens[i];
    if (token->kind == GLOB_STAR) add_state(glob, states, i + 1);
    if (token->kind == GLOB_NEXT || token->kind == GLOB_CLOSE) add_state(glob, states, token->close + 1);
    if (token->kind == GLOB_OPEN) {
        add_state(glob, states, i + 1);
        for (int k = token->next; glob->tokens[k].kind == GLOB_NEXT; k = glob->tokens[k].next)
            add_state(glob, states, k + 1);
    }
}

bool text_glob(const char *pattern, const char *name) {
    struct glob glob;
    if (!parse_glob(pattern, &glob)) return false;
    bool states[GLOB_MAX + 1] = {false}, reached[GLOB_MAX + 1];
    add_state(&glob, states, 0);
    size_t left = strlen(name);
    while (left > 0) {
        uint32_t value;
        size_t size = next_character(name, left, &value);
        memset(reached, 0, sizeof reached);
        for (int i = 0; i < glob.count; i++) {
            const struct glob_token *token = &glob.tokens[i];
            const char *text = pattern + token->text;
            if (!states[i]) continue;
            if (token->kind == GLOB_STAR) add_state(&glob, reached, i);
            if (token->kind == GLOB_ANY ||
                (token->kind == GLOB_CLASS && class_has(text, token->size, value)) ||
                (token->kind == GLOB_CHARACTER && token->size == size && memcmp(text, name, size) == 0))
                add_state(&glob, reached, i + 1);
        }
        memcpy(states, reached, sizeof states);
        name += size, left -= size;
    }
    return states[glob.count];
}
