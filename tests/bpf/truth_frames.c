/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of truth.h.
 */
#include "truth.h"

#include <string.h>

#include "client.h"
#include "stack.h"

/* clang-format off */
/* verified: the first of each, and of IPv6 whoever shares its /64 */
static const char *const sources4[] = {
	STACK_CLIENT4, "198.51.100.2", "198.51.100.2", "198.51.100.200", "0.0.0.0", "127.0.0.1",
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "223.255.255.255",
	STACK_SERVER4, "128.0.0.1", "0.0.0.1", "126.255.255.255",
};
static const char *const sources6[] = {
	STACK_CLIENT6, "2001:db8::7:1", "2001:db8:0:1::1", "2001:db8:0:1::1", "::", "::1", "::2",
	"::ffff:198.51.100.1", "ff02::1", "fe80::1", "ff00::", "feff::1", STACK_SERVER6,
	"::fffe:198.51.100.1", "0:0:0:1:0:ffff:1:1",
};

/* twice what is to come often */
static const __u32 ports[] = { 80, 80, 80, 443, 443, 444, PORT_FULL, PORT_MPTCP, PORT_LEFT_ALONE,
			       448, PORT_HALF_OPEN, PORT_HALF_OPEN, PORT_CLOSED, 450 };
const __u32 truth_mss[27] = { 0, 1, 535, 536, 537, 1219, 1220, 1221, 1259, 1299, 1300, 1379,
				    1412, 1439, 1440, 1441, 1452, 1459, 1460, 1461, 4055, 4056,
				    8940, 8959, 8960, 9000, 65535 };
static const __u32 ext_kinds[] = { 0, 0, 60, 60, 43, 43, 44, 51, 135, 50, 17 };
/* clang-format on */

/* Every subset in every order, with and without NOPs, doubled, and of wrong lengths. */
static __u32 random_options(struct truth *t, __u8 *o)
{
	__u32 bytes = 0, n, count = noise_below(&t->seed, 7);

	for (n = 0; n < count; n++) {
		__u8 one[18] = { 1 }, length = 1;
		__u32 mss = TRUTH_ONE_OF(t, truth_mss);

		switch (noise_below(&t->seed, 12)) {
		case 0 ... 2:
			length = 4;
			memcpy(one, (__u8[]){ 2, 4, mss >> 8, mss }, 4);
			break;
		case 3:
		case 4:
			length = 3;
			memcpy(one, (__u8[]){ 3, 3, noise_below(&t->seed, 20) }, 3);
			if (truth_chance(t, 2))
				one[2] = 8;
			break;
		case 5:
		case 6:
			length = 2;
			memcpy(one, (__u8[]){ 4, 2 }, 2);
			break;
		case 7:
		case 8:
			length = 10;
			noise_fill(&t->seed, one, 10);
			one[0] = 8;
			one[1] = 10;
			break;
		case 9:
			length = truth_chance(t, 6) ? 18 : 1;
			one[0] = length == 1 ? 1 : truth_chance(t, 2) ? 19 : 29;
			one[1] = 18;
			break;
		case 10:
			length = 2 + noise_below(&t->seed, 8);
			one[0] = noise_below(&t->seed, 40);
			one[1] = truth_chance(t, 4) ? noise(&t->seed) : length;
			break;
		}
		if (bytes + length > 40)
			break;
		memcpy(o + bytes, one, length);
		bytes += length;
	}
	return bytes;
}

/* Those that the stack looks into, whole and not. */
static __u32 random_ip_options(struct truth *t, __u8 *o)
{
	static const __u8 kinds[] = { 0, 1, 1, 7, 68, 68, 94, 130, 131, 134, 137, 148, 148 };
	__u32 at = 0, bytes = 1 + noise_below(&t->seed, 40);

	memset(o, 1, 40);
	while (truth_chance(t, 2) && at < 28) {
		o[at] = TRUTH_ONE_OF(t, kinds);
		if (o[at] > 1) {
			o[at + 1] = truth_chance(t, 4) ? noise_below(&t->seed, 16) : 8;
			o[at + 2] = truth_chance(t, 3) ? noise_below(&t->seed, 16) : 5;
			o[at + 3] = truth_chance(t, 3) ? noise(&t->seed) : 0;
			at += 7;
		}
		at++;
	}
	return bytes;
}

static void random_extensions(struct truth *t, struct frame_spec *spec)
{
	__u32 i;

	spec->extension_count = 1 + noise_below(&t->seed, truth_chance(t, 3) ? 8 : 3);
	for (i = 0; i < spec->extension_count; i++) {
		bool odd = truth_chance(t, 20);

		spec->extensions[i].kind = odd		      ? TRUTH_ONE_OF(t, ext_kinds) :
					   truth_chance(t, 3) ? 43 :
								60;
		spec->extensions[i].words = noise_below(&t->seed, 3);
		spec->extensions[i].segments_left = truth_chance(t, 20);
	}
}

static void random_lies(struct truth *t, struct frame_spec *spec)
{
	switch (noise_below(&t->seed, 6)) {
	case 0:
		spec->ihl = FRAME_IS(noise_below(&t->seed, 16));
		break;
	case 1:
		spec->tot_len = FRAME_IS(noise_below(&t->seed, 120));
		break;
	case 2:
		spec->doff = FRAME_IS(noise_below(&t->seed, 16));
		break;
	case 3:
		spec->version_field = FRAME_IS(noise_below(&t->seed, 16));
		break;
	case 4:
		spec->protocol = TRUTH_ONE_OF(t, ext_kinds);
		break;
	case 5:
		spec->frag_off = noise(&t->seed) & 0xffff;
		break;
	}
}

static void random_flags(struct truth *t, struct frame_spec *spec)
{
	spec->flags = truth_chance(t, 3) ? FRAME_SYN | FRAME_ECE | FRAME_CWR : FRAME_SYN;
	if (truth_chance(t, 10))
		spec->flags = FRAME_ACK | (truth_chance(t, 2) ? FRAME_PSH : 0);
	if (truth_chance(t, 16))
		spec->flags = FRAME_IS(noise_below(&t->seed, 256));
}

static void random_ends(struct truth *t, struct frame_spec *spec, const struct model_place *to)
{
	spec->version = !to->addr.words[0] ? 4 : 6;
	spec->dst_addr = to->addr;
	spec->dport = to->port;
	if (truth_chance(t, 16))
		spec->dport = TRUTH_ONE_OF(t, ports);
	spec->src = spec->version == 4 ? TRUTH_ONE_OF(t, sources4) : TRUTH_ONE_OF(t, sources6);
	if (truth_chance(t, 6))
		spec->src = spec->version == 4 ? STACK_CLIENT4 : "2001:db8::7:1";
	else if (!truth_chance(t, 5)) {
		spec->src = NULL;
		noise_fill(&t->seed, &spec->src_addr, 16);
	}
	spec->sport = truth_chance(t, 40) ? FRAME_IS(0) : 1 + noise_below(&t->seed, 65535);
	if (truth_chance(t, 40))
		spec->dport = FRAME_IS(0);
	if (truth_chance(t, 20))
		memset(spec->destination_mac, truth_chance(t, 2) ? 0xff : 0x33, 6);
	if (truth_chance(t, 20))
		memcpy(spec->destination_mac, truth_mac_above, 6);
	if (truth_chance(t, 20))
		memcpy(spec->destination_mac, (__u8[]){ 2, 0, noise(&t->seed), 0, 0, 2 }, 6);
}

static struct prog_frame whole_frame(struct truth *t, const struct model_place *to)
{
	__u8 options[40], ip_options[40];
	struct frame_spec spec = {
		.seq = noise(&t->seed),
		.tos = truth_chance(t, 3) ? noise(&t->seed) : 0,
		.raw_options = options,
		.raw_option_bytes = random_options(t, options),
		.payload_bytes = truth_chance(t, 6) ? noise_below(&t->seed, 1300) : 0,
		.pad_to = truth_chance(t, 2) ? 60 : 0,
	};
	struct frame_spec usual = truth_syn(STACK_SERVER6, 80);

	random_ends(t, &spec, to);
	random_flags(t, &spec);
	if (truth_chance(t, 3)) { /* the shapes that are read without a loop, and near to them */
		spec.raw_options = NULL;
		spec.raw_option_bytes = 0;
		memcpy(spec.options, usual.options, sizeof(spec.options));
		if (truth_chance(t, 2))
			memcpy(spec.options, client_windows4.options, sizeof(spec.options));
		if (truth_chance(t, 4))
			spec.options[noise_below(&t->seed, 5)].b[noise_below(&t->seed, 4)] ^= 1;
	}
	if (truth_chance(t, 4))
		spec.tags[0].vid = truth_chance(t, 4) ? noise_below(&t->seed, 4096) : 7;
	if (spec.tags[0].vid && truth_chance(t, 4))
		spec.tags[1].vid = 8;
	if (spec.tags[1].vid && truth_chance(t, 4))
		spec.tags[2].vid = 9;
	if (spec.tags[0].vid && truth_chance(t, 4))
		spec.tags[0].tpid = 0x88a8;
	if (spec.version == 6 && truth_chance(t, 4))
		random_extensions(t, &spec);
	if (spec.version == 4 && truth_chance(t, 6)) {
		spec.ip_options = ip_options;
		spec.ip_option_bytes = random_ip_options(t, ip_options);
	}
	if (truth_chance(t, 20))
		random_lies(t, &spec);
	return prog_frame(&spec);
}

/* Bits and bytes where headers are, a cut, something behind the end. */
static void mutate(struct truth *t, struct prog_frame *f)
{
	__u32 hits = truth_chance(t, 5) ? 1 + noise_below(&t->seed, 3) : 0;

	while (hits--) {
		__u32 at = noise_below(&t->seed, f->length < 110 ? f->length : 110);

		if (truth_chance(t, 2))
			f->bytes[at] ^= 1 << noise_below(&t->seed, 8);
		else
			f->bytes[at] = noise(&t->seed);
	}
	if (truth_chance(t, 20))
		f->length = 14 + noise_below(&t->seed, f->length - 13);
	if (truth_chance(t, 20)) {
		__u32 more = noise_below(&t->seed, 200);

		noise_fill(&t->seed, f->bytes + f->length, more);
		f->length += more;
	}
}

struct prog_frame truth_frame(struct truth *t, const struct model_place *to)
{
	struct prog_frame f = whole_frame(t, to);

	mutate(t, &f);
	return f;
}

__u32 truth_split(struct truth *t, size_t length)
{
	__u32 least = truth_chance(t, 3) ? 14 : 54;

	if (!t->splits || length <= least || !truth_chance(t, 8))
		return 0;
	return least + noise_below(&t->seed, length - least < 60 ? length - least + 1 : 60);
}
