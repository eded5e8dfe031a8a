/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "discover/tls_library.h"
#include "model/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct target *t = NULL;
	struct error e = {};

	if (fd < 0)
		return 0;
	if (pwrite(fd, data, size, 0) == (ssize_t)size &&
	    tls_library_examine(fd, "libssl.so.3", &t, &e) == 0) {
		for (size_t i = 0; i < t->point_cnt; i++) {
			if (t->points[i].file_off >= size)
				abort();
		}
		target_free(t);
	}
	close(fd);
	return 0;
}
