/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "synguard/cleanup.h"

#include "daemon/base/fault.h"
#include "daemon/mitigation/plan.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define MITIGATION_JOURNAL_HEAD "synguard-mitigation 2\n"

/* Of a line about a step, or a listener; and of what stands around them. */
#define MITIGATION_JOURNAL_LINE 256
#define MITIGATION_JOURNAL_MAX                                                                     \
	(MITIGATION_JOURNAL_LINE * (SG_MITIGATION_COUNT + MITIGATION_TARGETS_MAX) + 512)

struct mitigation_journal_place {
	char boot[64];
	uint64_t netns;
};

/* ---- where and when ------------------------------------------------------------------------ */

/* The cookie of a namespace is never given twice within a boot; its inode may be. */
static int mitigation_journal_netns(uint64_t *ret)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(*ret);

	if (fd < 0)
		return -errno;
	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &length) < 0 ? -errno : 0;
}

static int mitigation_journal_here(struct mitigation_journal_place *ret)
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret->boot, sizeof(ret->boot) - 1);
	if (n < 0)
		return -errno;
	ret->boot[n] = '\0';
	ret->boot[strcspn(ret->boot, "\n")] = '\0';
	return mitigation_journal_netns(&ret->netns);
}

/* ---- text ---------------------------------------------------------------------------------- */

/* FNV-1a: against what is torn or edited by mistake, not against malice. */
static uint64_t mitigation_journal_sum(const char *text, size_t length)
{
	uint64_t sum = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < length; i++)
		sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	return sum;
}

static size_t mitigation_journal_print_target(const struct mitigation_target *t, char *text,
					      size_t size)
{
	return snprintf(text, size,
			"listener %" PRIu64
			" at %s step %s old %u ours %u back %u pid %u usec %" PRIu64 "\n",
			t->cookie, t->name, mitigation_rows[t->step].word, t->old, t->ours, t->back,
			t->pid, t->since_usec);
}

static size_t mitigation_journal_print(const struct mitigation_journal_place *here,
				       const struct mitigation_records *records, char *text,
				       size_t size)
{
	size_t n, i;

	n = snprintf(text, size, MITIGATION_JOURNAL_HEAD "boot %s\nnetns %" PRIu64 "\n", here->boot,
		     here->netns);
	for (i = 0; i < records->count; i++) {
		const struct mitigation_record *r = &records->items[i];

		n += snprintf(text + n, size - n,
			      "step %s old %" PRIu64 " ours %" PRIu64 " usec %" PRIu64 "\n",
			      mitigation_rows[r->step].word, r->old, r->ours, r->realtime_usec);
	}
	for (i = 0; i < records->targets.count; i++)
		if (!records->targets.items[i].lost)
			n += mitigation_journal_print_target(&records->targets.items[i], text + n,
							     size - n);
	return n + snprintf(text + n, size - n, "sum %016" PRIx64 "\n",
			    mitigation_journal_sum(text, n));
}

static bool mitigation_journal_parse_step(const char *line, struct mitigation_records *ret)
{
	struct mitigation_record *r = &ret->items[ret->count];
	char word[32];

	if (ret->count == SG_MITIGATION_COUNT ||
	    sscanf(line, "step %31s old %" SCNu64 " ours %" SCNu64 " usec %" SCNu64, word, &r->old,
		   &r->ours, &r->realtime_usec) != 4)
		return false;
	r->step = mitigation_find(word);
	ret->count++;
	return r->step != SG_MITIGATION_COUNT &&
	       mitigation_rows[r->step].kind == SG_MITIGATION_VALUE;
}

static bool mitigation_journal_parse_target(const char *line, struct mitigation_records *ret)
{
	struct mitigation_target t = {}, *kept;
	char word[32];

	if (sscanf(line,
		   "listener %" SCNu64 " at %55s step %31s old %" SCNu32 " ours %" SCNu32
		   " back %" SCNu32 " pid %" SCNu32 " usec %" SCNu64,
		   &t.cookie, t.name, word, &t.old, &t.ours, &t.back, &t.pid, &t.since_usec) != 8)
		return false;
	t.step = mitigation_find(word);
	if (t.step == SG_MITIGATION_COUNT || mitigation_rows[t.step].kind != SG_MITIGATION_SOCKETS)
		return false;
	kept = mitigation_targets_add(&ret->targets, t.step, &(struct sg_listener){});
	if (kept)
		*kept = t;
	return kept;
}

/* The text is cut into its lines. False: it is none of ours, or damaged. */
static bool mitigation_journal_parse(char *text, struct mitigation_journal_place *place,
				     struct mitigation_records *ret)
{
	char *sum = strstr(text, "\nsum "), *line, *state;
	uint64_t said;

	*ret = (struct mitigation_records){};
	if (strncmp(text, MITIGATION_JOURNAL_HEAD, strlen(MITIGATION_JOURNAL_HEAD)) || !sum ||
	    sscanf(sum + 1, "sum %" SCNx64, &said) != 1 ||
	    said != mitigation_journal_sum(text, sum + 1 - text))
		return false;
	*sum = '\0';
	strtok_r(text, "\n", &state);
	line = strtok_r(NULL, "\n", &state);
	if (!line || sscanf(line, "boot %63s", place->boot) != 1)
		return false;
	line = strtok_r(NULL, "\n", &state);
	if (!line || sscanf(line, "netns %" SCNu64, &place->netns) != 1)
		return false;
	while ((line = strtok_r(NULL, "\n", &state)))
		if (!mitigation_journal_parse_step(line, ret) &&
		    !mitigation_journal_parse_target(line, ret))
			return false;
	return true;
}

/* ---- the file ------------------------------------------------------------------------------ */

static int mitigation_journal_store(int dir, const char *text, size_t length)
{
	_cleanup_close_ int fd = openat(dir, MITIGATION_JOURNAL_FILE ".new",
					O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	if (n != (ssize_t)length)
		return n < 0 ? -errno : -ENOSPC;
	if (fsync(fd) < 0)
		return -errno;
	fault_pass_by(FAULT_RECORD_WRITTEN);
	if (renameat(dir, MITIGATION_JOURNAL_FILE ".new", dir, MITIGATION_JOURNAL_FILE) < 0)
		return -errno;
	fault_pass_by(FAULT_RECORD_REPLACED);
	return fsync(dir) < 0 ? -errno : 0;
}

static int mitigation_journal_remove(int dir)
{
	unlinkat(dir, MITIGATION_JOURNAL_FILE ".new", 0);
	if (unlinkat(dir, MITIGATION_JOURNAL_FILE, 0) < 0 && errno != ENOENT)
		return -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

static int mitigation_journal_open(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool mitigation_journal_is_empty(const struct mitigation_records *records)
{
	size_t i;

	for (i = 0; i < records->targets.count; i++)
		if (!records->targets.items[i].lost)
			return false;
	return !records->count;
}

int mitigation_journal_write(const char *dir, const struct mitigation_records *records,
			     struct complaint *c)
{
	_cleanup_close_ int fd = mitigation_journal_open(dir);
	_cleanup_free_ char *text = malloc(MITIGATION_JOURNAL_MAX);
	struct mitigation_journal_place here;
	int r = fd < 0 ? fd : text ? mitigation_journal_here(&here) : -ENOMEM;

	if (r >= 0 && mitigation_journal_is_empty(records))
		r = mitigation_journal_remove(fd);
	else if (r >= 0)
		r = mitigation_journal_store(fd, text,
					     mitigation_journal_print(&here, records, text,
								      MITIGATION_JOURNAL_MAX));
	if (r < 0)
		complain(c, "%s/" MITIGATION_JOURNAL_FILE " cannot be written: %s", dir,
			 strerror(-r));
	return r;
}

int mitigation_journal_discard(const char *dir)
{
	_cleanup_close_ int fd = mitigation_journal_open(dir);

	return fd < 0 ? fd : mitigation_journal_remove(fd);
}

static int mitigation_journal_load(const char *dir, char *text, size_t size)
{
	_cleanup_close_ int at = mitigation_journal_open(dir), fd = -EBADF;
	ssize_t n;

	if (at < 0)
		return at;
	fd = openat(at, MITIGATION_JOURNAL_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return 0;
}

static int mitigation_journal_understand(char *text, struct mitigation_records *ret)
{
	struct mitigation_journal_place here, place;
	int r = mitigation_journal_here(&here);

	if (r < 0)
		return r;
	if (!mitigation_journal_parse(text, &place, ret))
		return -EBADMSG;
	if (strcmp(place.boot, here.boot))
		return -ESTALE;
	return place.netns == here.netns ? 0 : -EXDEV;
}

int mitigation_journal_read(const char *dir, struct mitigation_records *ret, struct complaint *c)
{
	_cleanup_free_ char *text = malloc(MITIGATION_JOURNAL_MAX);
	int r = text ? mitigation_journal_load(dir, text, MITIGATION_JOURNAL_MAX) : -ENOMEM;

	*ret = (struct mitigation_records){};
	if (r >= 0)
		r = mitigation_journal_understand(text, ret);
	if (r < 0)
		mitigation_targets_clear(&ret->targets);
	if (r < 0 && r != -ENOENT)
		complain(c, "%s/" MITIGATION_JOURNAL_FILE ": %s", dir,
			 r == -ESTALE  ? "it is of another boot" :
			 r == -EXDEV   ? "it is of another network namespace" :
			 r == -EBADMSG ? "it is damaged, or of another version" :
					 strerror(-r));
	return r;
}
