/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the daemon, over the socket in its runtime directory. The only user of sd-bus in the CLI.
 */
#pragma once

#include <jansson.h>

/* The report; the caller owns *ret. Returns an exit code, and has said on stderr what is wrong. */
int client_describe(const char *runtime_dir, json_t **ret);

/* Likewise an exit code. */
int client_set_mode(const char *runtime_dir, const char *mode);
