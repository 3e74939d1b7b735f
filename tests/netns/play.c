/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenes. See play.h.
 */
#include "play.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PLAY_PORT 2000

static json_int_t play_number(json_int_t given)
{
	return given == FRAME_IS(0) ? 0 : given ?: 1;
}

static void play_assert_counted(struct stage *s, const struct play *p, int times)
{
	struct watch_service service = watch_service(s);
	json_t *status = stage_status(s);

	stage_assert_accounted(status);
	ck_assert_int_eq(service.challenged, times * play_number(p->challenged));
	ck_assert_int_eq(service.accepted, times * play_number(p->accepted));
	ck_assert_int_eq(service.established, service.accepted);
	ck_assert_int_eq(stage_verdict(status, "ingress", "accepted"), service.accepted);
	ck_assert_int_eq(stage_verdict(status, "ingress", "early_data"), times * p->early_data);
	ck_assert_int_eq(stage_verdict(status, "ingress", "replayed"), times * p->replayed);
	ck_assert_int_eq(stage_verdict(status, "ingress", "cleared"), times * p->cleared);
	ck_assert_int_eq(stage_verdict(status, "ingress", "refused"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "deferred"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "tuple_in_use"), 0);
	json_decref(status);
}

int play_raise(struct stage *s, const struct pair_listener *o)
{
	stage_raise(s, NULL);
	return play_begin(s, o);
}

int play_begin(struct stage *s, const struct pair_listener *o)
{
	int listener, fd, left = 2;

	listener = pair_listen(s, o);
	stage_daemon(s, "always");
	stage_prove(s, STAGE_PORT);
	while (left-- && (fd = pair_accept(listener, 1000)) >= 0)
		close(fd);
	return listener;
}

struct pair play_open(struct stage *s, int listener, int family, const char *mode)
{
	stage_mode(s, mode);
	return pair_open(s, listener, family, 0);
}

void play_as(const struct play *p)
{
	static const struct frame_option windows4[] = { FRAME_WINDOWS_SYN(1460) };
	static const struct frame_option windows6[] = { FRAME_WINDOWS_SYN(1440) };
	struct stage s;
	struct wire w;
	int listener, i;

	listener = play_raise(&s, NULL);
	for (i = 0; i < 4; i++) {
		wire_open(&w, &s, i % 2 ? 6 : 4, PLAY_PORT + i);
		if (i / 2) {
			memset(w.syn_options, 0, sizeof(w.syn_options));
			memcpy(w.syn_options, i % 2 ? windows6 : windows4, sizeof(windows4));
		}
		p->scene(&s, &w, listener);
		play_assert_counted(&s, p, i + 1);
		wire_close(&w);
	}
	close(listener);
	stage_strike(&s);
}

int play_accept(int listener)
{
	int fd = pair_accept(listener, 5000);

	ck_assert_msg(fd >= 0, "no connection");
	ck_assert_msg(pair_accept(listener, QUIET_MS) < 0, "a second connection");
	return fd;
}

void play_expect(int fd, const char *word)
{
	char buf[64] = "";

	ck_assert_int_eq(recv(fd, buf, strlen(word), MSG_WAITALL), strlen(word));
	ck_assert_str_eq(buf, word);
}

void play_expect_all(int fd, const char *word)
{
	char buf[64];

	play_expect(fd, word);
	ck_assert_msg(recv(fd, buf, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "\"%s\" was not all",
		      word);
}

void play_finish(struct wire *w, int fd)
{
	wire_send(w, FRAME_ACK | FRAME_PSH, "and on");
	play_expect_all(fd, "and on");
	ck_assert_int_eq(send(fd, "well met", 8, MSG_NOSIGNAL), 8);
	wire_take_payload(w, "well met");
	ck_assert_msg(!wire_drain(w, QUIET_MS), "the client was reset");
	wire_send(w, FRAME_ACK | FRAME_RST, NULL);
	close(fd);
}
