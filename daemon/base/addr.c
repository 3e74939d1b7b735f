/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/text.h"

struct sg_addr addr_from_v4(__be32 v4)
{
	return (struct sg_addr){ .words = { [2] = htonl(0xffff), [3] = v4 } };
}

bool addr_is_v4(const struct sg_addr *a)
{
	return !a->halves[0] && a->words[2] == htonl(0xffff);
}

bool addr_is_any(const struct sg_addr *a)
{
	return !a->halves[0] && !a->halves[1];
}

int addr_parse(struct sg_addr *ret, const char *text)
{
	struct sg_addr a;
	__be32 v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		a = addr_from_v4(v4);
	else if (inet_pton(AF_INET6, text, a.bytes) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

bool addr_any_takes(bool ipv6, bool v6only, const struct sg_addr *a)
{
	bool v4 = addr_is_v4(a);

	return ipv6 ? !v6only || !v4 : v4;
}

struct addr_text addr_text(const struct sg_addr *a)
{
	const struct addr_prefix p = { *a, ADDR_BITS };

	return addr_prefix_text(&p);
}

struct addr_text addr_text_of_listener(const struct sg_addr *a, bool ipv6)
{
	return addr_is_any(a) && !ipv6 ? (struct addr_text){ "0.0.0.0" } : addr_text(a);
}

struct addr_text addr_text_listener(const struct sg_addr *a, bool ipv6, __be16 port)
{
	struct addr_text address = addr_text_of_listener(a, ipv6), t;

	snprintf(t.text, sizeof(t.text), strchr(address.text, ':') ? "[%.46s]:%u" : "%.46s:%u",
		 address.text, ntohs(port));
	return t;
}

struct addr_text addr_text_socket(const struct sg_addr *a, __be16 port)
{
	return addr_text_listener(a, true, port);
}

/* ---- prefixes ------------------------------------------------------------------------------ */

/* How the address is written decides which lengths there are: ::ffff:192.0.2.0 takes 128. */
static int addr_bits_max(const char *text)
{
	return strchr(text, ':') ? ADDR_BITS : ADDR_BITS - ADDR_MAPPED_BITS;
}

int addr_prefix_parse(struct addr_prefix *ret, const char *text)
{
	const char *slash = strchrnul(text, '/');
	uint64_t most = addr_bits_max(text), bits = most;
	char address[INET6_ADDRSTRLEN];
	struct addr_prefix p = {};

	if ((size_t)(slash - text) >= sizeof(address))
		return -EINVAL;
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (addr_parse(&p.addr, address) < 0)
		return -EINVAL;
	if (*slash && text_decimal(slash + 1, 0, most, &bits) < 0)
		return -ERANGE;
	p.bits = ADDR_BITS - most + bits;
	*ret = p;
	return 0;
}

int addr_prefix_parse_strict(struct addr_prefix *ret, const char *text, const char *word,
			     const char *forms, struct complaint *c)
{
	struct addr_prefix p, masked;
	int r = addr_prefix_parse(&p, text);

	if (r == -ERANGE)
		complain(c, "\"%.60s\": the prefix goes from /0 to /%d", word, addr_bits_max(text));
	else if (r < 0)
		complain(c, "\"%.60s\" is no address; write %s", word, forms);
	if (r < 0)
		return -EINVAL;
	masked = p;
	addr_prefix_mask(&masked);
	if (memcmp(&masked.addr, &p.addr, sizeof(p.addr))) {
		complain(c, "\"%.60s\" has bits set behind its prefix; write %s", word,
			 addr_prefix_text(&masked).text);
		return -EINVAL;
	}
	*ret = p;
	return 0;
}

int addr_prefix_compare(const void *a, const void *b)
{
	const struct addr_prefix *x = a, *y = b;

	return memcmp(&x->addr, &y->addr, sizeof(x->addr)) ?: (int)x->bits - (int)y->bits;
}

void addr_prefix_mask(struct addr_prefix *p)
{
	int i, left;

	for (i = 0; i < 16; i++) {
		left = p->bits - i * 8;
		if (left < 8)
			p->addr.bytes[i] &= left <= 0 ? 0 : 0xff << (8 - left);
	}
}

bool addr_prefix_contains(const struct addr_prefix *p, const struct sg_addr *addr)
{
	struct addr_prefix masked = { *addr, p->bits };

	addr_prefix_mask(&masked);
	return !memcmp(&masked.addr, &p->addr, sizeof(p->addr));
}

bool addr_prefix_is_v4(const struct addr_prefix *p)
{
	return p->bits >= ADDR_MAPPED_BITS && addr_is_v4(&p->addr);
}

struct addr_text addr_prefix_text(const struct addr_prefix *p)
{
	bool v4 = addr_prefix_is_v4(p);
	struct addr_text t = {};
	size_t length;

	inet_ntop(v4 ? AF_INET : AF_INET6, p->addr.bytes + (v4 ? 12 : 0), t.text, sizeof(t.text));
	length = strlen(t.text);
	if (p->bits < ADDR_BITS)
		snprintf(t.text + length, sizeof(t.text) - length, "/%d",
			 p->bits - (v4 ? ADDR_MAPPED_BITS : 0));
	return t;
}

static struct addr_prefix addr_network_prefix(const struct sg_addr *a)
{
	struct addr_prefix p = { *a, addr_is_v4(a) ? ADDR_MAPPED_BITS + 24 : 64 };

	addr_prefix_mask(&p);
	return p;
}

struct sg_addr addr_network(const struct sg_addr *a)
{
	return addr_network_prefix(a).addr;
}

uint8_t addr_network_bits(const struct sg_addr *a)
{
	return addr_network_prefix(a).bits;
}

struct addr_text addr_text_prefix(const struct sg_addr *network)
{
	struct addr_prefix p = addr_network_prefix(network);

	return addr_prefix_text(&p);
}
