/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Judges half-open connections: which of them no client will answer.
 *
 * An object of its own, because it is of use where the others cannot be loaded (Engine=kernel). It
 * is attached nowhere: the daemon runs it, in its own network namespace, with a batch of
 * connections that sock_diag has shown, since sock_diag does not say whether a request was
 * answered. Each is looked up as for a packet, so no other socket is met, let alone locked. (iter/tcp locks every connection that it passes: bpf_iter_tcp_seq_show(). And
 * bpf_sock_destroy() reads sk_protocol, which a request socket is too short to have.)
 */
#include "bpf/kernel.bpf.h"

#include "synguard/reap_abi.h"

struct sg_requests requests;

/* TCP_RTO_MAX is 120 s, less than the second of the first timeout doubled so often */
#define REAP_DOUBLINGS_MAX 7

/*
 * Whether its SYN-ACK has been sent again, and that again has had time to be answered: one initial
 * timeout, which is a second (reqsk_timer_handler(), tcp_reqsk_timeout()).
 */
static __always_inline bool reap_is_unanswered(const struct request_sock *req)
{
	__u32 times = BPF_CORE_READ_BITFIELD(req, num_timeout);
	__s64 left = req->rsk_timer.expires - bpf_jiffies64();

	if (!times || left <= 0) /* never, or this very moment */
		return false;
	if (times > REAP_DOUBLINGS_MAX)
		times = REAP_DOUBLINGS_MAX;
	return left + req->timeout <= (__s64)req->timeout << times;
}

static __always_inline bool reap_is_old(const struct tcp_request_sock *req, __u64 life_usec)
{
	__u64 now_usec = bpf_ktime_get_ns() / 1000;

	return req->snt_synack && now_usec - req->snt_synack >= life_usec;
}

static __always_inline enum sg_request_verdict reap_judge(const struct tcp_request_sock *tcp,
							  __u64 cookie, __u64 life_usec)
{
	const struct request_sock *req = &tcp->req.req;
	const struct inet_connection_sock *listener = (void *)req->__req_common.skc_listener;

	if (req->__req_common.skc_cookie.counter != cookie)
		return SG_REQUEST_GONE;
	if (BPF_CORE_READ(listener, icsk_accept_queue.rskq_defer_accept))
		return SG_REQUEST_DEFERRED;
	if (!reap_is_unanswered(req) || !reap_is_old(tcp, life_usec))
		return SG_REQUEST_YOUNG;
	/* last, because it may change while the others are read */
	return BPF_CORE_READ_BITFIELD(&tcp->req, acked) ? SG_REQUEST_ACKED : SG_REQUEST_RIPE;
}

static __always_inline void reap_tell(const struct tcp_request_sock *tcp, struct sg_request *r)
{
	r->answered = BPF_CORE_READ_BITFIELD(&tcp->req, acked);
	r->age_ms = tcp->snt_synack ? (bpf_ktime_get_ns() / 1000 - tcp->snt_synack) / 1000 : 0;
}

static __always_inline enum sg_request_verdict reap_ask(struct __sk_buff *skb, struct sg_request *r)
{
	enum sg_request_verdict v = SG_REQUEST_GONE;
	bool v4 = !r->addr.halves[0] && r->addr.words[2] == bpf_htonl(0xffff);
	struct bpf_sock *sk = kernel_lookup_tcp(skb, v4, &r->peer, r->peer_port, &r->addr, r->port);
	struct tcp_request_sock *req;

	if (!sk)
		return v;
	req = bpf_skc_to_tcp_request_sock(sk); /* no other kind of socket is one */
	if (req) {
		v = reap_judge(req, r->cookie, requests.life_usec);
		reap_tell(req, r);
	}
	bpf_sk_release(sk);
	return v;
}

SEC("tc")
int synguard_reap(struct __sk_buff *skb)
{
	__u32 i;

	for (i = 0; i < SG_REQUESTS_MAX && i < requests.count; i++)
		requests.items[i].verdict = reap_ask(skb, &requests.items[i]);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
