/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words for a service's trouble (synguard/trouble.h), with its figures. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "synguard/trouble.h"

struct trouble_figures {
	uint64_t limit;	    /* connections that a queue of it has room for */
	uint64_t rate;	    /* completed in a second, at the most */
	uint64_t somaxconn; /* net.core.somaxconn; 0 = not known */
};

/* "slow_accept" */
const char *trouble_word(enum sg_trouble trouble);

/* The sentence, cut where there is no room; returns text. "" for SG_TROUBLE_NONE. */
const char *trouble_text(enum sg_trouble trouble, const struct trouble_figures *figures, char *text,
			 size_t size);
