// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "discover/cgroup.h"
#include "tap.h"

#define ID_A "4b825dc642cb6eb9a060e54bf8d69288fbee4904aa01b2c3d4e5f60718293a4b"
#define ID_B "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define UID  "1f0c7a9e-3d52-4b61-8c1a-0e9f8d7c6b5a"
#define UID_ "1f0c7a9e_3d52_4b61_8c1a_0e9f8d7c6b5a"
#define HASH "0123456789abcdef0123456789abcdef"

struct row {
	const char *text;
	const char *path, *id, *runtime, *pod, *unit; /* NULL: none */
};

/* Each as a machine of its kind writes it; the ids are replaced. */
static const struct row rows[] = {
	/* Docker: systemd makes the group; version 2. */
	{ "0::/system.slice/docker-" ID_A ".scope\n", "/system.slice/docker-" ID_A ".scope", ID_A,
	  "docker", NULL, NULL },
	/* Docker makes it itself; version 2. */
	{ "0::/docker/" ID_A "\n", "/docker/" ID_A, ID_A, "docker", NULL, NULL },
	/* Docker, rootless. */
	{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID_A ".scope\n",
	  "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID_A ".scope", ID_A,
	  "docker", NULL, NULL },
	/* Docker on both versions: version 2 has the daemon's group. */
	{ "12:rdma:/\n11:memory:/docker/" ID_A "\n10:cpu,cpuacct:/docker/" ID_A "\n"
	  "1:name=systemd:/docker/" ID_A "\n0::/system.slice/containerd.service\n",
	  "/docker/" ID_A, ID_A, "docker", NULL, NULL },
	/* Only one hierarchy names the container. */
	{ "9:pids:/system.slice/docker.service\n4:memory:/docker/" ID_A
	  "\n1:name=systemd:/system.slice/docker.service\n",
	  "/docker/" ID_A, ID_A, "docker", NULL, NULL },
	/* Docker in Docker. */
	{ "1:name=systemd:/docker/" ID_A "/docker/" ID_B "\n", "/docker/" ID_A "/docker/" ID_B,
	  ID_B, "docker", NULL, NULL },
	/* systemd inside a container. */
	{ "0::/system.slice/docker-" ID_A ".scope/system.slice/nginx.service\n",
	  "/system.slice/docker-" ID_A ".scope/system.slice/nginx.service", ID_A, "docker", NULL,
	  "nginx.service" },
	/* A parent of the user's choice says nothing about the runtime. */
	{ "0::/batch/" ID_A "\n", "/batch/" ID_A, ID_A, NULL, NULL, NULL },
	/* nerdctl. */
	{ "0::/system.slice/nerdctl-" ID_A ".scope\n", "/system.slice/nerdctl-" ID_A ".scope", ID_A,
	  "containerd", NULL, NULL },
	/* Podman: the system's, with crun's inner group, without a root user, in a pod, by itself.
	 */
	{ "0::/machine.slice/libpod-" ID_A ".scope\n", "/machine.slice/libpod-" ID_A ".scope", ID_A,
	  "podman", NULL, NULL },
	{ "0::/machine.slice/libpod-" ID_A ".scope/container\n",
	  "/machine.slice/libpod-" ID_A ".scope/container", ID_A, "podman", NULL, NULL },
	{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_A
	  ".scope/container\n",
	  "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID_A
	  ".scope/container",
	  ID_A, "podman", NULL, NULL },
	{ "0::/machine.slice/machine-libpod_pod_" ID_B ".slice/libpod-" ID_A ".scope\n",
	  "/machine.slice/machine-libpod_pod_" ID_B ".slice/libpod-" ID_A ".scope", ID_A, "podman",
	  NULL, NULL },
	{ "8:memory:/libpod_parent/libpod-" ID_A "\n", "/libpod_parent/libpod-" ID_A, ID_A,
	  "podman", NULL, NULL },
	/* Podman's own units: the service's group is split. */
	{ "0::/system.slice/web.service/libpod-payload-" ID_A "\n",
	  "/system.slice/web.service/libpod-payload-" ID_A, ID_A, "podman", NULL, "web.service" },
	{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-" ID_A
	  "/container\n",
	  "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-" ID_A
	  "/container",
	  ID_A, "podman", NULL, "web.service" },
	{ "0::/system.slice/web.service/runtime\n", "/system.slice/web.service/runtime", NULL, NULL,
	  NULL, "web.service" },
	/* Its monitor is no container. */
	{ "0::/machine.slice/libpod-conmon-" ID_A ".scope\n",
	  "/machine.slice/libpod-conmon-" ID_A ".scope", NULL, NULL, NULL,
	  "libpod-conmon-" ID_A ".scope" },
	/* Kubernetes: containerd, Docker, cri-o with systemd. */
	{ "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	  ".slice/cri-containerd-" ID_A ".scope\n",
	  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	  ".slice/cri-containerd-" ID_A ".scope",
	  ID_A, "containerd", UID, NULL },
	{ "5:cpuset:/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID_A ".scope\n",
	  "/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID_A ".scope", ID_A, "docker", UID,
	  NULL },
	{ "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/crio-" ID_A ".scope/container\n",
	  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/crio-" ID_A ".scope/container",
	  ID_A, "cri-o", UID, NULL },
	{ "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/crio-conmon-" ID_A ".scope\n",
	  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/crio-conmon-" ID_A ".scope",
	  NULL, NULL, UID, "crio-conmon-" ID_A ".scope" },
	/* … without systemd: any runtime may be behind it. */
	{ "3:cpu:/kubepods/besteffort/pod" UID "/" ID_A "\n",
	  "/kubepods/besteffort/pod" UID "/" ID_A, ID_A, NULL, UID, NULL },
	{ "0::/kubepods/pod" UID "/" ID_A "\n", "/kubepods/pod" UID "/" ID_A, ID_A, NULL, UID,
	  NULL },
	/* … the kubelet thinks of systemd, containerd does not. */
	{ "1:name=systemd:/system.slice/containerd.service/kubepods-burstable-pod" UID_
	  ".slice:cri-containerd:" ID_A "\n",
	  "/system.slice/containerd.service/kubepods-burstable-pod" UID_
	  ".slice:cri-containerd:" ID_A,
	  ID_A, "containerd", UID, NULL },
	/* … a pod of the kubelet's own files. */
	{ "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH
	  ".slice/cri-containerd-" ID_A ".scope\n",
	  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH
	  ".slice/cri-containerd-" ID_A ".scope",
	  ID_A, "containerd", HASH, NULL },
	/* … kind: a cluster inside Docker. */
	{ "0::/system.slice/docker-" ID_B
	  ".scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
	  "kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID_A ".scope\n",
	  "/system.slice/docker-" ID_B
	  ".scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
	  "kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID_A ".scope",
	  ID_A, "containerd", UID, NULL },
	/* Seen from another namespace of groups. */
	{ "0::/../docker-" ID_A ".scope\n", "/../docker-" ID_A ".scope", ID_A, "docker", NULL,
	  NULL },
	{ "0::/\n", "/", NULL, NULL, NULL, NULL },
	/* systemd. */
	{ "0::/system.slice/nginx.service\n", "/system.slice/nginx.service", NULL, NULL, NULL,
	  "nginx.service" },
	{ "0::/system.slice/system-getty.slice/getty@tty1.service\n",
	  "/system.slice/system-getty.slice/getty@tty1.service", NULL, NULL, NULL,
	  "getty@tty1.service" },
	{ "0::/user.slice/user-1000.slice/session-3.scope\n",
	  "/user.slice/user-1000.slice/session-3.scope", NULL, NULL, NULL, "session-3.scope" },
	{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-77.scope\n",
	  "/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-77.scope", NULL,
	  NULL, NULL, "app-firefox-77.scope" },
	{ "0::/system.slice/php-fpm.service/pool/www\n", "/system.slice/php-fpm.service/pool/www",
	  NULL, NULL, NULL, "php-fpm.service" },
	{ "0::/init.scope\n", "/init.scope", NULL, NULL, NULL, "init.scope" },
	{ "3:memory:/user.slice\n2:cpuset:/\n1:name=systemd:/system.slice/cron.service\n0::/\n",
	  "/system.slice/cron.service", NULL, NULL, NULL, "cron.service" },
	/* A removed group. */
	{ "0::/system.slice/docker-" ID_A ".scope (deleted)\n",
	  "/system.slice/docker-" ID_A ".scope", ID_A, "docker", NULL, NULL },
	/* Nearly, but not. */
	{ "0::/system.slice/docker-4b825dc6.scope\n", "/system.slice/docker-4b825dc6.scope", NULL,
	  NULL, NULL, "docker-4b825dc6.scope" },
	{ "0::/docker/" ID_A "0\n", "/docker/" ID_A "0", NULL, NULL, NULL, NULL },
	{ "0::/system.slice/docker-" ID_A ".slice\n", "/system.slice/docker-" ID_A ".slice", NULL,
	  NULL, NULL, NULL },
	{ "0::/home/pod" UID "/x\n", "/home/pod" UID "/x", NULL, NULL, NULL, NULL },
	{ "0::/kubepods/xpod" UID "\n", "/kubepods/xpod" UID, NULL, NULL, NULL, NULL },
	{ "0::/a/.service\n", "/a/.service", NULL, NULL, NULL, NULL },
	{ "0::/a:b:c\n", "/a:b:c", NULL, NULL, NULL, NULL },
	/* No path at all. */
	{ "", NULL, NULL, NULL, NULL, NULL },
	{ "\n", NULL, NULL, NULL, NULL, NULL },
	{ "0:/a\n", NULL, NULL, NULL, NULL, NULL },
	{ "0::a\n", NULL, NULL, NULL, NULL, NULL },
	{ "0::\n", NULL, NULL, NULL, NULL, NULL },
};

static void text_eq(const char *got, size_t len, const char *want, size_t row)
{
	want = want ? want : "";
	OK_MSG(len == strlen(want) && !memcmp(got ? got : "", want, len),
	       "row %zu: \"%.*s\" is \"%s\"", row, (int)len, got ? got : "", want);
}

static void test_samples(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		size_t len = strlen(row->text);
		char *text = guarded_copy(row->text, len);
		struct cgroup c;

		cgroup_parse(str_make(text, len), &c);
		text_eq(c.path.p, c.path.len, row->path, i);
		text_eq(c.unit.p, c.unit.len, row->unit, i);
		text_eq(c.container.id, strlen(c.container.id), row->id, i);
		text_eq(c.container.pod, strlen(c.container.pod), row->pod, i);
		OK_MSG(!c.container.runtime == !row->runtime &&
			       (!row->runtime || !strcmp(c.container.runtime, row->runtime)),
		       "runtime is %s", row->runtime ? row->runtime : "not known");
		guarded_free(text, len);
	}
}

static void test_any_cut(void)
{
	static const char text[] = "1:name=systemd:/docker/" ID_A "/docker/" ID_B "\n"
				   "0::/kubepods/pod" UID "/" ID_A "\n";

	for (size_t len = 0; len < sizeof(text); len++) {
		char *cut = guarded_copy(text, len);
		struct cgroup c;

		cgroup_parse(str_make(cut, len), &c);
		OK_MSG(strlen(c.container.id) == 0 || strlen(c.container.id) == 64, "%zu bytes",
		       len);
		guarded_free(cut, len);
	}
}

int main(void)
{
	RUN(test_samples);
	RUN(test_any_cut);
	return tap_done();
}
