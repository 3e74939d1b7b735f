/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include <arpa/inet.h>
#include <string.h>

#include <jansson.h>

/* json_pack("o") takes ownership, and NULL of a failed allocation makes the whole pack fail. */

static json_t *report_interfaces(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->interface_count; i++) {
		const struct report_interface *f = &r->interfaces[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:i, s:s, s:s, s:s}", "name", f->name,
						"index", f->index, "driver", f->driver, "attach",
						f->attach, "attach_reason", f->attach_reason));
	}
	return list;
}

static const char *report_address(const struct sg_addr *a, char text[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (!memcmp(a->bytes, mapped, sizeof(mapped)))
		return inet_ntop(AF_INET, a->bytes + sizeof(mapped), text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, a->bytes, text, INET6_ADDRSTRLEN);
}

static json_t *report_services(const struct report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->service_count; i++) {
		const struct report_service *s = &r->services[i];
		char address[INET6_ADDRSTRLEN];

		/* clang-format off */
		json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:b, s:b, s:b, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, "
				  "s:I, s:I}",
				  "address", report_address(&s->addr, address), "port", s->port,
				  "defending", s->defending, "blocked", s->blocked, "proven",
				  s->proven, "hindrance", s->hindrance, "syns",
				  (json_int_t)s->syns, "challenged", (json_int_t)s->challenged,
				  "accepted", (json_int_t)s->accepted, "born", (json_int_t)s->born,
				  "syn_queue", (json_int_t)s->syn_queue, "syn_queue_max",
				  (json_int_t)s->syn_queue_max, "accept_queue",
				  (json_int_t)s->accept_queue, "accept_queue_max",
				  (json_int_t)s->accept_queue_max));
		/* clang-format on */
	}
	return list;
}

#define REPORT_VERDICT_(in, name, action, label_, meaning_) { .programs = in, .label = label_ },
static const struct {
	unsigned int programs;
	const char *label;
} report_verdict_rows[] = { SG_VERDICTS(REPORT_VERDICT_) };

static json_t *report_verdicts(const struct report *r, enum sg_program program)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < SG_VERDICT_COUNT; i++)
		if (report_verdict_rows[i].programs & (1u << program))
			json_object_set_new(object, report_verdict_rows[i].label,
					    json_integer(r->counters[program].verdicts[i]));
	return object;
}

char *report_to_json(const struct report *r)
{
	json_t *root;
	char *text;

	/* clang-format off */
	root = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:I, s:{s:I, s:I, s:I}, "
		"s:{s:I, s:I, s:I}, s:{s:o, s:o, s:o}}",
		"version", r->version, "engine", r->engine, "engine_reason", r->engine_reason,
		"mode", r->mode, "state", r->state, "uptime_seconds",
		(json_int_t)r->uptime_seconds, "ticks", (json_int_t)r->ticks,
		"tick_delay_max_microseconds", (json_int_t)r->tick_delay_max_microseconds, "interfaces", report_interfaces(r), "services",
		report_services(r), "half_open", (json_int_t)r->half_open, "rates",
		"syns_per_second", (json_int_t)r->syns_per_second, "challenges_per_second",
		(json_int_t)r->challenges_per_second, "acceptances_per_second",
		(json_int_t)r->acceptances_per_second, "packets", "xdp",
		(json_int_t)r->counters[SG_XDP].packets, "ingress",
		(json_int_t)r->counters[SG_INGRESS].packets, "egress",
		(json_int_t)r->counters[SG_EGRESS].packets, "verdicts", "xdp",
		report_verdicts(r, SG_XDP), "ingress", report_verdicts(r, SG_INGRESS), "egress",
		report_verdicts(r, SG_EGRESS));
	/* clang-format on */
	if (!root)
		return NULL;
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}
