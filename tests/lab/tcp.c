/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lab/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/addr.h"

int tcp_sockaddr(const char *addr, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sg_addr a;

	if (addr_parse(&a, addr) < 0)
		return -EINVAL;
	*ret = (struct sockaddr_storage){ 0 };
	if (addr_is_v4(&a)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = a.words[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, &a, sizeof(a));
	return sizeof(*v6);
}

int kept_read(int fd, struct kept *ret)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -errno;
	*ret = (struct kept){
		.known = true,
		.snd_mss = info.tcpi_snd_mss,
		.rcv_mss = info.tcpi_rcv_mss,
		.snd_wscale = info.tcpi_snd_wscale,
		.rcv_wscale = info.tcpi_rcv_wscale,
		.wscale = info.tcpi_options & TCPI_OPT_WSCALE,
		.sack = info.tcpi_options & TCPI_OPT_SACK,
		.timestamps = info.tcpi_options & TCPI_OPT_TIMESTAMPS,
		.ecn = info.tcpi_options & TCPI_OPT_ECN,
	};
	return 0;
}

const char *kept_format(const struct kept *k, char *buf, size_t size)
{
	char wscale[32] = "";

	if (!k->known) {
		snprintf(buf, size, "-");
		return buf;
	}
	if (k->wscale)
		snprintf(wscale, sizeof(wscale), ", wscale %u/%u", k->snd_wscale, k->rcv_wscale);
	snprintf(buf, size, "mss %u%s%s%s%s", k->snd_mss, wscale, k->sack ? ", sack" : "",
		 k->timestamps ? ", ts" : "", k->ecn ? ", ecn" : "");
	return buf;
}
