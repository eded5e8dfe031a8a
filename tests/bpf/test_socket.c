// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/lib/socket.bpf.h and file.bpf.h: from a descriptor to the two ends of its socket. The
 * programs run in this process: its descriptors are what they look at.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/un.h>

#include "attach/privilege.h"
#include "bpf_run.h"
#include "socket_ends.h"
#include "socket_test.skel.h"
#include "tap.h"

static struct socket_test_bpf *skel;

static struct ends ends_of(int fd)
{
	uint64_t args[] = { (uint64_t)fd };
	struct ends ends = { 0 };
	uint32_t zero = 0;
	int64_t r = bpf_run(skel->progs.test_ends, args, 1);

	if (bpf_map__lookup_elem(skel->maps.found, &zero, sizeof(zero), &ends, sizeof(ends), 0))
		abort();
	OK_MSG((r == 1) == (ends.local.family != 0), "found %lld, family %u", (long long)r,
	       ends.local.family);
	return ends;
}

static bool is_empty(const struct ends *e)
{
	static const struct ends nothing;

	return !memcmp(e, &nothing, sizeof(nothing));
}

static void test_ipv4(void)
{
	int fds[2];
	struct ends e;

	if (!connect_v4(fds)) {
		OK_MSG(false, "TCP on loopback: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < 2; i++) {
		e = ends_of(fds[i]);
		OK(are_ends(&e, fds[i]));
		close(fds[i]);
	}
	e = ends_of(fds[0]);
	OK_MSG(is_empty(&e), "a closed descriptor is nothing");
}

static void test_ipv6(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fds[2];

	if (!connect_pair((struct sockaddr *)&to, sizeof(to), fds)) {
		tap_skip("IPv6", "this machine has no ::1");
		return;
	}
	for (int i = 0; i < 2; i++) {
		struct ends e = ends_of(fds[i]);

		OK(are_ends(&e, fds[i]));
		close(fds[i]);
	}
}

static void check_unix(const struct sockaddr_un *to, socklen_t len)
{
	size_t path_len = len - offsetof(struct sockaddr_un, sun_path);
	int fds[2];
	struct ends e;

	if (!connect_pair((const struct sockaddr *)to, len, fds)) {
		OK_MSG(false, "a Unix socket: %s", strerror(errno));
		return;
	}
	e = ends_of(fds[0]);
	OK(e.local.family == AF_UNIX && !e.local.len);
	OK(e.remote.family == AF_UNIX && e.remote.len == path_len &&
	   !memcmp(e.remote.bytes, to->sun_path, path_len));
	e = ends_of(fds[1]);
	OK(e.local.len == path_len && !memcmp(e.local.bytes, to->sun_path, path_len));
	OK(e.remote.family == AF_UNIX && !e.remote.len);
	close(fds[1]);
	e = ends_of(fds[0]);
	OK_MSG(e.local.family == AF_UNIX, "also without its peer");
	close(fds[0]);
}

static void test_unix(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fds[2];
	struct ends e;

	memcpy(to.sun_path, "\0plaintap-test", 14);
	check_unix(&to, offsetof(struct sockaddr_un, sun_path) + 14);
	memset(to.sun_path, 'x', sizeof(to.sun_path));
	to.sun_path[0] = '\0';
	check_unix(&to, sizeof(to));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		abort();
	e = ends_of(fds[0]);
	OK(e.local.family == AF_UNIX && e.remote.family == AF_UNIX);
	OK(!e.local.len && !e.remote.len);
	close(fds[0]);
	close(fds[1]);
}

static void check_nothing(int fd, const char *what)
{
	struct ends e = ends_of(fd);

	OK_MSG(is_empty(&e), "%s", what);
	if (fd >= 0)
		close(fd);
}

static void test_what_is_no_connection(void)
{
	int pipes[2];

	if (pipe(pipes))
		abort();
	check_nothing(pipes[0], "a pipe");
	close(pipes[1]);
	check_nothing(open("/dev/null", O_RDONLY), "a device");
	check_nothing(open("/proc/self/exe", O_RDONLY), "a file");
	check_nothing(socket(AF_INET, SOCK_DGRAM, 0), "a UDP socket without a peer");
	check_nothing(socket(AF_INET, SOCK_STREAM, 0), "a TCP socket that is not connected");
	check_nothing(socket(AF_NETLINK, SOCK_RAW, 0), "a socket of another family");
	check_nothing(-1, "a negative descriptor");
	check_nothing(1 << 30, "one beyond the table");
}

int main(void)
{
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("sockets", err.text);
		return tap_done();
	}
	skel = socket_test_bpf__open_and_load();
	if (!skel)
		abort();
	RUN(test_ipv4);
	RUN(test_ipv6);
	RUN(test_unix);
	RUN(test_what_is_no_connection);
	socket_test_bpf__destroy(skel);
	return tap_done();
}
