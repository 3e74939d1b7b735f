/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts of the lab. See lab.h.
 *
 * Work in a host is done by a helper thread that enters its namespace and ends: a namespace belongs
 * to a thread, so the caller's own is never at risk of not being entered again. /proc/sys/net shows
 * the namespace of the task that opens it, and /proc/thread-self/net that of the thread.
 */
#include "tests/lab/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "synguard/cleanup.h"

#include "daemon/base/file.h"
#include "daemon/net/netstat.h"
#include "daemon/net/sockdiag.h"

/* Server, client, a router between them, and a few to spare. */
#define LAB_HOSTS_MAX 8

/* What is read of /proc. */
#define LAB_FILE_MAX 1048576

struct host {
	int netns_fd;
	int rtnl_fd;
};

struct lab {
	struct host hosts[LAB_HOSTS_MAX];
	int host_count;
};

int lab_new_empty(struct lab **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void host_close(struct host *h)
{
	h->rtnl_fd = close_fd(h->rtnl_fd);
	h->netns_fd = close_fd(h->netns_fd);
}

struct lab *lab_free(struct lab *lab)
{
	int i;

	if (!lab)
		return NULL;
	for (i = 0; i < lab->host_count; i++)
		host_close(&lab->hosts[i]);
	free(lab);
	return NULL;
}

int lab_netns_fd(struct lab *lab, int host)
{
	return host >= 0 && host < lab->host_count ? lab->hosts[host].netns_fd : -EINVAL;
}

int lab_rtnl_fd(struct lab *lab, int host)
{
	return host >= 0 && host < lab->host_count ? lab->hosts[host].rtnl_fd : -EINVAL;
}

int lab_enter(struct lab *lab, int host)
{
	int fd = lab_netns_fd(lab, host);

	if (fd < 0)
		return fd;
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

/* ---- work in a host ------------------------------------------------------------------------ */

struct call {
	int netns_fd; /* -1: the thread gets a namespace of its own */
	int (*fn)(void *arg);
	void *arg;
	int ret;
};

static void *call_thread(void *arg)
{
	struct call *call = arg;
	int r = call->netns_fd < 0 ? unshare(CLONE_NEWNET) : setns(call->netns_fd, CLONE_NEWNET);

	call->ret = r < 0 ? -errno : call->fn(call->arg);
	return NULL;
}

static int call_run(struct call *call)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, call_thread, call);

	if (err)
		return -err;
	pthread_join(thread, NULL);
	return call->ret;
}

int lab_call(struct lab *lab, int host, int (*fn)(void *arg), void *arg)
{
	struct call call = { lab_netns_fd(lab, host), fn, arg };

	return call.netns_fd < 0 ? call.netns_fd : call_run(&call);
}

struct socket_args {
	int family;
	int type;
	int protocol;
};

static int socket_make(void *arg)
{
	const struct socket_args *a = arg;
	int fd = socket(a->family, a->type | SOCK_CLOEXEC, a->protocol);

	return fd < 0 ? -errno : fd;
}

int lab_socket(struct lab *lab, int host, int family, int type, int protocol)
{
	struct socket_args args = { family, type, protocol };

	return lab_call(lab, host, socket_make, &args);
}

/* ---- sysctls ------------------------------------------------------------------------------- */

struct sysctl_args {
	const char *name;
	const char *value;
	char **ret;
};

static int sysctl_path(const char *name, char *path, size_t size)
{
	char *p = path;

	if (snprintf(path, size, "/proc/sys/%s", name) >= (int)size)
		return -ENAMETOOLONG;
	while ((p = strchr(p, '.')))
		*p = '/';
	return 0;
}

static int sysctl_set(void *arg)
{
	const struct sysctl_args *a = arg;
	_cleanup_close_ int fd = -1;
	char path[256];
	int err = sysctl_path(a->name, path, sizeof(path));

	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, a->value, strlen(a->value)) < 0 ? -errno : 0;
}

static int sysctl_get(void *arg)
{
	const struct sysctl_args *a = arg;
	char path[256];
	int err = sysctl_path(a->name, path, sizeof(path));

	if (!err)
		err = file_read(path, 0, LAB_FILE_MAX, a->ret, NULL);
	if (!err)
		(*a->ret)[strcspn(*a->ret, "\n")] = '\0';
	return err;
}

int lab_sysctl_set(struct lab *lab, int host, const char *name, const char *value)
{
	return lab_call(lab, host, sysctl_set, &(struct sysctl_args){ name, value });
}

int lab_sysctl_get(struct lab *lab, int host, const char *name, char **ret)
{
	return lab_call(lab, host, sysctl_get, &(struct sysctl_args){ name, NULL, ret });
}

/* ---- a new host ---------------------------------------------------------------------------- */

static int lo_up(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

/*
 * Nothing may move by itself: a router solicitation or an address in DAD would be packets that no
 * test sent, and a second that every test waits. Returns a descriptor of the namespace.
 */
static int netns_make(void *arg)
{
	/* clang-format off */
	static struct sysctl_args quiet[] = {
		{ "net.ipv6.conf.all.disable_ipv6",	"0" },
		{ "net.ipv6.conf.default.disable_ipv6",	"0" },
		{ "net.ipv6.conf.default.accept_dad",	"0" },
		{ "net.ipv6.conf.default.accept_ra",	"0" },
		{ "net.ipv6.conf.default.router_solicitations",	"0" },
		{ "net.ipv6.conf.default.addr_gen_mode", "1" }, /* no link-local address */
		{ "net.ipv4.conf.all.rp_filter",	"0" },
		{ "net.ipv4.conf.default.rp_filter",	"0" },
		/* net.core.devconf_inherit_init_net may have brought the machine's own */
		{ "net.ipv4.conf.all.forwarding",	"0" },
		{ "net.ipv6.conf.all.forwarding",	"0" },
	};
	/* clang-format on */
	int err = lo_up(), fd;
	size_t i;

	for (i = 0; !err && i < ARRAY_SIZE(quiet); i++)
		err = sysctl_set(&quiet[i]);
	if (err)
		return err;
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int lab_host_add(struct lab *lab)
{
	struct call call = { -1, netns_make };
	int host = lab->host_count;
	struct host *h;

	if (host == LAB_HOSTS_MAX)
		return -ENOSPC;
	h = &lab->hosts[host];
	h->rtnl_fd = -1;
	h->netns_fd = call_run(&call);
	if (h->netns_fd < 0)
		return h->netns_fd;
	lab->host_count++;
	h->rtnl_fd = lab_socket(lab, host, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (h->rtnl_fd < 0) {
		int err = h->rtnl_fd;

		lab->host_count--;
		host_close(h);
		return err;
	}
	return host;
}

/* ---- counters ------------------------------------------------------------------------------ */

struct counter_args {
	const char *group;
	const char *name;
	uint64_t *ret;
};

static int counter_read(void *arg)
{
	static const char *const paths[] = { NETSTAT_PATH, "/proc/thread-self/net/snmp" };
	const struct counter_args *a = arg;
	int err = -ENOENT;
	size_t i;

	for (i = 0; err == -ENOENT && i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *text = NULL;

		err = netstat_read_text(paths[i], &text);
		if (!err)
			err = netstat_counter(text, a->group, a->name, a->ret);
	}
	return err;
}

int lab_counter(struct lab *lab, int host, const char *group, const char *name, uint64_t *ret)
{
	return lab_call(lab, host, counter_read, &(struct counter_args){ group, name, ret });
}

struct socket_count {
	int state;
	uint16_t port; /* host byte order, 0 for all */
	int count;
};

static void socket_count_one(void *userdata, const struct sockdiag_socket *s)
{
	struct socket_count *c = userdata;

	c->count += !c->port || s->port == htons(c->port);
}

static int socket_count(void *arg)
{
	struct socket_count *c = arg;
	bool partial; /* complete enough for a count */

	return sockdiag_walk_states(1u << c->state, socket_count_one, c, &partial);
}

int lab_count_sockets(struct lab *lab, int host, int state, uint16_t port)
{
	struct socket_count c = { .state = state, .port = port };
	int err = lab_call(lab, host, socket_count, &c);

	return err ?: c.count;
}

int lab_task_cpu_ns(int tid, uint64_t *ret_ns)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	int err;

	/* "ns on a CPU, ns waiting for one, time slices": exact, unlike the ticks of stat. */
	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	err = file_read(path, 0, LAB_FILE_MAX, &text, NULL);
	if (!err)
		*ret_ns = strtoull(text, NULL, 10);
	return err;
}

int lab_softirq_ns(uint64_t *ret_ns)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long ticks;
	int err;

	err = file_read("/proc/stat", 0, LAB_FILE_MAX, &text, NULL);
	if (err)
		return err;
	/* proc(5): user nice system idle iowait irq softirq */
	if (sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
		return -EIO;
	*ret_ns = ticks * (1000000000ULL / sysconf(_SC_CLK_TCK));
	return 0;
}
