#include "tests/store/servers/fault_counts.h"

#include <stdatomic.h>
#include <string.h>

static const char *const method_names[COUNTED_METHODS] = {"GET", "HEAD", "PUT", "POST", "DELETE", "other"};

void fault_counts_request(struct fault_counts *counts, const char *method) {
    size_t i = 0;
    while (i + 1 < COUNTED_METHODS && strcmp(method, method_names[i]) != 0) i++;
    counts->methods[i]++;
}

void fault_counts_enter(_Atomic unsigned long *now, _Atomic unsigned long *most) {
    unsigned long value = ++*now, seen = *most;
    while (value > seen && !atomic_compare_exchange_weak(most, &seen, value)) {}
}

void fault_counts_clear(struct fault_counts *counts) {
    for (size_t i = 0; i < COUNTED_METHODS; i++) counts->methods[i] = 0;
    for (size_t i = 0; i < FAULT_KINDS_COUNT; i++) counts->faults[i] = 0;
    counts->delayed = counts->done_anyway = counts->passed = counts->server_lost = counts->client_lost = 0;
    counts->bytes_up = counts->bytes_down = 0;
    counts->connections = counts->open_most = counts->open;
    counts->busy_most = counts->busy;
}

static void write_numbers(FILE *out, const char *name, const char *const *names,
                          _Atomic unsigned long *values, size_t count) {
    fprintf(out, "\"%s\": {", name);
    for (size_t i = 0; i < count; i++) fprintf(out, "%s\"%s\": %lu", i > 0 ? ", " : "", names[i], values[i]);
    fputs("}, ", out);
}

void fault_counts_write_json(struct fault_counts *counts, struct fault_script *script, FILE *out) {
    unsigned long requests = 0;
    for (size_t i = 0; i < COUNTED_METHODS; i++) requests += counts->methods[i];
    fprintf(out, "{\"requests\": %lu, ", requests);
    write_numbers(out, "methods", method_names, counts->methods, COUNTED_METHODS);
    /* Without the first kind, which is none. */
    write_numbers(out, "faults", fault_kind_names + 1, counts->faults + 1, FAULT_KINDS_COUNT - 1);
    fprintf(out, "\"delayed\": %lu, \"done_anyway\": %lu, \"passed\": %lu, ", counts->delayed,
            counts->done_anyway, counts->passed);
    fprintf(out, "\"server_lost\": %lu, \"client_lost\": %lu, ", counts->server_lost, counts->client_lost);
    fprintf(out, "\"bytes\": {\"up\": %lu, \"down\": %lu}, ", counts->bytes_up, counts->bytes_down);
    fprintf(out, "\"connections\": {\"all\": %lu, \"open\": %lu, \"most\": %lu, \"most_busy\": %lu}, ",
            counts->connections, counts->open, counts->open_most, counts->busy_most);
    fault_script_write_json(script, out);
    fputs("}\n", out);
}
