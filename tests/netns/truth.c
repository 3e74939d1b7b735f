/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's knowledge against the kernel's. See truth.h.
 */
#include "truth.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "synguard/abi.h"

/* enum bpf_attach_type of Linux 6.6, which older headers lack. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

#define TRUTH_ADDRESSES 512
#define TRUTH_WAIT_MS	8000

/* ---- what the daemon holds ----------------------------------------------------------------- */

/* Calls f with each descriptor's fdinfo until one returns true; that descriptor's number, or -1. */
static int truth_find(pid_t pid, bool (*f)(const char *info, void *arg), void *arg)
{
	char path[300], info[2048];
	struct dirent *entry;
	int found = -1, fd;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	ck_assert_msg(dir, "%s: %s", path, strerror(errno));
	while (found < 0 && (entry = readdir(dir))) {
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		n = fd < 0 || entry->d_name[0] == '.' ? -1 : read(fd, info, sizeof(info) - 1);
		if (fd >= 0)
			close(fd);
		if (n <= 0)
			continue;
		info[n] = 0;
		if (f(info, arg))
			sscanf(entry->d_name, "%d", &found);
	}
	closedir(dir);
	return found;
}

static bool truth_number(const char *info, const char *key, __u32 *ret)
{
	const char *line = strstr(info, key);

	return line && sscanf(line + strlen(key), " %u", ret) == 1;
}

struct truth_ids {
	__u32 ids[64];
	size_t count;
};

static bool truth_take_program(const char *info, void *arg)
{
	struct truth_ids *ids = arg;
	__u32 id;

	if (!strstr(info, "link_id:") && truth_number(info, "prog_id:", &id) && ids->count < 64)
		ids->ids[ids->count++] = id;
	return false;
}

static bool truth_count(const char *info, void *arg)
{
	++*(size_t *)arg;
	return false;
}

static bool truth_count_link(const char *info, void *arg)
{
	*(size_t *)arg += !!strstr(info, "link_id:");
	return false;
}

size_t truth_descriptors(pid_t pid)
{
	size_t count = 0;

	truth_find(pid, truth_count, &count);
	return count;
}

size_t truth_links(pid_t pid)
{
	size_t count = 0;

	truth_find(pid, truth_count_link, &count);
	return count;
}

struct truth_link {
	const char *type;
	const char *direction;
	__u32 ifindex, id;
};

static bool truth_is_link(const char *info, void *arg)
{
	struct truth_link *l = arg;
	__u32 ifindex;

	return strstr(info, l->type) && (!l->direction || strstr(info, l->direction)) &&
	       truth_number(info, "ifindex:", &ifindex) && ifindex == l->ifindex &&
	       truth_number(info, "link_id:", &l->id);
}

__u32 truth_xdp_link(pid_t pid, int ifindex)
{
	struct truth_link l = { "link_type:\txdp", NULL, ifindex, 0 };

	return truth_find(pid, truth_is_link, &l) < 0 ? 0 : l.id;
}

__u32 truth_ingress_link(pid_t pid, int ifindex)
{
	struct truth_link l = { "link_type:\ttcx", "attach_type:\t46", ifindex, 0 };

	return truth_find(pid, truth_is_link, &l) < 0 ? 0 : l.id;
}

/* ---- programs on an interface -------------------------------------------------------------- */

struct truth_query {
	int ifindex;
	struct truth_programs programs;
};

static int truth_query(void *arg)
{
	static const int hooks[] = { TCX_INGRESS, TCX_EGRESS };
	struct truth_query *q = arg;
	struct truth_programs *p = &q->programs;
	__u32 n, attach_flags;
	size_t i;
	int err;

	for (i = 0; i < 2; i++) {
		n = TRUTH_PROGS - 1 - p->count;
		err = bpf_prog_query(q->ifindex, hooks[i], 0, &attach_flags, p->ids + p->count, &n);
		if (err)
			return err;
		p->count += n;
	}
	err = bpf_xdp_query_id(q->ifindex, 0, &p->xdp);
	if (p->xdp)
		p->ids[p->count++] = p->xdp;
	return err;
}

struct truth_programs truth_programs(struct stage *s, int host, int ifindex)
{
	struct truth_query q = { .ifindex = ifindex };
	struct truth_ids held = {};
	size_t i, j;
	int err = lab_call(s->lab, host, truth_query, &q);

	ck_assert_msg(!err, "asking for the programs of %d: %s", ifindex, strerror(-err));
	truth_find(lab_daemon_pid(s->daemon), truth_take_program, &held);
	for (i = 0; i < q.programs.count; i++)
		for (j = 0; j < held.count; j++)
			q.programs.ours += q.programs.ids[i] == held.ids[j];
	return q.programs;
}

/* ---- interfaces ---------------------------------------------------------------------------- */

static int truth_nameindex(void *arg)
{
	*(struct if_nameindex **)arg = if_nameindex();
	return *(struct if_nameindex **)arg ? 0 : -errno;
}

static char truth_reason[256];

#define differs(...) (snprintf(truth_reason, sizeof(truth_reason), __VA_ARGS__), truth_reason)

static json_t *truth_row(const json_t *status, int ifindex)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(status, "interfaces"), i, row)
		if (json_integer_value(json_object_get(row, "index")) == ifindex)
			return row;
	return NULL;
}

static const char *truth_interface(struct stage *s, const json_t *status,
				   const struct if_nameindex *i, bool meant)
{
	struct truth_programs p = truth_programs(s, LAB_SERVER, i->if_index);
	const json_t *row = truth_row(status, i->if_index);
	const char *name = json_string_value(json_object_get(row, "name"));
	const char *attach = json_string_value(json_object_get(row, "attach"));
	size_t wanted = row ? 3 : 0;

	if (meant && !row)
		return differs("%s is not in status", i->if_name);
	if (row && (strcmp(name, i->if_name) || strcmp(attach, "native")))
		return differs("%s is %s, attached %s, in status", i->if_name, name, attach);
	if (p.ours != wanted || p.count != wanted)
		return differs("%s has %zu programs, %zu of ours, instead of %zu", i->if_name,
			       p.count, p.ours, wanted);
	return NULL;
}

static const char *truth_interfaces(struct stage *s, const json_t *status, const char *prefix,
				    const char *also)
{
	size_t rows = json_array_size(json_object_get(status, "interfaces")), found = 0;
	pid_t pid = lab_daemon_pid(s->daemon);
	const char *reason = NULL;
	struct if_nameindex *all, *i;

	ck_assert_int_eq(lab_call(s->lab, LAB_SERVER, truth_nameindex, &all), 0);
	for (i = all; !reason && i->if_index; i++) {
		bool meant = !strncmp(i->if_name, prefix, strlen(prefix)) ||
			     !strcmp(i->if_name, also);

		reason = truth_interface(s, status, i, meant);
		found += !!truth_row(status, i->if_index);
	}
	if_freenameindex(all);
	if (!reason && found != rows)
		return differs("%zu rows in status are of %zu interfaces", rows, found);
	if (!reason && truth_links(pid) != 3 * rows + TRUTH_TRACEPOINTS)
		return differs("%zu links for %zu interfaces", truth_links(pid), rows);
	return reason;
}

/* ---- addresses ----------------------------------------------------------------------------- */

struct truth_addresses {
	struct sg_addr list[TRUTH_ADDRESSES];
	size_t count;
};

static bool truth_has(const struct truth_addresses *a, const struct sg_addr *addr)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		if (!memcmp(&a->list[i], addr, sizeof(*addr)))
			return true;
	return false;
}

static void truth_put(struct truth_addresses *a, const struct sg_addr *addr)
{
	ck_assert_uint_lt(a->count, TRUTH_ADDRESSES);
	if (!truth_has(a, addr))
		a->list[a->count++] = *addr;
}

static int truth_of_host(void *arg)
{
	struct ifaddrs *all, *i;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (i = all; i; i = i->ifa_next) {
		struct sg_addr addr = {};

		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			addr.words[2] = htonl(0xffff);
			memcpy(&addr.words[3], &((struct sockaddr_in *)i->ifa_addr)->sin_addr, 4);
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			memcpy(&addr, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, 16);
		} else {
			continue;
		}
		truth_put(arg, &addr);
	}
	freeifaddrs(all);
	return 0;
}

static bool truth_take_map(const char *info, void *arg)
{
	struct truth_ids *ids = arg;
	__u32 id;

	if (truth_number(info, "map_id:", &id) && ids->count < 64)
		ids->ids[ids->count++] = id;
	return false;
}

static void truth_of_map(int fd, struct truth_addresses *ret)
{
	struct sg_addr key, next, *from = NULL;

	while (!bpf_map_get_next_key(fd, from, &next)) {
		truth_put(ret, &next);
		key = next;
		from = &key;
	}
}

static void truth_of_daemon(pid_t pid, struct truth_addresses *ret)
{
	struct truth_ids maps = {};
	struct bpf_map_info info;
	bool found = false;
	__u32 size;
	size_t i;

	truth_find(pid, truth_take_map, &maps);
	for (i = 0; i < maps.count; i++) {
		int fd = bpf_map_get_fd_by_id(maps.ids[i]);

		size = sizeof(info);
		memset(&info, 0, sizeof(info));
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) &&
		    !strncmp(info.name, "local_addrs", BPF_OBJ_NAME_LEN - 1)) {
			truth_of_map(fd, ret);
			found = true;
		}
		close(fd);
	}
	ck_assert_msg(found, "the daemon has no map of local addresses");
}

static const char *truth_addresses(struct stage *s)
{
	static struct truth_addresses host, daemon;
	size_t i;

	host.count = daemon.count = 0;
	ck_assert_int_eq(lab_call(s->lab, LAB_SERVER, truth_of_host, &host), 0);
	truth_of_daemon(lab_daemon_pid(s->daemon), &daemon);
	for (i = 0; i < host.count; i++)
		if (!truth_has(&daemon, &host.list[i]))
			return differs("an address of the host is not known to the daemon");
	if (daemon.count != host.count)
		return differs("the daemon knows %zu addresses, the host has %zu", daemon.count,
			       host.count);
	return NULL;
}

const char *truth_agrees(struct stage *s, const char *prefix, const char *also)
{
	const char *reason = NULL;
	json_t *status;
	int waited;

	for (waited = 0; waited < TRUTH_WAIT_MS; waited += 100) {
		status = stage_status(s);
		reason = truth_interfaces(s, status, prefix, also) ?: truth_addresses(s);
		json_decref(status);
		if (!reason)
			break;
		usleep(100000);
	}
	return reason;
}

/* ---- the monitor --------------------------------------------------------------------------- */

struct truth_monitor {
	unsigned long inode, drops;
};

/* Columns: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode. One of ours is in groups. */
static struct truth_monitor truth_monitor(struct stage *s)
{
	unsigned long groups, drops, inode;
	struct truth_monitor m = {};
	char path[64], line[256];
	struct stat st;
	int protocol, fd;
	pid_t pid = lab_daemon_pid(s->daemon);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/netlink", pid);
	f = fopen(path, "re");
	ck_assert_msg(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %d %*s %lx %*s %*s %*s %*s %lu %lu", &protocol, &groups,
			   &drops, &inode) != 4 ||
		    protocol || !(groups & RTMGRP_IPV4_IFADDR))
			continue;
		for (fd = 0; fd < 1024 && m.inode != inode; fd++) {
			snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
			if (!stat(path, &st) && st.st_ino == inode)
				m = (struct truth_monitor){ inode, drops };
		}
	}
	fclose(f);
	ck_assert_msg(m.inode, "the daemon follows no rtnetlink group");
	return m;
}

unsigned long truth_lost_messages(struct stage *s)
{
	return truth_monitor(s).drops;
}

/* On the daemon's own socket, which the test gets a descriptor of. */
void truth_shrink_monitor(struct stage *s)
{
	unsigned long inode = truth_monitor(s).inode;
	pid_t pid = lab_daemon_pid(s->daemon);
	int pidfd = syscall(SYS_pidfd_open, pid, 0), fd, copy = -1, bytes = 1;
	socklen_t length = sizeof(bytes);
	struct stat st;
	char path[64];

	ck_assert_int_ge(pidfd, 0);
	for (fd = 0; fd < 1024 && copy < 0; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		if (!stat(path, &st) && st.st_ino == inode)
			copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	}
	ck_assert_msg(copy >= 0, "the daemon's socket: %s", strerror(errno));
	ck_assert_int_eq(setsockopt(copy, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
	ck_assert_int_eq(getsockopt(copy, SOL_SOCKET, SO_RCVBUF, &bytes, &length), 0);
	ck_assert_int_lt(bytes, 4096);
	close(copy);
	close(pidfd);
}
