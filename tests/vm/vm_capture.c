// SPDX-License-Identifier: BSD-2-Clause
/*
 * The byte-exact core: plaintap watches tls_pair do the transfers below, once in each fashion that
 * this kernel offers, and every file that it writes must be what tls_pair says went over the wire.
 * And once more watching the whole machine, which a test may do in here only.
 *
 * Called with --all or --some this program is what plaintap watches: the transfers, one by one.
 * With
 * --late it runs one whose libssl is a file that nobody has loaded before.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../progs/tls_util.h"
#include "../unit/tap.h"
#include "expect.h"

#define PLAINTAP "/bin/plaintap"
#define TLS_PAIR "/bin/tls_pair"
#define SELF	 "/tests/vm_capture"
#define DIR_OUT	 "/tmp/cap/"
#define JSON_OUT "/tmp/cap.jsonl"
#define LATE_DIR "/tmp/late"

enum { ARGS_MAX = 24, TRUTHS_MAX = 256 };

/*
 * Calls of more than 1 MiB need loops of any length: 5.10 has none. Small buffers over TCP would
 * stall for the timers of TCP, so the non-blocking ones have a socket pair.
 */
static const char *const transfers[] = {
	"--socketpair --size 1 --count 3",
	"--socketpair --size 100 --api ex --count 5",
	"--socketpair --size 16384 --tls 1.2",
	"--socketpair --size 16385 --api ex --tls 1.2",
	"--socketpair --size 65536 --read-size 112",
	"--size 65536 --api ex --count 2",
	"--size 1m --read-size 1m",
	"--size 1m --api ex",
	"--size 4k --count 4 --threads 4",
	"--socketpair --size 256k --nonblocking --partial",
	"--socketpair --size 256k --nonblocking --api ex",
	"--size 5000 --fork --threads 2 --pattern nul",
	"--size 5000 --fail-reads 50 --pattern ff",
};

enum { TRANSFER_CNT = sizeof(transfers) / sizeof(transfers[0]) };

/* An emulator is slow: all of them with all that the kernel offers, every third without some. */
static bool is_done(int transfer, bool all)
{
	return all || transfer % 3 == 0;
}

struct truth {
	int pid;
	bool sent;
	unsigned long long bytes;
	char hex[TALLY_HEX_SIZE];
	bool seen;
};

static struct truth truths[TRUTHS_MAX];
static unsigned truth_cnt;

/* Words separated by single blanks, in a child with these outputs. */
static pid_t start_with(const char *path, const char *args, int stdout_fd, int stderr_fd)
{
	char *words = strdup(args), *argv[ARGS_MAX] = { (char *)path };
	pid_t pid = fork();

	if (pid) {
		free(words);
		return pid;
	}
	for (int i = 1; i < ARGS_MAX - 1 && words && *words; i++) {
		argv[i] = words;
		words = strchr(words, ' ');
		if (words)
			*words++ = '\0';
	}
	dup2(stdout_fd, STDOUT_FILENO);
	dup2(stderr_fd, STDERR_FILENO);
	execv(path, argv);
	_exit(127);
}

static pid_t start(const char *path, const char *args, int stdout_fd)
{
	return start_with(path, args, stdout_fd, STDERR_FILENO);
}

static int end_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int do_transfers(bool all)
{
	int failed = 0;

	for (int i = 0; i < TRANSFER_CNT; i++)
		if (is_done(i, all) && end_of(start(TLS_PAIR, transfers[i], STDOUT_FILENO)) != 0) {
			fprintf(stderr, "tls_pair %s failed\n", transfers[i]);
			failed = 1;
		}
	return failed;
}

static void read_truths(FILE *from)
{
	char line[256], side[16], dir[16];

	truth_cnt = 0;
	while (truth_cnt < TRUTHS_MAX && fgets(line, sizeof(line), from)) {
		struct truth *t = &truths[truth_cnt];

		if (sscanf(line, "TRUTH %15s %15s %llu %64s %d", side, dir, &t->bytes, t->hex,
			   &t->pid) != 5)
			continue;
		t->sent = !strcmp(dir, "sent");
		t->seen = false;
		truth_cnt++;
	}
}

static bool digest_file(const char *name, char ret_hex[TALLY_HEX_SIZE], unsigned long long *ret_len)
{
	char path[300], piece[16384];
	struct tally *t = tally_new();
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), DIR_OUT "%s", name);
	f = fopen(path, "r");
	while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		tally_add(t, piece, n);
	if (f)
		fclose(f);
	*ret_len = tally_bytes(t);
	tally_finish(t, ret_hex);
	tally_free(t);
	return f != NULL;
}

static struct truth *find_truth(int pid, bool sent, const char *hex)
{
	for (unsigned i = 0; i < truth_cnt; i++) {
		struct truth *t = &truths[i];

		if (!t->seen && t->pid == pid && t->sent == sent && !strcmp(t->hex, hex))
			return t;
	}
	return NULL;
}

/* How many files of the folder are no truth: "<pid>.<number>.<sent|received>". */
static unsigned check_files(void)
{
	unsigned wrong = 0;
	struct dirent *e;
	DIR *dir = opendir(DIR_OUT);

	while (dir && (e = readdir(dir))) {
		const char *end = strrchr(e->d_name, '.');
		char hex[TALLY_HEX_SIZE];
		unsigned long long len;
		struct truth *t;

		if (!end || (strcmp(end, ".sent") && strcmp(end, ".received")))
			continue;
		if (!digest_file(e->d_name, hex, &len))
			continue;
		t = find_truth((int)strtol(e->d_name, NULL, 10), !strcmp(end, ".sent"), hex);
		if (t) {
			t->seen = true;
			continue;
		}
		tap_note("%s (%llu bytes) is nothing that was sent or received", e->d_name, len);
		wrong++;
	}
	if (dir)
		closedir(dir);
	return wrong;
}

static unsigned check_truths(void)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < truth_cnt; i++)
		if (!truths[i].seen && truths[i].bytes) {
			tap_note("pid %d %s %llu bytes: not among the files", truths[i].pid,
				 truths[i].sent ? "sent" : "received", truths[i].bytes);
			missing++;
		}
	return missing;
}

static bool summary_is_balanced(void)
{
	char *line = NULL;
	size_t cap = 0;
	bool good = false;
	FILE *f = fopen(JSON_OUT, "r");

	while (f && getline(&line, &cap, f) > 0)
		if (strstr(line, "\"type\":\"summary\"")) {
			good = strstr(line, "\"balanced\":true") != NULL;
			if (!good)
				tap_note("%s", line);
		}
	free(line);
	if (f)
		fclose(f);
	return good;
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
}

static void check_outputs(const char *what)
{
	INT_EQ(check_files(), 0);
	INT_EQ(check_truths(), 0);
	OK_MSG(summary_is_balanced(), "%s: the summary balances", what);
	remove_outputs();
}

static void capture_transfers(const char *without)
{
	bool all = !*without;
	char args[300];
	FILE *out = tmpfile();
	unsigned least = 0;
	int status;

	snprintf(args, sizeof(args),
		 "--strict --without=%s -o " DIR_OUT " -o " JSON_OUT " -- " SELF " %s", without,
		 all ? "--all" : "--some");
	status = end_of(start(PLAINTAP, args, fileno(out)));
	/* 3 would be: something was lost. */
	OK_MSG(status == 0, "without [%s]: status 0, got %d", without, status);
	rewind(out);
	read_truths(out);
	fclose(out);
	for (int i = 0; i < TRANSFER_CNT; i++)
		least += is_done(i, all) ? 4 : 0;
	OK_MSG(truth_cnt >= least, "without [%s]: %u truths", without, truth_cnt);
	check_outputs(without);
}

/* Those that take away something that this kernel has. */
static void test_every_fashion_is_byte_exact(void)
{
	const struct expected_kernel *k = expected_here();
	char without[64] = "";

	capture_transfers("");
	for (int f = 0; k && f < FEATURE_CNT; f++) {
		size_t len = strlen(without);

		snprintf(without + len, sizeof(without) - len, "%s%s", len ? "," : "",
			 feature_name((enum feature)f));
		if (k->has[f])
			capture_transfers(without);
	}
}

static bool says(FILE *from, const char *words)
{
	char line[512];
	bool good = false;

	rewind(from);
	while (fgets(line, sizeof(line), from)) {
		line[strcspn(line, "\n")] = '\0';
		tap_note("%s", line);
		good = good || strstr(line, words);
	}
	return good;
}

static void check_paused(const char *what, const char *args, unsigned want_cnt)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char all[300];

	snprintf(all, sizeof(all), "--strict -v -o " DIR_OUT " -o " JSON_OUT " %s", args);
	INT_EQ(end_of(start_with(PLAINTAP, all, fileno(out), fileno(err))), 0);
	OK_MSG(says(err, "programs were paused"), "%s: it was paused", what);
	fclose(err);
	rewind(out);
	read_truths(out);
	fclose(out);
	INT_EQ(truth_cnt, want_cnt);
	check_outputs(what);
}

/* Calls of half the ring: the program is paused, and its memory read from outside. */
static void test_a_paused_program_is_byte_exact(void)
{
	check_paused("long calls", "--buffer 2M -- " TLS_PAIR " --size 1m --read-size 1m --count 2",
		     4);
}

/* Many threads and the smallest ring. */
static void test_slow_is_byte_exact(void)
{
	check_paused("slow",
		     "--on-pressure slow --buffer 64K -- " TLS_PAIR
		     " --size 12k --count 20 --threads 8",
		     32);
}

/* Everything that runs from now on, without a pid. */
static void test_whole_machine_is_byte_exact(void)
{
	FILE *out = tmpfile();
	int ready[2];
	char byte, args[128];
	pid_t pid;

	if (!OK(pipe(ready) == 0))
		return;
	snprintf(args, sizeof(args), "--strict --ready-fd %d -o " DIR_OUT " -o " JSON_OUT,
		 ready[1]);
	pid = start(PLAINTAP, args, fileno(out));
	close(ready[1]);
	if (OK_MSG(read(ready[0], &byte, 1) == 1, "plaintap is ready")) {
		INT_EQ(end_of(start(TLS_PAIR, "--size 20000 --threads 2", fileno(out))), 0);
		kill(pid, SIGINT);
	}
	close(ready[0]);
	INT_EQ(end_of(pid), 0);
	rewind(out);
	read_truths(out);
	fclose(out);
	INT_EQ(truth_cnt, 8);
	check_outputs("whole machine");
}

/* The path of the libssl that this program has mapped. */
static bool find_libssl(char *ret, size_t size)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && !found && fgets(line, sizeof(line), f)) {
		char *path = strchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		found = path && strstr(path, "/libssl.so");
		if (found)
			snprintf(ret, size, "%s", path);
	}
	if (f)
		fclose(f);
	return found;
}

static bool copy_file(const char *from, const char *to)
{
	char piece[65536];
	size_t n;
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	bool good = in && out;

	while (good && (n = fread(piece, 1, sizeof(piece), in)) > 0)
		good = fwrite(piece, 1, n, out) == n;
	if (in)
		fclose(in);
	if (out)
		good = fclose(out) == 0 && good;
	return good;
}

/* In a child of plaintap: a program with a library that no process had before. */
static int run_late(void)
{
	setenv("LD_LIBRARY_PATH", LATE_DIR, 1);
	return end_of(start(TLS_PAIR, "--socketpair --size 100", STDOUT_FILENO));
}

static void test_a_late_library_is_seen_from_its_first_byte(void)
{
	const struct expected_kernel *k = expected_here();
	char from[400], to[512];
	FILE *out = tmpfile();

	if (k && !(k->has[FEATURE_COOKIE] && k->has[FEATURE_LOOP] && k->has[FEATURE_SLEEP])) {
		tap_skip("a late library", "this kernel has not that feature");
		return;
	}
	mkdir(LATE_DIR, 0755);
	if (!OK(find_libssl(from, sizeof(from))))
		return;
	snprintf(to, sizeof(to), LATE_DIR "%s", strrchr(from, '/'));
	OK_MSG(copy_file(from, to), "%s is copied", from);
	INT_EQ(end_of(start(PLAINTAP,
			    "--strict -v -o " DIR_OUT " -o " JSON_OUT " -- " SELF " --late",
			    fileno(out))),
	       0);
	rewind(out);
	read_truths(out);
	fclose(out);
	INT_EQ(truth_cnt, 4);
	check_outputs("a late library");
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--late"))
		return run_late();
	if (argc == 2)
		return do_transfers(!strcmp(argv[1], "--all"));
	RUN(test_every_fashion_is_byte_exact);
	RUN(test_a_late_library_is_seen_from_its_first_byte);
	RUN(test_a_paused_program_is_byte_exact);
	RUN(test_slow_is_byte_exact);
	RUN(test_whole_machine_is_byte_exact);
	return tap_done();
}
