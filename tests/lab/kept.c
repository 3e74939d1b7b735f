/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP_INFO, reduced to what a handshake decides. See kept.h.
 */
#include "tests/lab/kept.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

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

bool kept_equal(const struct kept *a, const struct kept *b)
{
	return a->known == b->known && a->snd_mss == b->snd_mss && a->snd_wscale == b->snd_wscale &&
	       a->rcv_wscale == b->rcv_wscale && a->wscale == b->wscale && a->sack == b->sack &&
	       a->timestamps == b->timestamps && a->ecn == b->ecn;
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
