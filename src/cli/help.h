/* SPDX-License-Identifier: BSD-2-Clause */
/* What plaintap says of itself, all made from the table of options. */
#ifndef PLAINTAP_CLI_HELP_H
#define PLAINTAP_CLI_HELP_H

#include <stdio.h>

void help_print(FILE *to);
/* The OPTIONS section of the manual page, in man(7) macros. */
void help_print_man_options(FILE *to);
/* The paragraphs of its SUBCOMMANDS section. */
void help_print_man_subcommands(FILE *to);
/* Completions for bash. */
void help_print_bash(FILE *to);

#endif
