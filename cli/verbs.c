/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of verbs: see cli/base/args.h. */
#include "cli/base/args.h"

#include "synguard/names.h"

/* clang-format off */
const struct verb_option common_options[] = {
	{ "json",        NULL,  "JSON instead of text",                          NULL, VERB_JSON },
	{ "wide",        NULL,  "all columns, exact numbers, nothing cut",       NULL, VERB_WIDE },
	{ "runtime-dir", "DIR", "where the daemon's socket is (" SG_RUNTIME_DIR ")", NULL, VERB_DAEMON },
	{ "help",        NULL,  "print this help" },
	{ "version",     NULL,  "print the version" },
	{}
};

static const struct verb_option demo_options[] = {
	{ "json",              NULL, "JSON instead of text" },
	{ "seconds-per-phase", "N",  "how long clients connect in each phase (5)" },
	{ "rate",              "N",  "SYNs per second of the flood (500000)" },
	{}
};

static const struct verb_option events_options[] = {
	{ "follow", NULL,   "go on with new ones" },
	{ "since",  "TIME", "only later ones: 10min (ago), 14:30" },
	{}
};

static const struct verb_option list_options[] = {
	{ "comment", "TEXT", "a note beside the prefix" },
	{ "expire",  "SPAN", "remove it after 30s, 10min, 2h, 7d" },
	{ "runtime", NULL,   "do not keep it when the daemon stops" },
	{ "force",   NULL,   "even if it would lock somebody out" },
	{}
};

static const struct verb_option halfopen_options[] = {
	{ "by",   "WHAT", "group them (source)", .words = "source prefix listener none" },
	{ "port", "PORT", "only those of this port" },
	{}
};

static const struct verb_option sources_options[] = {
	{ "prefix", NULL, "by /24 of IPv4 and /64 of IPv6" },
	{ "top",    "N",  "at most N rows (20)" },
	{}
};

static const struct verb_option config_options[] = {
	{ "json",   NULL, "show: JSON instead of text" },
	{ "origin", NULL, "show: where each value comes from" },
	{}
};

static const struct verb_option exporter_options[] = {
	{ "listen",      "ADDR:PORT", "where to serve (127.0.0.1:9846)" },
	{ "config",      "FILE",      "read [Exporter] of this file only" },
	{ "runtime-dir", "DIR",       "where the daemon's socket is" },
	{ "version",     NULL,        "print the version" },
	{}
};

const struct verb verbs[] = {
	{
		.name = "status",
		.arguments = "",
		.help = "what is going on, the default",
		.about = "Prints one sentence that can be read out on the phone, then tables of interfaces and "
			 "services, what prevents a defence, what looks like an attack on a service and is none, "
			 "and what to change (synguardd(8)). Counters are totals since the daemon started, or since "
			 "an earlier daemon did whose programs it has taken over. Without a daemon it prints what the "
			 "kernel knows, and exits with 3.",
		.takes = VERB_JSON | VERB_WIDE | VERB_DAEMON,
		.run = verb_status,
	},
	{
		.name = "mode",
		.arguments = "[MODE]",
		.words = "off observe auto always",
		.help = "print the mode, or set it",
		.about = "Without an argument prints the mode. With one sets it, until the daemon stops: off does "
			 "nothing, observe counts and changes nothing, auto challenges the SYNs of a service while "
			 "its SYN queue fills up or its flood goes on, always challenges every SYN of a proven "
			 "service. To set it needs root, or membership in the group synguard.",
		.takes = VERB_JSON | VERB_DAEMON,
		.run = verb_mode,
	},
	{
		.name = "listeners",
		.arguments = "",
		.help = "who listens, and which queue is full",
		.about = "Prints a row for each listening socket, the worst first: its SYN queue and its accept queue "
			 "with their limits, what came for its address and port in the last second, and a "
			 "diagnosis, in the words of status (synguardd(8)). With --wide also the share of SYNs that "
			 "became connections, what it has dropped since it listens, its systemd unit, and the "
			 "process, where the caller may see it. Unknown values are \"-\", in JSON null.",
		.takes = VERB_JSON | VERB_WIDE | VERB_DAEMON,
		.run = verb_listeners,
	},
	{
		.name = "halfopen",
		.arguments = "",
		.help = "connections that wait for their last ACK",
		.about = "Prints how many connections are in SYN_RECV, and their age, grouped by source, by prefix (/24, "
			 "/64), by listener, or each of them (none). Sources are shown to root and to members of the "
			 "group synguard. The number is exact, or marked as partial where connections changed while "
			 "the kernel listed them.",
		.takes = VERB_JSON | VERB_WIDE | VERB_DAEMON,
		.options = halfopen_options,
		.run = verb_halfopen,
	},
	{
		.name = "sources",
		.arguments = "",
		.help = "who sends the SYNs, and how many they are",
		.about = "Prints in a sentence how many different sources have recently sent SYNs to services, and how "
			 "random they are, then those that send most: SYNs, challenged SYNs, completed handshakes, "
			 "resets, and half-open connections. Numbers marked with ~ are estimates, counted since the "
			 "source was first seen to send a 256th of all SYNs; a source that sends less has half-open "
			 "connections, if any, and \"-\" (in JSON null) for the rest. The number of half-open "
			 "connections is exact, or in JSON marked as \"partial\"; \"more\" counts rows that are left "
			 "out. A source is an IPv4 address or an IPv6 /64; one that was silent for a minute is left "
			 "out. The sources of a SYN flood are usually forged, and their owners need not know of it; "
			 "where a few networks send most of a flood, a sentence says what to deny, or that it is "
			 "forged from a network of your clients. In JSON deny is true of a source that may be denied, "
			 "and deny_reason says why: silent (it neither completes nor resets), else completed (clients "
			 "in there complete handshakes), resets (the owner of a forged address resets what he is "
			 "sent) or few_syns. Needs root, or membership in the group synguard.",
		.takes = VERB_JSON | VERB_WIDE | VERB_DAEMON,
		.options = sources_options,
		.run = verb_sources,
	},
	{
		.name = "states",
		.arguments = "",
		.help = "how many sockets are in which TCP state",
		.about = "Prints for each listener how many of its sockets are in which state, and what an unusual "
			 "number means. The last row includes sockets that belong to no listener.",
		.takes = VERB_JSON | VERB_WIDE | VERB_DAEMON,
		.run = verb_states,
	},
	{
		.name = "events",
		.arguments = "",
		.help = "what has happened",
		.about = "Prints a sentence for each event that the daemon still keeps; with --json an object a line. "
			 "TIME is how long ago (90s, 10min, 2h, 1d), a time of day, a date with or without one, or a "
			 "time as in --json (UTC, with a Z).",
		.takes = VERB_JSON | VERB_DAEMON,
		.options = events_options,
		.run = verb_events,
	},
	{
		.name = "allow",
		.arguments = "ACTION [PREFIX]...",
		.words = "add del list import",
		.then = "import FILE",
		.help = "sources whose SYNs are always passed",
		.about = "The allow list: SYNs of its sources always pass to the stack. add puts prefixes (192.0.2.0/24, "
			 "2001:db8::1) on it, del takes them off, list prints it, import - reads lines PREFIX "
			 "[# comment] from stdin, import FILE from a file, all of them or none. The list survives "
			 "a restart. Needs root, or membership in the group synguard.",
		.takes = VERB_JSON | VERB_WIDE | VERB_DAEMON,
		.options = list_options,
		.run = verb_list,
	},
	{
		.name = "deny",
		.arguments = "ACTION [PREFIX]...",
		.words = "add del list import",
		.then = "import FILE",
		.help = "sources whose SYNs are dropped",
		.about = "As allow, for the deny list: where synguard's program is attached to XDP, it drops SYNs of "
			 "these sources to this host, and no other packets. The allow list comes first; mode observe "
			 "drops nothing. The sources of a SYN flood are usually forged, and denying them stops the "
			 "wrong people. An entry for an address or a gateway of this host, for the client of this "
			 "SSH session, for more than a /8 (IPv6: /32), or for sources of which \"sources\" knows "
			 "completed handshakes, is refused with 5 unless forced.",
		.takes = VERB_JSON | VERB_WIDE | VERB_DAEMON,
		.options = list_options,
		.run = verb_list,
	},
	{
		.name = "mitigation",
		.alias = "ladder",
		.arguments = "[undo] [STEP]",
		.words = "undo",
		.then = "undo STEP",
		.help = "settings changed on the host, and undo them",
		.about = "Prints each step of the mitigation, see synguardd(8): whether it is allowed and taken, since "
			 "when, the value without and with it, and why. A value that another program has changed "
			 "since is a conflict, and stays. undo undoes one step, or all of them, and does not take "
			 "them again until the configuration is reloaded; it needs root, or membership in the group "
			 "synguard.",
		.takes = VERB_JSON | VERB_DAEMON,
		.run = verb_mitigation,
	},
	{
		.name = "metrics",
		.arguments = "",
		.help = "the figures as Prometheus text",
		.about = "Prints the figures in Prometheus' text exposition format. No figure names a source.",
		.takes = VERB_DAEMON,
		.run = verb_metrics,
	},
	{
		.name = "exporter",
		.arguments = "",
		.help = "serve the figures to Prometheus",
		.about = "Serves the output of metrics over HTTP, at /metrics. Reads it from the daemon once a second at "
			 "most, however many scrapers there are, and needs no privileges.",
		.options = exporter_options,
		.program = "synguard-exporter",
	},
	{
		.name = "config",
		.arguments = "ACTION [WORD]...",
		.words = "check show diff get sample",
		.then = "check FILE show FILE diff FILE get SETTING",
		.help = "check the configuration, or show it",
		.about = "Reads the files of synguard.conf(5), or FILE alone, as a daemon that starts now would. check "
			 "prints their errors, by file and line; show every setting, diff those that differ from the "
			 "default, get one (get Daemon.Mode), sample a commented file with the defaults. Exits with 1 "
			 "where the configuration has errors.",
		.options = config_options,
		.program = "synguard-config",
	},
	{
		.name = "demo",
		.arguments = "",
		.help = "a real flood, in namespaces of its own",
		.about = "Floods a listener with forged SYNs, without a defence, with the kernel's SYN cookies and with "
			 "synguard, and compares how many real clients connect. All of it happens in network "
			 "namespaces of its own, which are removed at the end. Needs root.",
		.options = demo_options,
		.program = "synguard-demo",
	},
	{
		.name = "help",
		.arguments = "[VERB]",
		.help = "print the help of a verb",
		.about = "Prints what a verb does and its options; without an argument, the verbs.",
		.run = verb_help,
	},
	{}
};
/* clang-format on */
