/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcrypto beside libssl: it is not probed, but its functions tell where a BIO keeps its socket
 * (accessors.h). Which one belongs to a target is told by the name that the target needs.
 */
#ifndef PLAINTAP_DISCOVER_CRYPTO_LIBRARY_H
#define PLAINTAP_DISCOVER_CRYPTO_LIBRARY_H

#include <stdbool.h>

struct target;
struct target_list;

/* Is a file of this name (or path) a libcrypto? */
bool crypto_library_name_matches(const char *path);

/*
 * Completes the layout and the version of those targets that need the library that is open as `fd`
 * and have not been completed. A file that cannot be read completes nothing.
 */
void crypto_library_complete(int fd, const char *path, struct target_list *list);

/* The same with the library that lies in the target's own folder. */
void crypto_library_complete_beside(struct target *t);

#endif
