// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The half-open connections by iter/tcp: one struct iter_walk_row for each. */
#include "bpf/kernel.bpf.h"

#include "iter_walk_abi.h"

SEC("iter/tcp")
int half_open(struct bpf_iter__tcp *ctx)
{
	struct sock_common *c = ctx->sk_common;
	struct iter_walk_row row = {};

	if (!c || (c->skc_state != KERNEL_TCP_NEW_SYN_RECV && c->skc_state != KERNEL_TCP_SYN_RECV))
		return 0;
	row.peer_port = c->skc_dport;
	row.port = bpf_htons(c->skc_num);
	if (c->skc_family == KERNEL_AF_INET6) {
		BPF_CORE_READ_INTO(&row.peer, c, skc_v6_daddr);
		BPF_CORE_READ_INTO(&row.addr, c, skc_v6_rcv_saddr);
	} else {
		row.peer.words[2] = row.addr.words[2] = bpf_htonl(0xffff);
		row.peer.words[3] = c->skc_daddr;
		row.addr.words[3] = c->skc_rcv_saddr;
	}
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
