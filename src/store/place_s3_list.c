/* Listing a bucket, by several prefixes at once.
 *
 * ListObjectsV2 gives 1,000 keys a request, one page after the other. A prefix with more is looked at one level deep: when it
 * has a moderate number of folders, each of them becomes a prefix of its own, and up to LISTS_UNDER_WAY are listed side by
 * side; else (one flat folder, or thousands of tiny ones) its pages are taken in a row, which is what they cost anyway. */
#include "base/arena.h"
#include "base/memory.h"
#include "store/place_s3.h"

#include <string.h>

enum { LISTS_UNDER_WAY = 16, FOLDERS_MAX = 512, LOOK_MILLISECONDS = 100 };

enum stage {
    FIRST_PAGE, /* of all keys below: the only one, for most prefixes */
    LEVEL,      /* one level, to find folders */
    PAGES       /* one after the other */
};

/* A prefix that is being listed. */
struct list {
    enum stage stage;
    char *prefix; /* full, as keys begin */
    struct s3_call call;
    struct buffer answer, first; /* the page at hand; the first page, until it is known what becomes of it */
    struct s3_list_page page;
    struct list *next;
};

struct lister {
    struct place_s3 *s3;
    place_visit visit;
    void *user;
    bool shallow;
    struct list *waiting;
    struct list *active[LISTS_UNDER_WAY]; /* asked, without an answer yet; NULL: free */
    size_t under_way;
    /* While a level is read: its folders. */
    struct arena folder_names;
    char *folders[FOLDERS_MAX];
    size_t folder_count;
};

static void list_free(struct list *list) {
    if (!list) return;
    s3_call_free(&list->call);
    buffer_free(&list->answer);
    buffer_free(&list->first);
    memory_free(list->prefix);
    memory_free(list);
}

static pomona_status add_list(struct lister *lister, const char *prefix, struct pomona_error *error) {
    struct list *list = memory_new(1, sizeof *list);
    if (!list) return fail_memory(error, "listing");
    list->call = S3_CALL_INIT;
    list->answer = list->first = BUFFER_INIT(S3_ANSWER_MAX);
    list->stage = lister->shallow ? PAGES : FIRST_PAGE;
    list->prefix = memory_copy_string(prefix);
    list->next = lister->waiting;
    lister->waiting = list;
    return list->prefix ? POMONA_OK : fail_memory(error, "listing");
}

/* Asks for the next page of a list. */
static pomona_status ask(struct lister *lister, struct list *list, struct pomona_error *error) {
    struct s3_call *call = &list->call;
    s3_call_aim(call, lister->s3->place.places, "GET", lister->s3->bucket, "");
    call->transfer.response = &list->answer;
    call->expect_xml = true;
    if (list->page.continuation[0])
        TRY(s3_call_query(call, "continuation-token", list->page.continuation, error));
    if (lister->shallow || list->stage == LEVEL) TRY(s3_call_query(call, "delimiter", "/", error));
    TRY(s3_call_query(call, "encoding-type", "url", error));
    TRY(s3_call_query(call, "list-type", "2", error));
    TRY(s3_call_query(call, "prefix", list->prefix, error));
    size_t slot = 0;
    while (lister->active[slot]) slot++; /* there is one: under_way < LISTS_UNDER_WAY */
    lister->active[slot] = list;
    lister->under_way++;
    http_start(lister->s3->http, &call->transfer);
    return POMONA_OK;
}

static pomona_status visit_item(void *user, const struct s3_item *item, struct pomona_error *error) {
    struct lister *lister = user;
    const char *name = s3_name(lister->s3, item->key);
    if (!name)
        return fail(error, POMONA_E_CORRUPT, lister->s3->place.root,
                    "the server lists what was not asked for");
    if (!name[0]) return POMONA_OK; /* the mark of the prefix itself */
    struct place_item seen = s3_place_item(name, item);
    return lister->visit(lister->user, &seen, error);
}

/* Keys of a level are handed over; folders wait until it is known that there are not too many. */
static pomona_status gather_folder(void *user, const struct s3_item *item, struct pomona_error *error) {
    struct lister *lister = user;
    if (!item->is_prefix) return POMONA_OK;
    if (lister->folder_count < FOLDERS_MAX) {
        char *copy = arena_copy_text(&lister->folder_names, item->key, strlen(item->key));
        if (!copy) return fail_memory(error, "listing");
        lister->folders[lister->folder_count] = copy;
    }
    lister->folder_count++;
    return POMONA_OK;
}

static pomona_status visit_keys(void *user, const struct s3_item *item, struct pomona_error *error) {
    return item->is_prefix ? POMONA_OK : visit_item(user, item, error);
}

static pomona_status read_page(struct list *list, const struct buffer *text,
                               pomona_status (*visit)(void *, const struct s3_item *, struct pomona_error *),
                               void *user, struct pomona_error *error) {
    memset(&list->page, 0, sizeof list->page);
    TRY(s3_xml_list(list->call.name, text->data, text->size, visit, user, &list->page, error));
    if (list->page.truncated && !list->page.continuation[0])
        return fail(error, POMONA_E_CORRUPT, list->call.name,
                    "the listing goes on, but the server does not say where");
    return POMONA_OK;
}

static pomona_status ignore_item(void *user, const struct s3_item *item, struct pomona_error *error) {
    (void)user, (void)item, (void)error;
    return POMONA_OK;
}

/* The level of a list is there: splits it into its folders, or goes on with pages. */
static pomona_status split(struct lister *lister, struct list *list, struct pomona_error *error) {
    lister->folder_count = 0;
    TRY(read_page(list, &list->answer, gather_folder, lister, error));
    if (!list->page.truncated && lister->folder_count > 0 && lister->folder_count <= FOLDERS_MAX) {
        TRY(read_page(list, &list->answer, visit_keys, lister, error));
        for (size_t i = lister->folder_count; i-- > 0;) TRY(add_list(lister, lister->folders[i], error));
        return POMONA_OK;
    }
    list->stage = PAGES;
    TRY(read_page(list, &list->first, visit_item, lister, error));
    buffer_free(&list->first);
    return list->page.truncated ? ask(lister, list, error) : POMONA_OK;
}

/* A page of `list` came. *over: nothing more is asked of it. */
static pomona_status take_page(struct lister *lister, struct list *list, bool *over,
                               struct pomona_error *error) {
    size_t before = lister->under_way;
    if (list->stage == LEVEL) {
        TRY(split(lister, list, error));
    } else if (list->stage == PAGES) {
        TRY(read_page(list, &list->answer, visit_item, lister, error));
        if (list->page.truncated) TRY(ask(lister, list, error));
    } else {
        TRY(read_page(list, &list->answer, ignore_item, NULL, error));
        if (!list->page.truncated) {
            TRY(read_page(list, &list->answer, visit_item, lister, error));
        } else {
            struct buffer page = list->first;
            list->first = list->answer;
            list->answer = page;
            list->stage = LEVEL;
            list->page.continuation[0] = '\0';
            TRY(ask(lister, list, error));
        }
    }
    *over = lister->under_way == before;
    return POMONA_OK;
}

static pomona_status run_lists(struct lister *lister, struct pomona_error *error) {
    const struct pomona_places_options *options = &lister->s3->place.places->options;
    struct http *http = lister->s3->http;
    while (lister->waiting || lister->under_way > 0) {
        while (lister->waiting && lister->under_way < LISTS_UNDER_WAY) {
            struct list *list = lister->waiting;
            lister->waiting = list->next;
            pomona_status status = ask(lister, list, error);
            if (status != POMONA_OK) list_free(list);
            TRY(status);
        }
        if (options->should_stop && options->should_stop(options->user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while listing");
        struct http_transfer *transfer = http_next(http, LOOK_MILLISECONDS);
        if (!transfer) continue;
        size_t slot = 0;
        while (!lister->active[slot] || &lister->active[slot]->call.transfer != transfer) slot++;
        struct list *list = lister->active[slot];
        lister->active[slot] = NULL;
        lister->under_way--;
        pomona_status status = transfer->status;
        bool over = true;
        if (status != POMONA_OK) *error = transfer->cause;
        if (status == POMONA_OK) status = take_page(lister, list, &over, error);
        if (over || status != POMONA_OK) list_free(list);
        TRY(status);
    }
    return POMONA_OK;
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
    *lister = (struct lister){
        .s3 = s3, .visit = visit, .user = user, .shallow = shallow, .folder_names = ARENA_INIT(SIZE_MAX)};
    pomona_status status = add_list(lister, key, error);
    if (status == POMONA_OK) status = run_lists(lister, error ? error : &own);
    for (int i = 0; i < LISTS_UNDER_WAY; i++) { /* after a failure */
        if (lister->active[i]) http_cancel(s3->http, &lister->active[i]->call.transfer);
        list_free(lister->active[i]);
    }
    for (struct list *list; (list = lister->waiting) != NULL;) {
        lister->waiting = list->next;
        list_free(list);
    }
    arena_free(&lister->folder_names);
    memory_free(lister);
    return status;
}
