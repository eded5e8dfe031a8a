// SPDX-License-Identifier: BSD-2-Clause
/*
 * The check of places inside a library, on a private copy of the system's libssl: a right place
 * passes it without a word; a wrong one is noticed, told, and replaced by the exported functions.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/features.h"
#include "attach/kernel_side.h"
#include "base/log.h"
#include "discover/ld_cache.h"
#include "discover/target_list.h"
#include "discover/tls_library.h"
#include "model/target.h"
#include "tap.h"

enum { CALLS = 400, SIZE = 100 };
/* Both sides send and receive it all. */
#define BYTES_PER_RUN (4ull * CALLS * SIZE)

static unsigned warning_cnt;
static char last_warning[640];

static void hear(void *user, enum log_level level, const char *text)
{
	if (level != LOG_WARNING)
		return;
	warning_cnt++;
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A copy of the system's libssl in `dir`, as a target with id 1; NULL: there is none. */
static struct target *private_copy(const char *dir)
{
	struct target_list list;
	struct target *t = NULL;
	struct stat st;
	char path[PATH_MAX];
	int from, to;

	target_list_init(&list);
	if (discover_loader_cache(LD_CACHE_PATH, &list, NULL, NULL) <= 0)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", dir, strrchr(list.items[0]->path, '/') + 1);
	from = list.items[0]->fd;
	to = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to >= 0 && fstat(from, &st) == 0 &&
	    sendfile(to, from, &(off_t){ 0 }, (size_t)st.st_size) == st.st_size &&
	    tls_library_examine(to, path, 0, &t, NULL) == 0)
		t->id = 1;
	close(to);
	target_list_done(&list);
	return t;
}

/* The pair, watched from its first instruction, for which it waits. */
static pid_t start_pair(struct kernel_side *k, const char *dir, const char *count)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setenv("LD_LIBRARY_PATH", dir, 1);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		raise(SIGSTOP);
		execl(getenv("PLAINTAP_TLS_PAIR"), "tls_pair", "--count", count, "--size", "100",
		      (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, WUNTRACED);
	kernel_side_watch(k, pid);
	return pid;
}

/* True when it ended well. */
static bool finish_pair(struct kernel_side *k, pid_t pid)
{
	int status = 0;

	kill(pid, SIGCONT);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		kernel_side_check(k, now_ns());
		usleep(1000);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static struct kernel_stats stats_of(struct kernel_side *k)
{
	struct kernel_stats stats = { 0 };

	kernel_side_stats(k, &stats);
	return stats;
}

static void expect_right(const char *dir, struct target *t, unsigned forbidden)
{
	const struct kernel_side_options opt = { .ring_size = 1 << 20, .forbidden = forbidden };
	struct kernel_side *k = NULL;
	struct error err = { 0 };

	warning_cnt = 0;
	OK_MSG(kernel_side_open(&opt, &k, &err) == 0 && kernel_side_wait(k, &err) == 0, "opens: %s",
	       err.text);
	if (!k)
		return;
	t->user = start_pair(k, dir, "400");
	OK_MSG(kernel_side_attach(k, t, &err) == 0, "attaches: %s", err.text);
	OK(finish_pair(k, t->user));
	INT_EQ(stats_of(k).bytes_seen, BYTES_PER_RUN);
	INT_EQ(stats_of(k).states_dropped, 0);
	kernel_side_detach(k);
	OK_MSG(warning_cnt == 0, "nothing to say: %s", last_warning);
	kernel_side_close(k);
}

static void test_right(const char *dir, struct target *t)
{
	expect_right(dir, t, 0);
	expect_right(dir, t, 1 << FEATURE_SESSION);
	expect_right(dir, t, 1 << FEATURE_SESSION | 1 << FEATURE_MULTI);
	expect_right(dir, t, 1 << FEATURE_SESSION | 1 << FEATURE_MULTI | 1 << FEATURE_COOKIE);
}

/* Whose calls are to be checked may be known only when it makes them. */
static bool run_wrong_pair(struct kernel_side *k, const char *dir, struct target *t, bool known)
{
	pid_t pid = start_pair(k, dir, known ? "400" : "20000");
	struct error err = { 0 };

	t->user = known ? pid : 0;
	OK_MSG(kernel_side_attach(k, t, &err) == 0, "attaches: %s", err.text);
	if (!known)
		kernel_side_used_by(k, t->id, pid);
	return finish_pair(k, pid);
}

static void expect_wrong(const char *dir, struct target *t, bool known)
{
	const struct kernel_side_options opt = { .ring_size = 1 << 20 };
	struct kernel_side *k = NULL;
	struct error err = { 0 };
	uint64_t before;

	warning_cnt = 0;
	OK_MSG(kernel_side_open(&opt, &k, &err) == 0 && kernel_side_wait(k, &err) == 0, "opens: %s",
	       err.text);
	if (!k)
		return;
	OK(run_wrong_pair(k, dir, t, known));
	INT_EQ(warning_cnt, 1);
	OK_MSG(strstr(last_warning, "captured wrongly") != NULL, "%s", last_warning);
	OK_MSG(stats_of(k).states_dropped > 0, "the loss is counted");
	/* From now on all of it is seen. */
	before = stats_of(k).bytes_seen;
	OK(finish_pair(k, start_pair(k, dir, "400")));
	INT_EQ(stats_of(k).bytes_seen - before, BYTES_PER_RUN);
	INT_EQ(warning_cnt, 1);
	kernel_side_close(k);
}

/* As if the worker's convention had been misread: it says 1 for every success. */
static void test_wrong(const char *dir, struct target *t)
{
	for (size_t i = 0; i < t->point_cnt; i++)
		if (t->points[i].role == PROBE_READ)
			t->points[i].len_from = PROBE_LEN_RESULT;
	expect_wrong(dir, t, true);
	expect_wrong(dir, t, false);
}

int main(void)
{
	char dir[] = "/tmp/plaintap-witness-XXXXXX";
	struct target *t;

	log_set(hear, NULL);
	if (geteuid() != 0) {
		tap_skip("the check of places", "needs root");
		return tap_done();
	}
	if (!mkdtemp(dir))
		return 1;
	t = private_copy(dir);
	if (!t || !t->fallback_cnt) {
		tap_skip("the check of places", "no libssl with workers on this machine");
	} else {
		test_right(dir, t);
		test_wrong(dir, t);
		unlink(t->path);
	}
	target_free(t);
	rmdir(dir);
	return tap_done();
}
