/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody asks of a list: the words of the bus, as they come; the list store reads them. */
#pragma once

#include <stdbool.h>

struct complaint;

struct lists_request {
	const char *list;   /* "allow", "deny" */
	const char *text;   /* lines "PREFIX [# comment]" */
	const char *name;   /* what the text is called where a line is wrong; "" = nothing */
	const char *expire; /* a span of time, "" = never */
	const char *spared; /* lines "ADDRESS WHAT" of whom to deny only by force */
	bool runtime;	    /* not to be kept */
	bool force;
	/* how many prefixes, or -errno with what is wrong in *c */
	void (*done)(void *userdata, int r, const struct complaint *c);
	void *userdata;
};
