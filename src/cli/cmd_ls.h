/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_CLI_CMD_LS_H
#define PLAINTAP_CLI_CMD_LS_H

/* `plaintap ls`: argv[0] is "ls". Returns the exit status. */
int cmd_ls(int argc, char **argv);

#endif
