// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discover/process_state.h"
#include "tap.h"

static void parse(const char *text, struct process_state *s)
{
	char *copy = guarded_copy(text, strlen(text));

	*s = (struct process_state){ 0 };
	process_state_parse_status(str_make(copy, strlen(text)), s);
	guarded_free(copy, strlen(text));
}

static void test_status(void)
{
	struct process_state s;

	parse("Name:\tcurl\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t12\nPid:\t13\n"
	      "NoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n",
	      &s);
	C_STR_EQ(s.comm, "curl");
	INT_EQ(s.leader, 12);
	INT_EQ(s.seccomp, 2);
	OK(!s.has_ended);
	parse("Name:\tkworker\nState:\tI (idle)\nTgid:\t5\nSeccomp:\t0\n", &s);
	INT_EQ(s.seccomp, 0);
	parse("Name:\tx\nState:\tZ (zombie)\n", &s);
	OK(s.has_ended);
	INT_EQ(s.seccomp, -1);
	parse("Seccomp:\t9\nTgid:\t99999999999\nTgid:\nState:\nName:", &s);
	INT_EQ(s.seccomp, -1);
	INT_EQ(s.leader, 0);
	parse("", &s);
	OK(!s.comm[0]);
}

static struct process_state parse_stat(const char *text)
{
	struct process_state s = { 0 };
	char *copy = guarded_copy(text, strlen(text));

	process_state_parse_stat(str_make(copy, strlen(text)), &s);
	guarded_free(copy, strlen(text));
	return s;
}

static void test_stat(void)
{
	struct process_state s = parse_stat("12 (a) b) S 1 12 12 0 -1 4194560 100 0\n");

	OK(!s.has_ended && !s.is_kernel_thread);
	s = parse_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0\n");
	OK(!s.has_ended && s.is_kernel_thread);
	/* Its memory is gone, and so is /proc/PID/exe; it is no zombie yet. */
	s = parse_stat("12 (curl) R 1 12 12 0 -1 4194564 100 0\n");
	OK(s.has_ended && !s.is_kernel_thread);
	s = parse_stat("12 (curl) R 1 12 12 0 -1 x\n");
	OK(!s.has_ended && !s.is_kernel_thread);
	s = parse_stat("12 (curl) R 1");
	OK(!s.has_ended && !s.is_kernel_thread);
	s = parse_stat("");
	OK(!s.has_ended);
}

static const char tcp[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
	"inode\n"
	"   0: 0100007F:1F90 0100007F:01BB 01 00000000:00000000 00:00000000 00000000     0        0 "
	"4711 1 0000000000000000 20 4 30 10 -1\n";

static void test_sockets(void)
{
	struct str rest = str_from(tcp);
	struct net_socket s;

	INT_EQ(net_socket_next(&rest, &s), -EBADMSG);
	INT_EQ(net_socket_next(&rest, &s), 1);
	INT_EQ(s.local_port, 8080);
	INT_EQ(s.remote_port, 443);
	INT_EQ(s.state, 1);
	INT_EQ(s.ino, 4711);
	INT_EQ(net_socket_next(&rest, &s), 0);
}

static void test_bad_sockets(void)
{
	static const char *const bad[] = {
		" 0: 0100007F 0100007F:01BB 01 0:0 0:0 0 0 0 4711",
		" 0: 0100007F:1FFFF 0100007F:01BB 01 0:0 0:0 0 0 0 4711",
		" 0: 0100007F:1F90 0100007F:01BB 101 0:0 0:0 0 0 0 4711",
		" 0: 0100007F:1F90 0100007F:01BB 01 0:0 0:0 0 0 0 x",
		" 0: 0100007F:1F90 0100007F:01BB 01 0:0 0:0 0 0 0",
	};
	struct net_socket s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *copy = guarded_copy(bad[i], strlen(bad[i]));
		struct str rest = str_make(copy, strlen(bad[i]));

		OK_MSG(net_socket_next(&rest, &s) == -EBADMSG, "bad socket %zu is refused", i);
		guarded_free(copy, strlen(bad[i]));
	}
}

static void test_ktls(void)
{
	OK(ktls_stat_in_use(STR_LIT("TlsCurrTxSw                     \t2\nTlsTxSw \t9\n")));
	OK(ktls_stat_in_use(STR_LIT("TlsCurrTxSw \t0\nTlsCurrRxSw \t1\n")));
	OK(!ktls_stat_in_use(STR_LIT("TlsCurrTxSw                     \t0\nTlsTxSw   \t9\n")));
	OK(!ktls_stat_in_use(STR_LIT("TlsCurrTxSw")));
	OK(!ktls_stat_in_use(STR_LIT("")));
}

static void test_this_process(void)
{
	struct process_state s;

	process_state_read(getpid(), &s);
	OK(s.exists && !s.has_ended && !s.is_kernel_thread && !s.is_32bit);
	OK(!s.other_mount_ns && !s.other_pid_ns && s.sockets_known);
	INT_EQ(s.leader, getpid());
}

static void test_ended(void)
{
	struct process_state s;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	process_state_read(pid, &s);
	OK(s.exists && s.has_ended);
	waitpid(pid, NULL, 0);
	process_state_read(pid, &s);
	OK(!s.exists);
}

int main(void)
{
	RUN(test_status);
	RUN(test_stat);
	RUN(test_sockets);
	RUN(test_bad_sockets);
	RUN(test_ktls);
	RUN(test_this_process);
	RUN(test_ended);
	return tap_done();
}
