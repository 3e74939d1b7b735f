/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two files of the client share: a connection, and a call on it. Nobody else includes it. */
#pragma once

#include <jansson.h>
#include <systemd/sd-bus.h>

#include "synguard/cleanup.h"

DEFINE_CLEANUP(sd_bus, sd_bus_flush_close_unref)
#define _cleanup_bus_ _cleanup_(sd_bus_flush_close_unref_at)

/* All return an exit code, and have said on stderr what is wrong. */

/* The caller owns *ret. */
int client_connect(const char *runtime_dir, sd_bus **ret);

/*
 * Calls a method that answers with one string, which is JSON; types NULL: without arguments. The
 * caller owns *ret.
 */
int client_call_json(sd_bus *bus, json_t **ret, const char *method, const char *types, ...);

/* What a call that failed with r, or the error (NULL: there is none), means. */
int client_failed(const sd_bus_error *error, int r);
