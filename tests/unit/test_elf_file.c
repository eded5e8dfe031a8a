/* SPDX-License-Identifier: BSD-2-Clause */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "discover/elf_file.h"
#include "discover/ld_cache.h"
#include "discover/open_file.h"
#include "discover/proc_maps.h"
#include "discover/target_list.h"
#include "model/target.h"
#include "tap.h"

static struct buf real; /* a libssl of this machine, empty when there is none */
static char *real_path;

static int memory_file(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, len, 0) != (ssize_t)len)
		abort();
	return fd;
}

static void find_real(void)
{
	struct target_list list;

	target_list_init(&list);
	buf_init(&real, 64 << 20);
	if (discover_loader_cache(LD_CACHE_PATH, &list, NULL, NULL) > 0) {
		real_path = strdup(list.items[0]->path);
		if (read_file(real_path, &real) < 0)
			buf_reset(&real);
	}
	target_list_done(&list);
}

static struct elf_function *ssl_functions(void)
{
	static struct elf_function f[3];

	f[0] = (struct elf_function){ .name = "SSL_read" };
	f[1] = (struct elf_function){ .name = "SSL_no_such_function" };
	f[2] = (struct elf_function){ .name = "SSL_free" };
	return f;
}

/* Whatever the bytes: no crash, and no offset that is outside of them. */
static bool survives(const void *data, size_t len)
{
	struct elf_function *f = ssl_functions();
	int fd = memory_file(data, len);
	struct elf_file *elf = NULL;
	struct error e = {};
	const uint8_t *id;
	bool good = true;
	int r;

	r = elf_file_open(fd, "test", &elf, &e);
	if (r < 0) {
		good = e.code == r && e.text[0] && !elf;
	} else {
		elf_file_find_functions(elf, f, 3, &e);
		for (int i = 0; i < 3; i++)
			good = good && (!f[i].found || f[i].file_off < len);
		good = good && elf_file_build_id(elf, &id) <= ELF_BUILD_ID_MAX;
		for (size_t i = 0; elf_file_needed(elf, i); i++)
			good = good && elf_file_needed(elf, i)[0];
	}
	elf_file_free(elf);
	close(fd);
	return good;
}

static void expect_refused(const void *data, size_t len, int want, const char *word)
{
	int fd = memory_file(data, len);
	struct elf_file *elf = NULL;
	struct error e = {};

	INT_EQ(elf_file_open(fd, "some/file", &elf, &e), want);
	OK_MSG(strstr(e.text, "some/file") && strstr(e.text, word), "\"%s\" says \"%s\"", e.text,
	       word);
	OK(elf == NULL);
	close(fd);
}

static Elf64_Ehdr good_header(void)
{
	Elf64_Ehdr h = { .e_type = ET_DYN, .e_version = EV_CURRENT, .e_ehsize = sizeof(h) };

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	h.e_ident[EI_VERSION] = EV_CURRENT;
#if defined(__x86_64__)
	h.e_machine = EM_X86_64;
#else
	h.e_machine = EM_AARCH64;
#endif
	return h;
}

static void test_refuses(void)
{
	Elf64_Ehdr h = good_header();

	expect_refused("", 0, -ENOEXEC, "not an ELF file");
	expect_refused("a text file, and long enough to hold a header: ................", 64,
		       -ENOEXEC, "not an ELF file");
	expect_refused(&h, 40, -EBADMSG, "damaged");
	h.e_ident[EI_CLASS] = ELFCLASS32;
	expect_refused(&h, 52, -ENOEXEC, "32-bit");
	h = good_header();
	h.e_machine = EM_RISCV;
	expect_refused(&h, sizeof(h), -ENOEXEC, "processors");
	h = good_header();
	h.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
	expect_refused(&h, sizeof(h), -ENOEXEC, "byte order");
	h = good_header();
	h.e_type = ET_CORE;
	expect_refused(&h, sizeof(h), -ENOEXEC, "neither a program");
	h = good_header();
	h.e_shoff = 64;
	h.e_shnum = 0;
	expect_refused(&h, sizeof(h), -EBADMSG, "more sections");
	h = good_header();
	h.e_phoff = UINT64_MAX - 8;
	h.e_phnum = 2;
	h.e_phentsize = sizeof(Elf64_Phdr);
	expect_refused(&h, sizeof(h), -EBADMSG, "outside the file");
}

static void test_refuses_other_files(void)
{
	struct elf_file *elf = NULL;
	struct error e = {};
	int ends[2];

	OK(pipe(ends) == 0);
	INT_EQ(elf_file_open(ends[0], "pipe", &elf, &e), -ENOEXEC);
	close(ends[0]);
	close(ends[1]);
	INT_EQ(open_regular("/dev/null"), -ENXIO);
	INT_EQ(open_regular("/"), -EISDIR);
	INT_EQ(open_regular("/no/such/file"), -ENOENT);
}

static void test_bare_header(void)
{
	Elf64_Ehdr h = good_header();
	int fd = memory_file(&h, sizeof(h));
	struct elf_file *elf = NULL;

	INT_EQ(elf_file_open(fd, "bare", &elf, NULL), 0);
	OK(elf_file_is_static(elf));
	OK(!elf_file_needed(elf, 0) && !elf_file_interpreter(elf) && !elf_file_rpath(elf));
	INT_EQ(elf_file_find_functions(elf, ssl_functions(), 3, NULL), 0);
	elf_file_free(elf);
	close(fd);
}

/*
 * A file of our own: header, two segments, sections null, .dynsym, .dynstr; so that every rule for
 * symbols has its case.
 */
struct own_elf {
	Elf64_Ehdr h;
	Elf64_Phdr segments[2];
	Elf64_Shdr sections[3];
	Elf64_Sym symbols[4];
	char strings[32];
	uint8_t code[64];
};

static struct own_elf own_elf(void)
{
	struct own_elf e = { .h = good_header(), .strings = "\0SSL_read\0SSL_free" };
	const size_t code_at = offsetof(struct own_elf, code);

	e.h.e_phoff = offsetof(struct own_elf, segments);
	e.h.e_phnum = 2;
	e.h.e_phentsize = sizeof(Elf64_Phdr);
	e.h.e_shoff = offsetof(struct own_elf, sections);
	e.h.e_shnum = 3;
	e.h.e_shentsize = sizeof(Elf64_Shdr);
	e.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				      .p_flags = PF_R,
				      .p_vaddr = 0,
				      .p_filesz = code_at,
				      .p_memsz = code_at };
	e.segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				      .p_flags = PF_R | PF_X,
				      .p_vaddr = 0x10000,
				      .p_offset = code_at,
				      .p_filesz = sizeof(e.code),
				      .p_memsz = 0x1000 };
	e.sections[1] = (Elf64_Shdr){ .sh_type = SHT_DYNSYM,
				      .sh_link = 2,
				      .sh_addralign = 8,
				      .sh_offset = offsetof(struct own_elf, symbols),
				      .sh_size = sizeof(e.symbols),
				      .sh_entsize = sizeof(Elf64_Sym) };
	e.sections[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				      .sh_addralign = 1,
				      .sh_offset = offsetof(struct own_elf, strings),
				      .sh_size = sizeof(e.strings) };
	e.symbols[1] = (Elf64_Sym){ .st_name = 1,
				    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				    .st_shndx = 1,
				    .st_value = 0x10010 };
	return e;
}

/* Does SSL_read count in this file, and where? */
static bool own_finds(const struct own_elf *e, uint64_t *ret_off)
{
	struct elf_function *f = ssl_functions();
	int fd = memory_file(e, sizeof(*e));
	struct elf_file *elf = NULL;
	struct error error = {};

	INT_EQ(elf_file_open(fd, "own", &elf, &error), 0);
	elf_file_find_functions(elf, f, 3, &error);
	elf_file_free(elf);
	close(fd);
	*ret_off = f[0].file_off;
	return f[0].found;
}

static void test_symbol_rules(void)
{
	const uint64_t want = offsetof(struct own_elf, code) + 0x10;
	struct own_elf e = own_elf();
	uint64_t off = 0;

	OK(own_finds(&e, &off));
	INT_EQ(off, want);

	e.symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
	OK_MSG(!own_finds(&e, &off), "an IFUNC does not count");
	e.symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
	OK_MSG(!own_finds(&e, &off), "an object does not count");
	e.symbols[1].st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
	OK_MSG(!own_finds(&e, &off), "a local function does not count");
	e.symbols[1].st_info = ELF64_ST_INFO(STB_WEAK, STT_FUNC);
	OK_MSG(own_finds(&e, &off), "a weak function counts");

	e.symbols[1].st_shndx = SHN_UNDEF;
	OK_MSG(!own_finds(&e, &off), "an imported function does not count");
	e.symbols[1].st_shndx = 1;
	e.symbols[1].st_value = 0x20;
	OK_MSG(!own_finds(&e, &off), "a function in data does not count");
	e.symbols[1].st_value = 0x10000 + sizeof(e.code);
	OK_MSG(!own_finds(&e, &off), "a function past the segment's bytes does not count");
	e.symbols[1].st_value = 0x10000 + sizeof(e.code) - 4;
	OK_MSG(own_finds(&e, &off), "the last instruction counts");

	e.segments[1].p_filesz = 0x1000;
	e.symbols[1].st_value = 0x10000 + sizeof(e.code);
	OK_MSG(!own_finds(&e, &off), "a function past the end of the file does not count");
	e.segments[1].p_offset = UINT64_MAX - 4;
	e.symbols[1].st_value = 0x10010;
	OK_MSG(!own_finds(&e, &off), "an offset that overflows does not count");

	e = own_elf();
	e.symbols[1].st_name = sizeof(e.strings) + 100;
	OK_MSG(!own_finds(&e, &off), "a name outside the table does not count");
	e = own_elf();
	memset(e.strings, 'x', sizeof(e.strings));
	OK_MSG(!own_finds(&e, &off), "a name without an end does not count");
	e = own_elf();
	e.sections[1].sh_link = 77;
	OK_MSG(!own_finds(&e, &off), "a table of names that is not there gives nothing");
	e = own_elf();
	e.sections[1].sh_size = 1ULL << 40;
	OK_MSG(!own_finds(&e, &off), "a table larger than the file gives nothing");
}

/* Where the dynamic loader put it says where it is in the file. */
static uint64_t offset_by_loader(const void *address)
{
	struct str rest;
	uint64_t off = 0;
	struct proc_map m;
	struct buf maps;

	buf_init(&maps, 64 << 20);
	OK(read_file("/proc/self/maps", &maps) == 0);
	rest = str_make(maps.data, maps.len);
	while (proc_maps_next(&rest, &m) > 0) {
		if ((uintptr_t)address >= m.start && (uintptr_t)address < m.end)
			off = (uintptr_t)address - m.start + m.off;
	}
	buf_done(&maps);
	return off;
}

static void test_real_library(void)
{
	static const char *const names[] = { "SSL_read", "SSL_write", "SSL_read_ex", "SSL_write_ex",
					     "SSL_free" };
	struct elf_function f[5] = {};
	struct elf_file *elf = NULL;
	const uint8_t *id = NULL;
	void *handle, *address;
	int fd;

	handle = real_path ? dlopen(real_path, RTLD_NOW | RTLD_LOCAL) : NULL;
	if (!handle) {
		tap_skip("offsets as the loader has them", "no libssl on this machine");
		return;
	}
	fd = memory_file(real.data, real.len);
	for (int i = 0; i < 5; i++)
		f[i].name = names[i];
	INT_EQ(elf_file_open(fd, real_path, &elf, NULL), 0);
	OK(elf_file_find_functions(elf, f, 5, NULL) >= 3);
	for (int i = 0; i < 5; i++) {
		address = dlsym(handle, names[i]);
		OK_MSG(f[i].found == (address != NULL), "%s is found like dlsym finds it",
		       names[i]);
		if (address && f[i].found)
			OK_MSG(f[i].file_off == offset_by_loader(address), "offset of %s",
			       names[i]);
	}
	OK(elf_file_needed(elf, 0) != NULL);
	OK(!elf_file_is_static(elf) && !elf_file_is_go(elf));
	OK(strncmp(elf_file_soname(elf), "libssl", 6) == 0);
	OK(elf_file_build_id(elf, &id) > 0);
	elf_file_free(elf);
	close(fd);
	dlclose(handle);
}

static void test_cut_anywhere(void)
{
	size_t bad = 0, cnt = 0;

	if (real.len == 0) {
		tap_skip("files cut anywhere", "no libssl on this machine");
		return;
	}
	for (size_t len = 0; len < real.len; len += len < 4096 ? 7 : 4096, cnt++)
		bad += !survives(real.data, len);
	/* The section table is at the end. */
	for (size_t cut = 1; cut < 2048; cut += 13, cnt++)
		bad += !survives(real.data, real.len - cut);
	OK_MSG(bad == 0, "%zu of %zu cuts went wrong", bad, cnt);
}

static void test_flipped_bytes(void)
{
	uint64_t state = 88172645463325252ULL;
	uint8_t saved[8];
	size_t at[8], bad = 0;
	Elf64_Ehdr h;

	if (real.len < sizeof(h)) {
		tap_skip("files with wrong bytes", "no libssl on this machine");
		return;
	}
	memcpy(&h, real.data, sizeof(h));
	for (int round = 0; round < 600; round++) {
		for (int i = 0; i < 8; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			/* Headers, the beginning with its tables, the section table, anywhere. */
			at[i] = (state >> 20) % (round % 4 == 0	  ? 1024
						 : round % 4 == 1 ? 65536
								  : real.len);
			if (round % 4 == 2)
				at[i] = real.len - 1 - (state >> 20) % (real.len - h.e_shoff);
			saved[i] = real.data[at[i]];
			real.data[at[i]] = (uint8_t)state;
		}
		bad += !survives(real.data, real.len);
		for (int i = 7; i >= 0; i--)
			real.data[at[i]] = saved[i];
	}
	OK_MSG(bad == 0, "%zu of 600 damaged files went wrong", bad);
}

int main(void)
{
	find_real();
	RUN(test_refuses);
	RUN(test_refuses_other_files);
	RUN(test_bare_header);
	RUN(test_symbol_rules);
	RUN(test_real_library);
	RUN(test_cut_anywhere);
	RUN(test_flipped_bytes);
	buf_done(&real);
	free(real_path);
	return tap_done();
}
