#include "store/credentials.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/credentials_find.h"

#include <pthread.h>
#include <string.h>

/* Renewed so long before they expire; and a renewal that brought nothing newer is not tried again for so long. */
enum { RENEW_SECONDS = 300, PAUSE_SECONDS = 60 };

struct credentials_source {
    char *profile; /* of the options; NULL: not named */
    bool anonymous;

    pthread_mutex_t
        lock; /* guards the rest; held while they are looked for, since others would look for the same */
    bool has_found, rejected;
    struct credentials found;
    double next_renewal; /* not before; seconds of the monotonic clock */
};

pomona_status credentials_source_new(const struct credentials_options *options,
                                     struct credentials_source **source, struct pomona_error *error) {
    struct credentials_source *s = *source = memory_new(1, sizeof *s);
    if (!s) return fail_memory(error, "credentials");
    s->anonymous = options->anonymous;
    s->profile = options->profile ? memory_copy_string(options->profile) : NULL;
    if ((options->profile && !s->profile) || pthread_mutex_init(&s->lock, NULL) != 0) {
        memory_free(s->profile);
        memory_free(s);
        *source = NULL;
        return fail_memory(error, "credentials");
    }
    return POMONA_OK;
}

void credentials_source_free(struct credentials_source **source) {
    if (!*source) return;
    pthread_mutex_destroy(&(*source)->lock);
    memory_free((*source)->profile);
    memory_free(*source);
    *source = NULL;
}

/* The places behind the environment's keys in their order; each is asked only when those before it have none. */
static pomona_status search(const struct credentials_source *source, const struct profile_files *files,
                            struct credentials *out, struct pomona_error *error) {
    bool named;
    const char *profile = profile_pick(source->profile, &named);
    char why[CREDENTIALS_WHY_SIZE] = "";
    bool exists = profile_files_have(files, profile);
    if (!exists && named)
        return fail(error, POMONA_E_INPUT, NULL, "there is no profile '%s' in %s or %s", profile,
                    files->config_path, files->credentials_path);
    if (exists) TRY(credentials_from_profile(files, profile, out, error));
    if (!out->origin) TRY(credentials_from_web_identity(files, profile, out, error));
    if (!out->origin) TRY(credentials_from_container(out, error));
    if (!out->origin) TRY(credentials_from_instance(out, why, error));
    if (out->origin) return POMONA_OK;
    return fail(error, POMONA_E_INPUT, NULL,
                "no AWS credentials: %sprofile '%s' of %s and %s has none; "
                "no web identity, no container role; no instance role (%s)",
                source->profile ? "" : "AWS_ACCESS_KEY_ID is not set; ", profile, files->credentials_path,
                files->config_path, why);
}

static pomona_status look(const struct credentials_source *source, struct credentials *out,
                          struct pomona_error *error) {
    struct profile_files *files;
    out->origin = NULL;
    if (!source->profile) TRY(credentials_from_environment(out, error));
    if (out->origin) return POMONA_OK;
    TRY(profile_files_read(&files, error));
    pomona_status status = search(source, files, out, error);
    profile_files_free(&files);
    return status;
}

/* With the lock held. When a renewal fails, those that still hold for a while serve on. */
static pomona_status renew(struct credentials_source *source, time_t now, struct pomona_error *error) {
    struct credentials fresh;
    struct pomona_error cause = {0};
    pomona_status status = look(source, &fresh, &cause);
    bool old_holds = source->has_found && !source->rejected && now < source->found.expires;
    if (status == POMONA_OK) {
        source->found = fresh;
        source->has_found = true;
        source->rejected = false;
    } else if (!old_holds) {
        source->has_found = false;
        if (error) *error = cause;
        return status;
    }
    source->next_renewal = clock_seconds() + PAUSE_SECONDS;
    return POMONA_OK;
}

pomona_status credentials_get(struct credentials_source *source, struct credentials *credentials,
                              struct pomona_error *error) {
    if (source->anonymous) {
        *credentials = (struct credentials){.origin = "anonymous"};
        return POMONA_OK;
    }
    pthread_mutex_lock(&source->lock);
    const struct credentials *found = &source->found;
    time_t now = time(NULL);
    bool due = found->expires != 0 && now >= found->expires - RENEW_SECONDS;
    pomona_status status = POMONA_OK;
    if (!source->has_found || source->rejected || (due && clock_seconds() >= source->next_renewal))
        status = renew(source, now, error);
    if (status == POMONA_OK) *credentials = source->found;
    pthread_mutex_unlock(&source->lock);
    return status;
}

void credentials_reject(struct credentials_source *source, const struct credentials *rejected) {
    pthread_mutex_lock(&source->lock);
    if (source->has_found && strcmp(source->found.access_key, rejected->access_key) == 0 &&
        strcmp(source->found.token, rejected->token) == 0)
        source->rejected = true;
    pthread_mutex_unlock(&source->lock);
}
