/* Lets tests/stats/test_fit.py call fits and measures: fit_tool COMMAND [NUMBER...] <input >output. Input: int32 counts, then
 * arrays as the machine has them; output: numbers as text. */
#include "base/memory.h"
#include "pomona/context.h"
#include "stats/fit/answers.h"
#include "stats/fit/beta.h"
#include "stats/fit/calibrate.h"
#include "stats/fit/closed_form.h"
#include "stats/fit/moments.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pomona_error error;

static int stop(const char *why) {
    fprintf(stderr, "fit_tool: %s\n", why);
    return 1;
}

static void *read_array(size_t count, size_t size) {
    void *array = memory_new(count, size);
    if (!array || fread(array, size, count, stdin) != count) exit(stop("short input"));
    return array;
}

static int read_count(void) {
    int32_t count;
    return fread(&count, sizeof count, 1, stdin) == 1 ? count : -1;
}

static void print_numbers(const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) printf("%.17g ", values[i]);
    printf("\n");
}

/* closed lda|shares|ridge|balanced REGULARISATION: rows, width, classes, float features, int32 leaf -> weights; biases. */
static int run_closed(const char *kind, double regularisation) {
    int rows = read_count(), width = read_count(), classes = read_count();
    float *features = read_array((size_t)rows * (size_t)width, sizeof *features);
    int32_t *leaf = read_array((size_t)rows, sizeof *leaf);
    char(*names)[16] = memory_new((size_t)classes, sizeof *names);
    const char **pointers = memory_new((size_t)classes, sizeof *pointers);
    struct pomona_context *context;
    struct pomona_moments *m;
    struct closed_form *form;
    struct linear_model model = {0};
    for (int c = 0; c < classes; c++) snprintf(names[c], sizeof names[c], "%d", c), pointers[c] = names[c];
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK ||
        pomona_moments_new(context, width, NULL, &m, &error) != POMONA_OK)
        return stop(error.message);
    for (int i = 0; i < rows; i++)
        if (pomona_moments_add(m, "row", names[leaf[i]], features + (size_t)i * (size_t)width, &error) !=
            POMONA_OK)
            return stop(error.message);
    if (closed_form_new(m, pointers, classes, &form, &error) != POMONA_OK) return stop(error.message);
    bool ridge = strcmp(kind, "ridge") == 0 || strcmp(kind, "balanced") == 0;
    if ((ridge ? ridge_fit : lda_fit)(form, regularisation, &model, &error) != POMONA_OK)
        return stop(error.message);
    if (strcmp(kind, "shares") == 0) lda_use_shares(form, &model);
    if (strcmp(kind, "balanced") == 0) ridge_balance(form, &model);
    print_numbers(model.weight, (size_t)classes * (size_t)width);
    print_numbers(model.bias, (size_t)classes);
    closed_form_free(&form);
    linear_model_free(&model);
    pomona_moments_free(&m);
    pomona_context_free(&context);
    memory_free(features), memory_free(leaf), memory_free(names), memory_free(pointers);
    return 0;
}

/* answers TOP: rows, classes, double probabilities, int32 truth -> one line for each kind of result. */
static int run_answers(int top) {
    int rows = read_count(), classes = read_count();
    double *probabilities = read_array((size_t)rows * (size_t)classes, sizeof *probabilities);
    int32_t *truth = read_array((size_t)rows, sizeof *truth);
    struct answers *answers;
    struct answers_summary s;
    if (answers_new(classes, top, &answers, &error) != POMONA_OK) return stop(error.message);
    for (int i = 0; i < rows; i++)
        if (answers_add(answers, truth[i], probabilities + (size_t)i * (size_t)classes, &error) != POMONA_OK)
            return stop(error.message);
    answers_summarise(answers, &s);
    const double all[] = {s.top1,  s.topk,      s.macro_precision, s.macro_recall, s.macro_f1, s.log_loss,
                          s.brier, s.ece_width, s.ece_mass,        s.top1_low,     s.top1_high};
    print_numbers(all, sizeof all / sizeof *all);
    for (int c = 0; c < classes; c++) {
        struct answers_class class;
        answers_of_class(answers, c, &class);
        const double of_class[] = {class.precision, class.recall, class.f1, (double)class.support};
        print_numbers(of_class, 4);
    }
    size_t pairs = answers_pairs(answers);
    struct metrics_cell *cells = memory_new(pairs, sizeof *cells);
    answers_confusions(answers, cells);
    for (size_t i = 0; i < pairs; i++)
        printf("%d %d %zu\n", cells[i].truth, cells[i].predicted, cells[i].count);
    answers_free(&answers);
    memory_free(cells), memory_free(probabilities), memory_free(truth);
    return 0;
}

/* auroc: any number of (known count, unknown count, doubles) -> area, low, high of each. */
static int run_auroc(void) {
    for (int known; (known = read_count()) >= 0;) {
        int unknown = read_count();
        double *scores = read_array((size_t)known + (size_t)unknown, sizeof *scores), result[3];
        result[0] =
            metrics_auroc(scores, (size_t)known, scores + known, (size_t)unknown, result + 1, result + 2);
        print_numbers(result, 3);
        memory_free(scores);
    }
    return 0;
}

/* temperature: rows, classes, double logits, int32 truth -> temperature, loss at it. */
static int run_temperature(void) {
    int rows = read_count(), classes = read_count();
    double *logits = read_array((size_t)rows * (size_t)classes, sizeof *logits), result[2];
    int32_t *truth = read_array((size_t)rows, sizeof *truth);
    result[0] = calibrate_temperature(logits, truth, (size_t)rows, classes);
    result[1] = calibrate_log_loss(logits, truth, (size_t)rows, classes, result[0]);
    print_numbers(result, 2);
    memory_free(logits), memory_free(truth);
    return 0;
}

/* beta: count, triples p, a, b -> quantile, share at p. */
static int run_beta(void) {
    int count = read_count();
    double *triples = read_array(3 * (size_t)count, sizeof *triples);
    for (int i = 0; i < count; i++) {
        const double *t = triples + 3 * i,
                     both[] = {beta_quantile(t[0], t[1], t[2]), beta_share(t[0], t[1], t[2])};
        print_numbers(both, 2);
    }
    memory_free(triples);
    return 0;
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "closed") == 0 && argc == 4) return run_closed(argv[2], strtod(argv[3], NULL));
    if (strcmp(command, "answers") == 0 && argc == 3) return run_answers((int)strtol(argv[2], NULL, 10));
    if (strcmp(command, "auroc") == 0) return run_auroc();
    if (strcmp(command, "temperature") == 0) return run_temperature();
    if (strcmp(command, "beta") == 0) return run_beta();
    return stop("usage: fit_tool closed|answers|auroc|temperature|beta ...");
}
