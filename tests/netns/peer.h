/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer of the daemon's bus made by hand, byte for byte, so that it can misbehave in every way
 * that a D-Bus library would not let it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_MESSAGE_MAX 512

/* Connects to DIR/bus; the descriptor, or -errno. */
int peer_dial(const char *dir);

/* The greeting of a client, up to BEGIN, sent at once. 0 or -errno. */
int peer_greet(int fd);

/* A method call of ours; `text` NULL: no argument, otherwise one string. Returns its length. */
size_t peer_call(unsigned char message[PEER_MESSAGE_MAX], const char *member, const char *text);
/* The same with a number ("t"). */
size_t peer_call_number(unsigned char message[PEER_MESSAGE_MAX], const char *member, uint64_t n);

/* Makes the message promise this many bytes of body, whatever follows. */
void peer_promise(unsigned char *message, uint32_t body_bytes);

/* Sends all of it, waiting where that is needed; 0 or -errno. */
int peer_send(int fd, const void *data, size_t length);

/* A method call so many times, as long as that needs no waiting. */
void peer_talk(int fd, const char *member, const char *text, int times);

/* The greeting, and the wish to be told of what happens. */
void peer_follow(int fd);

/* Whether the other side has cut us; what it sent is thrown away. */
bool peer_is_cut(int fd);
