/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_ELF_CODE_H
#define PLAINTAP_DISCOVER_ELF_CODE_H

struct code;
struct elf_file;

/* The instructions of a file; `elf` is borrowed until code_close(). Errors as code_open(). */
int elf_code_open(struct elf_file *elf, struct code **ret);

#endif
