// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "app/ctl_order.h"
#include "tap.h"

static struct ctl_order order;
static struct error err;

/* Each line against an unmapped page. */
static int parse(struct str line)
{
	char *copy = guarded_copy(line.p, line.len);
	int r;

	memset(&err, 0, sizeof(err));
	order = (struct ctl_order){ .pid = -7 };
	r = ctl_order_parse(str_make(copy, line.len), &order, &err);
	guarded_free(copy, line.len);
	return r;
}

static void check_refused(struct str line, const char *word)
{
	INT_EQ(parse(line), -EINVAL);
	INT_EQ(order.pid, -7);
	OK_MSG(strstr(err.text, word) != NULL, "'%s' is in: %s", word, err.text);
}

static void test_good(void)
{
	INT_EQ(parse(STR_LIT("status")), 0);
	OK(order.verb == CTL_STATUS && !order.json);
	INT_EQ(parse(STR_LIT("status json")), 0);
	OK(order.verb == CTL_STATUS && order.json);
	INT_EQ(parse(STR_LIT("add-pid 1")), 0);
	OK(order.verb == CTL_ADD_PID && order.pid == 1);
	INT_EQ(parse(STR_LIT("remove-pid 2147483647")), 0);
	OK(order.verb == CTL_REMOVE_PID && order.pid == 2147483647);
}

static void test_bad(void)
{
	check_refused(STR_LIT(""), "no order ''");
	check_refused(STR_LIT("stop"), "'stop'");
	check_refused(STR_LIT("STATUS"), "'STATUS'");
	check_refused(STR_LIT("status text"), "'text'");
	check_refused(STR_LIT("add-pid"), "''");
	check_refused(STR_LIT("add-pid x"), "'x'");
	check_refused(STR_LIT("add-pid -1"), "'-1'");
	check_refused(STR_LIT("add-pid 0"), "'0'");
	check_refused(STR_LIT("add-pid 2147483648"), "'2147483648'");
	check_refused(STR_LIT("remove-pid 99999999999999999999999"), "'9999");
	check_refused(STR_LIT("add-pid  1"), "'1' is one word too many");
	check_refused(STR_LIT("add-pid 1 2"), "'2'");
	check_refused(STR_LIT("add-pid 1\0"), "'1\\x00'");
	check_refused(STR_LIT("\033[31m\xff"), "'\\x1b[31m\\xff'");
}

/* A long word is shown in part, and does not fill the sentence. */
static void test_long(void)
{
	char line[250];

	memset(line, '\001', sizeof(line));
	INT_EQ(parse(str_make(line, sizeof(line))), -EINVAL);
	OK(strlen(err.text) < 200);
}

int main(void)
{
	RUN(test_good);
	RUN(test_bad);
	RUN(test_long);
	return tap_done();
}
