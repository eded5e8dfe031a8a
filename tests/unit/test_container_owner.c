// SPDX-License-Identifier: BSD-2-Clause
/* Groups in two made-up hierarchies, some of them given to users. */
#include "discover/container_owner.h"

#include "file_tree.h"
#include "tap.h"

#define ID	"aaaa000000000000000000000000000000000000000000000000000000000001"
#define SESSION "/user.slice/user-1000.slice/user@1000.service"

enum { HIM = 12345, ANOTHER = 12346 };

static char first[100], second[100], none[] = "", top[] = "/";
static struct hierarchies hierarchies = {
	.rows = { { .names = none, .mount = first, .root = top },
		  { .number = 1, .names = none, .mount = second, .root = top } },
};

static void check(const char *group, uid_t want)
{
	uid_t got = container_owner_find(&hierarchies, group);

	OK_MSG(got == want, "%s is of %d, not of %d", group, (int)want, (int)got);
}

/* Nothing is mounted here: the name says it. */
static void test_by_name(void)
{
	hierarchies.cnt = 0;
	check(SESSION "/user.slice/docker-" ID ".scope", 1000);
	check(SESSION "/user.slice/libpod-" ID ".scope/container", 1000);
	check(SESSION "/app.slice/web.service/libpod-payload-" ID, 1000);
	check(SESSION "/docker-" ID ".scope", 1000);
	check("/../.." SESSION "/docker-" ID ".scope", 1000);
	check("/system.slice/docker-" ID ".scope", 0);
	check("/docker/" ID, 0);
	check("/docker-" ID ".scope", 0);
	/* No container. */
	check(SESSION "/app.slice/web.service", 0);
	check("/", 0);
	check("", 0);
	/* What is made for the user by root, and what anybody may call so. */
	check("/user.slice/user-1000.slice/docker-" ID ".scope", 0);
	check("/user.slice/user-1000.slice/session-3.scope/libpod-payload-" ID, 0);
	check("/user.slice/user-1000.slice/user@1001.service/docker-" ID ".scope", 0);
	check("/user.slice/user-01000.slice/user@01000.service/docker-" ID ".scope", 0);
	check("/user.slice/user-1000.slicx/user@1000.service/docker-" ID ".scope", 0);
	check("/user.slice/user-.slice/user@.service/docker-" ID ".scope", 0);
	check("/user.slice/user-4294967295.slice/user@4294967295.service/docker-" ID ".scope", 0);
	check("/a" SESSION "/docker-" ID ".scope", 0);
	check("/my.slice/user-1000.slice/user@1000.service/docker-" ID ".scope", 0);
	check("/user.slice/user-1000.slice/user@1000.service/user.slice/user-1001.slice/"
	      "user@1001.service/docker-" ID ".scope",
	      1000);
	/* The session of a user who is known inside of a container only. */
	check("/system.slice/docker-" ID ".scope" SESSION "/x", 0);
}

static void make(const char *below, uid_t owner)
{
	if (mkdir(tree_at(below), 0755) || chmod(tree_at(below), 0755) ||
	    chown(tree_at(below), owner, (gid_t)-1))
		abort();
}

/* Who may make groups there has made it. */
static void test_by_folder(void)
{
	hierarchies.cnt = 2;
	make("first/own.service", HIM);
	make("first/own.service/docker-" ID ".scope", 0);
	check("/own.service/docker-" ID ".scope", HIM);
	check("/own.service/docker-" ID ".scope/init", HIM);
	/* The container's own group may be its own root user's. */
	make("first/system.slice", 0);
	make("first/system.slice/docker-" ID ".scope", 100000);
	check("/system.slice/docker-" ID ".scope", 0);
	check("/docker-" ID ".scope", 0);
	/* Removed meanwhile, with all that was in it. */
	check("/own.service/a/b/docker-" ID ".scope", HIM);
	check("/system.slice/a/docker-" ID ".scope", 0);
	/* The other hierarchy says nothing that root's would not; or it does. */
	make("second/own.service", 0);
	check("/own.service/docker-" ID ".scope", HIM);
	make("second/system.slice", ANOTHER);
	check("/system.slice/docker-" ID ".scope", ANOTHER);
	chown(tree_at("first/system.slice"), HIM, (gid_t)-1);
	check("/system.slice/docker-" ID ".scope", CONTAINER_OWNER_UNKNOWN);
	chown(tree_at("first/system.slice"), 0, (gid_t)-1);
	chown(tree_at("second/system.slice"), 0, (gid_t)-1);
	/* Everybody may. */
	chmod(tree_at("second/system.slice"), 0775);
	check("/system.slice/docker-" ID ".scope", CONTAINER_OWNER_UNKNOWN);
	chmod(tree_at("second/system.slice"), 0755);
	/* Name and folder agree mostly. */
	check(SESSION "/docker-" ID ".scope", 1000);
	make("first/user.slice", HIM);
	check(SESSION "/docker-" ID ".scope", CONTAINER_OWNER_UNKNOWN);
}

/* Of which a part only is mounted here, as in a container. */
static void test_part(void)
{
	static char part[] = "/part", outside[] = "/..";

	hierarchies.cnt = 1;
	hierarchies.rows[0].root = part;
	check("/part/own.service/docker-" ID ".scope", HIM);
	check("/own.service/docker-" ID ".scope", 0);
	check("/party/own.service/docker-" ID ".scope", 0);
	hierarchies.rows[0].root = outside;
	check("/../own.service/docker-" ID ".scope", HIM);
	/* "tree/second/.." would be there. */
	hierarchies.rows[0].root = top;
	chown(tree_root, HIM, (gid_t)-1);
	check("/../docker-" ID ".scope", 0);
	make("first/..a", HIM);
	check("/..a/docker-" ID ".scope", HIM);
}

int main(void)
{
	RUN(test_by_name);
	tree_begin();
	snprintf(first, sizeof(first), "%s/first", tree_root);
	snprintf(second, sizeof(second), "%s/second", tree_root);
	if (geteuid() == 0) {
		make("first", 0);
		make("second", 0);
		RUN(test_by_folder);
		RUN(test_part);
	} else {
		tap_skip("folders", "only root can give a folder away");
	}
	tree_end();
	return tap_done();
}
