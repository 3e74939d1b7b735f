/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The entry points, in the order in which a connection meets them, and the only place that knows
 * the return codes of XDP and tcx.
 *
 *	NIC -> XDP -> tcx ingress -> TCP -> listener
 *	        |        `- ACK with a valid cookie: becomes a connection request
 *	        `- SYN of a defended service: answered in place; where XDP cannot be had, or the
 *	           way back is another interface, by tcx
 *	TCP -> tcx egress: the host's own SYN-ACK proves the service
 *	inet_sock_set_state: a handshake completed
 *	xdp_bulk_tx, xdp_exception: whether XDP's answers are sent
 *	bpf_xdp_link_attach_failed: why XDP was refused, which bpf(2) does not return
 *	iter/tcp: the listeners, when the daemon asks
 */
#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/path/accept.bpf.h"
#include "bpf/path/syn.bpf.h"
#include "bpf/path/synack.bpf.h"
#include "bpf/state/heavy_hitters.bpf.h"
#include "bpf/state/listeners.bpf.h"

#include <bpf/bpf_tracing.h>

/* enum tcx_action_base: NEXT hands the packet to the programs after us, if any */
#define TCX_NEXT     (-1)
#define TCX_DROP     2
#define TCX_REDIRECT 7

static __always_inline int tcx_action(__u8 action)
{
	switch (action) {
	case SG_DROP:
		return TCX_DROP;
	case SG_REPLY: /* to the interface that bpf_redirect() was given */
	case SG_REQUEUE:
		return TCX_REDIRECT;
	default:
		return TCX_NEXT;
	}
}

static __always_inline int xdp_judge(struct xdp_md *ctx)
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

SEC("xdp.frags")
int synguard_xdp(struct xdp_md *ctx)
{
	return xdp_judge(ctx);
}

/*
 * For XDP in the stack, and without frags: for a program that takes them the kernel copies the
 * packet and forgets the length of its Ethernet header (skb_pp_cow_data(), Linux 6.18), so that
 * tcx, behind it, is shown the packet without that header.
 */
SEC("xdp")
int synguard_xdp_generic(struct xdp_md *ctx)
{
	return xdp_judge(ctx);
}

_Static_assert(!__builtin_offsetof(struct ack, p) && !__builtin_offsetof(struct syn, p),
	       "either begins with the packet");

/* in one place, as a program has 512 bytes of stack; either begins with the packet */
union ingress {
	struct ack ack;
	struct syn syn;
};

/*
 * Parsed anew, so that all ways that lead here look the same to the verifier, which follows but one.
 */
static __always_inline enum sg_verdict syn_at_ingress(struct __sk_buff *skb, struct syn *syn)
{
	enum sg_verdict v;

	*syn = (struct syn){};
	v = frame_parse_skb(skb, &syn->p);
	if (!v)
		v = frame_ip_options_skb(skb, &syn->p);
	return v ?: syn_inspect_skb(skb, syn);
}

/* No XDP judges the SYNs, and none is answered. */
static __always_inline enum sg_verdict syn_count(struct __sk_buff *skb, struct ack *ack)
{
	struct sg_tally *tally;

	if (listener_service(skb, &ack->p, &ack->service, &ack->index))
		return SG_V_SYN;
	tally = service_tally(ack->index);
	if (tally)
		tally->syns++;
	hitters_pass(&ack->p);
	return SG_V_SYN;
}

static __always_inline enum sg_verdict syn_by_role(struct __sk_buff *skb, union ingress *seen)
{
	__u32 ifindex = skb->ifindex;
	const __u32 *role = bpf_map_lookup_elem(&ingress_roles, &ifindex);

	if (role && *role == SG_INGRESS_COUNTS)
		return syn_count(skb, &seen->ack);
	if ((role && *role == SG_INGRESS_ANSWERS) || syn_was_handed_over(skb, &seen->ack.p))
		return syn_at_ingress(skb, &seen->syn);
	return SG_V_SYN;
}

SEC("tc")
int synguard_ingress(struct __sk_buff *skb)
{
	struct sg_counters *c = counters_of(SG_INGRESS);
	union ingress seen = {};
	enum sg_verdict v = ack_inspect(skb, &seen.ack, c);

	if (v == SG_V_SYN && control.mode != SG_MODE_OFF)
		v = syn_by_role(skb, &seen);
	return tcx_action(counters_conclude(c, v));
}

SEC("tc")
int synguard_egress(struct __sk_buff *skb)
{
	struct sg_counters *c = counters_of(SG_EGRESS);

	return tcx_action(counters_conclude(c, proof_of_synack(skb)));
}

/* Fires for every network namespace of the machine; only ours counts. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(synguard_handshake, const struct sock *sk, int old_state, int new_state)
{
	if (old_state == KERNEL_TCP_SYN_RECV && new_state == KERNEL_TCP_ESTABLISHED &&
	    sk->__sk_common.skc_net.net->ns.inum == control.netns_inum)
		proof_of_handshake(sk);
	return 0;
}

/*
 * What becomes of XDP's answers: a driver takes XDP_TX for done and may still fail to send. Some
 * report each frame that they could not queue (xdp_exception), some each bundle (xdp_bulk_tx).
 * Counted by interface; whether it is too much the daemon decides.
 */
static __always_inline void tx_errors_count(const struct net_device *dev, __u64 sent_frames,
					    __u64 failed_frames, __u64 bundles)
{
	struct sg_tx first = { .sent = sent_frames, .failed = failed_frames, .bundles = bundles };
	__u32 ifindex = dev->ifindex;
	struct sg_tx *tx;

	/* fires for every network namespace of the machine */
	if (dev->nd_net.net->ns.inum != control.netns_inum)
		return;
	tx = bpf_map_lookup_elem(&sent, &ifindex);
	if (!tx) {
		bpf_map_update_elem(&sent, &ifindex, &first, BPF_NOEXIST);
		return;
	}
	tx->sent += sent_frames;
	tx->failed += failed_frames;
	tx->bundles += bundles;
}

SEC("tp_btf/xdp_bulk_tx")
int BPF_PROG(synguard_sent, const struct net_device *dev, int sent_frames, int failed, int error)
{
	tx_errors_count(dev, sent_frames, failed, 1);
	return 0;
}

SEC("tp_btf/xdp_exception")
int BPF_PROG(synguard_failed, const struct net_device *dev, const void *xdp, __u32 act)
{
	if (act == XDP_TX)
		tx_errors_count(dev, 0, 1, 0);
	return 0;
}

/* The driver's or the kernel's words for the last XDP link that could not be attached. */
char xdp_refusal[96];

SEC("tp_btf/bpf_xdp_link_attach_failed")
int BPF_PROG(synguard_refused, const char *message)
{
	BPF_SNPRINTF(xdp_refusal, sizeof(xdp_refusal), "%s", message);
	return 0;
}

SEC("iter/tcp")
int synguard_listeners(struct bpf_iter__tcp *ctx)
{
	return listeners_show(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
