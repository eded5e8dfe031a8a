// SPDX-License-Identifier: BSD-2-Clause
/* Jobs of the test's own: each may be held back by a gate that only the test opens. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/writer.h"
#include "tap.h"

enum { COST = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int begun, done, allowed; /* jobs; under the lock */
static int order[2000], order_cnt;
static sigset_t thread_mask;
static int policy_begun, policy_done; /* of the thread, at the last job's begin and end */
static pid_t thread_tid;

struct numbered {
	struct writer_job job;
	int number;
};

static void run(struct writer_job *job)
{
	struct numbered *n = (struct numbered *)job;

	pthread_mutex_lock(&lock);
	thread_tid = gettid();
	policy_begun = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
	begun++;
	pthread_cond_broadcast(&changed);
	while (allowed <= done)
		pthread_cond_wait(&changed, &lock);
	policy_done = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
	done++;
	order[order_cnt++] = n->number;
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, NULL, &thread_mask);
	free(n);
}

static int done_cnt(void)
{
	int cnt;

	pthread_mutex_lock(&lock);
	cnt = done;
	pthread_mutex_unlock(&lock);
	return cnt;
}

static void allow(int cnt)
{
	pthread_mutex_lock(&lock);
	allowed = cnt;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void begin(int cnt)
{
	begun = done = order_cnt = 0;
	allowed = cnt;
}

static void await_begun(int cnt)
{
	pthread_mutex_lock(&lock);
	while (begun < cnt)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static uint64_t submit(struct writer *w, int number, size_t cost)
{
	struct numbered *n = malloc(sizeof(*n));

	*n = (struct numbered){ .job = { .cost = cost, .run = run }, .number = number };
	return writer_submit(w, &n->job);
}

static void test_order(void)
{
	struct writer *w = writer_new(1 << 20, 0);
	bool good = true;

	begin(2000);
	INT_EQ(writer_newest(w), 0);
	writer_wait(w, 0);
	for (int i = 0; i < 1000; i++)
		good &= submit(w, i, COST) == (uint64_t)i + 1;
	OK_MSG(good, "tickets count up from 1");
	INT_EQ(writer_newest(w), 1000);
	writer_wait(w, 500);
	OK(done_cnt() >= 500);
	writer_wait(w, 1000);
	for (int i = 0; i < 1000; i++)
		good &= order[i] == i;
	OK_MSG(good && order_cnt == 1000, "in the order of submission");
	writer_free(w);
	writer_free(NULL);
}

static int chains[32], chain_cnt; /* how many jobs were run at once */

/* Tens stay together. */
static bool same_ten(const struct writer_job *first, const struct writer_job *later)
{
	return ((const struct numbered *)first)->number / 10 ==
	       ((const struct numbered *)later)->number / 10;
}

static void run_chain(struct writer_job *job)
{
	chains[chain_cnt++ % 32] = 0;
	while (job) {
		struct writer_job *next = job->next;

		chains[(chain_cnt - 1) % 32]++;
		order[order_cnt++] = ((struct numbered *)job)->number;
		free(job);
		job = next;
	}
}

static void test_jobs_that_join(void)
{
	static const int numbers[] = { 1,  2,  3,  11, 21, 22, 1,  31, 31,
				       31, 31, 31, 31, 31, 31, 31, 31, 41 };
	static const int want[] = { 3, 1, 2, 1, 4, 4, 2, 1 };
	struct writer *w = writer_new(1 << 20, 0);
	size_t cnt = sizeof(numbers) / sizeof(numbers[0]);
	bool good = true;

	begin(0);
	chain_cnt = 0;
	submit(w, 99, COST);
	writer_start(w);
	await_begun(1);
	for (size_t i = 0; i < cnt; i++) {
		struct numbered *n = malloc(sizeof(*n));

		*n = (struct numbered){
			.job = { .cost = COST, .run = run_chain, .joins = same_ten },
			.number = numbers[i],
		};
		writer_submit(w, &n->job);
	}
	allow(1);
	writer_wait(w, cnt + 1);
	INT_EQ(chain_cnt, sizeof(want) / sizeof(want[0]));
	for (int i = 0; i < chain_cnt; i++)
		INT_EQ(chains[i], want[i]);
	for (size_t i = 0; i < cnt; i++)
		good &= order[i + 1] == numbers[i];
	OK_MSG(good && order_cnt == (int)cnt + 1, "in the order of submission");
	writer_free(w);
}

static void test_the_end_waits(void)
{
	struct writer *w = writer_new(1 << 20, 0);

	begin(2000);
	for (int i = 0; i < 100; i++)
		submit(w, i, COST);
	writer_free(w);
	INT_EQ(order_cnt, 100);
}

/* Opens the gate when somebody waits for it. */
static void *open_gate_when_full(void *user)
{
	struct writer_stats stats = { 0 };

	while (!stats.waits) {
		writer_stats(user, &stats);
		sched_yield();
	}
	allow(2000);
	return NULL;
}

static void test_a_full_queue_blocks_and_counts(void)
{
	struct writer *w = writer_new(10 * COST, 0);
	struct writer_stats stats;
	pthread_t opener;

	begin(0);
	for (int i = 0; i < 10; i++)
		submit(w, i, COST);
	writer_stats(w, &stats);
	INT_EQ(stats.waits, 0);
	INT_EQ(stats.wait_ns, 0);
	INT_EQ(stats.peak, 10 * COST);
	await_begun(1);
	/* What is being done still counts. */
	pthread_create(&opener, NULL, open_gate_when_full, w);
	submit(w, 10, COST);
	pthread_join(opener, NULL);
	OK_MSG(done_cnt() >= 1, "it waited until a job was done");
	writer_stats(w, &stats);
	INT_EQ(stats.waits, 1);
	OK(stats.wait_ns > 0);
	INT_EQ(stats.peak, 10 * COST);
	writer_free(w);
	INT_EQ(order_cnt, 11);
}

/* More than the whole queue: alone, or never. */
static void allow_one_more(void *user)
{
	int *cnt = user;

	allow(++*cnt);
}

/* Each waits for what only the function that is called meanwhile lets come. */
static void test_waiting_is_told(void)
{
	struct writer *w = writer_new(COST, 0);
	int cnt = 0;

	writer_tell_waiting(w, allow_one_more, &cnt);
	begin(0);
	submit(w, 0, COST);
	INT_EQ(cnt, 0);
	submit(w, 1, COST);
	OK(cnt >= 1 && done_cnt() >= 1);
	writer_wait(w, 2);
	OK(cnt >= 2);
	INT_EQ(done_cnt(), 2);
	writer_free(w);
}

static void test_a_large_job_goes_alone(void)
{
	struct writer *w = writer_new(10, 0);
	struct writer_stats stats;

	begin(2000);
	submit(w, 1, 1000);
	submit(w, 2, 1000);
	submit(w, 3, 5);
	writer_free(w);
	INT_EQ(order_cnt, 3);
	w = writer_new(0, 0);
	submit(w, 4, COST);
	writer_wait(w, 1);
	writer_stats(w, &stats);
	INT_EQ(stats.peak, COST);
	INT_EQ(stats.waits, 0);
	writer_free(w);
}

static void await_rest(struct writer *w)
{
	struct writer_stats stats = { 0 };

	while (!stats.is_resting) {
		sched_yield();
		writer_stats(w, &stats);
	}
}

/* Nobody is woken for a little; for more, or when told. */
static void test_a_little_waits(void)
{
	struct writer *w = writer_new(16 * WRITER_WAKE, 0);

	begin(2000);
	submit(w, 0, COST);
	writer_wait(w, 1);
	await_rest(w);
	submit(w, 1, COST);
	usleep(20000);
	INT_EQ(done_cnt(), 1);
	writer_start(w);
	writer_wait(w, 2);
	await_rest(w);
	submit(w, 2, COST);
	submit(w, 3, WRITER_WAKE - COST);
	await_begun(4);
	writer_free(w);
	INT_EQ(order_cnt, 4);
}

static bool may_go_before_others(void)
{
	const struct sched_param lowest = { .sched_priority = 1 }, none = { 0 };

	if (sched_setscheduler(0, SCHED_FIFO, &lowest) < 0)
		return false;
	sched_setscheduler(0, SCHED_OTHER, &none);
	return true;
}

/* An ordinary thread, but for one thing: the queue fills. */
static void test_a_filling_queue_is_urgent(void)
{
	struct writer *w = writer_new(16 * COST, 0);
	int urgent = may_go_before_others() ? SCHED_FIFO : SCHED_OTHER;

	begin(0);
	submit(w, 0, COST);
	writer_start(w);
	await_begun(1);
	for (int i = 1; i < 4; i++)
		submit(w, i, COST);
	INT_EQ(policy_begun, SCHED_OTHER);
	INT_EQ(sched_getscheduler(thread_tid) & ~SCHED_RESET_ON_FORK, SCHED_OTHER);
	submit(w, 4, COST);
	INT_EQ(sched_getscheduler(thread_tid) & ~SCHED_RESET_ON_FORK, urgent);
	allow(3);
	await_begun(4);
	INT_EQ(policy_begun, urgent);
	allow(2000);
	writer_wait(w, 5);
	/* The last one begins when it is all that is left. */
	INT_EQ(policy_begun, SCHED_OTHER);
	INT_EQ(policy_done, SCHED_OTHER);
	writer_free(w);
}

static void test_signals_stay_with_the_others(void)
{
	struct writer *w = writer_new(1 << 20, 0);
	sigset_t before, after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	begin(2000);
	submit(w, 1, COST);
	writer_wait(w, 1);
	writer_free(w);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			OK_MSG(sigismember(&thread_mask, sig) == 1, "signal %d is blocked", sig);
	INT_EQ(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}

struct recycled {
	struct writer_job job;
	struct writer *w;
};

static void run_and_recycle(struct writer_job *job)
{
	writer_recycle(((struct recycled *)job)->w, job);
}

static void test_spares(void)
{
	struct recycled *r = calloc(1, sizeof(*r));
	struct writer *w = writer_new(2 * COST, COST);
	struct writer_job *small = calloc(1, sizeof(*small));

	OK(!writer_take_spare(w));
	r->w = w;
	r->job.cost = COST;
	r->job.run = run_and_recycle;
	writer_wait(w, writer_submit(w, &r->job));
	OK(writer_take_spare(w) == &r->job);
	OK(!writer_take_spare(w));
	small->cost = COST - 1;
	writer_recycle(w, small);
	OK_MSG(!writer_take_spare(w), "another size is freed");
	for (int i = 0; i < 1000; i++) {
		struct writer_job *job = calloc(1, sizeof(*job));

		job->cost = COST;
		writer_recycle(w, job);
	}
	writer_recycle(w, &r->job);
	writer_free(w);
}

static void test_without_memory(void)
{
	fail_alloc_at(1);
	OK(!writer_new(100, 0));
	OK(fail_alloc_hit());
	fail_alloc_at(0);
}

static int spare_cnt(struct writer *w)
{
	struct writer_job *all = NULL, *job;
	int cnt = 0;

	for (; (job = writer_take_spare(w)); cnt++) {
		job->next = all;
		all = job;
	}
	while ((job = all)) {
		all = job->next;
		writer_recycle(w, job);
	}
	return cnt;
}

static struct writer_job *spare_of(size_t cost)
{
	struct writer_job *job = calloc(1, cost);

	job->cost = cost;
	return job;
}

/* The thread makes them when it has nothing to do; -1: it does not. */
static int await_spares(struct writer *w, int cnt)
{
	for (int i = 0; i < 1000 && spare_cnt(w) != cnt; i++)
		usleep(5000);
	return spare_cnt(w) == cnt ? cnt : -1;
}

static void test_spares_made_ready(void)
{
	enum { WANT = (1 << 18) / 4096 };
	struct writer *w = writer_new(1 << 20, 4096);

	begin(10);
	writer_expect_bursts(w);
	INT_EQ(spare_cnt(w), 0);
	submit(w, 1, COST);
	writer_start(w);
	INT_EQ(await_spares(w, WANT), WANT);
	writer_trim(w);
	INT_EQ(spare_cnt(w), WANT);
	for (int i = 0; i < 5; i++)
		writer_recycle(w, spare_of(4096));
	INT_EQ(spare_cnt(w), WANT + 5);
	writer_trim(w);
	INT_EQ(spare_cnt(w), WANT);
	writer_free(w);
}

/* Without bursts none are made, and none are kept. */
static void test_no_spares_made_ready(void)
{
	struct writer *w = writer_new(1 << 20, 4096);
	struct writer_stats stats = { 0 };

	begin(10);
	submit(w, 1, COST);
	writer_wait(w, writer_newest(w));
	while (!stats.is_resting)
		writer_stats(w, &stats);
	INT_EQ(spare_cnt(w), 0);
	writer_recycle(w, spare_of(4096));
	writer_trim(w);
	INT_EQ(spare_cnt(w), 0);
	writer_free(w);
}

static void test_aside(void)
{
	struct writer *w = writer_new(1 << 20, 0), *aside = writer_aside(w);
	struct numbered *n = malloc(sizeof(*n));

	OK(aside && aside != w);
	OK_MSG(writer_aside(w) == aside, "there is one only");
	begin(0);
	submit(aside, 1, WRITER_ASIDE_QUEUE);
	writer_start(aside);
	await_begun(1);
	*n = (struct numbered){ .job = { .cost = COST, .run = run }, .number = 2 };
	OK_MSG(!writer_try_submit(aside, &n->job), "it is full");
	allow(1);
	writer_wait(aside, 1);
	OK(writer_try_submit(aside, &n->job));
	allow(2);
	writer_free(w);
	INT_EQ(done_cnt(), 2);
}

int main(void)
{
	RUN(test_order);
	RUN(test_jobs_that_join);
	RUN(test_the_end_waits);
	RUN(test_spares_made_ready);
	RUN(test_no_spares_made_ready);
	RUN(test_aside);
	RUN(test_a_full_queue_blocks_and_counts);
	RUN(test_waiting_is_told);
	RUN(test_a_large_job_goes_alone);
	RUN(test_a_little_waits);
	RUN(test_a_filling_queue_is_urgent);
	RUN(test_signals_stay_with_the_others);
	RUN(test_spares);
	RUN(test_without_memory);
	return tap_done();
}
