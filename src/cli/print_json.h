/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_CLI_PRINT_JSON_H
#define PLAINTAP_CLI_PRINT_JSON_H

struct json;

/* To stdout, as a line, what `j` has written to its buffer; or nothing, and j's first failure. */
int print_json_line(const struct json *j);

#endif
