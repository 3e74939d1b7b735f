/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receive polling in a kernel thread of its own: lab_napi_thread() of host.h.
 *
 * A veth end polls on the CPU of whoever sent to it, so that a flood and what it floods would share
 * a core and the flood could not offer more than the receiver takes. A thread on another CPU stands
 * for the interrupt of a network card.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"
#include "tests/lab/host.h"

/* linux/netdev.h, which Debian 12's headers do not have yet (Linux 6.7 and later do). */
#define NETDEV_FAMILY	      "netdev"
#define NETDEV_CMD_NAPI_GET   11
#define NETDEV_A_NAPI_IFINDEX 1
#define NETDEV_A_NAPI_PID     4

#define ANSWER_BYTES 8192

/*
 * sysfs shows the namespace of whoever mounted it. A mount that is attached nowhere needs no mount
 * namespace and vanishes with its descriptor.
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

static int talk(int fd, struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	char buf[ANSWER_BYTES] __attribute__((aligned(8)));
	ssize_t n;
	int ret;

	if (send(fd, nlh, nlh->nlmsg_len, 0) < 0)
		return -errno;
	do {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, n, 0, 0, cb, arg);
		if (ret < 0)
			return -errno;
	} while (ret > MNL_CB_STOP);
	return 0;
}

static int family_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			*(uint16_t *)arg = mnl_attr_get_u16(attr);
	}
	return MNL_CB_OK;
}

static int family_find(int fd, uint16_t *ret)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = GENL_ID_CTRL;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	return talk(fd, nlh, family_answer, ret);
}

static int napi_answer(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == NETDEV_A_NAPI_PID)
			*(int *)arg = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

/* The thread of the interface's only queue. */
static int thread_find(int fd, int ifindex, int *ret_tid)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;
	uint16_t family = 0;
	int err, tid = 0;

	err = family_find(fd, &family);
	if (err)
		return err;
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = NETDEV_CMD_NAPI_GET;
	genl->version = 1;
	mnl_attr_put_u32(nlh, NETDEV_A_NAPI_IFINDEX, ifindex);
	err = talk(fd, nlh, napi_answer, &tid);
	if (err)
		return err;
	if (!tid)
		return -ESRCH;
	*ret_tid = tid;
	return 0;
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
