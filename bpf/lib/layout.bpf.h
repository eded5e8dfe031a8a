/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a TLS library's object says of its connection, read where its own functions would read it
 * (src/discover/accessors.h). All of it is the program's memory: any of it may be unreadable or
 * wrong.
 */
#ifndef PLAINTAP_BPF_LAYOUT_H
#define PLAINTAP_BPF_LAYOUT_H

#include "conn_record.h"
#include "kernel.bpf.h"

/* Key: target; 0: of connections whose target is not known. Filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct conn_layout);
} layouts SEC(".maps");

/* BIOs from the object's to the one with the descriptor. */
enum { BIO_CHAIN_MAX = 4 };

/* As on the wire; DTLS counts the other way round. */
enum { TLS_1_3 = 0x0304 };

#define LAYOUT_UNKNOWN ((u64)-1)

/* NULL: not known. */
static __always_inline const struct layout_place *layout_place_of(u32 target, u32 field)
{
	const struct conn_layout *layout = bpf_map_lookup_elem(&layouts, &target);
	u64 index = field;

	/* The test and the use must be of one register. */
	asm volatile("" : "+r"(index));
	if (!layout || index >= LAYOUT_FIELD_CNT || !layout->places[index].step_cnt)
		return NULL;
	return &layout->places[index];
}

/* 0: not readable. */
static __always_inline u64 layout_follow(const struct layout_place *place, u64 object)
{
	u64 addr = object;

	if (place->step_cnt != 2)
		return addr + place->steps[0];
	if (bpf_probe_read_user(&addr, sizeof(addr), (void *)(addr + place->steps[0])) || !addr)
		return 0;
	return addr + place->steps[1];
}

/*
 * LAYOUT_UNKNOWN: not known or not readable. A global function, and so with numbers only: the
 * verifier looks at it once and not at every call.
 */
__noinline u64 layout_read(u32 target, u32 field, u64 object)
{
	const struct layout_place *place = layout_place_of(target, field);
	u64 addr, value = 0;
	long r;

	if (!place || !object)
		return LAYOUT_UNKNOWN;
	addr = layout_follow(place, object);
	if (place->len == 8)
		r = bpf_probe_read_user(&value, 8, (void *)addr);
	else
		r = bpf_probe_read_user(&value, 4, (void *)addr);
	return r ? LAYOUT_UNKNOWN : value;
}

/* Its address; 0: not known. Global as well. */
__noinline u64 layout_find(u32 target, u32 field, u64 object)
{
	const struct layout_place *place = layout_place_of(target, field);

	return place && object ? layout_follow(place, object) : 0;
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

/* The descriptor that the object reads from or writes to; -1: none that is known. Global, too. */
__noinline int layout_fd(u32 target, u64 object, u32 dir)
{
	u64 bio = layout_read(target, dir == REC_SENT ? LAYOUT_WBIO : LAYOUT_RBIO, object);
	u64 type = LAYOUT_UNKNOWN, init;

	for (u32 i = 0; i < BIO_CHAIN_MAX; i++) {
		type = layout_read(target, LAYOUT_BIO_TYPE, bio);
		if (type == LAYOUT_UNKNOWN || !(type & LAYOUT_BIO_FILTER))
			break;
		bio = layout_read(target, LAYOUT_BIO_NEXT, bio);
	}
	if (!(type & LAYOUT_BIO_DESCRIPTOR) || type & LAYOUT_BIO_FILTER ||
	    type == LAYOUT_BIO_ACCEPT)
		return -1;
	init = layout_read(target, LAYOUT_BIO_INIT, bio);
	if (!init || init == LAYOUT_UNKNOWN)
		return -1;
	return layout_read(target, LAYOUT_BIO_NUM, bio);
}

/* Does it read from memory, by what its BIO says of itself? */
static __always_inline bool layout_is_memory(u32 target, u64 object)
{
	u64 bio = layout_read(target, LAYOUT_RBIO, object);
	u64 type = layout_read(target, LAYOUT_BIO_TYPE, bio);

	return type == LAYOUT_BIO_MEM || type == LAYOUT_BIO_PAIR;
}

static __always_inline void layout_cipher(u32 target, u64 object, struct rec_conn_info *ret)
{
	u64 cipher = layout_read(target, LAYOUT_CIPHER, object);
	u64 id = layout_read(target, LAYOUT_CIPHER_ID, cipher);

	if (id == LAYOUT_UNKNOWN)
		return;
	ret->cipher = id;
	ret->known |= CONN_KNOWS_CIPHER;
}

static __always_inline void layout_alpn(u32 target, u64 object, struct rec_conn_info *ret)
{
	u64 alpn = layout_read(target, LAYOUT_ALPN, object);
	u64 len = layout_read(target, LAYOUT_ALPN_LEN, object);

	/* The compiler must not reason that the test is never true. */
	asm volatile("" : "+r"(len));
	if (!alpn || !len || len > REC_ALPN_MAX ||
	    bpf_probe_read_user(ret->alpn, len, (void *)alpn))
		return;
	ret->alpn_len = len;
	ret->known |= CONN_KNOWS_ALPN;
}

static __always_inline void layout_server_name(u32 target, u64 object, struct rec_conn_info *ret)
{
	u64 name = layout_read(target, LAYOUT_SERVER_NAME, object);

	/* A server that resumes a session of TLS 1.2 or before leaves the name there. */
	if (!name && ret->is_server && ret->version && ret->version < TLS_1_3)
		name = layout_read(target, LAYOUT_SESSION_NAME, object);
	if (name &&
	    bpf_probe_read_user_str(ret->server_name, sizeof(ret->server_name), (void *)name) > 1)
		ret->known |= CONN_KNOWS_SERVER_NAME;
}

/* All that the object says, but for its socket. */
static __always_inline void layout_describe(u32 target, u64 object, struct rec_conn_info *ret)
{
	u64 version = layout_read(target, LAYOUT_VERSION, object);
	u64 is_server = layout_read(target, LAYOUT_IS_SERVER, object);

	if (version != LAYOUT_UNKNOWN) {
		ret->version = version;
		ret->known |= CONN_KNOWS_VERSION;
	}
	if (is_server != LAYOUT_UNKNOWN) {
		ret->is_server = is_server != 0;
		ret->known |= CONN_KNOWS_ROLE;
	}
	layout_cipher(target, object, ret);
	layout_alpn(target, object, ret);
	layout_server_name(target, object, ret);
}

#endif
