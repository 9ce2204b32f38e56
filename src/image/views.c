#include "image/views.h"

#include "base/error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ZOOM_MIN = 10, ZOOM_MAX = 100, ITEM_MAX = 6 };

static const char *const positions[] = {"c", "tl", "tr", "bl", "br"};

static const struct pomona_view plain = {ZOOM_MAX, POMONA_CENTRE, false};

static bool is_same(const struct pomona_view *a, const struct pomona_view *b) {
    return a->zoom == b->zoom && a->position == b->position && a->mirror == b->mirror;
}

int pomona_profile_pictures(const struct pomona_profile *profile) {
    return profile->views > 0 ? profile->views : 1;
}

pomona_status views_check(const struct pomona_profile *profile, struct pomona_error *error) {
    bool good = profile->views >= 0 && profile->views <= POMONA_VIEWS_MAX;
    for (int i = 0; good && i < profile->views; i++) {
        const struct pomona_view *view = &profile->view[i];
        good = view->zoom >= ZOOM_MIN && view->zoom <= ZOOM_MAX && view->position >= POMONA_CENTRE &&
               view->position <= POMONA_BOTTOM_RIGHT;
    }
    return good ? POMONA_OK : fail(error, POMONA_E_USAGE, NULL, "profile: views out of range");
}

void views_format(const struct pomona_profile *profile, char text[VIEWS_TEXT_MAX]) {
    size_t used = 0;
    *text = '\0';
    for (int i = 0; i < profile->views && i < POMONA_VIEWS_MAX; i++) {
        const struct pomona_view *view = &profile->view[i];
        int length = snprintf(text + used, VIEWS_TEXT_MAX - used, "%s%d%s%s", i ? "," : "", view->zoom,
                              positions[view->position], view->mirror ? "m" : "");
        if (length > 0) used += (size_t)length;
        if (used >= VIEWS_TEXT_MAX) return; /* cannot be for views in range */
    }
}

/* One item of a list, text[0..size). */
static bool parse_view(const char *text, size_t size, struct pomona_view *view) {
    char item[ITEM_MAX + 1] = "";
    if (size == 0 || size > ITEM_MAX) return false;
    memcpy(item, text, size);
    const char *at = item;
    *view = (struct pomona_view){0};
    if (*at == '0') return false;
    for (; isdigit((unsigned char)*at); at++) view->zoom = 10 * view->zoom + (*at - '0');
    if (view->zoom < ZOOM_MIN || view->zoom > ZOOM_MAX) return false;
    for (int p = POMONA_CENTRE; p <= POMONA_BOTTOM_RIGHT; p++) {
        size_t length = strlen(positions[p]);
        if (strncmp(at, positions[p], length) != 0) continue;
        view->position = (enum pomona_position)p;
        at += length;
        break;
    }
    if (view->zoom == ZOOM_MAX && view->position != POMONA_CENTRE) return false;
    view->mirror = *at == 'm';
    at += view->mirror;
    return *at == '\0';
}

static const char *expand_name(const char *views) {
    if (strcmp(views, "flip") == 0) return "100c,100cm";
    if (strcmp(views, "scales") == 0) return "100c,60c";
    if (strcmp(views, "crops") == 0) return "100c,50c,50tl,50tr,50bl,50br";
    return views;
}

pomona_status pomona_profile_set_views(struct pomona_profile *profile, const char *views,
                                       struct pomona_error *error) {
    struct pomona_view found[POMONA_VIEWS_MAX];
    int count = 0;
    for (const char *at = expand_name(views);; at++) {
        size_t size = strcspn(at, ",");
        if (count == POMONA_VIEWS_MAX)
            return fail(error, POMONA_E_USAGE, NULL, "views: more than %d", POMONA_VIEWS_MAX);
        if (!parse_view(at, size, &found[count]))
            return fail(error, POMONA_E_USAGE, NULL,
                        "views: '%.*s' is neither flip, scales or crops nor a zoom of %d to %d per cent with "
                        "c, tl, tr, bl or br (100 only c) and m behind it, as in 100c,60tlm",
                        size > 40 ? 40 : (int)size, at, ZOOM_MIN, ZOOM_MAX);
        for (int i = 0; i < count; i++)
            if (is_same(&found[i], &found[count]))
                return fail(error, POMONA_E_USAGE, NULL, "views: '%.*s' is there twice", (int)size, at);
        count++;
        at += size;
        if (*at == '\0') break;
    }
    bool is_plain = count == 1 && is_same(&found[0], &plain);
    memset(profile->view, 0, sizeof profile->view);
    profile->views = is_plain ? 0 : count;
    if (!is_plain) memcpy(profile->view, found, (size_t)count * sizeof *found);
    return POMONA_OK;
}

bool view_is_mirrored(const struct pomona_profile *profile, int index) {
    return profile->views > 0 && profile->view[index].mirror;
}

/* The middle, or one end, of what is left over. */
static int place(int room, bool centre, bool at_end) { return centre ? room / 2 : at_end ? room : 0; }

struct crop_box view_box(const struct pomona_profile *profile, int index, int width, int height) {
    struct crop_box box = {0, 0, width, height};
    if (profile->crop == POMONA_CROP_SQUARE) {
        int side = width < height ? width : height;
        box = (struct crop_box){(width - side) / 2, (height - side) / 2, side, side};
    }
    if (profile->views == 0) return box;
    const struct pomona_view *view = &profile->view[index];
    enum pomona_position at = view->position;
    int zoomed_width = (int)(((int64_t)box.width * view->zoom + 50) / 100),
        zoomed_height = (int)(((int64_t)box.height * view->zoom + 50) / 100);
    if (zoomed_width < 1) zoomed_width = 1;
    if (zoomed_height < 1) zoomed_height = 1;
    box.left += place(box.width - zoomed_width, at == POMONA_CENTRE,
                      at == POMONA_TOP_RIGHT || at == POMONA_BOTTOM_RIGHT);
    box.top += place(box.height - zoomed_height, at == POMONA_CENTRE,
                     at == POMONA_BOTTOM_LEFT || at == POMONA_BOTTOM_RIGHT);
    box.width = zoomed_width;
    box.height = zoomed_height;
    return box;
}
