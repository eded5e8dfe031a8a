// SPDX-License-Identifier: BSD-2-Clause
/* Runs a fuzz target over every file of a directory: the corpus as an ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_MAX = 1 << 20 };

static int run_file(const char *dir, const char *name)
{
	static uint8_t data[FILE_MAX];
	char path[4096];
	uint8_t *copy;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f)
		return -1;
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	/* of exact size, so that the sanitizer sees a read past the end */
	copy = malloc(len ? len : 1);
	if (!copy)
		return -1;
	for (size_t i = 0; i < len; i++)
		copy[i] = data[i];
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned cnt = 0, failed = 0;
	struct dirent *e;
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;

	if (!d) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		cnt++;
		if (run_file(argv[1], e->d_name) < 0) {
			fprintf(stderr, "%s/%s: cannot be read\n", argv[1], e->d_name);
			failed++;
		}
	}
	closedir(d);
	fprintf(stderr, "%u inputs\n", cnt);
	return failed || !cnt ? 1 : 0;
}
