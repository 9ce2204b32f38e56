/* A page of a listing in memory, and threads that read pages while the one that asks for them goes on asking. */
#ifndef STORE_S3_PAGE_H
#define STORE_S3_PAGE_H

#include "base/buffer.h"
#include "store/s3_xml.h"

struct s3_page_item;

/* Zero-initialise with S3_PAGE_INIT. Its memory is kept from page to page. */
struct s3_page {
    struct s3_list_page ends;   /* where the listing goes on */
    struct buffer texts;        /* keys and ETags, each with its NUL */
    struct s3_page_item *items; /* [count] in their order */
    size_t count, capacity;
};

#define S3_PAGE_INIT ((struct s3_page){.texts = BUFFER_INIT(64 << 20)})

/* Reads an answer of ListObjectsV2; `name` is for messages. Errors: those of s3_xml_list, also for one that goes on without a token. */
pomona_status s3_page_read(struct s3_page *page, const char *name, const struct buffer *answer,
                           struct pomona_error *error);
/* Item `index`: its strings live as long as the page is not read or freed. */
struct s3_item s3_page_item(const struct s3_page *page, size_t index);
void s3_page_free(struct s3_page *page);

/* A page to be read. The upper half is the caller's, and stays as it is until the job comes back. */
struct page_job {
    const char *name;
    const struct buffer *answer;
    struct s3_page *page;

    pomona_status status;
    struct pomona_error cause;
    struct page_job *next;
};

struct page_readers;

/* Threads begin with the second page, since most listings have one; without any (none could be started) pages are read by
 * page_readers_give. `done` is called after each page, from the thread that read it. POMONA_E_MEMORY. */
pomona_status page_readers_new(void (*done)(void *user), void *user, struct page_readers **readers,
                               struct pomona_error *error);
/* What was given and not taken is the caller's again. Accepts pointers to NULL. */
void page_readers_free(struct page_readers **readers);
void page_readers_give(struct page_readers *readers, struct page_job *job);
/* A page that was read, in no order; NULL: none yet. */
struct page_job *page_readers_take(struct page_readers *readers);

#endif
