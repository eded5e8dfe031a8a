// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "discover/accessors.h"
#include "discover/crypto_library.h"
#include "discover/ld_cache.h"
#include "discover/target_list.h"
#include "model/target.h"
#include "tap.h"

static void test_names(void)
{
	OK(crypto_library_name_matches("/usr/lib/libcrypto.so.3"));
	OK(crypto_library_name_matches("libcrypto.so"));
	OK(crypto_library_name_matches("/x.libs/libcrypto-fb8d5b21.so.3"));
	OK(!crypto_library_name_matches("/usr/lib/libssl.so.3"));
	OK(!crypto_library_name_matches("/usr/lib/libk5crypto.so.3"));
	OK(!crypto_library_name_matches("/libcrypto.so.3/x"));
}

/* The library itself, but another name is needed. */
static void check_other_name(const struct target *system)
{
	struct target *t = target_new(TARGET_OPENSSL, system->path);
	struct target_list one = { .items = &t, .cnt = 1 };
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%.*s%s", (int)(strrchr(system->path, '/') + 1 - system->path),
		 system->path, system->crypto);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	accessors_init(&t->layout);
	snprintf(t->crypto, sizeof(t->crypto), "libcrypto.so.9");
	crypto_library_complete(fd, path, &one);
	OK(fd >= 0 && t->layout.places[TLS_FIELD_BIO_NUM].step_cnt == 0);
	snprintf(t->crypto, sizeof(t->crypto), "%s", system->crypto);
	crypto_library_complete(fd, path, &one);
	OK(t->layout.places[TLS_FIELD_BIO_NUM].step_cnt == 1);
	close(fd);
	target_free(t);
}

/* The system's libssl, found in the loader's cache, with the libcrypto in its folder. */
static void test_system(void)
{
	struct target_list list;
	struct error e;

	target_list_init(&list);
	if (discover_loader_cache("/etc/ld.so.cache", &list, NULL, &e) <= 0)
		tap_skip("the system's libcrypto", "the loader's cache has no libssl");
	for (size_t i = 0; i < list.cnt; i++) {
		const struct target *t = list.items[i];

		OK_MSG(strncmp(t->crypto, "libcrypto.so", 12) == 0, "%s needs %s", t->path,
		       t->crypto);
		OK_MSG(t->layout.places[TLS_FIELD_RBIO].step_cnt == 1, "rbio: %s",
		       t->layout.places[TLS_FIELD_RBIO].reason);
		OK_MSG(t->layout.places[TLS_FIELD_BIO_NUM].step_cnt == 1, "bio_num: %s",
		       t->layout.places[TLS_FIELD_BIO_NUM].reason);
		check_other_name(t);
	}
	target_list_done(&list);
}

static void test_only_what_is_needed(void)
{
	struct target *t = target_new(TARGET_OPENSSL, "/nonexistent/libssl.so.3");
	struct target_list one = { .items = &t, .cnt = 1 };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	accessors_init(&t->layout);
	/* This program has no name that a target could need; and the others are not there. */
	snprintf(t->crypto, sizeof(t->crypto), "libcrypto.so.3");
	crypto_library_complete(fd, "/proc/self/exe", &one);
	crypto_library_complete_beside(t);
	snprintf(t->crypto, sizeof(t->crypto), "../etc/passwd");
	crypto_library_complete_beside(t);
	OK(t->layout.places[TLS_FIELD_BIO_NUM].step_cnt == 0);
	C_STR_EQ(t->layout.places[TLS_FIELD_BIO_NUM].reason,
		 "BIO_get_retry_reason is in no file that was read");
	close(fd);
	target_free(t);
}

int main(void)
{
	RUN(test_names);
	RUN(test_system);
	RUN(test_only_what_is_needed);
	return tap_done();
}
