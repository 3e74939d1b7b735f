/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of prefixes: what goes in and out, what has expired, and what is not to be denied.
 *
 * A list is sorted by prefix and has each of them once; what is put in anew replaces what was there.
 * Whatever fails leaves the list as it was. Pure: no file, no clock, no log; time comes in as
 * seconds of CLOCK_REALTIME, because an expiry outlives the daemon and the machine's uptime.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* An IPv4 prefix counts the 96 bits of ::ffff, too. */
struct lists_prefix {
	struct sg_addr addr;
	uint8_t bits;
};

struct lists_entry {
	struct lists_prefix prefix;
	bool kept;	     /* over the end of the daemon */
	uint64_t expires_at; /* 0 = never */
	char comment[80];
};

/* All zero = empty. */
struct lists_list {
	struct lists_entry *entries;
	size_t count;
};

struct lists_text {
	char text[64];
};

void lists_done(struct lists_list *l);

/* "192.0.2.0/24", "2001:db8::1". -EINVAL, with what is wrong and the remedy in *c. */
int lists_parse_prefix(struct lists_prefix *ret, const char *word, struct complaint *c);
void lists_print_prefix(const struct lists_prefix *p, struct lists_text *ret);
bool lists_covers(const struct lists_prefix *p, const struct sg_addr *addr);

/* 0 or 96: the bits before those that the text is about; *ret is all zero before. -EINVAL. */
int lists_parse_addr(struct sg_addr *ret, const char *word);

/*
 * For a list that is read line by line: appends, *room being 0 to begin with, and at the end sorts
 * and leaves each prefix once. -ENOSPC: far too many; -ENOMEM.
 */
int lists_append(struct lists_list *l, size_t *room, const struct lists_entry *e,
		 struct complaint *c);
void lists_tidy(struct lists_list *l);

/* Says it in *c; -ENOSPC. */
int lists_no_room(struct complaint *c);

/* Puts all of `more` in. -ENOSPC, -ENOMEM. */
int lists_put(struct lists_list *l, const struct lists_list *more, struct complaint *c);
/* Takes all of `gone` out. -ENOENT: one of them is not there. */
int lists_take_out(struct lists_list *l, const struct lists_list *gone, struct complaint *c);
/* How many went. */
size_t lists_expire(struct lists_list *l, uint64_t now);
const struct lists_entry *lists_get(const struct lists_list *l, const struct lists_prefix *p);

/* Somebody who is not to be denied, and who that is: "the address of this SSH session". */
struct lists_spared {
	struct sg_addr addr;
	char what[64];
};

/*
 * What one should not deny without being asked twice: more than a /8 (IPv6: /32), and the spared.
 * -EPERM, and *c says which and how to do it all the same.
 */
int lists_guard(const struct lists_list *l, const struct lists_spared *spared, size_t count,
		struct complaint *c);
