#include "store/xml_walk.h"

#include "base/memory.h"

#include <expat.h>
#include <string.h>

/* Some visitors want a few elements of a page. Expat copies what it is given, so they get the beginning by itself; all the rest is one
 * piece, since it counts the lines of every piece but the last. */
enum { BEGINNING_BYTES = 4 << 10 };

struct walk {
    XML_Parser parser;
    const char *name;
    const struct xml_visitor *visitor;
    pomona_status status; /* the first failure; expat may report a little more after it was stopped */
    struct pomona_error *error;
    int depth;
    size_t length;
    char text[XML_TEXT_MAX + 1];
};

static void stop(struct walk *walk, pomona_status status) {
    walk->status = status;
    XML_StopParser(walk->parser, XML_FALSE);
}

static void refuse(struct walk *walk, const char *why) {
    stop(walk, fail(walk->error, POMONA_E_CORRUPT, walk->name, "line %lu of the XML answer: %s",
                    (unsigned long)XML_GetCurrentLineNumber(walk->parser), why));
}

static const char *without_prefix(const char *element) {
    const char *colon = strchr(element, ':');
    return colon ? colon + 1 : element;
}

static void on_open(void *user, const XML_Char *element, const XML_Char **attributes) {
    struct walk *walk = user;
    (void)attributes;
    if (walk->status != POMONA_OK) return;
    walk->length = 0;
    if (++walk->depth > XML_DEPTH_MAX) {
        refuse(walk, "elements nested too deep");
    } else if (walk->visitor->open) {
        pomona_status status =
            walk->visitor->open(walk->visitor->user, walk->depth, without_prefix(element), walk->error);
        if (status != POMONA_OK) stop(walk, status);
    }
}

static void on_close(void *user, const XML_Char *element) {
    struct walk *walk = user;
    if (walk->status != POMONA_OK) return;
    walk->text[walk->length] = '\0';
    walk->length = 0;
    pomona_status status = walk->visitor->close(walk->visitor->user, walk->depth--, without_prefix(element),
                                                walk->text, walk->error);
    if (status != POMONA_OK) stop(walk, status);
}

static void on_text(void *user, const XML_Char *text, int size) {
    struct walk *walk = user;
    if (walk->status != POMONA_OK) return;
    if ((size_t)size > XML_TEXT_MAX - walk->length) {
        refuse(walk, "a text that is too long");
        return;
    }
    memcpy(walk->text + walk->length, text, (size_t)size);
    walk->length += (size_t)size;
}

static void on_doctype(void *user, const XML_Char *doctype, const XML_Char *system, const XML_Char *public_id,
                       int internal) {
    struct walk *walk = user;
    (void)doctype, (void)system, (void)public_id, (void)internal;
    if (walk->status == POMONA_OK) refuse(walk, "a DOCTYPE, which no answer has");
}

/* Not zeroed: most of it is room for the text. */
static void *allocate(size_t size) { return memory_resize(NULL, size, 1); }
static void *reallocate(void *block, size_t size) { return memory_resize(block, size, 1); }

static pomona_status parse(struct walk *walk, const char *text, size_t size) {
    static const XML_Memory_Handling_Suite memory = {allocate, reallocate, memory_free};
    walk->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (!walk->parser) return fail_memory(walk->error, "XML parser");
    XML_SetUserData(walk->parser, walk);
    XML_SetElementHandler(walk->parser, on_open, on_close);
    XML_SetCharacterDataHandler(walk->parser, on_text);
    XML_SetStartDoctypeDeclHandler(walk->parser, on_doctype);
    size_t beginning = size < BEGINNING_BYTES ? size : BEGINNING_BYTES;
    enum XML_Status parsed = XML_Parse(walk->parser, text, (int)beginning, beginning == size);
    if (parsed == XML_STATUS_OK && beginning < size)
        parsed = XML_Parse(walk->parser, text + beginning, (int)(size - beginning), XML_TRUE);
    if (parsed != XML_STATUS_OK && walk->status == POMONA_OK) {
        enum XML_Error cause = XML_GetErrorCode(walk->parser);
        if (cause == XML_ERROR_NO_MEMORY)
            walk->status = fail_memory(walk->error, "XML parser");
        else
            refuse(walk, XML_ErrorString(cause));
    }
    XML_ParserFree(walk->parser);
    return walk->status;
}

pomona_status xml_walk(const char *name, const void *text, size_t size, const struct xml_visitor *visitor,
                       struct pomona_error *error) {
    const char *start = text;
    if (size > XML_SIZE_MAX)
        return fail(error, POMONA_E_CORRUPT, name, "an XML answer of more than %d bytes", XML_SIZE_MAX);
    /* S3 keeps a connection alive with spaces while it completes an upload; some servers begin with them. */
    while (size > 0 && strchr(" \t\r\n", *start) && *start) start++, size--;
    struct walk *walk = memory_new(1, sizeof *walk);
    if (!walk) return fail_memory(error, "XML walk");
    walk->name = name;
    walk->visitor = visitor;
    walk->error = error;
    pomona_status status = parse(walk, start, size);
    memory_free(walk);
    return status;
}
