/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs and libraries are written by the test itself, so that every search path has its case. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "discover/findings.h"
#include "discover/program.h"
#include "discover/target_list.h"
#include "model/target.h"
#include "tap.h"

static char root[] = "/tmp/plaintap-test-XXXXXX";

/* "root/name", in one of a few buffers. */
static char *at(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];

	if (snprintf(path, PATH_MAX, "%s/%s", root, name) >= PATH_MAX)
		abort();
	return path;
}

static void write_file(const char *name, const void *data, size_t len, mode_t mode)
{
	FILE *out = fopen(at(name), "w");

	if (!out || fwrite(data, 1, len, out) != len || fclose(out) != 0 ||
	    chmod(at(name), mode) < 0)
		abort();
}

static void write_text(const char *name, const char *text, mode_t mode)
{
	write_file(name, text, strlen(text), mode);
}

struct tiny_elf {
	Elf64_Ehdr h;
	Elf64_Phdr segments[2];
	Elf64_Shdr sections[4];
	Elf64_Dyn dynamic[8];
	Elf64_Sym symbols[3];
	char strings[1024];
	uint8_t code[64];
};

static size_t add_string(struct tiny_elf *e, size_t *end, struct str s)
{
	size_t off = *end;

	if (s.len >= sizeof(e->strings) - off)
		abort();
	memcpy(e->strings + off, s.p, s.len);
	*end += s.len + 1;
	return off;
}

static void fill_header(Elf64_Ehdr *h)
{
	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	h->e_type = ET_DYN;
	h->e_version = EV_CURRENT;
#if defined(__x86_64__)
	h->e_machine = EM_X86_64;
#else
	h->e_machine = EM_AARCH64;
#endif
	h->e_ehsize = sizeof(*h);
	h->e_phoff = offsetof(struct tiny_elf, segments);
	h->e_phnum = 2;
	h->e_phentsize = sizeof(Elf64_Phdr);
	h->e_shoff = offsetof(struct tiny_elf, sections);
	h->e_shnum = 4;
	h->e_shentsize = sizeof(Elf64_Shdr);
}

/* Programs have no TLS of their own, but for one. */
static const char *function(const char *file, int i)
{
	if (!strncmp(file, "bin/", 4) && strcmp(file, "bin/inside") != 0)
		return i == 1 ? "main" : "usage";
	return i == 1 ? "SSL_read" : "SSL_write";
}

/* `tag`: DT_RPATH or DT_RUNPATH for `paths`; `needed` are names separated by spaces. */
static void write_elf(const char *name, const char *needed, int64_t tag, const char *paths)
{
	struct tiny_elf e = {};
	struct str rest = str_from(needed), part;
	size_t end = 1, n = 0;
	const size_t code_at = offsetof(struct tiny_elf, code);

	fill_header(&e.h);
	e.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				      .p_flags = PF_R | PF_X,
				      .p_vaddr = code_at,
				      .p_offset = code_at,
				      .p_filesz = sizeof(e.code),
				      .p_memsz = sizeof(e.code) };
	e.segments[1] = (Elf64_Phdr){ .p_type = PT_DYNAMIC,
				      .p_offset = offsetof(struct tiny_elf, dynamic) };
	while (str_next_part(&rest, ' ', &part)) {
		e.dynamic[n].d_tag = DT_NEEDED;
		e.dynamic[n++].d_un.d_val = add_string(&e, &end, part);
	}
	if (paths) {
		e.dynamic[n].d_tag = tag;
		e.dynamic[n].d_un.d_val = add_string(&e, &end, str_from(paths));
	}
	for (int i = 1; i < 3; i++)
		e.symbols[i] = (Elf64_Sym){
			.st_name = (uint32_t)add_string(&e, &end, str_from(function(name, i))),
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = code_at + 16 * (uint64_t)i,
		};
	e.sections[1] = (Elf64_Shdr){ .sh_type = SHT_DYNAMIC,
				      .sh_link = 3,
				      .sh_addralign = 8,
				      .sh_offset = offsetof(struct tiny_elf, dynamic),
				      .sh_size = sizeof(e.dynamic),
				      .sh_entsize = sizeof(Elf64_Dyn) };
	e.sections[2] = (Elf64_Shdr){ .sh_type = SHT_DYNSYM,
				      .sh_link = 3,
				      .sh_addralign = 8,
				      .sh_offset = offsetof(struct tiny_elf, symbols),
				      .sh_size = sizeof(e.symbols),
				      .sh_entsize = sizeof(Elf64_Sym) };
	e.sections[3] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				      .sh_addralign = 1,
				      .sh_offset = offsetof(struct tiny_elf, strings),
				      .sh_size = sizeof(e.strings) };
	write_file(name, &e, sizeof(e), 0755);
}

/* The program finds exactly these libraries (below root, separated by spaces), in any order. */
static void expect(const char *program, const char *want)
{
	struct process_findings f;
	struct target_list list;
	struct error e = {};
	struct str rest = str_from(want), part;
	size_t cnt = 0, hit = 0;
	char name[64];
	int r;

	process_findings_init(&f);
	target_list_init(&list);
	r = discover_program(at(program), &list, &f, &e);
	while (str_next_part(&rest, ' ', &part)) {
		struct stat st;

		cnt++;
		snprintf(name, sizeof(name), "%.*s", STR_FMT(part));
		if (stat(at(name), &st) < 0)
			abort();
		hit += target_list_find(&list, st.st_dev, st.st_ino) != NULL;
	}
	OK_MSG(r == (int)cnt && hit == cnt && list.cnt == cnt, "%s loads %s", program, want);
	for (size_t i = 0; r != (int)cnt && i < list.cnt; i++)
		tap_note("found %s", list.items[i]->path);
	if (r < 0)
		tap_note("%s", e.text);
	process_findings_done(&f);
	target_list_done(&list);
}

static void make_tree(void)
{
	static const char *const folders[] = { "a", "b", "c", "bin", "lib" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (mkdir(at(folders[i]), 0755) < 0)
			abort();
	}
	write_elf("a/libssl.so.91", "", 0, NULL);
	write_elf("b/libssl.so.91", "", 0, NULL);
	write_elf("c/libssl.so.92", "", 0, NULL);
	write_elf("lib/libssl.so.93", "", 0, NULL);
	write_elf("b/libmiddle.so", "libssl.so.91", 0, NULL);
}

static void test_paths_of_files(void)
{
	char paths[PATH_MAX];

	snprintf(paths, sizeof(paths), "/no/such:%s:%s", at("a"), at("b"));
	write_elf("bin/runpath", "libssl.so.91", DT_RUNPATH, paths);
	/* b's is in a folder that the program names, so it might be opened later. */
	expect("bin/runpath", "a/libssl.so.91 b/libssl.so.91");
	write_elf("bin/origin", "libssl.so.93", DT_RUNPATH, "$ORIGIN/../lib");
	expect("bin/origin", "lib/libssl.so.93");
	write_elf("bin/braces", "libssl.so.93", DT_RPATH, "${ORIGIN}/../$LIB");
	expect("bin/braces", "lib/libssl.so.93");
	write_elf("bin/folder", "nothing.so", DT_RUNPATH, "$ORIGIN/../c");
	expect("bin/folder", "c/libssl.so.92");
	write_elf("bin/none", "libssl.so.91", 0, NULL);
	expect("bin/none", "");
	write_elf("bin/path", at("c/libssl.so.92"), 0, NULL);
	expect("bin/path", "c/libssl.so.92");
}

/* libmiddle.so has no path of its own: the program's RPATH counts for it, its RUNPATH does not. */
static void test_inherited(void)
{
	write_elf("bin/rpath2", "libmiddle.so", DT_RPATH, "$ORIGIN/../b");
	expect("bin/rpath2", "b/libssl.so.91");
	write_elf("lib/libouter.so", "libssl.so.92", 0, NULL);
	write_elf("c/libinner.so", "libssl.so.92", DT_RUNPATH, "$ORIGIN");
	write_elf("bin/runpath2", "libouter.so", DT_RUNPATH, "$ORIGIN/../lib");
	expect("bin/runpath2", "lib/libssl.so.93");
	write_elf("lib/libouter2.so", "libinner.so", DT_RUNPATH, "$ORIGIN/../c");
	write_elf("bin/runpath3", "libouter2.so", DT_RPATH, "$ORIGIN/../lib");
	expect("bin/runpath3", "lib/libssl.so.93 c/libssl.so.92");
}

static void test_circle(void)
{
	write_elf("a/libx.so", "liby.so", DT_RPATH, "$ORIGIN");
	write_elf("a/liby.so", "libx.so libssl.so.91", DT_RPATH, "$ORIGIN");
	write_elf("bin/circle", "libx.so", DT_RPATH, "$ORIGIN/../a");
	expect("bin/circle", "a/libssl.so.91");
}

static void test_environment(void)
{
	char here[PATH_MAX], both[PATH_MAX];

	if (!getcwd(here, sizeof(here)))
		abort();
	snprintf(both, sizeof(both), "/no/such;%s", at("b"));
	setenv("LD_LIBRARY_PATH", both, 1);
	expect("bin/none", "b/libssl.so.91");
	setenv("LD_LIBRARY_PATH", at("c"), 1);
	expect("bin/none", "c/libssl.so.92");
	if (chdir(at("a")) < 0)
		abort();
	setenv("LD_LIBRARY_PATH", "/no/such:", 1);
	expect("bin/none", "a/libssl.so.91");
	setenv("LD_LIBRARY_PATH", "../b", 1);
	expect("bin/none", "b/libssl.so.91");
	unsetenv("LD_LIBRARY_PATH");
	setenv("LD_PRELOAD", at("b/libmiddle.so"), 1);
	write_elf("bin/preload", "", DT_RPATH, at("b"));
	expect("bin/preload", "b/libssl.so.91");
	unsetenv("LD_PRELOAD");
	if (chdir(here) < 0)
		abort();
}

static void test_scripts(void)
{
	char text[PATH_MAX + 64];
	char *elf = NULL;
	struct error e = {};

	snprintf(text, sizeof(text), "#! %s -x\nexit\n", at("bin/origin"));
	write_text("bin/script", text, 0755);
	expect("bin/script", "lib/libssl.so.93");
	setenv("PATH", at("bin"), 1);
	write_text("bin/env1", "#!/usr/bin/env origin\n", 0755);
	expect("bin/env1", "lib/libssl.so.93");
	write_text("bin/env2", "#!/usr/bin/env -S A=b  origin -u", 0755);
	expect("bin/env2", "lib/libssl.so.93");
	write_text("bin/env3", "#!/usr/bin/env nosuchprogram\n", 0755);
	INT_EQ(program_interpreter(at("bin/env3"), at("bin"), &elf, &e), -ENOENT);
	OK(strstr(e.text, "nosuchprogram"));
	snprintf(text, sizeof(text), "#!%s\n", at("bin/loop"));
	write_text("bin/loop", text, 0755);
	INT_EQ(program_interpreter(at("bin/loop"), NULL, &elf, &e), -ELOOP);
	write_text("bin/empty", "#!  \n", 0755);
	INT_EQ(program_interpreter(at("bin/empty"), NULL, &elf, &e), -ENOEXEC);
	write_text("bin/bare", "#!", 0755);
	INT_EQ(program_interpreter(at("bin/bare"), NULL, &elf, &e), -ENOEXEC);
	write_text("bin/text", "echo hello\n", 0755);
	INT_EQ(program_interpreter(at("bin/text"), NULL, &elf, &e), -ENOEXEC);
	OK(elf == NULL);
}

static void test_corrupt(void)
{
	struct process_findings f;
	struct target_list list;
	struct error e = {};

	process_findings_init(&f);
	target_list_init(&list);
	write_text("bin/corrupt", "\177ELF and no more", 0755);
	OK(discover_program(at("bin/corrupt"), &list, &f, &e) < 0 && e.text[0]);
	INT_EQ(discover_program(at("bin/no-such-file"), &list, &f, &e), -ENOENT);
	process_findings_done(&f);

	/* A needed library that only looks like one is told, and is no failure. */
	write_text("c/libssl.so.99", "\177ELF and no more", 0644);
	write_elf("bin/bad", "libssl.so.99", DT_RPATH, "$ORIGIN/../c");
	process_findings_init(&f);
	INT_EQ(discover_program(at("bin/bad"), &list, &f, &e), 1);
	OK(f.problem.code < 0 && strstr(f.problem.text, "libssl.so.99"));
	process_findings_done(&f);
	target_list_done(&list);
	unlink(at("c/libssl.so.99"));
}

static void expect_resolved(const char *name, const char *path_env, int want_r, const char *want)
{
	struct error e = {};
	char *path = NULL;
	int r = program_resolve(name, path_env, &path, &e);

	INT_EQ(r, want_r);
	C_STR_EQ(r < 0 ? e.text : path, want);
	free(path);
}

static void test_resolve(void)
{
	char both[PATH_MAX * 3], here[PATH_MAX], text[PATH_MAX + 64];

	if (!getcwd(here, sizeof(here)))
		abort();
	write_text("a/tool", "#!/bin/sh\n", 0644);
	snprintf(both, sizeof(both), "/no/such:%s:%s", at("a"), at("bin"));
	expect_resolved("tool", both, -EACCES, "tool: not executable");
	write_text("bin/tool", "#!/bin/sh\n", 0755);
	expect_resolved("tool", both, 0, at("bin/tool"));
	expect_resolved("nosuch", both, -ENOENT, "nosuch: command not found in PATH");
	expect_resolved("", both, -ENOENT, "the name of the command is empty");
	snprintf(text, sizeof(text), "%s: is a directory", at("bin"));
	expect_resolved(at("bin"), both, -EACCES, text);
	snprintf(text, sizeof(text), "%s: not executable", at("a/tool"));
	expect_resolved(at("a/tool"), both, -EACCES, text);
	/* A folder of that name is no command. */
	expect_resolved("bin", root, -EACCES, "bin: not executable");
	if (chdir(at("bin")) < 0)
		abort();
	expect_resolved("tool", "/no/such:", 0, "./tool");
	expect_resolved("tool", ":/no/such", 0, "./tool");
	expect_resolved("tool", "", 0, "./tool");
	expect_resolved("./tool", NULL, 0, "./tool");
	if (chdir(here) < 0)
		abort();
}

static void test_real_program(void)
{
	struct process_findings f;
	struct target_list list;
	int r;

	process_findings_init(&f);
	target_list_init(&list);
	r = access("/usr/bin/curl", X_OK) < 0 ? -ENOENT
					      : discover_program("/usr/bin/curl", &list, &f, NULL);
	if (r == -ENOENT)
		tap_skip("curl's libraries", "no curl on this machine");
	else
		OK_MSG(r >= 0 && f.library_cnt >= 2 && f.link == FINDINGS_LINK_DYNAMIC,
		       "curl: %d TLS libraries of %zu", r, f.library_cnt);
	process_findings_done(&f);
	target_list_done(&list);
}

static void remove_tree(void)
{
	static const char *const folders[] = { "a", "b", "c", "bin", "lib" };
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *dir;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		dir = opendir(at(folders[i]));
		while (dir && (entry = readdir(dir))) {
			snprintf(path, sizeof(path), "%s/%s", folders[i], entry->d_name);
			unlink(at(path));
		}
		if (dir)
			closedir(dir);
		rmdir(at(folders[i]));
	}
	rmdir(root);
}

int main(void)
{
	if (!mkdtemp(root))
		abort();
	unsetenv("LD_LIBRARY_PATH");
	unsetenv("LD_PRELOAD");
	make_tree();
	RUN(test_real_program);
	RUN(test_paths_of_files);
	RUN(test_inherited);
	RUN(test_circle);
	RUN(test_environment);
	RUN(test_scripts);
	RUN(test_corrupt);
	RUN(test_resolve);
	remove_tree();
	return tap_done();
}
