/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For libbpf_set_print(): what libbpf says by itself is no message of ours. */
#pragma once

#include <stdarg.h>

#include <bpf/libbpf.h>

static inline int dataplane_silence(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}
