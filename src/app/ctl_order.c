// SPDX-License-Identifier: BSD-2-Clause
#include "ctl_order.h"

#include <errno.h>
#include <limits.h>

#include "base/buf.h"
#include "base/text.h"

/* A word of the peer's, as it may be shown. */
struct shown_word {
	char text[64];
};

static struct shown_word show(struct str word)
{
	struct shown_word shown = { "" };
	struct buf b;

	buf_init(&b, sizeof(shown.text) - 1);
	/* What does not fit is cut. */
	if (word.len > 40)
		word.len = 40;
	(void)text_escape(&b, word, TEXT_LINE, 0);
	memcpy(shown.text, b.data ? (char *)b.data : "", b.len);
	buf_done(&b);
	return shown;
}

static int take_pid(struct str word, pid_t *ret, struct error *ret_error)
{
	uint64_t pid;

	if (str_to_u64(word, 10, &pid) < 0 || !pid || pid > INT_MAX)
		return error_set(ret_error, -EINVAL, "'%s' is not a process id", show(word).text);
	*ret = (pid_t)pid;
	return 0;
}

int ctl_order_parse(struct str line, struct ctl_order *ret, struct error *ret_error)
{
	struct ctl_order order = { 0 };
	struct str verb = { 0 }, value = { 0 };
	int r = 0;

	str_next_part(&line, ' ', &verb);
	str_next_part(&line, ' ', &value);
	if (line.len)
		return error_set(ret_error, -EINVAL, "'%s' is one word too many", show(line).text);
	if (str_eq(verb, STR_LIT("add-pid"))) {
		order.verb = CTL_ADD_PID;
		r = take_pid(value, &order.pid, ret_error);
	} else if (str_eq(verb, STR_LIT("remove-pid"))) {
		order.verb = CTL_REMOVE_PID;
		r = take_pid(value, &order.pid, ret_error);
	} else if (str_eq(verb, STR_LIT("status"))) {
		order.json = str_eq(value, STR_LIT("json"));
		if (value.len && !order.json)
			r = error_set(ret_error, -EINVAL, "status: '%s' must be json or nothing",
				      show(value).text);
	} else {
		r = error_set(ret_error, -EINVAL,
			      "there is no order '%s'; write add-pid, remove-pid or status",
			      show(verb).text);
	}
	if (!r)
		*ret = order;
	return r;
}
