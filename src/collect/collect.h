/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns the kernel side's records into what `stream` takes, after checking every field. */
#ifndef PLAINTAP_COLLECT_COLLECT_H
#define PLAINTAP_COLLECT_COLLECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/chunk.h"
#include "records.h"
#include "ring.h"

struct conn_info;
struct counters;
struct unsent_end;

enum process_event {
	PROCESS_FORKED,
	PROCESS_EXECUTED,
	PROCESS_EXITED,
};

struct process_change {
	enum process_event event;
	pid_t pid;
	pid_t ppid;	       /* its parent */
	int status;	       /* PROCESS_EXITED: as wait() gives it */
	bool unasked;	       /* PROCESS_FORKED: it should have waited as for LOAD_FORK */
	uint64_t monotonic_ns; /* when, on the kernel's clock */
};

/* Plaintext that the kernel side left in the memory or a file of a process: see rec_pending. */
struct pending_call {
	struct chunk chunk; /* data and len are not set */
	enum pending_where where;
	uint64_t user_addr; /* PENDING_IN_MEMORY */
	uint64_t len;
	int fd; /* from here on: PENDING_IN_FILE and PENDING_IN_FILE_RUNNING */
	uint64_t file_off;
	struct file_id file;
	uint64_t monotonic_ns; /* when the call had ended */
	uint64_t release_seq; /* of the kernel side's control page, before the stop was asked for */
	bool last_try;	      /* no other record for the same bytes follows if this one is void */
};

enum load_event_kind {
	LOADED_FILES,
	LOAD_BEFORE_FORK,
	LOAD_BEFORE_EXEC,
	LOAD_RECEIVES, /* see bpf/lib/receiver_need.bpf.h */
};

/*
 * A process has loaded files that were not known before, is about to fork or to execute a program,
 * or needs that what it receives is looked at.
 */
struct load_event {
	pid_t pid, tid;
	enum load_event_kind kind;
	int dir_fd;	    /* LOAD_BEFORE_EXEC: see exec_file_open() */
	uint64_t path_addr; /* the same; 0: there is none */
	unsigned file_cnt;
	bool is_held;	/* the thread waits to be let go */
	bool is_parked; /* it stands still meanwhile; not set here */
	uint64_t monotonic_ns;
};

struct collect_ops {
	void (*chunk)(void *user, const struct chunk *c);
	void (*conn_end)(void *user, const struct chunk_end *end);
	void (*process)(void *user, const struct process_change *change);
	/* Who takes it calls collect_pending_bytes() and, for the rest, collect_pending_missing().
	 */
	void (*pending)(void *user, const struct pending_call *call);
	/* Before the first bytes of a connection, and again when more of it becomes known. */
	void (*conn_info)(void *user, const struct conn_info *info);
	void (*load)(void *user, const struct load_event *e);
};

struct collector {
	const struct collect_ops *ops;
	void *user;
	struct counters *counters;
	int64_t wall_offset_ns; /* wall clock minus CLOCK_MONOTONIC */
};

/* `ops`, `user` and `counters` are borrowed for the collector's life. */
void collector_init(struct collector *c, const struct collect_ops *ops, void *user,
		    struct counters *counters);

/* A ring_fn; `user` is the collector. Records that break the ABI are counted and dropped. */
void collect_record(void *collector, const struct ring_record *rec);

/*
 * What the kernel's tables say of a connection whose end was never told, and why it ends now; with
 * CONN_END_PROCESS also how the process did: see struct conn_ending.
 */
void collect_conn_state(struct collector *c, pid_t pid, const struct conn_state *state,
			enum conn_end why, const struct conn_closing *closing, int status);
/* The same of one whose end found the ring full. */
void collect_unsent_end(struct collector *c, const struct unsent_end *end);

/* The next bytes of a pending call, or the number of those that could not be had. */
void collect_pending_bytes(struct collector *c, struct pending_call *call, const uint8_t *data,
			   size_t len);
void collect_pending_missing(struct collector *c, struct pending_call *call, uint64_t len);

/* Takes the kernel side's own counters into `c->counters->kernel`. */
void collect_kernel_stats(struct collector *c, const struct kernel_stats *stats);

#endif
