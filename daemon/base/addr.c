/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

bool addr_is_v4(const struct sg_addr *a)
{
	return !a->halves[0] && a->words[2] == htonl(0xffff);
}

bool addr_is_any(const struct sg_addr *a)
{
	return !a->halves[0] && !a->halves[1];
}

bool addr_any_takes(bool ipv6, bool v6only, const struct sg_addr *a)
{
	bool v4 = addr_is_v4(a);

	return ipv6 ? !v6only || !v4 : v4;
}

struct addr_text addr_text(const struct sg_addr *a)
{
	struct addr_text t = {};

	if (addr_is_v4(a))
		inet_ntop(AF_INET, &a->words[3], t.text, sizeof(t.text));
	else
		inet_ntop(AF_INET6, a->bytes, t.text, sizeof(t.text));
	return t;
}

struct addr_text addr_text_socket(const struct sg_addr *a, __be16 port)
{
	struct addr_text address = addr_text(a), t;

	snprintf(t.text, sizeof(t.text), addr_is_v4(a) ? "%.46s:%u" : "[%.46s]:%u", address.text,
		 ntohs(port));
	return t;
}

struct addr_text addr_text_of_listener(const struct sg_addr *a, bool ipv6)
{
	return addr_is_any(a) && !ipv6 ? (struct addr_text){ "0.0.0.0" } : addr_text(a);
}

struct addr_text addr_text_listener(const struct sg_addr *a, bool ipv6, __be16 port)
{
	struct addr_text t;

	if (!addr_is_any(a) || ipv6)
		return addr_text_socket(a, port);
	snprintf(t.text, sizeof(t.text), "0.0.0.0:%u", ntohs(port));
	return t;
}

struct sg_addr addr_network(const struct sg_addr *a)
{
	struct sg_addr network = *a;

	if (addr_is_v4(a))
		network.bytes[15] = 0;
	else
		network.halves[1] = 0;
	return network;
}

struct addr_text addr_text_prefix(const struct sg_addr *network)
{
	struct addr_text address = addr_text(network), t;

	snprintf(t.text, sizeof(t.text), "%.46s/%u", address.text, addr_is_v4(network) ? 24 : 64);
	return t;
}
