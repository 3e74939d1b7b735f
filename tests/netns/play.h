/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stage in mode always, and scenes on it with one client played by hand (wire.h).
 */
#pragma once

#include "pair.h"
#include "watch.h"
#include "wire.h"

/* What has to stay away is waited for as long as this. */
#define QUIET_MS 100

/*
 * A listener behind a daemon that challenges every SYN; o may be NULL. Both services are proven, and
 * the listener's queue is empty.
 */
int play_raise(struct stage *s, const struct pair_listener *o);
/* The same on a stage that has been raised. */
int play_begin(struct stage *s, const struct pair_listener *o);

/* Both ends of a new connection that is made in this mode. */
struct pair play_open(struct stage *s, int listener, int family, const char *mode);

/*
 * A scene is played four times against one listener: both families, with timestamps (a Linux
 * client) and without (a Windows client). The figures are what each time must have counted, beside
 * one connection.
 */
struct play {
	void (*scene)(struct stage *s, struct wire *w, int listener);
	json_int_t challenged; /* FRAME_IS(0) for none; 0: 1 */
	json_int_t accepted;   /* the same */
	json_int_t early_data;
	json_int_t replayed;
	json_int_t cleared;
};
#define play(...) play_as(&(struct play){ __VA_ARGS__ })
void play_as(const struct play *p);

/* The one connection that has come. */
int play_accept(int listener);

/* Reads the word; play_expect_all(): and there is nothing more so far. */
void play_expect(int fd, const char *word);
void play_expect_all(int fd, const char *word);

/* The connection works both ways, and nothing but what has been sent arrives. Then it ends. */
void play_finish(struct wire *w, int fd);
