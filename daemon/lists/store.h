/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allow and the deny list of a running daemon: what was requested, what files say, and what of
 * it the programs have.
 *
 * What was requested is kept in the state directory and comes back with the next start, unless it
 * was requested until the daemon stops. Of a file the last version without a fault counts. What has
 * expired goes at a tick. With engine "kernel" lists are kept but have no effect: no program runs.
 *
 * One change is made at a time, in slices between which the loop turns: first the programs, then the
 * state file, by a thread; then it counts, and the request is answered. Where either fails, the
 * programs are taken back. A daemon that dies in between starts with what the file says, which is as
 * before.
 *
 * No call here waits for a disk but list_store_new(), list_store_take_files(), list_store_settle()
 * and list_store_free().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/base/complaint.h"
#include "daemon/settings/settings.h"

struct dataplane;
struct list_store;

/* A request to change a list, in the words of the bus. */
struct lists_request {
	const char *list;      /* "allow", "deny" */
	const char *text;      /* lines "PREFIX [# comment]" */
	const char *name;      /* what the text is called where a line is wrong; "" = nothing */
	const char *expire;    /* a span of time, "" = never */
	const char *protected; /* lines "ADDRESS WHAT": to be denied by force only */
	bool runtime;	       /* not to be kept */
	bool force;
	/* how many prefixes, or -errno with what is wrong in *c */
	void (*done)(void *userdata, int r, const struct complaint *c);
	void *userdata;
};

struct list_store_handler {
	/* Whether an address of this host lies in these first bits of addr, and which. */
	bool (*own)(void *userdata, const struct sg_addr *addr, unsigned int bits,
		    struct sg_addr *ret);
	/* There are so many prefixes now, and they have no effect (engine "kernel"). Called once. */
	void (*not_applied)(void *userdata, size_t allowed, size_t denied);
	void *userdata;
};

/* Reads what is kept. dp may be NULL. -errno; where *warning is filled, part of it was left out. */
int list_store_new(struct list_store **ret, sd_event *event, struct dataplane *dp,
		   const char *state_dir, const struct list_store_handler *handler,
		   struct complaint *warning);
/* Waits for the disk where something is being saved; requests that wait get no answer. */
struct list_store *list_store_free(struct list_store *s);

/*
 * Reads the files that the settings name; they count some turns of the loop later. -errno with *c
 * filled: nothing has changed.
 */
int list_store_take_files(struct list_store *s, const struct settings *settings,
			  struct complaint *c);
/* Makes all changes that wait, now. */
void list_store_settle(struct list_store *s);

/* Once a second. -errno with *c filled: a change that nobody waits for has failed. */
int list_store_tick(struct list_store *s, struct complaint *c);

/*
 * All of it or nothing. 0: q->done will be called, or has been, with how many prefixes, or -errno and
 * what is wrong. Negative: what is wrong with the request is in *c. -EPERM: refused unless forced;
 * -EINVAL, -ENOENT, -ENOSPC and others.
 */
int list_store_add(void *list_store, const struct lists_request *q, struct complaint *c);
int list_store_remove(void *list_store, const struct lists_request *q, struct complaint *c);

/*
 * JSON {entries[{prefix,comment,expires_in_seconds,kept,file}],next}: those from number `first` on,
 * as many as one turn of the loop should take; next null: that was all. NULL: no such list, or no
 * memory. To be freed.
 */
char *list_store_show(void *list_store, const char *list, uint32_t first);

/* How many prefixes of a list the programs have. */
size_t list_store_count(const struct list_store *s, const char *list);
