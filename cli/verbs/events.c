/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard events [--follow] [--since TIME] [--json]: a sentence for each event, or with --json an
 * object a line. Where events are missing, a line says how many.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/json.h"
#include "cli/base/screen.h"
#include "daemon/base/text.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"

/* "2001-02-03 04:05:06  " */
#define EVENTS_INDENT 21

struct events_view {
	bool json;
	bool follow;
	time_t since;
	struct screen screen;
};

/* ---- times --------------------------------------------------------------------------------- */

/* How long ago: "90s", "10min", "2h", "1d". */
static bool parse_ago(const char *text, time_t now, time_t *ret)
{
	static const struct {
		const char *unit;
		unsigned int seconds;
	} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 } };
	uint64_t number;
	size_t i;

	if (text_take_decimal(&text, &number) < 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text, units[i].unit) || number > (uint64_t)now / units[i].seconds)
			continue;
		*ret = now - number * units[i].seconds;
		return true;
	}
	return false;
}

/* "2001-02-03T04:05:06.000007Z", as in --json, in whole seconds. */
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

static void print_event(const struct screen *s, const json_t *event, time_t when)
{
	char text[32];
	struct tm tm;

	localtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	screen_wrap_item(s, text, EVENTS_INDENT, "%s", get_text(event, "sentence"));
}

/* Whether to go on. */
static bool print_done(const struct events_view *view)
{
	if (view->follow)
		fflush(stdout);
	return !ferror(stdout);
}

static bool on_event(void *userdata, const json_t *event)
{
	const struct events_view *view = userdata;
	time_t when = -1;

	parse_own(get_text(event, "time"), &when);
	if (when < view->since)
		return true;
	if (view->json) {
		json_dumpf(event, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		print_event(&view->screen, event, when);
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
	struct events_view view = {
		.json = cli->json,
		.follow = cli_option(cli, "follow"),
		.screen = screen_of(stdout, false),
	};
	const struct client_events handler = { on_event, on_missed, &view };
	time_t now = time(NULL);

	if (since && !parse_ago(since, now, &view.since) && !parse_own(since, &view.since) &&
	    !parse_time(since, now, &view.since))
		return args_wrong(cli->verb,
				  "\"%s\" is no time; there are 90s, 10min, 2h, 1d (ago), 14:30, "
				  "\"2001-02-03 14:30:00\", and 2001-02-03T14:30:00Z",
				  since);
	/* a closed pipe is no error */
	signal(SIGPIPE, SIG_IGN);
	return client_events(cli->runtime_dir, view.follow, &handler);
}
