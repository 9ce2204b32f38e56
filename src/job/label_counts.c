#include "job/label_counts.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

static bool same_label(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* The slot of a label: its own, or the free one where it belongs. */
static size_t *find_slot(const struct label_counts *counts, const char *label) {
    size_t at = (label ? text_hash(label) >> 16 : 0) % counts->slot_count;
    while (counts->slots[at] && !same_label(counts->labels[counts->slots[at] - 1].label, label))
        at = (at + 1) % counts->slot_count;
    return &counts->slots[at];
}

/* Doubles the table when it is half full. */
static pomona_status make_room(struct label_counts *counts, struct pomona_error *error) {
    if (2 * (counts->count + 1) <= counts->slot_count) return POMONA_OK;
    size_t slot_count = counts->slot_count ? 2 * counts->slot_count : 256;
    size_t *slots = memory_new(slot_count, sizeof *slots);
    struct pomona_report_label *labels = memory_resize(counts->labels, slot_count / 2, sizeof *labels);
    if (labels) counts->labels = labels;
    if (!slots || !labels) {
        memory_free(slots);
        return fail_memory(error, "labels");
    }
    memory_free(counts->slots);
    counts->slots = slots;
    counts->slot_count = slot_count;
    for (size_t i = 0; i < counts->count; i++) *find_slot(counts, labels[i].label) = i + 1;
    return POMONA_OK;
}

pomona_status label_counts_add(struct label_counts *counts, const char *label, const char **kept,
                               struct pomona_error *error) {
    TRY(make_room(counts, error));
    size_t *slot = find_slot(counts, label);
    if (!*slot) {
        const char *copy = label ? arena_copy_text(&counts->texts, label, strlen(label)) : NULL;
        if (label && !copy) return fail_memory(error, "labels");
        counts->labels[counts->count] = (struct pomona_report_label){copy, 0};
        *slot = ++counts->count;
    }
    struct pomona_report_label *found = &counts->labels[*slot - 1];
    found->count++;
    *kept = found->label;
    return POMONA_OK;
}

void label_counts_free(struct label_counts *counts) {
    arena_free(&counts->texts);
    memory_free(counts->labels);
    memory_free(counts->slots);
    *counts = LABEL_COUNTS_INIT;
}
