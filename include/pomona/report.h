/* The report of a run: a scree plot as PNG and SVG, and one self-contained HTML page.
 *
 * Everything comes from the caller: facts of the run, the spectrum of a PCA, scores, labels, error rows, and a callback
 * that gives the bytes of a photo. Texts may come from anywhere (file names, labels, messages of a decoder): they are
 * escaped, characters that would reorder or hide text are shown as \uXXXX, and long ones are cut in the middle. They
 * are borrowed for the call.
 *
 * The same input gives the same bytes: no clock, no random numbers, no locale, one fixed font. (Between machines the
 * pixels of scree.png may differ with the version of Cairo, FreeType and the font.) */
#ifndef POMONA_REPORT_H
#define POMONA_REPORT_H

#include "pomona/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pomona_language {
    POMONA_LANGUAGE_ENGLISH = 0,
    POMONA_LANGUAGE_FRENCH = 1,
    POMONA_LANGUAGE_COUNT = 2
} pomona_language;

/* "en" or "fr"; anything else is POMONA_E_USAGE. */
POMONA_API pomona_status pomona_language_parse(const char *name, pomona_language *language,
                                               struct pomona_error *error);

/* ---- the spectrum of a PCA ---- */

/* Eigenvalues of the covariance in descending order: all of them, or the first `count` together with the total. */
struct pomona_spectrum {
    const double *eigenvalues; /* [count], finite; what rounding made negative counts as 0 */
    size_t count;              /* 0: no PCA */
    double total; /* sum of all eigenvalues, also of those not given; 0: the sum of those given */
};

/* What the scree plot marks. Numbers of components count from 1; 0: not reached by the eigenvalues given. */
struct pomona_spectrum_marks {
    size_t k90, k95, k99; /* the fewest components that explain at least 90, 95, 99 % of the variance */
    size_t elbow;         /* 0: the curve has none (fewer than three components, or all equal) */
    double total;         /* the total used */
};

/* Fills `marks`. The elbow is the component farthest below the chord from the first eigenvalue to the last one, both
 * axes scaled to 0..1 ("Kneedle" without smoothing: Satopaa et al., 2011, doi:10.1109/ICDCSW.2011.20). Components
 * beyond k99 are left out, because a long tail of noise would pull the elbow to the right. POMONA_E_INPUT for a value
 * that is not finite, ascending eigenvalues, or a total below their sum (by more than a millionth). */
POMONA_API pomona_status pomona_spectrum_mark(const struct pomona_spectrum *spectrum,
                                              struct pomona_spectrum_marks *marks,
                                              struct pomona_error *error);

/* Write the scree plot: a bar for each component (left axis), the cumulative line (right axis), the elbow and the k
 * of 90, 95 and 99 %. 1200 x 750 pixels. Each file appears whole or not at all. Errors: those of pomona_spectrum_mark,
 * POMONA_E_IO, POMONA_E_MEMORY. A spectrum without variance gives a plot that says so.
 *
 * The PNG is drawn by Cairo with DejaVu Sans, else what fontconfig has instead; on a machine without fonts with Cairo's own
 * strokes, without accents. The SVG leaves the choice of the font to its viewer. */
POMONA_API pomona_status pomona_report_scree_png(const struct pomona_spectrum *spectrum,
                                                 pomona_language language, const char *path,
                                                 struct pomona_error *error);
POMONA_API pomona_status pomona_report_scree_svg(const struct pomona_spectrum *spectrum,
                                                 pomona_language language, const char *path,
                                                 struct pomona_error *error);

/* ---- the page ---- */

/* Where the time went. Known names ("list", "model", "read", "decode", "resize", "net", "write", "commit", "moments",
 * "pca", "scores", "report") are shown in the language of the report, others as they are. */
struct pomona_report_stage {
    const char *name;
    double
        seconds; /* summed over threads where the stage ran on several; what is not finite or not positive is left
                       out */
};

struct pomona_report_photo {
    const char *path;
    const char *label; /* NULL: none */
};

struct pomona_report_label {
    const char *label; /* NULL: photos without a label */
    int64_t count;
};

struct pomona_report_failure {
    const char *path, *reason;
};

/* Zero-initialise, then set what is known: a section without data is left out, and so is a fact that is NULL or 0. */
struct pomona_report {
    pomona_language language;
    const char *title;  /* NULL: "Photo report" in the language */
    const char *source; /* what was read: a folder or a URI */

    /* What ran. */
    int64_t photos;  /* found */
    int64_t rows;    /* photos with features */
    int64_t errors;  /* photos without: all of them, `failures` may hold only the first ones */
    int64_t skipped; /* files that were no photos */
    uint64_t bytes_read;
    double seconds; /* wall clock */
    double photos_per_second;
    int threads;
    const char *version; /* of pomona */
    const char *model, *model_hash, *layer, *profile, *precision, *tier, *feature_space;
    bool synthetic_photos; /* the page says that they are drawings, not photographs */
    bool untrained_model;  /* the page says that the network is untrained */
    bool profile_assumed;  /* the page says that the model did not name its preprocessing */
    const struct pomona_report_stage *stages;
    size_t stage_count;

    /* The PCA. */
    struct pomona_spectrum spectrum;
    int features;             /* length of the feature vectors */
    bool scores_standardised; /* the features were scaled to unit variance first */

    /* Scores [row_count][components], one row a photo; rows with a value that is not finite are counted and left
     * out. They may be an even sample of the photos: where row_count is below `rows`, the page says so. NULL: no
     * scatter plot, no near-duplicates, no outliers. */
    const double *scores;
    const struct pomona_report_photo *row_photos; /* [row_count] */
    size_t row_count, components;

    const struct pomona_report_label *labels; /* in any order */
    size_t label_count;
    const struct pomona_report_failure *failures;
    size_t failure_count;

    /* Thumbnails. `read_photo` gives the JPEG bytes of row `row`, which live until the next call; when it fails, or
     * the bytes can't be decoded, that photo has no picture. Called from the calling thread, at most `thumbnails` plus
     * about 50 times, in an order that depends only on the report. Without context or read_photo there are none. */
    const struct pomona_context *context;
    pomona_status (*read_photo)(void *user, size_t row, const void **bytes, size_t *size,
                                struct pomona_error *error);
    void *user;
    int thumbnails; /* in the scatter plot; 0: 400; negative: none at all */
};

/* Writes FOLDER/report.html, and FOLDER/scree.png and FOLDER/scree.svg if there is a spectrum. The folder must exist;
 * each file appears whole or not at all, and replaces an older one. Errors: those of the scree plot, POMONA_E_USAGE
 * (counts without arrays), POMONA_E_LIMIT (a page beyond 64 MiB), POMONA_E_IO, POMONA_E_MEMORY.
 *
 * The page draws at most 5,000 points (evenly sampled beyond), compares all photos with each other up to 20,000 (an even
 * sample beyond) in the first 32 components, and says where it sampled. It needs no network and no other file, and is
 * complete without scripts but for the photos shown on pointing and the choice of axes. */
POMONA_API pomona_status pomona_report_write(const struct pomona_report *report, const char *folder,
                                             struct pomona_error *error);

/* The page alone, as text in memory; freed with pomona_report_free_text. */
POMONA_API pomona_status pomona_report_html(const struct pomona_report *report, char **text, size_t *size,
                                            struct pomona_error *error);
POMONA_API void pomona_report_free_text(char **text);

#ifdef __cplusplus
}
#endif
#endif
