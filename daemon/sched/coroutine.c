/*
 * Stacks and the switch between them: the only file that knows how. A stack is entered once with ucontext; from then on the
 * compiler's own setjmp and longjmp switch: no system call, and no register is saved but those that the switching function uses.
 */
#include "sched/internal.h"

#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

enum { PAGE_MIN = 4096 /* no kernel that we run on has smaller ones */ };

/* Where a stack goes on: what __builtin_setjmp() fills in. */
struct place {
        void *words[5];
};

struct rf_loop_context {
        struct place place;
        const void *bottom; /* of the thread's own stack, as the sanitizer sees it */
        size_t size;
};

/* Lives at the top of its own memory, so that an idle coroutine touches as few pages as can be. */
struct rf_stack {
        struct rf_coroutine coroutine;
        struct place place;
        struct place *maker; /* during the first entry: where to return to, which may be another coroutine */
        struct rf_sched *sched;
        char *base; /* of the mapping: the guard, then the stack */
        unsigned valgrind_id;
        bool ends; /* the next entry is the last one: give back what the sanitizer holds */
};

static char *usable(const struct rf_stack *st)
{
        return st->base + RF_STACK_GUARD;
}

static size_t usable_size(const struct rf_stack *st)
{
        return (size_t)((const char *)st - usable(st));
}

struct rf_loop_context *rf_loop_context_new(void)
{
        return calloc(1, sizeof(struct rf_loop_context));
}

struct rf_loop_context *rf_loop_context_free(struct rf_loop_context *c)
{
        free(c);
        return NULL;
}

/* ---- The switch ---- */

static inline void before_switch(_unused_ void **fake, _unused_ const void *bottom, _unused_ size_t size)
{
#ifdef __SANITIZE_ADDRESS__
        __sanitizer_start_switch_fiber(fake, bottom, size);
#endif
}

static inline void after_switch(_unused_ void *fake, _unused_ const void **ret_bottom, _unused_ size_t *ret_size)
{
#ifdef __SANITIZE_ADDRESS__
        __sanitizer_finish_switch_fiber(fake, ret_bottom, ret_size);
#endif
}

/* May not stand in the function that was left through the place. */
__attribute__((noinline, noreturn)) static void go_to(struct place *p)
{
        __builtin_longjmp(p->words, 1);
}

__attribute__((noinline)) static void jump(struct place *from, struct place *to)
{
        if (__builtin_setjmp(from->words) == 0)
                go_to(to);
}

__attribute__((noinline)) void rf_stack_enter(struct rf_sched *s, struct rf_stack *st)
{
        void *fake = NULL;

        before_switch(&fake, usable(st), usable_size(st));
        jump(&s->loop_context->place, &st->place);
        after_switch(fake, NULL, NULL);
}

__attribute__((noinline)) void rf_stack_leave(struct rf_sched *s, struct rf_stack *st)
{
        void *fake = NULL;

        before_switch(&fake, s->loop_context->bottom, s->loop_context->size);
        jump(&st->place, &s->loop_context->place);
        after_switch(fake, &s->loop_context->bottom, &s->loop_context->size);
}

/* Back to who made the stack; the next entry comes from the loop. */
__attribute__((noinline)) static void return_to_maker(struct rf_stack *st)
{
        const void *bottom = NULL;
        size_t size = 0;
        void *fake = NULL;

        after_switch(NULL, &bottom, &size);
        before_switch(&fake, bottom, size);
        jump(&st->place, st->maker);
        after_switch(fake, &st->sched->loop_context->bottom, &st->sched->loop_context->size);
}

/* The bottom frame of each stack: runs the coroutine that the stack holds now, for ever. */
static void run_coroutines(unsigned high, unsigned low)
{
        struct rf_stack *st = (struct rf_stack *)(((uintptr_t)high << 32) | low);
        struct rf_sched *s = st->sched;

        return_to_maker(st);
        while (!st->ends) {
                struct rf_coroutine *co = &st->coroutine;

                rf_group_child_ended(co->group, co, co->fn(co->arg));
                rf_stack_leave(s, st); /* into the pool */
        }
        before_switch(NULL, s->loop_context->bottom, s->loop_context->size);
        go_to(&s->loop_context->place);
}

/* ---- Memory ---- */

static int enter_once(struct rf_stack *st)
{
        uintptr_t p = (uintptr_t)st;
        ucontext_t context, back;
        void *fake = NULL;
        struct place here;

        if (getcontext(&context) < 0)
                return -errno;
        context.uc_stack.ss_sp = usable(st);
        context.uc_stack.ss_size = usable_size(st) & ~(size_t)63;
        context.uc_link = NULL;
        makecontext(&context, (void (*)(void))run_coroutines, 2, (unsigned)(p >> 32), (unsigned)p);
        before_switch(&fake, usable(st), usable_size(st));
        st->maker = &here;
        if (__builtin_setjmp(here.words) == 0)
                swapcontext(&back, &context);
        after_switch(fake, NULL, NULL);
        return 0;
}

int rf_stack_new(struct rf_sched *s, struct rf_stack **ret)
{
        size_t total = RF_STACK_GUARD + RF_STACK_SIZE;
        struct rf_stack *st;
        char *base;
        int r;

        base = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED)
                return -EAGAIN;
        /* a huge page would commit the whole stack at once */
        if (madvise(base, total, MADV_NOHUGEPAGE) < 0 && errno != EINVAL) {
                r = -errno;
                goto fail;
        }
        if (mprotect(base, RF_STACK_GUARD, PROT_NONE) < 0) {
                r = -EAGAIN;
                goto fail;
        }
        st = (struct rf_stack *)(base + total - (sizeof(*st) + 63) / 64 * 64);
        st->base = base;
        st->sched = s;
#if HAVE_VALGRIND_VALGRIND_H
        st->valgrind_id = VALGRIND_STACK_REGISTER(usable(st), st);
#endif
#ifdef __SANITIZE_ADDRESS__
        __lsan_register_root_region(usable(st), RF_STACK_SIZE);
#endif
        r = enter_once(st);
        if (r < 0)
                goto fail;
        s->stats.stacks++;
        *ret = st;
        return 0;
fail:
        munmap(base, total);
        return r;
}

struct rf_stack *rf_stack_free(struct rf_stack *st)
{
        if (!st)
                return NULL;
        st->ends = true;
        rf_stack_enter(st->sched, st);
        st->sched->stats.stacks--;
#ifdef __SANITIZE_ADDRESS__
        __lsan_unregister_root_region(usable(st), RF_STACK_SIZE);
#endif
#if HAVE_VALGRIND_VALGRIND_H
        VALGRIND_STACK_DEREGISTER(st->valgrind_id);
#endif
        munmap(st->base, RF_STACK_GUARD + RF_STACK_SIZE);
        return NULL;
}

struct rf_coroutine *rf_stack_coroutine(struct rf_stack *st)
{
        return &st->coroutine;
}

size_t rf_stack_used(const struct rf_stack *st)
{
        unsigned char resident[RF_STACK_SIZE / PAGE_MIN];
        size_t page = (size_t)sysconf(_SC_PAGESIZE), guard = (RF_STACK_GUARD + page - 1) / page * page;
        size_t size = RF_STACK_GUARD + RF_STACK_SIZE - guard, n = (size + page - 1) / page;

        if (mincore(st->base + guard, size, resident) < 0)
                return 0;
        for (size_t i = 0; i < n; i++)
                if (resident[i] & 1)
                        return (n - i) * page;
        return 0;
}
