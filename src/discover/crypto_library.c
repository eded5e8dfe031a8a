// SPDX-License-Identifier: BSD-2-Clause
#include "crypto_library.h"

#include <fnmatch.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "discover/accessors.h"
#include "discover/elf_file.h"
#include "discover/library_version.h"
#include "discover/open_file.h"
#include "discover/target_list.h"
#include "model/target.h"

bool crypto_library_name_matches(const char *path)
{
	const char *name = path_base(path);

	return fnmatch("libcrypto.so*", name, 0) == 0 || fnmatch("libcrypto-*.so*", name, 0) == 0;
}

static bool wants(const struct target *t, const char *name)
{
	return name && t->crypto[0] && strcmp(t->crypto, name) == 0 &&
	       !t->layout.places[TLS_FIELD_BIO_NUM].step_cnt;
}

static bool anybody_wants(const struct target_list *list)
{
	for (size_t i = list->settled_cnt; i < list->cnt; i++)
		if (wants(list->items[i], list->items[i]->crypto))
			return true;
	return false;
}

void crypto_library_complete(int fd, const char *path, struct target_list *list)
{
	char version[TARGET_VERSION_MAX];
	bool has_read = false;
	struct error ignored;
	struct elf_file *elf;

	/* Looking into it costs more than asking. */
	if (!anybody_wants(list))
		return;
	if (elf_file_open_foreign(fd, path, &elf, &ignored) < 0)
		return;
	for (size_t i = list->settled_cnt; i < list->cnt; i++) {
		struct target *t = list->items[i];

		if (!wants(t, elf_file_soname(elf)))
			continue;
		if (!has_read)
			library_version_read(fd, version);
		has_read = true;
		snprintf(t->version, sizeof(t->version), "%s", version);
		accessors_read_file(elf, &t->layout);
	}
	elf_file_free(elf);
}

void crypto_library_complete_beside(struct target *t)
{
	struct target_list one = { .items = &t, .cnt = 1 };
	size_t folder_len = (size_t)(path_base(t->path) - t->path);
	char path[PATH_MAX];

	/* The name comes from the file: it must stay in the folder. */
	if (!t->crypto[0] || strchr(t->crypto, '/') ||
	    snprintf(path, sizeof(path), "%.*s%s", (int)folder_len, t->path, t->crypto) >=
		    (int)sizeof(path))
		return;
	CLEANUP_CLOSE int fd = open_regular(path);

	if (fd >= 0)
		crypto_library_complete(fd, path, &one);
}
