/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One phase of the demo, or of the bench: a lab of its own, a listener, clients, a flood, and what
 * came of it.
 *
 * Nothing of a phase outlives it: server, flood and daemon are ended and the namespaces vanish
 * before phase_run() returns, whatever it returns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/lab/clients.h"
#include "tests/lab/server.h"

enum phase_id {
	PHASE_CALM,
	PHASE_NO_COOKIES,
	PHASE_KERNEL_COOKIES,
	PHASE_SYNGUARD,
	PHASE_NAT_KERNEL_COOKIES,
	PHASE_NAT_SYNGUARD,
	PHASE_KERNEL_COOKIES_SATURATED,
	PHASE_SYNGUARD_SATURATED,
	PHASE_COUNT,
};

/* The phases before this one are rows of the table. */
#define PHASE_ROWS PHASE_KERNEL_COOKIES_SATURATED

struct phase {
	const char *key;   /* in JSON */
	const char *title; /* in the table */
	const char *syncookies;
	bool flood;
	bool synguard;
	bool nat;	      /* the host has a chain of type nat, as with containers */
	bool saturated;	      /* as fast as a CPU sends */
	bool no_clients;      /* no clients beside the flood */
	unsigned int seconds; /* of the flood; 0: as the settings have it */
};

extern const struct phase phases[PHASE_COUNT];

/* When phase_settings.observe() is called. */
enum phase_moment {
	PHASE_BUILT,	/* the listener listens */
	PHASE_READY,	/* the daemon has seen calm clients; the flood comes next */
	PHASE_MEASURED, /* the time of the figures is over, the flood goes on */
	PHASE_FLOODED,	/* clients and flood have ended, the daemon has not */
};

struct phase_view {
	struct lab *lab;
	pid_t daemon;			   /* 0: none */
	const struct phase_result *result; /* the flood's figures, from PHASE_MEASURED on */
};

struct phase_settings {
	unsigned int seconds;
	uint64_t syns_per_sec;
	unsigned int clients_per_sec;
	unsigned int ipv6_share; /* of the flood, of 256 */
	uint32_t sources;	 /* of the flood, a power of two; 0: as many as there are */
	unsigned int generators; /* 2: the flood comes from client_cpu too; 0 is 1 */
	unsigned int queues;	 /* of the link, each polled on the CPU that sent; 0 is 1 */
	int backlog;
	int cancel_fd; /* readable: stop; it is not read */

	/* CPUs, by number (lab_cpus()): the flood and what it floods; clients, listener and daemon.
	 * On a machine with one CPU both are the same. */
	int flood_cpu;
	int client_cpu;

	/* Called at each moment, in the phase's thread; not 0 ends the phase. May be NULL. */
	int (*observe)(enum phase_moment moment, const struct phase_view *view, void *arg);
	void *observer_arg;
};

struct phase_result {
	bool ran;

	/* Of the flood, over the time in which clients were started. */
	double seconds;
	uint64_t offered;    /* SYNs that the rate asked for; unpaced: that were sent */
	uint64_t sent;	     /* of these, those that the core had time for */
	uint64_t absorbed;   /* answered with a SYN-ACK, repetitions deducted */
	uint64_t softirq_ns; /* CPU time of all softirqs: the server's receive path, nearly */

	int half_open_max;
	struct clients_result clients;
	struct kept server_kept4;
	struct kept server_kept6;
	char daemon_said[768]; /* the end of synguardd's stderr, or empty */
};

/* 0 or -errno, then with a sentence in @complaint. -ECANCELED: stopped by cancel_fd. Of the result
 * clients are the caller's: clients_result_done(). */
int phase_run(const struct phase *phase, const struct phase_settings *s, struct phase_result *ret,
	      char *complaint, size_t size);
