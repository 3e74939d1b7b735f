/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/settings_service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"

/* Before the 32 bits of an IPv4 address there are ::ffff, 96 bits. */
#define SERVICE_MAPPED_BITS 96
#define SERVICE_ALL_BITS    128

static const uint8_t service_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* The parts of a word; NULL where there is none. */
struct service_words {
	char copy[96];
	char *addr;
	char *prefix;
	char *port;
};

static bool service_is_mapped(const struct sg_addr *a)
{
	return !memcmp(a->bytes, service_mapped, sizeof(service_mapped));
}

static char *service_cut(char *text, char at)
{
	char *found = text ? strchr(text, at) : NULL;

	if (!found)
		return NULL;
	*found = '\0';
	return found + 1;
}

static int service_split(struct service_words *w, const char *word, struct complaint *c)
{
	char *colon, *rest;

	*w = (struct service_words){};
	if (strlen(word) >= sizeof(w->copy)) {
		complain(c, "\"%.40s...\" is too long for an address", word);
		return -EINVAL;
	}
	strcpy(w->copy, word);
	w->addr = w->copy;
	if (w->copy[0] == '[') {
		w->addr++;
		rest = service_cut(w->addr, ']');
		if (!rest || (*rest && *rest != ':')) {
			complain(c,
				 "\"%.60s\": write an IPv6 address and a port as [2001:db8::1]:80",
				 word);
			return -EINVAL;
		}
		w->port = *rest ? rest + 1 : NULL;
	} else {
		colon = strchr(w->copy, ':');
		if (colon && !strchr(colon + 1, ':'))
			w->port = service_cut(w->addr, ':');
	}
	w->prefix = service_cut(w->addr, '/');
	return 0;
}

/* A decimal number from least to most, or -EINVAL. */
static int service_number(const char *text, int least, int most)
{
	int n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + *text - '0';
		if (n > most)
			return -EINVAL;
	}
	return n < least ? -EINVAL : n;
}

static void service_mask(struct sg_addr *a, int bits)
{
	int i;

	for (i = 0; i < 16; i++) {
		int kept = bits - i * 8;

		if (kept <= 0)
			a->bytes[i] = 0;
		else if (kept < 8)
			a->bytes[i] &= 0xff << (8 - kept);
	}
}

static int service_parse_prefix(struct settings_service *s, const char *text, int first,
				const char *word, struct complaint *c)
{
	struct settings_service masked = *s;
	struct settings_text right;
	int most = SERVICE_ALL_BITS - first, bits = most;

	if (text)
		bits = service_number(text, 0, most);
	if (bits < 0) {
		complain(c, "\"%.60s\": the prefix goes from /0 to /%d", word, most);
		return -EINVAL;
	}
	masked.prefix_bits = first + bits;
	service_mask(&masked.addr, masked.prefix_bits);
	if (memcmp(&masked.addr, &s->addr, sizeof(s->addr))) {
		settings_service_print(&masked, &right);
		complain(c, "\"%.60s\" has bits set behind its prefix; write %.80s", word,
			 right.text);
		return -EINVAL;
	}
	s->prefix_bits = masked.prefix_bits;
	return 0;
}

static int service_parse_addr(struct settings_service *s, const struct service_words *w,
			      const char *word, struct complaint *c)
{
	int first = 0;

	if (!*w->addr || !strcmp(w->addr, "*")) {
		if (w->prefix) {
			complain(c, "\"%.60s\": a prefix needs an address", word);
			return -EINVAL;
		}
		s->prefix_bits = 0;
		return 0;
	}
	if (inet_pton(AF_INET, w->addr, s->addr.bytes + sizeof(service_mapped)) == 1) {
		memcpy(s->addr.bytes, service_mapped, sizeof(service_mapped));
		first = SERVICE_MAPPED_BITS;
	} else if (inet_pton(AF_INET6, w->addr, s->addr.bytes) != 1) {
		complain(c,
			 "\"%.60s\" is no address; write ADDRESS:PORT, [IPV6]:PORT, ADDRESS or "
			 "*:PORT, without names",
			 word);
		return -EINVAL;
	}
	return service_parse_prefix(s, w->prefix, first, word, c);
}

int settings_service_parse(struct settings_service *ret, const char *word, struct complaint *c)
{
	struct settings_service s;
	struct service_words w;
	int port;

	memset(&s, 0, sizeof(s)); /* the padding, too: values are compared as bytes */
	if (service_split(&w, word, c) < 0 || service_parse_addr(&s, &w, word, c) < 0)
		return -EINVAL;
	if (w.port) {
		port = service_number(w.port, 1, 65535);
		if (port < 0) {
			complain(c, "\"%.60s\": the port goes from 1 to 65535", word);
			return -EINVAL;
		}
		s.port = port;
	}
	memcpy(ret, &s, sizeof(s));
	return 0;
}

void settings_service_print(const struct settings_service *s, struct settings_text *ret)
{
	char addr[INET6_ADDRSTRLEN], prefix[8] = "", port[8] = "";
	bool v4 = s->prefix_bits >= SERVICE_MAPPED_BITS && service_is_mapped(&s->addr);

	if (s->port)
		snprintf(port, sizeof(port), ":%u", s->port);
	if (s->prefix_bits < SERVICE_ALL_BITS)
		snprintf(prefix, sizeof(prefix), "/%d",
			 s->prefix_bits - (v4 ? SERVICE_MAPPED_BITS : 0));
	if (!s->prefix_bits)
		snprintf(ret->text, sizeof(ret->text), "*%s", port);
	else if (v4)
		snprintf(ret->text, sizeof(ret->text), "%s%s%s",
			 inet_ntop(AF_INET, s->addr.bytes + sizeof(service_mapped), addr,
				   sizeof(addr)),
			 prefix, port);
	else
		snprintf(ret->text, sizeof(ret->text), s->port ? "[%s%s]%s" : "%s%s%s",
			 inet_ntop(AF_INET6, s->addr.bytes, addr, sizeof(addr)), prefix, port);
}

bool settings_service_is_all(const struct settings_service *s)
{
	return !s->port && (!s->prefix_bits ||
			    (s->prefix_bits == SERVICE_MAPPED_BITS && service_is_mapped(&s->addr)));
}

bool settings_service_is_place(const struct settings_service *s)
{
	return s->port && (!s->prefix_bits || s->prefix_bits == SERVICE_ALL_BITS);
}
