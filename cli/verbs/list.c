/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard allow|deny add|del|list|import: the lists of sources. The two verbs differ by the list that
 * they are about. The daemon parses prefixes, and says what is wrong with them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/base/args.h"
#include "cli/base/client.h"
#include "cli/base/json.h"
#include "cli/base/screen.h"
#include "cli/print/table.h"
#include "cli/verbs/verbs.h"
#include "daemon/base/addr.h"
#include "daemon/base/file.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"

/* Fits into a message to the daemon, with the rest of it. */
#define LIST_TEXT_MAX 60000

/* Read of a file at most, to say that it is too long. */
#define LIST_FILE_MAX (16 << 20)

/* ---- list ---------------------------------------------------------------------------------- */

static void show_from(struct table *t, const json_t *entry, const char *key, const struct screen *s)
{
	table_cell(t, "%s",
		   get_flag(entry, "file") ? "file" :
		   get_flag(entry, "kept") ? "command" :
					     "runtime");
}

static void show_expires(struct table *t, const json_t *entry, const char *key,
			 const struct screen *s)
{
	long long n = get_number(entry, key);

	if (!has_number(entry, key))
		table_cell(t, "-");
	else if (n < 120)
		table_cell(t, "%llds", n);
	else if (n < 7200)
		table_cell(t, "%lldmin", n / 60);
	else if (n < 172800)
		table_cell(t, "%lldh", n / 3600);
	else
		table_cell(t, "%lldd", n / 86400);
}

static int list_show(const struct cli *cli)
{
	static const struct table_column columns[] = {
		{ "PREFIX", show_text, "prefix" },
		{ "EXPIRES", show_expires, "expires_in_seconds", .right = true },
		{ "FROM", show_from },
		{ "COMMENT", show_text, "comment", .cut = 12, .rank = 1 },
		{}
	};
	struct screen screen = screen_of(stdout, cli->wide);
	json_auto_t *entries = NULL;
	int r = client_list(cli->runtime_dir, cli->verb->name, &entries);

	if (r != SG_EXIT_OK)
		return r;
	if (cli->json)
		return print_json(entries);
	if (!json_array_size(entries)) {
		puts("the list is empty");
		return SG_EXIT_OK;
	}
	return table_print_rows(columns, entries, SIZE_MAX, &screen);
}

/* ---- lockout ------------------------------------------------------------------------------- */

/*
 * Addresses that are not to be denied unless forced, as far as only the caller can see them: the
 * client of this SSH session, and the gateways of this network namespace. Lines "ADDRESS WHAT".
 */

#define LOCKOUT_PARENTS_MAX 32
#define LOCKOUT_RTF_GATEWAY 0x2 /* linux/route.h and linux/ipv6_route.h */

/* More addresses than this are left out. */
#define LOCKOUT_MAX 64

struct lockout {
	struct sg_addr addrs[LOCKOUT_MAX]; /* that have a line, each one */
	size_t count;
	FILE *to;
};

static void lockout_add(struct lockout *l, struct sg_addr addr, const char *what)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (!memcmp(&l->addrs[i], &addr, sizeof(addr)))
			return;
	if (l->count == LOCKOUT_MAX)
		return;
	l->addrs[l->count++] = addr;
	fprintf(l->to, "%s %s\n", addr_text(&addr).text, what);
}

/* "CLIENT PORT SERVER PORT"; the client may have a scope: fe80::1%eth0. */
static bool lockout_add_client(struct lockout *l, const char *connection)
{
	char client[INET6_ADDRSTRLEN];
	struct sg_addr addr;

	snprintf(client, sizeof(client), "%.*s", (int)strcspn(connection, " %"), connection);
	if (addr_parse(&addr, client) < 0)
		return false;
	lockout_add(l, addr, "the client of this SSH session");
	return true;
}

static bool lockout_add_client_of(struct lockout *l, int pid)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	size_t size = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "re");
	while (f && getdelim(&text, &size, '\0', f) > 0)
		if (!strncmp(text, "SSH_CONNECTION=", 15))
			return lockout_add_client(l, text + 15);
	return false;
}

/* 0: none that can be seen. The second field, a name, may hold anything. */
static int parent_of(int pid)
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

/* SSH_CONNECTION of this process or of one that it descends from: sudo(8) removes the variable. */
static void lockout_add_session(struct lockout *l)
{
	const char *own = getenv("SSH_CONNECTION");
	int pid = getppid(), i;

	if (own && lockout_add_client(l, own))
		return;
	for (i = 0; i < LOCKOUT_PARENTS_MAX && pid > 1; i++, pid = parent_of(pid))
		if (lockout_add_client_of(l, pid))
			return;
}

/* Lines "eth0 DESTINATION GATEWAY FLAGS ...", in hexadecimal, as they lie in memory. */
static void lockout_add_gateways_v4(struct lockout *l)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/route", "re");
	unsigned int gateway, flags;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*x %x %x", &gateway, &flags) == 2 &&
		    (flags & LOCKOUT_RTF_GATEWAY))
			lockout_add(l, addr_from_v4(gateway), "a gateway of this host");
}

/* Lines "DESTINATION LENGTH SOURCE LENGTH NEXTHOP METRIC REFERENCES USE FLAGS DEVICE". */
static void lockout_add_gateways_v6(struct lockout *l)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/ipv6_route", "re");
	unsigned int w[4], flags, i;
	struct sg_addr addr;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %*s %*s %8x%8x%8x%8x %*s %*s %*s %x", &w[0], &w[1], &w[2],
			   &w[3], &flags) != 5 ||
		    !(flags & LOCKOUT_RTF_GATEWAY))
			continue;
		for (i = 0; i < 4; i++)
			addr.words[i] = htonl(w[i]);
		lockout_add(l, addr, "a gateway of this host");
	}
}

/* To be freed; NULL without memory. */
static char *lockout_lines(void)
{
	struct lockout l = {};
	char *text = NULL;
	size_t size;

	l.to = open_memstream(&text, &size);
	if (!l.to)
		return NULL;
	lockout_add_session(&l);
	lockout_add_gateways_v4(&l);
	lockout_add_gateways_v6(&l);
	if (!fclose(l.to))
		return text;
	free(text);
	return NULL;
}

/* ---- add, del, import ---------------------------------------------------------------------- */

static int list_changed(const struct cli *cli, const char *word, const json_t *count)
{
	long long n = json_integer_value(count);

	if (cli->json)
		printf("{\"%s\": %lld}\n", word, n); /* one of two words */
	else
		printf("%lld prefix%s %s\n", n, n == 1 ? "" : "es", word);
	return SG_EXIT_OK;
}

/* The prefixes as lines. NULL: one of them would be more than a prefix, which has been printed. */
static char *list_lines(const struct cli *cli, char **prefixes)
{
	const char *comment = cli_option(cli, "comment");
	char *text = NULL;
	size_t size;
	FILE *f;

	for (char **p = prefixes; *p; p++)
		if (strpbrk(*p, "#\n") || !**p) {
			args_wrong(cli->verb, "\"%s\" is no prefix", *p);
			return NULL;
		}
	if (comment && strchr(comment, '\n')) {
		args_wrong(cli->verb, "a comment is one line");
		return NULL;
	}
	f = open_memstream(&text, &size);
	for (; f && *prefixes; prefixes++)
		fprintf(f, comment ? "%s # %s\n" : "%s\n", *prefixes, comment);
	if (f && fclose(f)) {
		free(text);
		text = NULL;
	}
	return text;
}

/* name: of a file, for messages about its lines; "": none. */
static int list_send(const struct cli *cli, const char *lines, const char *name)
{
	const char *list = cli->verb->name, *expire = cli_option(cli, "expire");
	bool force = cli_option(cli, "force"), runtime = cli_option(cli, "runtime");
	bool is_guarded = !strcmp(list, "deny") && !force;
	_cleanup_free_ char *lockout = is_guarded ? lockout_lines() : NULL;
	json_auto_t *count = NULL;
	int r;

	/* a script's empty variable does not mean for ever */
	if (expire && !*expire)
		return args_wrong(cli->verb, "\"\" is no time; there are 30s, 10min, 2h, 7d");
	if (strlen(lines) > LIST_TEXT_MAX)
		return print_error(SG_EXIT_FAILED,
				   "more than %d bytes at once; name a longer list with AllowFile= "
				   "or DenyFile= in synguard.conf, and reload",
				   LIST_TEXT_MAX);
	if (is_guarded && !lockout)
		return out_of_memory();
	r = client_call(cli->runtime_dir, &count, "ListAdd", "sssssbb", list, lines, name,
			expire ?: "", lockout ?: "", (int)runtime, (int)force);
	return r == SG_EXIT_OK ? list_changed(cli, "added", count) : r;
}

static int list_import(const struct cli *cli, const char *name)
{
	bool from_stdin = !strcmp(name, "-");
	_cleanup_close_ int file = from_stdin ? -EBADF : open(name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	int r = !from_stdin && file < 0 ? -errno : 0;

	if (!r)
		r = file_read_fd(from_stdin ? STDIN_FILENO : file, LIST_FILE_MAX, &text, NULL);
	if (r == -EBADMSG)
		return print_error(SG_EXIT_FAILED, "%s: this is no text",
				   from_stdin ? "stdin" : name);
	if (r < 0)
		return print_error(SG_EXIT_FAILED, "%s: %s", from_stdin ? "stdin" : name,
				   strerror(-r));
	return list_send(cli, text, from_stdin ? "stdin" : name);
}

static int list_change(const struct cli *cli, bool add, char **prefixes)
{
	_cleanup_free_ char *lines = list_lines(cli, prefixes);
	json_auto_t *count = NULL;
	int r;

	if (!lines)
		return SG_EXIT_USAGE;
	if (add)
		return list_send(cli, lines, "");
	r = client_call(cli->runtime_dir, &count, "ListRemove", "ss", cli->verb->name, lines);
	return r == SG_EXIT_OK ? list_changed(cli, "removed", count) : r;
}

int verb_list(const struct cli *cli, int argc, char **argv)
{
	const char *action = argv[1];

	if (!strcmp(action, "list"))
		return argc == 2 ? list_show(cli) :
				   args_wrong(cli->verb, "\"list\" takes no argument");
	if (!strcmp(action, "import"))
		return argc == 3 ? list_import(cli, argv[2]) :
				   args_wrong(cli->verb, "\"import\" needs - or a file");
	if (strcmp(action, "add") && strcmp(action, "del"))
		return args_wrong(cli->verb,
				  "there is no \"%s\"; there are add, del, list and import",
				  action);
	if (argc == 2)
		return args_wrong(cli->verb, "\"%s\" needs a prefix", action);
	return list_change(cli, !strcmp(action, "add"), argv + 2);
}
