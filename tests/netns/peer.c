/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "synguard/names.h"

int peer_dial(const char *dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SG_BUS_SOCKET, dir);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int peer_send(int fd, const void *data, size_t length)
{
	const char *at = data;
	ssize_t n;

	for (; length; at += n, length -= n) {
		n = send(fd, at, length, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
	}
	return 0;
}

int peer_greet(int fd)
{
	char text[128];
	int n, i, length;
	char uid[16];

	snprintf(uid, sizeof(uid), "%u", getuid());
	length = 0;
	text[length++] = 0;
	length += snprintf(text + length, sizeof(text) - length, "AUTH EXTERNAL ");
	for (i = 0; uid[i]; i++)
		length += snprintf(text + length, sizeof(text) - length, "%02x", uid[i]);
	n = snprintf(text + length, sizeof(text) - length, "\r\nBEGIN\r\n");
	return peer_send(fd, text, length + n);
}

/* ---- messages, in the byte order of little-endian hosts ------------------------------------ */

struct message {
	unsigned char *bytes;
	size_t length;
};

static void put_u32(struct message *m, uint32_t value)
{
	int i;

	while (m->length % 4)
		m->bytes[m->length++] = 0;
	for (i = 0; i < 4; i++)
		m->bytes[m->length++] = value >> 8 * i;
}

static void put_text(struct message *m, const char *text)
{
	size_t n = strlen(text) + 1;

	put_u32(m, n - 1);
	memcpy(m->bytes + m->length, text, n);
	m->length += n;
}

static void put_field(struct message *m, unsigned char code, char type, const char *text)
{
	const unsigned char head[] = { code, 1, type, 0 };
	size_t n = strlen(text) + 1;

	while (m->length % 8)
		m->bytes[m->length++] = 0;
	memcpy(m->bytes + m->length, head, sizeof(head));
	m->length += sizeof(head);
	if (type != 'g') {
		put_text(m, text);
		return;
	}
	m->bytes[m->length++] = n - 1;
	memcpy(m->bytes + m->length, text, n);
	m->length += n;
}

static void put_head(struct message *m, const char *member, const char *signature)
{
	/* method call, version 1; body and serial; the fields' length is set at the end */
	const unsigned char head[16] = { 'l', 1, 0, 1, 0, 0, 0, 0, 1 };

	memcpy(m->bytes, head, sizeof(head));
	m->length = sizeof(head);
	put_field(m, 1, 'o', SG_BUS_PATH);
	put_field(m, 2, 's', SG_BUS_INTERFACE);
	put_field(m, 3, 's', member);
	if (*signature)
		put_field(m, 8, 'g', signature);
	m->bytes[12] = (m->length - 16) & 0xff;
	m->bytes[13] = (m->length - 16) >> 8;
	while (m->length % 8)
		m->bytes[m->length++] = 0;
}

void peer_promise(unsigned char *message, uint32_t body_bytes)
{
	int i;

	for (i = 0; i < 4; i++)
		message[4 + i] = body_bytes >> 8 * i;
}

size_t peer_call(unsigned char message[PEER_MESSAGE_MAX], const char *member, const char *text)
{
	struct message m = { .bytes = message };
	size_t head;

	put_head(&m, member, text ? "s" : "");
	head = m.length;
	if (text)
		put_text(&m, text);
	peer_promise(message, m.length - head);
	return m.length;
}

size_t peer_call_number(unsigned char message[PEER_MESSAGE_MAX], const char *member, uint64_t n)
{
	struct message m = { .bytes = message };
	size_t head;

	put_head(&m, member, "t");
	head = m.length;
	put_u32(&m, n);
	put_u32(&m, n >> 32);
	peer_promise(message, m.length - head);
	return m.length;
}

/* ---- dealings ------------------------------------------------------------------------------ */

void peer_talk(int fd, const char *member, const char *text, int times)
{
	unsigned char call[PEER_MESSAGE_MAX];
	size_t n = peer_call(call, member, text);

	while (times-- > 0 && send(fd, call, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n)
		;
}

void peer_follow(int fd)
{
	peer_greet(fd);
	peer_talk(fd, "Follow", NULL, 1);
}

bool peer_is_cut(int fd)
{
	char buf[65536];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	while (n > 0);
	return !n || errno != EAGAIN;
}
