/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bus/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "synguard/cleanup.h"

/* The report is filled at most once in this time. */
#define BUS_DESCRIBE_USEC 50000ULL

/* How late the timer may be; the default of sd-event is 250 ms. */
#define BUS_ACCURACY_USEC 1000ULL

struct bus_request *bus_request_begin(struct bus_requests *all, struct bus_peer *peer,
				      sd_bus_message *call)
{
	struct bus_request *request, *place = NULL;
	size_t of_peer = 0;

	for (request = all->places; request < all->places + all->max; request++) {
		of_peer += request->peer == peer;
		if (!request->busy && !place)
			place = request;
	}
	if (!place || of_peer >= all->max_of_peer)
		return NULL;
	*place = (struct bus_request){ .busy = true,
				       .peer = peer,
				       .call = sd_bus_message_ref(call) };
	return place;
}

sd_bus_message *bus_request_end(struct bus_request *request)
{
	sd_bus_message *call = request->call;

	*request = (struct bus_request){};
	return call;
}

void bus_requests_forget(struct bus_requests *all, const struct bus_peer *peer)
{
	struct bus_request *request;

	for (request = all->places; request < all->places + all->max; request++) {
		if (!request->busy || request->peer != peer)
			continue;
		request->peer = NULL;
		request->call = sd_bus_message_unref(request->call);
		if (all->end_with_peer)
			bus_request_end(request);
	}
}

/* ---- Describe() ---------------------------------------------------------------------------- */

static struct bus_request *bus_describe_next(struct bus_describe *d, bool ready)
{
	struct bus_request *request;

	for (request = d->calls.places; request < d->calls.places + d->calls.max; request++)
		if (request->busy && request->ready == ready)
			return request;
	return NULL;
}

/*
 * To fill the report takes a while. So calls wait until BUS_DESCRIBE_USEC have passed since the
 * last report, and all that have come by then share the next one.
 */
static int bus_describe_schedule(struct bus_describe *d)
{
	bool ready = bus_describe_next(d, true);
	uint64_t now, at;
	int r;

	if (!ready && !bus_describe_next(d, false))
		return 0;
	r = sd_event_now(sd_event_source_get_event(d->timer), CLOCK_MONOTONIC, &now);
	if (r < 0)
		return r;
	at = ready ? now : d->made_usec + BUS_DESCRIBE_USEC;
	r = sd_event_source_set_time(d->timer, at > now ? at : now);
	return r < 0 ? r : sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

static void bus_describe_answer(const struct bus_describe *d, struct bus_request *request)
{
	struct bus_peer *peer = request->peer;
	sd_bus_message *call = bus_request_end(request);

	if (call && bus_peer_reads(peer)) {
		if (d->text)
			sd_bus_reply_method_return(call, "s", d->text);
		else
			sd_bus_reply_method_errno(call, ENOMEM, NULL);
	}
	sd_bus_message_unref(call);
}

/* One answer for each turn of the loop, so that a tick does not wait for all of them. */
static int bus_describe_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct bus_describe *d = userdata;
	struct bus_request *request;

	if (!bus_describe_next(d, true) && bus_describe_next(d, false)) {
		free(d->text);
		d->text = d->describe(d->userdata);
		sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &d->made_usec);
		for (request = d->calls.places; request < d->calls.places + d->calls.max; request++)
			request->ready = request->busy;
	}
	request = bus_describe_next(d, true);
	if (request)
		bus_describe_answer(d, request);
	return bus_describe_schedule(d);
}

int bus_describe_call(struct bus_describe *d, struct bus_peer *peer, sd_bus_message *call)
{
	int r;

	if (!bus_request_begin(&d->calls, peer, call)) {
		bus_peer_drop(peer);
		return 1;
	}
	r = bus_describe_schedule(d);
	return r < 0 ? r : 1;
}

int bus_describe_init(struct bus_describe *d, sd_event *event)
{
	int r = sd_event_add_time(event, &d->timer, CLOCK_MONOTONIC, 0, BUS_ACCURACY_USEC,
				  bus_describe_on_timer, d);

	return r < 0 ? r : sd_event_source_set_enabled(d->timer, SD_EVENT_OFF);
}

void bus_describe_done(struct bus_describe *d)
{
	d->timer = sd_event_source_disable_unref(d->timer);
	free(TAKE_PTR(d->text));
}
