// SPDX-License-Identifier: BSD-2-Clause
#include "elf_code.h"

#include "discover/code.h"
#include "discover/elf_file.h"

static size_t read_code(void *user, uint64_t vaddr, void *to, size_t len)
{
	return elf_file_read_code(user, vaddr, to, len);
}

static const char *import_at(void *user, uint64_t slot)
{
	return elf_file_import_at(user, slot);
}

static bool code_offset(void *user, uint64_t vaddr, uint64_t *ret)
{
	return elf_file_code_offset(user, vaddr, ret);
}

int elf_code_open(struct elf_file *elf, struct code **ret)
{
	const struct code_source source = {
		.machine = elf_file_is_arm64(elf) ? CODE_ARM64 : CODE_X86_64,
		.read = read_code,
		.import = import_at,
		.file_offset = code_offset,
		.user = elf,
	};

	return code_open(&source, ret);
}
