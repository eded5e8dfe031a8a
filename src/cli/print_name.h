/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_CLI_PRINT_NAME_H
#define PLAINTAP_CLI_PRINT_NAME_H

/*
 * To stdout, what other programs chose (names, paths): what a terminal would obey is made visible.
 * NULL is fine.
 */
void print_name(const char *text);

#endif
