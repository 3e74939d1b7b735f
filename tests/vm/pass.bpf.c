// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Passes everything: what makes the guest's far veth end take in what XDP_TX sends to it.
 */
__attribute__((section("xdp"))) int pass(void *ctx)
{
	return 2; /* XDP_PASS */
}

char _license[] __attribute__((section("license"))) = "Dual BSD/GPL";
