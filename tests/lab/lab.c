/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The default topology of the lab. See lab.h. */
#include "tests/lab/lab.h"

#include <errno.h>

#include "synguard/cleanup.h"

/* MACs are locally administered (bit 1 of the first byte) and say in a capture whose they are. */
static int default_topology(struct lab *lab, unsigned int queues)
{
	const struct lab_end server = {
		.host = LAB_SERVER,
		.ifname = LAB_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 0, 0, 0x01 },
		.addr4 = LAB_SERVER_ADDR4 "/24",
		.addr6 = LAB_SERVER_ADDR6 "/64",
		.tx_queues = queues,
		.rx_queues = queues,
	};
	const struct lab_end client = {
		.host = LAB_CLIENT,
		.ifname = LAB_IFNAME,
		.mac = { 0x02, 0x53, 0x47, 0, 0, 0x02 },
		.addr4 = LAB_CLIENT_ADDR4 "/24",
		.addr6 = LAB_CLIENT_ADDR6 "/64",
		.tx_queues = queues,
		.rx_queues = queues,
	};
	int host, err;

	host = lab_host_add(lab);
	if (host >= 0)
		host = lab_host_add(lab);
	if (host < 0)
		return host;

	err = lab_link_add(lab, &server, &client);
	if (!err)
		err = lab_route_add(lab, LAB_SERVER, LAB_FLOOD_NET4, LAB_CLIENT_ADDR4);
	if (!err)
		err = lab_route_add(lab, LAB_SERVER, LAB_FLOOD_NET6, LAB_CLIENT_ADDR6);
	return err;
}

int lab_new_queues(struct lab **ret, unsigned int queues)
{
	_cleanup_(lab_freep) struct lab *lab = NULL;
	int err;

	err = lab_new_empty(&lab);
	if (!err)
		err = default_topology(lab, queues);
	if (!err)
		*ret = TAKE_PTR(lab);
	return err;
}

int lab_new(struct lab **ret)
{
	return lab_new_queues(ret, 0);
}
