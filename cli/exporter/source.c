/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/exporter/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <jansson.h>
#include <systemd/sd-bus.h>

#include "cli/base/client.h"
#include "cli/base/programs.h"
#include "cli/print/metrics.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"

/* When the text is read anew, and when a daemon counts as not answering. */
#define SOURCE_FRESH_USEC    1000000ULL
#define SOURCE_DEADLINE_USEC 2000000ULL

struct source {
	sd_event *event;
	const char *runtime_dir;
	void (*ready)(void *userdata);
	void *userdata;
	sd_bus *bus; /* while a read is under way */
	sd_event_source *deadline;
	char *text;
	uint64_t asked_usec; /* when the last read began */
};

static uint64_t source_now_usec(const struct source *s)
{
	uint64_t now = 0;

	sd_event_now(s->event, CLOCK_MONOTONIC, &now);
	return now;
}

int source_new(struct source **ret, sd_event *event, const char *runtime_dir,
	       void (*ready)(void *userdata), void *userdata)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->runtime_dir = runtime_dir;
	s->ready = ready;
	s->userdata = userdata;
	*ret = s;
	return 0;
}

static void source_hang_up(struct source *s)
{
	s->deadline = sd_event_source_disable_unref(s->deadline);
	if (!s->bus)
		return;
	sd_bus_detach_event(s->bus);
	s->bus = sd_bus_close_unref(s->bus);
}

struct source *source_free(struct source *s)
{
	if (!s)
		return NULL;
	source_hang_up(s);
	sd_event_unref(s->event);
	free(s->text);
	free(s);
	return NULL;
}

/* report NULL: there is none; why, for a person who reads the text. */
static void source_render(struct source *s, const json_t *report, const char *why)
{
	char *text = NULL, command[512];
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	free(s->text);
	s->text = NULL;
	if (!to)
		return;
	if (!report)
		fprintf(to,
			"# synguardd does not answer at %s/" SG_BUS_SOCKET ": %s\n"
			"# Is it running? Start it as root with: %s\n",
			s->runtime_dir, why,
			start_hint("", s->runtime_dir, command, sizeof(command)));
	metrics_print(to, report);
	if (fclose(to)) {
		free(text);
		return;
	}
	s->text = text;
}

static void source_finish(struct source *s, const json_t *report, const char *why)
{
	source_hang_up(s);
	source_render(s, report, why);
	s->ready(s->userdata);
}

static int source_on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	source_finish(userdata, NULL, strerror(ETIMEDOUT));
	return 0;
}

static int source_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const sd_bus_error *failure = sd_bus_message_get_error(m);
	struct source *s = userdata;
	const char *text;
	json_t *report;

	if (failure) {
		source_finish(s, NULL, failure->message ?: failure->name);
	} else if (sd_bus_message_read(m, "s", &text) < 0 ||
		   !(report = json_loads(text, 0, NULL))) {
		source_finish(s, NULL, "its answer is no report");
	} else {
		source_finish(s, report, NULL);
		json_decref(report);
	}
	return 1;
}

static int source_call(struct source *s)
{
	int fd = client_socket(s->runtime_dir, SOCK_NONBLOCK), r;

	if (fd < 0)
		return fd;
	r = sd_bus_new(&s->bus);
	if (r >= 0)
		r = sd_bus_set_fd(s->bus, fd, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	/* otherwise the end of the loop would wait for the daemon */
	r = sd_bus_set_close_on_exit(s->bus, false);
	if (r >= 0)
		r = sd_bus_start(s->bus);
	if (r >= 0)
		r = sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_call_method_async(s->bus, NULL, NULL, SG_BUS_PATH, SG_BUS_INTERFACE,
					     "Describe", source_on_reply, s, NULL);
	if (r >= 0)
		r = sd_event_add_time_relative(s->event, &s->deadline, CLOCK_MONOTONIC,
					       SOURCE_DEADLINE_USEC, 0, source_on_deadline, s);
	return r;
}

const char *source_text(struct source *s)
{
	uint64_t now_usec = source_now_usec(s);
	int r;

	if (s->bus)
		return NULL;
	if (s->text && now_usec - s->asked_usec < SOURCE_FRESH_USEC)
		return s->text;
	s->asked_usec = now_usec;
	r = source_call(s);
	if (r >= 0)
		return NULL;
	source_hang_up(s);
	source_render(s, NULL, strerror(-r));
	return s->text ?: "";
}

const char *source_last(const struct source *s)
{
	return s->text;
}
