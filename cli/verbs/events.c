/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard events [--follow] [--since TIME] [--json]: what has happened, a sentence each, broken
 * to 80 columns; with --json an object a line. A gap is said where it is.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/verb.h"

#define EVENTS_COLUMNS 80

/* "2001-02-03 04:05:06  " */
#define EVENTS_INDENT 21

struct events_view {
	bool json;
	bool follow;
	time_t since;
};

/* ---- times --------------------------------------------------------------------------------- */

/* "2001-02-03T04:05:06.000007Z" of the daemon, in whole seconds; -1: it is none. */
static time_t parse_stamp(const char *stamp)
{
	struct tm tm = {};

	return stamp && strptime(stamp, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : -1;
}

/* How long ago: "90s", "10min", "2h", "1d". */
static bool parse_ago(const char *text, time_t now, time_t *ret)
{
	static const struct {
		const char *unit;
		unsigned int seconds;
	} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 } };
	unsigned long number;
	char *end;
	size_t i;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit) || number > (unsigned long)now / units[i].seconds)
			continue;
		*ret = now - number * units[i].seconds;
		return true;
	}
	return false;
}

/* As --json has them; the parts of a second do not count. */
static bool parse_own(const char *text, time_t *ret)
{
	const char *end;
	struct tm tm = {};

	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (!end || strcmp(end, "Z") != 0)
		return false;
	*ret = timegm(&tm);
	return true;
}

/* A time of day is today's; what is left out is 0. Local time. */
static bool parse_time(const char *text, time_t now, time_t *ret)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d",
					       "%H:%M:%S", "%H:%M" };
	const char *end;
	struct tm tm;
	size_t i;
	int day;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		localtime_r(&now, &tm);
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		tm.tm_isdst = -1;
		end = strptime(text, formats[i], &tm);
		if (end && !*end) {
			day = tm.tm_mday;
			*ret = mktime(&tm);
			return tm.tm_mday == day; /* and no 30th of February */
		}
	}
	return false;
}

/* ---- printing ------------------------------------------------------------------------------ */

static int print_width(const char *text, int bytes)
{
	int columns = 0;

	for (; bytes-- > 0; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

/* From this column on, broken at spaces; a word that is longer than a line stands as it is. */
static void print_broken(const char *text, int column)
{
	const int indent = column;

	while (*text) {
		int bytes = strcspn(text, " "), columns = print_width(text, bytes);

		if (column > indent && column + 1 + columns > EVENTS_COLUMNS) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		fwrite(text, bytes, 1, stdout);
		column += columns;
		text += bytes;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_event(const json_t *event, time_t when)
{
	char text[32];
	struct tm tm;

	localtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s  ", text);
	print_broken(json_string_value(json_object_get(event, "sentence")) ?: "", EVENTS_INDENT);
}

/* Whether there is any use in going on. */
static bool print_done(const struct events_view *view)
{
	if (view->follow)
		fflush(stdout);
	return !ferror(stdout);
}

static bool on_event(void *userdata, const json_t *event)
{
	const struct events_view *view = userdata;
	time_t when = parse_stamp(json_string_value(json_object_get(event, "time")));

	if (when < view->since)
		return true;
	if (view->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_event(event, when);
	}
	return print_done(view);
}

static bool on_missed(void *userdata, uint64_t count)
{
	const struct events_view *view = userdata;

	if (view->json)
		printf("{\"missed\":%" PRIu64 "}\n", count);
	else
		printf("(%" PRIu64 " event%s no longer kept)\n", count,
		       count == 1 ? " is" : "s are");
	return print_done(view);
}

/* ---- the verb ------------------------------------------------------------------------------ */

int verb_events(const struct cli *cli, int argc, char **argv)
{
	const char *since = cli_option(cli, "since");
	struct events_view view = { .json = cli->json, .follow = cli_option(cli, "follow") };
	const struct client_events handler = { on_event, on_missed, &view };
	time_t now = time(NULL);

	if (since && !parse_ago(since, now, &view.since) && !parse_own(since, &view.since) &&
	    !parse_time(since, now, &view.since))
		return arguments_wrong(
			cli->verb,
			"\"%s\" is no time; there are 90s, 10min, 2h, 1d (ago), 14:30, "
			"\"2001-02-03 14:30:00\", and 2001-02-03T14:30:00Z",
			since);
	/* a closed pipe is an end like any other */
	signal(SIGPIPE, SIG_IGN);
	return client_events(cli->runtime_dir, view.follow, &handler);
}
