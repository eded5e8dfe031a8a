// SPDX-License-Identifier: BSD-2-Clause
#include "list_probes.h"

#include <errno.h>
#include <limits.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "discover/crypto_library.h"
#include "discover/elf_file.h"
#include "discover/findings.h"
#include "discover/open_file.h"
#include "discover/proc_maps.h"
#include "discover/target_list.h"
#include "discover/tls_library.h"
#include "model/target.h"

static int list_process(pid_t pid, struct target_list *ret, struct error *ret_error)
{
	struct process_findings findings;
	struct buf why;
	int r;

	process_findings_init(&findings);
	r = discover_process(pid, ret, &findings, ret_error);
	if (r == 0) {
		buf_init(&why, 700);
		process_findings_explain(&findings, &why);
		buf_append_byte(&why, '\0');
		r = error_set(ret_error, -ENOENT,
			      "process %d has no TLS library that plaintap knows: %s", (int)pid,
			      why.len ? (const char *)why.data : "");
		buf_done(&why);
	}
	process_findings_done(&findings);
	return r < 0 ? r : 0;
}

static int list_file(const char *path, struct target_list *ret, struct error *ret_error)
{
	CLEANUP_CLOSE int fd = open_regular(path);
	struct elf_file *elf;
	struct target *t;
	int r;

	if (fd < 0)
		return error_set_errno(ret_error, fd, "cannot open %s", path);
	/* What is wrong with the file says more than what is wrong with its name. */
	r = elf_file_open_foreign(fd, path, &elf, ret_error);
	if (r < 0)
		return r;
	elf_file_free(elf);
	r = tls_library_examine(fd, path, TLS_LIBRARY_FOREIGN, &t, ret_error);
	if (r == -ENOENT && !tls_library_name_matches(path) &&
	    !tls_library_examine(fd, path, TLS_LIBRARY_FOREIGN | TLS_LIBRARY_PROGRAM, &t, NULL))
		r = 0;
	if (r < 0)
		return r;
	crypto_library_complete_beside(t);
	r = target_list_add(ret, t);
	if (r < 0) {
		target_free(t);
		return error_set_errno(ret_error, r, "cannot list %s", path);
	}
	return 0;
}

static int list_targets(const char *what, struct target_list *ret, struct error *ret_error)
{
	uint64_t pid;

	if (str_to_u64(str_from(what), 10, &pid) < 0)
		return list_file(what, ret, ret_error);
	if (!pid || pid > INT_MAX)
		return error_set(ret_error, -ESRCH, "%s is not a process id", what);
	return list_process((pid_t)pid, ret, ret_error);
}

int list_probes(const char *what, int (*each)(void *user, const struct target *t), void *user,
		struct error *ret_error)
{
	struct target_list targets;
	int r;

	target_list_init(&targets);
	r = list_targets(what, &targets, ret_error);
	for (size_t i = 0; r >= 0 && i < targets.cnt; i++) {
		tls_library_read_version(targets.items[i]);
		r = each(user, targets.items[i]);
		if (r < 0)
			error_set_errno(ret_error, r, "cannot list %s", targets.items[i]->path);
	}
	target_list_done(&targets);
	return r;
}
