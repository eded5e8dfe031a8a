// SPDX-License-Identifier: BSD-2-Clause
#include "discover/c_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover/mapped_targets.h"
#include "discover/target_list.h"
#include "file_tree.h"
#include "model/target.h"
#include "tap.h"

/* Where the C library of this program has a function, by the loader's account. */
static uint64_t offset_of(const char *name, struct stat *ret_file)
{
	void *function = dlsym(RTLD_NEXT, name);
	struct link_map *map = NULL;
	Dl_info info;

	if (!function || !dladdr1(function, &info, (void **)&map, RTLD_DL_LINKMAP))
		return 0;
	if (stat(map->l_name, ret_file) < 0)
		return 0;
	return (uint64_t)(uintptr_t)function - map->l_addr;
}

static bool has(const struct fork_calls *calls, uint64_t off, bool has_flags)
{
	for (size_t i = 0; i < calls->cnt; i++)
		if (calls->items[i].file_off == off)
			return calls->items[i].has_flags == has_flags;
	return false;
}

static bool executes(const struct exec_calls *calls, uint64_t off, enum exec_call_kind kind)
{
	for (size_t i = 0; i < calls->cnt; i++)
		if (calls->items[i].file_off == off)
			return calls->items[i].kind == kind;
	return false;
}

/* Addresses and offsets in the file are the same where glibc's code is. */
static void test_own_library(void)
{
	struct c_library own;
	struct fork_calls forks;
	struct exec_calls execs;
	struct stat lib = { 0 };
	uint64_t fork_off = offset_of("fork", &lib), clone_off = offset_of("clone", &lib);

	if (!INT_EQ(c_library_open("/proc", getpid(), &own), 0) ||
	    !INT_EQ(c_library_find_forks(own.fd, &forks), 0) ||
	    !INT_EQ(c_library_find_execs(own.fd, &execs), 0))
		return;
	OK(own.id.ino == lib.st_ino && own.id.dev == lib.st_dev);
	OK_MSG(has(&forks, fork_off, false), "fork at 0x%llx", (unsigned long long)fork_off);
	OK_MSG(has(&forks, clone_off, true), "clone at 0x%llx", (unsigned long long)clone_off);
	OK(executes(&execs, offset_of("execve", &lib), EXEC_CALL_PATH));
	OK(executes(&execs, offset_of("fexecve", &lib), EXEC_CALL_FD));
	/* glibc has it since 2.34, musl has not. */
	if (offset_of("execveat", &lib))
		OK(executes(&execs, offset_of("execveat", &lib), EXEC_CALL_PATH_AT));
	OK(fcntl(own.fd, F_GETFD) >= 0);
	close(own.fd);
}

static void test_program_and_list(void)
{
	struct c_library own, program;
	struct c_library_id ids[2] = { 0 };

	if (!INT_EQ(c_library_open("/proc", getpid(), &own), 0) ||
	    !INT_EQ(c_library_open_program("/proc", getpid(), &program), 0))
		return;
	ids[0] = program.id;
	OK(c_library_is_among(&program, ids, 1));
	OK(!c_library_is_among(&own, ids, 2));
	ids[1] = own.id;
	OK(!c_library_is_among(&own, ids, 1));
	OK(c_library_is_among(&own, ids, 2));
	ids[1].dev++;
	OK(!c_library_is_among(&own, ids, 2));
	close(own.fd);
	close(program.fd);
	OK(c_library_open_program("/nowhere", getpid(), &program) < 0);
	INT_EQ(program.fd, -1);
}

static void test_no_library(void)
{
	static const char maps[] =
		"00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/static\n"
		"not a line of maps\n"
		"7f0000000000-7f0000001000 r--p 00000000 08:02 17 /usr/lib/libc.so.6\n"
		"7f0000001000-7f0000002000 r-xp 00000000 08:02 18 /usr/lib/libcrypto.so.3\n";
	struct c_library lib;

	tree_put("7/maps", maps);
	INT_EQ(c_library_open(tree_root, 7, &lib), -ENOENT);
	INT_EQ(lib.fd, -1);
	INT_EQ(c_library_open(tree_root, 8, &lib), -ENOENT);
	/* One that has gone by the time it is opened. */
	tree_put("9/maps", "7f0000001000-7f0000002000 r-xp 00000000 08:02 18 /no/libc.so.6\n");
	INT_EQ(c_library_open(tree_root, 9, &lib), -ENOENT);
	INT_EQ(lib.fd, -1);
}

/* A file that is called so, and is none. */
static void test_not_a_library(void)
{
	struct c_library lib;
	struct fork_calls forks;
	struct exec_calls execs;
	struct stat st;
	char line[256];

	tree_put("5/root/libc.so.6",
		 "nothing that an ELF file begins with, but long enough for one");
	if (stat(tree_at("5/root/libc.so.6"), &st) < 0)
		abort();
	snprintf(line, sizeof(line),
		 "7f0000001000-7f0000002000 r-xp 00000000 08:02 %llu /libc.so.6\n",
		 (unsigned long long)st.st_ino);
	tree_put("5/maps", line);
	if (!INT_EQ(c_library_open(tree_root, 5, &lib), 0))
		return;
	INT_EQ(c_library_find_forks(lib.fd, &forks), -ENOEXEC);
	INT_EQ(c_library_find_execs(lib.fd, &execs), -ENOEXEC);
	close(lib.fd);
}

static void test_mapped_targets(void)
{
	struct target a = { .ino = 18 }, b = { .ino = 17 }, c = { .ino = 173521 };
	struct target *items[] = { &a, &b, &c };
	struct target_list list = { .items = items, .cnt = 3 };
	bool is_mapped[3] = { false, true, false };

	INT_EQ(discover_mapped_targets(tree_root, 7, &list, is_mapped), 0);
	OK(is_mapped[0]);
	/* Mapped, but not to be executed. */
	OK(!is_mapped[1]);
	OK(is_mapped[2]);
	INT_EQ(discover_mapped_targets(tree_root, 8, &list, is_mapped), -ENOENT);
}

int main(void)
{
	tree_begin();
	RUN(test_own_library);
	RUN(test_program_and_list);
	RUN(test_no_library);
	RUN(test_not_a_library);
	RUN(test_mapped_targets);
	tree_end();
	return tap_done();
}
