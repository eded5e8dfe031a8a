/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_APP_PRIORITY_H
#define PLAINTAP_APP_PRIORITY_H

/*
 * For the calling thread, which drains the ring: a full ring loses bytes, and at full speed it
 * fills in a few milliseconds, less than an ordinary thread may have to wait for a busy processor.
 * So it goes before all ordinary threads where that is allowed (it naps between two drains, and the
 * kernel leaves 5 % to the others whatever happens); else it is favoured as far as possible.
 * Threads and processes that it starts are ordinary ones.
 */
void priority_raise(void);

#endif
