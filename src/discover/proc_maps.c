/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc_maps.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "discover/open_file.h"

#define FIELD_SEP ' '

enum { MAPS_MAX = 64 << 20 /* bytes of maps text */ };

int proc_maps_read(const char *proc_root, pid_t pid, struct buf *text)
{
	char path[PATH_MAX];

	buf_init(text, MAPS_MAX);
	snprintf(path, sizeof(path), "%s/%d/maps", proc_root, (int)pid);
	return read_file(path, text);
}

static int parse_hex(struct str s, uint64_t *ret)
{
	return str_to_u64(s, 16, ret);
}

/* "a<sep>b" in hexadecimal. */
static int parse_pair(struct str s, char sep, uint64_t *ret_a, uint64_t *ret_b)
{
	int64_t at = str_find(s, sep);

	if (at < 0)
		return -EINVAL;
	if (parse_hex(str_make(s.p, (size_t)at), ret_a) < 0)
		return -EINVAL;
	return parse_hex(str_make(s.p + at + 1, s.len - (size_t)at - 1), ret_b);
}

static int parse_numbers(struct str *line, struct proc_map *m)
{
	struct str range, perms, off, dev, ino;
	uint64_t major, minor;

	if (!str_next_part(line, FIELD_SEP, &range) || !str_next_part(line, FIELD_SEP, &perms) ||
	    !str_next_part(line, FIELD_SEP, &off) || !str_next_part(line, FIELD_SEP, &dev) ||
	    !str_next_part(line, FIELD_SEP, &ino))
		return -EBADMSG;
	if (parse_pair(range, '-', &m->start, &m->end) < 0 || m->start >= m->end ||
	    perms.len != 4 || parse_hex(off, &m->off) < 0 ||
	    parse_pair(dev, ':', &major, &minor) < 0 || major > UINT32_MAX || minor > UINT32_MAX ||
	    str_to_u64(ino, 10, &m->ino) < 0)
		return -EBADMSG;
	m->readable = perms.p[0] == 'r';
	m->executable = perms.p[2] == 'x';
	m->dev_major = (unsigned)major;
	m->dev_minor = (unsigned)minor;
	return 0;
}

int proc_maps_next(struct str *rest, struct proc_map *ret)
{
	static const struct str deleted = { " (deleted)", sizeof(" (deleted)") - 1 };
	struct proc_map m = {};
	struct str line;

	if (!str_next_part(rest, '\n', &line))
		return 0;
	if (parse_numbers(&line, &m) < 0)
		return -EBADMSG;
	/* The kernel pads up to the path; a path itself begins with '/' or '['. */
	while (line.len > 0 && line.p[0] == ' ') {
		line.p++;
		line.len--;
	}
	if (line.len > deleted.len && line.p[0] == '/' &&
	    memcmp(line.p + line.len - deleted.len, deleted.p, deleted.len) == 0) {
		line.len -= deleted.len;
		m.deleted = true;
	}
	m.path = line;
	*ret = m;
	return 1;
}

char *proc_map_path(const struct proc_map *m)
{
	char *path = str_dup(m->path);
	char *to = path;

	/* Only the newline is escaped; a backslash stands for itself. */
	for (const char *from = path; path && *from;) {
		if (strncmp(from, "\\012", 4) == 0) {
			*to++ = '\n';
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	if (to)
		*to = '\0';
	return path;
}
