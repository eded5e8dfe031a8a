// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is read, by runtime:
 *
 *	docker	     containers/ID/config.v2.json in /var/lib/docker or where daemon.json says
 *	podman	     containers.json, and volatile-containers.json for those of --rm
 *	containerd   the container's config.json: the annotations of its CRI plugin, or of nerdctl
 *	cri-o	     the same, with annotations of its own
 *	Kubernetes   the names of the kubelet's links to logs, where those tell nothing
 */
#include "container_name.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json_scan.h"
#include "open_file.h"

enum { NAME_FILE_MAX = 4 << 20, ID_LEN = 64 };

/* Where a document tells what; NULL ends a way of keys, an empty way is none. */
struct name_keys {
	const char *name[3], *pod_name[3], *pod_namespace[3];
};

static const struct name_keys docker_keys = { .name = { "Name" } };

/* In the order of trial: the first that gives a name counts. */
static const struct name_keys oci_keys[] = {
	{ { "annotations", "io.kubernetes.cri.container-name" },
	  { "annotations", "io.kubernetes.cri.sandbox-name" },
	  { "annotations", "io.kubernetes.cri.sandbox-namespace" } },
	{ { "annotations", "io.kubernetes.container.name" },
	  { "annotations", "io.kubernetes.pod.name" },
	  { "annotations", "io.kubernetes.pod.namespace" } },
	{ .name = { "annotations", "nerdctl/name" } },
};

static const char *const task_folders[] = {
	"/run/containerd/io.containerd.runtime.v2.task",
	"/run/k3s/containerd/io.containerd.runtime.v2.task",
};

#define ROW_CNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Names of all runtimes are plain ASCII; anything else is none. False: `to` is as it was. */
static bool take(struct str text, char *to, size_t size)
{
	if (!text.len || text.len >= size)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return false;
	memcpy(to, text.p, text.len);
	to[text.len] = '\0';
	return true;
}

static bool take_key(struct str document, const char *const *keys, char *to, size_t size)
{
	struct str text;

	if (!keys[0] || !json_scan_find(document, keys, &text))
		return false;
	/* Docker writes "/web". */
	if (text.len && text.p[0] == '/')
		text = str_make(text.p + 1, text.len - 1);
	return take(text, to, size);
}

static bool take_keys(struct str document, const struct name_keys *keys, struct container *c)
{
	if (!take_key(document, keys->name, c->name, sizeof(c->name)))
		return false;
	take_key(document, keys->pod_name, c->pod_name, sizeof(c->pod_name));
	take_key(document, keys->pod_namespace, c->pod_namespace, sizeof(c->pod_namespace));
	return true;
}

/* What is written by anybody else is not believed. */
static bool is_trusted(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & 022);
}

static bool read_trusted(const char *path, struct buf *b)
{
	CLEANUP_CLOSE int fd = open_regular(path);
	char again[64];

	if (fd < 0 || !is_trusted(fd))
		return false;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	return read_file(again, b) == 0;
}

/* The file and what it says; `keys` are tried one after the other. */
static bool read_keys(const char *path, const struct name_keys *keys, size_t cnt,
		      struct container *c)
{
	bool found = false;
	struct buf b;

	buf_init(&b, NAME_FILE_MAX);
	if (read_trusted(path, &b))
		for (size_t i = 0; !found && i < cnt; i++)
			found = take_keys(str_make(b.data, b.len), &keys[i], c);
	buf_done(&b);
	return found;
}

static void docker_folder(const char *root, char *to, size_t size)
{
	static const char *const keys[] = { "data-root", NULL };
	char path[PATH_MAX];
	struct str folder;
	struct buf b;

	snprintf(to, size, "/var/lib/docker");
	snprintf(path, sizeof(path), "%s/etc/docker/daemon.json", root);
	buf_init(&b, NAME_FILE_MAX);
	if (read_trusted(path, &b) && json_scan_find(str_make(b.data, b.len), keys, &folder) &&
	    folder.len < size)
		snprintf(to, size, "%.*s", STR_FMT(folder));
	buf_done(&b);
}

static bool of_docker(const char *root, struct container *c)
{
	char folder[PATH_MAX / 2], path[2 * PATH_MAX];

	docker_folder(root, folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s%s/containers/%s/config.v2.json", root, folder, c->id);
	return read_keys(path, &docker_keys, 1, c);
}

/* A list of objects, each with "id" and "names", a list whose first one counts. */
static bool find_in_list(struct str document, struct container *c)
{
	struct str id = { 0 }, name = { 0 }, key = { 0 };
	enum json_piece piece;
	struct json_scan s;

	json_scan_init(&s, document);
	while ((piece = json_scan_next(&s)) != JSON_PIECE_END) {
		if (piece == JSON_PIECE_CLOSE && s.depth == 1) {
			if (str_eq(id, str_from(c->id)))
				return take(name, c->name, sizeof(c->name));
			id = name = (struct str){ 0 };
		} else if (piece == JSON_PIECE_KEY && s.depth == 2) {
			key = s.text;
		} else if (piece == JSON_PIECE_TEXT && s.depth == 2 && str_eq(key, STR_LIT("id"))) {
			id = s.text;
		} else if (piece == JSON_PIECE_TEXT && s.depth == 3 && !name.len && !s.escaped &&
			   str_eq(key, STR_LIT("names"))) {
			name = s.text;
		}
	}
	return false;
}

static bool of_podman(const char *root, struct container *c)
{
	static const char *const files[] = { "containers.json", "volatile-containers.json" };
	char path[PATH_MAX];
	bool found = false;

	for (size_t i = 0; !found && i < ROW_CNT(files); i++) {
		struct buf b;

		snprintf(path, sizeof(path), "%s/var/lib/containers/storage/overlay-containers/%s",
			 root, files[i]);
		buf_init(&b, NAME_FILE_MAX);
		found = read_trusted(path, &b) && find_in_list(str_make(b.data, b.len), c);
		buf_done(&b);
	}
	return found;
}

static bool of_crio(const char *root, struct container *c)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path),
		 "%s/run/containers/storage/overlay-containers/%s/userdata/config.json", root,
		 c->id);
	return read_keys(path, oci_keys, ROW_CNT(oci_keys), c);
}

/* Below a folder for each of containerd's own namespaces: "k8s.io", "default". */
static bool in_task_folder(const char *folder, struct container *c)
{
	DIR *dir = opendir(folder);
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s/%s/config.json", folder, entry->d_name,
			     c->id) >= (int)sizeof(path))
			continue;
		found = read_keys(path, oci_keys, ROW_CNT(oci_keys), c);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool of_containerd(const char *root, struct container *c)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ROW_CNT(task_folders); i++) {
		snprintf(path, sizeof(path), "%s%s", root, task_folders[i]);
		if (in_task_folder(path, c))
			return true;
	}
	return false;
}

/* "POD_NAMESPACE_NAME-ID.log": no part has a "_". */
static bool take_log_name(struct str file, struct container *c)
{
	static const struct str suffix = STR_LIT(".log");
	struct str pod, namespace;
	size_t tail = 1 + ID_LEN + suffix.len;

	if (file.len <= tail || file.p[file.len - tail] != '-' ||
	    !str_eq(str_make(file.p + file.len - tail + 1, ID_LEN), str_from(c->id)) ||
	    !str_eq(str_make(file.p + file.len - suffix.len, suffix.len), suffix))
		return false;
	file.len -= tail;
	if (!str_next_part(&file, '_', &pod) || !str_next_part(&file, '_', &namespace) ||
	    !take(file, c->name, sizeof(c->name)))
		return false;
	take(pod, c->pod_name, sizeof(c->pod_name));
	take(namespace, c->pod_namespace, sizeof(c->pod_namespace));
	return true;
}

static bool of_kubernetes(const char *root, struct container *c)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	if (!c->pod[0])
		return false;
	snprintf(path, sizeof(path), "%s/var/log/containers", root);
	dir = opendir(path);
	if (!dir)
		return false;
	while (is_trusted(dirfd(dir)) && !found && (entry = readdir(dir)))
		found = take_log_name(str_from(entry->d_name), c);
	closedir(dir);
	return found;
}

void container_name_read(const char *root, struct container *c)
{
	static const struct {
		const char *runtime; /* NULL: all may be tried for any */
		bool (*read)(const char *root, struct container *c);
	} rows[] = {
		{ "docker", of_docker }, { "containerd", of_containerd }, { "podman", of_podman },
		{ "cri-o", of_crio },	 { NULL, of_kubernetes },
	};

	if (!c->id[0])
		return;
	for (size_t i = 0; i < ROW_CNT(rows); i++)
		if ((!c->runtime || !rows[i].runtime || !strcmp(c->runtime, rows[i].runtime)) &&
		    rows[i].read(root, c))
			return;
}

bool container_name_matches(const struct container *c, struct str word)
{
	char full[sizeof(c->name) + sizeof(c->pod_name) + sizeof(c->pod_namespace) + 2];
	struct str text;

	if (!c->name[0])
		return false;
	if (str_eq(str_from(c->name), word))
		return true;
	if (!c->pod_name[0] || str_find(word, '/') < 0)
		return false;
	snprintf(full, sizeof(full), "%s/%s/%s", c->pod_namespace, c->pod_name, c->name);
	text = str_from(full);
	return str_eq(text, word) || (str_eq(str_make(text.p + strlen(c->pod_namespace) + 1,
						      text.len - strlen(c->pod_namespace) - 1),
					     word));
}

void container_names_fill(struct container_names *n, const char *root, struct container *c)
{
	if (!c->id[0])
		return;
	for (unsigned i = 0; i < CONTAINER_NAMES_MAX; i++) {
		if (strcmp(n->known[i].id, c->id) != 0)
			continue;
		*c = n->known[i];
		return;
	}
	container_name_read(root, c);
	n->known[n->next] = *c;
	n->next = (n->next + 1) % CONTAINER_NAMES_MAX;
}
