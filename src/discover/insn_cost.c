/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of Linux: arch/x86/kernel/uprobes.c (branch_setup_xol_ops, push_setup_xol_ops) and
 * arch/arm64/kernel/probes/decode-insn.c. A kernel that emulates less makes a probe dearer than is
 * said here, never wrong.
 */
#include "insn_cost.h"

#include <stdbool.h>

enum { REX_B = 0x41, OPERAND_SIZE = 0x66, ESCAPE = 0x0f };

/* Prefixes that the kernel looks past at a jump or a nop: segments, repeat, and REX. */
static bool is_harmless_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0xf2:
		return true;
	default:
		return (byte & 0xf0) == 0x40;
	}
}

static bool is_push(const uint8_t *bytes, size_t len)
{
	if (len == 2 && bytes[0] == REX_B)
		bytes++;
	else if (len != 1)
		return false;
	return (bytes[0] & 0xf8) == 0x50;
}

/* nopl and nopw of any length; kernels before 6.18 still step them. */
static bool is_long_nop(const uint8_t *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && (bytes[i] == OPERAND_SIZE || bytes[i] == 0x2e))
		i++;
	return len - i >= 3 && bytes[i] == ESCAPE && bytes[i + 1] == 0x1f &&
	       (bytes[i + 2] & 0x38) == 0;
}

enum probe_cost insn_cost_x86(const uint8_t *bytes, size_t len)
{
	size_t i = 0;

	if (is_push(bytes, len) || is_long_nop(bytes, len))
		return PROBE_COST_EMULATED;
	while (i < len && is_harmless_prefix(bytes[i]))
		i++;
	if (i == len)
		return PROBE_COST_SINGLE_STEPPED;
	switch (bytes[i]) {
	case 0x90: /* nop; with REX.B it is an exchange of registers */
		return i == 0 ? PROBE_COST_EMULATED : PROBE_COST_SINGLE_STEPPED;
	case 0xe8: /* call rel32 */
	case 0xe9: /* jmp rel32 */
	case 0xeb: /* jmp rel8 */
		return PROBE_COST_EMULATED;
	case ESCAPE: /* jcc rel32 */
		return len - i == 6 && (bytes[i + 1] & 0xf0) == 0x80 ? PROBE_COST_EMULATED
								     : PROBE_COST_SINGLE_STEPPED;
	default: /* jcc rel8 */
		return (bytes[i] & 0xf0) == 0x70 ? PROBE_COST_EMULATED : PROBE_COST_SINGLE_STEPPED;
	}
}

/* Mask and value of each class that is simulated: literal loads, addresses, and branches. */
static const struct {
	uint32_t mask, value;
} arm64_simulated[] = {
	{ 0x9f000000, 0x10000000 }, /* adr */
	{ 0x9f000000, 0x90000000 }, /* adrp */
	{ 0xbf000000, 0x18000000 }, /* ldr literal */
	{ 0xff000000, 0x98000000 }, /* ldrsw literal */
	{ 0x7c000000, 0x14000000 }, /* b, bl */
	{ 0xff000010, 0x54000000 }, /* b.cond */
	{ 0x7e000000, 0x34000000 }, /* cbz, cbnz */
	{ 0x7e000000, 0x36000000 }, /* tbz, tbnz */
	{ 0xfffffc1f, 0xd61f0000 }, /* br */
	{ 0xfffffc1f, 0xd63f0000 }, /* blr */
	{ 0xfffffc1f, 0xd65f0000 }, /* ret */
	{ 0xffffffff, 0xd503201f }, /* nop, since 6.13 */
};

enum probe_cost insn_cost_arm64(uint32_t word)
{
	for (size_t i = 0; i < sizeof(arm64_simulated) / sizeof(arm64_simulated[0]); i++)
		if ((word & arm64_simulated[i].mask) == arm64_simulated[i].value)
			return PROBE_COST_EMULATED;
	return PROBE_COST_SINGLE_STEPPED;
}
