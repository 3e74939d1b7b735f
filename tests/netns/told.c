/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "told.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"
#include "synguard/names.h"

#define TRIES	   200
#define PAUSE_USEC 100000

int told_events(struct stage *s, const char *name, json_t **last)
{
	char *output = NULL, *line, *state = NULL;
	json_t *event;
	int count = 0;

	*last = NULL;
	ck_assert_int_eq(stage_cli(s, &output, "events", "--json", NULL), SG_EXIT_OK);
	for (line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		event = json_loads(line, 0, NULL);
		if (strcmp(json_string_value(json_object_get(event, "event")) ?: "", name) != 0) {
			json_decref(event);
			continue;
		}
		json_decref(*last);
		*last = event;
		count++;
	}
	free(output);
	return count;
}

json_t *told_await(struct stage *s, const char *name)
{
	json_t *event = NULL;
	int tries;

	for (tries = 0; tries < TRIES && !told_events(s, name, &event); tries++)
		usleep(PAUSE_USEC);
	ck_assert_msg(event, "%s was not told", name);
	return event;
}

void told_says(struct stage *s, const char *verb, const char *what)
{
	char *output = NULL;

	ck_assert_int_eq(stage_cli(s, &output, verb, NULL, NULL), SG_EXIT_OK);
	ck_assert_msg(strstr(output, what), "no \"%s\" in \"%s\"", what, output);
	free(output);
}

/* White space of any length becomes one space. */
static void told_unwrap(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (!isspace((unsigned char)*text))
			*to++ = *text;
		else if (text[1] && !isspace((unsigned char)text[1]))
			*to++ = ' ';
	*to = 0;
}

void told_says_in_words(struct stage *s, const char *verb, const char *option, const char *what)
{
	char *output = NULL;

	ck_assert_int_eq(stage_cli(s, &output, verb, option, NULL), SG_EXIT_OK);
	told_unwrap(output);
	ck_assert_msg(strstr(output, what), "no \"%s\" in \"%s\"", what, output);
	free(output);
}

bool told_is(const json_t *status, const char *key, const char *text)
{
	return !strcmp(json_string_value(json_object_get(status, key)) ?: "", text);
}

void told_await_word(struct stage *s, const char *key, const char *text)
{
	json_t *status = NULL;
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		status = stage_status(s);
		if (told_is(status, key, text))
			break;
		json_decref(status);
		usleep(PAUSE_USEC);
	}
	ck_assert_msg(tries < TRIES, "%s did not become %s", key, text);
	json_decref(status);
}

static json_int_t told_ticks(struct stage *s)
{
	json_t *status = stage_status(s);
	json_int_t ticks = stage_figure(status, "ticks");

	json_decref(status);
	return ticks;
}

void told_await_ticks(struct stage *s, int count)
{
	json_int_t until = told_ticks(s) + count;
	int tries;

	for (tries = 0; tries < TRIES && told_ticks(s) < until; tries++)
		usleep(PAUSE_USEC);
	ck_assert_msg(tries < TRIES, "the daemon does not tick");
}
