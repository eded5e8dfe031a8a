// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is read, by runtime:
 *
 *	docker	     containers/ID/config.v2.json in /var/lib/docker or where daemon.json says
 *	podman	     containers.json, and volatile-containers.json for those of --rm
 *	containerd   the container's config.json: the annotations of its CRI plugin, or of nerdctl
 *	cri-o	     the same, with annotations of its own
 *	Kubernetes   the names of the kubelet's links to logs, where those tell nothing
 *
 * Of a user's own containers ("rootless") the first three, in ~/.local/share, ~/.config/docker and
 * /run/user/UID (where rootless containerd's /run/containerd really is). His home is what
 * /etc/passwd says: to ask the C library could ask the network, for one user after the other.
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
#include "user_file.h"

/* What users make plaintap read takes its time from all, so theirs is the sum for a container. */
enum { NAME_FILE_MAX = 4 << 20, USER_FILES_MAX = 1 << 20, ID_LEN = 64, FOLDER_MAX = 256 };

/* Whose files are read, and where they are. */
struct place {
	const char *root; /* "": "/" */
	uid_t owner;	  /* 0: the system's */
	char home[1024];  /* of the owner; "": not known, or the system's */
	size_t left;	  /* of USER_FILES_MAX */
};

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

static void init_buf(struct buf *b, const struct place *p)
{
	buf_init(b, p->owner ? p->left : NAME_FILE_MAX);
}

static bool read_believed(struct place *p, const char *path, struct buf *b)
{
	char full[2 * PATH_MAX];
	int r;

	if (p->owner) {
		r = user_file_read(p->root, path, p->owner, b);
		p->left -= b->len;
		return r == 0;
	}
	snprintf(full, sizeof(full), "%s%s", p->root, path);
	return read_trusted(full, b);
}

static DIR *open_folder(struct place *p, const char *path)
{
	char full[2 * PATH_MAX];
	DIR *dir;
	int fd;

	if (!p->owner) {
		snprintf(full, sizeof(full), "%s%s", p->root, path);
		return opendir(full);
	}
	fd = user_folder_open(p->root, path, p->owner);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* The file and what it says; `keys` are tried one after the other. */
static bool read_keys(struct place *p, const char *path, const struct name_keys *keys, size_t cnt,
		      struct container *c)
{
	bool found = false;
	struct buf b;

	init_buf(&b, p);
	if (read_believed(p, path, &b))
		for (size_t i = 0; !found && i < cnt; i++)
			found = take_keys(str_make(b.data, b.len), &keys[i], c);
	buf_done(&b);
	return found;
}

static void docker_folder(struct place *p, char *to, size_t size)
{
	static const char *const keys[] = { "data-root", NULL };
	char path[PATH_MAX];
	struct str folder;
	struct buf b;

	snprintf(to, size, "%s%s", p->home, p->owner ? "/.local/share/docker" : "/var/lib/docker");
	snprintf(path, sizeof(path), "%s%s", p->home,
		 p->owner ? "/.config/docker/daemon.json" : "/etc/docker/daemon.json");
	init_buf(&b, p);
	if (read_believed(p, path, &b) && json_scan_find(str_make(b.data, b.len), keys, &folder) &&
	    folder.len < size)
		snprintf(to, size, "%.*s", STR_FMT(folder));
	buf_done(&b);
}

static bool of_docker(struct place *p, struct container *c)
{
	char folder[PATH_MAX / 2], path[PATH_MAX];

	if (p->owner && !p->home[0])
		return false;
	docker_folder(p, folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/containers/%s/config.v2.json", folder, c->id);
	return read_keys(p, path, &docker_keys, 1, c);
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

/* By what keeps the layers, which the storage is configured for. */
static bool in_podman_storage(struct place *p, const char *storage, struct container *c)
{
	static const char *const drivers[] = { "overlay", "vfs", "btrfs" };
	static const char *const files[] = { "containers.json", "volatile-containers.json" };
	char path[PATH_MAX];
	bool found = false;

	for (size_t i = 0; !found && i < ROW_CNT(drivers) * ROW_CNT(files); i++) {
		struct buf b;

		snprintf(path, sizeof(path), "%s/%s-containers/%s", storage,
			 drivers[i / ROW_CNT(files)], files[i % ROW_CNT(files)]);
		init_buf(&b, p);
		found = read_believed(p, path, &b) && find_in_list(str_make(b.data, b.len), c);
		buf_done(&b);
	}
	return found;
}

/* Containers that do not outlive the machine's run ("transient") may be in the second. */
static bool of_podman(struct place *p, struct container *c)
{
	char storage[PATH_MAX / 2], brief[PATH_MAX / 2] = "/run/containers/storage";

	snprintf(storage, sizeof(storage), "%s%s", p->home,
		 p->owner ? "/.local/share/containers/storage" : "/var/lib/containers/storage");
	if (p->owner)
		snprintf(brief, sizeof(brief), "/run/user/%u/containers", (unsigned)p->owner);
	return ((!p->owner || p->home[0]) && in_podman_storage(p, storage, c)) ||
	       in_podman_storage(p, brief, c);
}

static bool of_crio(struct place *p, struct container *c)
{
	char path[PATH_MAX];

	if (p->owner)
		return false;
	snprintf(path, sizeof(path),
		 "/run/containers/storage/overlay-containers/%s/userdata/config.json", c->id);
	return read_keys(p, path, oci_keys, ROW_CNT(oci_keys), c);
}

/* Below a folder for each of containerd's own namespaces: "k8s.io", "default". */
static bool in_task_folder(struct place *p, const char *state, struct container *c)
{
	char folder[PATH_MAX / 2], path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/io.containerd.runtime.v2.task", state);
	dir = open_folder(p, folder);
	for (unsigned i = 0; dir && !found && i < FOLDER_MAX && (entry = readdir(dir)); i++) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s/config.json", folder, entry->d_name, c->id);
		found = read_keys(p, path, oci_keys, ROW_CNT(oci_keys), c);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool of_containerd(struct place *p, struct container *c)
{
	char state[64];

	if (!p->owner)
		return in_task_folder(p, "/run/containerd", c) ||
		       in_task_folder(p, "/run/k3s/containerd", c);
	snprintf(state, sizeof(state), "/run/user/%u/containerd", (unsigned)p->owner);
	return in_task_folder(p, state, c);
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

static bool of_kubernetes(struct place *p, struct container *c)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	if (!c->pod[0] || p->owner)
		return false;
	dir = open_folder(p, "/var/log/containers");
	if (!dir)
		return false;
	while (is_trusted(dirfd(dir)) && !found && (entry = readdir(dir)))
		found = take_log_name(str_from(entry->d_name), c);
	closedir(dir);
	return found;
}

/* "NAME:PASSWORD:UID:GID:COMMENT:HOME:SHELL" */
static bool home_of_line(struct str line, uid_t uid, struct str *ret)
{
	struct str fields[6];
	uint64_t number;

	for (size_t i = 0; i < ROW_CNT(fields); i++)
		if (!str_next_part(&line, ':', &fields[i]))
			return false;
	*ret = fields[5];
	return str_to_u64(fields[2], 10, &number) == 0 && number == uid;
}

static void find_home(struct place *p)
{
	struct place system = { .root = p->root };
	struct str rest, line, home;
	struct buf b;

	init_buf(&b, &system);
	if (read_believed(&system, "/etc/passwd", &b)) {
		rest = str_make(b.data, b.len);
		while (str_next_part(&rest, '\n', &line)) {
			if (!home_of_line(line, p->owner, &home))
				continue;
			if (home.len < sizeof(p->home))
				snprintf(p->home, sizeof(p->home), "%.*s", STR_FMT(home));
			break;
		}
	}
	buf_done(&b);
}

static void read_name(struct place *p, struct container *c)
{
	static const struct {
		const char *runtime; /* NULL: all may be tried for any */
		bool (*read)(struct place *p, struct container *c);
	} rows[] = {
		{ "docker", of_docker }, { "containerd", of_containerd }, { "podman", of_podman },
		{ "cri-o", of_crio },	 { NULL, of_kubernetes },
	};

	for (size_t i = 0; i < ROW_CNT(rows); i++)
		if ((!c->runtime || !rows[i].runtime || !strcmp(c->runtime, rows[i].runtime)) &&
		    rows[i].read(p, c))
			return;
}

bool container_is_of_system(const struct container *c)
{
	return !c->owner || c->owner == geteuid();
}

void container_name_read(const char *root, struct container *c)
{
	struct place p = { .root = root };

	if (!c->id[0] || c->owner == CONTAINER_OWNER_UNKNOWN)
		return;
	if (c->owner) {
		p.owner = c->owner;
		p.left = USER_FILES_MAX;
		find_home(&p);
		read_name(&p, c);
	}
	if (!c->name[0] && container_is_of_system(c)) {
		p = (struct place){ .root = root };
		read_name(&p, c);
	}
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
		if (n->known[i].owner != c->owner || strcmp(n->known[i].id, c->id) != 0)
			continue;
		*c = n->known[i];
		return;
	}
	container_name_read(root, c);
	n->known[n->next] = *c;
	n->next = (n->next + 1) % CONTAINER_NAMES_MAX;
}
