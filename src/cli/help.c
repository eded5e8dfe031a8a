// SPDX-License-Identifier: BSD-2-Clause
#include "help.h"

#include <string.h>

#include "options.h"
#include "subcommands.h"

enum { HELP_INDENT = 24, HELP_WIDTH = 80 };

static const char intro[] =
	"plaintap shows what programs say over TLS, in plain text.\n"
	"\n"
	"  plaintap [OPTION]... -- PROGRAM [ARG]...   run a program and show what it says\n"
	"  plaintap [OPTION]... -p PID [-p PID]...    programs that already run\n"
	"  plaintap [OPTION]...                       the whole machine\n";

static const char intro_end[] =
	"\n"
	"It must be run as root. No proxy, no certificate, no change to the program.\n"
	"\n";

static const char outro[] =
	"\n"
	"Exit status: that of PROGRAM; otherwise 0; 1 after an error, 2 for wrong usage,\n"
	"3 with --strict when a byte was lost.\n"
	"Files are readable for their owner only: they hold what was meant to be secret.\n";

static void indent_to(FILE *to, int column, int *at)
{
	if (*at + 1 >= column) {
		fputc('\n', to);
		*at = 0;
	}
	*at += fprintf(to, "%*s", column - *at, "");
}

/* Words of `text`, wrapped; the first line begins where the cursor is. */
static void print_wrapped(FILE *to, const char *text, int at)
{
	const char *gap = "";

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at + 1 + len > HELP_WIDTH) {
			fprintf(to, "\n%*s", HELP_INDENT, "");
			at = HELP_INDENT;
			gap = "";
		}
		at += fprintf(to, "%s%.*s", gap, len, text);
		gap = " ";
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

static void print_row(FILE *to, const struct option_row *row)
{
	int at;

	if (row->letter)
		at = fprintf(to, "  -%c, --%s", row->letter, row->name);
	else
		at = fprintf(to, "      --%s", row->name);
	if (row->arg)
		at += fprintf(to, " %s", row->arg);
	indent_to(to, HELP_INDENT, &at);
	print_wrapped(to, row->help, at);
}

void help_print(FILE *to)
{
	fputs(intro, to);
	for (size_t i = 0; i < SUBCOMMAND_CNT; i++)
		fprintf(to, "  plaintap %s %s\n", subcommand_rows[i].name, subcommand_rows[i].args);
	fputs(intro_end, to);
	for (size_t i = 0; i < option_row_cnt; i++)
		if (option_rows[i].help)
			print_row(to, &option_rows[i]);
	fputs(outro, to);
}

/* A leading '-' would be a hyphen in man pages. */
static void print_man_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", to);
		else if (*text == '\\')
			fputs("\\e", to);
		else
			fputc(*text, to);
	}
	fputc('\n', to);
}

void help_print_man_options(FILE *to)
{
	for (size_t i = 0; i < option_row_cnt; i++) {
		const struct option_row *row = &option_rows[i];

		if (!row->help)
			continue;
		fputs(".TP\n", to);
		fputs(".B ", to);
		if (row->letter)
			fprintf(to, "\\-%c, ", row->letter);
		fputs("\\-\\-", to);
		for (const char *c = row->name; *c; c++)
			fputs(*c == '-' ? "\\-" : (char[]){ *c, 0 }, to);
		fprintf(to, "%s%s\n", row->arg ? " " : "", row->arg ? row->arg : "");
		print_man_text(to, row->help);
	}
}

void help_print_man_subcommands(FILE *to)
{
	for (size_t i = 0; i < SUBCOMMAND_CNT; i++) {
		fputs(".TP\n.B plaintap ", to);
		fputs(subcommand_rows[i].name, to);
		fputc(' ', to);
		print_man_text(to, subcommand_rows[i].args);
		print_man_text(to, subcommand_rows[i].help);
	}
}

static void print_bash_subcommands(FILE *to)
{
	fputs("\tcase ${COMP_WORDS[1]} in\n", to);
	for (size_t i = 0; i < SUBCOMMAND_CNT; i++)
		fprintf(to,
			"\t%s) [[ $COMP_CWORD -gt 1 ]] && COMPREPLY=($(compgen -W '%s' -- \"$cur\") "
			"$(compgen -f -- \"$cur\")) && return ;;\n",
			subcommand_rows[i].name, subcommand_rows[i].options);
	fputs("\tesac\n", to);
}

void help_print_bash(FILE *to)
{
	fputs("# bash completion for plaintap\n"
	      "_plaintap() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
	      "\t\t\t_command_offset $((i + 1)) 2>/dev/null\n"
	      "\t\t\treturn\n"
	      "\t\tfi\n"
	      "\tdone\n",
	      to);
	print_bash_subcommands(to);
	fputs("\tcase $prev in\n"
	      "\t-p|--pid) COMPREPLY=($(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$cur\")) ;;\n"
	      "\t-o|--output) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
	      "\t--color) COMPREPLY=($(compgen -W 'auto always never' -- \"$cur\")) ;;\n"
	      "\t*) COMPREPLY=($(compgen -W '--",
	      to);
	for (size_t i = 0; i < SUBCOMMAND_CNT; i++)
		fprintf(to, " %s", subcommand_rows[i].name);
	for (size_t i = 0; i < option_row_cnt; i++)
		if (option_rows[i].help)
			fprintf(to, " --%s", option_rows[i].name);
	fputs("' -- \"$cur\")) ;;\n"
	      "\tesac\n"
	      "}\n"
	      "complete -F _plaintap plaintap\n",
	      to);
}
