/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the test cases of llhttp: Markdown with the input and the parser's calls. */
#ifndef PLAINTAP_TESTS_LLHTTP_CASE_H
#define PLAINTAP_TESTS_LLHTTP_CASE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "story.h"

struct llhttp_case {
	char heading[128];
	char type[64];	/* "request", "response-finish", "request-lenient-…" */
	bool skip_body; /* the input is as if it answered a HEAD */
	struct buf input;
	struct buf log;
};

void llhttp_case_init(struct llhttp_case *c);
void llhttp_case_done(struct llhttp_case *c);
/* The next case of a file; false: there is none. */
bool llhttp_case_read(struct llhttp_case *c, FILE *f);
/* What the log says; false: a line of it was not understood, it goes to ret_bad. */
bool llhttp_case_story(const struct llhttp_case *c, struct story *ret, struct str *ret_bad);

#endif
