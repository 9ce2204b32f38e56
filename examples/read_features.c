/* Reads what `pomona features` wrote, or any Parquet with path, label and features.   usage: read_features RESULTS */
#include <pomona/table.h>
#include <stdio.h>

int main(int argc, char **argv) {
    struct pomona_error error = {0};
    struct pomona_feature_reader *reader = NULL;
    struct pomona_feature_info info;
    struct pomona_feature_row row;
    if (argc != 2) return fputs("usage: read_features RESULTS\n", stderr), 1;

    pomona_status status = pomona_feature_reader_open(argv[1], &reader, &error);
    if (status == POMONA_OK) {
        pomona_feature_reader_info(reader, &info);
        printf("%lld rows of %d features in %d parts\n", (long long)info.rows, info.features, info.parts);
    }
    for (bool has_row = true; status == POMONA_OK && has_row;) {
        status = pomona_feature_reader_next(reader, &row, &has_row, &error);
        if (status != POMONA_OK || !has_row) break;
        double sum = 0;
        for (int i = 0; i < info.features; i++) sum += (double)row.features[i];
        printf("%s\t%s\t%.6f\n", row.path, row.label ? row.label : "", sum / info.features);
    }
    if (status != POMONA_OK) fprintf(stderr, "%s\n", error.message);
    pomona_feature_reader_free(&reader);
    return pomona_status_exit_code(status);
}
