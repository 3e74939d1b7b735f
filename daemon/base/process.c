/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/process.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

static int caps_effective(uint64_t *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	*ret = (uint64_t)data[1].effective << 32 | data[0].effective;
	return 0;
}

/* The complaint: what takes the missing ones, their names, and what to do about it. */
static bool caps_missing(const struct caps_need *needs, size_t count, const char *what,
			 const char *remedy, struct complaint *c)
{
	char names[64] = ""; /* " CAP_THIS CAP_THAT" */
	uint64_t have = 0;
	size_t i, n = 0;

	if (caps_effective(&have) < 0)
		return false;
	for (i = 0; i < count; i++)
		if (!(have & needs[i].any_of))
			n += snprintf(names + n, sizeof(names) - n, " %s", needs[i].name);
	if (n)
		complain(c, "%s%s%s", what, names, remedy);
	return n;
}

bool caps_missing_to_load(struct complaint *c)
{
	return caps_missing(caps_to_load, ARRAY_SIZE(caps_to_load), "loading the programs needs",
			    ": start synguardd as root, or with AmbientCapabilities= as "
			    "synguard.service does",
			    c);
}

bool caps_missing_for_processes(struct complaint *c)
{
	return caps_missing(caps_for_processes, ARRAY_SIZE(caps_for_processes),
			    "the backlog of another process takes",
			    ", from the start on: see live_backlog in synguardd(8)", c);
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

/* ---- descriptors ------------------------------------------------------------------------------ */

void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int descriptors_spare(int fd)
{
	struct rlimit limit;
	rlim_t kept;

	/* each time: prlimit(1) may have lowered it */
	if (fd < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fd;
	kept = limit.rlim_cur / 2 < DESCRIPTORS_KEPT ? limit.rlim_cur / 2 : DESCRIPTORS_KEPT;
	if ((rlim_t)fd < limit.rlim_cur - kept)
		return fd;
	close(fd);
	return -EMFILE;
}

const char *descriptors_error(int error)
{
	if (error == -EMFILE)
		return "too few descriptors are left; start synguardd with more (LimitNOFILE=, "
		       "ulimit -n)";
	return strerror(-error);
}
