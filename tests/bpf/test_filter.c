// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/lib/filter.bpf.h and watch.bpf.h: what the kernel side makes of this very process, trait by
 * trait, against what user space reads; and the records that filters let through. No library is
 * probed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "attach/privilege.h"
#include "attach/conn_rule_set.h"
#include "attach/trait_filter.h"
#include "base/cidr.h"
#include "base/error.h"
#include "bpf_run.h"
#include "collect/ring.h"
#include "discover/filter_value.h"
#include "discover/hierarchy.h"
#include "conn_record.h"
#include "filter_test.skel.h"
#include "own_group.h"
#include "records.h"
#include "tap.h"

enum { RING_SIZE = 1 << 16, SEEN_MAX = 16 };

static struct filter_test_bpf *skel;

static void set_word(const struct trait_key *key, uint32_t wish)
{
	int fd = bpf_map__fd(skel->maps.filters);

	if (wish)
		INT_EQ(bpf_map_update_elem(fd, key, &wish, BPF_ANY), 0);
	else
		INT_EQ(bpf_map_delete_elem(fd, key), 0);
}

static int64_t judge(uint32_t asked)
{
	uint64_t args[3] = { asked };

	return bpf_run(skel->progs.judge, args, 3);
}

/* A trait with the value that this process has, and one that it has not. */
static void check_trait(const char *name, const struct trait_key *mine,
			const struct trait_key *other)
{
	uint32_t want = FILTERS_WANT(mine->trait), refuse = FILTERS_REFUSE(mine->trait);

	tap_note("%s", name);
	INT_EQ(judge(FILTERS_ON | want), 0);
	INT_EQ(judge(FILTERS_ON | refuse), 1);
	set_word(other, TRAIT_WANTED);
	INT_EQ(judge(FILTERS_ON | want), 0);
	set_word(mine, TRAIT_WANTED);
	INT_EQ(judge(FILTERS_ON | want), 1);
	INT_EQ(judge(FILTERS_ON | want | refuse), 1);
	set_word(other, TRAIT_REFUSED);
	INT_EQ(judge(FILTERS_ON | want | refuse), 1);
	set_word(mine, TRAIT_WANTED | TRAIT_REFUSED);
	INT_EQ(judge(FILTERS_ON | want | refuse), 0);
	/* Not asked for, so not looked at. */
	INT_EQ(judge(FILTERS_ON), 1);
	set_word(mine, 0);
	set_word(other, 0);
}

static void check_number(const char *name, enum process_trait trait, uint64_t mine)
{
	struct trait_key key = trait_number(trait, mine), other = trait_number(trait, mine + 1);

	check_trait(name, &key, &other);
}

static void test_comm(void)
{
	struct trait_key mine = trait_comm(STR_LIT("pt_filter_fifteen")),
			 other = trait_comm(STR_LIT("pt_filter"));

	prctl(PR_SET_NAME, "pt_filter_fifteen");
	check_trait("comm", &mine, &other);
}

static void *judge_in_thread(void *asked)
{
	prctl(PR_SET_NAME, "pt_thread");
	return (void *)(intptr_t)judge(*(uint32_t *)asked);
}

/* Threads often have names of their own; ps shows that of the first. */
static void test_comm_of_a_thread(void)
{
	struct trait_key mine = trait_comm(STR_LIT("pt_filter"));
	uint32_t asked = FILTERS_ON | FILTERS_WANT(TRAIT_COMM);
	void *verdict = NULL;
	pthread_t t;

	prctl(PR_SET_NAME, "pt_filter");
	set_word(&mine, TRAIT_WANTED);
	INT_EQ(pthread_create(&t, NULL, judge_in_thread, &asked), 0);
	pthread_join(t, &verdict);
	INT_EQ((intptr_t)verdict, 1);
	set_word(&mine, 0);
}

static void test_numbers(void)
{
	uint64_t netns = 0;

	check_number("uid", TRAIT_UID, getuid());
	INT_EQ(filter_process_netns(getpid(), &netns), 0);
	check_number("netns", TRAIT_NETNS, netns);
}

static void check_groups(const struct hierarchies *h)
{
	struct group_id ids[TRAIT_CGROUP_MAX];
	int cnt = hierarchies_of_process(h, getpid(), ids, TRAIT_CGROUP_MAX);

	/* Where none is mounted, all are in the root of version 2. */
	if (cnt <= 0) {
		ids[0] = (struct group_id){ 1, 0 };
		cnt = 1;
	}
	/* Its own, and each above. */
	for (int i = 0; i < cnt; i++) {
		struct trait_key mine = trait_cgroup(ids[i]), other = mine;

		other.value[0] = UINT64_MAX;
		check_trait("cgroup", &mine, &other);
		/* The same number in a hierarchy that is none. */
		other = mine;
		other.value[1] = 1000;
		check_trait("cgroup of another hierarchy", &mine, &other);
	}
}

static void test_cgroups(void)
{
	struct hierarchies h;

	INT_EQ(hierarchies_read("/proc", &h), 0);
	check_groups(&h);
	hierarchies_done(&h);
}

/* In a group below one of our own; what is expected is what the folders' inodes say. */
static void check_in_group(const struct hierarchies *h, const char *outer, const char *inner)
{
	struct group_id upper, lower, all[TRAIT_CGROUP_MAX];
	struct trait_key upper_key, lower_key;
	int cnt;

	INT_EQ(hierarchies_identify(h, outer, &upper), 0);
	INT_EQ(hierarchies_identify(h, inner, &lower), 0);
	upper_key = trait_cgroup(upper);
	lower_key = trait_cgroup(lower);
	cnt = hierarchies_of_process(h, getpid(), all, TRAIT_CGROUP_MAX);
	OK_MSG(cnt > 2 && cnt < TRAIT_CGROUP_MAX, "%d groups", cnt);
	set_word(&upper_key, TRAIT_WANTED);
	INT_EQ(judge(FILTERS_ON | FILTERS_WANT(TRAIT_CGROUP)), 1);
	set_word(&upper_key, 0);
	set_word(&lower_key, TRAIT_WANTED);
	INT_EQ(judge(FILTERS_ON | FILTERS_WANT(TRAIT_CGROUP)), 1);
	/* Out again, but only one level. */
	OK(group_enter(outer));
	INT_EQ(judge(FILTERS_ON | FILTERS_WANT(TRAIT_CGROUP)), 0);
	set_word(&lower_key, 0);
}

/* False: this hierarchy takes no group of ours (cpuset has no CPUs in new ones). */
static bool try_hierarchy(const struct hierarchies *h, const struct hierarchy *row)
{
	char outer[256], inner[280], home[512];
	bool is_in;

	group_home(row, home, sizeof(home));
	snprintf(outer, sizeof(outer), "%s/plaintap-test-%d", row->mount, (int)getpid());
	snprintf(inner, sizeof(inner), "%s/below", outer);
	/* Back to there it must go. */
	if (access(home, F_OK) < 0 || mkdir(outer, 0755) < 0)
		return false;
	is_in = mkdir(inner, 0755) == 0 && group_enter(inner);
	if (is_in) {
		tap_note("%s, number %u", row->mount, (unsigned)row->number);
		check_in_group(h, outer, inner);
		OK(group_enter(home));
	}
	rmdir(inner);
	OK(rmdir(outer) == 0);
	return is_in;
}

static void test_own_groups(void)
{
	unsigned tried[2] = { 0 };
	struct hierarchies h;

	INT_EQ(hierarchies_read("/proc", &h), 0);
	if (!h.cnt) {
		group_mount_all();
		INT_EQ(hierarchies_read("/proc", &h), 0);
	}
	for (size_t i = 0; i < h.cnt; i++)
		if (try_hierarchy(&h, &h.rows[i]))
			tried[h.rows[i].number ? 1 : 0]++;
	check_groups(&h);
	hierarchies_done(&h);
	if (!tried[0])
		tap_skip("groups of version 2", "none can be made");
	if (!tried[1])
		tap_skip("groups of version 1", "none can be made");
}

static void test_exe(void)
{
	struct kernel_side_options opt = { .ring_size = RING_SIZE };
	struct trait_filter filter = { 0 };
	struct kernel_side *k = NULL;
	struct trait_key mine, other;
	struct file_id id = { 0 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	INT_EQ(kernel_side_open(&opt, &k, NULL), 0);
	INT_EQ(kernel_side_wait(k, NULL), 0);
	INT_EQ(kernel_side_identify_file(k, fd, &id), 0);
	close(fd);
	mine = trait_exe(id.ino, id.dev, id.generation);
	trait_filter_add(&filter, &mine, TRAIT_WANTED);
	INT_EQ(kernel_side_set_filter(k, &filter, false), -EINVAL);
	kernel_side_close(k);
	other = trait_exe(id.ino, id.dev + 1, id.generation);
	check_trait("exe", &mine, &other);
	other = trait_exe(id.ino, id.dev, id.generation + 1);
	check_trait("exe of another generation", &mine, &other);
}

static void test_two_traits(void)
{
	struct trait_key uid = trait_number(TRAIT_UID, getuid()),
			 comm = trait_comm(STR_LIT("pt_filter"));
	uint32_t asked = FILTERS_ON | FILTERS_WANT(TRAIT_UID) | FILTERS_WANT(TRAIT_COMM);

	prctl(PR_SET_NAME, "pt_filter");
	set_word(&uid, TRAIT_WANTED);
	INT_EQ(judge(asked), 0);
	set_word(&comm, TRAIT_WANTED);
	INT_EQ(judge(asked), 1);
	set_word(&uid, 0);
	INT_EQ(judge(asked), 0);
	set_word(&comm, 0);
}

static void set_control(bool all, uint32_t filters)
{
	struct capture_control c = { .watch_all = all, .filters = filters };
	uint32_t zero = 0;

	INT_EQ(bpf_map_update_elem(bpf_map__fd(skel->maps.control), &zero, &c, BPF_ANY), 0);
}

static int64_t ask(void)
{
	uint64_t args[3] = { 0 };

	return bpf_run(skel->progs.ask, args, 3);
}

static void set_state(int64_t state)
{
	uint32_t pid = (uint32_t)getpid(), value = (uint32_t)state;

	if (state < 0)
		bpf_map_delete_elem(bpf_map__fd(skel->maps.watched), &pid);
	else
		bpf_map_update_elem(bpf_map__fd(skel->maps.watched), &pid, &value, BPF_ANY);
}

/* -1: none. */
static int64_t state(void)
{
	uint32_t pid = (uint32_t)getpid(), value;

	return bpf_map_lookup_elem(bpf_map__fd(skel->maps.watched), &pid, &value) ? -1
										  : (int64_t)value;
}

/* The filter is asked once; after that its answer stands. */
static void check_kept(const struct trait_key *mine, int64_t before, int64_t in, int64_t out)
{
	set_state(before);
	set_word(mine, TRAIT_WANTED);
	INT_EQ(ask(), 1);
	INT_EQ(state(), in);
	set_word(mine, 0);
	INT_EQ(ask(), 1);
	set_state(before);
	INT_EQ(ask(), 0);
	INT_EQ(state(), out);
	set_word(mine, TRAIT_WANTED);
	INT_EQ(ask(), 0);
	set_word(mine, 0);
	set_state(-1);
}

static void test_verdict_is_kept(void)
{
	struct trait_key mine = trait_number(TRAIT_UID, getuid());
	uint32_t filters = FILTERS_ON | FILTERS_WANT(TRAIT_UID);

	set_control(true, filters);
	check_kept(&mine, -1, WATCH_JUDGED | WATCH_IN | WATCH_TOLD, WATCH_JUDGED);
	check_kept(&mine, WATCH_TOLD, WATCH_JUDGED | WATCH_IN | WATCH_TOLD,
		   WATCH_JUDGED | WATCH_TOLD);
	/* Of named processes only those in the set are asked. */
	set_control(false, filters);
	set_word(&mine, TRAIT_WANTED);
	INT_EQ(ask(), 0);
	INT_EQ(state(), -1);
	set_word(&mine, 0);
	check_kept(&mine, WATCH_TOLD, WATCH_JUDGED | WATCH_IN | WATCH_TOLD,
		   WATCH_JUDGED | WATCH_TOLD);
}

static void test_without_filter(void)
{
	set_control(true, 0);
	INT_EQ(ask(), 1);
	INT_EQ(state(), -1);
	set_control(false, 0);
	INT_EQ(ask(), 0);
	set_state(WATCH_JUDGED | WATCH_FIXED);
	INT_EQ(ask(), 0);
	set_control(true, FILTERS_ON);
	INT_EQ(ask(), 0);
	set_state(-1);
	INT_EQ(ask(), 1);
	set_state(-1);
}

static int64_t judge_conn(uint16_t family, const char *local, uint16_t local_port,
			  const char *remote, uint16_t remote_port)
{
	struct rec_conn_info *info = &skel->bss->info;
	uint64_t args[3] = { 0 };

	memset(info, 0, sizeof(*info));
	info->local.family = info->remote.family = family;
	info->local.port = local_port;
	info->remote.port = remote_port;
	if (family == AF_INET || family == AF_INET6) {
		inet_pton(family, local, info->local.bytes);
		inet_pton(family, remote, info->remote.bytes);
	}
	return bpf_run(skel->progs.judge_conn, args, 3);
}

static void set_rules(const struct conn_rules *rules)
{
	uint32_t zero = 0;

	INT_EQ(bpf_map_update_elem(bpf_map__fd(skel->maps.conn_rules), &zero, rules, BPF_ANY), 0);
}

static void add_host(struct conn_rules *rules, const char *text, enum conn_wish wish)
{
	struct cidr net;

	INT_EQ(cidr_parse(str_from(text), &net), 0);
	INT_EQ(conn_rules_add_host(rules, &net, wish), 0);
}

static void test_connections(void)
{
	struct conn_rules rules = { 0 };

	set_rules(&rules);
	INT_EQ(judge_conn(AF_INET, "10.0.0.1", 1, "10.0.0.2", 443), 1);
	INT_EQ(judge_conn(0, NULL, 0, NULL, 0), 1);
	conn_rules_add_port(&rules, 443, CONN_WANTED);
	set_rules(&rules);
	INT_EQ(judge_conn(AF_INET, "10.0.0.1", 1, "10.0.0.2", 443), 1);
	INT_EQ(judge_conn(AF_INET6, "::1", 443, "::1", 1), 1);
	INT_EQ(judge_conn(AF_INET, "10.0.0.1", 1, "10.0.0.2", 444), 0);
	INT_EQ(judge_conn(0, NULL, 0, NULL, 0), 0);
	INT_EQ(judge_conn(AF_UNIX, NULL, 443, NULL, 443), 0);
	add_host(&rules, "10.0.0.0/8", CONN_WANTED);
	add_host(&rules, "2001:db8::/33", CONN_WANTED);
	add_host(&rules, "10.9.0.0/16", CONN_REFUSED);
	set_rules(&rules);
	INT_EQ(judge_conn(AF_INET, "192.168.0.1", 1, "10.0.0.2", 443), 1);
	INT_EQ(judge_conn(AF_INET, "10.0.0.1", 1, "192.168.0.2", 443), 1);
	INT_EQ(judge_conn(AF_INET, "192.168.0.1", 1, "11.0.0.2", 443), 0);
	INT_EQ(judge_conn(AF_INET, "10.0.0.1", 1, "10.9.0.2", 443), 0);
	INT_EQ(judge_conn(AF_INET6, "::1", 1, "2001:db8:7fff::1", 443), 1);
	INT_EQ(judge_conn(AF_INET6, "::1", 1, "2001:db8:8000::1", 443), 0);
	/* What a socket for both families says of an IPv4 peer. */
	INT_EQ(judge_conn(AF_INET6, "::ffff:192.168.0.1", 1, "::ffff:10.0.0.2", 443), 1);
}

/* As many as there may be; one way to the end for every verifier. */
static struct conn_rules most_rules(void)
{
	struct conn_rules rules = { 0 };

	for (unsigned i = 0; i < CONN_RULE_MAX; i++) {
		conn_rules_add_port(&rules, (uint16_t)(i + 1), CONN_WANTED);
		add_host(&rules, "10.0.0.0/8", CONN_WANTED);
	}
	return rules;
}

static void test_most_rules(void)
{
	struct conn_rules rules = most_rules();

	set_rules(&rules);
	INT_EQ(judge_conn(AF_INET, "10.0.0.1", 1, "10.0.0.2", CONN_RULE_MAX), 1);
	INT_EQ(judge_conn(AF_INET, "10.0.0.1", 99, "10.0.0.2", CONN_RULE_MAX + 1), 0);
}

/* --- records --- */

static struct rec_process seen[SEEN_MAX];
static size_t seen_cnt;

static void see(void *user, const struct ring_record *rec)
{
	if (seen_cnt == SEEN_MAX)
		abort();
	ring_record_copy(rec, 0, &seen[seen_cnt++], sizeof(seen[0]));
}

/* Types of the records that came, a digit each. */
static unsigned drain(struct ring *ring)
{
	unsigned types = 0;

	seen_cnt = 0;
	ring_drain(ring, SEEN_MAX, see, NULL);
	for (size_t i = 0; i < seen_cnt; i++)
		types = types * 10 + seen[i].head.type;
	return types;
}

/* A child that takes the name, starts `argv0` when there is one, and ends. */
static void run_child(const char *name, const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		if (argv)
			execv("/proc/self/exe", (char **)argv);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* By /proc/self/exe: its comm is then "exe". */
static const char *const end_at_once[] = { "test_filter", "--end", NULL };
static const char *const become_other_one[] = { "test_filter", "--become-other", NULL };

static void check_records(bool all, const char *wanted, unsigned plain, unsigned executed,
			  unsigned twice)
{
	const struct conn_rules rules = most_rules();
	struct kernel_side_options opt = { .ring_size = RING_SIZE,
					   .conn_rules = &rules,
					   .asks_traits = true };
	struct trait_filter filter = { 0 };
	struct trait_key key = trait_comm(str_from(wanted));
	struct kernel_side *k = NULL;
	struct ring *ring = NULL;
	struct error err = { 0 };

	tap_note("%s, %s", all ? "all" : "named", wanted);
	trait_filter_add(&filter, &key, TRAIT_WANTED);
	if (!OK_MSG(kernel_side_open(&opt, &k, &err) == 0 && kernel_side_wait(k, &err) == 0,
		    "opens %s", err.text) ||
	    !OK(ring_open(kernel_side_ring_fd(k), RING_SIZE, &ring) == 0))
		goto out;
	INT_EQ(kernel_side_set_filter(k, &filter, all), 0);
	if (all)
		INT_EQ(kernel_side_unwatch(k, getpid()), 0);
	else
		INT_EQ(kernel_side_watch(k, getpid()), 0);
	prctl(PR_SET_NAME, "pt_parent");
	drain(ring);
	run_child("pt_stranger", NULL);
	INT_EQ(drain(ring), plain);
	run_child("pt_stranger", end_at_once);
	INT_EQ(drain(ring), executed);
	run_child("pt_stranger", become_other_one);
	INT_EQ(drain(ring), twice);
	/* Nobody is left but the parent, if it was told of. */
	INT_EQ(kernel_side_watched_cnt(k, 10), plain ? 1 : 0);
out:
	ring_close(ring);
	kernel_side_close(k);
}

static void test_records(void)
{
	/*
	 * FORK 3, EXEC 4, EXIT 5. Of those that were named, all forks and ends are told. Few, as
	 * loading takes half a minute in an emulator.
	 */
	check_records(false, "exe", 35, 345, 3445);
	/* The parent is in, so its children are told of until they execute what is out. */
	check_records(true, "pt_parent", 35, 35, 35);
}

/* A link to this file, so that the kernel gives it that name. */
static int become_other(void)
{
	char file[256], link[64];
	ssize_t len = readlink("/proc/self/exe", file, sizeof(file) - 1);

	if (len < 0)
		return 1;
	file[len] = '\0';
	snprintf(link, sizeof(link), "/tmp/pt_other_%d", (int)getpid());
	if (symlink(file, link) < 0)
		return 1;
	execl(link, link, "--end", link, (char *)NULL);
	return 1;
}

static int become(int argc, char **argv)
{
	if (!strcmp(argv[1], "--become-other"))
		return become_other();
	return argc > 2 ? unlink(argv[2]) : 0;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (argc > 1)
		return become(argc, argv);
	if (privilege_check(&err) < 0) {
		tap_skip("filters", err.text);
		return tap_done();
	}
	skel = filter_test_bpf__open();
	if (!OK(skel))
		return tap_done();
	skel->rodata->may_ask_traits = true;
	skel->rodata->has_conn_rules = true;
	if (!OK(filter_test_bpf__load(skel) == 0))
		return tap_done();
	RUN(test_comm);
	RUN(test_comm_of_a_thread);
	RUN(test_numbers);
	RUN(test_cgroups);
	RUN(test_own_groups);
	RUN(test_exe);
	RUN(test_two_traits);
	RUN(test_verdict_is_kept);
	RUN(test_without_filter);
	RUN(test_connections);
	RUN(test_most_rules);
	RUN(test_records);
	filter_test_bpf__destroy(skel);
	return tap_done();
}
