#include "report/page_text.h"

#include "base/file_sink.h"
#include "base/memory.h"
#include "pomona/report.h"
#include "report/asset.h"

#include <string.h>

void page_css(struct markup *markup) {
    markup_bytes(markup, asset_report_css.text, asset_report_css.size);
    markup_bytes(markup, asset_judged_css.text, asset_judged_css.size);
}

void page_table_js(struct markup *markup) { markup_bytes(markup, asset_table_js.text, asset_table_js.size); }

pomona_status page_take_text(struct buffer *out, pomona_status status, char **text, size_t *size,
                             struct pomona_error *error) {
    if (status == POMONA_OK) status = buffer_append_byte(out, '\0', error);
    if (status != POMONA_OK) {
        buffer_free(out);
        return status;
    }
    *text = (char *)out->data;
    *size = out->size - 1;
    return POMONA_OK;
}

void pomona_report_free_text(char **text) {
    if (!text) return;
    memory_free(*text);
    *text = NULL;
}

/* FOLDER/NAME, to be freed; NULL without memory. */
static char *join(const char *folder, const char *name) {
    size_t length = strlen(folder), size = strlen(name) + 1;
    char *path = memory_new(size_add(length + 1, size), 1);
    if (!path) return NULL;
    memcpy(path, folder, length);
    path[length] = '/';
    memcpy(path + length + 1, name, size);
    return path;
}

pomona_status page_write(const struct buffer *text, const char *folder, const char *name,
                         struct pomona_error *error) {
    char *path = join(folder, name);
    if (!path) return fail_memory(error, "path of the report");
    pomona_status status = file_write(path, text->data, text->size, error);
    memory_free(path);
    return status;
}

pomona_status page_plot(const struct plot *plot, plot_format *format, const char *folder, const char *name,
                        struct pomona_error *error) {
    char *path = join(folder, name);
    if (!path) return fail_memory(error, "path of the report");
    pomona_status status = plot_file(plot, format, path, error);
    memory_free(path);
    return status;
}
