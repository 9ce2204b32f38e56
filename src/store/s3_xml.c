#include "store/s3_xml.h"

#include "base/text.h"
#include "store/xml_walk.h"

#include <string.h>

/* Ends a walk early when all is known; never seen outside. */
#define WALK_ENOUGH POMONA_E_INTERRUPTED

/* text into out[0..capacity); false when it does not fit. */
static bool copy(const char *text, char *out, size_t capacity) {
    size_t size = strlen(text) + 1;
    if (size > capacity) return false;
    memcpy(out, text, size);
    return true;
}

struct text_search {
    const char *element;
    char *out;
    size_t capacity;
    bool found;
};

static pomona_status close_searched(void *user, int depth, const char *element, char *text,
                                    struct pomona_error *error) {
    struct text_search *search = user;
    (void)depth, (void)error;
    if (strcmp(element, search->element) != 0) return POMONA_OK;
    search->found = copy(text, search->out, search->capacity);
    return WALK_ENOUGH;
}

bool s3_xml_text(const void *text, size_t size, const char *element, char *out, size_t capacity) {
    struct text_search search = {.element = element, .out = out, .capacity = capacity};
    xml_walk(element, text, size, &(struct xml_visitor){.close = close_searched, .user = &search}, NULL);
    return search.found;
}

struct error_reader {
    struct s3_error *out;
    bool wrapped; /* in an <ErrorResponse>, as STS has it */
};

static pomona_status open_error(void *user, int depth, const char *element, struct pomona_error *error) {
    struct error_reader *reader = user;
    (void)error;
    if (depth > 1 || strcmp(element, "Error") == 0) return POMONA_OK;
    reader->wrapped = strcmp(element, "ErrorResponse") == 0;
    return reader->wrapped ? POMONA_OK : WALK_ENOUGH;
}

static pomona_status close_error(void *user, int depth, const char *element, char *text,
                                 struct pomona_error *error) {
    struct error_reader *reader = user;
    struct s3_error *out = reader->out;
    (void)error;
    if (depth != (reader->wrapped ? 3 : 2)) return POMONA_OK;
    if (strcmp(element, "Code") == 0) text_printable(text, out->code, sizeof out->code);
    if (strcmp(element, "Message") == 0) text_printable(text, out->message, sizeof out->message);
    if (strcmp(element, "Region") == 0) text_printable(text, out->region, sizeof out->region);
    if (strcmp(element, "Endpoint") == 0) text_printable(text, out->endpoint, sizeof out->endpoint);
    return POMONA_OK;
}

bool s3_xml_error(const void *text, size_t size, struct s3_error *out) {
    struct error_reader reader = {.out = out};
    memset(out, 0, sizeof *out);
    /* One that was cut off after its code is still an error. */
    xml_walk("error", text, size,
             &(struct xml_visitor){.open = open_error, .close = close_error, .user = &reader}, NULL);
    return out->code[0] != '\0';
}

struct delete_reader {
    const char *name;
    pomona_status (*visit)(void *user, const char *key, const char *code, const char *message,
                           struct pomona_error *error);
    void *user;
    bool in_error;
    char key[XML_TEXT_MAX + 1], code[128], message[512];
};

static pomona_status open_delete(void *user, int depth, const char *element, struct pomona_error *error) {
    struct delete_reader *reader = user;
    if (depth == 1 && strcmp(element, "DeleteResult") != 0)
        return fail(error, POMONA_E_CORRUPT, reader->name, "the answer is a <%s>, not a <DeleteResult>",
                    element);
    if (depth != 2) return POMONA_OK;
    reader->in_error = strcmp(element, "Error") == 0;
    reader->key[0] = reader->code[0] = reader->message[0] = '\0';
    return POMONA_OK;
}

static pomona_status close_delete(void *user, int depth, const char *element, char *text,
                                  struct pomona_error *error) {
    struct delete_reader *reader = user;
    if (!reader->in_error) return POMONA_OK;
    if (depth == 2) {
        reader->in_error = false;
        return reader->visit(reader->user, reader->key, reader->code, reader->message, error);
    }
    if (depth != 3) return POMONA_OK;
    if (strcmp(element, "Key") == 0)
        copy(text, reader->key, sizeof reader->key); /* fits: no text is longer */
    if (strcmp(element, "Code") == 0) text_printable(text, reader->code, sizeof reader->code);
    if (strcmp(element, "Message") == 0) text_printable(text, reader->message, sizeof reader->message);
    return POMONA_OK;
}

pomona_status s3_xml_delete_errors(const char *name, const void *text, size_t size,
                                   pomona_status (*visit)(void *user, const char *key, const char *code,
                                                          const char *message, struct pomona_error *error),
                                   void *user, struct pomona_error *error) {
    struct delete_reader reader = {.name = name, .visit = visit, .user = user};
    return xml_walk(name, text, size,
                    &(struct xml_visitor){.open = open_delete, .close = close_delete, .user = &reader},
                    error);
}
