#include "store/pack_folder.h"

#include "base/memory.h"
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static pomona_status look_for(const char *folder, const char *name, bool *found, struct pomona_error *error) {
    char *path = path_join(folder, name);
    *found = path && path_exists(path);
    memory_free(path);
    return path ? POMONA_OK : fail_memory(error, "path");
}

static pomona_status shard_size(void *user, const char *shard, uint64_t *size, struct pomona_error *error) {
    const struct pack_folder *folder = user;
    struct stat info;
    char *path = path_join(folder->path, shard);
    if (!path) return fail_memory(error, "path");
    pomona_status status = POMONA_OK;
    if (stat(path, &info) != 0)
        status = fail_errno(error, errno, 1, path, "the shard is missing");
    else if (!S_ISREG(info.st_mode))
        status = fail(error, POMONA_E_INPUT, path, "is not a regular file");
    else
        *size = (uint64_t)info.st_size;
    memory_free(path);
    return status;
}

static bool should_stop(void *user) {
    const struct pack_folder *folder = user;
    return folder->should_stop && folder->should_stop(folder->user);
}

pomona_status pack_folder_open(struct pack_folder *folder, const char *path, bool (*stop)(void *user),
                               void *user, struct pomona_error *error) {
    *folder = PACK_FOLDER_INIT;
    folder->should_stop = stop, folder->user = user;
    folder->path = arena_copy_text(&folder->arena, path, strlen(path));
    char *index = path_join(path, PACK_INDEX);
    const char *name = index ? arena_copy_text(&folder->arena, index, strlen(index)) : NULL;
    const char *uri = path_to_uri(&folder->arena, path);
    memory_free(index);
    if (!folder->path || !name || !uri) return fail_memory(error, "index");
    folder->place = (struct pack_place){uri, folder->path, shard_size, should_stop, folder};
    TRY(file_source_open(&folder->file, name, &folder->index, error));
    bool whole;
    TRY(look_for(path, PACK_SUCCESS, &whole, error));
    if (whole) return POMONA_OK;
    return fail(error, POMONA_E_INPUT, path,
                "holds " PACK_INDEX " without " PACK_SUCCESS ": a packed folder that is not whole");
}

void pack_folder_close(struct pack_folder *folder) {
    file_source_close(&folder->file);
    arena_free(&folder->arena);
}

bool pack_is_shard(const char *name) {
    enum { DIGITS = 5 };
    if (strncmp(name, "shard-", 6) != 0) return false;
    name += 6;
    if (strspn(name, "0123456789") != DIGITS || name[DIGITS] != '-') return false;
    name += DIGITS + 1;
    return strspn(name, "0123456789abcdef") == PACK_SHARD_HEX && strcmp(name + PACK_SHARD_HEX, ".tar") == 0;
}

static pomona_status count_others(const char *path, struct listing *listing, struct pomona_error *error) {
    DIR *stream = opendir(path);
    if (!stream) return fail_errno(error, errno, 1, path, "cannot list");
    for (struct dirent *entry; (entry = readdir(stream));) {
        const char *name = entry->d_name;
        if (name[0] != '_' && name[0] != '.' && !pack_is_shard(name)) listing->skipped++;
    }
    closedir(stream);
    return POMONA_OK;
}

pomona_status pack_folder_list(const char *path, const char *glob, bool (*stop)(void *user), void *user,
                               struct listing *listing, struct pomona_error *error) {
    struct pack_folder folder;
    pomona_status status = pack_folder_open(&folder, path, stop, user, error);
    if (status == POMONA_OK) status = pack_index_list(folder.index, &folder.place, glob, listing, error);
    pack_folder_close(&folder);
    return status == POMONA_OK ? count_others(path, listing, error) : status;
}
