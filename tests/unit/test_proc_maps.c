/* SPDX-License-Identifier: BSD-2-Clause */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "discover/ld_cache.h"
#include "discover/open_file.h"
#include "discover/proc_maps.h"
#include "discover/target_list.h"
#include "model/target.h"
#include "tap.h"

static void test_lines(void)
{
	static const char text[] =
		"7f0000001000-7f0000002000 r-xp 00003000 fd:01 1234567                   "
		" /usr/lib/libssl.so.3\n"
		"7f0000002000-7f0000003000 rw-p 00000000 00:00 0 \n"
		"7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                          [vdso]\n";
	void *copy = guarded_copy(text, sizeof(text) - 1);
	struct str rest = str_make(copy, sizeof(text) - 1);
	struct proc_map m;

	INT_EQ(proc_maps_next(&rest, &m), 1);
	INT_EQ(m.start, 0x7f0000001000);
	INT_EQ(m.end, 0x7f0000002000);
	INT_EQ(m.off, 0x3000);
	OK(m.readable && m.executable && !m.deleted);
	INT_EQ(m.dev_major, 0xfd);
	INT_EQ(m.dev_minor, 1);
	INT_EQ(m.ino, 1234567);
	OK(str_eq(m.path, STR_LIT("/usr/lib/libssl.so.3")));

	INT_EQ(proc_maps_next(&rest, &m), 1);
	OK(!m.executable && m.ino == 0 && m.path.len == 0);
	INT_EQ(proc_maps_next(&rest, &m), 1);
	OK(str_eq(m.path, STR_LIT("[vdso]")));
	INT_EQ(proc_maps_next(&rest, &m), 0);
	guarded_free(copy, sizeof(text) - 1);
}

static void expect_path(const char *in_maps, const char *want, bool deleted)
{
	struct proc_map m = {};
	struct str rest;
	char line[512];
	char *path;

	snprintf(line, sizeof(line), "1000-2000 r-xp 00000000 fe:00 7 %s", in_maps);
	rest = str_from(line);
	INT_EQ(proc_maps_next(&rest, &m), 1);
	path = proc_map_path(&m);
	C_STR_EQ(path, want);
	INT_EQ(m.deleted, deleted);
	free(path);
}

static void test_paths(void)
{
	expect_path("/opt/a folder/lib  x.so", "/opt/a folder/lib  x.so", false);
	expect_path("/opt/libssl.so.3 (deleted)", "/opt/libssl.so.3", true);
	expect_path("/opt/two\\012lines.so", "/opt/two\nlines.so", false);
	expect_path("/opt/back\\slash\\01", "/opt/back\\slash\\01", false);
	expect_path("/opt/x(deleted)", "/opt/x(deleted)", false);
}

static void test_bad_lines(void)
{
	static const char *const bad[] = {
		"\n1-2",
		"nonsense",
		"2000-1000 r-xp 0 0:0 0",
		"1000-2000 rx 0 0:0 0",
		"1000-2000 r-xp 0 00 0",
		"1000-2000 r-xp 0 0:0",
		"1000-2000 r-xp 0 0:0 0x1",
		"g-h r-xp 0 0:0 0",
		"1000 r-xp 0 0:0 0",
		"11112222333344445-2 r-xp 0 0:0 0",
	};
	struct proc_map m;
	struct str rest;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *copy = guarded_copy(bad[i], strlen(bad[i]));

		rest = str_make(copy, strlen(bad[i]));
		OK_MSG(proc_maps_next(&rest, &m) == -EBADMSG, "bad line %zu is refused", i);
		guarded_free(copy, strlen(bad[i]));
	}
	rest = STR_LIT("junk\n1000-2000 r--p 0 0:0 0\n");
	INT_EQ(proc_maps_next(&rest, &m), -EBADMSG);
	OK_MSG(proc_maps_next(&rest, &m) == 1, "a bad line does not hide the next one");
}

static void test_own_process(void)
{
	struct process_findings f;
	struct target_list list;
	struct error e = {};
	void *handle;
	char *path;

	target_list_init(&list);
	process_findings_init(&f);
	if (discover_loader_cache(LD_CACHE_PATH, &list, NULL, NULL) <= 0) {
		tap_skip("the library that this test loads", "no libssl on this machine");
		return;
	}
	path = strdup(list.items[0]->path);
	target_list_done(&list);

	INT_EQ(discover_process(getpid(), &list, &f, &e), 0);
	INT_EQ(list.cnt, 0);
	OK(f.link == FINDINGS_LINK_DYNAMIC && f.library_cnt > 0 && f.program);
	process_findings_done(&f);

	handle = dlopen(path, RTLD_NOW);
	OK(handle != NULL);
	discover_mapped_libraries(getpid(), &list);
	INT_EQ(list.cnt, 1);
	target_list_done(&list);
	INT_EQ(discover_process(getpid(), &list, &f, &e), 1);
	INT_EQ(list.cnt, 1);
	OK(f.tls_cnt == 1 && f.problem.code == 0);
	process_findings_done(&f);
	OK_MSG(discover_process(getpid(), &list, &f, &e) == 1 && list.cnt == 1,
	       "a second look finds it without adding it again");
	process_findings_done(&f);
	target_list_done(&list);
	dlclose(handle);
	free(path);
}

static bool has_path(const struct target_list *list, const char *path)
{
	for (size_t i = 0; i < list->cnt; i++) {
		if (strcmp(list->items[i]->path, path) == 0)
			return true;
	}
	return false;
}

/* A library that is removed while it is mapped; needs the right to use map_files. */
static void test_deleted(void)
{
	char folder[] = "/tmp/plaintap-test-XXXXXX", path[64];
	struct process_findings f;
	struct target_list list;
	struct buf bytes;
	void *handle;
	FILE *out;
	int r;

	target_list_init(&list);
	process_findings_init(&f);
	buf_init(&bytes, 64 << 20);
	r = discover_loader_cache(LD_CACHE_PATH, &list, NULL, NULL);
	if (r <= 0 || read_file(list.items[0]->path, &bytes) < 0 || !mkdtemp(folder)) {
		tap_skip("a library removed while in use", "no libssl on this machine");
		return;
	}
	target_list_done(&list);
	snprintf(path, sizeof(path), "%s/libssl.so.3", folder);
	out = fopen(path, "w");
	OK(out && fwrite(bytes.data, 1, bytes.len, out) == bytes.len && fclose(out) == 0);
	handle = dlopen(path, RTLD_NOW);
	OK(handle != NULL);
	/* Another file takes its place: it must not be taken for the mapped one. */
	unlink(path);
	out = fopen(path, "w");
	OK(out && fwrite(bytes.data, 1, bytes.len, out) == bytes.len && fclose(out) == 0);
	r = discover_process(getpid(), &list, &f, NULL);
	if (r == 0) {
		OK(f.problem.code == -ESTALE && strstr(f.problem.text, "replaced"));
		tap_note("map_files is not ours to use here");
	} else {
		/* The test before may have left its libssl mapped: it is linked with nodelete. */
		OK(r == 1 || r == 2);
		OK(has_path(&list, path));
	}
	process_findings_done(&f);
	target_list_done(&list);
	buf_done(&bytes);
	dlclose(handle);
	unlink(path);
	rmdir(folder);
}

static void test_no_process(void)
{
	struct process_findings f;
	struct target_list list;
	struct error e = {};
	pid_t pid = fork();
	siginfo_t info;

	target_list_init(&list);
	process_findings_init(&f);
	if (pid == 0)
		_exit(0);
	/* Waits without reaping: a process that ended, but is there. */
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	INT_EQ(discover_process(pid, &list, &f, &e), -ESRCH);
	OK(strstr(e.text, "ended"));
	waitpid(pid, NULL, 0);
	process_findings_done(&f);
	INT_EQ(discover_process(pid, &list, &f, &e), -ESRCH);
	process_findings_done(&f);
	target_list_done(&list);
}

static void test_explain(void)
{
	struct process_findings f;
	struct buf b;

	process_findings_init(&f);
	buf_init(&b, 4096);
	OK(process_findings_add(&f, "/usr/lib/libgnutls.so.30") == 0);
	OK(process_findings_add(&f, "/usr/lib/libc.so.6") == 0);
	OK(process_findings_add(&f, "/other/libc.so.6") == 0);
	OK(process_findings_explain(&f, &b) == 0 && buf_append_byte(&b, 0) == 0);
	C_STR_EQ((char *)b.data,
		 "looked for libssl.so*, libssl-*.so*; it maps libgnutls.so.30, libc.so.6; "
		 "GnuTLS (libgnutls.so.30) is not supported yet");
	for (int i = 0; i < FINDINGS_LIBRARY_MAX; i++) {
		char name[32];

		snprintf(name, sizeof(name), "lib%d.so", i);
		process_findings_add(&f, name);
	}
	INT_EQ(f.library_cnt, FINDINGS_LIBRARY_MAX);
	INT_EQ(f.library_more, 2);
	buf_done(&b);
	process_findings_done(&f);
}

int main(void)
{
	RUN(test_lines);
	RUN(test_paths);
	RUN(test_bad_lines);
	RUN(test_own_process);
	RUN(test_deleted);
	RUN(test_no_process);
	RUN(test_explain);
	return tap_done();
}
