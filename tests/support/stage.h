/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stage of the netns ring: a lab with a listener and a daemon, and the questions that tests
 * ask it. Every function fails the running test with the reason, so callers check nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "tests/lab/clients.h"
#include "tests/lab/flood.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_daemon.h"
#include "tests/lab/run.h"
#include "tests/lab/server.h"

#define STAGE_PORT 8080

struct stage {
	struct lab *lab;
	struct server *server;	   /* NULL unless asked for */
	struct lab_daemon *daemon; /* NULL until stage_daemon() */
	struct sink *sink;	   /* on the client's veth: NAPI for XDP_TX (F2), counts answers */
};

/* Networks that the client's host has all addresses of, "10.99.0.0/16", "2001:db8:99::/48". */
void stage_sources(struct stage *s, const char *net4, const char *net6);
/* Raises a default lab with the sink in place; `options` NULL = no echo server. */
void stage_raise(struct stage *s, const struct server_options *options);
/* What the daemon says of a configuration that it was told to load. */
#define STAGE_CONFIG_LOADED  "The configuration is loaded"
#define STAGE_CONFIG_REFUSED "The configuration is refused, and the previous one stays in force"

/* How often the daemon has written these words so far. */
int stage_said(const struct stage *s, const char *words);
/* SIGHUP, and the daemon has done what it had to: it says `words` once more than before. */
void stage_reload(struct stage *s, const char *words);

/* Starts synguardd in the server host on lab0 with this mode, and waits until it is ready. */
void stage_daemon(struct stage *s, const char *mode);
/* The same with the text of a configuration file. */
void stage_daemon_config(struct stage *s, const char *mode, const char *config);
/* For whoever wants to see first-time clients: nobody's SYNs pass because he is known. */
#define STAGE_NOBODY_IS_VERIFIED "[Defence]\nClientAllowance=0\n"
/* Completes one unchallenged handshake per family, so that the service is proven. */
void stage_prove(struct stage *s, uint16_t port);
/* The same for one family, AF_INET or AF_INET6. */
void stage_prove_family(struct stage *s, int family, uint16_t port);
/* Real clients of both families by turns, for so long: each is started, and each connects. */
void stage_connect_all(struct stage *s, uint16_t port, unsigned int rate_per_sec,
		       unsigned int duration_ms);
/* A flood that has begun, out of the client's host; port 0: STAGE_PORT, duration_ms 0: a minute. */
struct flood *stage_flood(struct stage *s, struct flood_options o);
#define STAGE_FLOOD(s, ...) stage_flood(s, (struct flood_options){ __VA_ARGS__ })
/* Stops and frees it; it has not failed. */
void stage_flood_end(struct flood *flood);
/* The same to its own end. */
void stage_burst(struct stage *s, struct flood_options o);
#define STAGE_BURST(s, ...) stage_burst(s, (struct flood_options){ __VA_ARGS__ })
/* Stops everything and frees it. */
void stage_strike(struct stage *s);

/* `synguard --runtime-dir ... status --json`, parsed; the caller owns it. */
json_t *stage_status(struct stage *s);
/* Runs the CLI with up to four arguments; returns its exit code; *output (stdout) may be NULL. */
int stage_cli(struct stage *s, char **output, const char *a, const char *b, const char *c);
void stage_mode(struct stage *s, const char *mode);
/* Has a shell run this in a host, until the first command that fails; that none does. NULL: nothing. */
void stage_shell(struct stage *s, int host, const char *line);

/* Figures of a status: verdict counter by program and label; packets of a program; sums. */
json_int_t stage_verdict(const json_t *status, const char *program, const char *label);
json_int_t stage_packets(const json_t *status, const char *program);
/* Asserts for all programs: the verdicts add up to the packets, and none is "undecided". */
void stage_assert_accounted(const json_t *status);
/* The row of a service, borrowed from status; fails if there is none. */
json_t *stage_service(const json_t *status, const char *address, uint16_t port);
json_int_t stage_figure(const json_t *service, const char *key);

/* A figure of /proc/PID/status, by a format such as "CapEff:\t%llx". */
unsigned long long stage_process(pid_t pid, const char *format);
