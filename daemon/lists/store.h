/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeping of the allow and the deny list: what was asked for and what files say, and what of it
 * the programs know.
 *
 * What was asked for is kept in the state directory and comes back with the next start, unless it
 * was asked for until the daemon stops. Of a file the last version without a fault is in force.
 * What has expired goes at a tick. In engine "kernel" lists are kept, and nothing heeds them.
 *
 * One change is made at a time, in slices between which the loop turns: first the programs, then the
 * state file, by a thread, and then it is so and is answered; where either fails, the programs are
 * taken back. A daemon that dies in between comes up with what the file says, which is as before.
 *
 * No call here waits for a disk but list_store_new(), list_store_take_files(), which reads, list_store_settle()
 * and list_store_free().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/complaint.h"
#include "daemon/base/worker.h"
#include "daemon/lists/lists_request.h"
#include "daemon/settings/settings.h"

struct dataplane;
struct list_store;

struct list_store_handler {
	/* Whether an address of this host lies in these first bits of addr, and which. */
	bool (*own)(void *userdata, const struct sg_addr *addr, unsigned int bits,
		    struct sg_addr *ret);
	/* There are so many prefixes now, and nothing heeds them: engine "kernel". Told once. */
	void (*not_applied)(void *userdata, size_t allowed, size_t denied);
	void *userdata;
};

/* Reads what is kept. dp may be NULL. -errno; where *warning is filled, part of it was left out. */
int list_store_new(struct list_store **ret, sd_event *event, struct dataplane *dp,
		   const char *state_dir, const struct list_store_handler *handler,
		   struct complaint *warning);
/* Waits for the disk where something is being kept; who waits for an answer gets none. */
struct list_store *list_store_free(struct list_store *k);

/*
 * Reads the files that the settings name; they are in force some turns of the loop later. -errno
 * with *c filled: nothing has changed.
 */
int list_store_take_files(struct list_store *k, const struct settings *s, struct complaint *c);
/* Does now whatever is still to be done. */
void list_store_settle(struct list_store *k);

/* Once a second. -errno with *c filled: what was asked for could not be kept. */
int list_store_tick(struct list_store *k, struct complaint *c);

/*
 * All of it or nothing. 0: q->done will be called, with how many prefixes, or -errno and what is
 * wrong; also before this returns. Negative: what is wrong with the request is in *c. -EPERM:
 * refused unless by force; -EINVAL, -ENOENT, -ENOSPC and others.
 */
int list_store_add(void *list_store, const struct lists_request *q, struct complaint *c);
int list_store_remove(void *list_store, const struct lists_request *q, struct complaint *c);

/*
 * JSON {entries[{prefix,comment,expires_in_seconds,kept,file}],next}: those from number `first` on,
 * as many as one turn of the loop should take; next null: that was all. NULL: no such list, or no
 * memory. To be freed.
 */
char *list_store_show(void *list_store, const char *list, uint32_t first);

/* How many prefixes the programs know of a list. */
size_t list_store_count(const struct list_store *k, const char *list);
