// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names that are understood, one component of the path each:
 *
 *	docker-ID.scope, libpod-ID.scope …    systemd makes the group
 *	docker/ID, libpod_parent/libpod-ID    the runtime makes it itself
 *	NAME.service/libpod-payload-ID	      podman --cgroups=split, as its units (Quadlet) have it
 *	SLICE:cri-containerd:ID               a systemd name without systemd
 *	kubepods-burstable-podUID.slice       a pod, "_" for "-" in the uid
 *	pod<UID>                              the same, made by the kubelet itself
 *	NAME.service, NAME.scope              a systemd unit
 *
 * The innermost container counts, as containers nest (Docker in Docker, kind). Units count only
 * behind it: those before it are the runtime's, but where the container is what the unit runs.
 */
#include "cgroup.h"

#include <stdio.h>

enum { ID_LEN = 64, UUID_LEN = 36, STATIC_POD_LEN = 32 };

static const struct str split_prefix = STR_LIT("libpod-payload-");

/* The first that fits counts. */
static const struct {
	struct str prefix; /* of a component, before the id */
	const char *runtime;
} container_rows[] = {
	{ STR_LIT("docker-"), "docker" },      { STR_LIT("cri-containerd-"), "containerd" },
	{ STR_LIT("nerdctl-"), "containerd" }, { STR_LIT("libpod-payload-"), "podman" },
	{ STR_LIT("libpod-"), "podman" },      { STR_LIT("crio-"), "cri-o" },
};

/* Kinds of units that have processes. */
static const struct str unit_suffixes[] = {
	STR_LIT(".service"), STR_LIT(".scope"), STR_LIT(".socket"),
	STR_LIT(".mount"),   STR_LIT(".swap"),
};

#define ROW_CNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct str tail(struct str s, size_t from)
{
	return str_make(s.p + from, s.len - from);
}

static bool ends_with(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(tail(s, s.len - suffix.len), suffix);
}

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.len > 0;
}

/* "ID" or "ID.scope"; returns the id, or nothing. */
static struct str container_id(struct str s)
{
	struct str id = str_make(s.p, s.len < ID_LEN ? s.len : ID_LEN);

	if (id.len < ID_LEN || !is_hex(id))
		return (struct str){ 0 };
	if (s.len > ID_LEN && !str_eq(tail(s, ID_LEN), STR_LIT(".scope")))
		return (struct str){ 0 };
	return id;
}

/* "docker-ID.scope", "docker:ID"; `separator` is what stands for the last "-" of the prefix. */
static struct str prefixed_id(struct str s, char separator, const char **ret_runtime)
{
	for (size_t i = 0; i < ROW_CNT(container_rows); i++) {
		struct str name = str_make(container_rows[i].prefix.p,
					   container_rows[i].prefix.len - 1);

		if (s.len > name.len && str_starts_with(s, name) && s.p[name.len] == separator) {
			*ret_runtime = container_rows[i].runtime;
			return container_id(tail(s, name.len + 1));
		}
	}
	return (struct str){ 0 };
}

static bool take_container(struct str component, struct str parent, struct cgroup *ret)
{
	int64_t colon = str_find(component, ':');
	const char *runtime = NULL;
	struct str id;

	if (colon >= 0)
		id = prefixed_id(tail(component, (size_t)colon + 1), ':', &runtime);
	else
		id = prefixed_id(component, '-', &runtime);
	if (!id.len && component.len == ID_LEN) {
		id = container_id(component);
		runtime = str_eq(parent, STR_LIT("docker")) ? "docker" : NULL;
	}
	if (!id.len)
		return false;
	ret->container.runtime = runtime;
	snprintf(ret->container.id, sizeof(ret->container.id), "%.*s", STR_FMT(id));
	ret->place = ret->path;
	ret->place.len = (size_t)(component.p - ret->path.p);
	while (ret->place.len && ret->place.p[ret->place.len - 1] == '/')
		ret->place.len--;
	return true;
}

/* A UUID with "-" or "_", or the hash that stands for one in pods of the kubelet's own files. */
static bool is_pod_uid(struct str s)
{
	if (s.len == STATIC_POD_LEN)
		return is_hex(s);
	if (s.len != UUID_LEN)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-' && s.p[i] != '_' : !is_hex(str_make(s.p + i, 1)))
			return false;
	}
	return true;
}

/* "podUID" (below a folder "kubepods"), or "…kubepods…-podUID.slice". */
static void take_pod(struct str component, bool in_kubepods, struct cgroup *ret)
{
	static const struct str slice = STR_LIT(".slice"), pod = STR_LIT("pod");
	bool is_slice = ends_with(component, slice);
	struct str uid;

	if (is_slice)
		component.len -= slice.len;
	for (size_t len = STATIC_POD_LEN; len <= UUID_LEN; len += UUID_LEN - STATIC_POD_LEN) {
		if (component.len < len + pod.len)
			continue;
		uid = tail(component, component.len - len);
		if (!is_pod_uid(uid) ||
		    !ends_with(str_make(component.p, component.len - len), pod) ||
		    (!is_slice && component.len != len + pod.len) || !in_kubepods)
			continue;
		snprintf(ret->container.pod, sizeof(ret->container.pod), "%.*s", STR_FMT(uid));
		for (char *c = ret->container.pod; *c; c++)
			if (*c == '_')
				*c = '-';
	}
}

static bool mentions_kubepods(struct str component)
{
	static const struct str word = STR_LIT("kubepods");

	for (size_t i = 0; i + word.len <= component.len; i++)
		if (str_starts_with(tail(component, i), word))
			return true;
	return false;
}

static bool is_unit(struct str component)
{
	for (size_t i = 0; i < ROW_CNT(unit_suffixes); i++)
		if (component.len > unit_suffixes[i].len && ends_with(component, unit_suffixes[i]))
			return true;
	return false;
}

static void parse_path(struct str path, struct cgroup *ret)
{
	struct str rest = path, component, parent = { 0 };
	bool in_kubepods = false;

	*ret = (struct cgroup){ .path = path };
	for (; str_next_part(&rest, '/', &component); parent = component) {
		struct str slice = component;
		int64_t colon = str_find(component, ':');

		if (colon >= 0)
			slice.len = (size_t)colon;
		in_kubepods |= mentions_kubepods(slice);
		take_pod(slice, in_kubepods, ret);
		if (!take_container(component, parent, ret)) {
			if (is_unit(component))
				ret->unit = component;
		} else if (!str_starts_with(component, split_prefix)) {
			ret->unit = (struct str){ 0 };
		}
	}
}

bool cgroup_line_parse(struct str line, struct cgroup_line *ret)
{
	static const struct str deleted = STR_LIT(" (deleted)");
	int64_t first = str_find(line, ':'), second;
	uint64_t number;

	if (first < 0 || str_to_u64(str_make(line.p, (size_t)first), 10, &number) < 0)
		return false;
	line = tail(line, (size_t)first + 1);
	second = str_find(line, ':');
	if (second < 0)
		return false;
	ret->number = (uint32_t)number;
	ret->controllers = str_make(line.p, (size_t)second);
	ret->path = tail(line, (size_t)second + 1);
	if (ends_with(ret->path, deleted))
		ret->path.len -= deleted.len;
	return ret->path.len > 0 && ret->path.p[0] == '/';
}

/* How much a line is worth; see the header. */
static unsigned rank(struct str controllers, const struct cgroup *c)
{
	unsigned value = c->path.len > 1 ? 3 : 0;

	if (str_eq(controllers, STR_LIT("name=systemd")))
		value += 2;
	else if (!controllers.len)
		value += 1;
	return value + (c->container.id[0] ? 6 : 0);
}

void cgroup_parse(struct str text, struct cgroup *ret)
{
	struct cgroup_line fields;
	unsigned best = 0;
	struct str line;

	*ret = (struct cgroup){ 0 };
	while (str_next_part(&text, '\n', &line)) {
		struct cgroup c;

		if (!cgroup_line_parse(line, &fields))
			continue;
		parse_path(fields.path, &c);
		if (!ret->path.len || rank(fields.controllers, &c) > best) {
			best = rank(fields.controllers, &c);
			*ret = c;
		}
	}
}
