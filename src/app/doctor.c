// SPDX-License-Identifier: BSD-2-Clause
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>

void doctor_add(struct doctor_findings *f, enum doctor_level level, const char *id,
		const char *advice, const char *fmt, ...)
{
	struct doctor_finding *to;
	va_list ap;

	if (f->cnt == DOCTOR_FINDING_MAX)
		return;
	to = &f->items[f->cnt++];
	*to = (struct doctor_finding){ .level = level, .id = id };
	snprintf(to->advice, sizeof(to->advice), "%s", advice);
	va_start(ap, fmt);
	vsnprintf(to->text, sizeof(to->text), fmt, ap);
	va_end(ap);
}

bool doctor_would_work(const struct doctor_findings *f)
{
	for (size_t i = 0; i < f->cnt; i++)
		if (f->items[i].level == DOCTOR_PROBLEM)
			return false;
	return true;
}

const char *doctor_level_name(enum doctor_level level)
{
	static const char *const names[DOCTOR_LEVEL_CNT] = { "ok", "note", "problem" };

	return level < DOCTOR_LEVEL_CNT ? names[level] : "unknown";
}
