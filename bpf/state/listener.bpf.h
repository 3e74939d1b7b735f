/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The inspection of a listener: what its queues and the host's sysctls say about a service.
 *
 * Here a service is armed, from the kernel's own figure and with no daemon in the loop. It costs a
 * socket look-up (about 130 ns), so it happens when an idle service has used up its quota and when
 * what is known of a defended one is older than SG_RECHECK_NS.
 */
#pragma once

#include "bpf/kernel.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/net/options.h"
#include "bpf/net/packet.h"
#include "bpf/state/service.bpf.h"

#define LISTENER_MAX_WINDOW_CLAMP  (0xffffu << OPTIONS_MAX_WSCALE)
#define LISTENER_MAX_SIGNED_WINDOW 32767 /* MAX_TCP_WINDOW */

/*
 * For the MSS of challenges, with `headers` bytes of headers: the interface's, or less, where the firewall
 * was seen to clamp the MSS. With each inspection, since it costs a call. In XDP
 * it is the one that the packet came in by.
 */
static __always_inline void listener_mtu(void *ctx, __u32 ifindex, __u32 headers,
					 struct sg_service *s)
{
	__u32 mtu = 0;

	if (bpf_check_mtu(ctx, ifindex, &mtu, 0, 0) < 0)
		mtu = 1280;
	mtu = sg_min(sg_max(mtu, 576), 65535);
	if (s->mss_clamp)
		mtu = sg_min(mtu, s->mss_clamp + headers);
	s->mtu = mtu;
	s->ifindex = ifindex;
}

/*
 * How many SYNs pass at most before the queue is read again, which costs each of them 4 ns. One
 * queue may be that of many services: both families of a dual-stack listener, each local address.
 */
#define LISTENER_QUOTA 32
/* Members of a reuseport group have a queue each, and an inspection sees one of them. */
#define LISTENER_REUSEPORT_QUOTA 8

/* The socket that a packet from p's source address and this port would meet, to be released. */
static __always_inline struct bpf_sock *listener_lookup(void *ctx, const struct packet *p,
							__be16 remote_port)
{
	return kernel_lookup_tcp(ctx, p->version == 4, &p->saddr, remote_port, &p->daddr, p->dport);
}

/*
 * The listener that p's SYN would meet, and no connection or TIME_WAIT of its client: no client has
 * port 0. A forger may have a connection from there, which would hide the listener from look-ups
 * with his address; then one is made with a loopback address, which no packet comes from (a martian
 * to the kernel). Not at first, because in a reuseport group the address chooses the member.
 */
static __always_inline struct bpf_sock *listener_of(void *ctx, const struct packet *p)
{
	struct sg_addr nobody = { .words[3] = bpf_htonl(p->version == 4 ? 0x7f000001 : 1) };
	struct bpf_sock *sk = listener_lookup(ctx, p, 0);

	if (!sk || sk->state == KERNEL_TCP_LISTEN)
		return sk;
	bpf_sk_release(sk);
	return kernel_lookup_tcp(ctx, p->version == 4, &nobody, 0, &p->daddr, p->dport);
}

/*
 * Whether the ACK carries a cookie of the kernel, which answers some SYNs with one when a queue
 * overflows before the service is armed. True where that cannot be told.
 */
static __always_inline bool listener_gave_cookie(void *data, void *end, const struct packet *p,
						 struct bpf_sock *listener)
{
	struct tcphdr *tcp = data + (p->l4_offset & 0x3fff);
	void *ip = data + (p->l3_offset & 31);

	if ((void *)(tcp + 1) > end)
		return true;
	if (p->version == 4)
		return ip + sizeof(struct iphdr) > end ||
		       !bpf_tcp_check_syncookie(listener, ip, sizeof(struct iphdr), tcp,
						sizeof(*tcp));
	return ip + sizeof(struct ipv6hdr) > end ||
	       !bpf_tcp_check_syncookie(listener, ip, sizeof(struct ipv6hdr), tcp, sizeof(*tcp));
}

static __always_inline int listener_log2(__u32 x)
{
	int log = 0;

	sg_unroll
	for (int bit = 16; bit; bit >>= 1) {
		if (x >> bit) {
			x >>= bit;
			log += bit;
		}
	}
	return log;
}

/* tcp_full_space(): since Linux 6.6 by a ratio of the socket, before by net.ipv4.tcp_adv_win_scale. */
static __always_inline __u32 listener_full_window(const struct tcp_sock *tp, const struct net *net)
{
	__s32 rcvbuf = tp->inet_conn.icsk_inet.sk.sk_rcvbuf;
	__s32 scale;

	if (bpf_core_field_exists(tp->scaling_ratio))
		return ((__u64)rcvbuf * tp->scaling_ratio) >> 8;
	scale = net->ipv4.sysctl_tcp_adv_win_scale;
	return scale <= 0 ? rcvbuf >> (-scale & 31) : rcvbuf - (rcvbuf >> (scale & 31));
}

enum listener_window_flags {
	LISTENER_RCVBUF_LOCKED = 1 << 0,  /* SO_RCVBUF was set */
	LISTENER_SIGNED_WINDOWS = 1 << 1, /* tcp_workaround_signed_windows */
};

/*
 * The window that the kernel will choose when it sees the acceptance, and the scale that it would
 * have chosen for a SYN: tcp_select_initial_window() as cookie_v4_check() calls it. A global function, so
 * that the verifier does not follow its choices through the rest of an inspection. Returns 0.
 */
__noinline int listener_set_window(struct sg_service *s, __u32 full, __u32 clamp, __u32 rmem,
				   __u32 flags)
{
	__u32 space;
	int wscale;

	if (!s)
		return 0;
	if ((flags & LISTENER_RCVBUF_LOCKED) && (!clamp || clamp > full))
		clamp = full;
	if (!clamp)
		clamp = LISTENER_MAX_WINDOW_CLAMP;
	s->window_space = sg_min(full, clamp);
	space = sg_max(s->window_space, rmem);
	if (flags & LISTENER_SIGNED_WINDOWS)
		s->window_space = sg_min(s->window_space, LISTENER_MAX_SIGNED_WINDOW);
	space = sg_max(space, control.rmem_max);
	space = sg_min(space, clamp);
	wscale = listener_log2(space) - 15;
	s->wscale = wscale < 0 ? 0 : sg_min(wscale, OPTIONS_MAX_WSCALE);
	return 0;
}

static __always_inline void listener_window(struct sg_service *s, const struct tcp_sock *tp,
					    const struct net *net)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	__u32 flags = BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & KERNEL_SOCK_RCVBUF_LOCK ?
			      LISTENER_RCVBUF_LOCKED :
			      0;

	if (net->ipv4.sysctl_tcp_workaround_signed_windows)
		flags |= LISTENER_SIGNED_WINDOWS;
	listener_set_window(s, listener_full_window(tp, net), tp->window_clamp,
			    net->ipv4.sysctl_tcp_rmem[2], flags);
}

static __always_inline __u8 listener_offers(const struct net *net)
{
	return (net->ipv4.sysctl_tcp_timestamps ? SG_OFFER_TS : 0) |
	       (net->ipv4.sysctl_tcp_sack ? SG_OFFER_SACK : 0) |
	       (net->ipv4.sysctl_tcp_window_scaling ? SG_OFFER_WSCALE : 0) |
	       (net->ipv4.sysctl_tcp_ecn ? SG_OFFER_ECN : 0);
}

/* 0 or less: it has none. */
static __always_inline __s32 listener_own_ttl(const struct inet_sock *inet, __u8 version)
{
	return version == 6 && bpf_core_field_exists(inet->pinet6) ?
		       (__s16)BPF_CORE_READ_BITFIELD(inet->pinet6, hop_limit) :
		       inet->uc_ttl;
}

/*
 * The IP header of the SYN-ACKs that the listener's kernel makes: ip_build_and_send_pkt(), and
 * tcp_v6_send_synack() with ip6_xmit(). `hoplimit` is the route's, 0 = it has none.
 */
static __always_inline __u8 listener_ttl(const struct inet_sock *inet, const struct net *net,
					 const struct net_device *dev, __u8 version, __u32 hoplimit)
{
	__s32 ttl = listener_own_ttl(inet, version);

	if (ttl > 0)
		return ttl;
	if (hoplimit)
		return hoplimit;
	if (version == 4)
		return net->ipv4.sysctl_ip_default_ttl;
	ttl = dev && bpf_core_field_exists(dev->ip6_ptr) ? dev->ip6_ptr->cnf.hop_limit : 0;
	return ttl > 0 ? ttl : 64;
}

static __always_inline __u8 listener_tos(const struct inet_sock *inet, __u8 version)
{
	return version == 6 && bpf_core_field_exists(inet->pinet6) ? inet->pinet6->tclass :
								     inet->tos;
}

/* As bits of inet_flags, which the kernel has since 6.6. */
static __always_inline __u64 listener_label_flags(const struct inet_sock *inet)
{
	const struct ipv6_pinfo *np;

	if (bpf_core_field_exists(inet->inet_flags))
		return inet->inet_flags;
	if (!bpf_core_field_exists(inet->pinet6))
		return 0;
	np = inet->pinet6;
	return BPF_CORE_READ_BITFIELD(np, repflow) << KERNEL_REPFLOW |
	       BPF_CORE_READ_BITFIELD(np, autoflowlabel) << KERNEL_AUTOFLOWLABEL |
	       BPF_CORE_READ_BITFIELD(np, autoflowlabel_set) << KERNEL_AUTOFLOWLABEL_SET;
}

/* ip6_make_flowlabel(): a hash, which is a number at random for each request (net_tx_rndhash()). */
static __always_inline __u8 listener_label(const struct inet_sock *inet, const struct net *net)
{
	__u64 flags = listener_label_flags(inet);
	__u8 automatic = net->ipv6.sysctl.auto_flowlabels;
	__u8 label = flags >> KERNEL_REPFLOW & 1 ? SG_OFFER_SYN_LABEL : 0;
	bool wanted = automatic == KERNEL_FLOWLABELS_OPTOUT;

	if (automatic == KERNEL_FLOWLABELS_OFF)
		return label;
	if (flags >> KERNEL_AUTOFLOWLABEL_SET & 1)
		wanted = flags >> KERNEL_AUTOFLOWLABEL & 1;
	if (!wanted && automatic != KERNEL_FLOWLABELS_FORCED)
		return label;
	if (net->ipv6.sysctl.flowlabel_state_ranges)
		label |= SG_OFFER_LABEL_RANGES;
	return label | SG_OFFER_LABEL;
}

/* With what the firewall was seen to make of it: path/synack.bpf.h. */
static __always_inline void listener_ip(struct sg_service *s, const struct inet_sock *inet,
					const struct net *net, const struct net_device *dev,
					__u8 version)
{
	bool reflect = net->ipv4.sysctl_tcp_reflect_tos;

	s->ttl = s->ttl_set ?: listener_ttl(inet, net, dev, version, 0);
	if (s->tos_set)
		s->tos = s->tos_set;
	else
		s->tos = reflect ? 0 : listener_tos(inet, version);
	if (reflect && !s->tos_set)
		s->offers |= SG_OFFER_SYN_TOS;
	if (version == 6 && bpf_core_field_exists(net->ipv6))
		s->offers |= listener_label(inet, net);
}

static __always_inline bool listener_accept_full(const struct sock *sk)
{
	return sk->sk_ack_backlog > sk->sk_max_ack_backlog; /* sk_acceptq_is_full() */
}

static __always_inline bool listener_is_mptcp(const struct tcp_sock *tp)
{
	return bpf_core_field_exists(tp->is_mptcp) && tp->is_mptcp;
}

static __always_inline bool listener_is_in_group(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD(&sk->__sk_common, skc_reuseport);
}

/*
 * Arms the service if its queue is over the threshold, else sets how many SYNs may pass before the
 * next inspection: half of what it would take to get there if no handshake completed,
 * as others may fill the same queue. qlen may hold the limit + 1. Returns whether a lease begins.
 */
static __always_inline bool listener_arm(struct sg_service *s, const struct tcp_sock *tp,
					 __u64 now_ns)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	__s64 qlen = tp->inet_conn.icsk_accept_queue.qlen.counter;
	__s64 limit = sk->sk_max_ack_backlog;
	__s64 threshold = limit * control.arm_percent / 100;
	__s64 quota = threshold + 1 - qlen;
	bool begins = false;

	s->threshold = threshold;
	if (quota <= 0) {
		begins = s->lease_until_ns <= now_ns;
		if (begins)
			s->armed_count++;
		s->lease_until_ns = now_ns + control.lease_ns;
		quota = 0;
	} else if (listener_is_in_group(sk)) {
		quota = sg_min(quota, LISTENER_REUSEPORT_QUOTA);
	} else {
		quota = sg_min((quota + 1) / 2, LISTENER_QUOTA);
	}
	s->quota = quota;
	return begins;
}

#define LISTENER_MAX_HOOKS 16

/* What of netfilter is at LOCAL_IN, by the last inspection of IPv4, IPv6: SG_INPUT_*, for the daemon. */
__u32 input_hooks[2];

static __always_inline __u32 listener_hook(int priority)
{
	return priority == KERNEL_NF_PRI_NAT_SRC       ? SG_INPUT_NAT :
	       priority >= KERNEL_NF_PRI_CONNTRACK_END ? SG_INPUT_CONNTRACK :
							 SG_INPUT_RULES;
}

/*
 * NAT has a hook there with a rule or without. It compares the port of the packet's socket with
 * conntrack's (nf_nat_ipv4_local_in()); the request socket of an acceptance has its port only
 * later, so it is taken off the packet, and the bare listener resets the client. `entries` is the
 * address of a struct nf_hook_entries or 0. A global function, so that the verifier proves it once and
 * not for all that comes before it. Returns SG_INPUT_*.
 */
__noinline __u32 listener_read_hooks(__u64 entries, __u32 version)
{
	const struct nf_hook_entries *e = (const void *)entries;
	__u16 count = e ? BPF_CORE_READ(e, num_hook_entries) : 0;
	const void *all = (const void *)e + bpf_core_field_offset(struct nf_hook_entries, hooks) +
			  count * bpf_core_type_size(struct nf_hook_entry);
	__u32 found = SG_INPUT_KNOWN;

	for (int i = 0; i < LISTENER_MAX_HOOKS && i < count; i++) {
		const struct nf_hook_ops *ops = NULL;

		bpf_probe_read_kernel(&ops, sizeof(ops), all + i * sizeof(ops));
		found |= ops ? listener_hook(BPF_CORE_READ(ops, priority)) : 0;
	}
	input_hooks[version == 6] = found;
	return found;
}

static __always_inline __u32 listener_hooks(const struct net *net, __u8 version)
{
	const struct nf_hook_entries *e;

	if (!bpf_core_field_exists(net->nf.hooks_ipv4))
		return 0;
	/* read, as a pointer of the kernel is no argument of a global function */
	e = version == 4 ? BPF_CORE_READ(net, nf.hooks_ipv4[KERNEL_NF_LOCAL_IN]) :
			   BPF_CORE_READ(net, nf.hooks_ipv6[KERNEL_NF_LOCAL_IN]);
	return listener_read_hooks((__u64)e, version);
}

/* IP_MINTTL, IPV6_MINHOPCOUNT. */
static __always_inline __u32 listener_min_ttl(const struct inet_sock *inet, __u8 version)
{
	if (version == 4)
		return bpf_core_field_exists(inet->min_ttl) ? inet->min_ttl : 0;
	if (!bpf_core_field_exists(inet->pinet6) ||
	    !bpf_core_field_exists(inet->pinet6->min_hopcount))
		return 0;
	return BPF_CORE_READ(inet, pinet6, min_hopcount);
}

/*
 * Whether conntrack holds the ACK of a challenge for invalid, as it has not seen its SYN: where the
 * administrator set nf_conntrack_tcp_loose to 0 (tcp_new()), mostly because a rule drops what is
 * invalid. It is 0 also where conntrack was never loaded.
 */
static __always_inline bool listener_meets_strict_conntrack(const struct net *net, __u32 hooks)
{
	return bpf_core_field_exists(net->ct.nf_ct_proto.tcp.tcp_loose) &&
	       !net->ct.nf_ct_proto.tcp.tcp_loose && (hooks & SG_INPUT_CONNTRACK);
}

/* At each inspection, not at each SYN: two walks through the trie cost as much as all the rest. */
static __always_inline bool listener_is_left_alone(const struct sg_service *s)
{
	struct sg_left_alone key = {
		.prefix_bits = SG_LEFT_ALONE_PORT_BITS + 8 * sizeof(s->addr),
		.port = s->port,
	};

	__builtin_memcpy(key.addr, &s->addr, sizeof(s->addr));
	if (bpf_map_lookup_elem(&left_alone, &key))
		return true;
	key.port = 0; /* every port */
	return bpf_map_lookup_elem(&left_alone, &key);
}

/* br_netfilter has the packet go through netfilter before IP, and the request is lost on the way. */
static __always_inline bool listener_is_bridged(const struct net_device *dev, __u8 version)
{
	return (control.bridged & (1u << version)) && dev &&
	       (BPF_CORE_READ_BITFIELD(dev, priv_flags) &
		bpf_core_enum_value(enum netdev_priv_flags, IFF_BRIDGE_PORT));
}

/* What stands against a challenge of engine reqsk. */
static __always_inline enum sg_verdict listener_hindrance(const struct sg_service *s,
							  const struct tcp_sock *tp,
							  const struct net_device *dev,
							  __u8 version)
{
	const struct net *net = tp->inet_conn.icsk_inet.sk.__sk_common.skc_net.net;
	__u32 hooks;

	/* what the administrator wants comes before what only the kernel would refuse */
	if (listener_is_left_alone(s))
		return SG_V_LEFT_ALONE;
	if (!net->ipv4.sysctl_tcp_syncookies)
		return SG_V_SYNCOOKIES_OFF;
	hooks = listener_hooks(net, version);
	if (listener_meets_strict_conntrack(net, hooks))
		return SG_V_STRICT_CONNTRACK;
	if (listener_is_bridged(dev, version))
		return SG_V_BRIDGE_NETFILTER;
	if (listener_is_mptcp(tp))
		return SG_V_MPTCP_LISTENER;
	return hooks & SG_INPUT_NAT ? SG_V_NAT : SG_UNDECIDED;
}

static __always_inline void listener_read(struct sg_service *s, const struct tcp_sock *tp,
					  const struct net_device *dev, __u8 version, __u64 now_ns)
{
	const struct inet_sock *inet = &tp->inet_conn.icsk_inet;
	const struct net *net = inet->sk.__sk_common.skc_net.net;
	enum sg_verdict hindrance;
	bool begins;
	__u8 host;

	s->offers = listener_offers(net);
	listener_ip(s, inet, net, dev, version);
	s->user_mss = tp->rx_opt.user_mss;
	listener_window(s, tp, net);
	begins = listener_arm(s, tp, now_ns);
	hindrance = listener_hindrance(s, tp, dev, version);
	host = (net->ipv4.sysctl_tcp_rfc1337 ? SG_HOST_RFC1337 : 0) |
	       (listener_own_ttl(inet, version) > 0 ? SG_HOST_TTL : 0) |
	       (inet->sk.__sk_common.skc_bound_dev_if ? SG_HOST_BOUND : 0) |
	       (net->ipv4.sysctl_tcp_syncookies == 2 ? SG_HOST_QUEUELESS : 0) |
	       (net->ipv4.sysctl_tcp_timestamps == 2 ? SG_HOST_RAW_TS : 0) |
	       (hindrance == SG_V_BRIDGE_NETFILTER ? SG_HOST_BRIDGED : 0);
	if (sg_is_for_listener(hindrance) && (host & SG_HOST_QUEUELESS)) {
		hindrance = SG_UNDECIDED;
		host |= SG_HOST_LISTENER;
	}
	s->host = host;
	/* the daemon sets tcp_syncookies to 2; once for each lease, or when this comes in one */
	if ((begins || s->hindrance != hindrance) && service_defended(s, now_ns) &&
	    sg_is_for_listener(hindrance))
		service_call_daemon(now_ns);
	/* one full member of a group says nothing about the others */
	if (!hindrance && listener_accept_full(&inet->sk) && !listener_is_in_group(&inet->sk))
		hindrance = SG_V_ACCEPT_FULL;
	s->hindrance = hindrance;
}

/*
 * Inspects the listener of p's service and writes what it learns into *s. Of two listeners on the
 * port the kernel's look-up takes the one that a SYN would meet. Returns 0.
 */
static __always_inline int listener_inspect_from(void *ctx, __u32 ifindex,
						 const struct net_device *dev,
						 const struct packet *p, struct sg_service *s,
						 __u64 now_ns)
{
	struct tcp_sock *tp;
	struct bpf_sock *sk;

	s->checked_at_ns = now_ns; /* first, so that other CPUs do not follow */
	listener_mtu(ctx, ifindex, p->version == 4 ? 40 : 60, s);
	if (!addr_is_local(&p->daddr)) {
		s->hindrance = SG_V_NOT_LOCAL;
		return 0;
	}
	sk = listener_of(ctx, p);
	if (!sk) {
		s->hindrance = SG_V_NO_LISTENER;
		return 0;
	}
	tp = sk->state == KERNEL_TCP_LISTEN ? bpf_skc_to_tcp_sock(sk) : NULL;
	if (tp)
		listener_read(s, tp, dev, p->version, now_ns);
	bpf_sk_release(sk);
	return 0;
}

/* Global functions, so that the verifier proves each of them once, by itself. */
__noinline int listener_inspect(struct xdp_md *ctx, const struct packet *p, struct sg_service *s,
				__u64 now_ns)
{
	const struct net_device *dev = NULL;
	const struct xdp_buff *xdp;

	if (kernel_has_casts) {
		xdp = bpf_cast_to_kern_ctx(ctx);
		dev = xdp->rxq->dev;
	}
	return p && s ? listener_inspect_from(ctx, ctx->ingress_ifindex, dev, p, s, now_ns) : 0;
}

__noinline int listener_inspect_skb(struct __sk_buff *skb, const struct packet *p,
				    struct sg_service *s, __u64 now_ns)
{
	const struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return p && s ? listener_inspect_from(skb, skb->ifindex, kernel_skb->dev, p, s, now_ns) : 0;
}

/* Whether p has a listener: once per service, before it gets an entry. */
static __always_inline bool listener_exists(void *ctx, const struct packet *p)
{
	struct bpf_sock *sk = listener_of(ctx, p);
	bool listens;

	if (!sk)
		return false;
	listens = sk->state == KERNEL_TCP_LISTEN;
	bpf_sk_release(sk);
	return listens;
}

static __always_inline enum sg_verdict listener_stray(const struct packet *p, __u32 kind,
						      enum sg_verdict verdict)
{
	struct sg_stray *s = bpf_map_lookup_elem(&strays, &kind);

	if (!s)
		return verdict;
	s->total++;
	if (s->port == p->dport) {
		s->votes = sg_min(s->votes + 1, SG_STRAY_VOTES);
	} else if (s->votes) {
		s->votes--;
		return verdict;
	}
	s->port = p->dport;
	s->addr = p->daddr;
	return verdict;
}

/*
 * The service of a SYN, entered into the table at the first SYN. On anything but SG_UNDECIDED there
 * is none, and the verdict says why.
 */
static __always_inline enum sg_verdict listener_service(void *ctx, const struct packet *p,
							struct sg_service **ret, __u32 *index)
{
	struct sg_service *s = service_find(&p->daddr, p->dport, index);

	if (!s) {
		if (!addr_is_local(&p->daddr))
			return listener_stray(p, SG_STRAY_NOT_LOCAL, SG_V_NOT_LOCAL);
		if (!listener_exists(ctx, p))
			return listener_stray(p, SG_STRAY_NO_LISTENER, SG_V_NO_LISTENER);
		s = service_claim(&p->daddr, p->dport, index);
		if (!s)
			return listener_stray(p, SG_STRAY_SERVICES_FULL, SG_V_SERVICES_FULL);
	}
	*ret = s;
	return SG_UNDECIDED;
}
