#include "store/places.h"

#include "base/memory.h"
#include "store/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS_DEFAULT = 64, REQUESTS_MAX = 256 };

bool place_is_remote(const char *uri) {
    return strncmp(uri, "s3://", 5) == 0 || strncmp(uri, "http://", 7) == 0 ||
           strncmp(uri, "https://", 8) == 0;
}

bool pomona_places_is_remote(const char *name) { return name && place_is_remote(name); }

/* An endpoint is scheme://host[:port][/path], without user, query or fragment. */
static pomona_status check_endpoint(const char *url, struct pomona_error *error) {
    const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
                       : strncmp(url, "https://", 8) == 0 ? url + 8
                                                          : NULL;
    if (!host || !*host || *host == '/' || strpbrk(host, "@?# \t\n\\") || strlen(url) >= PLACES_ENDPOINT_SIZE)
        return fail(error, POMONA_E_USAGE, url, "is not the URL of a service (http[s]://host[:port])");
    return POMONA_OK;
}

static pomona_status copy_texts(struct pomona_places_options *options, struct pomona_error *error) {
    const char **texts[] = {&options->endpoint_url, &options->region, &options->profile, &options->addressing,
                            &options->scratch};
    bool complete = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!*texts[i]) continue;
        *texts[i] = memory_copy_string(*texts[i]);
        complete = complete && *texts[i];
    }
    return complete ? POMONA_OK : fail_memory(error, "places");
}

static pomona_status check_options(const struct pomona_places_options *options, struct pomona_error *error) {
    const char *addressing = options->addressing ? options->addressing : "auto";
    if (strcmp(addressing, "auto") != 0 && strcmp(addressing, "path") != 0 &&
        strcmp(addressing, "virtual") != 0)
        return fail(error, POMONA_E_USAGE, NULL, "addressing: '%s' is none of auto, path, virtual",
                    addressing);
    if (options->requests < 0 || options->requests > REQUESTS_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "requests: %d is not in 1..%d", options->requests,
                    REQUESTS_MAX);
    if (options->region &&
        (strlen(options->region) >= PLACES_REGION_SIZE ||
         strspn(options->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(options->region)))
        return fail(error, POMONA_E_USAGE, options->region, "is not the name of a region");
    return options->endpoint_url ? check_endpoint(options->endpoint_url, error) : POMONA_OK;
}

pomona_status pomona_places_new(const struct pomona_places_options *options, struct pomona_places **places,
                                struct pomona_error *error) {
    static const struct pomona_places_options defaults = {0};
    *places = NULL;
    if (!options) options = &defaults;
    TRY(check_options(options, error));
    struct pomona_places *p = memory_new(1, sizeof *p);
    if (!p) return fail_memory(error, "places");
    p->options = *options;
    if (!p->options.requests) p->options.requests = REQUESTS_DEFAULT;
    p->quota = HTTP_QUOTA_INIT;
    pthread_mutex_init(&p->lock, NULL);
    struct credentials_options who = {.profile = options->profile, .anonymous = options->anonymous};
    pomona_status status = copy_texts(&p->options, error);
    if (status == POMONA_OK) status = credentials_source_new(&who, &p->credentials, error);
    *places = p;
    if (status != POMONA_OK) pomona_places_free(places);
    return status;
}

void pomona_places_free(struct pomona_places **places) {
    struct pomona_places *p = places ? *places : NULL;
    if (!p) return;
    credentials_source_free(&p->credentials);
    pthread_mutex_destroy(&p->lock);
    memory_free((char *)p->options.endpoint_url);
    memory_free((char *)p->options.region);
    memory_free((char *)p->options.profile);
    memory_free((char *)p->options.addressing);
    memory_free((char *)p->options.scratch);
    memory_free(p);
    *places = NULL;
}

/* With the lock held, once: region and endpoint from the options, the environment or the profile. */
static pomona_status resolve(struct pomona_places *places, struct pomona_error *error) {
    struct credentials_options who = {.profile = places->options.profile};
    if (places->resolved) return POMONA_OK;
    if (places->options.region)
        snprintf(places->region, sizeof places->region, "%s", places->options.region);
    else
        TRY(credentials_region(&who, places->region, sizeof places->region, error));
    if (!places->region[0]) snprintf(places->region, sizeof places->region, "us-east-1");
    if (places->options.endpoint_url)
        snprintf(places->endpoint, sizeof places->endpoint, "%s", places->options.endpoint_url);
    else
        TRY(credentials_endpoint(&who, places->endpoint, sizeof places->endpoint, error));
    if (places->endpoint[0]) TRY(check_endpoint(places->endpoint, error));
    size_t length = strlen(places->endpoint);
    while (length > 0 && places->endpoint[length - 1] == '/') places->endpoint[--length] = '\0';
    places->resolved = true;
    return POMONA_OK;
}

static const char *region_of(const struct pomona_places *places, const char *bucket) {
    for (int i = 0; i < places->learnt_count; i++)
        if (strcmp(places->learnt[i].bucket, bucket) == 0) return places->learnt[i].region;
    return places->region;
}

pomona_status places_address(struct pomona_places *places, const char *bucket, struct place_address *address,
                             struct pomona_error *error) {
    pthread_mutex_lock(&places->lock);
    pomona_status status = resolve(places, error);
    if (status == POMONA_OK) {
        const char *how = places->options.addressing ? places->options.addressing : "auto";
        snprintf(address->region, sizeof address->region, "%s", region_of(places, bucket));
        bool own = places->endpoint[0] != '\0';
        address->bucket_in_path =
            strcmp(how, "path") == 0 || (strcmp(how, "virtual") != 0 && (own || strchr(bucket, '.')));
        const char *scheme = own && strncmp(places->endpoint, "http://", 7) == 0 ? "http://" : "https://";
        const char *domain = strncmp(address->region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
        const char *dot = address->bucket_in_path ? "" : ".", *front = address->bucket_in_path ? "" : bucket;
        if (own)
            snprintf(address->host, sizeof address->host, "%s%s%s", front, dot,
                     places->endpoint + strlen(scheme));
        else
            snprintf(address->host, sizeof address->host, "%s%ss3.%s.%s", front, dot, address->region,
                     domain);
        snprintf(address->base, sizeof address->base, "%s%s", scheme, address->host);
        address->host[strcspn(address->host, "/")] = '\0';
        /* A port that is the scheme's own is not in the Host header, so it is not signed either. */
        char *port = strrchr(address->host, ':');
        if (port && strcmp(port, strcmp(scheme, "http://") == 0 ? ":80" : ":443") == 0) *port = '\0';
    }
    pthread_mutex_unlock(&places->lock);
    return status;
}

bool places_learn_region(struct pomona_places *places, const char *bucket, const char *region) {
    if (!region[0] || strlen(region) >= PLACES_REGION_SIZE || strlen(bucket) >= PLACES_BUCKET_SIZE ||
        strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
            strlen(region)) /* it becomes part of a host's name */
        return false;
    pthread_mutex_lock(&places->lock);
    bool news = strcmp(region_of(places, bucket), region) != 0;
    if (news) {
        int at = 0;
        while (at < places->learnt_count && strcmp(places->learnt[at].bucket, bucket) != 0) at++;
        if (at == places->learnt_count) { /* a new one; the oldest goes when there is no room */
            at = places->learnt_next;
            places->learnt_next = (places->learnt_next + 1) % PLACES_REGIONS;
            if (places->learnt_count < PLACES_REGIONS) places->learnt_count++;
        }
        snprintf(places->learnt[at].bucket, PLACES_BUCKET_SIZE, "%s", bucket);
        snprintf(places->learnt[at].region, PLACES_REGION_SIZE, "%s", region);
    }
    pthread_mutex_unlock(&places->lock);
    return true;
}

pomona_status places_http(struct pomona_places *places, struct http **http, struct pomona_error *error) {
    struct http_options options = {.quota = &places->quota,
                                   .ca_bundle = getenv("AWS_CA_BUNDLE"),
                                   .connections = places->options.requests,
                                   .should_stop = places->options.should_stop,
                                   .user = places->options.user};
    return http_new(&options, http, error);
}
