/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "synguard/cleanup.h"

#define CAPS_BIT(cap) (1ULL << (cap))

/* CAP_SYS_ADMIN is taken for the two that were split from it (capabilities(7)). */
static const struct {
	const char *name;
	uint64_t any_of;
} caps_to_load[] = {
	{ "CAP_BPF", CAPS_BIT(CAP_BPF) | CAPS_BIT(CAP_SYS_ADMIN) },
	{ "CAP_NET_ADMIN", CAPS_BIT(CAP_NET_ADMIN) },
	{ "CAP_PERFMON", CAPS_BIT(CAP_PERFMON) | CAPS_BIT(CAP_SYS_ADMIN) },
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

bool caps_missing_to_load(struct complaint *c)
{
	char missing[64] = "";
	uint64_t have = 0;
	size_t i, n = 0;

	if (caps_effective(&have) < 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(caps_to_load); i++)
		if (!(have & caps_to_load[i].any_of))
			n += snprintf(missing + n, sizeof(missing) - n, " %s",
				      caps_to_load[i].name);
	if (n)
		complain(c,
			 "loading the programs needs%s: start synguardd as root, or with "
			 "AmbientCapabilities= as synguard.service does",
			 missing);
	return n;
}

int caps_keep_net_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};
	int cap;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap != CAP_NET_ADMIN && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
		    errno != EPERM && errno != EINVAL)
			return -errno;
	data[0].permitted = 1u << CAP_NET_ADMIN;
	data[0].effective = 1u << CAP_NET_ADMIN;
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
