/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcx that answers SYNs itself, where an skb is more than its bytes: a VLAN tag that the hardware
 * has taken out of the frame. The bytes of the answer are in test_challenge.
 */
#include "client.h"
#include "stack.h"
#include "suite.h"
#include "synack.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "synguard.skel.h"

/* enum bpf_attach_type, which libbpf 1.1 does not know */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

#define VID 77
#define TCI (5 << 13 | VID) /* with a priority, which is to be kept, too */

static const struct frame_spec *const syns[] = { &client_linux4, &client_linux6, &client_windows4,
						 &client_bare4 };
#define SYNS (sizeof(syns) / sizeof(syns[0]))

static void attach(const struct prog *p, int fd, int where)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(bpf_link_create(fd, p->ifindex, where, NULL), 0);
}

/* What comes in is tagged as by hardware that takes the tag out, and then seen by ours. */
static void attach_behind_a_tagger(struct prog *p)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_2,
		  .imm = htons(ETH_P_8021Q) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = TCI },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_skb_vlan_push },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = TCX_INGRESS);

	attach(p,
	       bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tag", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), &options),
	       TCX_INGRESS);
	p->answers = true;
	attach(p, prog_fd(p, SG_INGRESS), TCX_INGRESS);
	attach(p, bpf_program__fd(p->skel->progs.synguard_egress), TCX_EGRESS);
}

static int capture_new(void)
{
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("client"),
	};
	struct timeval second = { .tv_sec = 1 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	prog_must(fd >= 0, "a packet socket");
	prog_must(!bind(fd, (struct sockaddr *)&where, sizeof(where)), "binding it");
	prog_must(!setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)), "its tags");
	prog_must(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)), "a timeout");
	return fd;
}

/* The tag beside the next frame, or -1 where there is none. */
static int captured(int fd, struct prog_frame *f)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec into = { f->bytes, sizeof(f->bytes) };
	struct msghdr message = { .msg_iov = &into,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t bytes = recvmsg(fd, &message, 0);
	struct tpacket_auxdata aux = {};
	struct cmsghdr *c;

	ck_assert_msg(bytes > 0, "nothing was sent");
	f->length = bytes;
	for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	return aux.tp_status & TP_STATUS_VLAN_VALID ? aux.tp_vlan_tci : -1;
}

/*
 * The answer leaves with the tag that the SYN had, priority and all, and is known on its way out
 * for ours: it proves nothing and is not another host's.
 */
START_TEST(answers_keep_a_stripped_tag)
{
	struct prog *p = prog_new(stack_new());
	struct prog_frame syn, out;
	struct sg_service *s;
	const char *wrong;
	size_t i;
	int fd;

	stack_listen(.backlog = 1024);
	attach_behind_a_tagger(p);
	fd = capture_new();
	for (i = 0; i < 2; i++) {
		s = prog_defend(p, syns[i]);
		s->vlan = SG_VLAN_PRESENT | VID;
		s->proven_at_ns = 1;
	}
	for (i = 0; i < SYNS; i++) {
		s = prog_service(p, syns[i]);
		syn = prog_frame(syns[i]);
		prog_mark(p);
		prog_deliver(p, &syn);
		ck_assert_int_eq(captured(fd, &out), TCI);
		wrong = synack_wrong(syn.bytes, syn.length, out.bytes, out.length);
		ck_assert_msg(!wrong, "SYN %zu: %s", i, wrong);
		ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_CHALLENGED) +
					  prog_counted(p, SG_INGRESS, SG_V_CHALLENGED_PLAIN),
				  1);
		ck_assert_uint_eq(prog_counted(p, SG_EGRESS, SG_V_OWN_REPLY), 1);
		ck_assert_uint_eq(s->forwarded_until_ns, 0);
		ck_assert_uint_eq(s->proven_at_ns, 1);
	}
}
END_TEST

/* The tag counts like one in the frame, also as the outer one of two. */
START_TEST(answers_heed_a_stripped_tag)
{
	struct frame_spec tagged = client_linux4;
	struct prog *p = prog_new(stack_new());
	struct sg_service *s;

	stack_listen();
	attach_behind_a_tagger(p);
	s = prog_defend(p, &client_linux4);
	expect_delivery(p, &client_linux4, SG_V_VLAN_DIFFERS);
	s->vlan = SG_VLAN_PRESENT | (VID + 1);
	expect_delivery(p, &client_linux4, SG_V_VLAN_DIFFERS);
	tagged.tags[0].vid = 8;
	s->vlan = SG_VLAN_PRESENT | VID;
	expect_delivery(p, &tagged, SG_V_QINQ);
	s->vlan = SG_VLAN_PRESENT | 8;
	expect_delivery(p, &tagged, SG_V_QINQ);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(answers_keep_a_stripped_tag, 30),
	SUITE_TEST(answers_heed_a_stripped_tag, 30),
	{}
};
/* clang-format on */
