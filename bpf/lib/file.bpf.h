/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which file a descriptor of the running program stands for. */
#ifndef PLAINTAP_BPF_FILE_H
#define PLAINTAP_BPF_FILE_H

#include "kernel.bpf.h"
#include "records.h"

/*
 * A file system that is a program, perhaps the very one that is stopped: what is asked of it may
 * never be answered, so its files count as not known.
 */
enum { FUSE_MAGIC = 0x65735546 };

/* NULL: none. */
static __always_inline struct file *file_of_fd(u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = NULL;

	if (!table || fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

/* False: none, or it cannot be told; then *ret is as it was. */
static __always_inline bool file_identify(u32 fd, struct file_id *ret)
{
	struct file *file = file_of_fd(fd);
	struct inode *inode;

	inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	if (!inode || BPF_CORE_READ(inode, i_sb, s_magic) == FUSE_MAGIC)
		return false;
	ret->ino = BPF_CORE_READ(inode, i_ino);
	ret->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	ret->generation = BPF_CORE_READ(inode, i_generation);
	return true;
}

#endif
