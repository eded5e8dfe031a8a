/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header is read and judged by hand, before libelf sees the file: that gives messages a person
 * can use, and keeps the counts that libelf allocates by within bounds. After that libelf checks
 * every table against the file's size. It reads (ELF_C_READ) rather than maps, so that a file cut
 * short by somebody meanwhile is a short read and no SIGBUS.
 *
 * Symbols come from the section table's SHT_DYNSYM: it lists also what a corrupt or unusual hash
 * table would hide. A library without section headers is told so.
 */
#include "elf_file.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <limits.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#define HOST_NAME    "x86_64"
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#define HOST_NAME    "aarch64"
#else
#error "plaintap knows the calling conventions of x86_64 and aarch64 only"
#endif

enum {
	SEGMENT_MAX = 64,	/* program headers that are looked at */
	TABLE_MAX = 256 << 20,	/* bytes of a symbol, string or note table */
	DYNAMIC_MAX = 16384,	/* entries of the dynamic section */
	STRING_MAX = 65536,	/* bytes of a path in the dynamic section */
	INTERPRETER_MAX = 4096, /* bytes of PT_INTERP */
	RELOCATION_MAX = 65536, /* entries of one table */
};

struct elf_file {
	int fd; /* borrowed */
	char *path;
	Elf *elf;
	uint64_t size; /* of the file */
	unsigned machine;
	GElf_Phdr segments[SEGMENT_MAX];
	size_t segment_cnt;
	bool has_dynamic;
	bool is_go;
	char *interpreter, *rpath, *runpath, *soname;
	char *needed[ELF_NEEDED_MAX];
	size_t needed_cnt;
	uint8_t build_id[ELF_BUILD_ID_MAX];
	size_t build_id_len;
};

static const char *machine_name(unsigned machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86_64";
	case EM_AARCH64:
		return "aarch64";
	case EM_386:
		return "i386";
	case EM_ARM:
		return "arm";
	default:
		return "another";
	}
}

static int check_ident(const uint8_t *e_ident, const char *path, struct error *err)
{
	const uint8_t byte_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB
									     : ELFDATA2MSB;

	if (memcmp(e_ident, ELFMAG, SELFMAG) != 0)
		return error_set(err, -ENOEXEC, "%s is not an ELF file", path);
	if (e_ident[EI_CLASS] == ELFCLASS32)
		return error_set(err, -ENOEXEC,
				 "%s is a 32-bit file; plaintap can probe 64-bit ones only", path);
	if (e_ident[EI_CLASS] != ELFCLASS64 || e_ident[EI_VERSION] != EV_CURRENT)
		return error_set(err, -EBADMSG, "%s is damaged: its ELF header makes no sense",
				 path);
	if (e_ident[EI_DATA] != byte_order)
		return error_set(err, -ENOEXEC, "%s is of the other byte order than this machine",
				 path);
	return 0;
}

static int check_header(int fd, const char *path, uint64_t size, bool foreign,
			unsigned *ret_machine, struct error *err)
{
	Elf64_Ehdr h = {};
	ssize_t n = pread(fd, &h, sizeof(h), 0);
	int r;

	if (n < 0)
		return error_set_errno(err, -errno, "cannot read %s", path);
	if (n < EI_NIDENT)
		return error_set(err, -ENOEXEC, "%s is not an ELF file: it has only %zd bytes",
				 path, n);
	r = check_ident(h.e_ident, path, err);
	if (r < 0)
		return r;
	if ((size_t)n < sizeof(h))
		return error_set(err, -EBADMSG, "%s is damaged: it ends inside the ELF header",
				 path);
	*ret_machine = h.e_machine;
	if (h.e_machine != HOST_MACHINE &&
	    !(foreign && (h.e_machine == EM_X86_64 || h.e_machine == EM_AARCH64)))
		return error_set(err, -ENOEXEC, "%s is for %s processors (%u), this is " HOST_NAME,
				 path, machine_name(h.e_machine), h.e_machine);
	if (h.e_type != ET_DYN && h.e_type != ET_EXEC)
		return error_set(err, -ENOEXEC, "%s is neither a program nor a shared library",
				 path);
	/* Counts that do not fit the header's 16 bits would be taken from section 0 unchecked. */
	if ((h.e_shoff != 0 && h.e_shnum == 0) || h.e_phnum == PN_XNUM)
		return error_set(err, -EBADMSG, "%s has more sections than plaintap reads", path);
	if (h.e_phoff > size || (uint64_t)h.e_phnum * sizeof(Elf64_Phdr) > size - h.e_phoff)
		return error_set(err, -EBADMSG,
				 "%s is damaged: its program headers lie outside the file", path);
	return 0;
}

/* Bytes of one section, within TABLE_MAX; NULL when there are none to be had. */
static Elf_Data *section_data(Elf_Scn *section, const GElf_Shdr *h)
{
	if (h->sh_type == SHT_NOBITS || h->sh_size > TABLE_MAX)
		return NULL;
	return elf_getdata(section, NULL);
}

/* A string of table `index`; NULL when it is not wholly inside. */
static const char *table_string(const struct elf_file *f, size_t index, uint64_t off)
{
	Elf_Scn *section = elf_getscn(f->elf, index);
	GElf_Shdr h;

	if (!section || !gelf_getshdr(section, &h) || h.sh_type != SHT_STRTAB ||
	    h.sh_size > TABLE_MAX)
		return NULL;
	return elf_strptr(f->elf, index, off);
}

static int keep_string(char **to, const char *s)
{
	if (!s || *to || strlen(s) > STRING_MAX)
		return 0;
	*to = strdup(s);
	return *to ? 0 : -ENOMEM;
}

static int read_dynamic_entry(struct elf_file *f, size_t strings, const GElf_Dyn *d)
{
	const char *s = table_string(f, strings, d->d_un.d_val);

	switch (d->d_tag) {
	case DT_NEEDED:
		if (f->needed_cnt == ELF_NEEDED_MAX || !s || !*s || strlen(s) > STRING_MAX)
			return 0;
		f->needed[f->needed_cnt] = strdup(s);
		if (!f->needed[f->needed_cnt])
			return -ENOMEM;
		f->needed_cnt++;
		return 0;
	case DT_RPATH:
		return keep_string(&f->rpath, s);
	case DT_RUNPATH:
		return keep_string(&f->runpath, s);
	case DT_SONAME:
		return keep_string(&f->soname, s);
	default:
		return 0;
	}
}

static int read_dynamic(struct elf_file *f, Elf_Scn *section, const GElf_Shdr *h)
{
	Elf_Data *data = section_data(section, h);
	GElf_Dyn d;
	int r;

	for (int i = 0; data && i < DYNAMIC_MAX && gelf_getdyn(data, i, &d); i++) {
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag != DT_NEEDED && d.d_tag != DT_RPATH && d.d_tag != DT_RUNPATH &&
		    d.d_tag != DT_SONAME)
			continue;
		r = read_dynamic_entry(f, h->sh_link, &d);
		if (r < 0)
			return r;
	}
	return 0;
}

static void read_note(struct elf_file *f, Elf_Scn *section, const GElf_Shdr *h)
{
	Elf_Data *data = section_data(section, h);
	size_t off = 0, next, name, desc;
	GElf_Nhdr note;

	while (data && off < data->d_size) {
		next = gelf_getnote(data, off, &note, &name, &desc);
		if (next <= off)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    memcmp((char *)data->d_buf + name, "GNU", sizeof("GNU")) == 0 &&
		    note.n_descsz <= sizeof(f->build_id)) {
			memcpy(f->build_id, (char *)data->d_buf + desc, note.n_descsz);
			f->build_id_len = note.n_descsz;
			return;
		}
		off = next;
	}
}

static int read_sections(struct elf_file *f)
{
	Elf_Scn *section = NULL;
	size_t names = 0;
	const char *name;
	GElf_Shdr h;
	int r;

	if (elf_getshdrstrndx(f->elf, &names) < 0)
		names = 0;
	while ((section = elf_nextscn(f->elf, section))) {
		if (!gelf_getshdr(section, &h))
			continue;
		if (h.sh_type == SHT_DYNAMIC) {
			f->has_dynamic = true;
			r = read_dynamic(f, section, &h);
			if (r < 0)
				return r;
		} else if (h.sh_type == SHT_NOTE && f->build_id_len == 0) {
			read_note(f, section, &h);
		}
		name = names ? table_string(f, names, h.sh_name) : NULL;
		if (name && (strcmp(name, ".go.buildinfo") == 0 || strcmp(name, ".gopclntab") == 0))
			f->is_go = true;
	}
	return 0;
}

static int read_interpreter(struct elf_file *f, const GElf_Phdr *p)
{
	ssize_t n;

	if (f->interpreter || p->p_filesz == 0 || p->p_filesz > INTERPRETER_MAX ||
	    p->p_offset > f->size)
		return 0;
	f->interpreter = calloc(1, p->p_filesz + 1);
	if (!f->interpreter)
		return -ENOMEM;
	n = pread(f->fd, f->interpreter, p->p_filesz, (off_t)p->p_offset);
	if (n < 0)
		f->interpreter[0] = '\0';
	return 0;
}

static int read_segments(struct elf_file *f)
{
	size_t cnt = 0;
	GElf_Phdr *p;
	int r;

	if (elf_getphdrnum(f->elf, &cnt) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < cnt && f->segment_cnt < SEGMENT_MAX; i++) {
		p = &f->segments[f->segment_cnt];
		if (!gelf_getphdr(f->elf, (int)i, p))
			return -EBADMSG;
		if (p->p_type == PT_DYNAMIC)
			f->has_dynamic = true;
		if (p->p_type == PT_INTERP) {
			r = read_interpreter(f, p);
			if (r < 0)
				return r;
		}
		if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
			f->segment_cnt++;
	}
	return 0;
}

static int open_any(int fd, const char *path, bool foreign, struct elf_file **ret,
		    struct error *ret_error)
{
	struct elf_file *f;
	unsigned machine = 0;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return error_set_errno(ret_error, -errno, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(ret_error, -ENOEXEC, "%s is not a regular file", path);
	r = check_header(fd, path, (uint64_t)st.st_size, foreign, &machine, ret_error);
	if (r < 0)
		return r;
	elf_version(EV_CURRENT);
	f = calloc(1, sizeof(*f));
	if (!f)
		return error_set_errno(ret_error, -ENOMEM, "cannot read %s", path);
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	f->machine = machine;
	r = -ENOMEM;
	f->path = strdup(path);
	if (!f->path)
		goto fail;
	r = -EBADMSG;
	f->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF)
		goto fail;
	r = read_segments(f);
	if (r < 0)
		goto fail;
	r = read_sections(f);
	if (r < 0)
		goto fail;
	*ret = f;
	return 0;

fail:
	elf_file_free(f);
	if (r == -EBADMSG)
		return error_set(ret_error, r, "%s is damaged: its ELF tables make no sense", path);
	return error_set_errno(ret_error, r, "cannot read %s", path);
}

int elf_file_open(int fd, const char *path, struct elf_file **ret, struct error *ret_error)
{
	return open_any(fd, path, false, ret, ret_error);
}

int elf_file_open_foreign(int fd, const char *path, struct elf_file **ret, struct error *ret_error)
{
	return open_any(fd, path, true, ret, ret_error);
}

void elf_file_free(struct elf_file *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->needed_cnt; i++)
		free(f->needed[i]);
	free(f->soname);
	free(f->runpath);
	free(f->rpath);
	free(f->interpreter);
	if (f->elf)
		elf_end(f->elf);
	free(f->path);
	free(f);
}

static bool file_offset(const struct elf_file *f, uint64_t vaddr, uint64_t *ret)
{
	const GElf_Phdr *p;
	uint64_t in_segment, off;

	for (size_t i = 0; i < f->segment_cnt; i++) {
		p = &f->segments[i];
		if (vaddr < p->p_vaddr || vaddr - p->p_vaddr >= p->p_filesz)
			continue;
		in_segment = vaddr - p->p_vaddr;
		if (__builtin_add_overflow(p->p_offset, in_segment, &off) || off >= f->size)
			return false;
		*ret = off;
		return true;
	}
	return false;
}

static bool is_defined(const GElf_Sym *sym, unsigned type)
{
	unsigned bind = GELF_ST_BIND(sym->st_info);

	return GELF_ST_TYPE(sym->st_info) == type && (bind == STB_GLOBAL || bind == STB_WEAK) &&
	       sym->st_shndx != SHN_UNDEF && sym->st_shndx != SHN_ABS && sym->st_value != 0;
}

static bool may_probe_at(const struct elf_file *f, uint64_t file_off)
{
	/* Instructions of aarch64 are words, and the kernel refuses to probe between them. */
	return f->machine != EM_AARCH64 || file_off % 4 == 0;
}

static void take_symbol(const struct elf_file *f, const GElf_Sym *sym, struct elf_function *ret)
{
	uint64_t off = 0;

	if (!ret->is_variable && (!file_offset(f, sym->st_value, &off) || !may_probe_at(f, off)))
		return;
	ret->found = true;
	ret->vaddr = sym->st_value;
	ret->size = sym->st_size;
	ret->file_off = off;
}

static void find_in_table(struct elf_file *f, Elf_Data *symbols, size_t strings,
			  struct elf_function *functions, size_t cnt)
{
	size_t symbol_cnt = symbols->d_size / sizeof(Elf64_Sym);
	bool begins_one[UCHAR_MAX + 1] = { false };
	const char *name;
	GElf_Sym sym;

	/* Most names of a large program (C++) begin like none that is looked for. */
	for (size_t k = 0; k < cnt; k++)
		begins_one[(unsigned char)functions[k].name[0]] = true;
	for (size_t i = 0; i < symbol_cnt; i++) {
		if (!gelf_getsym(symbols, (int)i, &sym) ||
		    (!is_defined(&sym, STT_FUNC) && !is_defined(&sym, STT_OBJECT)))
			continue;
		name = table_string(f, strings, sym.st_name);
		if (!name || !begins_one[(unsigned char)name[0]])
			continue;
		for (size_t k = 0; k < cnt; k++)
			if (!functions[k].found &&
			    is_defined(&sym, functions[k].is_variable ? STT_OBJECT : STT_FUNC) &&
			    strcmp(functions[k].name, name) == 0)
				take_symbol(f, &sym, &functions[k]);
	}
}

static bool has_section(const struct elf_file *f, unsigned type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr h;

	while ((section = elf_nextscn(f->elf, section)))
		if (gelf_getshdr(section, &h) && h.sh_type == type)
			return true;
	return false;
}

int elf_file_find_functions(struct elf_file *f, struct elf_function *functions, size_t cnt,
			    struct error *ret_error)
{
	unsigned table = has_section(f, SHT_DYNSYM) ? SHT_DYNSYM : SHT_SYMTAB;
	Elf_Scn *section = NULL;
	Elf_Data *symbols;
	bool any_table = false;
	int found = 0;
	GElf_Shdr h;

	for (size_t i = 0; i < cnt; i++)
		functions[i].found = false;
	while ((section = elf_nextscn(f->elf, section))) {
		if (!gelf_getshdr(section, &h) || h.sh_type != table)
			continue;
		symbols = section_data(section, &h);
		if (!symbols)
			return error_set(ret_error, -EBADMSG,
					 "%s is damaged: its symbol table lies outside the file",
					 f->path);
		any_table = true;
		find_in_table(f, symbols, h.sh_link, functions, cnt);
	}
	if (!any_table && f->has_dynamic)
		return error_set(ret_error, -EBADMSG,
				 "%s has no section headers (stripped or cut), so its functions "
				 "cannot be found",
				 f->path);
	for (size_t i = 0; i < cnt; i++)
		found += functions[i].found;
	return found;
}

size_t elf_file_read_code(const struct elf_file *f, uint64_t vaddr, void *to, size_t len)
{
	const GElf_Phdr *p;
	uint64_t off, left;
	ssize_t n;

	for (size_t i = 0; i < f->segment_cnt; i++) {
		p = &f->segments[i];
		if (vaddr < p->p_vaddr || vaddr - p->p_vaddr >= p->p_filesz)
			continue;
		left = p->p_filesz - (vaddr - p->p_vaddr);
		if (!file_offset(f, vaddr, &off) || off > INT64_MAX)
			return 0;
		n = pread(f->fd, to, left < len ? left : len, (off_t)off);
		return n < 0 ? 0 : (size_t)n;
	}
	return 0;
}

bool elf_file_code_offset(const struct elf_file *f, uint64_t vaddr, uint64_t *ret)
{
	uint64_t off;

	if (!file_offset(f, vaddr, &off) || !may_probe_at(f, off))
		return false;
	*ret = off;
	return true;
}

/* Name of symbol `index` of the symbol table in section `symbols_section`. */
static const char *symbol_name(struct elf_file *f, size_t symbols_section, size_t index)
{
	Elf_Scn *section = elf_getscn(f->elf, symbols_section);
	Elf_Data *symbols;
	GElf_Shdr h;
	GElf_Sym sym;

	if (!section || !gelf_getshdr(section, &h) || h.sh_type != SHT_DYNSYM || index > INT32_MAX)
		return NULL;
	symbols = section_data(section, &h);
	if (!symbols || !gelf_getsym(symbols, (int)index, &sym))
		return NULL;
	return table_string(f, h.sh_link, sym.st_name);
}

static bool is_function_slot(const struct elf_file *f, uint64_t type)
{
	if (f->machine == EM_AARCH64)
		return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
	return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
}

const char *elf_file_import_at(struct elf_file *f, uint64_t vaddr)
{
	Elf_Scn *section = NULL;
	Elf_Data *data;
	GElf_Shdr h;
	GElf_Rela rela;

	while ((section = elf_nextscn(f->elf, section))) {
		if (!gelf_getshdr(section, &h) || h.sh_type != SHT_RELA)
			continue;
		data = section_data(section, &h);
		for (int i = 0; data && i < RELOCATION_MAX && gelf_getrela(data, i, &rela); i++)
			if (rela.r_offset == vaddr && is_function_slot(f, GELF_R_TYPE(rela.r_info)))
				return symbol_name(f, h.sh_link, GELF_R_SYM(rela.r_info));
	}
	return NULL;
}

bool elf_file_is_arm64(const struct elf_file *f)
{
	return f->machine == EM_AARCH64;
}

const char *elf_file_interpreter(const struct elf_file *f)
{
	return f->interpreter;
}

const char *elf_file_rpath(const struct elf_file *f)
{
	return f->rpath;
}

const char *elf_file_runpath(const struct elf_file *f)
{
	return f->runpath;
}

const char *elf_file_soname(const struct elf_file *f)
{
	return f->soname;
}

const char *elf_file_needed(const struct elf_file *f, size_t i)
{
	return i < f->needed_cnt ? f->needed[i] : NULL;
}

bool elf_file_is_static(const struct elf_file *f)
{
	return !f->interpreter && !f->has_dynamic;
}

bool elf_file_is_go(const struct elf_file *f)
{
	return f->is_go;
}

size_t elf_file_build_id(const struct elf_file *f, const uint8_t **ret)
{
	*ret = f->build_id;
	return f->build_id_len;
}
