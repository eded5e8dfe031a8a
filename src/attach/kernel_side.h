/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side from user space: load, attach, detach, and which processes are watched.
 *
 * Phases: kernel_side_open() begins to load everything and places no probe on any library;
 * kernel_side_watch(), filters and the loaders' probes are possible from then on, all else from
 * kernel_side_wait() on: kernel_side_attach() in any order, at any time; kernel_side_detach()
 * takes all probes off while the maps stay readable, so that what is still in the ring and the
 * tables can be collected; kernel_side_close() frees.
 */
#ifndef PLAINTAP_ATTACH_KERNEL_SIDE_H
#define PLAINTAP_ATTACH_KERNEL_SIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "features.h"
#include "records.h"

struct conn_rules;
struct exec_call;
struct fork_call;
struct kernel_side;
struct loader_hook;
struct receiving;
struct target;
struct trait_filter;

struct kernel_side_options {
	uint32_t ring_size; /* bytes; a power of two, at least a page */
	bool watch_all;	    /* every process but this one */
	uint32_t pause; /* enum pause_when: may watched processes be stopped, or threads held? */
	unsigned forbidden;		     /* set of features not to use, bits by enum feature */
	bool asks_traits;		     /* a filter that asks for something will be set */
	const struct conn_rules *conn_rules; /* borrowed; NULL: every connection is wanted */
	bool no_children;		     /* a fork does not make the child watched */
	bool hold; /* a thread may wait for user space to look at something, where the kernel can */
};

int kernel_side_open(const struct kernel_side_options *opt, struct kernel_side **ret,
		     struct error *ret_error);
/* Until all is loaded, or what the kernel has against it. May be called again. */
int kernel_side_wait(struct kernel_side *k, struct error *ret_error);
/* No other process will ever be watched: probes placed from now on are in that one only. */
void kernel_side_restrict(struct kernel_side *k, pid_t pid);
/*
 * Probes all points of the target, in every process unless restricted; only watched ones are looked
 * at. With a home they are in home only, unless `is_for_all`, until kernel_side_widen(). Where a
 * point is a worker, its first calls are checked; see attachment.h. `t` is borrowed until
 * kernel_side_close().
 */
int kernel_side_attach(struct kernel_side *k, const struct target *t, bool is_for_all,
		       struct error *ret_error);

/*
 * "Home" is a process that has probes which no other has, for as long as no other watched one can
 * reach what they are in: see bpf/lib/home.bpf.h. Its forks are to be probed too.
 */
bool kernel_side_can_have_home(const struct kernel_side *k);
void kernel_side_set_home(struct kernel_side *k, pid_t pid);
/* What is attached from now on is for all. */
void kernel_side_leave_home(struct kernel_side *k);
/* Home will fork by these, in the file that is open as `fd`: told as REC_LOAD, with LOAD_FORK. */
int kernel_side_probe_forks(struct kernel_side *k, int fd, const struct fork_call *calls,
			    size_t cnt);
/*
 * Programs are executed by these, in the file that is open as `fd`: told as REC_LOAD, with
 * LOAD_EXEC. -EOPNOTSUPP: threads may not wait.
 */
int kernel_side_probe_execs(struct kernel_side *k, int fd, const struct exec_call *calls,
			    size_t cnt);
/* The next exec of that process is not told: it has been looked at. 0: of none. */
void kernel_side_expect_exec(struct kernel_side *k, pid_t pid);
bool kernel_side_is_near(const struct kernel_side *k, const struct target *t);
/* The probes of a target go everywhere; 0 also if they are there already. */
int kernel_side_widen(struct kernel_side *k, const struct target *t);
/*
 * Probes the loader that is open as `fd`, like a target: what watched processes load through it is
 * told as REC_LOAD. -EOPNOTSUPP: this kernel cannot do it.
 */
int kernel_side_probe_loader(struct kernel_side *k, int fd, const struct loader_hook *hook);
/* Can it do it, and do the threads wait meanwhile? */
bool kernel_side_sees_loading(const struct kernel_side *k);
bool kernel_side_holds(const struct kernel_side *k);
/* Does the thread still wait that began to at that time, as its record says? */
bool kernel_side_is_held(const struct kernel_side *k, pid_t pid, pid_t tid, uint64_t since_ns);
/* Who waits for a look sees that plaintap works on it, or on another one's. */
void kernel_side_show_work(struct kernel_side *k);
/* It may go on; and the others see that, too. */
void kernel_side_let_go(struct kernel_side *k, pid_t pid, pid_t tid, uint64_t since_ns);
/*
 * It waits for what takes longer: it is to stand still instead, see parking.h. True: then it is to
 * be let go by the other one. From any thread.
 */
bool kernel_side_park(struct kernel_side *k, pid_t pid, pid_t tid, uint64_t since_ns);
void kernel_side_let_go_parked(struct kernel_side *k, pid_t pid, pid_t tid, uint64_t since_ns);
/*
 * All may go on, and none waits any more, but for those with something that is not to be lost: see
 * kernel_side_detach().
 */
void kernel_side_release_held(struct kernel_side *k);
/* Whether what programs receive is looked at; see receiving.h. Borrowed. */
struct receiving *kernel_side_receiving(struct kernel_side *k);
/* Has it probes? */
bool kernel_side_has_attached(const struct kernel_side *k, const struct target *t);
/* A watched process uses the target with that id: its calls may have to be checked. */
void kernel_side_used_by(struct kernel_side *k, uint32_t target, pid_t pid);
/* Looks how the checks go; to be called often: it looks every few ms. */
void kernel_side_check(struct kernel_side *k, uint64_t now_ns);
/*
 * To be called at least every second while there are probes, even if its caller waits for something
 * else: it shows the threads that wait for room in the ring that somebody makes it.
 */
void kernel_side_beat(struct kernel_side *k);
/*
 * Threads may wait for room in the ring until their probe is gone: make_room(user), which drains
 * it, is called over and over until all are. With NULL these threads just go on.
 */
void kernel_side_detach(struct kernel_side *k, void (*make_room)(void *user), void *user);
/* NULL is fine. */
void kernel_side_close(struct kernel_side *k);

/*
 * Before any process is watched: only those are that `f` lets in. With `all` every process of the
 * machine is asked, instead of kernel_side_options.watch_all; else those that are named. -EINVAL:
 * it asks for something, and asks_traits was not set.
 */
int kernel_side_set_filter(struct kernel_side *k, const struct trait_filter *f, bool all);

/*
 * The set of watched processes. Children join by themselves; with a filter each is then judged.
 * 0; 1 when it is excluded and stays so; -E2BIG: the set is full.
 */
int kernel_side_watch(struct kernel_side *k, pid_t pid);
int kernel_side_unwatch(struct kernel_side *k, pid_t pid);
/* Never watched, whatever else is said, nor the children that it starts from now on. */
int kernel_side_exclude(struct kernel_side *k, pid_t pid);
/* Takes that back; -ENOENT: it was not excluded. */
int kernel_side_readmit(struct kernel_side *k, pid_t pid);
/* How many processes are in the set now, but for excluded ones; up to `max` is counted. */
unsigned kernel_side_watched_cnt(struct kernel_side *k, unsigned max);
typedef void (*kernel_side_watched_fn)(void *user, pid_t pid, bool is_in);
/* Each of them; `is_in`: judged, and let in. */
void kernel_side_each_watched(struct kernel_side *k, kernel_side_watched_fn fn, void *user);

typedef void (*kernel_side_paused_fn)(void *user, pid_t pid, const struct pause_state *state);
/* Each process that was ever stopped. */
void kernel_side_each_paused(struct kernel_side *k, kernel_side_paused_fn fn, void *user);
/* One of them; -ENOENT: it never was. */
int kernel_side_pause_state(struct kernel_side *k, pid_t pid, struct pause_state *ret);
/* It has ended. */
void kernel_side_forget_paused(struct kernel_side *k, pid_t pid);

/* Names a file of our own as the kernel side names those of programs. -EBADF: not open. */
int kernel_side_identify_file(struct kernel_side *k, int fd, struct file_id *ret);

bool kernel_side_asks_traits(const struct kernel_side *k);
int kernel_side_watched_fd(const struct kernel_side *k);
int kernel_side_filters_fd(const struct kernel_side *k);
int kernel_side_paused_fd(const struct kernel_side *k);
int kernel_side_held_fd(const struct kernel_side *k);
struct parking *kernel_side_parking(struct kernel_side *k);
int kernel_side_ring_fd(const struct kernel_side *k);
uint32_t kernel_side_ring_size(const struct kernel_side *k);
/* Another ring, with the records of LOAD_EXEC alone. */
int kernel_side_exec_ring_fd(const struct kernel_side *k);
uint32_t kernel_side_exec_ring_size(const struct kernel_side *k);
int kernel_side_conns_fd(const struct kernel_side *k);
int kernel_side_fates_fd(const struct kernel_side *k);
int kernel_side_unsent_ends_fd(const struct kernel_side *k);
int kernel_side_stats_fd(const struct kernel_side *k);
struct capture_control *kernel_side_control(struct kernel_side *k);
/* "session", "multi" or "perf". */
const char *kernel_side_fashion(const struct kernel_side *k);

#endif
