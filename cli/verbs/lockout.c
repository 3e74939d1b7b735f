/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/verbs/lockout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"

/* More gateways than this are named by nobody in particular. */
#define LOCKOUT_GATEWAYS_MAX 64
#define LOCKOUT_PARENTS_MAX  32

#define LOCKOUT_RTF_GATEWAY 0x2 /* linux/route.h and linux/ipv6_route.h */

/* ---- the SSH session ----------------------------------------------------------------------- */

/* "CLIENT PORT SERVER PORT", of which an address may have a scope: fe80::1%eth0. */
static void lockout_take_client(char *ret, unsigned int size, const char *connection)
{
	unsigned int n = strcspn(connection, " %");

	snprintf(ret, size, "%.*s", (int)n, connection);
}

static void lockout_from_environ(char *ret, unsigned int size, int pid)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	size_t room = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "re");
	while (f && getdelim(&text, &room, '\0', f) > 0)
		if (!strncmp(text, "SSH_CONNECTION=", 15))
			lockout_take_client(ret, size, text + 15);
}

/* 0: there is none that can be seen. The name in the second field may have anything in it. */
static int lockout_parent(int pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[512], *end;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f) && (end = strrchr(line, ')')))
		sscanf(end, ") %*c %d", &parent);
	return parent;
}

void lockout_ssh_client(char *ret, unsigned int size)
{
	const char *own = getenv("SSH_CONNECTION");
	int pid, i;

	*ret = '\0';
	if (own)
		lockout_take_client(ret, size, own);
	for (i = 0, pid = getppid(); i < LOCKOUT_PARENTS_MAX && pid > 1 && !*ret; i++) {
		lockout_from_environ(ret, size, pid);
		pid = lockout_parent(pid);
	}
}

/* ---- the gateways -------------------------------------------------------------------------- */

/* Text of addresses that were written down already, so that each is once. */
struct lockout_gateways {
	char text[LOCKOUT_GATEWAYS_MAX][INET6_ADDRSTRLEN];
	int count;
};

static void lockout_gateway(struct lockout_gateways *g, int family, const void *addr)
{
	char text[INET6_ADDRSTRLEN];
	int i;

	inet_ntop(family, addr, text, sizeof(text));
	for (i = 0; i < g->count; i++)
		if (!strcmp(g->text[i], text))
			return;
	if (g->count < LOCKOUT_GATEWAYS_MAX)
		strcpy(g->text[g->count++], text);
}

/* Lines "eth0 DESTINATION GATEWAY FLAGS ...", in hexadecimal, as they lie in memory. */
static void lockout_gateways_v4(struct lockout_gateways *g)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/route", "re");
	unsigned int gateway, flags;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*x %x %x", &gateway, &flags) == 2 &&
		    (flags & LOCKOUT_RTF_GATEWAY))
			lockout_gateway(g, AF_INET, &gateway);
}

/* Lines "DESTINATION LENGTH SOURCE LENGTH NEXTHOP METRIC REFERENCES USE FLAGS DEVICE". */
static void lockout_gateways_v6(struct lockout_gateways *g)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/ipv6_route", "re");
	char line[256], hop[33];
	unsigned char addr[16];
	unsigned int flags, byte;
	int i;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %*s %*s %32[0-9a-f] %*s %*s %*s %x", hop, &flags) != 2 ||
		    !(flags & LOCKOUT_RTF_GATEWAY) || strlen(hop) != 32)
			continue;
		for (i = 0; i < 16; i++) {
			sscanf(hop + 2 * i, "%2x", &byte);
			addr[i] = byte;
		}
		lockout_gateway(g, AF_INET6, addr);
	}
}

char *lockout_lines(void)
{
	struct lockout_gateways gateways = {};
	char client[INET6_ADDRSTRLEN], *text = NULL;
	unsigned char unused[16];
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int i;

	if (!f)
		return NULL;
	lockout_ssh_client(client, sizeof(client));
	if (inet_pton(AF_INET, client, unused) == 1 || inet_pton(AF_INET6, client, unused) == 1)
		fprintf(f, "%s the client of this SSH session\n", client);
	lockout_gateways_v4(&gateways);
	lockout_gateways_v6(&gateways);
	for (i = 0; i < gateways.count; i++)
		fprintf(f, "%s a gateway of this host\n", gateways.text[i]);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
