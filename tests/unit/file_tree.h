/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder of made-up files that stand for those of a machine. */
#ifndef PLAINTAP_TESTS_FILE_TREE_H
#define PLAINTAP_TESTS_FILE_TREE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ends in XXXXXX before tree_begin() and after tree_end(). */
static char tree_root[] = "/tmp/plaintap-tree-XXXXXX";

static void tree_begin(void)
{
	if (!mkdtemp(tree_root))
		abort();
}

static int tree_remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	return remove(path);
}

static void tree_end(void)
{
	if (nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS))
		abort();
	memset(tree_root + sizeof(tree_root) - sizeof("XXXXXX"), 'X', sizeof("XXXXXX") - 1);
}

static const char *tree_at(const char *below)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s/%s", tree_root, below);
	return path;
}

/* Makes the folders on the way, too. */
__attribute__((unused)) static void tree_put(const char *file, const char *text)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s", tree_at(file));
	for (char *c = path + sizeof(tree_root); *c; c++)
		if (*c == '/') {
			*c = '\0';
			mkdir(path, 0755);
			*c = '/';
		}
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) || chmod(path, 0644))
		abort();
}

__attribute__((unused)) static void tree_drop(const char *file)
{
	if (unlink(tree_at(file)))
		abort();
}

#endif
