/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Stand-ins for calls of kernel functions, until user space knows the functions' ids. */
#ifndef PLAINTAP_ABI_KFUNC_NUMBERS_H
#define PLAINTAP_ABI_KFUNC_NUMBERS_H

/* Far above any helper's number. */
enum {
	KFUNC_NUMBER_SESSION_IS_RETURN = 0x504c5401,
	KFUNC_NUMBER_SESSION_COOKIE = 0x504c5402,
	KFUNC_NUMBER_READ_USER_DYNPTR = 0x504c5403,
};

#endif
