/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard metrics: the report as Prometheus text (exposition format 0.0.4).
 *
 * A family is one row of a table. Labels come from a closed set and never name a source.
 */
#include <stdio.h>
#include <string.h>

#include "synguard/names.h"

#include "client.h"
#include "verbs.h"

/* More services than this are not listed one by one: a label's values must stay few. */
#define METRICS_MAX_LISTENERS 64

struct family {
	const char *name;
	const char *key; /* in the report, or in its services */
	const char *type;
	const char *help;
};

/* clang-format off */
static const struct family report_families[] = {
	{ "synguard_uptime_seconds",        "uptime_seconds", "gauge", "Time since the daemon started." },
	{ "synguard_half_open_connections", "half_open",      "gauge", "Connections in SYN_RECV in this network namespace." },
	{}
};

static const struct family service_families[] = {
	{ "synguard_service_syns_total",               "syns",             "counter", "SYNs for the service." },
	{ "synguard_service_challenges_total",         "challenged",       "counter", "SYNs of the service answered with a cookie." },
	{ "synguard_service_acceptances_total",        "accepted",         "counter", "ACKs with a valid cookie handed to the listener." },
	{ "synguard_service_births_total",             "born",             "counter", "Acceptances that became a socket." },
	{ "synguard_service_defending",                "defending",        "gauge",   "Whether the SYNs of the service are challenged now." },
	{ "synguard_service_blocked",                  "blocked",          "gauge",   "Whether challenging is suspended because acceptances are not born." },
	{ "synguard_service_syn_queue_connections",    "syn_queue",        "gauge",   "Half-open connections of the service." },
	{ "synguard_service_syn_queue_limit",          "syn_queue_max",    "gauge",   "Limit of the SYN queues of the service's listeners." },
	{ "synguard_service_accept_queue_connections", "accept_queue",     "gauge",   "Completed connections that wait to be accepted." },
	{ "synguard_service_accept_queue_limit",       "accept_queue_max", "gauge",   "Limit of the accept queues of the service's listeners." },
	{}
};
/* clang-format on */

static void print_head(const char *name, const char *type, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static json_int_t value_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
}

static void print_report(const json_t *report)
{
	const struct family *f;

	for (f = report_families; f->name; f++) {
		print_head(f->name, f->type, f->help);
		printf("%s %" JSON_INTEGER_FORMAT "\n", f->name, value_of(report, f->key));
	}
}

/* Of a closed set of words the one that holds has the value 1. */
static void print_choice(const json_t *report, const char *name, const char *key, const char *label,
			 const char *help, const char *const *words)
{
	const char *now = json_string_value(json_object_get(report, key));

	print_head(name, "gauge", help);
	for (; *words; words++)
		printf("%s{%s=\"%s\"} %d\n", name, label, *words, now && !strcmp(now, *words));
}

static void print_choices(const json_t *report)
{
	static const char *const engines[] = { "reqsk", "kernel", NULL };
	static const char *const modes[] = { "off", "observe", "auto", "always", NULL };
	static const char *const states[] = { "calm", "attack", "cooling", NULL };

	print_choice(report, "synguard_engine", "engine", "engine",
		     "How a cookie becomes a connection.", engines);
	print_choice(report, "synguard_mode", "mode", "kind", "What the administrator allows.",
		     modes);
	print_choice(report, "synguard_state", "state", "kind", "What the detector says.", states);
}

static void print_verdicts(json_t *report)
{
	json_t *by_program, *value;
	const char *program, *verdict;

	print_head("synguard_packets_total", "counter", "Packets that a program saw.");
	json_object_foreach(json_object_get(report, "packets"), program, value)
		printf("synguard_packets_total{program=\"%s\"} %" JSON_INTEGER_FORMAT "\n", program,
		       json_integer_value(value));
	print_head("synguard_verdicts_total", "counter",
		   "Packets by the reason with which they left a program.");
	json_object_foreach(json_object_get(report, "verdicts"), program, by_program)
		json_object_foreach(by_program, verdict, value)
			printf("synguard_verdicts_total{program=\"%s\",verdict=\"%s\"} "
			       "%" JSON_INTEGER_FORMAT "\n",
			       program, verdict, json_integer_value(value));
}

static void print_service(const struct family *f, const json_t *service)
{
	const char *address = json_string_value(json_object_get(service, "address"));

	printf(strchr(address, ':') ?
		       "%s{listener=\"[%s]:%" JSON_INTEGER_FORMAT "\"} %" JSON_INTEGER_FORMAT "\n" :
		       "%s{listener=\"%s:%" JSON_INTEGER_FORMAT "\"} %" JSON_INTEGER_FORMAT "\n",
	       f->name, address, value_of(service, "port"), value_of(service, f->key));
}

static void print_services(const json_t *report)
{
	const json_t *services = json_object_get(report, "services");
	const struct family *f;
	json_int_t rest;
	json_t *service;
	size_t i;

	for (f = service_families; f->name; f++) {
		print_head(f->name, f->type, f->help);
		rest = 0;
		json_array_foreach(services, i, service) {
			if (i < METRICS_MAX_LISTENERS)
				print_service(f, service);
			else
				rest += value_of(service, f->key);
		}
		if (json_array_size(services) > METRICS_MAX_LISTENERS)
			printf("%s{listener=\"other\"} %" JSON_INTEGER_FORMAT "\n", f->name, rest);
	}
}

int verb_metrics(const struct cli *cli, int argc, char **argv)
{
	json_t *report = NULL;
	int r;

	r = client_describe(cli->runtime_dir, &report);
	if (r != SG_EXIT_OK)
		return r;
	print_choices(report);
	print_report(report);
	print_verdicts(report);
	print_services(report);
	json_decref(report);
	return SG_EXIT_OK;
}
