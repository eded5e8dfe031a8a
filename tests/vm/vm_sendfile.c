// SPDX-License-Identifier: BSD-2-Clause
/*
 * SSL_sendfile over kernel TLS: what plaintap writes of tls_sendfile's two sides, byte by byte
 * against what the program says that it sent. Where plaintap may stop the program, all of it must
 * be there, whatever becomes of the file behind a call; where it may not, what is missing must be
 * listed, and all that is there must be right.
 *
 * A kernel that should have kernel TLS and has it not is a failure, and the other way round.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "expect.h"

#define PLAINTAP     "/bin/plaintap"
#define TLS_SENDFILE "/bin/tls_sendfile"
#define DIR_OUT	     "/tmp/sent/"
#define INDEX	     DIR_OUT "index.jsonl"
#define JSON_OUT     "/tmp/sent.jsonl"
#define TRUTH	     "/tmp/truth"

enum { ARGS_MAX = 24, HOLE_MAX = 64, COME_MAX_S = 40 };

struct bytes {
	char *data;
	size_t len;
};

struct hole {
	unsigned long long off, len;
};

/* Words separated by blanks. `stdin_fd` becomes its standard input. */
static pid_t start(const char *args, int stdin_fd)
{
	char *words, *word, *argv[ARGS_MAX] = { (char *)PLAINTAP };
	pid_t pid = fork();
	int cnt = 1;

	if (pid)
		return pid;
	words = strdup(args);
	while (cnt < ARGS_MAX - 1 && (word = strsep(&words, " ")))
		if (*word)
			argv[cnt++] = word;
	dup2(stdin_fd, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execv(PLAINTAP, argv);
	_exit(127);
}

static int end_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* With a NUL behind its end; to be freed. */
static struct bytes read_file(const char *path)
{
	struct bytes b = { NULL, 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !(b.data = calloc(1, (size_t)st.st_size + 1))) {
		tap_note("%s: %s", path, strerror(errno));
	} else {
		while ((n = read(fd, b.data + b.len, (size_t)st.st_size - b.len)) > 0)
			b.len += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	return b;
}

/* The path of the only file of that direction; false: there is none. */
static bool find_flow(const char *dir_name, char *ret, size_t size)
{
	DIR *dir = opendir(DIR_OUT);
	bool found = false;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		const char *end = strrchr(e->d_name, '.');

		if (end && !strcmp(end + 1, dir_name)) {
			snprintf(ret, size, DIR_OUT "%s", e->d_name);
			found = true;
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

static struct bytes read_flow(const char *dir_name)
{
	char path[300];

	return find_flow(dir_name, path, sizeof(path)) ? read_file(path)
						       : (struct bytes){ NULL, 0 };
}

/* The holes of the direction in which there are any. */
static size_t read_holes(struct hole ret[HOLE_MAX])
{
	struct bytes index = read_file(INDEX);
	const char *at = index.data;
	size_t cnt = 0;

	while (at && cnt < HOLE_MAX && (at = strstr(at, "{\"offset\":"))) {
		if (sscanf(at, "{\"offset\":%llu,\"len\":%llu", &ret[cnt].off, &ret[cnt].len) == 2)
			cnt++;
		at++;
	}
	free(index.data);
	return cnt;
}

/* The truth, without the holes that plaintap tells of. */
static struct bytes truth_without(const struct hole *holes, size_t cnt)
{
	struct bytes b = read_file(TRUTH);

	while (cnt--) {
		if (holes[cnt].off + holes[cnt].len > b.len) {
			OK_MSG(false, "a hole beyond the end: %llu bytes at %llu", holes[cnt].len,
			       holes[cnt].off);
			continue;
		}
		memmove(b.data + holes[cnt].off, b.data + holes[cnt].off + holes[cnt].len,
			b.len - holes[cnt].off - holes[cnt].len);
		b.len -= holes[cnt].len;
	}
	return b;
}

static void check_flow(const char *dir, const struct bytes *truth)
{
	struct bytes got = read_flow(dir);
	size_t same = 0;

	while (same < got.len && same < truth->len && got.data[same] == truth->data[same])
		same++;
	OK_MSG(got.len == truth->len && same == truth->len, "%s: %zu bytes, %zu true ones of %zu",
	       dir, got.len, same, truth->len);
	free(got.data);
}

static void remove_outputs(void)
{
	struct dirent *e;
	DIR *dir = opendir(DIR_OUT);

	while (dir && (e = readdir(dir)))
		unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(DIR_OUT);
	unlink(JSON_OUT);
	unlink(TRUTH);
}

static void check_summary(void)
{
	struct bytes json = read_file(JSON_OUT);

	OK_MSG(json.data && strstr(json.data, "\"balanced\":true"), "the summary balances");
	free(json.data);
}

/* What was lost is told; `most`: so many holes at most. */
static void check_outputs(size_t most)
{
	struct hole holes[HOLE_MAX];
	size_t cnt = read_holes(holes);
	struct bytes truth = read_file(TRUTH), rest;

	OK_MSG(truth.len > 4000000, "the program has sent %zu bytes", truth.len);
	OK_MSG(cnt <= most, "%zu holes", cnt);
	rest = truth_without(holes, cnt);
	check_flow("sent", &rest);
	check_flow("received", &truth);
	check_summary();
	free(truth.data);
	free(rest.data);
	remove_outputs();
}

/* True once the file of what was sent is as long as the truth. */
static bool has_come(void)
{
	const struct timespec step = { .tv_nsec = 20000000 };
	struct stat truth, sent;
	char path[300];

	for (int i = 0; i < COME_MAX_S * 50; i++) {
		if (stat(TRUTH, &truth) == 0 && truth.st_size > 4000000 &&
		    find_flow("sent", path, sizeof(path)) && stat(path, &sent) == 0 &&
		    sent.st_size == truth.st_size)
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}

static pid_t trace(const char *options, const char *program, int stdin_fd)
{
	char args[400];

	tap_note("%s -- tls_sendfile %s", options, program);
	snprintf(args, sizeof(args),
		 "--strict %s -o " DIR_OUT " -o " JSON_OUT " -- " TLS_SENDFILE " --truth " TRUTH
		 " %s",
		 options, program);
	return start(args, stdin_fd);
}

static void expect_exact(const char *options, const char *program)
{
	INT_EQ(end_of(trace(options, program, STDIN_FILENO)), 0);
	check_outputs(0);
}

/* Both ends are in the one program that is stopped; each spoils the file in its way. */
static void test_stopped(void)
{
	expect_exact("", "--ktls yes --tls 1.2 --client-sends");
	expect_exact("", "--ktls yes --tls 1.3 --nonblocking --after swap");
	expect_exact("", "--ktls yes --tls 1.2 --after rewrite");
	expect_exact("--without session,multi,cookie,dynptr,loop",
		     "--ktls yes --tls 1.3 --nonblocking --after close");
	expect_exact("--on-pressure slow --buffer 64K", "--ktls yes --tls 1.3 --after swap");
}

/* A file that stays as it is can be read later, too. */
static void test_running(void)
{
	int go[2];
	pid_t pid;

	if (!OK(pipe2(go, O_CLOEXEC) == 0))
		return;
	pid = trace("--no-pause", "--ktls yes --tls 1.3 --hold", go[0]);
	OK_MSG(has_come(), "all of it has come");
	close(go[0]);
	close(go[1]);
	INT_EQ(end_of(pid), 0);
	check_outputs(0);
}

/* Whatever plaintap is too late for is missing, and nothing else is in its place. */
static void test_running_and_spoiling(void)
{
	static const char *const after[] = { "swap", "rewrite" };

	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		char program[100];
		int status;

		snprintf(program, sizeof(program), "--ktls yes --nonblocking --after %s", after[i]);
		status = end_of(trace("--no-pause", program, STDIN_FILENO));
		OK_MSG(status == 0 || status == 3, "status %d", status);
		check_outputs(HOLE_MAX - 1);
	}
}

static void test_without_ktls(void)
{
	expect_exact("", "--ktls no --tls 1.2");
	expect_exact("", "--ktls no --tls 1.3");
}

int main(void)
{
	const struct expected_kernel *k = expected_here();

	if (k && k->has_ktls) {
		RUN(test_stopped);
		RUN(test_running);
		RUN(test_running_and_spoiling);
	} else {
		RUN(test_without_ktls);
	}
	return tap_done();
}
