#include "base/memory.h"
#include "kernels/pixels_f32/pixels_f32.h"
#include "net/model.h"

#include <string.h>

enum {
    BATCH_MAX = 64,
    GROUP_MAX =
        4 /* photos at once: weights are read a quarter as often, and activations still fit the cache */
};

struct pomona_session {
    const struct pomona_model *model;
    int batch;
    size_t *offsets; /* [tensor_count], owned, as are the two below */
    char *tensors;
    float *scratch;
    struct run_state state;
    float scale[3], shift[3]; /* of the profile: (pixel - mean) / std */
    int views;                /* pictures of a photo */
    double *sums;             /* [features], of the views of one photo so far */
};

pomona_status pomona_session_new(const struct pomona_model *model, int batch, struct pomona_session **session,
                                 struct pomona_error *error) {
    *session = NULL;
    if (batch < 1 || batch > BATCH_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "a batch of %d photos, not 1 to %d", batch, BATCH_MAX);
    const struct plan *plan = &model->plan;
    pomona_status status = POMONA_OK;
    struct pomona_session *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "session");
    made->model = model;
    made->batch = batch;
    made->views = pomona_profile_pictures(&model->info.profile);
    model_normalisation(model, made->scale, made->shift);
    size_t bytes = 0;
    made->offsets = memory_new((size_t)plan->tensor_count, sizeof *made->offsets);
    made->sums = memory_new((size_t)model->info.features, sizeof *made->sums);
    if (!made->offsets || !made->sums) {
        status = fail_memory(error, "session");
        goto end;
    }
    int pictures = batch * made->views;
    TRY_GOTO(plan_place(plan, pictures < GROUP_MAX ? pictures : GROUP_MAX, made->offsets, &bytes, error),
             status, end);
    made->tensors = memory_new_aligned(bytes, 1);
    made->scratch = memory_new_aligned(plan->scratch_floats, sizeof(float));
    made->state = (struct run_state){plan, model->kernels, made->offsets, made->tensors, made->scratch, NULL};
    if (!made->tensors || !made->scratch) status = fail_memory(error, "session");
end:
    if (status == POMONA_OK)
        *session = made;
    else
        pomona_session_free(&made);
    return status;
}

/* `group` pictures: one after the other while their tensors are large, then all at once. */
static void run_group(struct pomona_session *session, const uint8_t *pixels, int group) {
    const struct pomona_model *model = session->model;
    const struct plan *plan = &model->plan;
    size_t size = (size_t)model->info.input_width * (size_t)model->info.input_height;
    session->state.pixels = pixels;
    for (int photo = 0; photo < group; photo++) {
        if (!plan->integer)
            model->kernels->pixels_f32->normalise(size, pixels + (size_t)photo * size * 3, session->scale,
                                                  session->shift,
                                                  run_tensor(&session->state, plan->input, photo));
        for (int i = 0; i < plan->batched_from;) i = run_step(&session->state, i, photo, 1);
    }
    for (int i = plan->batched_from; i < plan->step_count;) i = run_step(&session->state, i, 0, group);
}

/* Takes the features of pictures [first, first + group), those of a photo's views one after the other, and turns them into
 * means: added in order, in double, and rounded once. */
static void take_views(struct pomona_session *session, int first, int group, float *features) {
    size_t row = (size_t)session->model->info.features;
    const float *x = run_tensor(&session->state, session->model->plan.output, 0);
    for (int i = 0; i < group; i++, x += row) {
        int photo = (first + i) / session->views, view = (first + i) % session->views;
        if (view == 0) memset(session->sums, 0, row * sizeof *session->sums);
        for (size_t f = 0; f < row; f++) session->sums[f] += (double)x[f];
        if (view < session->views - 1) continue;
        float *mean = features + (size_t)photo * row;
        for (size_t f = 0; f < row; f++) mean[f] = (float)(session->sums[f] / session->views);
    }
}

pomona_status pomona_session_run(struct pomona_session *session, const uint8_t *pixels, int n,
                                 float *features, struct pomona_error *error) {
    if (n < 1 || n > session->batch)
        return fail(error, POMONA_E_USAGE, NULL, "%d photos in a session of %d", n, session->batch);
    const struct pomona_model *model = session->model;
    const struct plan *plan = &model->plan;
    size_t picture = (size_t)model->info.input_width * (size_t)model->info.input_height * 3;
    size_t row = (size_t)model->info.features;
    int pictures = n * session->views;
    for (int done = 0; done < pictures; done += GROUP_MAX) {
        int group = pictures - done < GROUP_MAX ? pictures - done : GROUP_MAX;
        run_group(session, pixels + (size_t)done * picture, group);
        if (session->views > 1)
            take_views(session, done, group, features);
        else
            memcpy(features + (size_t)done * row, run_tensor(&session->state, plan->output, 0),
                   row * (size_t)group * sizeof *features);
    }
    return POMONA_OK;
}

void pomona_session_free(struct pomona_session **session) {
    if (!session || !*session) return;
    memory_free((*session)->offsets);
    memory_free((*session)->tensors);
    memory_free((*session)->scratch);
    memory_free((*session)->sums);
    memory_free(*session);
    *session = NULL;
}
