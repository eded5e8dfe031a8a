// SPDX-License-Identifier: BSD-2-Clause
/* The runtimes' files in a tree of our own, shortened from real ones. */
#include <string.h>

#include "discover/container_name.h"
#include "file_tree.h"
#include "tap.h"

#define ID_A "4b825dc642cb6eb9a060e54bf8d69288fbee4904aa01b2c3d4e5f60718293a4b"
#define ID_B "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct container named(const char *id, const char *runtime, const char *pod)
{
	struct container c = { .runtime = runtime };

	snprintf(c.id, sizeof(c.id), "%s", id);
	snprintf(c.pod, sizeof(c.pod), "%s", pod ? pod : "");
	container_name_read(tree_root, &c);
	return c;
}

static void check_name(const char *runtime, const char *pod, const char *want)
{
	struct container c = named(ID_A, runtime, pod);

	C_STR_EQ(c.name, want);
}

static void test_docker(void)
{
	static const char text[] =
		"{\"StreamConfig\":{},\"State\":{\"Running\":true,\"Error\":\"\"},\"ID\":\"" ID_A
		"\",\"Args\":[\"-c\",\"echo \\\"Name\\\": {\"],\"Config\":{\"Hostname\":\"4b825dc642cb\","
		"\"Labels\":{\"Name\":\"label\"}},\"Name\":\"/web-7\",\"Driver\":\"overlay2\"}";
	static const char file[] = "var/lib/docker/containers/" ID_A "/config.v2.json";
	static const char other[] = "srv/docker/containers/" ID_A "/config.v2.json";

	check_name("docker", NULL, "");
	tree_put(file, text);
	check_name("docker", NULL, "web-7");
	/* Not told by the name of the group: all are tried. */
	check_name(NULL, NULL, "web-7");
	check_name("podman", NULL, "");
	C_STR_EQ(named(ID_B, "docker", NULL).name, "");
	tree_put("etc/docker/daemon.json", "{\"data-root\": \"/srv/docker\"}");
	check_name("docker", NULL, "");
	tree_put(other, "{\"Name\":\"/moved\"}");
	check_name("docker", NULL, "moved");
	tree_drop("etc/docker/daemon.json");
	tree_put(file, "{\"Name\":\"a name\"}");
	check_name("docker", NULL, "");
	tree_put(file, "{\"Name\":\"/\"}");
	check_name("docker", NULL, "");
}

static void test_podman(void)
{
	static const char folder[] = "var/lib/containers/storage/overlay-containers/";
	char file[100], volatile_file[100];

	snprintf(file, sizeof(file), "%scontainers.json", folder);
	snprintf(volatile_file, sizeof(volatile_file), "%svolatile-containers.json", folder);
	tree_put(file,
		 "[{\"id\":\"" ID_B "\",\"names\":[\"db\"],\"image\":\"x\"},"
		 "{\"metadata\":\"{\\\"id\\\":\\\"" ID_A "\\\"}\",\"names\":[\"web\",\"alias\"],"
		 "\"big-data-names\":[\"no\"],\"flags\":{\"id\":\"" ID_A "\"},\"id\":\"" ID_A
		 "\"}]");
	check_name("podman", NULL, "web");
	C_STR_EQ(named(ID_B, "podman", NULL).name, "db");
	tree_put(file, "[{\"id\":\"" ID_A "\",\"names\":null}]");
	check_name("podman", NULL, "");
	tree_put(volatile_file, "[{\"id\":\"" ID_A "\",\"names\":[\"brief\"]}]");
	check_name("podman", NULL, "brief");
	tree_drop(file);
	check_name("podman", NULL, "brief");
	tree_drop(volatile_file);
	/* Other kinds of storage, and one that is gone with the machine's run. */
	tree_put("var/lib/containers/storage/vfs-containers/containers.json",
		 "[{\"id\":\"" ID_A "\",\"names\":[\"slow\"]}]");
	check_name("podman", NULL, "slow");
	tree_drop("var/lib/containers/storage/vfs-containers/containers.json");
	snprintf(volatile_file, sizeof(volatile_file), "run/containers/storage/%s",
		 "overlay-containers/volatile-containers.json");
	tree_put(volatile_file, "[{\"id\":\"" ID_A "\",\"names\":[\"briefer\"]}]");
	check_name("podman", NULL, "briefer");
	tree_drop(volatile_file);
}

static void test_containerd(void)
{
	static const char file[] = "run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID_A
				   "/config.json";
	struct container c;

	tree_put(file,
		 "{\"ociVersion\":\"1.1.0\",\"process\":{\"env\":[\"A=\\\"{\"]},\"hostname\":\"x\","
		 "\"annotations\":{\"io.kubernetes.cri.container-name\":\"web\","
		 "\"io.kubernetes.cri.sandbox-name\":\"shop-1\","
		 "\"io.kubernetes.cri.sandbox-namespace\":\"default\"},\"linux\":{}}");
	c = named(ID_A, "containerd", "uid");
	C_STR_EQ(c.name, "web");
	C_STR_EQ(c.pod_name, "shop-1");
	C_STR_EQ(c.pod_namespace, "default");
	OK(container_name_matches(&c, STR_LIT("web")));
	OK(container_name_matches(&c, STR_LIT("shop-1/web")));
	OK(container_name_matches(&c, STR_LIT("default/shop-1/web")));
	OK(!container_name_matches(&c, STR_LIT("1/web")));
	OK(!container_name_matches(&c, STR_LIT("shop-1")));
	OK(!container_name_matches(&c, STR_LIT("we")));
	OK(!container_name_matches(&c, STR_LIT("")));
	tree_put(file, "{\"annotations\":{\"nerdctl/name\":\"nerd\"}}");
	check_name("containerd", NULL, "nerd");
	/* The pod's own container has no name. */
	tree_put(file, "{\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\","
		       "\"io.kubernetes.cri.sandbox-name\":\"shop-1\"}}");
	check_name("containerd", "uid", "");
	tree_drop(file);
	tree_put("run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" ID_A "/config.json",
		 "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"k3\"}}");
	check_name("containerd", "uid", "k3");
	tree_drop("run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" ID_A "/config.json");
}

static void test_crio(void)
{
	static const char file[] = "run/containers/storage/overlay-containers/" ID_A
				   "/userdata/config.json";
	struct container c;

	tree_put(
		file,
		"{\"annotations\":{\"io.kubernetes.pod.name\":\"shop-2\","
		"\"io.kubernetes.container.name\":\"api\",\"io.kubernetes.pod.namespace\":\"ns\"}}");
	c = named(ID_A, "cri-o", "uid");
	C_STR_EQ(c.name, "api");
	C_STR_EQ(c.pod_name, "shop-2");
	C_STR_EQ(c.pod_namespace, "ns");
	tree_drop(file);
}

static void test_kubernetes(void)
{
	struct container c;

	tree_put("var/log/containers/a_b_c-" ID_B ".log", "");
	tree_put("var/log/containers/shop-3_default_side-car-" ID_A ".log", "");
	c = named(ID_A, "cri-o", "uid");
	C_STR_EQ(c.name, "side-car");
	C_STR_EQ(c.pod_name, "shop-3");
	C_STR_EQ(c.pod_namespace, "default");
	/* Only of what is in a pod. */
	check_name("cri-o", NULL, "");
	tree_drop("var/log/containers/shop-3_default_side-car-" ID_A ".log");
	tree_put("var/log/containers/nothing-" ID_A ".log", "");
	check_name("cri-o", "uid", "");
	tree_drop("var/log/containers/nothing-" ID_A ".log");
}

/* What others may write says nothing. */
static void test_trust(void)
{
	static const char file[] = "var/lib/docker/containers/" ID_A "/config.v2.json";

	tree_put(file, "{\"Name\":\"/web\"}");
	check_name("docker", NULL, "web");
	chmod(tree_at(file), 0664);
	check_name("docker", NULL, "");
	chmod(tree_at(file), 0646);
	check_name("docker", NULL, "");
	chmod(tree_at(file), 0600);
	check_name("docker", NULL, "web");
	if (geteuid() == 0) {
		OK(chown(tree_at(file), 12345, 0) == 0);
		check_name("docker", NULL, "");
	} else {
		tap_skip("another owner", "only root can give a file away");
	}
	tree_drop(file);
	OK(mkfifo(tree_at(file), 0600) == 0);
	check_name("docker", NULL, "");
	tree_drop(file);
}

static void test_names_are_kept(void)
{
	static const char file[] = "var/lib/docker/containers/" ID_A "/config.v2.json";
	static struct container_names names;
	struct container c = { .runtime = "docker", .id = ID_A }, none = { .runtime = "docker" };

	tree_put(file, "{\"Name\":\"/web\"}");
	container_names_fill(&names, tree_root, &c);
	C_STR_EQ(c.name, "web");
	tree_drop(file);
	c = (struct container){ .runtime = "docker", .id = ID_A };
	container_names_fill(&names, tree_root, &c);
	C_STR_EQ(c.name, "web");
	container_names_fill(&names, tree_root, &none);
	C_STR_EQ(none.name, "");
	/* Until so many others have come. */
	for (unsigned i = 0; i < CONTAINER_NAMES_MAX; i++) {
		struct container other = { .runtime = "docker" };

		snprintf(other.id, sizeof(other.id), "%064x", i);
		container_names_fill(&names, tree_root, &other);
		C_STR_EQ(other.name, "");
	}
	c = (struct container){ .runtime = "docker", .id = ID_A };
	container_names_fill(&names, tree_root, &c);
	C_STR_EQ(c.name, "");
}

int main(void)
{
	tree_begin();
	RUN(test_docker);
	RUN(test_podman);
	RUN(test_containerd);
	RUN(test_crio);
	RUN(test_kubernetes);
	RUN(test_trust);
	RUN(test_names_are_kept);
	tree_end();
	return tap_done();
}
