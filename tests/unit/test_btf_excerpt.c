// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "attach/btf_excerpt.h"
#include "base/buf.h"
#include "tap.h"

enum { MAX = 16 << 20, WHOLE_MAX = 64 << 20 };

/*
 * enum color { RED, GREEN = 7 };
 * struct inner { int a; };
 * struct other { struct inner *in; };
 * struct wanted {
 *	int x;
 *	const struct inner in;			at 4
 *	struct { int y : 3; enum color c; };	at 8; c at 12
 *	struct other *other;			at 16
 *	int list[3];				at 24
 *	struct wanted *next;			at 40
 * };
 * int ask(void);
 */
static struct btf *sample(void)
{
	struct btf *b = btf__new_empty();
	int number, color, inner, in, other, inner_ptr, other_ptr, nameless, list, next;

	number = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	color = btf__add_enum(b, "color", 4);
	btf__add_enum_value(b, "RED", 0);
	btf__add_enum_value(b, "GREEN", 7);
	inner = btf__add_struct(b, "inner", 4);
	btf__add_field(b, "a", number, 0, 0);
	in = btf__add_const(b, inner);
	inner_ptr = btf__add_ptr(b, inner);
	other = btf__add_struct(b, "other", 8);
	btf__add_field(b, "in", inner_ptr, 0, 0);
	other_ptr = btf__add_ptr(b, other);
	nameless = btf__add_struct(b, NULL, 8);
	btf__add_field(b, "y", number, 0, 3);
	btf__add_field(b, "c", color, 32, 0);
	list = btf__add_array(b, number, number, 3);
	next = btf__add_ptr(b, list + 2);
	btf__add_struct(b, "wanted", 48);
	btf__add_field(b, "x", number, 0, 0);
	btf__add_field(b, "in", in, 32, 0);
	btf__add_field(b, NULL, nameless, 64, 0);
	btf__add_field(b, "other", other_ptr, 128, 0);
	btf__add_field(b, "list", list, 192, 0);
	btf__add_field(b, "next", next, 320, 0);
	btf__add_func(b, "ask", BTF_FUNC_STATIC, btf__add_func_proto(b, number));
	return b;
}

static struct btf *user_of(const char *name)
{
	struct btf *b = btf__new_empty();

	btf__add_struct(b, "of_its_own", 0);
	btf__add_struct(b, name, 0);
	btf__add_struct(b, NULL, 0);
	return b;
}

static int cut(const void *data, size_t size, const struct btf *user, struct btf **ret)
{
	struct btf_whole whole;
	struct buf text;
	int r = btf_whole_init(&whole, data, size);

	*ret = NULL;
	if (r < 0)
		return r;
	buf_init(&text, MAX);
	r = btf_excerpt(&whole, &user, 1, &text);
	if (!r)
		*ret = btf__new(text.data, (uint32_t)text.len);
	buf_done(&text);
	btf_whole_done(&whole);
	return r;
}

static const struct btf_member *find(const struct btf *b, const struct btf_type *t,
				     const char *name)
{
	for (size_t i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(b, btf_members(t)[i].name_off), name))
			return &btf_members(t)[i];
	return NULL;
}

static void check_fields(const struct btf *b, const struct btf_type *t)
{
	const struct btf_member *in = find(b, t, "in"), *nameless = find(b, t, "");
	const struct btf_member *other = find(b, t, "other"), *list = find(b, t, "list");
	const struct btf_type *part;

	INT_EQ(btf_vlen(t), 6);
	INT_EQ(t->size, 48);
	if (!OK(in && nameless && other && list && find(b, t, "x") && find(b, t, "next")))
		return;
	INT_EQ(in->offset, 32);
	part = btf__type_by_id(b, (uint32_t)btf__resolve_type(b, in->type));
	C_STR_EQ(btf__name_by_offset(b, part->name_off), "inner");
	OK(find(b, part, "a"));
	part = btf__type_by_id(b, nameless->type);
	INT_EQ(btf_member_bitfield_size(part, 0), 3);
	INT_EQ(btf_members(part)[1].offset, 32);
	part = btf__type_by_id(b, btf_members(part)[1].type);
	OK(btf_is_enum(part) && btf_vlen(part) == 2 && btf_enum(part)[1].val == 7);
	C_STR_EQ(btf__name_by_offset(b, btf_enum(part)[1].name_off), "GREEN");
	INT_EQ(btf__resolve_size(b, list->type), 12);
	part = btf__type_by_id(b, other->type);
	OK(btf_is_ptr(part) && !part->type);
}

static void test_what_is_wanted(void)
{
	static const char *const names[] = { "wanted", "wanted___of_5_10" };
	struct btf *whole = sample();
	uint32_t size;
	const void *data = btf__raw_data(whole, &size);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct btf *user = user_of(names[i]), *part;
		int32_t id;

		INT_EQ(cut(data, size, user, &part), 0);
		btf__free(user);
		if (!OK(part))
			continue;
		id = btf__find_by_name_kind(part, "wanted", BTF_KIND_STRUCT);
		if (OK(id > 0))
			check_fields(part, btf__type_by_id(part, (uint32_t)id));
		OK(btf__find_by_name(part, "other") < 0);
		OK(btf__find_by_name(part, "ask") < 0);
		btf__free(part);
	}
	btf__free(whole);
}

static void test_nothing_is_wanted(void)
{
	struct btf *whole = sample(), *user = user_of("want"), *part;
	uint32_t size;
	const void *data = btf__raw_data(whole, &size);

	INT_EQ(cut(data, size, user, &part), 0);
	OK(part && btf__type_cnt(part) == 1);
	btf__free(part);
	btf__free(user);
	btf__free(whole);
}

static void test_functions(void)
{
	struct btf *b = sample();
	struct btf_whole whole;
	uint32_t size;
	const void *data = btf__raw_data(b, &size);

	INT_EQ(btf_whole_init(&whole, data, size), 0);
	INT_EQ(btf_whole_find_func(&whole, "ask"), btf__find_by_name_kind(b, "ask", BTF_KIND_FUNC));
	INT_EQ(btf_whole_find_func(&whole, "wanted"), -ENOENT);
	btf_whole_done(&whole);
	btf__free(b);
}

/* Nothing is read behind its end, which the sanitizer sees; and the types must be whole. */
static void test_damaged(void)
{
	struct btf *b = sample(), *user = user_of("wanted"), *part;
	uint32_t size;
	const uint8_t *data = btf__raw_data(b, &size);
	unsigned taken = 0;

	for (uint32_t len = 0; len < size; len++) {
		uint8_t *copy = malloc(len + !len);

		memcpy(copy, data, len);
		taken += cut(copy, len, user, &part) != -EINVAL;
		free(copy);
	}
	INT_EQ(taken, 0);
	for (uint32_t i = 0; i < size; i++) {
		uint8_t *copy = malloc(size);

		memcpy(copy, data, size);
		copy[i] ^= 0xff;
		cut(copy, size, user, &part);
		btf__free(part);
		free(copy);
	}
	btf__free(user);
	btf__free(b);
}

static void *read_kernel(size_t *ret_len)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	char *data = fd < 0 ? NULL : malloc(WHOLE_MAX);
	ssize_t n = 1;

	for (*ret_len = 0; data && n > 0; *ret_len += (size_t)n) {
		n = read(fd, data + *ret_len, WHOLE_MAX - *ret_len);
		if (n < 0)
			n = 0;
	}
	if (fd >= 0)
		close(fd);
	return data;
}

static void compare(const struct btf *whole, const struct btf *part, const char *name)
{
	int32_t a = btf__find_by_name_kind(whole, name, BTF_KIND_STRUCT);
	int32_t b = btf__find_by_name_kind(part, name, BTF_KIND_STRUCT);
	const struct btf_type *s, *t;
	unsigned differ = 0;

	if (!OK_MSG(a > 0 && b > 0, "%s is in both", name))
		return;
	s = btf__type_by_id(whole, (uint32_t)a);
	t = btf__type_by_id(part, (uint32_t)b);
	if (!OK_MSG(s->size == t->size && s->info == t->info, "%s is as large", name))
		return;
	for (size_t i = 0; i < btf_vlen(s); i++) {
		const struct btf_member *m = &btf_members(s)[i], *n = &btf_members(t)[i];

		differ += m->offset != n->offset ||
			  strcmp(btf__name_by_offset(whole, m->name_off),
				 btf__name_by_offset(part, n->name_off)) != 0 ||
			  btf__resolve_size(whole, m->type) != btf__resolve_size(part, n->type);
	}
	OK_MSG(!differ, "%s: each of %u fields has its place and size", name,
	       (unsigned)btf_vlen(s));
}

/* Only where there is one: a build machine may have none, or a kernel of another kind. */
static void test_running_kernel(void)
{
	static const char *const names[] = { "task_struct", "sock", "file", "inode" };
	struct btf *user = btf__new_empty(), *whole, *part;
	size_t len;
	void *data = read_kernel(&len);

	if (!data || !len) {
		tap_skip("the running kernel's types", "it tells none");
		btf__free(user);
		free(data);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		btf__add_struct(user, names[i], 0);
	INT_EQ(cut(data, len, user, &part), 0);
	whole = btf__new(data, (uint32_t)len);
	if (OK(part && whole)) {
		OK_MSG(btf__type_cnt(part) < btf__type_cnt(whole) / 20, "%u of %u types",
		       btf__type_cnt(part), btf__type_cnt(whole));
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			compare(whole, part, names[i]);
	}
	btf__free(whole);
	btf__free(part);
	btf__free(user);
	free(data);
}

int main(void)
{
	RUN(test_what_is_wanted);
	RUN(test_nothing_is_wanted);
	RUN(test_functions);
	RUN(test_damaged);
	RUN(test_running_kernel);
	return tap_done();
}
