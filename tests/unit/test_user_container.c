// SPDX-License-Identifier: BSD-2-Clause
/* A user's own containers: his runtimes' files, and what he may do to them. */
#include <string.h>

#include "discover/container_name.h"
#include "file_tree.h"
#include "tap.h"

#define ID_A	    "4b825dc642cb6eb9a060e54bf8d69288fbee4904aa01b2c3d4e5f60718293a4b"
#define ID_B	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

#define DOCKER	    "home/him/.local/share/docker/containers/" ID_A "/config.v2.json"
#define DAEMON	    "home/him/.config/docker/daemon.json"
#define STORAGE	    "home/him/.local/share/containers/storage/"
#define SYSTEM_FILE "var/lib/docker/containers/" ID_A "/config.v2.json"

enum { HIM = 12345, HER = 12346 };

static uid_t him;

/* All folders from his home on, too. */
static void put_his(const char *file, const char *text, uid_t owner)
{
	char path[300];

	tree_put(file, text);
	if (geteuid() != 0)
		return;
	snprintf(path, sizeof(path), "%s", file);
	for (char *slash; (slash = strrchr(path, '/')) && strcmp(path, "home") != 0 &&
			  strcmp(path, "run/user") != 0 && strcmp(path, "srv") != 0;
	     *slash = '\0')
		if (chown(tree_at(path), owner, (gid_t)-1))
			abort();
}

static const char *name_of(const char *id, const char *runtime, uid_t owner)
{
	static struct container c;

	c = (struct container){ .runtime = runtime, .owner = owner };
	snprintf(c.id, sizeof(c.id), "%s", id);
	container_name_read(tree_root, &c);
	return c.name;
}

static const char *docker_name(void)
{
	return name_of(ID_A, "docker", him);
}

static void test_docker(void)
{
	C_STR_EQ(docker_name(), "");
	put_his(DOCKER, "{\"Name\":\"/web-7\"}", him);
	C_STR_EQ(docker_name(), "web-7");
	C_STR_EQ(name_of(ID_A, NULL, him), "web-7");
	C_STR_EQ(name_of(ID_A, "podman", him), "");
	C_STR_EQ(name_of(ID_B, "docker", him), "");
	put_his(DAEMON, "{\"data-root\":\"/srv/his\"}", him);
	C_STR_EQ(docker_name(), "");
	put_his("srv/his/containers/" ID_A "/config.v2.json", "{\"Name\":\"/moved\"}", him);
	C_STR_EQ(docker_name(), "moved");
	/* Nothing of it is his. */
	put_his(DAEMON, "{\"data-root\":\"/var/lib/docker\"}", him);
	tree_put(SYSTEM_FILE, "{\"Name\":\"/secret\"}");
	if (geteuid() == 0)
		C_STR_EQ(docker_name(), "");
	put_his(DAEMON, "{\"data-root\":\"/home/him/../../var/lib/docker\"}", him);
	if (geteuid() == 0)
		C_STR_EQ(docker_name(), "");
	tree_drop(SYSTEM_FILE);
	/* Others may write it, so it does not count. */
	put_his(DAEMON, "{\"data-root\":\"/srv/his\"}", him);
	chmod(tree_at(DAEMON), 0666);
	C_STR_EQ(docker_name(), "web-7");
	tree_drop(DAEMON);
}

static void test_podman(void)
{
	static const char *const files[] = {
		STORAGE "overlay-containers/containers.json",
		STORAGE "overlay-containers/volatile-containers.json",
		STORAGE "vfs-containers/containers.json",
		STORAGE "btrfs-containers/volatile-containers.json",
	};
	char run[100];

	snprintf(run, sizeof(run), "run/user/%u/containers/overlay-containers/%s", (unsigned)him,
		 "volatile-containers.json");
	C_STR_EQ(name_of(ID_A, "podman", him), "");
	for (size_t i = 0; i < 4; i++) {
		put_his(files[i],
			"[{\"id\":\"" ID_B "\",\"names\":[\"db\"]},"
			"{\"id\":\"" ID_A "\",\"names\":[\"pod-web\"]}]",
			him);
		C_STR_EQ(name_of(ID_A, "podman", him), "pod-web");
		C_STR_EQ(name_of(ID_B, "podman", him), "db");
		tree_drop(files[i]);
		C_STR_EQ(name_of(ID_A, "podman", him), "");
	}
	put_his(run, "[{\"id\":\"" ID_A "\",\"names\":[\"brief\"]}]", him);
	C_STR_EQ(name_of(ID_A, "podman", him), "brief");
	tree_drop(run);
}

static void test_containerd(void)
{
	char file[300];

	snprintf(file, sizeof(file),
		 "run/user/%u/containerd/io.containerd.runtime.v2.task/default/%s/config.json",
		 (unsigned)him, ID_A);
	put_his(file, "{\"annotations\":{\"nerdctl/name\":\"nerd\"}}", him);
	C_STR_EQ(name_of(ID_A, "containerd", him), "nerd");
	C_STR_EQ(name_of(ID_B, "containerd", him), "");
	/* For this no home is needed. */
	tree_put("etc/passwd", "");
	C_STR_EQ(name_of(ID_A, "containerd", him), "nerd");
	tree_drop(file);
	C_STR_EQ(name_of(ID_A, "containerd", him), "");
}

static void test_his_files_only(void)
{
	put_his(DOCKER, "{\"Name\":\"/his\"}", him);
	C_STR_EQ(docker_name(), "his");
	/* Not for root's of the same id, nor for another's, nor where it is not to be told. */
	C_STR_EQ(name_of(ID_A, "docker", 0), "");
	C_STR_EQ(name_of(ID_A, "docker", HER), "");
	C_STR_EQ(name_of(ID_A, "docker", CONTAINER_OWNER_UNKNOWN), "");
	if (geteuid() != 0) {
		tap_skip("other owners", "only root can give a file away");
		return;
	}
	/* And root's not for his. */
	tree_put(SYSTEM_FILE, "{\"Name\":\"/root-s\"}");
	C_STR_EQ(name_of(ID_A, "docker", 0), "root-s");
	C_STR_EQ(docker_name(), "his");
	tree_drop(DOCKER);
	C_STR_EQ(docker_name(), "");
	C_STR_EQ(name_of(ID_A, "docker", CONTAINER_OWNER_UNKNOWN), "");
	tree_drop(SYSTEM_FILE);
	/* In his home, but of others. */
	put_his(DOCKER, "{\"Name\":\"/his\"}", HER);
	C_STR_EQ(docker_name(), "");
	C_STR_EQ(name_of(ID_A, "docker", HER), "");
	put_his(DOCKER, "{\"Name\":\"/his\"}", him);
	C_STR_EQ(docker_name(), "his");
	if (chown(tree_at(DOCKER), 0, (gid_t)-1))
		abort();
	C_STR_EQ(docker_name(), "");
	put_his(DOCKER, "{\"Name\":\"/his\"}", him);
}

static void put_hostile(const char *text)
{
	put_his(DOCKER, text, him);
	C_STR_EQ(docker_name(), "");
}

static void test_hostile(void)
{
	put_hostile("{\"Name\":");
	put_hostile("{\"Name\":\"/we");
	put_hostile("");
	put_hostile("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
	put_hostile("{\"Name\":\"/we\\u001bb\"}");
	put_hostile("{\"Name\":\"/we\033[2Jb\"}");
	put_hostile("{\"Name\":\"/\xc3\xa4\"}");
	put_his(DOCKER, "{\"Name\":\"/web\"}", him);
	C_STR_EQ(docker_name(), "web");
	/* Longer than is read. */
	OK(truncate(tree_at(DOCKER), (2 << 20)) == 0);
	C_STR_EQ(docker_name(), "");
	put_his(DOCKER, "{\"Name\":\"/web\"}", him);
	chmod(tree_at(DOCKER), 0664);
	C_STR_EQ(docker_name(), "");
	tree_drop(DOCKER);
	OK(mkfifo(tree_at(DOCKER), 0600) == 0 && !chown(tree_at(DOCKER), him, (gid_t)-1));
	C_STR_EQ(docker_name(), "");
	tree_drop(DOCKER);
	/* All files that are read for one container are as long together. */
	put_his(DOCKER, "{\"Name\":\"/web\"}", him);
	put_his(DAEMON, "{}", him);
	OK(truncate(tree_at(DAEMON), (1 << 20) - 15) == 0);
	C_STR_EQ(docker_name(), "web");
	OK(truncate(tree_at(DAEMON), (1 << 20) - 14) == 0);
	C_STR_EQ(docker_name(), "");
	tree_drop(DAEMON);
	tree_drop(DOCKER);
	tree_put("root-s.json", "{\"Name\":\"/secret\"}");
	OK(symlink("../../../../../../../root-s.json", tree_at(DOCKER)) == 0 &&
	   !lchown(tree_at(DOCKER), him, (gid_t)-1));
	OK_MSG(access(tree_at(DOCKER), R_OK) == 0, "the link leads there");
	C_STR_EQ(docker_name(), "");
	tree_drop(DOCKER);
}

static void set_passwd(const char *fmt)
{
	char text[300];

	snprintf(text, sizeof(text), fmt, (unsigned)him);
	tree_put("etc/passwd", text);
}

static void test_home(void)
{
	put_his(DOCKER, "{\"Name\":\"/web\"}", him);
	set_passwd("root:x:0:0:root:/root:/bin/sh\n\n:::\nx:x:1%u:1::/no:/bin/sh\n");
	C_STR_EQ(docker_name(), "");
	set_passwd("broken:%u\nhim:x:+%1$u:9::/home/him:/bin/sh\n");
	C_STR_EQ(docker_name(), "");
	/* The first one counts; the last field may be missing. */
	set_passwd("a:x:9:9::/no:/bin/sh\nhim:x:%u:9:Him,,:/home/him\nhim2:x:%1$u:9::/no:\n");
	C_STR_EQ(docker_name(), "web");
	/* Without one, files at the top are nobody's. */
	put_his(".local/share/docker/containers/" ID_A "/config.v2.json", "{\"Name\":\"/web\"}",
		him);
	put_his(".local/share/containers/storage/overlay-containers/containers.json",
		"[{\"id\":\"" ID_A "\",\"names\":[\"web\"]}]", him);
	set_passwd("him:x:%u:9:::/bin/sh\n");
	C_STR_EQ(docker_name(), "");
	C_STR_EQ(name_of(ID_A, "podman", him), "");
	tree_drop(".local/share/docker/containers/" ID_A "/config.v2.json");
	set_passwd("him:x:%u:9::/:/bin/sh\n");
	C_STR_EQ(docker_name(), "");
	set_passwd("him:x:%u:9::/home/him:/bin/sh\n");
	chmod(tree_at("etc/passwd"), 0666);
	C_STR_EQ(docker_name(), "");
	chmod(tree_at("etc/passwd"), 0644);
	C_STR_EQ(docker_name(), "web");
}

/* One id, two owners: what is kept of one is not the other's. */
static void test_names_are_kept(void)
{
	static struct container_names names;
	struct container his = { .runtime = "docker", .id = ID_A, .owner = him };
	struct container hers = { .runtime = "docker", .id = ID_A, .owner = HER };

	put_his(DOCKER, "{\"Name\":\"/his\"}", him);
	container_names_fill(&names, tree_root, &his);
	C_STR_EQ(his.name, "his");
	container_names_fill(&names, tree_root, &hers);
	C_STR_EQ(hers.name, "");
	INT_EQ(hers.owner, HER);
	tree_drop(DOCKER);
	his.name[0] = '\0';
	container_names_fill(&names, tree_root, &his);
	C_STR_EQ(his.name, "his");
}

int main(void)
{
	him = geteuid() ? geteuid() : HIM;
	tree_begin();
	chmod(tree_root, 0755);
	set_passwd("root:x:0:0:root:/root:/bin/sh\nhim:x:%u:9:Him:/home/him:/bin/sh\n");
	RUN(test_docker);
	RUN(test_podman);
	RUN(test_his_files_only);
	RUN(test_hostile);
	RUN(test_home);
	RUN(test_names_are_kept);
	RUN(test_containerd);
	tree_end();
	return tap_done();
}
