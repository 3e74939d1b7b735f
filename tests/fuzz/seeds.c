/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the inputs from which the fuzz targets start into a folder: one of every kind of frame
 * that the parsers tell apart.
 */
#include "frame.h"

#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static const __u8 zeros[40];

/* clang-format off */
static const struct frame_spec seeds[] = {
	{},
	{ .pad_to = 60 },
	{ .options = { FRAME_LINUX_SYN(1460, 1, 7) } },
	{ .options = { FRAME_LINUX_SYN(1460, 1, 7) }, .flags = FRAME_SYN | FRAME_ECE | FRAME_CWR },
	{ .options = { FRAME_WINDOWS_SYN(1460) }, .pad_to = 80 },
	{ .options = { FRAME_MSS(1400), FRAME_NOP, FRAME_WSCALE(14), FRAME_SACK, FRAME_EOL } },
	{ .options = { FRAME_LINUX_ACK(7, 9) }, .flags = FRAME_ACK, .payload_bytes = 32 },
	{ .options = { FRAME_MD5, FRAME_NOP, FRAME_NOP } },
	{ .options = { FRAME_AO, FRAME_MSS(1460) } },
	{ .options = { FRAME_MSS(536), FRAME_TFO_COOKIE }, .payload_bytes = 8 },
	{ .ip_options = zeros, .ip_option_bytes = 40, .options = { FRAME_MSS(1460) } },
	{ .frag_off = 0x2000 },
	{ .protocol = IPPROTO_UDP },
	{ .tags = { { .vid = 7 } }, .options = { FRAME_LINUX_SYN(1460, 1, 7) } },
	{ .tags = { { .tpid = 0x88a8, .vid = 7 }, { .vid = 8 } }, .options = { FRAME_WINDOWS_SYN(1460) } },
	{ .tags = { { .vid = 7 }, { .vid = 8 }, { .vid = 9 } } },
	{ .version = 6 },
	{ .version = 6, .options = { FRAME_LINUX_SYN(1440, 1, 7) } },
	{ .version = 6, .tags = { { .vid = 7 } }, .options = { FRAME_WINDOWS_SYN(1440) }, .payload_bytes = 3 },
	{ .version = 6, .options = { FRAME_LINUX_SYN(1440, 1, 7) }, .extension_count = 3,
		.extensions = { { .kind = IPPROTO_HOPOPTS }, { .kind = IPPROTO_ROUTING, .words = 2 },
				{ .kind = IPPROTO_DSTOPTS, .words = 1 } } },
	{ .version = 6, .extension_count = 7,
		.extensions = { { .kind = IPPROTO_HOPOPTS }, { .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_DSTOPTS },
				{ .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_DSTOPTS }, { .kind = IPPROTO_DSTOPTS },
				{ .kind = IPPROTO_DSTOPTS } } },
	{ .version = 6, .extension_count = 1, .extensions = { { .kind = IPPROTO_FRAGMENT } } },
	{ .version = 6, .extension_count = 1, .extensions = { { .kind = IPPROTO_AH } } },
	{ .version = 6, .extension_count = 1, .extensions = { { .kind = IPPROTO_DSTOPTS, .words = 100 } } },
};
/* clang-format on */

static void write_input(const char *folder, const char *kind, int number, const __u8 *input,
			size_t count)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s_%02d", folder, kind, number);
	file = fopen(path, "w");
	if (!file)
		err(1, "%s", path);
	fwrite(input, 1, count, file);
	if (fclose(file))
		err(1, "%s", path);
}

static void write_frame(const char *folder, int number, const struct frame_spec *spec)
{
	/* knobs: everything is offered, window 64240, MSS 1460, scale 7, TTL 64 */
	__u8 input[FUZZ_KNOBS + FRAME_ROOM] = { 0x0f, 0xfa, 0xf0, 0x05, 0xb4, 7, 64 };
	size_t count = frame_build(input + FUZZ_KNOBS, FRAME_ROOM, spec);

	write_input(folder, "frame", number, input, FUZZ_KNOBS + count);
}

/* For fuzz_packet alone: options of 20 bytes, of which fewer are there. */
static void write_options(const char *folder, int there)
{
	const __u8 options[] = { 2, 4, 5, 180, 1, 3, 3, 7, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 4, 2 };
	__u8 input[FUZZ_KNOBS + sizeof(options)] = { [12] = 2, [13] = sizeof(options) };

	memcpy(input + FUZZ_KNOBS, options, sizeof(options));
	write_input(folder, "options", there, input, FUZZ_KNOBS + there);
}

int main(int argc, char **argv)
{
	int i;

	if (argc != 2)
		errx(2, "usage: %s FOLDER", argv[0]);
	for (i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		write_frame(argv[1], i, &seeds[i]);
	for (i = 0; i <= 20; i++)
		write_options(argv[1], i);
	return 0;
}
