/* pool.c - threads that spin for a moment, then sleep: a training step is shorter than waking up.
 */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 20000 }; /* about 50 microseconds */

struct worker {
    struct fast_pool *pool;
    pthread_t thread;
    int number;
};

struct fast_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_int round;  /* counts runs; a worker that sees it change takes part */
    atomic_int next;   /* the next item to give out */
    atomic_int active; /* workers that have not finished this run */
    atomic_int asleep;
    int closing;
    fast_work *work;
    void *context;
    int items, workers;
    struct worker worker[];
};

/* Waits a little; after many times lets others have the processor, for it may be the one we wait
 * for. */
static void pause_briefly(int spin)
{
    if (spin >= SPINS)
        sched_yield();
#ifdef __x86_64__
    else
        __builtin_ia32_pause();
#endif
}

static void take_items(struct fast_pool *pool, int thread)
{
    for (;;) {
        const int item = atomic_fetch_add(&pool->next, 1);
        if (item >= pool->items)
            return;
        pool->work(pool->context, thread, item);
    }
}

static void await_round(struct fast_pool *pool, int seen)
{
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load(&pool->round) != seen)
            return;
        pause_briefly(spin);
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->asleep, 1);
    while (atomic_load(&pool->round) == seen)
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->asleep, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void next_round(struct fast_pool *pool)
{
    atomic_fetch_add(&pool->round, 1);
    if (atomic_load(&pool->asleep) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    struct fast_pool *pool = self->pool;
    for (int seen = 0;; seen++) {
        await_round(pool, seen);
        if (pool->closing)
            return NULL;
        take_items(pool, self->number);
        atomic_fetch_sub(&pool->active, 1);
    }
}

struct fast_pool *fast_pool_open(int threads)
{
    struct fast_pool *pool =
        calloc(1, sizeof *pool + (size_t)(threads - 1) * sizeof pool->worker[0]);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    for (int w = 0; w < threads - 1; w++) {
        pool->worker[w].pool = pool;
        pool->worker[w].number = w + 1;
        if (pthread_create(&pool->worker[w].thread, NULL, worker_main, &pool->worker[w])) {
            fast_pool_close(pool);
            return NULL;
        }
        pool->workers++;
    }
    return pool;
}

void fast_pool_close(struct fast_pool *pool)
{
    pool->closing = 1;
    next_round(pool);
    for (int w = 0; w < pool->workers; w++)
        pthread_join(pool->worker[w].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void fast_pool_run(struct fast_pool *pool, fast_work *work, void *context, int items)
{
    pool->work = work;
    pool->context = context;
    pool->items = items;
    atomic_store(&pool->next, 0);
    if (pool->workers > 0 && items > 1) {
        atomic_store(&pool->active, pool->workers);
        next_round(pool);
        take_items(pool, 0);
        for (int spin = 0; atomic_load(&pool->active) > 0; spin += spin < SPINS)
            pause_briefly(spin);
    } else {
        take_items(pool, 0);
    }
}
