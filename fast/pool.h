/* pool.h - a few threads that wait for work between calls. */
#ifndef FAST_POOL_H
#define FAST_POOL_H

struct fast_pool;

/* Work: items 0 .. items - 1, each given to exactly one thread; which one is not determined, so an
 * item must depend on nothing but its number. */
typedef void fast_work(void *context, int thread, int item);

/* threads >= 1, the caller's own among them. NULL if the threads cannot be had. */
struct fast_pool *fast_pool_open(int threads);
void fast_pool_close(struct fast_pool *);
/* Returns when all items are done. */
void fast_pool_run(struct fast_pool *, fast_work *, void *context, int items);

#endif
