// SPDX-License-Identifier: BSD-2-Clause
/*
 * Makes the manual page and the shell completions out of the table of options:
 *
 *	gen_docs man TEMPLATE   the template, its line "@OPTIONS@" replaced and @VERSION@ filled in
 *	gen_docs bash
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/help.h"

static void print_line(const char *line)
{
	const char *mark = "@VERSION@", *at = strstr(line, mark);

	if (!at) {
		fputs(line, stdout);
		return;
	}
	printf("%.*s%s%s", (int)(at - line), line, PLAINTAP_VERSION, at + strlen(mark));
}

static int print_man(const char *path)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	if (!in) {
		perror(path);
		return EXIT_FAILURE;
	}
	while (getline(&line, &cap, in) >= 0) {
		if (!strcmp(line, "@OPTIONS@\n"))
			help_print_man_options(stdout);
		else if (!strcmp(line, "@SUBCOMMANDS@\n"))
			help_print_man_subcommands(stdout);
		else
			print_line(line);
	}
	free(line);
	fclose(in);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "man"))
		return print_man(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "bash")) {
		help_print_bash(stdout);
		return EXIT_SUCCESS;
	}
	fputs("usage: gen_docs man TEMPLATE | gen_docs bash\n", stderr);
	return EXIT_FAILURE;
}
