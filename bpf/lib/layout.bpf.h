/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a TLS library's object says of its connection, read where its own functions would read it
 * (src/discover/accessors.h). All of it is the program's memory: any of it may be unreadable or
 * wrong.
 */
#ifndef PLAINTAP_BPF_LAYOUT_H
#define PLAINTAP_BPF_LAYOUT_H

#include "conn_info.h"
#include "kernel.bpf.h"

/* Key: target; 0: of connections whose target is not known. Filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct conn_layout);
} layouts SEC(".maps");

/* Numbers of the library's public interface. */
enum {
	BIO_DESCRIPTOR = 0x0100,
	BIO_FILTER = 0x0200,
	BIO_ACCEPT = 0x050d,
	BIO_CHAIN_MAX = 4,
};

/* False: not known or not readable; then *ret is 0. */
static __noinline bool layout_read(const struct conn_layout *layout, u32 field, u64 object,
				   u64 *ret)
{
	const struct layout_place *place;
	u64 addr = object, step;

	if (!layout || !ret || field >= LAYOUT_FIELD_CNT)
		return false;
	*ret = 0;
	place = &layout->places[field];
	step = place->steps[0];
	if (!object || !place->step_cnt)
		return false;
	if (place->step_cnt == 2) {
		if (bpf_probe_read_user(&addr, sizeof(addr), (void *)(addr + step)) || !addr)
			return false;
		step = place->steps[1];
	}
	addr += step;
	if (place->len == 8)
		return !bpf_probe_read_user(ret, 8, (void *)addr);
	return !bpf_probe_read_user(ret, 4, (void *)addr);
}

/* Not a QUIC connection or stream, whose objects have other fields. */
static __always_inline bool layout_fits(const struct conn_layout *layout, u64 object)
{
	u32 type = 0;

	if (!layout->has_type)
		return true;
	return !bpf_probe_read_user(&type, sizeof(type), (void *)(object + layout->type_offset)) &&
	       type == layout->type_value;
}

/* The descriptor that the object reads from or writes to; -1: none that is known. */
static __always_inline int layout_fd(const struct conn_layout *layout, u64 object, u8 dir)
{
	u64 bio = 0, type = 0, init = 0, num = 0;

	layout_read(layout, dir == REC_SENT ? LAYOUT_WBIO : LAYOUT_RBIO, object, &bio);
	for (u32 i = 0; i < BIO_CHAIN_MAX; i++) {
		if (!layout_read(layout, LAYOUT_BIO_TYPE, bio, &type))
			return -1;
		if (!(type & BIO_FILTER))
			break;
		layout_read(layout, LAYOUT_BIO_NEXT, bio, &bio);
	}
	if (!(type & BIO_DESCRIPTOR) || type & BIO_FILTER || type == BIO_ACCEPT)
		return -1;
	if (!layout_read(layout, LAYOUT_BIO_INIT, bio, &init) || !init)
		return -1;
	return layout_read(layout, LAYOUT_BIO_NUM, bio, &num) ? (int)num : -1;
}

static __always_inline void layout_cipher(const struct conn_layout *layout, u64 object,
					  struct rec_conn_info *ret)
{
	u64 cipher, id;

	if (!layout_read(layout, LAYOUT_CIPHER, object, &cipher) ||
	    !layout_read(layout, LAYOUT_CIPHER_ID, cipher, &id))
		return;
	ret->cipher = id;
	ret->known |= CONN_KNOWS_CIPHER;
}

static __always_inline void layout_alpn(const struct conn_layout *layout, u64 object,
					struct rec_conn_info *ret)
{
	u64 alpn, len;

	if (!layout_read(layout, LAYOUT_ALPN, object, &alpn) || !alpn ||
	    !layout_read(layout, LAYOUT_ALPN_LEN, object, &len))
		return;
	/* The compiler must not reason that the test is never true. */
	asm volatile("" : "+r"(len));
	if (!len || len > REC_ALPN_MAX || bpf_probe_read_user(ret->alpn, len, (void *)alpn))
		return;
	ret->alpn_len = len;
	ret->known |= CONN_KNOWS_ALPN;
}

static __always_inline void layout_server_name(const struct conn_layout *layout, u64 object,
					       struct rec_conn_info *ret)
{
	u64 name;

	if (layout_read(layout, LAYOUT_SERVER_NAME, object, &name) && name &&
	    bpf_probe_read_user_str(ret->server_name, sizeof(ret->server_name), (void *)name) > 1)
		ret->known |= CONN_KNOWS_SERVER_NAME;
}

/* All that the object says, but for its socket. */
static __always_inline void layout_describe(const struct conn_layout *layout, u64 object,
					    struct rec_conn_info *ret)
{
	u64 value;

	if (layout_read(layout, LAYOUT_VERSION, object, &value)) {
		ret->version = value;
		ret->known |= CONN_KNOWS_VERSION;
	}
	if (layout_read(layout, LAYOUT_IS_SERVER, object, &value)) {
		ret->is_server = value != 0;
		ret->known |= CONN_KNOWS_ROLE;
	}
	layout_cipher(layout, object, ret);
	layout_alpn(layout, object, ret);
	layout_server_name(layout, object, ret);
}

#endif
