/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lists/lists.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synguard/cleanup.h"

/* Before the 32 bits of an IPv4 address there are ::ffff, 96 bits. */
#define LISTS_MAPPED_BITS 96
#define LISTS_ALL_BITS	  128

/* Wider ones are more likely a slip than a wish. */
#define LISTS_WIDE_V4 8
#define LISTS_WIDE_V6 32

static const uint8_t lists_mapped[12] = { [10] = 0xff, [11] = 0xff };

static const char *const lists_names[] = {
	[LISTS_ALLOW] = "allow",
	[LISTS_DENY] = "deny",
};
_Static_assert(ARRAY_SIZE(lists_names) == LISTS_COUNT, "every list has a name");

const char *lists_name(enum lists_id id)
{
	return lists_names[id];
}

int lists_find(const char *name)
{
	int i;

	for (i = 0; i < LISTS_COUNT; i++)
		if (!strcmp(name, lists_names[i]))
			return i;
	return -EINVAL;
}

void lists_done(struct lists_list *l)
{
	free(l->entries);
	*l = (struct lists_list){};
}

/* ---- prefixes ------------------------------------------------------------------------------ */

static bool lists_is_v4(const struct lists_prefix *p)
{
	return p->bits >= LISTS_MAPPED_BITS &&
	       !memcmp(p->addr.bytes, lists_mapped, sizeof(lists_mapped));
}

static void lists_mask(struct sg_addr *a, int bits)
{
	int i, left;

	for (i = 0; i < 16; i++) {
		left = bits - i * 8;
		if (left < 8)
			a->bytes[i] &= left <= 0 ? 0 : 0xff << (8 - left);
	}
}

int lists_parse_addr(struct sg_addr *ret, const char *word)
{
	if (inet_pton(AF_INET, word, ret->bytes + sizeof(lists_mapped)) == 1) {
		memcpy(ret->bytes, lists_mapped, sizeof(lists_mapped));
		return LISTS_MAPPED_BITS;
	}
	return inet_pton(AF_INET6, word, ret->bytes) == 1 ? 0 : -EINVAL;
}

/* 0 to 128 in digits, without a leading zero; or -1. */
static int lists_parse_bits(const char *text)
{
	int n = 0;

	if (!*text || (*text == '0' && text[1]))
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = n * 10 + *text - '0';
		if (n > LISTS_ALL_BITS)
			return -1;
	}
	return n;
}

int lists_parse_prefix(struct lists_prefix *ret, const char *word, struct complaint *c)
{
	struct lists_prefix p = {}, masked;
	struct lists_text right;
	char copy[64], *slash;
	int first, bits;

	snprintf(copy, sizeof(copy), "%s", word);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	first = strlen(word) < sizeof(copy) ? lists_parse_addr(&p.addr, copy) : -EINVAL;
	if (first < 0) {
		complain(
			c,
			"\"%.60s\" is no address; write 192.0.2.0/24 or 2001:db8::1, without names "
			"and ports",
			word);
		return -EINVAL;
	}
	bits = slash ? lists_parse_bits(slash) : LISTS_ALL_BITS - first;
	if (bits < 0 || first + bits > LISTS_ALL_BITS) {
		complain(c, "\"%.60s\": the prefix goes from /0 to /%d", word,
			 LISTS_ALL_BITS - first);
		return -EINVAL;
	}
	p.bits = first + bits;
	masked = p;
	lists_mask(&masked.addr, p.bits);
	if (memcmp(&masked, &p, sizeof(p))) {
		lists_print_prefix(&masked, &right);
		complain(c, "\"%.60s\" has bits set behind its prefix; write %s", word, right.text);
		return -EINVAL;
	}
	*ret = p;
	return 0;
}

void lists_print_prefix(const struct lists_prefix *p, struct lists_text *ret)
{
	bool v4 = lists_is_v4(p);
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, p->addr.bytes + (v4 ? sizeof(lists_mapped) : 0), addr,
		  sizeof(addr));
	if (p->bits == LISTS_ALL_BITS)
		snprintf(ret->text, sizeof(ret->text), "%s", addr);
	else
		snprintf(ret->text, sizeof(ret->text), "%s/%d", addr,
			 p->bits - (v4 ? LISTS_MAPPED_BITS : 0));
}

bool lists_covers(const struct lists_prefix *p, const struct sg_addr *addr)
{
	struct sg_addr masked = *addr;

	lists_mask(&masked, p->bits);
	return !memcmp(&masked, &p->addr, sizeof(masked));
}

/* ---- entries ------------------------------------------------------------------------------- */

static int lists_by_prefix(const void *a, const void *b)
{
	const struct lists_prefix *x = &((const struct lists_entry *)a)->prefix;
	const struct lists_prefix *y = &((const struct lists_entry *)b)->prefix;
	int order = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return order ?: x->bits - y->bits;
}

const struct lists_entry *lists_get(const struct lists_list *l, const struct lists_prefix *p)
{
	const struct lists_entry key = { .prefix = *p };

	/* entries NULL: undefined for bsearch() */
	return l->count ? bsearch(&key, l->entries, l->count, sizeof(key), lists_by_prefix) : NULL;
}

int lists_no_room(struct complaint *c)
{
	complain(c, "a list has room for %d prefixes; put neighbours together, such as %s",
		 SG_LISTED_MAX, "192.0.2.0/24 for 256 addresses");
	return -ENOSPC;
}

int lists_append(struct lists_list *l, size_t *room, const struct lists_entry *e,
		 struct complaint *c)
{
	struct lists_entry *more;

	/* also of those that come twice: what is read is bounded */
	if (l->count == 4 * SG_LISTED_MAX)
		return lists_no_room(c);
	if (l->count == *room) {
		*room = *room ? 2 * *room : 16;
		more = reallocarray(l->entries, *room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		l->entries = more;
	}
	l->entries[l->count++] = *e;
	return 0;
}

void lists_tidy(struct lists_list *l)
{
	size_t i, n = 0;

	if (!l->count)
		return;
	qsort(l->entries, l->count, sizeof(*l->entries), lists_by_prefix);
	for (i = 1; i < l->count; i++)
		if (lists_by_prefix(&l->entries[n], &l->entries[i]))
			l->entries[++n] = l->entries[i];
	l->count = n + 1;
}

/* Merges two sorted lists, of which the second one wins. */
static size_t lists_merge(struct lists_entry *to, const struct lists_list *a,
			  const struct lists_list *b)
{
	size_t i = 0, j = 0, n = 0;
	int order;

	while (i < a->count || j < b->count) {
		order = i == a->count ? 1 :
			j == b->count ? -1 :
					lists_by_prefix(&a->entries[i], &b->entries[j]);
		to[n++] = order < 0 ? a->entries[i] : b->entries[j];
		i += order <= 0;
		j += order >= 0;
	}
	return n;
}

int lists_put(struct lists_list *l, const struct lists_list *more, struct complaint *c)
{
	_cleanup_free_ struct lists_entry *all = NULL;
	size_t count;

	if (!more->count)
		return 0;
	all = calloc(l->count + more->count, sizeof(*all));
	if (!all)
		return -ENOMEM;
	count = lists_merge(all, l, more);
	if (count > SG_LISTED_MAX)
		return lists_no_room(c);
	free(l->entries);
	l->entries = TAKE_PTR(all);
	l->count = count;
	return 0;
}

int lists_take_out(struct lists_list *l, const struct lists_list *gone, struct complaint *c)
{
	struct lists_text text;
	size_t i, n = 0;

	for (i = 0; i < gone->count; i++) {
		if (lists_get(l, &gone->entries[i].prefix))
			continue;
		lists_print_prefix(&gone->entries[i].prefix, &text);
		complain(c, "%s is not on the list", text.text);
		return -ENOENT;
	}
	for (i = 0; i < l->count; i++)
		if (!lists_get(gone, &l->entries[i].prefix))
			l->entries[n++] = l->entries[i];
	l->count = n;
	return 0;
}

size_t lists_expire(struct lists_list *l, uint64_t now)
{
	size_t i, n = 0, before = l->count;

	for (i = 0; i < before; i++)
		if (!l->entries[i].expires_at || l->entries[i].expires_at > now)
			l->entries[n++] = l->entries[i];
	l->count = n;
	return before - n;
}

/* ---- what is not to be denied -------------------------------------------------------------- */

static int lists_guard_one(const struct lists_prefix *p, const struct lists_spared *spared,
			   size_t count, struct complaint *c)
{
	bool v4 = lists_is_v4(p);
	struct lists_text text;
	size_t i;

	lists_print_prefix(p, &text);
	for (i = 0; i < count; i++) {
		struct lists_prefix one = { spared[i].addr, LISTS_ALL_BITS };
		struct lists_text who;

		if (!lists_covers(p, &spared[i].addr))
			continue;
		lists_print_prefix(&one, &who);
		complain(c,
			 "%s is refused: %s is %s, which could not connect any more; --force "
			 "denies it all the same",
			 text.text, who.text, spared[i].what);
		return -EPERM;
	}
	if (p->bits >= (v4 ? LISTS_MAPPED_BITS + LISTS_WIDE_V4 : LISTS_WIDE_V6))
		return 0;
	complain(c,
		 "%s is refused: a prefix shorter than /%d takes in a large part of all clients; "
		 "--force denies it all the same",
		 text.text, v4 ? LISTS_WIDE_V4 : LISTS_WIDE_V6);
	return -EPERM;
}

int lists_guard(const struct lists_list *l, const struct lists_spared *spared, size_t count,
		struct complaint *c)
{
	size_t i;
	int r = 0;

	for (i = 0; i < l->count && r >= 0; i++)
		r = lists_guard_one(&l->entries[i].prefix, spared, count, c);
	return r;
}
