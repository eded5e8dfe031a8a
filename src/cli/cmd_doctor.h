/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_CLI_CMD_DOCTOR_H
#define PLAINTAP_CLI_CMD_DOCTOR_H

/* `plaintap doctor`: argv[0] is "doctor". Returns the exit status: 1 when a capture is prevented.
 */
int cmd_doctor(int argc, char **argv);

#endif
