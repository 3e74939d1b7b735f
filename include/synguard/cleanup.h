/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership that can be seen: locals that own are marked, what escapes is taken.
 *
 *	_cleanup_close_ int fd = -EBADF;
 *	...
 *	return TAKE_FD(fd);
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of this type whose member `ptr` points to. */
#define container_of(ptr, type, member)                                                            \
	({                                                                                         \
		__typeof__(((type *)0)->member) *member_ = (ptr);                                  \
		(type *)((char *)member_ - offsetof(type, member));                                \
	})

#define _cleanup_(f) __attribute__((cleanup(f)))

/* A cleanup for `type *`, calling f on what is not NULL. */
#define DEFINE_CLEANUP(type, f)                                                                    \
	static inline void f##_at(type **p)                                                        \
	{                                                                                          \
		if (*p)                                                                            \
			f(*p);                                                                     \
	}

static inline void cleanup_free_(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose_(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_	 _cleanup_(cleanup_free_)
#define _cleanup_close_	 _cleanup_(cleanup_close_)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose_)

#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -EBADF;                                                                     \
		taken_;                                                                            \
	})

/* Closes fd where there is one and returns -EBADF, to be assigned to it. */
static inline int close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
	return -EBADF;
}
