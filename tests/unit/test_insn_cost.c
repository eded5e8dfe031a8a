/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "discover/insn_cost.h"
#include "tap.h"

struct row {
	const char *what;
	uint8_t len;
	uint8_t bytes[12];
	bool emulated;
};

static const struct row rows[] = {
	{ "push rax", 1, { 0x50 }, true },
	{ "push rbp", 1, { 0x55 }, true },
	{ "push rdi", 1, { 0x57 }, true },
	{ "push r8", 2, { 0x41, 0x50 }, true },
	{ "push r15", 2, { 0x41, 0x57 }, true },
	{ "push rbp with a needless REX", 2, { 0x48, 0x55 }, false },
	{ "push bp", 2, { 0x66, 0x55 }, false },
	{ "push imm8", 2, { 0x6a, 0x01 }, false },
	{ "push [rax]", 2, { 0xff, 0x30 }, false },
	{ "pop rbp", 1, { 0x5d }, false },
	{ "nop", 1, { 0x90 }, true },
	{ "pause", 2, { 0xf3, 0x90 }, false },
	{ "xchg r8, rax", 2, { 0x41, 0x90 }, false },
	{ "nop dword [rax]", 3, { 0x0f, 0x1f, 0x00 }, true },
	{ "nop dword [rax+rax], 5 bytes", 5, { 0x0f, 0x1f, 0x44, 0, 0 }, true },
	{ "nop word [rax+rax]", 6, { 0x66, 0x0f, 0x1f, 0x44, 0, 0 }, true },
	{ "jmp rel8", 2, { 0xeb, 0x10 }, true },
	{ "jmp rel32", 5, { 0xe9, 0, 0, 0, 0 }, true },
	{ "bnd jmp rel32", 6, { 0xf2, 0xe9, 0, 0, 0, 0 }, true },
	{ "jmp with an operand size", 4, { 0x66, 0xe9, 0, 0 }, false },
	{ "jmp [rip+0]", 6, { 0xff, 0x25, 0, 0, 0, 0 }, false },
	{ "jmp rax", 2, { 0xff, 0xe0 }, false },
	{ "call rel32", 5, { 0xe8, 0, 0, 0, 0 }, true },
	{ "call rax", 2, { 0xff, 0xd0 }, false },
	{ "jo rel8", 2, { 0x70, 0 }, true },
	{ "jg rel8", 2, { 0x7f, 0 }, true },
	{ "jo rel32", 6, { 0x0f, 0x80, 0, 0, 0, 0 }, true },
	{ "jg rel32", 6, { 0x0f, 0x8f, 0, 0, 0, 0 }, true },
	{ "sete al", 3, { 0x0f, 0x94, 0xc0 }, false },
	{ "jecxz", 3, { 0x67, 0xe3, 0 }, false },
	{ "loop", 2, { 0xe2, 0 }, false },
	{ "endbr64", 4, { 0xf3, 0x0f, 0x1e, 0xfa }, false },
	{ "sub rsp, 0x18", 4, { 0x48, 0x83, 0xec, 0x18 }, false },
	{ "mov rbp, rsp", 3, { 0x48, 0x89, 0xe5 }, false },
	{ "test rdi, rdi", 3, { 0x48, 0x85, 0xff }, false },
	{ "ret", 1, { 0xc3 }, false },
	{ "a prefix alone", 1, { 0x48 }, false },
	{ "nothing", 0, { 0 }, false },
};

static void test_x86(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *bytes = guarded_copy(rows[i].bytes, rows[i].len);
		enum probe_cost want = rows[i].emulated ? PROBE_COST_EMULATED
							: PROBE_COST_SINGLE_STEPPED;

		OK_MSG(insn_cost_x86(bytes, rows[i].len) == want, "%s", rows[i].what);
		guarded_free(bytes, rows[i].len);
	}
}

static void test_arm64(void)
{
	static const struct {
		const char *what;
		uint32_t word;
		bool emulated;
	} words[] = {
		{ "cbz x0", 0xb4001700, true },
		{ "cbnz w1", 0x35000001, true },
		{ "tbnz", 0x37000000, true },
		{ "b", 0x14000001, true },
		{ "bl", 0x97ffff6d, true },
		{ "b.eq", 0x54000040, true },
		{ "adrp x3", 0xd0000303, true },
		{ "adr x0", 0x10000000, true },
		{ "ldr x0, literal", 0x58000040, true },
		{ "ret", 0xd65f03c0, true },
		{ "br x17", 0xd61f0220, true },
		{ "nop", 0xd503201f, true },
		{ "paciasp", 0xd503233f, false },
		{ "bti c", 0xd503245f, false },
		{ "stp x29, x30", 0xa9be7bfd, false },
		{ "sub sp", 0xd10083ff, false },
		{ "mov x4, x3", 0xaa0303e4, false },
		{ "ldr x1, [x0]", 0xf9400401, false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		OK_MSG(insn_cost_arm64(words[i].word) == (words[i].emulated
								  ? PROBE_COST_EMULATED
								  : PROBE_COST_SINGLE_STEPPED),
		       "%s", words[i].what);
}

int main(void)
{
	RUN(test_x86);
	RUN(test_arm64);
	return tap_done();
}
