/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls, counters and sockets of a host. See host.h.
 *
 * /proc/sys/net shows the namespace of the task that opens it, and /proc/thread-self/net that of
 * the thread (/proc/net, which is /proc/self/net, would be the main thread's), so everything here
 * is read from within lab_call().
 */
#include "tests/lab/host.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "synguard/cleanup.h"

struct file_args {
	const char *path;
	const char *value; /* to be written, or NULL */
	char **ret;
};

/* Reads a file of unknown length: those in /proc have none. */
static int file_read(const char *path, char **ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = NULL;
	size_t room = 0;

	if (!f)
		return -errno;
	/* A delimiter that text does not hold: everything is one "line". */
	if (getdelim(&text, &room, '\0', f) < 0) {
		if (ferror(f))
			return -EIO;
		free(text);
		text = strdup("");
		if (!text)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(text);
	return 0;
}

static int file_read_call(void *arg)
{
	const struct file_args *a = arg;

	return file_read(a->path, a->ret);
}

static int file_write_call(void *arg)
{
	const struct file_args *a = arg;
	_cleanup_close_ int fd = open(a->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, a->value, strlen(a->value)) < 0 ? -errno : 0;
}

int lab_read_file(struct lab *lab, int host, const char *path, char **ret)
{
	return lab_call(lab, host, file_read_call, &(struct file_args){ .path = path, .ret = ret });
}

/* As sysctl(8) has it: the separator that comes first is the separator, the other one is text. */
static int sysctl_path(const char *name, char *path, size_t size)
{
	int dots = name[strcspn(name, "./")] == '.', n;
	char *p;

	n = snprintf(path, size, "/proc/sys/%s", name);
	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	for (p = path + strlen("/proc/sys/"); dots && *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return 0;
}

int lab_sysctl_set(struct lab *lab, int host, const char *name, const char *value)
{
	char path[256];
	int err = sysctl_path(name, path, sizeof(path));

	return err   ?:
		       lab_call(lab, host, file_write_call,
				&(struct file_args){ .path = path, .value = value });
}

int lab_sysctl_get(struct lab *lab, int host, const char *name, char **ret)
{
	char path[256];
	int err = sysctl_path(name, path, sizeof(path));

	if (!err)
		err = lab_read_file(lab, host, path, ret);
	if (!err)
		(*ret)[strcspn(*ret, "\n")] = 0;
	return err;
}

/* The n-th word of a line, 0 = "Group:"; its length in *@len. */
static const char *word_at(const char *line, unsigned int n, size_t *len)
{
	for (;; n--) {
		line += strspn(line, " ");
		*len = strcspn(line, " \n");
		if (!n || !*len)
			return line;
		line += *len;
	}
}

/* Both files are pairs of lines: "Group: name name ..." and "Group: value value ...". */
static int counter_find(const char *text, const char *group, const char *name, uint64_t *ret)
{
	const char *names, *values, *word;
	size_t len, group_len = strlen(group);
	unsigned int i;

	for (names = text; *names; names = values + strcspn(values, "\n"), names += !!*names) {
		values = names + strcspn(names, "\n");
		values += !!*values;
		if (strncmp(names, group, group_len) || names[group_len] != ':')
			continue;
		for (i = 1;; i++) {
			word = word_at(names, i, &len);
			if (!len)
				return -ENOENT;
			if (len == strlen(name) && !memcmp(word, name, len))
				break;
		}
		*ret = strtoull(word_at(values, i, &len), NULL, 10);
		return 0;
	}
	return -ENOENT;
}

int lab_counter(struct lab *lab, int host, const char *group, const char *name, uint64_t *ret)
{
	static const char *const files[] = { "/proc/thread-self/net/netstat", "/proc/thread-self/"
									      "net/snmp" };
	size_t i;
	int err = -ENOENT;

	for (i = 0; err == -ENOENT && i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL;

		err = lab_read_file(lab, host, files[i], &text);
		if (!err)
			err = counter_find(text, group, name, ret);
	}
	return err;
}

struct socket_count {
	uint16_t port; /* host byte order, 0 for all */
	int count;
};

static int socket_count_one(const struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct socket_count *c = arg;

	if (!c->port || msg->id.idiag_sport == htons(c->port))
		c->count++;
	return MNL_CB_OK;
}

static int socket_count_dump(int fd, int family, int state, struct socket_count *c)
{
	char buf[16384] __attribute__((aligned(8)));
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *nlh;
	ssize_t n;
	int ret;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = 1u << state;

	if (send(fd, nlh, nlh->nlmsg_len, 0) < 0)
		return -errno;
	do {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, n, 0, 0, socket_count_one, c);
		/* An interrupted dump is complete enough for a count. */
		if (ret < 0 && errno != EINTR)
			return -errno;
	} while (ret > MNL_CB_STOP);
	return 0;
}

int lab_count_sockets(struct lab *lab, int host, int state, uint16_t port)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct socket_count c = { .port = port };
	_cleanup_close_ int fd = -1;
	size_t i;
	int err;

	fd = lab_socket(lab, host, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return fd;
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		err = socket_count_dump(fd, families[i], state, &c);
		if (err)
			return err;
	}
	return c.count;
}

int lab_task_cpu_ns(int tid, uint64_t *ret_ns)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	int err;

	/* "ns on a CPU, ns waiting for one, time slices": exact, unlike the ticks of stat. */
	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	err = file_read(path, &text);
	if (err)
		return err;
	*ret_ns = strtoull(text, NULL, 10);
	return 0;
}

int lab_softirq_ns(uint64_t *ret_ns)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long ticks;
	int err;

	err = file_read("/proc/stat", &text);
	if (err)
		return err;
	/* proc(5): user nice system idle iowait irq softirq */
	if (sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
		return -EIO;
	*ret_ns = ticks * (1000000000ULL / sysconf(_SC_CLK_TCK));
	return 0;
}
