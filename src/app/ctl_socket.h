/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Unix socket by which a running plaintap takes orders: one connection, one line, one answer.
 *
 *	> add-pid 4711\n          < ok\n            < error\n
 *	                          < (text)          < (one sentence)\n
 *
 * Only root and the user that plaintap runs as are served. Nothing that a peer does or leaves out
 * makes the server wait: who is slow is cut off.
 */
#ifndef PLAINTAP_APP_CTL_SOCKET_H
#define PLAINTAP_APP_CTL_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum {
	CTL_LINE_MAX = 256, /* bytes of an order, with its line feed */
	CTL_ANSWER_MAX = 1 << 20,
	CTL_CLIENT_MAX = 8, /* at a time; others wait in the kernel's queue */
};
/* From connecting until the answer has been taken. */
#define CTL_TIMEOUT_NS UINT64_C(2000000000)

/* Where the sockets are unless said otherwise, each <pid>.sock. */
#define CTL_FOLDER "/run/plaintap"

struct ctl_socket;

/*
 * Listens at `path`, or with NULL at the usual place. A socket there that nobody listens to is
 * replaced. -EADDRINUSE: somebody does; -EEXIST: a file is there; -ENAMETOOLONG; -EPERM: the folder
 * is not ours alone; -errno.
 */
int ctl_socket_open(const char *path, struct ctl_socket **ret, struct error *ret_error);
/* Same, for a test: the folder of the usual place. */
int ctl_socket_open_in(const char *folder, struct ctl_socket **ret, struct error *ret_error);
/* Removes the socket. NULL is fine. */
void ctl_socket_close(struct ctl_socket *s);

/* Readable when there is something to do. */
int ctl_socket_fd(const struct ctl_socket *s);
const char *ctl_socket_path(const struct ctl_socket *s);

/* Answers an order: appends to `answer`; negative: *ret_error is the answer. */
typedef int (*ctl_order_fn)(void *user, struct str order, struct buf *answer,
			    struct error *ret_error);
/* Does what can be done without waiting; to be called often. */
void ctl_socket_serve(struct ctl_socket *s, uint64_t now_ns, ctl_order_fn fn, void *user);

#endif
