// SPDX-License-Identifier: BSD-2-Clause
#include "loader.h"

#include <errno.h>
#include <limits.h>
#include <linux/auxvec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "discover/elf_file.h"
#include "discover/mapped_file.h"
#include "discover/open_file.h"
#include "discover/proc_maps.h"
#include "discover/program.h"

enum {
	AUXV_MAX = 65536,
};

/* What PT_INTERP of the program says; -ENOENT: nothing. */
static int read_interpreter(const char *program, char ret[static PATH_MAX])
{
	CLEANUP_CLOSE int fd = open_regular(program);
	struct elf_file *elf;
	const char *name;
	int r;

	if (fd < 0)
		return fd;
	r = elf_file_open(fd, program, &elf, NULL);
	if (r < 0)
		return r;
	name = elf_file_interpreter(elf);
	if (!name || name[0] != '/')
		r = -ENOENT;
	else if (snprintf(ret, PATH_MAX, "%s", name) >= PATH_MAX)
		r = -ENAMETOOLONG;
	elf_file_free(elf);
	return r;
}

/* AT_BASE of the process: where the kernel has mapped its loader. 0: it has none. */
static int read_base(const char *proc_root, pid_t pid, uint64_t *ret)
{
	char path[PATH_MAX];
	uint64_t entry[2];
	struct buf b;
	int r;

	*ret = 0;
	buf_init(&b, AUXV_MAX);
	snprintf(path, sizeof(path), "%s/%d/auxv", proc_root, (int)pid);
	r = read_file(path, &b);
	for (size_t at = 0; !r && at + sizeof(entry) <= b.len; at += sizeof(entry)) {
		memcpy(entry, b.data + at, sizeof(entry));
		if (entry[0] == AT_BASE)
			*ret = entry[1];
	}
	buf_done(&b);
	return r;
}

static int open_mapping_of(const char *proc_root, pid_t pid, struct str maps, uint64_t addr)
{
	CLEANUP_FREE char *path = NULL;
	struct proc_map m;
	int r;

	while ((r = proc_maps_next(&maps, &m)) != 0)
		if (r > 0 && addr >= m.start && addr < m.end)
			break;
	if (r == 0 || !m.ino)
		return -ENOENT;
	path = proc_map_path(&m);
	return path ? mapped_file_open(proc_root, pid, &m, path) : -ENOMEM;
}

int loader_open_of_process(const char *proc_root, pid_t pid)
{
	char path[PATH_MAX];
	struct buf text;
	uint64_t base;
	int r = read_base(proc_root, pid, &base);

	if (r < 0)
		return r;
	if (!base) {
		snprintf(path, sizeof(path), "%s/%d/exe", proc_root, (int)pid);
		return open_regular(path);
	}
	r = proc_maps_read(proc_root, pid, &text);
	if (!r)
		r = open_mapping_of(proc_root, pid, str_make(text.data, text.len), base);
	buf_done(&text);
	return r;
}

int loader_open_of_program(const char *path)
{
	CLEANUP_FREE char *elf_path = NULL;
	char name[PATH_MAX];
	int r = program_interpreter(path, getenv("PATH"), &elf_path, NULL);

	if (!r)
		r = read_interpreter(elf_path, name);
	return r < 0 ? r : open_regular(name);
}

static int hook_of(struct elf_file *elf, struct loader_hook *ret, struct error *err)
{
	struct elf_function symbols[] = {
		{ .name = "_dl_debug_state" },
		{ .name = "_r_debug", .is_variable = true },	   /* glibc */
		{ .name = "_dl_debug_addr", .is_variable = true }, /* musl */
	};
	const struct elf_function *debug;
	int64_t distance;
	int r = elf_file_find_functions(elf, symbols, 3, err);

	if (r < 0)
		return r;
	debug = symbols[1].found ? &symbols[1] : &symbols[2];
	if (!symbols[0].found || !debug->found)
		return error_set(err, -ENOENT,
				 "it has no place where it tells debuggers what it loads");
	distance = (int64_t)(debug->vaddr - symbols[0].vaddr);
	if (distance != (int32_t)distance)
		return error_set(err, -ENOENT, "its parts are too far from each other");
	*ret = (struct loader_hook){
		.file_off = symbols[0].file_off,
		.distance = (int32_t)distance,
		.is_pointer = debug == &symbols[2],
	};
	return 0;
}

int loader_find_hook(int fd, struct loader_hook *ret, struct error *ret_error)
{
	struct elf_file *elf;
	int r = elf_file_open(fd, "the loader", &elf, ret_error);

	if (r < 0)
		return r;
	r = hook_of(elf, ret, ret_error);
	elf_file_free(elf);
	return r;
}
