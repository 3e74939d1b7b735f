/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of dataplane share: loading, and attaching. */
#pragma once

/* linux/bpf.h of 6.6 and later; headers that we may be built with are older */
#define DATAPLANE_TCX_INGRESS 46
#define DATAPLANE_TCX_EGRESS  47
#define DATAPLANE_F_BEFORE    (1u << 3)

struct dataplane;
struct synguard_bpf;

struct synguard_bpf *dataplane_skeleton(struct dataplane *dp);
