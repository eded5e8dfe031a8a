/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what probing needs out of a 64-bit ELF file of this machine's architecture. The file may
 * be anything: a truncated or crafted one gives an error with a sentence, never an offset outside
 * of its executable segments.
 */
#ifndef PLAINTAP_DISCOVER_ELF_FILE_H
#define PLAINTAP_DISCOVER_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct elf_file;

enum {
	ELF_NEEDED_MAX = 256,  /* names of DT_NEEDED that are kept */
	ELF_BUILD_ID_MAX = 64, /* bytes */
};

/* One question to elf_file_find_functions(), and its answer. */
struct elf_function {
	const char *name;  /* in: borrowed */
	bool is_variable;  /* in: not a function is looked for, and only its vaddr is told */
	bool found;	   /* out */
	uint64_t vaddr;	   /* out: st_value */
	uint64_t size;	   /* out: st_size, whatever it says */
	uint64_t file_off; /* out: of the first instruction; inside the file */
};

/*
 * Reads the headers and the dynamic section. `fd` is borrowed and must stay open as long as the
 * object lives; `path` is for messages only. -ENOEXEC: no ELF file, or one of another class or
 * machine; -EBADMSG: a damaged one; -ENOMEM; -errno from reading.
 */
int elf_file_open(int fd, const char *path, struct elf_file **ret, struct error *ret_error);
/* The same for files of any machine that plaintap knows: to look at, not to probe. */
int elf_file_open_foreign(int fd, const char *path, struct elf_file **ret, struct error *ret_error);
/* NULL is fine. */
void elf_file_free(struct elf_file *f);

/*
 * Looks up all names in one pass over the dynamic symbols; in a file that has none, being linked
 * statically, over those that it was left with. Only functions that are defined here and start in
 * an executable segment count; symbol versions are ignored (the first of a name is taken); IFUNCs
 * are not accepted, as their address is that of a resolver. Returns how many were found, or
 * -EBADMSG.
 */
int elf_file_find_functions(struct elf_file *f, struct elf_function *functions, size_t cnt,
			    struct error *ret_error);

/* Copies up to `len` bytes of executable code; returns how many there are (0: none). */
size_t elf_file_read_code(const struct elf_file *f, uint64_t vaddr, void *to, size_t len);
/* Where code at `vaddr` is in the file. False: nowhere, or no instruction can begin there. */
bool elf_file_code_offset(const struct elf_file *f, uint64_t vaddr, uint64_t *ret);
/* The function whose address the loader puts at `vaddr` (lazily or not). Borrowed; NULL: none. */
const char *elf_file_import_at(struct elf_file *f, uint64_t vaddr);
bool elf_file_is_arm64(const struct elf_file *f);

/* The following are borrowed from the file object; NULL when there is none. */
const char *elf_file_interpreter(const struct elf_file *f);
const char *elf_file_rpath(const struct elf_file *f);
const char *elf_file_runpath(const struct elf_file *f);
const char *elf_file_soname(const struct elf_file *f);
/* The i-th DT_NEEDED, in file order; NULL past the last. */
const char *elf_file_needed(const struct elf_file *f, size_t i);

/* No interpreter and no dynamic section: nothing is mapped but the program itself. */
bool elf_file_is_static(const struct elf_file *f);
/* Made by the Go toolchain (it leaves a section of its own). */
bool elf_file_is_go(const struct elf_file *f);
/* Length of the build id (0: none); the bytes are borrowed. */
size_t elf_file_build_id(const struct elf_file *f, const uint8_t **ret);

#endif
