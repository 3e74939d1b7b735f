/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of settings: how a value is read, and written so that it reads the same.
 *
 * A type is a row of its own: the C type that holds a value (SETTINGS_C_x) and a struct
 * settings_type. Pure; what is wrong with a value is said in words, with the remedy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/mode.h"
#include "daemon/base/complaint.h"
#include "synguard/abi.h"

#define SETTINGS_NAMES_MAX    64
#define SETTINGS_SERVICES_MAX SG_LEFT_ALONE_MAX

struct settings_names {
	size_t count;
	char items[SETTINGS_NAMES_MAX][32];
};

/* Every address of a prefix, and one port or all. */
struct settings_service {
	struct sg_addr addr;
	uint8_t prefix_bits; /* of the 128 that a mapped IPv4 address has, too */
	uint16_t port;	     /* host byte order; 0 = all */
};

struct settings_services {
	size_t count;
	struct settings_service items[SETTINGS_SERVICES_MAX];
};

enum settings_engine {
	SETTINGS_ENGINE_AUTO,
	SETTINGS_ENGINE_KERNEL,
};

/* The members' types, by the name of the type in the table. */
#define SETTINGS_C_mode	       enum sg_mode
#define SETTINGS_C_attach_mode enum attach_mode
#define SETTINGS_C_engine      enum settings_engine
#define SETTINGS_C_flag	       bool
#define SETTINGS_C_count       uint64_t
#define SETTINGS_C_span	       uint64_t /* nanoseconds */
#define SETTINGS_C_epoch       uint8_t	/* a shift of nanoseconds */
#define SETTINGS_C_names       struct settings_names
#define SETTINGS_C_services    struct settings_services
#define SETTINGS_C_files       struct settings_files
#define SETTINGS_C_listen      struct settings_service

#define SETTINGS_FILES_MAX 8

/* Absolute paths. */
struct settings_files {
	size_t count;
	char items[SETTINGS_FILES_MAX][96];
};

struct settings_bounds {
	uint64_t least, most;
};

/* One value as text; long enough for any. */
struct settings_text {
	char text[96];
};

struct settings_type {
	/*
	 * Takes a text that is not empty. -EINVAL, -ERANGE, with *value as before and *c saying
	 * what is wrong with the text.
	 */
	int (*parse)(void *value, const char *text, const struct settings_bounds *bounds,
		     struct complaint *c);
	void (*print)(const void *value, size_t item, struct settings_text *ret);
	/* of a list; NULL: it is none */
	size_t (*count)(const void *value);
	/* what a bound looks like; NULL: there are none */
	void (*print_bound)(uint64_t bound, struct settings_text *ret);
	size_t bytes;
};

extern const struct settings_type settings_mode, settings_engine, settings_flag,
	settings_attach_mode, settings_count, settings_span, settings_epoch, settings_names,
	settings_services, settings_files, settings_listen;
