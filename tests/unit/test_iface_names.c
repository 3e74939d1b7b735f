/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interfaces names, patterns, "auto" and exclusions mean. Trap F4: never a master by "auto".
 */
#include <string.h>

#include "daemon/settings/iface_names.h"
#include "suite.h"

/* clang-format off */
static const struct iface_names_device devices[] = {
	/* name        up     ethernet virtual */
	{ "eth0",      true,  true,  false },
	{ "eth1",      true,  true,  false }, /* a slave of bond0 */
	{ "eth2",      false, true,  false },
	{ "bond0",     true,  true,  true  },
	{ "br0",       true,  true,  true  },
	{ "eth0.5",    true,  true,  true  },
	{ "veth1",     true,  true,  true  },
	{ "wg0",       true,  false, true  },
	{ "lo",        true,  false, false },
	{ "ib0",       true,  false, false },
};

static const struct {
	const char *words[4];
	const char *meant; /* in order, a blank behind each */
} rows[] = {
	{ { "auto" },                     "eth0 eth1 " },
	{ { "eth0" },                     "eth0 " },
	{ { "eth*" },                     "eth0 eth1 eth2 eth0.5 " },
	{ { "eth?" },                     "eth0 eth1 eth2 " },
	{ { "eth[02]" },                  "eth0 eth2 " },
	{ { "*" },                        "eth0 eth1 eth2 bond0 br0 eth0.5 veth1 " },
	{ { "bond0", "lo", "wg0" },       "bond0 wg0 lo " },
	{ { "auto", "!eth1" },            "eth0 " },
	{ { "!eth1", "auto" },            "eth0 " },
	{ { "!eth1" },                    "eth0 " },
	{ { "!eth*" },                    "" },
	{ { "eth*", "!*.*", "br0" },      "eth0 eth1 eth2 br0 " },
	{ { "eth0", "!eth0" },            "" },
	{ { "eth00" },                    "" },
	{ { "eth" },                      "" },
	{ { NULL },                       "" },
};

static const struct {
	const char *word;
	bool valid;
} words[] = {
	{ "eth0", true }, { "eth*", true }, { "!eth0", true }, { "!eth[0-3]", true },
	{ "auto", true }, { "*", true }, { "123456789012345", true },
	{ "!123456789012345", true },
	{ "", false }, { "!", false }, { "!!eth0", false }, { "1234567890123456", false },
	{ "!1234567890123456", false }, { "eth0 eth1", false }, { "a/b", false }, { "a:1", false },
	{ ".", false }, { "..", false }, { "!auto", false },
	{ "[1234567890123456789012345678901234567890123456789012345678901234567890]", false },
};
/* clang-format on */

START_TEST(f4_names)
{
	char meant[256] = "";
	size_t count = 0, i;

	while (count < 4 && rows[_i].words[count])
		count++;
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (!iface_names_match(rows[_i].words, count, &devices[i]))
			continue;
		strcat(meant, devices[i].name);
		strcat(meant, " ");
	}
	ck_assert_str_eq(meant, rows[_i].meant);
}
END_TEST

START_TEST(iface_names_words)
{
	ck_assert_msg(iface_names_valid(words[_i].word) == words[_i].valid, "\"%s\"",
		      words[_i].word);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(f4_names, sizeof(rows) / sizeof(rows[0]), 10),
	SUITE_LOOP(iface_names_words, sizeof(words) / sizeof(words[0]), 10),
	{}
};
/* clang-format on */
