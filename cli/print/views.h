/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The views of the host's sockets as tables for people, from the JSON that the daemon answers with.
 */
#pragma once

#include <jansson.h>

#include "cli/base/screen.h"

/* More rows than this are for --wide, or for --json. */
#define VIEW_ROWS 40

/* What is wrong with a listener: the more, the higher; and in a word, and in a sentence or "". */
struct view_diagnosis {
	int trouble;
	const char *word, *sentence;
};

struct view_diagnosis view_diagnose(const json_t *listener);

/* The worst first. */
void view_sort_listeners(json_t *listeners);

/* What of them --json shows: the keys that are promised, in their order. The caller's; NULL without
 * memory. */
json_t *view_promised_listeners(const json_t *listeners);

/* What an odd number of sockets in some state means, a sentence, or NULL. states: {STATE:n}. */
const char *view_oddity(const json_t *states);

/* All: -ENOMEM. */
int view_print_listeners(const json_t *listeners, const struct screen *s);
int view_print_halfopen(const json_t *halfopen, bool of_listeners, const struct screen *s);

/* What the SYNs of all sources look like, to be put behind a sentence, or "". */
const char *view_sources_pattern(const json_t *sources);
int view_print_sources(const json_t *sources, const struct screen *s);
int view_print_states(const json_t *states, const struct screen *s);

/* For all of them: "192.0.2.1:80", and a number, or "-" where it is not known. */
struct view_cell {
	char text[96];
};
struct view_cell view_where(const json_t *row, const char *address, const char *port);
struct view_cell view_number(const json_t *row, const char *key, const struct screen *s);
