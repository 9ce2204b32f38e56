#include "store/s3_page.h"

#include "base/memory.h"

#include <string.h>

struct s3_page_item {
    size_t key, etag; /* where they begin in texts */
    uint64_t size;
    int64_t modified;
    bool is_prefix;
};

static pomona_status keep_text(struct s3_page *page, const char *text, size_t *at,
                               struct pomona_error *error) {
    *at = page->texts.size;
    return buffer_append(&page->texts, text, strlen(text) + 1, error);
}

static pomona_status keep(void *user, const struct s3_item *item, struct pomona_error *error) {
    enum { ITEMS_FIRST = 1000 }; /* what a page has */
    struct s3_page *page = user;
    if (page->count == page->capacity) {
        size_t capacity = page->capacity ? size_multiply(page->capacity, 2) : ITEMS_FIRST;
        struct s3_page_item *more = memory_resize(page->items, capacity, sizeof *more);
        if (!more) return fail_memory(error, "listing");
        page->items = more;
        page->capacity = capacity;
    }
    struct s3_page_item *kept = &page->items[page->count];
    *kept =
        (struct s3_page_item){.size = item->size, .modified = item->modified, .is_prefix = item->is_prefix};
    TRY(keep_text(page, item->key, &kept->key, error));
    TRY(keep_text(page, item->etag, &kept->etag, error));
    page->count++;
    return POMONA_OK;
}

pomona_status s3_page_read(struct s3_page *page, const char *name, const struct buffer *answer,
                           struct pomona_error *error) {
    buffer_clear(&page->texts);
    page->count = 0;
    TRY(s3_xml_list(name, answer->data, answer->size, keep, page, &page->ends, error));
    if (page->ends.truncated && !page->ends.continuation[0])
        return fail(error, POMONA_E_CORRUPT, name, "the listing goes on, but the server does not say where");
    return POMONA_OK;
}

struct s3_item s3_page_item(const struct s3_page *page, size_t index) {
    const struct s3_page_item *item = &page->items[index];
    const char *texts = (const char *)page->texts.data;
    return (struct s3_item){.key = texts + item->key,
                            .etag = texts + item->etag,
                            .version_id = "",
                            .upload_id = "",
                            .size = item->size,
                            .modified = item->modified,
                            .is_prefix = item->is_prefix};
}

void s3_page_free(struct s3_page *page) {
    buffer_free(&page->texts);
    memory_free(page->items);
    page->items = NULL;
    page->count = page->capacity = 0;
}
