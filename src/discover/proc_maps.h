/* SPDX-License-Identifier: BSD-2-Clause */
/* What a running process has mapped, and which TLS libraries are among it. */
#ifndef PLAINTAP_DISCOVER_PROC_MAPS_H
#define PLAINTAP_DISCOVER_PROC_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "discover/findings.h"

struct buf;
struct target_list;

/* One line of /proc/PID/maps. */
struct proc_map {
	uint64_t start, end; /* addresses; start < end */
	uint64_t off;	     /* in the file */
	bool readable, executable;
	unsigned dev_major, dev_minor;
	uint64_t ino;	 /* 0: no file */
	struct str path; /* as in the text, without " (deleted)"; empty: anonymous */
	bool deleted;
};

/*
 * Initialises `text` and reads the maps of a process (or a thread) into it; buf_done() is the
 * caller's in any case. As read_file().
 */
int proc_maps_read(const char *proc_root, pid_t pid, struct buf *text);

/*
 * Cuts the next line off `rest`. 1: a mapping; 0: the end; -EBADMSG: the line is none of maps (it
 * is cut off all the same, so one may go on).
 */
int proc_maps_next(struct str *rest, struct proc_map *ret);

/* The path with the kernel's escape for newlines undone, to free(); NULL without memory. */
char *proc_map_path(const struct proc_map *m);

/*
 * Adds the TLS libraries that the process has mapped to `list`, opened as the process sees them
 * (its mount namespace, deleted files too), and fills `findings` (initialised by the caller,
 * who also calls process_findings_done()).
 *
 * Returns how many known TLS libraries it maps, those already in the list included; 0 is no error:
 * see process_findings_explain(). A library that is there but cannot be probed does not count, and
 * is findings->problem. -ESRCH: no such process, or it has ended meanwhile; -EACCES, -EPERM: not
 * ours to look at; -ENOMEM.
 */
int discover_process(pid_t pid, struct target_list *list, struct process_findings *findings,
		     struct error *ret_error);
/* The same with another folder than "/proc". */
int discover_process_at(const char *proc_root, pid_t pid, struct target_list *list,
			struct process_findings *findings, struct error *ret_error);
/* A first look at it: only at what it has mapped, not into its program, and nothing is told. */
void discover_mapped_libraries(pid_t pid, struct target_list *list);

#endif
