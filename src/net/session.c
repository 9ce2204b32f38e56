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
    float *tensors, *scratch;
    struct run_state state;
    float scale[3], shift[3]; /* of the profile: (pixel - mean) / std */
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
    for (int i = 0; i < 3; i++) {
        made->scale[i] = 1 / model->info.profile.std[i];
        made->shift[i] = -model->info.profile.mean[i] / model->info.profile.std[i];
    }
    size_t floats = 0;
    made->offsets = memory_new((size_t)plan->tensor_count, sizeof *made->offsets);
    if (!made->offsets) {
        status = fail_memory(error, "session");
        goto end;
    }
    TRY_GOTO(plan_place(plan, batch < GROUP_MAX ? batch : GROUP_MAX, made->offsets, &floats, error), status,
             end);
    made->tensors = memory_new_aligned(floats, sizeof(float));
    made->scratch = memory_new_aligned(plan->scratch_floats, sizeof(float));
    made->state = (struct run_state){plan, model->kernels, made->offsets, made->tensors, made->scratch};
    if (!made->tensors || !made->scratch) status = fail_memory(error, "session");
end:
    if (status == POMONA_OK)
        *session = made;
    else
        pomona_session_free(&made);
    return status;
}

/* `group` photos: one after the other while their tensors are large, then all at once. */
static void run_group(struct pomona_session *session, const uint8_t *pixels, int group) {
    const struct pomona_model *model = session->model;
    const struct plan *plan = &model->plan;
    size_t size = (size_t)model->info.input_width * (size_t)model->info.input_height;
    for (int photo = 0; photo < group; photo++) {
        model->kernels->pixels_f32->normalise(size, pixels + (size_t)photo * size * 3, session->scale,
                                              session->shift,
                                              run_tensor(&session->state, plan->input, photo));
        for (int i = 0; i < plan->batched_from;) i = run_step(&session->state, i, photo, 1);
    }
    for (int i = plan->batched_from; i < plan->step_count;) i = run_step(&session->state, i, 0, group);
}

pomona_status pomona_session_run(struct pomona_session *session, const uint8_t *pixels, int n,
                                 float *features, struct pomona_error *error) {
    if (n < 1 || n > session->batch)
        return fail(error, POMONA_E_USAGE, NULL, "%d photos in a session of %d", n, session->batch);
    const struct pomona_model *model = session->model;
    const struct plan *plan = &model->plan;
    size_t photo = (size_t)model->info.input_width * (size_t)model->info.input_height * 3;
    size_t row = (size_t)model->info.features;
    for (int done = 0; done < n; done += GROUP_MAX) {
        int group = n - done < GROUP_MAX ? n - done : GROUP_MAX;
        run_group(session, pixels + (size_t)done * photo, group);
        memcpy(features, run_tensor(&session->state, plan->output, 0),
               row * (size_t)group * sizeof *features);
        features += row * (size_t)group;
    }
    return POMONA_OK;
}

void pomona_session_free(struct pomona_session **session) {
    if (!session || !*session) return;
    memory_free((*session)->offsets);
    memory_free((*session)->tensors);
    memory_free((*session)->scratch);
    memory_free(*session);
    *session = NULL;
}
