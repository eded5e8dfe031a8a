/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_CLI_SUMMARY_H
#define PLAINTAP_CLI_SUMMARY_H

#include <stdio.h>

struct app_result;

/* The one line at the end: how much was seen, and exactly what is missing and why. */
void summary_print(FILE *to, const struct app_result *result);

#endif
