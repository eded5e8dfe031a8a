/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of an ordinary user, read by a program that may do more than he. Whatever he does with his
 * folders, nothing is read but a file of his own, nothing waits, and nothing acts on being opened:
 *
 *	- Each folder on the way belongs to root (or to the user that this program runs as) until
 *	  one is the user's; from there on all are.
 *	- A link is followed only where nobody but root could have put it: above the user's folders,
 *	  in a folder that others cannot write.
 *	- Nothing is mounted below the user's first folder: a file system of his own (FUSE) might
 *	  never answer. That folder itself may be one, as homes are; root is let into a user's own
 *	  only where root has allowed that (user_allow_other in fuse.conf).
 */
#ifndef PLAINTAP_DISCOVER_USER_FILE_H
#define PLAINTAP_DISCOVER_USER_FILE_H

#include <sys/types.h>

struct buf;

/*
 * Appends the file `root``path` ("/home/a/x" below `root`, "": "/"), which must be a regular one of
 * `uid` that nobody else may write. -EPERM: another's, or others may write it; -ENXIO: no regular
 * file; -EFBIG: longer than b->max; -EINVAL: "." or ".." in the path; -ELOOP: a link; -EXDEV:
 * something is mounted there; -ENOENT, other -errno.
 */
int user_file_read(const char *root, const char *path, uid_t uid, struct buf *b);

/* A folder of his, opened to be listed and closed. The same errors; -ENOTDIR. */
int user_folder_open(const char *root, const char *path, uid_t uid);

#endif
