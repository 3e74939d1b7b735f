/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The view of half-open connections, over a kernel that says what the test wants it to. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "daemon/net/sockdiag.h"
#include "daemon/views/view.h"
#include "suite.h"
#include "synguard/cleanup.h"

/* In place of the door. */
static struct kernel {
	unsigned int count, sources; /* so many half-open connections, of so many sources */
	bool ipv6, interrupted;
	int error;
} kernel;

int sockdiag_walk_states(uint32_t states, sockdiag_fn fn, void *userdata, bool *partial)
{
	struct sockdiag_socket s = { .state = SOCKDIAG_SYN_RECV, .ipv6 = kernel.ipv6 };
	unsigned int i;

	ck_assert_uint_eq(states, 1 << SOCKDIAG_SYN_RECV);
	for (i = 0; i < kernel.count; i++) {
		s.peer.words[0] = kernel.ipv6 ? htonl(0x20010002) : 0;
		s.peer.words[2] = kernel.ipv6 ? 0 : htonl(0xffff);
		s.peer.words[3] = htonl((kernel.ipv6 ? 0 : 0xc6120000) + i % kernel.sources);
		s.addr = (struct sg_addr){ .words = { 0, 0, htonl(0xffff), htonl(0xc0000201) } };
		s.peer_port = htons(1024 + i);
		s.port = htons(80 + i % 2);
		s.expires_ms = 1000 - i % 1000;
		fn(userdata, &s);
	}
	*partial = kernel.interrupted;
	return kernel.error;
}

static json_t *view(enum halfopen_by by, uint16_t port, int expected)
{
	_cleanup_fclose_ FILE *to = tmpfile();
	json_error_t error;
	char line[512];
	json_t *root;

	ck_assert_ptr_nonnull(to);
	ck_assert_int_eq(halfopen_write(to, by, htons(port), NULL), expected);
	rewind(to);
	/* a row a line, and nothing in them that is there to be written over */
	while (fgets(line, sizeof(line), to))
		ck_assert_msg(strchr(line, '\n') && !strchr(line, ' '), "%s", line);
	rewind(to);
	root = json_loadf(to, 0, &error);
	ck_assert_msg(root, "%s, at %d", error.text, error.position);
	return root;
}

static void expect(enum halfopen_by by, uint16_t port, json_int_t total, size_t rows, bool partial)
{
	json_t *root = view(by, port, 0), *list;

	list = json_object_get(root, by == HALFOPEN_BY_NONE ? "entries" : "groups");
	ck_assert_int_eq(json_integer_value(json_object_get(root, "total")), total);
	ck_assert_uint_eq(json_array_size(list), rows);
	ck_assert(json_object_get(root, "partial") == (partial ? json_true() : json_false()));
	ck_assert_uint_eq(json_object_size(root), 4);
	json_decref(root);
}

START_TEST(views_of_many)
{
	kernel = (struct kernel){ .count = 5000, .sources = 600 };
	expect(HALFOPEN_BY_NONE, 0, 5000, 5000, false);
	expect(HALFOPEN_BY_SOURCE, 0, 5000, 600, false);
	expect(HALFOPEN_BY_PREFIX, 0, 5000, 3, false);
	expect(HALFOPEN_BY_LISTENER, 0, 5000, 2, false);
	expect(HALFOPEN_BY_LISTENER, 81, 2500, 1, false);
	kernel.ipv6 = true;
	expect(HALFOPEN_BY_SOURCE, 0, 5000, 600, false);
	expect(HALFOPEN_BY_PREFIX, 0, 5000, 1, false);
	kernel.count = 0;
	expect(HALFOPEN_BY_SOURCE, 0, 0, 0, false);
}
END_TEST

/* The keys of the rows are these and no others: they are promised. */
START_TEST(rows_are_as_promised)
{
	json_t *root, *row;

	kernel = (struct kernel){ .count = 1, .sources = 1 };
	root = view(HALFOPEN_BY_NONE, 0, 0);
	row = json_array_get(json_object_get(root, "entries"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "source")), "198.18.0.0");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "source_port")), 1024);
	ck_assert_str_eq(json_string_value(json_object_get(row, "address")), "192.0.2.1");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "port")), 80);
	ck_assert(json_is_number(json_object_get(row, "age_seconds")));
	ck_assert(json_is_integer(json_object_get(row, "retransmits")));
	ck_assert_uint_eq(json_object_size(row), 7);
	json_decref(root);
	root = view(HALFOPEN_BY_PREFIX, 0, 0);
	row = json_array_get(json_object_get(root, "groups"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "key")), "198.18.0.0/24");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "count")), 1);
	ck_assert(json_is_number(json_object_get(row, "oldest_seconds")));
	ck_assert_uint_eq(json_object_size(row), 3);
	json_decref(root);
}
END_TEST

START_TEST(c11_partial_views)
{
	int by;

	for (by = HALFOPEN_BY_NONE; by <= HALFOPEN_BY_LISTENER; by++) {
		kernel = (struct kernel){ .count = 10, .sources = 1, .interrupted = true };
		expect(by, 0, 10,
		       by == HALFOPEN_BY_NONE	  ? 10 :
		       by == HALFOPEN_BY_LISTENER ? 2 :
						    1,
		       true);
		/* the dump broke off: what there was is used */
		kernel = (struct kernel){ .count = 10, .sources = 1, .error = -ENOBUFS };
		expect(by, 0, 10,
		       by == HALFOPEN_BY_NONE	  ? 10 :
		       by == HALFOPEN_BY_LISTENER ? 2 :
						    1,
		       true);
		/* and nothing is a failure, not a view without rows */
		kernel = (struct kernel){ .error = -ENOBUFS };
		json_decref(view(by, 0, -ENOBUFS));
	}
}
END_TEST

/* More than anybody reads: counted, and not listed. */
START_TEST(views_are_bounded)
{
	json_t *root;

	kernel = (struct kernel){ .count = 270000, .sources = 270000 };
	root = view(HALFOPEN_BY_NONE, 0, 0);
	ck_assert_int_eq(json_integer_value(json_object_get(root, "total")), 270000);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "entries")), 262144);
	ck_assert(json_is_true(json_object_get(root, "partial")));
	json_decref(root);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(views_of_many, 20),
	SUITE_TEST(rows_are_as_promised, 10),
	SUITE_TEST(c11_partial_views, 10),
	SUITE_TEST(views_are_bounded, 20),
	{}
};
/* clang-format on */
