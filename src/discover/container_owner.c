// SPDX-License-Identifier: BSD-2-Clause
#include "container_owner.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cgroup.h"

/* Any user counts before root: what he may write in one hierarchy is not root's in another. */
static uid_t join(uid_t a, uid_t b)
{
	if (!a || a == b)
		return b;
	return b ? CONTAINER_OWNER_UNKNOWN : a;
}

/* Of "user-UID.slice"; 0: it is no user's. */
static uid_t uid_of_slice(struct str slice)
{
	static const struct str before = STR_LIT("user-"), after = STR_LIT(".slice");
	struct str digits;
	uint64_t uid;

	if (!str_starts_with(slice, before) || slice.len <= before.len + after.len)
		return 0;
	digits = str_make(slice.p + before.len, slice.len - before.len - after.len);
	if (!str_eq(str_make(digits.p + digits.len, after.len), after) ||
	    str_to_u64(digits, 10, &uid) < 0 || uid >= CONTAINER_OWNER_UNKNOWN)
		return 0;
	return (uid_t)uid;
}

/*
 * "/user.slice/user-UID.slice/user@UID.service/…" is what systemd gives to the user; from a
 * namespace of groups it is seen behind "/..".
 */
static uid_t owner_by_name(struct str place)
{
	struct str top = { 0 }, slice, service;
	char want[64];
	uid_t uid;

	while ((!top.len || str_eq(top, STR_LIT(".."))) && str_next_part(&place, '/', &top))
		;
	if (!str_eq(top, STR_LIT("user.slice")) || !str_next_part(&place, '/', &slice) ||
	    !str_next_part(&place, '/', &service))
		return 0;
	uid = uid_of_slice(slice);
	snprintf(want, sizeof(want), "user@%u.service", (unsigned)uid);
	return str_eq(service, str_from(want)) ? uid : 0;
}

/* Of the folder or, if it was removed, of the one above it that is there. */
static uid_t owner_of_folder(char *folder, size_t top)
{
	struct stat st;

	while (stat(folder, &st) < 0) {
		char *slash = strrchr(folder, '/');

		if ((errno != ENOENT && errno != ENOTDIR) || !slash ||
		    (size_t)(slash - folder) < top)
			return CONTAINER_OWNER_UNKNOWN;
		*slash = '\0';
	}
	return st.st_mode & 022 ? CONTAINER_OWNER_UNKNOWN : st.st_uid;
}

uid_t container_owner_find(const struct hierarchies *h, const char *group)
{
	char text[PATH_MAX + 8], folder[PATH_MAX];
	struct cgroup parsed;
	uid_t owner;
	int len = snprintf(text, sizeof(text), "0::%s", group);

	if (len >= (int)sizeof(text))
		return CONTAINER_OWNER_UNKNOWN;
	cgroup_parse(str_make(text, (size_t)len), &parsed);
	if (!parsed.container.id[0])
		return 0;
	owner = owner_by_name(parsed.place);
	for (size_t i = 0; i < h->cnt; i++)
		if (hierarchy_folder(&h->rows[i], parsed.place, folder, sizeof(folder)))
			owner = join(owner, owner_of_folder(folder, strlen(h->rows[i].mount)));
	return owner;
}
