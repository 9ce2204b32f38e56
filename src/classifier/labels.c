#include "classifier/labels.h"

#include "base/text.h"

#include <string.h>

/* Photos of one class: those of all that a file may have add up to less than 2^63. */
#define PHOTOS_MAX ((long long)1 << 40)

static pomona_status append_escaped(struct buffer *out, const char *text, size_t length,
                                    struct pomona_error *error) {
    for (size_t i = 0; i < length; i++) {
        const char *escape = text[i] == '\\'   ? "\\\\"
                             : text[i] == '\t' ? "\\t"
                             : text[i] == '\n' ? "\\n"
                             : text[i] == '\r' ? "\\r"
                                               : NULL;
        TRY(escape ? buffer_append_text(out, escape, error)
                   : buffer_append_byte(out, (uint8_t)text[i], error));
    }
    return POMONA_OK;
}

pomona_status labels_format_classes(const struct pomona_class *classes, int count, struct buffer *out,
                                    struct pomona_error *error) {
    for (int i = 0; i < count; i++) {
        const struct pomona_class *class = &classes[i];
        TRY(append_escaped(out, class->name, strlen(class->name), error));
        TRY(buffer_printf(out, error, "\t%d\t%lld", class->group, (long long)class->photos));
        for (const char *alias = class->aliases; alias && *alias;) {
            size_t length = strcspn(alias, "\n");
            TRY(buffer_append_byte(out, '\t', error));
            TRY(append_escaped(out, alias, length, error));
            alias += length + (alias[length] == '\n');
        }
        TRY(buffer_append_byte(out, '\n', error));
    }
    return POMONA_OK;
}

pomona_status labels_format_groups(const char *const *groups, int count, struct buffer *out,
                                   struct pomona_error *error) {
    for (int i = 0; i < count; i++) {
        TRY(append_escaped(out, groups[i], strlen(groups[i]), error));
        TRY(buffer_append_byte(out, '\n', error));
    }
    return POMONA_OK;
}

/* Undoes the escapes in place; false for an unknown one. */
static bool unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        static const char codes[] = "\\tnr", values[] = "\\\t\n\r";
        const char *code = from[1] ? strchr(codes, from[1]) : NULL;
        if (!code) return false;
        *to++ = values[code - codes];
        from++;
    }
    *to = '\0';
    return true;
}

static pomona_status damaged(const char *where, int line, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, where, "damaged classifier: line %d of its labels makes no sense",
                line + 1);
}

/* Ends the field at `at` and returns the next one; NULL when there is none. */
static char *next_field(char *at) {
    char *tab = strchr(at, '\t');
    if (!tab) return NULL;
    *tab = '\0';
    return tab + 1;
}

/* The fields of one line that ends in NUL: name, group, photos, aliases. */
static bool parse_class(char *line, struct pomona_class *class) {
    long long group, photos;
    char *group_text = next_field(line), *photos_text = group_text ? next_field(group_text) : NULL;
    if (!photos_text) return false;
    char *aliases = next_field(photos_text);
    if (!text_parse_int(group_text, -1, INT32_MAX, &group) ||
        !text_parse_int(photos_text, 0, PHOTOS_MAX, &photos) || !unescape(line) || !*line)
        return false;
    class->name = line;
    class->group = (int)group;
    class->photos = photos;
    class->aliases = aliases ? aliases : "";
    for (char *c = aliases; c && *c; c++)
        if (*c == '\t') *c = '\n';
    return !aliases || unescape(aliases);
}

/* A copy of `text`, and its lines, which must be `count`. */
static pomona_status split(const char *where, const char *text, int count, struct arena *arena, char ***lines,
                           struct pomona_error *error) {
    char *copy = arena_copy_text(arena, text, strlen(text));
    *lines = arena_new(arena, (size_t)count, sizeof **lines);
    if (!copy || !*lines) return fail_memory(error, "labels");
    int found = 0;
    for (char *at = copy; *at;) {
        char *end = strchr(at, '\n');
        if (!end || found == count) return damaged(where, found, error);
        *end = '\0';
        (*lines)[found++] = at;
        at = end + 1;
    }
    return found == count ? POMONA_OK : damaged(where, found, error);
}

pomona_status labels_parse_classes(const char *where, const char *text, int count, struct arena *arena,
                                   struct pomona_class **classes, struct pomona_error *error) {
    char **lines;
    TRY(split(where, text, count, arena, &lines, error));
    *classes = arena_new(arena, (size_t)count, sizeof **classes);
    if (!*classes) return fail_memory(error, "labels");
    for (int i = 0; i < count; i++)
        if (!parse_class(lines[i], &(*classes)[i])) return damaged(where, i, error);
    return POMONA_OK;
}

pomona_status labels_parse_groups(const char *where, const char *text, int count, struct arena *arena,
                                  const char ***groups, struct pomona_error *error) {
    char **lines;
    TRY(split(where, text, count, arena, &lines, error));
    *groups = arena_new(arena, (size_t)count, sizeof **groups);
    if (!*groups) return fail_memory(error, "labels");
    for (int i = 0; i < count; i++) {
        if (!unescape(lines[i])) return damaged(where, i, error);
        (*groups)[i] = lines[i];
    }
    return POMONA_OK;
}
