/* A profile and what it refers to: keys, a role with whatever signs for it, a command. */
#include "base/memory.h"
#include "store/credentials_find.h"
#include "store/process.h"

#include <stdio.h>
#include <string.h>

enum { CHAIN_MAX = 8, NAME_SIZE = 256, COMMAND_MILLISECONDS = 60000, COMMAND_OUTPUT_MAX = 64 << 10 };

static const char origin[] = "profile";

/* The profiles from the one that was asked for to the one that is looked at. */
struct chain {
    const struct profile_files *files;
    char names[CHAIN_MAX][NAME_SIZE];
    int length;
};

/* Values of one profile; too many for the stack of every level of a chain. */
struct profile_values {
    char where[NAME_SIZE + 16];
    char access_key[PROFILE_VALUE_SIZE], secret_key[PROFILE_VALUE_SIZE], token[PROFILE_VALUE_SIZE];
    char role[PROFILE_VALUE_SIZE], session[PROFILE_VALUE_SIZE], external_id[PROFILE_VALUE_SIZE];
    char duration[NAME_SIZE], mfa[PROFILE_VALUE_SIZE], source_profile[NAME_SIZE],
        credential_source[NAME_SIZE];
    char token_file[PROFILE_VALUE_SIZE], command[PROFILE_VALUE_SIZE];
    struct credentials signer;
};

static pomona_status find(struct chain *chain, const char *profile, struct credentials *credentials,
                          struct pomona_error *error);

static pomona_status read_values(const struct profile_files *files, const char *profile,
                                 struct profile_values *v, struct pomona_error *error) {
    const struct {
        const char *key;
        char *out;
        size_t capacity;
    } wanted[] = {{"aws_access_key_id", v->access_key, sizeof v->access_key},
                  {"aws_secret_access_key", v->secret_key, sizeof v->secret_key},
                  {"aws_session_token", v->token, sizeof v->token},
                  {"role_arn", v->role, sizeof v->role},
                  {"role_session_name", v->session, sizeof v->session},
                  {"external_id", v->external_id, sizeof v->external_id},
                  {"duration_seconds", v->duration, sizeof v->duration},
                  {"mfa_serial", v->mfa, sizeof v->mfa},
                  {"source_profile", v->source_profile, sizeof v->source_profile},
                  {"credential_source", v->credential_source, sizeof v->credential_source},
                  {"web_identity_token_file", v->token_file, sizeof v->token_file},
                  {"credential_process", v->command, sizeof v->command}};
    snprintf(v->where, sizeof v->where, "profile '%s'", profile);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        TRY(profile_files_get(files, profile, wanted[i].key, wanted[i].out, wanted[i].capacity, error));
    return POMONA_OK;
}

static pomona_status from_keys(const struct profile_values *values, struct credentials *credentials,
                               struct pomona_error *error) {
    return credentials_fill(credentials, values->where, origin, values->access_key, values->secret_key,
                            values->token, NULL, error);
}

static pomona_status from_named_source(const struct profile_values *values, struct credentials *credentials,
                                       struct pomona_error *error) {
    const char *source = values->credential_source;
    char why[CREDENTIALS_WHY_SIZE] = "there are none";
    if (strcmp(source, "Environment") == 0)
        TRY(credentials_from_environment(credentials, error));
    else if (strcmp(source, "EcsContainer") == 0)
        TRY(credentials_from_container(credentials, error));
    else if (strcmp(source, "Ec2InstanceMetadata") == 0)
        TRY(credentials_from_instance(credentials, why, error));
    else
        return fail(error, POMONA_E_INPUT, values->where,
                    "credential_source '%s' is none of Environment, Ec2InstanceMetadata, EcsContainer",
                    source);
    if (!credentials->origin)
        return fail(error, POMONA_E_INPUT, values->where, "no credentials from %s: %s", source, why);
    return POMONA_OK;
}

/* Who signs for the role. A profile may be its own source: then its keys are meant. */
static pomona_status find_signer(struct chain *chain, const char *profile, struct profile_values *values,
                                 struct pomona_error *error) {
    const char *source = values->source_profile;
    if (source[0] && values->credential_source[0])
        return fail(error, POMONA_E_INPUT, values->where, "has both source_profile and credential_source");
    if (values->credential_source[0]) return from_named_source(values, &values->signer, error);
    if (!source[0])
        return fail(
            error, POMONA_E_INPUT, values->where,
            "has role_arn, but neither source_profile, credential_source nor web_identity_token_file");
    if (strcmp(source, profile) == 0) return from_keys(values, &values->signer, error);
    if (!profile_files_have(chain->files, source))
        return fail(error, POMONA_E_INPUT, values->where, "its source_profile '%s' does not exist", source);
    TRY(find(chain, source, &values->signer, error));
    if (!values->signer.origin)
        return fail(error, POMONA_E_INPUT, values->where, "its source_profile '%s' has no credentials",
                    source);
    return POMONA_OK;
}

static pomona_status from_role(struct chain *chain, const char *profile, struct profile_values *values,
                               struct credentials *credentials, struct pomona_error *error) {
    if (values->mfa[0])
        return fail(error, POMONA_E_UNSUPPORTED, values->where,
                    "asks for a code of a device (mfa_serial); get a session by the AWS CLI first");
    if (!values->token_file[0]) TRY(find_signer(chain, profile, values, error));
    struct sts_role role = {.where = values->where,
                            .origin = origin,
                            .arn = values->role,
                            .session = values->session,
                            .external_id = values->external_id,
                            .duration = values->duration,
                            .token_file = values->token_file[0] ? values->token_file : NULL,
                            .signer = &values->signer,
                            .files = chain->files,
                            .profile = profile};
    return credentials_from_role(&role, credentials, error);
}

/* SSO is a conversation with a browser; the AWS CLI hands its outcome over. */
static pomona_status refuse_sso(const struct profile_files *files, const char *profile,
                                struct pomona_error *error) {
    static const char *const keys[] = {"sso_session", "sso_start_url", "login_session"};
    struct pomona_error ignored;
    char value[2];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (profile_files_get(files, profile, keys[i], value, sizeof value, &ignored) != POMONA_OK ||
            value[0])
            return fail(error, POMONA_E_UNSUPPORTED, NULL,
                        "profile '%s' logs in by a browser (%s); give another profile this line: "
                        "credential_process = aws configure export-credentials --profile %s",
                        profile, keys[i], profile);
    return POMONA_OK;
}

static pomona_status find_with(struct chain *chain, const char *profile, struct profile_values *values,
                               struct credentials *credentials, struct pomona_error *error) {
    TRY(read_values(chain->files, profile, values, error));
    if (values->role[0]) return from_role(chain, profile, values, credentials, error);
    if (values->access_key[0] || values->secret_key[0]) return from_keys(values, credentials, error);
    if (values->command[0])
        return credentials_from_process(values->command, values->where, credentials, error);
    return refuse_sso(chain->files, profile, error);
}

static pomona_status find(struct chain *chain, const char *profile, struct credentials *credentials,
                          struct pomona_error *error) {
    credentials->origin = NULL;
    for (int i = 0; i < chain->length; i++)
        if (strcmp(chain->names[i], profile) == 0)
            return fail(error, POMONA_E_INPUT, NULL, "the source_profile of '%s' leads in a circle", profile);
    if (chain->length == CHAIN_MAX)
        return fail(error, POMONA_E_LIMIT, NULL, "more than %d profiles refer to each other", CHAIN_MAX);
    if (strlen(profile) >= NAME_SIZE)
        return fail(error, POMONA_E_INPUT, NULL, "the name of a profile is longer than %d bytes",
                    NAME_SIZE - 1);
    snprintf(chain->names[chain->length++], NAME_SIZE, "%s", profile);
    struct profile_values *values = memory_new(1, sizeof *values);
    if (!values) return fail_memory(error, "profile");
    pomona_status status = find_with(chain, profile, values, credentials, error);
    memory_free(values);
    return status;
}

pomona_status credentials_from_profile(const struct profile_files *files, const char *profile,
                                       struct credentials *credentials, struct pomona_error *error) {
    struct chain chain = {.files = files};
    return find(&chain, profile, credentials, error);
}

pomona_status credentials_from_process(const char *command, const char *where,
                                       struct credentials *credentials, struct pomona_error *error) {
    struct buffer output = BUFFER_INIT(COMMAND_OUTPUT_MAX);
    pomona_status status = process_output(command, where, COMMAND_MILLISECONDS, &output, error);
    if (status == POMONA_OK)
        status = credentials_from_json(&output, "SessionToken", where, origin, credentials, error);
    buffer_free(&output);
    return status;
}
