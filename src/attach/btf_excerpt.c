// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two passes over the whole: the first notes where each type begins, the second compares names.
 * Then the wanted ones are numbered anew, one after the other, and what one has in it by value is
 * numbered when it is met. Pointers all become one: libbpf does not look at what a field points to.
 */
#include "btf_excerpt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "base/buf.h"
#include "base/str.h"

enum { WANTED_MAX = 1024, STRINGS_MAX = 1 << 20, TYPES_MAX = 4 << 20 };

/* Names of types. Nearly all that are asked for are none of them: told by letter and length. */
struct wanted {
	struct str names[WANTED_MAX];
	size_t cnt;
	uint64_t lengths[128]; /* by first letter: a bit for each length */
};

struct excerpt {
	const struct btf_whole *whole;
	uint32_t *numbers; /* of the whole's types in the excerpt; 0: not in it */
	uint32_t *chosen;  /* by number in the excerpt, from 1: number in the whole */
	uint32_t cnt, cap; /* of `chosen`; number 0 is void */
	uint32_t pointer;  /* its number; 0: none yet */
	struct buf types, strings;
};

static size_t type_len(const struct btf_type *t)
{
	size_t vlen = btf_vlen(t);

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(*t) + sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(*t) + sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return sizeof(*t) + vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return sizeof(*t) + vlen * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return sizeof(*t) + vlen * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return sizeof(*t) + vlen * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return sizeof(*t) + vlen * sizeof(struct btf_var_secinfo);
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return sizeof(*t);
	default:
		return 0; /* of a newer kernel */
	}
}

static const struct btf_type *type_at(const struct btf_whole *w, uint32_t number)
{
	return (const struct btf_type *)(w->types + w->places[number]);
}

/* The strings end in NUL, as a whole. */
static const char *string_at(const struct btf_whole *w, uint32_t off)
{
	return off < w->strings_len ? w->strings + off : "";
}

static int sections_init(struct btf_whole *w, const void *data, size_t size)
{
	const struct btf_header *h = data;
	uint64_t types, strings;

	if (size < sizeof(*h) || h->magic != BTF_MAGIC || h->version != BTF_VERSION)
		return -EINVAL;
	types = (uint64_t)h->hdr_len + h->type_off;
	strings = (uint64_t)h->hdr_len + h->str_off;
	if (types + h->type_len > size || strings + h->str_len > size || types % 4 || !h->str_len)
		return -EINVAL;
	w->types = (const uint8_t *)data + types;
	w->types_len = h->type_len;
	w->strings = (const char *)data + strings;
	w->strings_len = h->str_len;
	return w->strings[w->strings_len - 1] ? -EINVAL : 0;
}

/* No type takes less than struct btf_type: so many are there at most. */
static int places_init(struct btf_whole *w)
{
	size_t max = w->types_len / sizeof(struct btf_type) + 1;

	w->places = malloc(max * sizeof(*w->places));
	if (!w->places)
		return -ENOMEM;
	w->cnt = 1;
	for (uint32_t at = 0; at < w->types_len;) {
		size_t len = 0;

		if (w->types_len - at >= sizeof(struct btf_type))
			len = type_len((const struct btf_type *)(w->types + at));
		if (!len || len > w->types_len - at)
			return -EINVAL;
		w->places[w->cnt++] = at;
		at += (uint32_t)len;
	}
	return 0;
}

int btf_whole_init(struct btf_whole *w, const void *data, size_t size)
{
	int r;

	*w = (struct btf_whole){ 0 };
	r = sections_init(w, data, size);
	if (!r)
		r = places_init(w);
	if (r < 0)
		btf_whole_done(w);
	return r;
}

void btf_whole_done(struct btf_whole *w)
{
	free(w->places);
	*w = (struct btf_whole){ 0 };
}

int32_t btf_whole_find_func(const struct btf_whole *w, const char *name)
{
	for (uint32_t i = 1; i < w->cnt; i++) {
		const struct btf_type *t = type_at(w, i);

		if (btf_is_func(t) && strcmp(string_at(w, t->name_off), name) == 0)
			return (int32_t)i;
	}
	return -ENOENT;
}

static uint64_t length_bit(size_t len)
{
	return UINT64_C(1) << (len < 63 ? len : 63);
}

static bool is_wanted(const struct wanted *wanted, const char *name)
{
	struct str s = str_from(name);

	if (!s.len || (s.p[0] & 0x80) || !(wanted->lengths[(uint8_t)s.p[0]] & length_bit(s.len)))
		return false;
	for (size_t i = 0; i < wanted->cnt; i++)
		if (str_eq(wanted->names[i], s))
			return true;
	return false;
}

static bool has_name_of_interest(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_is_any_enum(t) || btf_is_typedef(t);
}

static int want_types_of(struct wanted *wanted, const struct btf *user)
{
	for (uint32_t i = 1; i < btf__type_cnt(user); i++) {
		const struct btf_type *t = btf__type_by_id(user, i);
		struct str name = str_from(btf__name_by_offset(user, t->name_off));
		const char *flavor;

		if (!has_name_of_interest(t) || !name.len || (name.p[0] & 0x80))
			continue;
		flavor = strstr(name.p, "___");
		if (flavor)
			name.len = (size_t)(flavor - name.p);
		if (wanted->cnt == WANTED_MAX)
			return -ENOBUFS;
		wanted->names[wanted->cnt++] = name;
		wanted->lengths[(uint8_t)name.p[0]] |= length_bit(name.len);
	}
	return 0;
}

/* Number of that type of the whole in the excerpt, which it joins if it is not in it. */
static int number_of(struct excerpt *e, uint32_t number, uint32_t *ret)
{
	bool is_pointer;

	if (number >= e->whole->cnt)
		return -EINVAL;
	is_pointer = number && btf_is_ptr(type_at(e->whole, number));
	*ret = is_pointer ? e->pointer : e->numbers[number];
	if (!number || *ret)
		return 0;
	if (e->cnt >= e->cap) {
		uint32_t cap = e->cap ? e->cap * 2 : 1024;
		uint32_t *chosen = realloc(e->chosen, cap * sizeof(*chosen));

		if (!chosen)
			return -ENOMEM;
		e->chosen = chosen;
		e->cap = cap;
	}
	e->chosen[e->cnt] = number;
	*ret = e->numbers[number] = e->cnt++;
	if (is_pointer)
		e->pointer = *ret;
	return 0;
}

static int renumber(struct excerpt *e, uint32_t *number)
{
	return number_of(e, *number, number);
}

static int copy_string(struct excerpt *e, uint32_t *off)
{
	const char *s = string_at(e->whole, *off);

	*off = 0;
	if (!s[0])
		return 0;
	*off = (uint32_t)e->strings.len;
	return buf_append(&e->strings, s, strlen(s) + 1);
}

static int copy_members(struct excerpt *e, struct btf_type *t)
{
	struct btf_member *m = btf_members(t);
	int r = 0;

	for (size_t i = 0; !r && i < btf_vlen(t); i++) {
		r = copy_string(e, &m[i].name_off);
		if (!r)
			r = renumber(e, &m[i].type);
	}
	return r;
}

static int copy_values(struct excerpt *e, struct btf_type *t)
{
	bool wide = btf_is_enum64(t);
	int r = 0;

	for (size_t i = 0; !r && i < btf_vlen(t); i++)
		r = copy_string(e, wide ? &btf_enum64(t)[i].name_off : &btf_enum(t)[i].name_off);
	return r;
}

/* What `t`, a copy, refers to becomes the excerpt's. */
static int adopt(struct excerpt *e, struct btf_type *t)
{
	int r = copy_string(e, &t->name_off);

	if (r < 0)
		return r;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
		return 0;
	case BTF_KIND_PTR:
		t->type = 0;
		return 0;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return renumber(e, &t->type);
	case BTF_KIND_ARRAY:
		r = renumber(e, &btf_array(t)->type);
		return r ? r : renumber(e, &btf_array(t)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_members(e, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return copy_values(e, t);
	default:
		return -EINVAL; /* nothing that can lie in a struct */
	}
}

static int copy_type(struct excerpt *e, uint32_t number)
{
	const struct btf_type *t = type_at(e->whole, number);
	size_t at = e->types.len;
	int r = buf_append(&e->types, t, type_len(t));

	return r ? r : adopt(e, (struct btf_type *)(e->types.data + at));
}

static int choose(struct excerpt *e, const struct wanted *wanted)
{
	const struct btf_whole *w = e->whole;
	uint32_t ignored;
	int r = 0;

	for (uint32_t i = 1; !r && i < w->cnt; i++) {
		const struct btf_type *t = type_at(w, i);

		if (has_name_of_interest(t) && is_wanted(wanted, string_at(w, t->name_off)))
			r = number_of(e, i, &ignored);
	}
	for (uint32_t i = 1; !r && i < e->cnt; i++)
		r = copy_type(e, e->chosen[i]);
	return r;
}

static int put_together(const struct excerpt *e, struct buf *ret)
{
	struct btf_header h = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.type_len = (uint32_t)e->types.len,
		.str_off = (uint32_t)e->types.len,
		.str_len = (uint32_t)e->strings.len,
	};
	int r = buf_append(ret, &h, sizeof(h));

	if (!r)
		r = buf_append(ret, e->types.data, e->types.len);
	return r ? r : buf_append(ret, e->strings.data, e->strings.len);
}

int btf_excerpt(const struct btf_whole *w, const struct btf *const *users, size_t user_cnt,
		struct buf *ret)
{
	struct wanted wanted = { .cnt = 0 };
	struct excerpt e = { .whole = w, .cnt = 1 };
	int r = 0;

	buf_init(&e.types, TYPES_MAX);
	buf_init(&e.strings, STRINGS_MAX);
	for (size_t i = 0; !r && i < user_cnt; i++)
		r = want_types_of(&wanted, users[i]);
	e.numbers = calloc(w->cnt, sizeof(*e.numbers));
	if (!e.numbers)
		r = -ENOMEM;
	if (!r)
		r = buf_append_byte(&e.strings, '\0');
	if (!r)
		r = choose(&e, &wanted);
	if (!r)
		r = put_together(&e, ret);
	free(e.numbers);
	free(e.chosen);
	buf_done(&e.types);
	buf_done(&e.strings);
	return r;
}
