/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The entry points, in the order in which a connection meets them, and the only place that knows
 * the return codes of XDP and tcx.
 *
 *	NIC -> XDP -> tcx ingress -> TCP -> listener
 *	        |        `- ACK with a valid cookie: becomes a connection request
 *	        `- SYN of a defended service: answered in place
 *	TCP -> tcx egress: the host's own SYN-ACK proves the service
 *	inet_sock_set_state: a handshake completed
 *	iter/tcp: the listeners, when the daemon asks
 */
#include "acceptance.bpf.h"
#include "challenge.bpf.h"
#include "kernel.bpf.h"
#include "listeners.bpf.h"
#include "maps.bpf.h"
#include "proof.bpf.h"

#include <bpf/bpf_tracing.h>

/* enum tcx_action_base: NEXT lets the programs after us see the packet, whatever comes */
#define TCX_NEXT     (-1)
#define TCX_DROP     2
#define TCX_REDIRECT 7

static __always_inline int tcx_action(__u8 action)
{
	switch (action) {
	case SG_DROP:
		return TCX_DROP;
	case SG_AGAIN:
		return TCX_REDIRECT;
	default:
		return TCX_NEXT;
	}
}

SEC("xdp.frags")
int synguard_xdp(struct xdp_md *ctx)
{
	struct sg_counters *c = counters_of(SG_XDP);

	switch (counters_conclude(c, syn_inspect(ctx))) {
	case SG_REPLY:
		return XDP_TX;
	case SG_DROP:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

SEC("tc")
int synguard_ingress(struct __sk_buff *skb)
{
	struct sg_counters *c = counters_of(SG_INGRESS);
	struct ack ack;

	return tcx_action(counters_conclude(c, ack_inspect(skb, &ack)));
}

/* For an interface without our XDP program: SYNs are counted here, and nothing is answered. */
SEC("tc")
int synguard_ingress_alone(struct __sk_buff *skb)
{
	struct sg_counters *c = counters_of(SG_INGRESS);
	struct ack ack;
	enum sg_verdict v = ack_inspect(skb, &ack);

	if (v == SG_V_SYN && control.mode != SG_MODE_OFF &&
	    !listener_service(skb, &ack.p, &ack.service, &ack.index)) {
		struct sg_tally *tally = service_tally(ack.index);

		if (tally)
			tally->syns++;
	}
	return tcx_action(counters_conclude(c, v));
}

SEC("tc")
int synguard_egress(struct __sk_buff *skb)
{
	struct sg_counters *c = counters_of(SG_EGRESS);

	return tcx_action(counters_conclude(c, proof_of_synack(skb)));
}

/* Fires for every network namespace of the machine; only ours is looked at. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(synguard_born, const struct sock *sk, int old_state, int new_state)
{
	if (old_state == KERNEL_TCP_SYN_RECV && new_state == KERNEL_TCP_ESTABLISHED &&
	    sk->__sk_common.skc_net.net->ns.inum == control.netns_inum)
		proof_of_handshake(sk);
	return 0;
}

SEC("iter/tcp")
int synguard_listeners(struct bpf_iter__tcp *ctx)
{
	return listeners_show(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
