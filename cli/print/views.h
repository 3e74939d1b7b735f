/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The views of the host's sockets as tables for people, from the JSON of the daemon. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "cli/base/screen.h"
#include "synguard/trouble.h"

/* Rows without --wide or --json. */
#define VIEW_ROWS 40

/* The words of each trouble, by enum sg_trouble. */
struct trouble_words {
	const char *word;     /* in JSON */
	const char *label;    /* in tables */
	const char *sentence; /* a template of the daemon's, see synguard/trouble.h */
};
extern const struct trouble_words trouble_words[SG_TROUBLE_COUNT];

/* Of a service or a listener: whether it is defended by engine listener. */
bool view_is_by_kernel_cookies(const json_t *row);

/* What is wrong with a listener. */
struct diagnosis {
	unsigned int rank; /* 0: the worst */
	const char *label;
	const char *sentence; /* "": nothing to add */
	enum screen_colour colour;
};
struct diagnosis view_diagnose(const json_t *listener);

/* Sorts an array of listeners, the worst first. */
void view_sort_listeners(json_t *listeners);

/* The keys that --json promises of each listener, in their order. The caller's; NULL without memory. */
json_t *view_promised_listeners(const json_t *listeners);

/*
 * A sentence about a number of sockets in some state that is odd, or NULL. states: {STATE:n}; answered:
 * of those in SYN_RECV.
 */
const char *view_oddity(const json_t *states, json_int_t answered);

/* What the SYNs of all sources look like. */
enum sources_pattern {
	SOURCES_UNCLEAR, /* also: too few SYNs to tell */
	SOURCES_CLIENTS,
	SOURCES_FORGED,
	SOURCES_FEW,
};
enum sources_pattern view_sources_pattern(const json_t *sources);

/* All return the exit code of table_print_rows(). */
int view_print_listeners(const json_t *listeners, const struct screen *s);
int view_print_halfopen(const json_t *halfopen, bool of_listeners, const struct screen *s);
int view_print_sources(const json_t *sources, const struct screen *s);
int view_print_states(const json_t *states, const struct screen *s);
