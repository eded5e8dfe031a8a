/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that are not running yet: which file would run, and which TLS libraries it would load.
 */
#ifndef PLAINTAP_DISCOVER_PROGRAM_H
#define PLAINTAP_DISCOVER_PROGRAM_H

#include "base/error.h"
#include "discover/findings.h"

struct target_list;

/*
 * The file that execvp(3) would run for `name`, searched in `path_env` (the value of PATH; NULL:
 * unset) unless it has a slash. *ret_path is to free(); it may be a script. -ENOENT: nowhere;
 * -EACCES: there, but not executable (also a folder); -ENOMEM; -ENAMETOOLONG.
 */
int program_resolve(const char *name, const char *path_env, char **ret_path,
		    struct error *ret_error);

/*
 * The ELF file that runs in the end: `path` itself or, for scripts, the interpreter that "#!"
 * names, with "env prog" looked up in `path_env`. *ret_elf is to free(). -ENOEXEC: neither ELF nor
 * "#!"; -ELOOP: too many interpreters in a row; or as above.
 */
int program_interpreter(const char *path, const char *path_env, char **ret_elf,
			struct error *ret_error);

/*
 * Adds the TLS libraries that the program at `path` (a script counts as its interpreter) would load
 * at its start to `list`: the closure of its needed libraries, found in the loader's order with
 * this process's LD_LIBRARY_PATH and LD_PRELOAD; and those lying in the folders that the program or
 * LD_LIBRARY_PATH name, which it may load later. It may be more than is loaded in the end, e.g.
 * builds for several processors; that costs nothing.
 *
 * Returns how many there are, 0 being no error. `findings` is initialised by the caller. -ENOEXEC,
 * -EBADMSG: the program cannot be read as ELF (running it may work all the same); -ENOENT, -EACCES,
 * -ENOMEM.
 */
int discover_program(const char *path, struct target_list *list, struct process_findings *findings,
		     struct error *ret_error);

#endif
