/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library of a few functions, right in the beginning; each case changes one of them, and says
 * what the placement must make of it.
 */
#include <errno.h>
#include <string.h>

#include "code_image.h"
#include "discover/placement.h"
#include "tap.h"

/* Slots of the image. */
enum {
	READ,
	READ_EX,
	WRITE,
	WRITE_EX,
	WRITE_EX2,
	FREE,
	PEEK,
	READER,
	WRITER,
	PEEKER,
	FAIL,
	STUB,
	SENDFILE
};

/* sub rsp,0x18; test edx,edx; js 1f; mov rcx,rsp; movsxd rdx,edx; call X; test eax,eax; jle 2f; */
/* mov eax,[rsp]; 2: add rsp,0x18; ret; 1: mov eax,-1; jmp 2b */
#define PLAIN(worker)                                                                 \
	"4883ec18 85d2 7817 4889e1 4863d2 e8@" worker " 85c0 7e03 8b0424 4883c418 c3" \
	"b8ffffffff ebf4"
/* sub rsp,8; call X; xor edx,edx; test eax,eax; cmovs eax,edx; add rsp,8; ret */
#define EX(worker) "4883ec08 e8@" worker " 31d2 85c0 0f48c2 4883c408 c3"
#define PUSHING	   "4157 4989d7 415f c3" /* push r15; … */

static struct code_image image;
static struct placement_question question;
static struct target target;

static void add_function(const char *symbol, unsigned slot, enum probe_role role,
			 enum probe_len len_from)
{
	question.functions[question.cnt++] = (struct placement_function){
		symbol, code_image_vaddr(slot), image.sizes[slot], role, len_from
	};
}

static void good_library(void)
{
	code_image_init(&image);
	code_image_put(&image, READ, PLAIN("7"));
	code_image_put(&image, READ_EX, EX("7"));
	code_image_put(&image, WRITE, PLAIN("8"));
	code_image_put(&image, WRITE_EX, EX("8"));
	code_image_put(&image, FREE, "f30f1efa 53 5b c3"); /* endbr64; push rbx; pop rbx; ret */
	code_image_put(&image, PEEK, PLAIN("9"));
	code_image_put(&image, READER, PUSHING);
	code_image_put(&image, WRITER, "f30f1efa" PUSHING);
	code_image_put(&image, PEEKER, PUSHING);
	code_image_put_stub(&image, FAIL, IMPORT_STACK_CHK_FAIL);
}

static int choose(bool plain)
{
	const struct code_source source = code_image_source(&image);
	struct code *code;
	int r;

	question = (struct placement_question){ .peek_cnt = 1 };
	add_function("SSL_read", READ, PROBE_READ, PROBE_LEN_RESULT);
	add_function("SSL_write", WRITE, PROBE_WRITE, PROBE_LEN_RESULT);
	add_function("SSL_read_ex", READ_EX, PROBE_READ, PROBE_LEN_AT_ARG3);
	add_function("SSL_write_ex", WRITE_EX, PROBE_WRITE, PROBE_LEN_AT_ARG3);
	if (image.sizes[WRITE_EX2])
		add_function("SSL_write_ex2", WRITE_EX2, PROBE_WRITE, PROBE_LEN_AT_ARG4);
	if (image.sizes[SENDFILE])
		add_function("SSL_sendfile", SENDFILE, PROBE_SENDFILE, PROBE_LEN_RESULT);
	add_function("SSL_free", FREE, PROBE_FREE, PROBE_LEN_NONE);
	question.peeks[0] = (struct placement_function){ "SSL_peek", code_image_vaddr(PEEK),
							 image.sizes[PEEK], PROBE_READ,
							 PROBE_LEN_RESULT };
	memset(&target, 0, sizeof(target));
	if (code_open(&source, &code) < 0)
		return -ENOMEM;
	r = plain ? placement_choose_plain(code, &question, &target)
		  : placement_choose(code, &question, &target);
	code_close(code);
	return r;
}

static const struct probe_point *find(enum probe_role role)
{
	for (size_t i = 0; i < target.point_cnt; i++)
		if (target.points[i].role == role)
			return &target.points[i];
	return NULL;
}

static void expect(const struct probe_point *p, unsigned slot, unsigned at, enum probe_len len_from,
		   enum probe_cost cost, const char *symbol)
{
	OK(p != NULL);
	if (!p)
		return;
	INT_EQ(p->file_off, slot * IMAGE_SLOT + at);
	INT_EQ(p->at, at);
	INT_EQ(p->len_from, len_from);
	INT_EQ(p->cost, cost);
	C_STR_EQ(p->symbol, symbol);
}

/* A function of its own, whatever it calls: its arguments are no buffer. */
static void test_sendfile(void)
{
	good_library();
	code_image_put(&image, SENDFILE, "f30f1efa" PLAIN("8"));
	INT_EQ(choose(false), 0);
	INT_EQ(target.point_cnt, 4);
	expect(find(PROBE_SENDFILE), SENDFILE, 0, PROBE_LEN_RESULT, PROBE_COST_SINGLE_STEPPED,
	       "SSL_sendfile");
	OK(!find(PROBE_SENDFILE)->is_worker);
	OK(find(PROBE_WRITE)->is_worker);
	good_library();
	code_image_put(&image, SENDFILE, "f30f1efa 4156 415e c3");
	INT_EQ(choose(false), 0);
	expect(find(PROBE_SENDFILE), SENDFILE, 4, PROBE_LEN_RESULT, PROBE_COST_EMULATED,
	       "SSL_sendfile");
	INT_EQ(target.fallback_cnt, 4);
	INT_EQ(choose(true), 0);
	expect(find(PROBE_SENDFILE), SENDFILE, 0, PROBE_LEN_RESULT, PROBE_COST_SINGLE_STEPPED,
	       "SSL_sendfile");
}

static void expect_free_at(const char *code, unsigned at, enum probe_cost cost)
{
	good_library();
	code_image_put(&image, FREE, code);
	INT_EQ(choose(false), 0);
	expect(find(PROBE_FREE), FREE, at, PROBE_LEN_NONE, cost, "SSL_free");
	INT_EQ(choose(true), 0);
	expect(find(PROBE_FREE), FREE, 0, PROBE_LEN_NONE, PROBE_COST_SINGLE_STEPPED, "SSL_free");
}

/* Without a return any place will do that each call passes once, its object in its register. */
static void test_no_return_wanted(void)
{
	/* test rdi,rdi; je 1f; ret; 1: ret */
	expect_free_at("4885ff 7401 c3 c3", 3, PROBE_COST_EMULATED);
	/* endbr64 in front */
	expect_free_at("f30f1efa 4885ff 7401 c3 c3", 7, PROBE_COST_EMULATED);
	/* …; je 1f; dec ecx; jne to the je: a loop; 1: ret */
	expect_free_at("4885ff 7404 ffc9 75fa c3", 0, PROBE_COST_SINGLE_STEPPED);
	/* an indirect jump behind it may lead anywhere */
	expect_free_at("4885ff 7402 ffe0 c3", 0, PROBE_COST_SINGLE_STEPPED);
	/* but not one through a field of an object: jmp [rax + 0x20] */
	expect_free_at("f30f1efa 488b4718 4885c0 7403 ff6020 c3", 11, PROBE_COST_EMULATED);
	/* jmp [rax + rcx * 8 + 0x20] is a table */
	expect_free_at("f30f1efa 488b4718 4885c0 7404 ff64c820 c3", 0, PROBE_COST_SINGLE_STEPPED);
	/* mov rdi,rsi; je 1f; ret; 1: ret */
	expect_free_at("4889f7 7401 c3 c3", 0, PROBE_COST_SINGLE_STEPPED);
	/* call rax, ret: others may change the register */
	expect_free_at("ffd0 53 5b c3", 0, PROBE_COST_SINGLE_STEPPED);
}

static void test_workers(void)
{
	good_library();
	INT_EQ(choose(false), 0);
	INT_EQ(target.point_cnt, 3);
	expect(find(PROBE_READ), READER, 0, PROBE_LEN_AT_ARG3, PROBE_COST_EMULATED,
	       "SSL_read, SSL_read_ex");
	expect(find(PROBE_WRITE), WRITER, 4, PROBE_LEN_AT_ARG3, PROBE_COST_EMULATED,
	       "SSL_write, SSL_write_ex");
	expect(find(PROBE_FREE), FREE, 4, PROBE_LEN_NONE, PROBE_COST_EMULATED, "SSL_free");
	C_STR_EQ(find(PROBE_READ)->instruction, "push r15");
	C_STR_EQ(find(PROBE_READ)->reason,
		 "worker of SSL_read and SSL_read_ex: push r15 at its start is emulated");
	C_STR_EQ(find(PROBE_WRITE)->reason,
		 "worker of SSL_write and SSL_write_ex: push r15 behind its endbr64 is emulated");
	INT_EQ(target.fallback_cnt, 4);
}

static void test_plain(void)
{
	good_library();
	INT_EQ(choose(true), 0);
	INT_EQ(target.point_cnt, 5);
	INT_EQ(target.fallback_cnt, 0);
	for (size_t i = 0; i < target.point_cnt; i++)
		OK_MSG(!target.points[i].is_worker && target.points[i].at == 0, "%s",
		       target.points[i].symbol);
}

/* A way past the worker, a moved argument, and the like: reading has no worker then. */
static const struct {
	const char *what;
	unsigned slot;
	const char *text;
	const char *reason;
} rejected[] = {
	{ "rdi changed before the call", READ,
	  "4883ec18 31ff 4889e1 4863d2 e8@7 85c0 7e03 8b0424 4883c418 c3",
	  "SSL_read: may succeed without" },
	{ "rsi changed", READ_EX, "4883ec08 4889fe e8@7 4883c408 c3",
	  "SSL_read_ex: may succeed without" },
	{ "rdx changed", READ_EX, "4883ec08 ba01000000 e8@7 4883c408 c3",
	  "SSL_read_ex: may succeed without" },
	{ "the place of the length is not the caller's", READ_EX,
	  "4883ec08 4889e1 e8@7 4883c408 c3", "SSL_read_ex: may succeed without" },
	{ "the place of the length is above the frame", READ,
	  "4883ec18 488d4c2418 4863d2 e8@7 85c0 7e03 8b0424 4883c418 c3",
	  "SSL_read: may succeed without" },
	{ "another place is read for the result", READ,
	  "4883ec18 4889e1 4863d2 e8@7 85c0 7e04 8b442408 4883c418 c3",
	  "SSL_read: does not return the length" },
	{ "the arguments are lost in a call before", READ_EX, "4883ec08 e8@9 e8@7 4883c408 c3",
	  "SSL_read_ex has a worker of its own" },
	{ "success without a call", READ_EX, "85d2 740f 4883ec08 e8@7 4883c408 c3 90 b801000000 c3",
	  "SSL_read_ex: may succeed without" },
	{ "an unknown result without a call", READ_EX,
	  "85d2 740f 4883ec08 e8@7 4883c408 c3 90 8b07 c3", "SSL_read_ex: may succeed without" },
	{ "two calls", READ_EX, "4883ec08 e8@7 e8@7 4883c408 c3",
	  "SSL_read_ex: calls the worker with other" },
	{ "another worker", READ_EX, EX("8"), "SSL_read_ex has a worker of its own" },
	{ "a stack pointer that is not understood", READ_EX, "4883e4f0 e8@7 c3",
	  "SSL_read_ex: its stack frame" },
	{ "a jump table", READ_EX, "4863c2 488d0d00000000 48630481 4801c8 ffe0",
	  "SSL_read_ex: has a jump to a computed place" },
	{ "a loop", READ_EX, "ebfe", "SSL_read_ex: it is too long, or has a loop" },
	{ "an instruction that is none", READ_EX, "06 07", "SSL_read_ex: an instruction" },
	{ "code that runs past its end", READ_EX, "90 90", "SSL_read_ex: runs past its end" },
	{ "nothing behind the worker's call", READ_EX, "4883ec08 e8@7",
	  "SSL_read_ex: runs past its end" },
	{ "a call out of the code", READ_EX, "4883ec08 e800f00000 4883c408 c3", NULL },
	{ "a call through a register", READ_EX, "4883ec08 ffd0 4883c408 c3",
	  "SSL_read_ex: hands its arguments to a function outside" },
	{ "nothing", READ_EX, "", "SSL_read_ex: its size (0 bytes)" },
	{ "a peeking function with the same worker", PEEK, PLAIN("7"), "SSL_peek calls it too" },
	{ "a peeking function that is not understood", PEEK, "ebfe", "SSL_peek: it is too long" },
};

static void test_rejected(void)
{
	for (size_t i = 0; i < sizeof(rejected) / sizeof(rejected[0]); i++) {
		const struct probe_point *p;

		good_library();
		code_image_put(&image, rejected[i].slot, rejected[i].text);
		INT_EQ(choose(false), 0);
		p = find(PROBE_READ);
		OK_MSG(p && !p->is_worker && p->file_off == READ * IMAGE_SLOT, "%s",
		       rejected[i].what);
		OK_MSG(p && strstr(p->reason, "no worker: ") &&
			       (!rejected[i].reason || strstr(p->reason, rejected[i].reason)),
		       "%s", p ? p->reason : "no point");
		expect(find(PROBE_WRITE), WRITER, 4, PROBE_LEN_AT_ARG3, PROBE_COST_EMULATED,
		       "SSL_write, SSL_write_ex");
	}
}

/* What compilers do otherwise, and is as good. */
static const struct {
	const char *what;
	const char *text;
} accepted[] = {
	{ "zero extension, and or for -1",
	  "4883ec18 85d2 7816 4889e1 89d2 e8@7 85c0 7e03 8b0424 4883c418 c3 83c8ff ebf6" },
	{ "a place by lea", "4883ec18 488d4c2408 4863d2 e8@7 85c0 7e04 8b442408 4883c418 c3" },
	{ "a frame pointer",
	  "55 4889e5 4883ec10 488d4df8 4863d2 e8@7 85c0 7e03 8b45f8 4883c410 5d c3" },
	{ "a conditional move from the place",
	  "4883ec18 4889e1 4863d2 e8@7 85c0 0f4f0424 4883c418 c3" },
	{ "arguments saved in registers over a call",
	  "53 55 4154 4883ec10 4889fb 4889f5 4c63e2 e8@9 4889df 4889ee 4c89e2 488d4c2408 e8@7"
	  "85c0 7e04 8b442408 4883c410 415c 5d 5b c3" },
	{ "a guard of the stack",
	  "4883ec18 4889e1 4863d2 e8@7 85c0 7e03 8b0424 4883ec00 7505 4883c418 c3 e8@a" },
	{ "a guard of the stack in the same file, known by its being the end",
	  "4883ec18 4889e1 4863d2 e8@7 85c0 7e03 8b0424 4883ec00 7505 4883c418 c3 e8@9" },
};

static void test_accepted(void)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		const struct probe_point *p;

		good_library();
		code_image_put(&image, READ, accepted[i].text);
		INT_EQ(choose(false), 0);
		p = find(PROBE_READ);
		OK_MSG(p && p->is_worker && p->file_off == READER * IMAGE_SLOT, "%s: %s",
		       accepted[i].what, p ? p->reason : "no point");
	}
}

static void test_flags_argument(void)
{
	/* As in OpenSSL 3.5: flags in rcx, the place in r8; _ex jumps to _ex2 through the loader.
	 */
	good_library();
	code_image_put(&image, WRITE,
		       "4883ec18 31c9 4863d2 4989e0 e8@8 85c0 7e03 8b0424 4883c418 c3");
	code_image_put(&image, WRITE_EX, "f30f1efa 4989c8 31c9 e9@b");
	code_image_put(&image, WRITE_EX2, EX("8"));
	code_image_put_stub(&image, STUB, IMPORT_WRITE_EX2);
	INT_EQ(choose(false), 0);
	expect(find(PROBE_WRITE), WRITER, 4, PROBE_LEN_AT_ARG4, PROBE_COST_EMULATED,
	       "SSL_write, SSL_write_ex, SSL_write_ex2");
	/* Without a worker too, the bytes of _ex are seen at _ex2 only. */
	INT_EQ(choose(true), 0);
	INT_EQ(target.point_cnt, 5);
	C_STR_EQ(target.points[3].symbol, "SSL_write_ex, SSL_write_ex2");
	INT_EQ(target.points[3].len_from, PROBE_LEN_AT_ARG4);
}

static void test_wrapper(void)
{
	/* As in LibreSSL: _ex calls the plain one, which does the work itself. */
	good_library();
	code_image_put(&image, READ, "55 5d 31c0 c3");
	code_image_put(&image, READ_EX, "53 4889cb e8@0 8903 5b c3");
	INT_EQ(choose(false), 0);
	expect(find(PROBE_READ), READ, 0, PROBE_LEN_RESULT, PROBE_COST_EMULATED,
	       "SSL_read_ex, SSL_read");
	INT_EQ(target.point_cnt, 3);
}

static void test_circle(void)
{
	good_library();
	code_image_put(&image, READ, "e9@1");
	code_image_put(&image, READ_EX, "e9@0");
	INT_EQ(choose(false), 0);
	INT_EQ(target.point_cnt, 4);
}

static void test_costs(void)
{
	/* The worker is no cheaper than the exported functions, which are cheap. */
	good_library();
	code_image_put(&image, READER, "4883ec08 4883c408 c3");
	INT_EQ(choose(false), 0);
	OK(find(PROBE_READ)->is_worker);
	INT_EQ(find(PROBE_READ)->cost, PROBE_COST_SINGLE_STEPPED);
	code_image_put(&image, READ,
		       "55"
		       "4883ec18 4889e1 4863d2 e8@7 85c0 7e03 8b0424 4883c418 5d c3");
	code_image_put(&image, READ_EX, "55 e8@7 5d c3");
	INT_EQ(choose(false), 0);
	OK(!find(PROBE_READ)->is_worker);
	INT_EQ(find(PROBE_READ)->cost, PROBE_COST_EMULATED);
	/* All cheap: the worker, which sees more. */
	code_image_put(&image, READER, PUSHING);
	INT_EQ(choose(false), 0);
	OK(find(PROBE_READ)->is_worker);
}

static void expect_symbol(const char *symbol, unsigned slot, unsigned at, enum probe_cost cost)
{
	const struct probe_point *p = NULL;

	for (size_t i = 0; i < target.point_cnt; i++)
		if (!strcmp(target.points[i].symbol, symbol))
			p = &target.points[i];
	expect(p, slot, at, p ? p->len_from : PROBE_LEN_NONE, cost, symbol);
}

/*
 * Behind a "bti c" the return address is still as the caller gave it. Behind a paciasp, a landing
 * pad too, it is signed: the kernel's own in its place would be taken for a forged one.
 */
static void test_arm64(void)
{
	code_image_init(&image);
	image.machine = CODE_ARM64;
	code_image_put(&image, READ, "3f2303d5 400000b4 c0035fd6 c0035fd6");	 /* paciasp; cbz */
	code_image_put(&image, READ_EX, "400000b4 c0035fd6 c0035fd6");		 /* cbz */
	code_image_put(&image, WRITE, "5f2403d5 400000b4 c0035fd6 c0035fd6");	 /* bti c; cbz */
	code_image_put(&image, WRITE_EX, "5f2403d5 fd7bbfa9 fd7bc1a8 c0035fd6"); /* bti c; stp */
	code_image_put(&image, FREE, "c0035fd6");				 /* ret */
	INT_EQ(choose(false), 0);
	INT_EQ(target.point_cnt, 5);
	expect_symbol("SSL_read", READ, 0, PROBE_COST_SINGLE_STEPPED);
	expect_symbol("SSL_read_ex", READ_EX, 0, PROBE_COST_EMULATED);
	expect_symbol("SSL_write", WRITE, 4, PROBE_COST_EMULATED);
	expect_symbol("SSL_write_ex", WRITE_EX, 0, PROBE_COST_SINGLE_STEPPED);
	expect_symbol("SSL_free", FREE, 0, PROBE_COST_EMULATED);
}

static void test_cut(void)
{
	for (size_t len = 0; len < 0xa00; len += 3) {
		bool inside = true;

		good_library();
		image.len = len;
		INT_EQ(choose(false), 0);
		for (size_t i = 0; i < target.point_cnt; i++)
			inside = inside && target.points[i].file_off < len;
		OK_MSG(inside, "code cut to %zu bytes", len);
	}
}

int main(void)
{
	RUN(test_no_return_wanted);
	RUN(test_workers);
	RUN(test_sendfile);
	RUN(test_plain);
	RUN(test_rejected);
	RUN(test_accepted);
	RUN(test_flags_argument);
	RUN(test_wrapper);
	RUN(test_circle);
	RUN(test_costs);
	RUN(test_arm64);
	RUN(test_cut);
	return tap_done();
}
