/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/mitigation/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"

#include "daemon/base/file.h"
#include "daemon/mitigation/fault.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define RECORD_HEAD "synguard-mitigation 2\n"

/* What a daemon before 0.2 called it; the lines are the same. */
#define RECORD_OLD_FILE "ladder"
#define RECORD_OLD_HEAD "synguard-ladder 2\n"

/* Of a line about a target; and of what stands around them. */
#define RECORD_LINE_BYTES 256
#define RECORD_MAX_BYTES  (RECORD_LINE_BYTES * MITIGATION_TARGETS_MAX + 512)

struct record_place {
	char boot[64];
	uint64_t netns;
};

/* ---- where and when ------------------------------------------------------------------------ */

static int record_here(struct record_place *ret)
{
	/* the cookie of a namespace is never given twice within a boot; its inode may be */
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(ret->netns);
	_cleanup_free_ char *boot = NULL;
	int r;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &ret->netns, &length) < 0)
		return -errno;
	r = file_read("/proc/sys/kernel/random/boot_id", 0, sizeof(ret->boot) - 1, &boot, NULL);
	if (r < 0)
		return r;
	snprintf(ret->boot, sizeof(ret->boot), "%.*s", (int)strcspn(boot, "\n"), boot);
	return 0;
}

/* ---- text ---------------------------------------------------------------------------------- */

static bool record_has(const struct mitigation_target *t)
{
	return !t->conflict && mitigation_rows[t->step].kind != SG_MITIGATION_ACTION;
}

static void record_print_target(FILE *to, const struct mitigation_target *t)
{
	const char *word = mitigation_rows[t->step].word;

	if (t->cookie)
		fprintf(to,
			"listener %" PRIu64 " at %s step %s old %" PRIu64 " ours %" PRIu64
			" back %" PRIu64 " pid %u usec %" PRIu64 "\n",
			t->cookie, t->name, word, t->old, t->ours, t->back, t->pid, t->since_usec);
	else
		fprintf(to, "step %s old %" PRIu64 " ours %" PRIu64 " usec %" PRIu64 "\n", word,
			t->old, t->ours, t->since_usec);
}

static int record_print(const struct mitigation_targets *targets, char **ret, size_t *length)
{
	struct record_place here;
	size_t i;
	FILE *to;
	int r = record_here(&here);

	if (r < 0)
		return r;
	to = open_memstream(ret, length);
	if (!to)
		return -ENOMEM;
	fprintf(to, RECORD_HEAD "boot %s\nnetns %" PRIu64 "\n", here.boot, here.netns);
	for (i = 0; i < targets->count; i++)
		if (record_has(&targets->items[i]))
			record_print_target(to, &targets->items[i]);
	return file_seal(to, ret, length);
}

static bool record_parse_target(const char *line, struct mitigation_targets *ret)
{
	struct mitigation_target t = {};
	char word[32];
	bool listener = sscanf(line,
			       "listener %" SCNu64 " at %55s step %31s old %" SCNu64
			       " ours %" SCNu64 " back %" SCNu64 " pid %" SCNu32 " usec %" SCNu64,
			       &t.cookie, t.name, word, &t.old, &t.ours, &t.back, &t.pid,
			       &t.since_usec) == 8;

	if (!listener && sscanf(line, "step %31s old %" SCNu64 " ours %" SCNu64 " usec %" SCNu64,
				word, &t.old, &t.ours, &t.since_usec) != 4)
		return false;
	t.step = mitigation_find(word);
	if (t.step == SG_MITIGATION_COUNT || listener != !!t.cookie ||
	    mitigation_rows[t.step].kind !=
		    (listener ? SG_MITIGATION_SOCKETS : SG_MITIGATION_VALUE))
		return false;
	if (!listener)
		snprintf(t.name, sizeof(t.name), "%s", mitigation_rows[t.step].target);
	return mitigation_targets_add(ret, &t);
}

/* Cuts the text into its lines. False: it is none of ours, or damaged. */
static bool record_parse(char *text, struct record_place *place, struct mitigation_targets *ret)
{
	char *line, *state;

	if ((strncmp(text, RECORD_HEAD, strlen(RECORD_HEAD)) &&
	     strncmp(text, RECORD_OLD_HEAD, strlen(RECORD_OLD_HEAD))) ||
	    !file_unseal(text))
		return false;
	strtok_r(text, "\n", &state);
	line = strtok_r(NULL, "\n", &state);
	if (!line || sscanf(line, "boot %63s", place->boot) != 1)
		return false;
	line = strtok_r(NULL, "\n", &state);
	if (!line || sscanf(line, "netns %" SCNu64, &place->netns) != 1)
		return false;
	while ((line = strtok_r(NULL, "\n", &state)))
		if (!record_parse_target(line, ret))
			return false;
	return true;
}

/* ---- the file ------------------------------------------------------------------------------ */

static bool record_is_empty(const struct mitigation_targets *targets)
{
	size_t i;

	for (i = 0; i < targets->count; i++)
		if (record_has(&targets->items[i]))
			return false;
	return true;
}

static int record_replace(const char *dir, const struct mitigation_targets *targets)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r;

	if (record_is_empty(targets)) {
		fault_pass_by(FAULT_BEFORE_REMOVE);
		return file_remove(dir, RECORD_FILE);
	}
	r = record_print(targets, &text, &length);
	if (r >= 0)
		r = file_stage(dir, RECORD_FILE, text, length);
	if (r < 0)
		return r;
	fault_pass_by(FAULT_RECORD_WRITTEN);
	r = file_commit(dir, RECORD_FILE);
	fault_pass_by(FAULT_RECORD_REPLACED);
	return r;
}

int record_write(const char *dir, const struct mitigation_targets *targets, struct complaint *c)
{
	int r = record_replace(dir, targets);

	if (r < 0)
		complain(c, "%s/" RECORD_FILE " cannot be written: %s", dir, strerror(-r));
	return r;
}

int record_discard(const char *dir)
{
	return file_remove(dir, RECORD_FILE);
}

/* One that is left by a daemon before 0.2 becomes ours, unless there is one already. */
static int record_load(const char *dir, char **ret)
{
	_cleanup_free_ char *path = NULL, *old_path = NULL;

	if (asprintf(&path, "%s/" RECORD_FILE, dir) < 0 ||
	    asprintf(&old_path, "%s/" RECORD_OLD_FILE, dir) < 0)
		return -ENOMEM;
	renameat2(AT_FDCWD, old_path, AT_FDCWD, path, RENAME_NOREPLACE);
	return file_read(path, O_NOFOLLOW, RECORD_MAX_BYTES, ret, NULL);
}

int record_read(const char *dir, struct mitigation_targets *ret, struct complaint *c)
{
	struct mitigation_targets targets = {};
	struct record_place here, place;
	_cleanup_free_ char *text = NULL;
	int r = record_load(dir, &text);

	if (r >= 0)
		r = record_here(&here);
	if (r >= 0 && !record_parse(text, &place, &targets))
		r = -EBADMSG;
	else if (r >= 0 && strcmp(place.boot, here.boot))
		r = -ESTALE;
	else if (r >= 0 && place.netns != here.netns)
		r = -EXDEV;
	if (r >= 0) {
		*ret = targets;
		return 0;
	}
	mitigation_targets_clear(&targets);
	if (r != -ENOENT)
		complain(c, "%s/" RECORD_FILE ": %s", dir,
			 r == -ESTALE  ? "it is of another boot" :
			 r == -EXDEV   ? "it is of another network namespace" :
			 r == -EBADMSG ? "it is damaged, or of another version" :
					 strerror(-r));
	return r;
}
