/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the device of an interface does with packets: offloads, XDP programs, and receive polling in
 * a kernel thread. See lab.h.
 *
 * A veth end polls on the CPU of whoever sent to it, so that a flood and what it floods would share
 * a core and the flood could not offer more than the receiver takes. A thread on another CPU stands
 * for the interrupt of a network card.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "synguard/cleanup.h"

#include "tests/lab/lab.h"
#include "tests/lab/netlink.h"

/* linux/netdev.h, which Debian 12's headers do not have yet (Linux 6.7 and later do). */
#define NETDEV_FAMILY	      "netdev"
#define NETDEV_CMD_NAPI_GET   11
#define NETDEV_A_NAPI_IFINDEX 1
#define NETDEV_A_NAPI_PID     4

int lab_offload_set(struct lab *lab, int host, const char *ifname, enum lab_offload what, bool on)
{
	static const uint32_t commands[] = {
		[LAB_TX_CSUM] = ETHTOOL_STXCSUM,
		[LAB_TSO] = ETHTOOL_STSO,
		[LAB_GSO] = ETHTOOL_SGSO,
		[LAB_GRO] = ETHTOOL_SGRO,
	};
	struct ethtool_value value = { .cmd = commands[what], .data = on };
	struct ifreq ifr = { .ifr_data = (void *)&value };
	_cleanup_close_ int fd = lab_socket(lab, host, AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		return fd;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

struct attachment {
	int prog_fd;
	int ifindex;
};

/* The kernel looks the interface up in the calling thread's namespace. */
static int attach_xdp(void *arg)
{
	const struct attachment *a = arg;
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = XDP_FLAGS_DRV_MODE);

	return bpf_link_create(a->prog_fd, a->ifindex, BPF_XDP, &o);
}

int lab_attach_xdp(struct lab *lab, int host, const char *ifname, int prog_fd)
{
	struct attachment a = { .prog_fd = prog_fd, .ifindex = lab_ifindex(lab, host, ifname) };

	return a.ifindex < 0 ? a.ifindex : lab_call(lab, host, attach_xdp, &a);
}

static int silence(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

void lab_quiet_libbpf(void)
{
	libbpf_set_print(silence);
}

/* ---- receive polling ----------------------------------------------------------------------- */

/*
 * sysfs shows the namespace in which it was mounted. A mount that is attached nowhere needs no
 * mount namespace and vanishes with its descriptor.
 */
static int sysfs_open(void)
{
	_cleanup_close_ int fs = fsopen("sysfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* In the host: @arg is the interface's name. */
static int threaded_set(void *arg)
{
	_cleanup_close_ int sysfs = -1, fd = -1;
	char path[64];

	sysfs = sysfs_open();
	if (sysfs < 0)
		return sysfs;
	snprintf(path, sizeof(path), "class/net/%s/threaded", (const char *)arg);
	fd = openat(sysfs, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, "1", 1) < 0 ? -errno : 0;
}

/* A number of the answer, of 16 or 32 bits. */
struct wanted {
	int attribute;
	uint32_t value;
};

static int wanted_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct wanted *wanted = arg;
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == wanted->attribute)
			wanted->value = mnl_attr_get_payload_len(attr) == sizeof(uint16_t) ?
						mnl_attr_get_u16(attr) :
						mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static void generic_init(struct request *r, uint16_t family, uint16_t flags, uint8_t command)
{
	struct genlmsghdr *genl = request_init(r, family, flags, sizeof(*genl));

	genl->cmd = command;
	genl->version = 1;
}

/* The thread of the interface's only queue. */
static int thread_find(int fd, int ifindex, int *ret_tid)
{
	struct wanted family = { CTRL_ATTR_FAMILY_ID }, tid = { NETDEV_A_NAPI_PID };
	struct request r;
	int err;

	generic_init(&r, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(r.nlh, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	err = request_send(&r, fd, wanted_answer, &family);
	if (err)
		return err;
	generic_init(&r, family.value, NLM_F_DUMP, NETDEV_CMD_NAPI_GET);
	mnl_attr_put_u32(r.nlh, NETDEV_A_NAPI_IFINDEX, ifindex);
	err = request_send(&r, fd, wanted_answer, &tid);
	if (!err && !tid.value)
		err = -ESRCH;
	if (!err)
		*ret_tid = tid.value;
	return err;
}

int lab_napi_thread(struct lab *lab, int host, const char *ifname, int cpu, int *ret_tid)
{
	_cleanup_close_ int fd = -1;
	int err, ifindex, tid;
	cpu_set_t set;

	err = lab_call(lab, host, threaded_set, (void *)ifname);
	if (err)
		return err;
	ifindex = lab_ifindex(lab, host, ifname);
	if (ifindex < 0)
		return ifindex;
	fd = lab_socket(lab, host, AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (fd < 0)
		return fd;
	err = thread_find(fd, ifindex, &tid);
	if (err)
		return err;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(tid, sizeof(set), &set) < 0)
		return -errno;
	*ret_tid = tid;
	return 0;
}
