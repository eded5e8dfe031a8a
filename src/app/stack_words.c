// SPDX-License-Identifier: BSD-2-Clause
#include "stack_words.h"

#include <stdio.h>
#include <string.h>

#include "discover/open_file.h"
#include "discover/tls_files.h"
#include "model/target.h"

static const char use_shared[] =
	"use a build of the program that has OpenSSL as a shared library (libssl.so), or one with "
	"OpenSSL inside that exports its functions or keeps its symbols";

static void say_probes(const struct target *t, struct stack_words *w)
{
	char roles[200] = "";
	size_t workers = 0;

	for (size_t i = 0; i < t->point_cnt; i++) {
		const char *role = probe_role_name(t->points[i].role);
		size_t len = strlen(roles);

		workers += t->points[i].is_worker;
		if (!strstr(roles, role))
			snprintf(roles + len, sizeof(roles) - len, "%s%s", len ? ", " : "", role);
	}
	snprintf(w->how, sizeof(w->how), "%zu probes (%s)%s", t->point_cnt, roles,
		 workers ? ", on functions inside the library" : "");
}

static void say_built_in(const struct tls_file *f, struct stack_words *w)
{
	const char *what = path_base(f->path);

	if (f->project && !strncmp(f->project, "Go", 2))
		snprintf(w->how, sizeof(w->how),
			 "not supported yet: %s is a Go program, which brings its own TLS", what);
	else
		snprintf(w->how, sizeof(w->how),
			 "not supported yet: it is built into %s%s, where plaintap cannot find its "
			 "functions",
			 what, f->is_static ? " (linked statically)" : "");
}

static void name_it(const char *project, const char *version, struct stack_words *w)
{
	snprintf(w->project, sizeof(w->project), "%s", project ? project : "");
	snprintf(w->version, sizeof(w->version), "%s", version);
	snprintf(w->name, sizeof(w->name), "%.31s%s%.30s", project ? project : "TLS",
		 version[0] ? " " : "", version);
}

void stack_words(const struct tls_file *f, const char *version, struct stack_words *ret)
{
	*ret = (struct stack_words){ .is_probed = f->support == TLS_SUPPORT_PROBED };
	snprintf(ret->path, sizeof(ret->path), "%s", f->path);
	name_it(f->project, version, ret);
	switch (f->support) {
	case TLS_SUPPORT_PROBED:
		say_probes(f->target, ret);
		return;
	case TLS_SUPPORT_NOT_KNOWN:
		snprintf(ret->how, sizeof(ret->how), "%s is not supported yet",
			 f->project ? f->project : "this library");
		break;
	case TLS_SUPPORT_BUILT_IN:
		say_built_in(f, ret);
		break;
	case TLS_SUPPORT_UNREADABLE:
		snprintf(ret->how, sizeof(ret->how), "%s", f->problem);
		snprintf(ret->advice, sizeof(ret->advice),
			 "install the library anew, or use an ordinary build of it");
		return;
	case TLS_SUPPORT_NONE:
		return;
	}
	snprintf(ret->advice, sizeof(ret->advice), "%s", use_shared);
}

void stack_words_of_unsupported(const char *file_name, const char *project, struct stack_words *ret)
{
	*ret = (struct stack_words){ 0 };
	snprintf(ret->path, sizeof(ret->path), "%s", file_name);
	name_it(project, "", ret);
	snprintf(ret->how, sizeof(ret->how), "%s is not supported yet", project);
	snprintf(ret->advice, sizeof(ret->advice), "%s", use_shared);
}
