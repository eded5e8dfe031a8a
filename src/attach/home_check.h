/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_ATTACH_HOME_CHECK_H
#define PLAINTAP_ATTACH_HOME_CHECK_H

#include <stdbool.h>

/*
 * Does a uprobe multi link with a pid see all threads of that process, also when its first one has
 * ended, and no other process? Kernels from 6.6 on have such links, and for some years they did
 * not. Found by doing, in a child process of our own.
 */
bool home_check_links(void);

#endif
