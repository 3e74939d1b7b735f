/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#define CAPS_BIT(cap) (1ULL << (cap))

struct caps_need {
	const char *name;
	uint64_t any_of;
};

/* CAP_SYS_ADMIN includes the two that were split from it (capabilities(7)). */
static const struct caps_need caps_to_load[] = {
	{ "CAP_BPF", CAPS_BIT(CAP_BPF) | CAPS_BIT(CAP_SYS_ADMIN) },
	{ "CAP_NET_ADMIN", CAPS_BIT(CAP_NET_ADMIN) },
	{ "CAP_PERFMON", CAPS_BIT(CAP_PERFMON) | CAPS_BIT(CAP_SYS_ADMIN) },
};

static const struct caps_need caps_for_processes[] = {
	{ "CAP_SYS_PTRACE", CAPS_BIT(CAP_SYS_PTRACE) },
	{ "CAP_DAC_READ_SEARCH", CAPS_BIT(CAP_DAC_READ_SEARCH) },
};

/* " CAP_THIS CAP_THAT" */
struct caps_names {
	char text[64];
};

static int caps_effective(uint64_t *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	*ret = (uint64_t)data[1].effective << 32 | data[0].effective;
	return 0;
}

static bool caps_missing(const struct caps_need *needs, size_t count, struct caps_names *ret)
{
	uint64_t have = 0;
	size_t i, n = 0;

	if (caps_effective(&have) < 0)
		return false;
	for (i = 0; i < count; i++)
		if (!(have & needs[i].any_of))
			n += snprintf(ret->text + n, sizeof(ret->text) - n, " %s", needs[i].name);
	return n;
}

bool caps_missing_to_load(struct complaint *c)
{
	struct caps_names missing;

	if (!caps_missing(caps_to_load, ARRAY_SIZE(caps_to_load), &missing))
		return false;
	complain(c,
		 "loading the programs needs%s: start synguardd as root, or with "
		 "AmbientCapabilities= as synguard.service does",
		 missing.text);
	return true;
}

bool caps_missing_for_processes(struct complaint *c)
{
	struct caps_names missing;

	if (!caps_missing(caps_for_processes, ARRAY_SIZE(caps_for_processes), &missing))
		return false;
	complain(c,
		 "the backlog of another process takes%s, from the start on: see live_backlog in "
		 "synguardd(8)",
		 missing.text);
	return true;
}

static uint64_t caps_kept(bool processes)
{
	uint64_t have = 0, kept = CAPS_BIT(CAP_NET_ADMIN);
	size_t i;

	if (!processes || caps_effective(&have) < 0)
		return kept;
	for (i = 0; i < ARRAY_SIZE(caps_for_processes); i++)
		kept |= have & caps_for_processes[i].any_of;
	return kept;
}

int caps_keep(bool processes)
{
	uint64_t kept = caps_kept(processes);
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};
	int cap;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!(kept & CAPS_BIT(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
		    errno != EPERM && errno != EINVAL)
			return -errno;
	data[0].permitted = data[0].effective = kept; /* all of them are below 32 */
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
