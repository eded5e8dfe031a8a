/* SPDX-License-Identifier: BSD-2-Clause */
#include "findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "discover/elf_file.h"
#include "discover/open_file.h"
#include "discover/tls_library.h"

void process_findings_init(struct process_findings *f)
{
	*f = (struct process_findings){};
}

void process_findings_done(struct process_findings *f)
{
	for (size_t i = 0; i < f->library_cnt; i++)
		free(f->libraries[i]);
	free(f->program);
	process_findings_init(f);
}

int process_findings_add(struct process_findings *f, const char *path)
{
	const char *name = path_base(path);

	for (size_t i = 0; i < f->library_cnt; i++) {
		if (strcmp(f->libraries[i], name) == 0)
			return 0;
	}
	if (f->library_cnt == FINDINGS_LIBRARY_MAX) {
		f->library_more++;
		return 0;
	}
	f->libraries[f->library_cnt] = strdup(name);
	if (!f->libraries[f->library_cnt])
		return -ENOMEM;
	f->library_cnt++;
	return 0;
}

void process_findings_look_at_program(struct process_findings *f, const char *file,
				      const char *path)
{
	CLEANUP_CLOSE int fd = open_regular(file);
	struct elf_file *elf = NULL;

	free(f->program);
	f->program = strdup(path);
	f->link = FINDINGS_LINK_UNKNOWN;
	f->is_go = false;
	if (fd < 0 || elf_file_open(fd, path, &elf, NULL) < 0)
		return;
	f->link = elf_file_is_static(elf) ? FINDINGS_LINK_STATIC : FINDINGS_LINK_DYNAMIC;
	f->is_go = elf_file_is_go(elf);
	elf_file_free(elf);
}

static int explain_unsupported(const struct process_findings *f, struct buf *b)
{
	const char *project;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < f->library_cnt; i++) {
		project = tls_library_unsupported(f->libraries[i]);
		if (project)
			r = buf_printf(b, "; %s (%s) is not supported yet", project,
				       f->libraries[i]);
	}
	return r;
}

int process_findings_explain(const struct process_findings *f, struct buf *b)
{
	int r = buf_printf(b, "looked for %s", tls_library_names());

	if (f->link == FINDINGS_LINK_STATIC)
		r = r < 0 ? r : buf_append_str(b, "; the program is linked statically");
	else if (f->library_cnt == 0)
		r = r < 0 ? r : buf_append_str(b, "; it maps no libraries");
	for (size_t i = 0; r >= 0 && i < f->library_cnt; i++)
		r = buf_printf(b, "%s%s", i ? ", " : "; it maps ", f->libraries[i]);
	if (r >= 0 && f->library_more)
		r = buf_printf(b, " and %zu more", f->library_more);
	if (r >= 0)
		r = explain_unsupported(f, b);
	if (r >= 0 && f->is_go)
		r = buf_append_str(b, "; it is a Go program, which brings its own TLS: "
				      "not supported yet");
	if (r >= 0 && f->problem.code)
		r = buf_printf(b, "; %s", f->problem.text);
	return r < 0 ? r : 0;
}
