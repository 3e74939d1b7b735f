/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard status [--json]: one sentence that can be read out on the phone, then the figures.
 * Fits 80 columns as long as addresses are IPv4 or short; no colours, so nothing to switch off.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "synguard/names.h"

#include "client.h"
#include "verbs.h"

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static bool flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *plural(json_int_t n)
{
	return n == 1 ? "" : "s";
}

/* How many services have the flag set. */
static size_t services_with(const json_t *report, const char *key)
{
	size_t i, n = 0;
	json_t *service;

	json_array_foreach(json_object_get(report, "services"), i, service)
		n += flag(service, key);
	return n;
}

static void print_sentence(const json_t *report)
{
	const json_t *rates = json_object_get(report, "rates");
	size_t services = json_array_size(json_object_get(report, "services"));
	size_t defending = services_with(report, "defending");
	size_t blocked = services_with(report, "blocked");
	const char *state = text(report, "state");
	const char *mode = text(report, "mode");

	if (!strcmp(text(report, "engine"), "kernel"))
		printf("Watching only: %s", text(report, "engine_reason"));
	else if (!strcmp(mode, "off"))
		printf("Switched off: SYNs are neither counted nor challenged");
	else if (!strcmp(state, "attack") && !strcmp(mode, "observe"))
		printf("Under a SYN flood of %" JSON_INTEGER_FORMAT " SYN/s, and only observing",
		       number(rates, "syns_per_second"));
	else if (!strcmp(state, "attack"))
		printf("A SYN flood of %" JSON_INTEGER_FORMAT
		       "/s: defending %zu of %zu service%s, %" JSON_INTEGER_FORMAT
		       " clients/s get in",
		       number(rates, "syns_per_second"), defending, services, plural(services),
		       number(rates, "acceptances_per_second"));
	else if (!strcmp(state, "cooling"))
		printf("A SYN flood has just ebbed: %" JSON_INTEGER_FORMAT
		       " SYN/s, defending %zu of %zu service%s",
		       number(rates, "syns_per_second"), defending, services, plural(services));
	else if (defending && !strcmp(mode, "auto"))
		printf("A SYN queue has filled: defending %zu of %zu service%s", defending,
		       services, plural(services));
	else
		printf("All calm: %zu service%s, %" JSON_INTEGER_FORMAT
		       " SYN/s, %" JSON_INTEGER_FORMAT " half-open connection%s",
		       services, plural(services), number(rates, "syns_per_second"),
		       number(report, "half_open"), plural(number(report, "half_open")));
	puts(".");
	if (blocked)
		printf("%zu service%s BLOCKED, see below.\n", blocked, plural(blocked));
}

static void print_uptime(json_int_t seconds)
{
	if (seconds >= 86400)
		printf("%" JSON_INTEGER_FORMAT " d %" JSON_INTEGER_FORMAT " h", seconds / 86400,
		       seconds % 86400 / 3600);
	else if (seconds >= 3600)
		printf("%" JSON_INTEGER_FORMAT " h %" JSON_INTEGER_FORMAT " min", seconds / 3600,
		       seconds % 3600 / 60);
	else if (seconds >= 60)
		printf("%" JSON_INTEGER_FORMAT " min %" JSON_INTEGER_FORMAT " s", seconds / 60,
		       seconds % 60);
	else
		printf("%" JSON_INTEGER_FORMAT " s", seconds);
}

static void print_figures(const json_t *report)
{
	const json_t *rates = json_object_get(report, "rates");

	printf("mode %s, state %s, engine %s, up ", text(report, "mode"), text(report, "state"),
	       text(report, "engine"));
	print_uptime(number(report, "uptime_seconds"));
	printf("\nper second: %" JSON_INTEGER_FORMAT " SYNs, %" JSON_INTEGER_FORMAT
	       " challenges, %" JSON_INTEGER_FORMAT
	       " acceptances; half-open now: %" JSON_INTEGER_FORMAT "\n",
	       number(rates, "syns_per_second"), number(rates, "challenges_per_second"),
	       number(rates, "acceptances_per_second"), number(report, "half_open"));
}

static void print_interfaces(const json_t *report)
{
	const json_t *list = json_object_get(report, "interfaces");
	json_t *interface;
	size_t i;

	if (!json_array_size(list)) {
		puts("\nno interface is attached to; name one with synguardd --interface");
		return;
	}
	printf("\n%-15s %-12s %s\n", "INTERFACE", "DRIVER", "ATTACHED");
	json_array_foreach(list, i, interface) {
		const char *reason = text(interface, "attach_reason");

		printf("%-15s %-12.12s %s\n", text(interface, "name"), text(interface, "driver"),
		       text(interface, "attach"));
		/* a sentence, for which there would be no room beside */
		if (*reason)
			printf("  %s\n", reason);
	}
}

static const char *service_state(const json_t *service)
{
	if (flag(service, "defending"))
		return "defending";
	if (flag(service, "blocked"))
		return "BLOCKED";
	/* what would stand against a challenge, if there were a reason for one */
	return *text(service, "hindrance") ? text(service, "hindrance") : "idle";
}

static void print_services(const json_t *report)
{
	const json_t *list = json_object_get(report, "services");
	json_t *service;
	size_t i;

	if (!json_array_size(list))
		return;
	printf("\n%-21s %-14s %10s %10s %10s %10s\n", "SERVICE", "STATE", "SYN QUEUE", "SYNS",
	       "CHALLENGED", "ACCEPTED");
	json_array_foreach(list, i, service) {
		const char *address = text(service, "address");
		bool v6 = strchr(address, ':');
		char name[80], queue[48];

		snprintf(name, sizeof(name),
			 v6 ? "[%s]:%" JSON_INTEGER_FORMAT : "%s:%" JSON_INTEGER_FORMAT, address,
			 number(service, "port"));
		snprintf(queue, sizeof(queue), "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
			 number(service, "syn_queue"), number(service, "syn_queue_max"));
		printf("%-21s %-14s %10s %10" JSON_INTEGER_FORMAT " %10" JSON_INTEGER_FORMAT
		       " %10" JSON_INTEGER_FORMAT "\n",
		       name, service_state(service), queue, number(service, "syns"),
		       number(service, "challenged"), number(service, "accepted"));
	}
}

int verb_status(const struct cli *cli, int argc, char **argv)
{
	json_t *report = NULL;
	int r;

	if (argc > 1)
		return cli_usage_error("\"status\" takes no argument");
	r = client_describe(cli->runtime_dir, &report);
	if (r != SG_EXIT_OK)
		return r;
	if (cli->json) {
		json_dumpf(report, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_sentence(report);
		print_figures(report);
		print_interfaces(report);
		print_services(report);
	}
	json_decref(report);
	return SG_EXIT_OK;
}
