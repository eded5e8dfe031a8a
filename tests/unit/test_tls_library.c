/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover/findings.h"
#include "discover/ld_cache.h"
#include "discover/open_file.h"
#include "discover/target_list.h"
#include "discover/tls_library.h"
#include "model/target.h"
#include "tap.h"

static void test_names(void)
{
	static const char *const good[] = { "libssl.so", "/usr/lib/x86_64-linux-gnu/libssl.so.3",
					    "libssl.so.1.0.2k", "libssl-3f2a81c4.so.1.1",
					    "/site-packages/x.libs/libssl-81ffa89e.so.3" };
	static const char *const bad[] = { "libssl3.so", "libcrypto.so.3",
					   "xlibssl.so", "/libssl.so.3/other.so",
					   "libssl.a",	 "libssl_x.so",
					   "",		 "libsslcommon.so" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		OK_MSG(tls_library_name_matches(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		OK_MSG(!tls_library_name_matches(bad[i]), "not %s", bad[i]);
	C_STR_EQ(tls_library_unsupported("/usr/lib/libgnutls.so.30"), "GnuTLS");
	C_STR_EQ(tls_library_unsupported("libssl3.so"), "NSS");
	OK(!tls_library_unsupported("libssl.so.3") && !tls_library_unsupported("libc.so.6"));
}

static void test_not_tls(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct target *t = NULL;
	struct error e = {};

	INT_EQ(tls_library_examine(fd, "/bin/self", 0, &t, &e), -ENOENT);
	INT_EQ(tls_library_examine(fd, "/fake/libssl.so.3", 0, &t, &e), -ENOENT);
	OK(strstr(e.text, "SSL_read") && strstr(e.text, "/fake/libssl.so.3"));
	OK(!t);
	close(fd);
}

static void expect_points(const struct target *t)
{
	bool reads = false, writes = false;
	struct stat st;

	for (size_t i = 0; i < t->point_cnt; i++) {
		const struct probe_point *p = &t->points[i];
		reads |= strstr(p->symbol, "SSL_read") && p->role == PROBE_READ;
		writes |= strstr(p->symbol, "SSL_write") && p->role == PROBE_WRITE;
		OK_MSG(p->file_off > 0 && p->cost != PROBE_COST_UNKNOWN && p->instruction[0] &&
			       p->reason[0],
		       "%s: %s", p->symbol, p->reason);
		OK_MSG((p->len_from == PROBE_LEN_NONE) == !probe_role_moves_bytes(p->role), "%s",
		       p->symbol);
	}
	OK(reads && writes);
	OK(fstat(t->fd, &st) == 0 && st.st_ino == t->ino && st.st_dev == t->dev);
	OK(fcntl(t->fd, F_GETFD) & FD_CLOEXEC);
}

static void test_plain(void)
{
	struct target_list list;
	bool workers = false, result = false, ex = false;

	target_list_init(&list);
	list.plain = true;
	if (discover_loader_cache(LD_CACHE_PATH, &list, NULL, NULL) <= 0) {
		tap_skip("plain points of the system's library", "no libssl on this machine");
		return;
	}
	for (size_t i = 0; i < list.items[0]->point_cnt; i++) {
		const struct probe_point *p = &list.items[0]->points[i];

		workers |= p->is_worker || p->at != 0;
		result |= strcmp(p->symbol, "SSL_read") == 0 && p->len_from == PROBE_LEN_RESULT;
		ex |= strcmp(p->symbol, "SSL_read_ex") == 0 && p->len_from == PROBE_LEN_AT_ARG3;
	}
	OK(!workers && result && ex);
	INT_EQ(list.items[0]->fallback_cnt, 0);
	target_list_done(&list);
}

static void test_list(void)
{
	struct target_list list;
	struct error e = {};
	struct target *t = NULL;
	int fd;

	target_list_init(&list);
	if (discover_loader_cache(LD_CACHE_PATH, &list, NULL, NULL) <= 0) {
		tap_skip("points of the system's library", "no libssl on this machine");
		return;
	}
	INT_EQ(list.items[0]->id, 1);
	expect_points(list.items[0]);
	OK(target_list_find(&list, list.items[0]->dev, list.items[0]->ino) == list.items[0]);
	OK(!target_list_find(&list, list.items[0]->dev, list.items[0]->ino + 1));

	fd = open_regular(list.items[0]->path);
	INT_EQ(tls_library_collect(fd, list.items[0]->path, &list, &e), 0);
	INT_EQ(tls_library_examine(fd, list.items[0]->path, 0, &t, &e), 0);
	OK_MSG(target_list_add(&list, t) == 0, "the same file is not added twice");
	INT_EQ(tls_library_examine(fd, list.items[0]->path, 0, &t, &e), 0);
	t->ino++;
	INT_EQ(target_list_add(&list, t), 1);
	INT_EQ(t->id, list.cnt);
	close(fd);
	target_list_done(&list);
}

static void test_list_grows(void)
{
	struct target_list list;
	struct target *t;
	bool good = true;

	target_list_init(&list);
	for (int i = 0; i < TARGET_LIST_MAX; i++) {
		t = target_new(TARGET_OPENSSL, "x");
		t->ino = (ino_t)i + 1;
		good = good && target_list_add(&list, t) == 1 && t->id == (unsigned)i + 1;
	}
	OK(good);
	t = target_new(TARGET_OPENSSL, "x");
	INT_EQ(target_list_add(&list, t), -ENOSPC);
	target_free(t);
	target_list_done(&list);
}

int main(void)
{
	RUN(test_names);
	RUN(test_not_tls);
	RUN(test_plain);
	RUN(test_list);
	RUN(test_list_grows);
	return tap_done();
}
