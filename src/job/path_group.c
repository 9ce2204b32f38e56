#include "job/path_group.h"

pomona_status path_group_open(struct path_group *group, const char *pattern, struct pomona_error *error) {
    int code = regcomp(&group->expression, pattern, REG_EXTENDED);
    if (code != 0) {
        char cause[160];
        regerror(code, &group->expression, cause, sizeof cause);
        return fail(error, POMONA_E_USAGE, pattern, "not a regular expression: %s", cause);
    }
    group->open = true;
    return POMONA_OK;
}

void path_group_close(struct path_group *group) {
    if (group->open) regfree(&group->expression);
    group->open = false;
}

bool path_group_find(const struct path_group *group, const char *path, const char **key, size_t *size) {
    regmatch_t match[2] = {{-1, -1}, {-1, -1}};
    if (regexec(&group->expression, path, 2, match, 0) != 0) return false;
    const regmatch_t *chosen = match[1].rm_so >= 0 ? &match[1] : &match[0];
    *key = path + chosen->rm_so;
    *size = (size_t)(chosen->rm_eo - chosen->rm_so);
    return true;
}

pomona_status path_group_copy(const struct path_group *group, const char *path, struct arena *arena,
                              const char **key, struct pomona_error *error) {
    const char *found;
    size_t size;
    *key = NULL;
    if (!path_group_find(group, path, &found, &size)) return POMONA_OK;
    *key = arena_copy_text(arena, found, size);
    return *key ? POMONA_OK : fail_memory(error, "groups");
}
