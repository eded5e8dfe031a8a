/* SPDX-License-Identifier: BSD-2-Clause */
/* The options that say which processes are of interest: one function a row of option_rows. */
#ifndef PLAINTAP_CLI_FILTER_OPTIONS_H
#define PLAINTAP_CLI_FILTER_OPTIONS_H

#include <stddef.h>

#include "base/error.h"
#include "model/filter.h"

struct options;

enum { FILTER_OPTION_MAX = 128 };

struct filter_options {
	struct filter_word words[FILTER_OPTION_MAX];
	size_t cnt;
};

int take_comm(struct options *o, const char *value, struct error *ret_error);
int take_uid(struct options *o, const char *value, struct error *ret_error);
int take_exe(struct options *o, const char *value, struct error *ret_error);
int take_cgroup(struct options *o, const char *value, struct error *ret_error);
int take_container(struct options *o, const char *value, struct error *ret_error);
int take_netns(struct options *o, const char *value, struct error *ret_error);
int take_port(struct options *o, const char *value, struct error *ret_error);
int take_host(struct options *o, const char *value, struct error *ret_error);
int take_exclude_port(struct options *o, const char *value, struct error *ret_error);
int take_exclude_host(struct options *o, const char *value, struct error *ret_error);
int take_exclude_pid(struct options *o, const char *value, struct error *ret_error);
int take_exclude_comm(struct options *o, const char *value, struct error *ret_error);
int take_exclude_uid(struct options *o, const char *value, struct error *ret_error);
int take_exclude_exe(struct options *o, const char *value, struct error *ret_error);
int take_exclude_cgroup(struct options *o, const char *value, struct error *ret_error);
int take_exclude_container(struct options *o, const char *value, struct error *ret_error);
int take_exclude_netns(struct options *o, const char *value, struct error *ret_error);

#endif
