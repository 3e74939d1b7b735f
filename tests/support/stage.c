/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stage of the netns ring. See stage.h.
 */
#include "stage.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"
#include "tests/lab/clients.h"

#define STAGE_CLI_TIMEOUT_MS  30000
#define STAGE_STOP_TIMEOUT_MS 30000

/* A connect() of the proof: long enough for a retransmission or two. */
#define STAGE_CONNECT_SEC 10

#define stage_ok(err, ...)                                                                         \
	do {                                                                                       \
		int err_ = (err);                                                                  \
		if (err_ < 0)                                                                      \
			stage_fail(err_, __VA_ARGS__);                                             \
	} while (0)

static void __attribute__((format(printf, 2, 3))) stage_fail(int err, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ck_abort_msg("%s: %s", text, strerror(-err));
}

void stage_raise(struct stage *s, const struct server_options *options)
{
	struct server_options o;

	*s = (struct stage){};
	stage_ok(lab_new(&s->lab), "the lab (needs root)");
	stage_ok(sink_new(&s->sink, s->lab, LAB_CLIENT, LAB_IFNAME), "the sink");
	if (!options)
		return;
	o = *options;
	o.port = o.port ?: STAGE_PORT;
	stage_ok(server_new(&s->server, s->lab, LAB_SERVER, &o), "a server on port %u", o.port);
}

void stage_sources(struct stage *s, const char *net4, const char *net6)
{
	const char *const local4[] = { "ip", "route", "add", "local", net4, "dev", "lo", NULL };
	const char *const local6[] = {
		"ip", "-6", "route", "add", "local", net6, "dev", "lo", NULL
	};

	stage_ok(lab_run(s->lab, LAB_CLIENT, local4, 5000, NULL), "all addresses of %s", net4);
	stage_ok(lab_run(s->lab, LAB_CLIENT, local6, 5000, NULL), "all addresses of %s", net6);
	stage_ok(lab_route_add(s->lab, LAB_SERVER, net4, LAB_CLIENT_ADDR4), "the way back");
	stage_ok(lab_route_add(s->lab, LAB_SERVER, net6, LAB_CLIENT_ADDR6), "the way back");
}

void stage_daemon(struct stage *s, const char *mode)
{
	stage_daemon_config(s, mode, NULL);
}

void stage_daemon_config(struct stage *s, const char *mode, const char *config)
{
	struct lab_daemon_options o = { .mode = mode, .config = config };
	char tail[2048];
	int err;

	ck_assert_msg(!s->daemon, "there is a daemon already");
	err = lab_daemon_start(&s->daemon, s->lab, LAB_SERVER, &o, tail, sizeof(tail));
	if (err)
		ck_abort_msg("synguardd: %s\n%s", strerror(-err), tail);
}

static void stage_daemon_stop(struct stage *s)
{
	char tail[2048];
	int status = 0, err;

	if (!s->daemon || !lab_daemon_pid(s->daemon))
		return;
	err = lab_daemon_stop(s->daemon, STAGE_STOP_TIMEOUT_MS, &status);
	lab_daemon_tail(s->daemon, tail, sizeof(tail));
	if (err || !WIFEXITED(status) || WEXITSTATUS(status))
		ck_abort_msg("synguardd did not end well: %s, wait status %#x\n%s",
			     err ? strerror(-err) : "it ended by itself", status, tail);
}

void stage_connect_all(struct stage *s, uint16_t port, unsigned int rate_per_sec,
		       unsigned int duration_ms)
{
	const struct clients_options o = {
		.port = port,
		.rate_per_sec = rate_per_sec,
		.duration_ms = duration_ms,
		.deadline_ms = 10000,
	};
	struct clients_result r;

	stage_ok(clients_run(s->lab, LAB_CLIENT, &o, &r), "clients");
	ck_assert_uint_eq(r.attempted, rate_per_sec * duration_ms / 1000);
	ck_assert_msg(r.connected == r.attempted,
		      "connected: %u of %u; %u timed out, %u refused, %u reset, %u other",
		      r.connected, r.attempted, r.timed_out, r.refused, r.reset, r.other);
	clients_result_done(&r);
}

struct flood *stage_flood(struct stage *s, struct flood_options o)
{
	struct flood *flood;

	o.port = o.port ?: STAGE_PORT;
	o.duration_ms = o.duration_ms ?: 60000;
	stage_ok(flood_new(&flood, s->lab, LAB_CLIENT, LAB_IFNAME, &o), "a flood");
	stage_ok(flood_start(flood), "starting the flood");
	return flood;
}

void stage_flood_end(struct flood *flood)
{
	stage_ok(flood_stop(flood), "the flood's end");
	flood_free(flood);
}

void stage_burst(struct stage *s, struct flood_options o)
{
	struct flood *flood = stage_flood(s, o);

	stage_ok(flood_wait(flood), "the flood");
	flood_free(flood);
}

void stage_strike(struct stage *s)
{
	stage_daemon_stop(s);
	s->daemon = lab_daemon_free(s->daemon);
	s->server = server_free(s->server);
	s->sink = sink_free(s->sink);
	s->lab = lab_free(s->lab);
}

/* ---- proof --------------------------------------------------------------------------------- */

/* Ends by a reset: no TIME_WAIT and, where the server accepts, nothing that stays. */
static void stage_handshake(struct stage *s, int family, const char *address, uint16_t port)
{
	const struct timeval limit = { .tv_sec = STAGE_CONNECT_SEC };
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage sa;
	int length = tcp_sockaddr(address, port, &sa);
	int fd = lab_socket(s->lab, LAB_CLIENT, family, SOCK_STREAM, 0);

	stage_ok(fd, "a client's socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (struct sockaddr *)&sa, length) < 0)
		stage_fail(-errno, "proving port %u over IPv%d", port, family == AF_INET ? 4 : 6);
	close(fd);
}

void stage_prove_family(struct stage *s, int family, uint16_t port)
{
	const char *address = family == AF_INET ? LAB_SERVER_ADDR4 : LAB_SERVER_ADDR6;
	json_t *status, *row;

	stage_handshake(s, family, address, port);
	status = stage_status(s);
	row = stage_service(status, address, port);
	ck_assert_msg(json_is_true(json_object_get(row, "proven")),
		      "a handshake did not prove [%s]:%u", address, port);
	json_decref(status);
}

void stage_prove(struct stage *s, uint16_t port)
{
	stage_prove_family(s, AF_INET, port);
	stage_prove_family(s, AF_INET6, port);
}

/* ---- the CLI ------------------------------------------------------------------------------- */

int stage_cli(struct stage *s, char **output, const char *a, const char *b, const char *c)
{
	static char *program;
	const char *argv[] = {
		NULL, "--runtime-dir", NULL, a, a ? b : NULL, a && b ? c : NULL, NULL
	};
	int exit_code;

	ck_assert_msg(s->daemon, "no daemon has been started");
	if (!program)
		stage_ok(lab_find_program("synguard", &program), "synguard");
	argv[0] = program;
	argv[2] = lab_daemon_runtime_dir(s->daemon);
	exit_code = lab_run(s->lab, LAB_SERVER, argv, STAGE_CLI_TIMEOUT_MS, output);
	stage_ok(exit_code, "running synguard %s", a ?: "");
	return exit_code;
}

json_t *stage_status(struct stage *s)
{
	char *output = NULL, tail[2048];
	json_error_t error;
	json_t *status;
	int exit_code = stage_cli(s, &output, "status", "--json", NULL);

	if (exit_code != SG_EXIT_OK) {
		lab_daemon_tail(s->daemon, tail, sizeof(tail));
		ck_abort_msg("status --json: exit code %d\n%s\n%s", exit_code, output, tail);
	}
	status = json_loads(output, 0, &error);
	ck_assert_msg(status, "status --json is no JSON: %s\n%s", error.text, output);
	free(output);
	return status;
}

void stage_mode(struct stage *s, const char *mode)
{
	_cleanup_free_ char *output = NULL; /* which is not TAP */
	int exit_code = stage_cli(s, &output, "mode", mode, NULL);

	ck_assert_msg(exit_code == SG_EXIT_OK, "mode %s: exit code %d", mode, exit_code);
}

void stage_shell(struct stage *s, int host, const char *line)
{
	const char *const argv[] = { "sh", "-ec", line, NULL };
	_cleanup_free_ char *output = NULL;
	int exit_code;

	if (!line)
		return;
	exit_code = lab_run(s->lab, host, argv, 10000, &output);
	ck_assert_msg(!exit_code, "exit code %d of: %s\n%s", exit_code, line, output);
}

int stage_said(const struct stage *s, const char *words)
{
	static char text[65536];
	const char *at = text;
	int count = 0;

	lab_daemon_tail(s->daemon, text, sizeof(text));
	while ((at = strstr(at, words))) {
		count++;
		at += strlen(words);
	}
	return count;
}

void stage_reload(struct stage *s, const char *words)
{
	int before = stage_said(s, words), tries = 0;

	ck_assert_int_eq(kill(lab_daemon_pid(s->daemon), SIGHUP), 0);
	while (stage_said(s, words) <= before && tries++ < 100)
		usleep(50000);
	ck_assert_msg(stage_said(s, words) == before + 1, "it did not say \"%s\"", words);
}

/* ---- the process --------------------------------------------------------------------------- */

unsigned long long stage_process(pid_t pid, const char *format)
{
	unsigned long long value = 0;
	char path[64], line[256];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	ck_assert_msg(f, "%s: %s", path, strerror(errno));
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, format, &value) == 1;
	fclose(f);
	ck_assert_msg(found, "%s has no %s", path, format);
	return value;
}

/* ---- figures ------------------------------------------------------------------------------- */

static const char *const stage_programs[] = { "xdp", "ingress", "egress" };

static json_int_t stage_integer(const json_t *object, const char *what, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_integer(value), "status has no %s \"%s\"", what, key);
	return json_integer_value(value);
}

json_int_t stage_packets(const json_t *status, const char *program)
{
	return stage_integer(json_object_get(status, "packets"), "packets of", program);
}

json_int_t stage_verdict(const json_t *status, const char *program, const char *label)
{
	const json_t *verdicts = json_object_get(json_object_get(status, "verdicts"), program);

	return stage_integer(verdicts, program, label);
}

void stage_assert_accounted(const json_t *status)
{
	const json_t *verdicts = json_object_get(status, "verdicts");
	json_int_t sum, packets;
	const char *label;
	json_t *row, *count;
	size_t i;

	for (i = 0; i < sizeof(stage_programs) / sizeof(stage_programs[0]); i++) {
		row = json_object_get(verdicts, stage_programs[i]);
		packets = stage_packets(status, stage_programs[i]);
		sum = 0;
		json_object_foreach(row, label, count)
			sum += json_integer_value(count);
		ck_assert_msg(sum == packets,
			      "%s: %" JSON_INTEGER_FORMAT " verdicts, %" JSON_INTEGER_FORMAT
			      " packets",
			      stage_programs[i], sum, packets);
		ck_assert_msg(!stage_verdict(status, stage_programs[i], "undecided"),
			      "%s left packets undecided", stage_programs[i]);
	}
}

json_t *stage_service(const json_t *status, const char *address, uint16_t port)
{
	const json_t *services = json_object_get(status, "services");
	const char *found;
	json_t *row;
	size_t i;

	json_array_foreach(services, i, row) {
		found = json_string_value(json_object_get(row, "address"));
		if (found && !strcmp(found, address) &&
		    json_integer_value(json_object_get(row, "port")) == port)
			return row;
	}
	ck_abort_msg("status has no service [%s]:%u", address, port);
	return NULL;
}

json_int_t stage_figure(const json_t *service, const char *key)
{
	return stage_integer(service, "figure", key);
}
