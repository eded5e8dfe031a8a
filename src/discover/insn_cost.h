/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a uprobe on an instruction costs: the kernel does some instructions itself when it comes
 * back from the probe, and must run all others out of line with the processor's single-step, whose
 * exception is dear, above all in a virtual machine.
 */
#ifndef PLAINTAP_DISCOVER_INSN_COST_H
#define PLAINTAP_DISCOVER_INSN_COST_H

#include <stddef.h>
#include <stdint.h>

#include "model/target.h"

/* `len` is the length of the one instruction at `bytes`. */
enum probe_cost insn_cost_x86(const uint8_t *bytes, size_t len);
enum probe_cost insn_cost_arm64(uint32_t word);

#endif
