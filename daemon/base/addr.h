/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon/base is what every other folder may use, and the CLI and the tests' laboratory: addresses,
 * text, files, clocks, hashes, rates, modes as words, log lines, privileges, a worker thread. It
 * knows neither kernel interfaces of the network (daemon/net) nor what synguard is about.
 *
 * This is addresses, prefixes and sockets, and their text: 192.0.2.1, 2001:db8::1, 192.0.2.0/24,
 * 192.0.2.1:80, [2001:db8::1]:80. None of it needs to be escaped in JSON.
 *
 * An IPv4 address is v4-mapped (::ffff:a.b.c.d), and a prefix of it counts the 96 bits of ::ffff.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "synguard/abi.h"

#include "daemon/base/complaint.h"

#define ADDR_BITS	 128
#define ADDR_MAPPED_BITS 96 /* ::ffff:0:0/96, in front of the 32 bits of an IPv4 address */

struct addr_text {
	char text[80];
};

struct sg_addr addr_from_v4(__be32 v4);
bool addr_is_v4(const struct sg_addr *addr);
bool addr_is_any(const struct sg_addr *addr);

/* "192.0.2.1" or "2001:db8::1". -EINVAL. */
int addr_parse(struct sg_addr *ret, const char *text);

/* Whether a listener on any address, of this family, takes connections to this one. */
bool addr_any_takes(bool ipv6, bool v6only, const struct sg_addr *addr);

/* What is all zero is "::". */
struct addr_text addr_text(const struct sg_addr *addr);
struct addr_text addr_text_socket(const struct sg_addr *addr, __be16 port);
/* The same of a listener, whose any address is 0.0.0.0 where it is one of IPv4. */
struct addr_text addr_text_of_listener(const struct sg_addr *addr, bool ipv6);
struct addr_text addr_text_listener(const struct sg_addr *addr, bool ipv6, __be16 port);

/* ---- prefixes ---- */

struct addr_prefix {
	struct sg_addr addr;
	uint8_t bits; /* of ADDR_BITS */
};

/*
 * "192.0.2.0/24", "2001:db8::1"; without a length all bits. Bits behind the prefix stay as they are
 * written. -EINVAL: no address; -ERANGE: the length is no canonical decimal up to 32 (IPv6: 128).
 */
int addr_prefix_parse(struct addr_prefix *ret, const char *text);

/*
 * The same, and -EINVAL where bits are set behind the prefix. The complaint quotes word, of which
 * text is the part that is parsed, and names the forms to write: "192.0.2.0/24 or 2001:db8::1".
 */
int addr_prefix_parse_strict(struct addr_prefix *ret, const char *text, const char *word,
			     const char *forms, struct complaint *c);

/* Of two struct addr_prefix, for qsort() and bsearch(). */
int addr_prefix_compare(const void *a, const void *b);

/* Clears the bits behind the prefix. */
void addr_prefix_mask(struct addr_prefix *p);
/* The prefix has no bits set behind it. */
bool addr_prefix_contains(const struct addr_prefix *p, const struct sg_addr *addr);
bool addr_prefix_is_v4(const struct addr_prefix *p);
/* Without a length where it is one address. */
struct addr_text addr_prefix_text(const struct addr_prefix *p);

/* The network of an address: /24 of IPv4, /64 of IPv6. */
struct sg_addr addr_network(const struct sg_addr *addr);
uint8_t addr_network_bits(const struct sg_addr *addr);
struct addr_text addr_text_prefix(const struct sg_addr *network);
