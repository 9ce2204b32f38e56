#include "tests/store/credentials_fixture.h"

#include "base/file_sink.h"
#include "store/folder.h"
#include "tests/base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;

void clear_environment(void) {
    char name[128];
    for (char **entry = environ; *entry;) {
        size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, "AWS_", 4) != 0 || length >= sizeof name) {
            entry++;
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)length, *entry);
        unsetenv(name);
        entry = environ;
    }
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

int enter_home(void **state) {
    char *folder = malloc(64);
    snprintf(folder, 64, "/tmp/pomona-credentials-%s", "XXXXXX");
    *state = folder;
    if (!mkdtemp(folder) || chdir(folder) != 0 || folder_make(".aws", &error) != POMONA_OK) return -1;
    clear_environment();
    return setenv("HOME", folder, 1);
}

int leave_home(void **state) {
    int status = chdir("/") == 0 && path_remove(*state, NULL) == POMONA_OK ? 0 : -1;
    free(*state);
    return status;
}

void put_file(const char *path, const char *text) {
    assert_int_equal(file_write(path, text, strlen(text), &error), POMONA_OK);
}

void put_config(const char *text) { put_file(".aws/config", text); }
void put_credentials(const char *text) { put_file(".aws/credentials", text); }
