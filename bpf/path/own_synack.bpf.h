/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A rule of the firewall may change a SYN-ACK after TCP has made it, as clamps of the MSS do, and is past
 * when tcx egress sees it. A challenge goes past the firewall, so that what it does is learned there: from
 * SYN-ACKs of requests of this host's listeners, each compared with what TCP made for that very client, by
 * the socket and the route. A raw socket has no request, a container is another network namespace; and the
 * client, whose route may be narrower than others', changes nothing.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/options.h"
#include "bpf/net/packet.h"
#include "bpf/path/frame.bpf.h"
#include "bpf/state/listener.bpf.h"
#include "bpf/state/service.bpf.h"
#include "bpf/state/ways.bpf.h"

/* Metrics of a route: RTAX_* - 1 of include/uapi/linux/rtnetlink.h. */
enum synack_metric {
	SYNACK_MTU = 1,
	SYNACK_WINDOW = 2,
	SYNACK_ADVMSS = 7,
	SYNACK_HOPLIMIT = 9,
	SYNACK_INITRWND = 13,
};

/*
 * The MSS of the SYN-ACK that TCP made: ipv4_default_advmss(), ip6_default_advmss(), and TCP_MAXSEG. Of a
 * path whose routers told its MTU not more than that, also when that is forgotten just now.
 */
static __always_inline __u32 synack_mss(const struct tcp_sock *tp, const struct dst_entry *dst,
					const struct dst_metrics *m, __u8 version)
{
	__u32 mss = m->metrics[SYNACK_ADVMSS], mtu = m->metrics[SYNACK_MTU];
	const struct rtable *rt;

	if (!mss && version == 4) {
		rt = kernel_cast(dst, struct rtable);
		mtu = BPF_CORE_READ_BITFIELD(rt, rt_pmtu) ?: mtu ?: dst->dev->mtu;
		mss = sg_max(mtu, 256 + 40) - 40;
	} else if (!mss) {
		mtu = mtu ?: dst->dev->ip6_ptr->cnf.mtu6;
		mss = sg_max(mtu, 1220 + 60) - 60;
	}
	return tp->rx_opt.user_mss ? sg_min(mss, tp->rx_opt.user_mss) : mss;
}

/* The least MSS that a rule left; a higher one, or none, counts when that was long ago. */
static __always_inline void synack_learn_mss(struct sg_service *s, __u32 made, __u32 seen,
					     __u16 unit)
{
	__u16 clamp = seen < made ? seen : 0;
	bool is_less = clamp && (!s->mss_clamp || clamp <= s->mss_clamp);

	if (!is_less && (__u16)(unit - s->clamped) < SG_CLAMP_UNITS)
		return;
	if (s->mss_clamp != clamp)
		s->mss_clamp = clamp;
	if (s->clamped != unit)
		s->clamped = unit;
}

static __always_inline void synack_learn_ip(struct sg_service *s, const struct packet *p,
					    __u8 ttl_made, __u8 ttl_seen, __u8 tos_made)
{
	__u8 ttl = ttl_seen == ttl_made ? 0 : ttl_seen;
	__u8 tos = (p->dsfield ^ tos_made) & ~3 ? (p->dsfield & ~3) | SG_TOS_SET : 0;

	if (s->ttl_set != ttl)
		s->ttl_set = ttl;
	if (s->tos_set != tos)
		s->tos_set = tos;
}

/* The TTL or hop limit of a frame, 0 where it cannot be read. */
static __always_inline __u8 synack_ttl(struct __sk_buff *skb, const struct packet *p)
{
	const __u8 *ip = (void *)(long)skb->data + (p->l3_offset & 31);

	if ((void *)(ip + 9) > (void *)(long)skb->data_end)
		return 0;
	return ip[p->version == 4 ? 8 : 7];
}

/* The route that it leaves by, 0 where it has none. */
static __always_inline __u64 synack_dst(struct __sk_buff *skb)
{
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return kernel_skb->_skb_refdst & ~KERNEL_SKB_DST_NOREF;
}

static __always_inline const struct dst_metrics *synack_metrics(const struct dst_entry *dst)
{
	return kernel_cast(dst->_metrics & ~KERNEL_DST_METRICS_FLAGS, struct dst_metrics);
}

/*
 * Of its route: whether it goes to a gateway, and whether it promises less than the interface. Of IPv6 the
 * MTU does not count: it is also that of the path, which whoever sends ICMP may lessen
 * (rt6_insert_exception()). Returns WAY_ROUTE_*.
 */
static __always_inline __u32 synack_route(struct __sk_buff *skb, __u8 version)
{
	__u64 route = synack_dst(skb);
	const struct dst_metrics *m;
	bool metrics, gateway;

	if (!route)
		return 0;
	m = synack_metrics(kernel_cast(route, struct dst_entry));
	metrics = m->metrics[SYNACK_ADVMSS] || m->metrics[SYNACK_WINDOW] ||
		  m->metrics[SYNACK_INITRWND] || m->metrics[SYNACK_HOPLIMIT] ||
		  (version == 4 && m->metrics[SYNACK_MTU]);
	gateway = version == 4 ?
			  kernel_cast(route, struct rtable)->rt_uses_gateway :
			  kernel_cast(route, struct rt6_info)->rt6i_flags & KERNEL_RTF_GATEWAY;
	return (metrics ? WAY_ROUTE_METRICS : 0) | (gateway ? WAY_ROUTE_GATEWAY : 0);
}

/* A global function, so that the verifier proves it once, by itself. Returns 0. */
__noinline int synack_learn(struct __sk_buff *skb, const struct packet *p, struct sg_service *s,
			    __u64 now_ns)
{
	__u64 route = synack_dst(skb);
	__u16 unit = now_ns >> SG_HEARD_SHIFT;
	struct tcp_request_sock *req;
	const struct dst_metrics *m;
	const struct inet_sock *inet;
	const struct dst_entry *dst;
	const struct tcp_sock *tp;
	const struct net *net;
	struct tcp_options o = {};
	__u8 ttl, tos;

	if (!p || !s || !skb->sk || !route)
		return 0;
	req = bpf_skc_to_tcp_request_sock(skb->sk);
	if (!req)
		return 0;
	net = req->req.req.__req_common.skc_net.net;
	if (net->ns.inum != control.netns_inum)
		return 0;
	tp = kernel_cast(req->req.req.__req_common.skc_listener, struct tcp_sock);
	dst = kernel_cast(route, struct dst_entry);
	m = synack_metrics(dst);
	inet = &tp->inet_conn.icsk_inet;
	ttl = listener_ttl(inet, net, dst->dev, p->version, m->metrics[SYNACK_HOPLIMIT]);
	tos = net->ipv4.sysctl_tcp_reflect_tos ? req->syn_tos : listener_tos(inet, p->version);
	synack_learn_ip(s, p, ttl, synack_ttl(skb, p), tos);
	frame_options_skb(skb, p, &o);
	if (o.seen & OPTIONS_SEEN_MSS)
		synack_learn_mss(s, synack_mss(tp, dst, m, p->version), o.mss, unit);
	if (s->heard != unit)
		s->heard = unit;
	return 0;
}
