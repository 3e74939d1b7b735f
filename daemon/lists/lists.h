/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lists/ is the allow and the deny list: prefixes whose SYNs are passed, or dropped. lists.c has what
 * goes in and out, text.c the lines that people and the state file write, store.c the lists of a
 * running daemon. What the programs do with a list is left to bpf/, who may change one to bus/.
 *
 * A list is sorted by prefix and has each of them once; one that is put in again replaces what was
 * there. A call that fails leaves the list as it was. lists.c and text.c are pure: no file, no clock,
 * no log; time comes in as seconds of CLOCK_REALTIME, because an expiry outlives the daemon and the
 * machine's uptime.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/addr.h"
#include "daemon/base/complaint.h"
#include "synguard/abi.h"

enum lists_id {
	LISTS_ALLOW,
	LISTS_DENY,
	LISTS_COUNT,
};

const char *lists_name(enum lists_id id);
/* -EINVAL: there is none of this name. */
int lists_find(const char *name);

struct lists_entry {
	struct addr_prefix prefix;
	bool kept;	     /* over the end of the daemon */
	uint64_t expires_at; /* 0 = never */
	char comment[80];
};

/* All zero = empty. */
struct lists_list {
	struct lists_entry *entries;
	size_t count;
};

void lists_done(struct lists_list *l);

/*
 * For a list that is read line by line: appends, *room being 0 to begin with, and at the end sorts
 * and leaves each prefix once. -ENOSPC: far too many; -ENOMEM.
 */
int lists_append(struct lists_list *l, size_t *room, const struct lists_entry *e,
		 struct complaint *c);
void lists_tidy(struct lists_list *l);

/* Puts all of `more` in. -ENOSPC, -ENOMEM. */
int lists_put(struct lists_list *l, const struct lists_list *more, struct complaint *c);
/* Takes all of `gone` out. -ENOENT: one of them is not there. */
int lists_take_out(struct lists_list *l, const struct lists_list *gone, struct complaint *c);
bool lists_has_expired(const struct lists_entry *e, uint64_t now);
/* Takes out what has expired; the number of entries that went. */
size_t lists_expire(struct lists_list *l, uint64_t now);
const struct lists_entry *lists_get(const struct lists_list *l, const struct addr_prefix *p);

/* ---- the lockout guard ---- */

/* An address that must not be denied by a slip, and why: "the address of this SSH session". */
struct lists_protected {
	struct sg_addr addr;
	char what[64];
};

/*
 * Refuses what should not be denied without being asked twice: a prefix that covers a protected
 * address, or one shorter than /8 (IPv6: /32). -EPERM, and *c says which and how to force it.
 */
int lists_check_lockout(const struct lists_list *l, const struct lists_protected *protected,
			size_t count, struct complaint *c);

/* ---- from one list to another ---- */

/*
 * Changes a copy of a list that lives elsewhere, in slices as short as the caller wants: what is not
 * in the new list goes first, so that there is always room for what comes. Where it fails, another
 * rollout with from and to exchanged leads back.
 */
struct lists_rollout {
	const struct lists_list *from, *to; /* the caller's, and not changed */
	/* Puts a prefix into the copy, or takes it out. -errno. */
	int (*set)(void *userdata, const struct addr_prefix *p, bool here);
	void *userdata;
	bool adding; /* all that goes has gone */
	size_t at;   /* of the list that is walked through */
};

/*
 * Walks through up to `slice` entries. 1: there are more; 0: it is all done; -errno: something could
 * not be put in. What could not be taken out had not been there.
 */
int lists_rollout_step(struct lists_rollout *r, size_t slice);

/* ---- text (text.c) ---- */

/* "192.0.2.0/24", "2001:db8::1". -EINVAL, with what is wrong and the remedy in *c. */
int lists_parse_prefix(struct addr_prefix *ret, const char *word, struct complaint *c);

/*
 * Reads lines "PREFIX [# comment]"; blank lines and lines of comment alone are passed over. The
 * entries are as *like but for prefix and comment. `name` is what the text is called in
 * "NAME:LINE: ..."; NULL: no line is named. -EINVAL; -ENOSPC: more than SG_LISTED_MAX; -ENOMEM. The
 * caller owns *ret.
 */
int lists_read(struct lists_list *ret, const char *name, const char *text,
	       const struct lists_entry *like, struct complaint *c);

/* Puts "NAME:LINE: " before the complaint, of the first line of a text that lists_read() took which
 * has the prefix. */
void lists_blame_line(const char *name, const char *text, const struct addr_prefix *p,
		      struct complaint *c);

/* Lines "ADDRESS WHAT". The caller frees *ret. -EINVAL, -ENOMEM. */
int lists_read_protected(struct lists_protected **ret, size_t *count, const char *text,
			 struct complaint *c);

/* The kept entries of all lists, as text to be freed; NULL without memory. */
char *lists_save(const struct lists_list lists[LISTS_COUNT]);
/*
 * Puts what was saved and has not expired into empty lists. -EINVAL: not what was saved, and *c says
 * so; the lists stay empty. -ENOMEM.
 */
int lists_load(struct lists_list lists[LISTS_COUNT], const char *name, const char *text,
	       uint64_t now, struct complaint *c);
