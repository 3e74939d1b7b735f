/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The demo's table and JSON. See demo_report.h.
 */
#include "tests/lab/demo_report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "synguard/cleanup.h"

/* Below this many the cost of one is the cost of something else. */
#define ABSORBED_FOR_COST 10000

#define NS_PER_MS 1e6

/* NAN stands for "does not apply": a dash in the table, null in JSON. */
struct figures {
	double offered_per_sec;
	double sent_per_sec;
	double absorbed_per_sec;
	double connected_percent;
	double connected_1s_percent;
	double median_ms;
	double p99_ms;
	double cpu_sec_per_million;
};

static double percent(unsigned int part, unsigned int whole)
{
	return whole ? 100.0 * part / whole : NAN;
}

static double percentile_ms(const struct clients_result *c, unsigned int percent)
{
	return c->times ? clients_percentile_ns(c, percent) / NS_PER_MS : NAN;
}

static struct figures figures(const struct phase_result *r)
{
	const struct clients_result *c = &r->clients;

	return (struct figures){
		.offered_per_sec = r->seconds ? r->offered / r->seconds : NAN,
		.sent_per_sec = r->seconds ? r->sent / r->seconds : NAN,
		.absorbed_per_sec = r->seconds ? r->absorbed / r->seconds : NAN,
		.connected_percent = percent(c->connected, c->attempted),
		.connected_1s_percent = percent(c->connected_1s, c->attempted),
		.median_ms = percentile_ms(c, 50),
		.p99_ms = percentile_ms(c, 99),
		.cpu_sec_per_million =
			r->absorbed > ABSORBED_FOR_COST ? r->softirq_ns / 1e3 / r->absorbed : NAN,
	};
}

/* "1 234 567" */
static void print_count(double value, int width)
{
	char digits[32], text[48];
	size_t n, i, out = 0;

	n = snprintf(digits, sizeof(digits), "%.0f", value);
	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text[out++] = ' ';
		text[out++] = digits[i];
	}
	text[out] = 0;
	printf("%*s", width, isnan(value) ? "-" : text);
}

static void print_number(double value, int width, int decimals, const char *unit)
{
	if (isnan(value))
		printf("%*s", width, "-");
	else
		printf("%*.*f%s", (int)(width - strlen(unit)), decimals, value, unit);
}

/* Two decimals, of as much as a second none: columns do not run into each other. */
static void print_ms(double value, int width)
{
	print_number(value, width, value < 1000 ? 2 : 0, "");
}

static void print_row(const struct phase *phase, const struct phase_result *r)
{
	const struct figures f = figures(r);

	printf("%-22s", phase->title);
	print_count(f.offered_per_sec, 9);
	print_count(f.absorbed_per_sec, 9);
	print_number(f.connected_percent, 9, 1, " %");
	print_ms(f.median_ms, 7);
	print_ms(f.p99_ms, 7);
	printf("%6d", r->half_open_max);
	print_number(f.cpu_sec_per_million, 11, 2, "");
	putchar('\n');
}

/* How many times as much synguard absorbs; NAN where one of the two did not run. */
static double saturated_ratio(const struct phase_result results[PHASE_COUNT])
{
	const struct phase_result *kernel = &results[PHASE_KERNEL_COOKIES_SATURATED];
	const struct phase_result *synguard = &results[PHASE_SYNGUARD_SATURATED];

	return kernel->ran && synguard->ran && kernel->absorbed ?
		       figures(synguard).absorbed_per_sec / figures(kernel).absorbed_per_sec :
		       NAN;
}

static void print_saturated(const struct phase_result results[PHASE_COUNT])
{
	static const char *const names[] = {
		[PHASE_KERNEL_COOKIES_SATURATED] = "kernel cookies",
		[PHASE_SYNGUARD_SATURATED] = "synguard",
	};
	double ratio = saturated_ratio(results);
	int i;

	for (i = PHASE_ROWS; i < PHASE_COUNT; i++) {
		if (!results[i].ran)
			continue;
		/* They run one after the other: without the first there is no second. */
		if (i == PHASE_ROWS)
			printf("\nWhat one core absorbs at most, SYN/s:\n");
		printf("%-22s", names[i]);
		print_count(figures(&results[i]).absorbed_per_sec, 9);
		if (i == PHASE_SYNGUARD_SATURATED && !isnan(ratio))
			printf("   %.1f times as many", ratio);
		putchar('\n');
	}
}

void report_table(const struct phase_result results[PHASE_COUNT])
{
	char kept[80];
	int i;

	printf("%-22s%9s%9s%9s%14s%6s%11s\n", "", "offered", "absorbed", "clients", "connect, ms",
	       "half-", "CPU s per");
	printf("%-22s%9s%9s%9s%7s%7s%6s%11s\n", "", "SYN/s", "SYN/s", "in 3 s", "median", "p99",
	       "open", "M SYNs");
	for (i = 0; i < PHASE_ROWS; i++)
		if (results[i].ran)
			print_row(&phases[i], &results[i]);

	printf("\nWhat a connection kept (IPv4, the client's end):\n");
	for (i = 0; i < PHASE_ROWS; i++)
		if (results[i].ran)
			printf("%-22s%s\n", phases[i].title,
			       kept_format(&results[i].clients.kept4, kept, sizeof(kept)));

	print_saturated(results);
	printf("\nNAT: on a host with a chain of type nat, as with containers; synguard "
	       "challenges\n"
	       "with the kernel's own cookies there (engine listener).\n");
	printf("\nOne core sends the flood and receives it; what it has no time for is offered "
	       "and\n"
	       "lost, as in a full network card. CPU: softirq seconds per million absorbed.\n");
}

static json_t *number(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static json_t *kept_json(const struct kept *k)
{
	if (!k->known)
		return json_null();
	return json_pack("{s:i, s:b, s:i, s:i, s:b, s:b, s:b}", "mss_bytes", (int)k->snd_mss,
			 "wscale", (int)k->wscale, "snd_wscale", (int)k->snd_wscale, "rcv_wscale",
			 (int)k->rcv_wscale, "sack", (int)k->sack, "timestamps", (int)k->timestamps,
			 "ecn", (int)k->ecn);
}

/* Shared by rows and saturated runs. */
static json_t *flood_json(const struct phase *phase, const struct phase_result *r)
{
	const struct figures f = figures(r);

	return json_pack("{s:s, s:f, s:o, s:o, s:o, s:o}", "phase", phase->key, "seconds",
			 r->seconds, "offered_syns_per_second", number(f.offered_per_sec),
			 "sent_syns_per_second", number(f.sent_per_sec), "absorbed_syns_per_second",
			 number(f.absorbed_per_sec), "cpu_seconds_per_million_syns",
			 number(f.cpu_sec_per_million));
}

static json_t *clients_json(const struct phase_result *r)
{
	const struct clients_result *c = &r->clients;
	const struct figures f = figures(r);

	return json_pack("{s:i, s:i, s:i, s:o, s:o, s:i, s:i, s:i, s:i, s:o, s:o}", "attempted",
			 c->attempted, "connected_within_3s", c->connected, "connected_within_1s",
			 c->connected_1s, "connected_within_3s_percent",
			 number(f.connected_percent), "connected_within_1s_percent",
			 number(f.connected_1s_percent), "timed_out", c->timed_out, "refused",
			 c->refused, "reset", c->reset, "failed_otherwise", c->other,
			 "connect_median_ms", number(f.median_ms), "connect_p99_ms",
			 number(f.p99_ms));
}

static json_t *row_json(const struct phase *phase, const struct phase_result *r)
{
	json_t *row = flood_json(phase, r);

	json_object_set_new(row, "half_open_max", json_integer(r->half_open_max));
	json_object_set_new(row, "clients", clients_json(r));
	json_object_set_new(
		row, "kept",
		json_pack("{s:o, s:o, s:o, s:o}", "client_ipv4", kept_json(&r->clients.kept4),
			  "client_ipv6", kept_json(&r->clients.kept6), "server_ipv4",
			  kept_json(&r->server_kept4), "server_ipv6", kept_json(&r->server_kept6)));
	return row;
}

int report_json(const struct phase_settings *s, const struct phase_result results[PHASE_COUNT])
{
	json_t *root, *rows = json_array(), *saturated = json_array();
	struct utsname un = { 0 };
	bool complete = true;
	int i, err;

	for (i = 0; i < PHASE_COUNT; i++) {
		complete = complete && results[i].ran;
		if (!results[i].ran)
			continue;
		if (i < PHASE_ROWS)
			json_array_append_new(rows, row_json(&phases[i], &results[i]));
		else
			json_array_append_new(saturated, flood_json(&phases[i], &results[i]));
	}
	uname(&un);
	root = json_pack("{s:s, s:s, s:i, s:b, s:i, s:I, s:i, s:i, s:f, s:o, s:o, s:o}", "version",
			 SG_VERSION, "kernel", un.release, "cpus",
			 (int)sysconf(_SC_NPROCESSORS_ONLN), "complete", (int)complete,
			 "seconds_per_phase", s->seconds, "flood_syns_per_second",
			 (json_int_t)s->syns_per_sec, "clients_per_second", s->clients_per_sec,
			 "listener_backlog", s->backlog, "flood_ipv6_share", s->ipv6_share / 256.0,
			 "phases", rows, "saturated", saturated, "saturated_ratio",
			 number(saturated_ratio(results)));
	err = root && json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0 ? 0 :
											       -EIO;
	putchar('\n');
	json_decref(root);
	return err;
}

const char *report_line(const struct phase_result *r, char *buf, size_t size)
{
	const struct figures f = figures(r);

	if (isnan(f.connected_percent))
		snprintf(buf, size, "%.0f SYN/s absorbed", f.absorbed_per_sec);
	else
		snprintf(buf, size, "%.1f %% of clients connected", f.connected_percent);
	return buf;
}
