/* Listing a bucket, by several prefixes at once.
 *
 * ListObjectsV2 gives 1,000 keys a request, one page after the other. The pages of a prefix are taken in a row until one shows that it
 * has folders; then what is behind the keys that were handed over is looked at one level deep. When it has a moderate number of
 * folders, each of them becomes a prefix of its own; else (one flat folder, or thousands of tiny ones) the pages go on in a row,
 * which is what they cost anyway.
 *
 * LISTS_UNDER_WAY requests are under way at a time. Prefixes take turns, a page each, so that they end together and the last of them
 * does not leave the others' connections idle; OPEN_MAX of them at most, so that memory does not grow with their number. A page is read
 * by other threads (page_readers.c); before its items are handed over the next one is asked for. */
#include "base/memory.h"
#include "store/place_s3.h"
#include "store/s3_page.h"

#include <string.h>

enum {
    LISTS_UNDER_WAY = 16,
    REQUESTS_MAX = LISTS_UNDER_WAY + 8, /* more: pages that are being read or handed over */
    OPEN_MAX = 128,
    FOLDERS_MAX = 512,
    LOOK_MILLISECONDS = 100
};

enum stage {
    LOOKING, /* pages of all keys below, until one has a folder: the only one, for most prefixes */
    LEVEL,   /* one level, to find folders */
    PAGES    /* all that is left, page by page */
};

/* A prefix that is being listed. */
struct list {
    enum stage stage;
    char *prefix;       /* full, as keys begin */
    char *continuation; /* of the next page; NULL: the first */
    char *after;        /* while LOOKING: the last key that was handed over; NULL: none */
    struct list *next;
};

/* A page: asked for, being read, or being handed over. */
struct request {
    bool busy;
    struct list *list; /* whose next page waits for this one; NULL: it is on its own way again, or over */
    struct s3_call call;
    struct buffer answer;
    struct page_job job;
    struct s3_page page,
        held;         /* held: where the first folder was seen, until it is known what becomes of it */
    size_t held_from; /* its items from here on were not handed over */
};

struct lister {
    struct place_s3 *s3;
    place_visit visit;
    void *user;
    bool shallow;
    struct list *unopened;           /* not begun, last in first out: a tree of folders is walked in depth */
    struct list *turns, **turns_end; /* begun; each is asked for a page in its turn */
    size_t open;                     /* begun and not over */
    struct request *requests[REQUESTS_MAX];
    size_t busy, under_way; /* of them: in use, without an answer */
    struct page_readers *readers;
};

static void list_free(struct list *list) {
    if (!list) return;
    memory_free(list->prefix);
    memory_free(list->continuation);
    memory_free(list->after);
    memory_free(list);
}

static pomona_status set_text(char **text, const char *value, struct pomona_error *error) {
    memory_free(*text);
    *text = memory_copy_string(value);
    return *text ? POMONA_OK : fail_memory(error, "listing");
}

static pomona_status add_list(struct lister *lister, const char *prefix, struct pomona_error *error) {
    struct list *list = memory_new(1, sizeof *list);
    if (!list) return fail_memory(error, "listing");
    list->stage = lister->shallow ? PAGES : LOOKING;
    list->prefix = memory_copy_string(prefix);
    list->next = lister->unopened;
    lister->unopened = list;
    return list->prefix ? POMONA_OK : fail_memory(error, "listing");
}

/* ---- asking */

static struct list *next_list(struct lister *lister) {
    struct list *list = lister->unopened;
    if (list && lister->open < OPEN_MAX) {
        lister->unopened = list->next;
        lister->open++;
        return list;
    }
    list = lister->turns;
    if (list && !(lister->turns = list->next)) lister->turns_end = &lister->turns;
    return list;
}

static struct request *free_request(struct lister *lister) {
    size_t slot = 0;
    while (lister->requests[slot] && lister->requests[slot]->busy) slot++; /* busy < REQUESTS_MAX */
    struct request *request = lister->requests[slot];
    if (request) return request;
    request = lister->requests[slot] = memory_new(1, sizeof *request);
    if (!request) return NULL;
    request->call = S3_CALL_INIT;
    request->answer = BUFFER_INIT(S3_ANSWER_MAX);
    request->page = request->held = S3_PAGE_INIT;
    return request;
}

/* Asks for what the request's list wants next. */
static pomona_status ask(struct lister *lister, struct request *request, struct pomona_error *error) {
    struct s3_call *call = &request->call;
    const struct list *list = request->list;
    bool level = list->stage == LEVEL;
    s3_call_aim(call, lister->s3->place.places, "GET", lister->s3->bucket, "");
    call->transfer.response = &request->answer;
    call->expect_xml = true;
    if (list->continuation && !level)
        TRY(s3_call_query(call, "continuation-token", list->continuation, error));
    if (lister->shallow || level) TRY(s3_call_query(call, "delimiter", "/", error));
    TRY(s3_call_query(call, "encoding-type", "url", error));
    TRY(s3_call_query(call, "list-type", "2", error));
    TRY(s3_call_query(call, "prefix", list->prefix, error));
    if (list->after && level) TRY(s3_call_query(call, "start-after", list->after, error));
    lister->under_way++;
    http_start(lister->s3->http, &call->transfer);
    return POMONA_OK;
}

static pomona_status ask_all(struct lister *lister, struct pomona_error *error) {
    while (lister->under_way < LISTS_UNDER_WAY && lister->busy < REQUESTS_MAX) {
        struct list *list = next_list(lister);
        if (!list) break;
        struct request *request = free_request(lister);
        if (!request) {
            list_free(list);
            return fail_memory(error, "listing");
        }
        request->list = list;
        request->busy = true;
        lister->busy++;
        TRY(ask(lister, request, error));
    }
    return POMONA_OK;
}

/* Works for at most so long on what is under way; an answer that came goes to the readers. */
static pomona_status serve(struct lister *lister, int milliseconds, struct pomona_error *error) {
    struct http_transfer *transfer = http_next(lister->s3->http, milliseconds);
    if (!transfer) return POMONA_OK;
    size_t slot = 0;
    while (!lister->requests[slot] || &lister->requests[slot]->call.transfer != transfer) slot++;
    struct request *request = lister->requests[slot];
    lister->under_way--;
    if (transfer->status != POMONA_OK) {
        *error = transfer->cause;
        return transfer->status;
    }
    request->job =
        (struct page_job){.name = request->call.name, .answer = &request->answer, .page = &request->page};
    page_readers_give(lister->readers, &request->job);
    return POMONA_OK;
}

/* ---- handing over */

static pomona_status visit_item(const struct lister *lister, const struct s3_item *item,
                                struct pomona_error *error) {
    const char *name = s3_name(lister->s3, item->key);
    if (!name)
        return fail(error, POMONA_E_CORRUPT, lister->s3->place.root,
                    "the server lists what was not asked for");
    if (!name[0]) return POMONA_OK; /* the mark of the prefix itself */
    struct place_item seen = s3_place_item(name, item);
    return lister->visit(lister->user, &seen, error);
}

static pomona_status visit_items(const struct lister *lister, const struct s3_page *page, size_t from,
                                 size_t to, bool folders, struct pomona_error *error) {
    for (size_t i = from; i < to; i++) {
        struct s3_item item = s3_page_item(page, i);
        if (folders || !item.is_prefix) TRY(visit_item(lister, &item, error));
    }
    return POMONA_OK;
}

/* The first item that lies in a folder below the prefix; page->count: none does. */
static size_t find_folder(const struct s3_page *page, const char *prefix) {
    size_t length = strlen(prefix), i = 0;
    for (; i < page->count; i++) {
        const char *key = s3_page_item(page, i).key;
        if (strncmp(key, prefix, length) == 0 && strchr(key + length, '/')) break;
    }
    return i;
}

/* The request's list goes on where the page ends, or is over. What can be asked for is, before items are handed over. */
static pomona_status go_on(struct lister *lister, struct request *request, const struct s3_page *page,
                           struct pomona_error *error) {
    struct list *list = request->list;
    if (page && page->ends.truncated) {
        TRY(set_text(&list->continuation, page->ends.continuation, error));
        list->next = NULL;
        *lister->turns_end = list;
        lister->turns_end = &list->next;
    } else {
        lister->open--;
        list_free(list);
    }
    request->list = NULL;
    TRY(ask_all(lister, error));
    return serve(lister, 0, error);
}

/* Whether the level can be listed folder by folder. A server that does not know start-after lists what was handed over. */
static bool is_splittable(const struct list *list, const struct s3_page *level) {
    size_t folders = 0;
    for (size_t i = 0; i < level->count; i++) {
        struct s3_item item = s3_page_item(level, i);
        if (list->after && strcmp(item.key, list->after) <= 0) return false;
        folders += item.is_prefix;
    }
    return !level->ends.truncated && folders > 0 && folders <= FOLDERS_MAX;
}

static pomona_status take_level(struct lister *lister, struct request *request, struct pomona_error *error) {
    const struct s3_page *level = &request->page, *held = &request->held;
    if (is_splittable(request->list, level)) {
        for (size_t i = level->count; i-- > 0;) {
            struct s3_item item = s3_page_item(level, i);
            if (item.is_prefix) TRY(add_list(lister, item.key, error));
        }
        TRY(go_on(lister, request, NULL, error));
        return visit_items(lister, level, 0, level->count, false, error);
    }
    request->list->stage = PAGES;
    TRY(go_on(lister, request, held, error));
    return visit_items(lister, held, request->held_from, held->count, true, error);
}

/* A page has a folder and is not the last one: what comes before it is handed over, and a level is asked for from there on. */
static pomona_status look_at_level(struct lister *lister, struct request *request, size_t folder,
                                   struct pomona_error *error) {
    struct list *list = request->list;
    if (folder > 0) TRY(set_text(&list->after, s3_page_item(&request->page, folder - 1).key, error));
    struct s3_page page = request->held;
    request->held = request->page;
    request->page = page;
    request->held_from = folder;
    list->stage = LEVEL;
    TRY(ask(lister, request, error));
    TRY(serve(lister, 0, error));
    return visit_items(lister, &request->held, 0, folder, true, error);
}

/* A page was read. */
static pomona_status take_page(struct lister *lister, struct request *request, struct pomona_error *error) {
    struct list *list = request->list;
    const struct s3_page *page = &request->page;
    if (list->stage == LOOKING && page->ends.truncated) {
        size_t folder = find_folder(page, list->prefix);
        if (folder < page->count) return look_at_level(lister, request, folder, error);
        if (page->count > 0) TRY(set_text(&list->after, s3_page_item(page, page->count - 1).key, error));
    }
    if (list->stage == LEVEL) {
        TRY(take_level(lister, request, error));
    } else {
        TRY(go_on(lister, request, page, error));
        TRY(visit_items(lister, page, 0, page->count, true, error));
    }
    request->busy = false;
    lister->busy--;
    return POMONA_OK;
}

static pomona_status run_lists(struct lister *lister, struct pomona_error *error) {
    const struct pomona_places_options *options = &lister->s3->place.places->options;
    for (;;) {
        TRY(ask_all(lister, error));
        if (lister->busy == 0) return POMONA_OK;
        if (options->should_stop && options->should_stop(options->user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while listing");
        struct page_job *job = page_readers_take(lister->readers);
        if (!job) {
            TRY(serve(lister, LOOK_MILLISECONDS, error));
            continue;
        }
        if (job->status != POMONA_OK) {
            *error = job->cause;
            return job->status;
        }
        size_t slot = 0;
        while (!lister->requests[slot] || &lister->requests[slot]->job != job) slot++;
        TRY(take_page(lister, lister->requests[slot], error));
    }
}

static void wake(void *user) {
    const struct lister *lister = user;
    http_wake(lister->s3->http);
}

static void free_lists(struct list *lists) {
    for (struct list *list; (list = lists) != NULL;) {
        lists = list->next;
        list_free(list);
    }
}

/* After a failure there are requests under way and lists that were not taken up. */
static void lister_free(struct lister *lister) {
    page_readers_free(&lister->readers);
    for (size_t i = 0; i < REQUESTS_MAX && lister->requests[i]; i++) {
        struct request *request = lister->requests[i];
        http_cancel(lister->s3->http, &request->call.transfer);
        s3_call_free(&request->call);
        buffer_free(&request->answer);
        s3_page_free(&request->page);
        s3_page_free(&request->held);
        list_free(request->list);
        memory_free(request);
    }
    free_lists(lister->unopened);
    free_lists(lister->turns);
    memory_free(lister);
}

pomona_status s3_list(struct place *place, const char *prefix, bool shallow, place_visit visit, void *user,
                      struct pomona_error *error) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    struct pomona_error own;
    char key[S3_KEY_SIZE + 1] = "";
    TRY(s3_key(s3, prefix, key, error));
    size_t length = strlen(key);
    if (length > 0 && key[length - 1] != '/') memcpy(key + length, "/", 2);
    struct lister *lister = memory_new(1, sizeof *lister);
    if (!lister) return fail_memory(error, "listing");
    *lister = (struct lister){.s3 = s3, .visit = visit, .user = user, .shallow = shallow};
    lister->turns_end = &lister->turns;
    pomona_status status = page_readers_new(wake, lister, &lister->readers, error);
    if (status == POMONA_OK) status = add_list(lister, key, error);
    if (status == POMONA_OK) status = run_lists(lister, error ? error : &own);
    lister_free(lister);
    return status;
}
