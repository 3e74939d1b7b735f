/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs.h"

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
	{ "rate",              "N",  "SYNs per second that are offered (500000)" },
	{}
};

const struct verb verbs[] = {
	{
		.name = "status",
		.arguments = "",
		.help = "what is going on, the default",
		.about = "Prints one sentence that can be read out on the phone, then interfaces and services in "
			 "tables, and what stands against a defence where something does. Counters are totals "
			 "since the daemon started. Without a daemon it prints what the kernel alone can say, "
			 "and exits with 3.",
		.takes = VERB_JSON | VERB_WIDE | VERB_DAEMON,
		.run = verb_status,
	},
	{
		.name = "mode",
		.arguments = "[MODE]",
		.words = "off observe auto always",
		.help = "print the mode, or set it",
		.about = "Without an argument prints the mode. With one sets it: off does nothing, observe "
			 "counts and changes nothing, auto challenges the SYNs of a service while its SYN queue "
			 "fills up or its flood goes on, always challenges every SYN of a proven service. What is "
			 "set holds until the daemon stops. Needs root, or membership in the group synguard.",
		.takes = VERB_JSON | VERB_DAEMON,
		.run = verb_mode,
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
		.name = "demo",
		.arguments = "",
		.help = "a real flood, in namespaces of its own",
		.about = "Floods a listener with forged SYNs, without a defence, with the kernel's SYN cookies "
			 "and with synguard, and compares what real clients get. All of it happens in network "
			 "namespaces that vanish with it. Needs root.",
		.options = demo_options,
		.program = "synguard-demo",
	},
	{
		.name = "help",
		.arguments = "[VERB]",
		.help = "print the help of a verb",
		.about = "Prints what a verb does and the options that it takes; without an argument, the verbs.",
		.run = verb_help,
	},
	{}
};
/* clang-format on */
