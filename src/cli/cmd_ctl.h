/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_CLI_CMD_CTL_H
#define PLAINTAP_CLI_CMD_CTL_H

/* "plaintap ctl …": argv[0] is "ctl". The exit status. */
int cmd_ctl(int argc, char **argv);

#endif
