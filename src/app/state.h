/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of a run share: included by files of this folder only. */
#ifndef PLAINTAP_APP_STATE_H
#define PLAINTAP_APP_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "app.h"
#include "attach/conn_rule_set.h"
#include "attach/trait_filter.h"
#include "command.h"
#include "discover/findings.h"
#include "discover/target_list.h"
#include "examiner.h"
#include "execs.h"
#include "home.h"
#include "leaving.h"
#include "loaders.h"
#include "pausing.h"
#include "pipeline.h"
#include "rescan.h"
#include "seat.h"

struct ctl_socket;
struct kernel_side;
struct ring;

/* The thread that looks for libraries while the kernel side is loaded. */
struct look_ahead {
	pthread_t thread;
	bool is_running;
	const char *program;
	size_t program_from, program_to; /* the targets that the command's program brought */
};

enum { LOOP_USE_MAX = 64 };

/* Who uses which library, to be told when nobody probes anything. More than that are forgotten:
 * one is enough for the check of places, and there will be others. */
struct loop_uses {
	struct loop_use {
		uint32_t library;
		pid_t pid;
	} items[LOOP_USE_MAX];
	size_t cnt;
};

struct app {
	const struct app_options *opt;
	struct kernel_side *kernel;
	struct ring *ring;
	struct ring *exec_ring;	    /* who is about to execute a program, taken first */
	struct target_list targets; /* its own while look_ahead is running */
	struct look_ahead look_ahead;
	size_t reported_cnt;	      /* targets up to this index have names in the pipeline */
	size_t attached_cnt;	      /* targets up to this index have been tried */
	size_t probed_cnt;	      /* … and this many have probes */
	struct trait_filter filter;   /* of processes; empty: none */
	struct conn_rules conn_rules; /* of connections, the same */
	struct command command;
	struct process_findings findings; /* of the command's program; likewise */
	struct pipeline pipeline;
	struct pausing pausing;
	struct rescan rescan;
	struct seat seat;
	struct loop_uses uses;
	struct examiner examiner; /* from the loop on */
	struct loaders loaders;
	struct execs execs;
	struct home home;
	struct leaving leaving;
	struct ctl_socket *ctl; /* NULL: takes no orders */
	uint64_t start_ns;
	int signal_fd;
	int epoll_fd;
	unsigned idle_cnt;	    /* drains in a row that found nothing */
	uint64_t flushed_ns;	    /* when the outputs were flushed last */
	bool stop;		    /* leave the loop */
	uint64_t last_interrupt_ns; /* of the last SIGINT from a terminal, 0: none */
	uint64_t give_up_ns;	    /* end at this time even if the command still runs; 0: never */
};

#endif
