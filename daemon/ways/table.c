/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/ways/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAYS_IPV4_HEADERS 40
#define WAYS_IPV6_HEADERS 60
#define WAYS_IPV4_MSS_MIN 256  /* net/ipv4/route.c: DEFAULT_MIN_ADVMSS */
#define WAYS_IPV6_MSS_MIN 1220 /* net.ipv6.route.min_adv_mss */
#define WAYS_DEPTH_MAX	  8    /* MAX_NEST_DEV */
#define WAYS_LOCKED_MTU	  576  /* ip_dst_mtu_maybe_forward(): of a gateway, without another one */

/* A prefix of a table, and which way: an index, or one of these. */
#define WAYS_THROW   UINT32_MAX
#define WAYS_NOWHERE (UINT32_MAX - 1) /* no prefix matches */

struct ways_node {
	struct addr_prefix to;
	uint32_t table;
	uint32_t priority;
	uint32_t way;
	uint32_t around; /* the next prefix of the table that this one is in, or UINT32_MAX */
};

/* One family. */
struct ways_work {
	const struct routes *routes;
	const struct ways_iface *ifaces;
	size_t iface_count;
	bool v6;
	struct sg_way *ways;
	size_t way_count, way_room;
	struct ways_node *nodes; /* by table, prefix */
	size_t node_count;
	struct addr_prefix *places; /* where something may change, sorted */
	size_t place_count, place_room;
	struct ways_table *ret;
};

/* ---- interfaces ---------------------------------------------------------------------------- */

static const struct ways_iface *ways_iface(const struct ways_iface *ifaces, size_t count,
					   uint32_t ifindex)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ifaces[middle].ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && ifaces[low].ifindex == ifindex ? &ifaces[low] : NULL;
}

/* The first of those that are above and below each other; a VRF does not join its members. */
static uint32_t ways_root(const uint32_t *joined, uint32_t i)
{
	while (joined[i] != i)
		i = joined[i];
	return i;
}

static void ways_join(uint32_t *joined, const struct ways_iface *ifaces, size_t count, uint32_t i,
		      uint32_t ifindex)
{
	const struct ways_iface *other = ifindex ? ways_iface(ifaces, count, ifindex) : NULL;
	uint32_t a, b;

	if (!other || other->vrf)
		return;
	a = ways_root(joined, i);
	b = ways_root(joined, other - ifaces);
	joined[a > b ? a : b] = a > b ? b : a;
}

static int ways_group(struct ways_iface *ifaces, size_t count)
{
	uint32_t *joined = calloc(count ?: 1, sizeof(*joined));
	uint32_t i, root, groups = 0;

	if (!joined)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		joined[i] = i;
	for (i = 0; i < count; i++) {
		ways_join(joined, ifaces, count, i, ifaces[i].above);
		ways_join(joined, ifaces, count, i, ifaces[i].below);
	}
	for (i = 0; i < count; i++) {
		root = ways_root(joined, i);
		/* a root comes before those that it is the root of */
		ifaces[i].group = root == i ? groups : ifaces[root].group;
		if (root == i && groups + 1 < SG_WAY_GROUPS_MAX)
			groups++;
	}
	free(joined);
	return 0;
}

static bool ways_is_master(const struct ways_work *w, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < w->iface_count; i++)
		if (w->ifaces[i].above == ifindex)
			return true;
	return false;
}

static bool ways_in_vrf(const struct ways_iface *ifaces, size_t count, const struct ways_iface *i)
{
	const struct ways_iface *above = i->above ? ways_iface(ifaces, count, i->above) : NULL;

	return i->vrf || (above && above->vrf);
}

/* By which the host sends what answers a frame that came in by i, where that goes out of i at all. */
static uint32_t ways_top(const struct ways_iface *ifaces, size_t count, const struct ways_iface *i)
{
	const struct ways_iface *above = i;
	int depth;

	for (depth = 0; above && above->above && depth < WAYS_DEPTH_MAX; depth++)
		above = ways_iface(ifaces, count, above->above);
	return above && !above->above && above->ethernet ? above->ifindex : 0;
}

/* Of a host with two groups the SYNs of either may have to leave by the other one. */
static int ways_list_ifaces(const struct ways_iface *ifaces, size_t count, struct ways_table *ret)
{
	size_t i;

	ret->ifaces = calloc(count ?: 1, sizeof(*ret->ifaces));
	if (!ret->ifaces)
		return -ENOMEM;
	for (i = 0; i < count && ret->iface_count < SG_WAY_IFACES_MAX; i++)
		if (ifaces[i].ethernet && !ways_in_vrf(ifaces, count, &ifaces[i]))
			ret->ifaces[ret->iface_count++] = (struct ways_iface_entry){
				.ifindex = ifaces[i].ifindex,
				.iface = { .group = ifaces[i].group,
					   .strict = ifaces[i].strict,
					   .top = ways_top(ifaces, count, &ifaces[i]) },
			};
	return 0;
}

/* ---- ways ---------------------------------------------------------------------------------- */

/* Its index. -ENOMEM. */
static int64_t ways_enter(struct ways_work *w, const struct sg_way *way)
{
	size_t i;

	for (i = 0; i < w->way_count; i++)
		if (!memcmp(&w->ways[i], way, sizeof(*way)))
			return i;
	if (w->way_count == w->way_room) {
		size_t room = w->way_room ? w->way_room * 2 : 16;
		struct sg_way *grown = realloc(w->ways, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		w->ways = grown;
		w->way_room = room;
	}
	w->ways[w->way_count] = *way;
	return w->way_count++;
}

static uint32_t ways_least(uint32_t a, uint32_t b)
{
	return !a ? b : !b ? a : a < b ? a : b;
}

static uint32_t ways_up_to(uint32_t value, uint32_t max)
{
	return value < max ? value : max;
}

/* dst_metric_advmss(): ipv4_default_advmss(), ip6_default_advmss(). 0: as the interface has it. */
static uint32_t ways_mss(const struct ways_work *w, const struct route_terms *t, uint32_t mtu_below)
{
	uint32_t headers = w->v6 ? WAYS_IPV6_HEADERS : WAYS_IPV4_HEADERS;
	uint32_t least = w->v6 ? WAYS_IPV6_MSS_MIN : WAYS_IPV4_MSS_MIN;
	uint32_t mtu = t->mtu ?: mtu_below;

	if (t->advmss)
		return t->advmss;
	if (!t->mtu && t->mtu_locked && t->gateway)
		mtu = WAYS_LOCKED_MTU;
	if (!mtu)
		return 0;
	return mtu < headers + least ? least : mtu - headers;
}

/* The MTU of an interface where one of its group has a larger one, which a challenge would tell. */
static uint32_t ways_small_mtu(const struct ways_work *w, const struct ways_iface *hop)
{
	size_t i;

	for (i = 0; i < w->iface_count; i++)
		if (w->ifaces[i].group == hop->group && w->ifaces[i].mtu > hop->mtu)
			return hop->mtu;
	return 0;
}

/* What goes by an interface that has others above or below it is not sent by it past them. */
static bool ways_sends(const struct ways_work *w, const struct ways_iface *hop)
{
	return hop->ethernet && !hop->above && !hop->below && !ways_is_master(w, hop->ifindex);
}

static int64_t ways_of_terms(struct ways_work *w, const struct route_terms *t)
{
	struct sg_way way = {};
	uint32_t i, mtu = 0;

	if (t->kind == ROUTE_THROW)
		return WAYS_THROW;
	if (t->kind == ROUTE_NONE)
		return ways_enter(w, &way);
	for (i = 0; i < t->hop_count; i++) {
		const struct ways_iface *hop = ways_iface(w->ifaces, w->iface_count, t->hops[i]);

		if (!hop)
			continue;
		way.groups |= 1ULL << hop->group;
		mtu = ways_least(mtu, ways_small_mtu(w, hop));
		if (!way.ifindex && ways_sends(w, hop))
			way.ifindex = hop->ifindex;
	}
	way.mss = ways_up_to(ways_mss(w, t, mtu), UINT16_MAX);
	way.window = t->window;
	way.initrwnd = ways_up_to(t->initrwnd, UINT16_MAX);
	way.hop_limit = ways_up_to(t->hop_limit, 255);
	return ways_enter(w, &way);
}

/* Two routes of one prefix and priority, of which the kernel takes either. */
static int64_t ways_merge(struct ways_work *w, uint32_t a, uint32_t b)
{
	struct sg_way way, other;

	if (a >= WAYS_NOWHERE || b >= WAYS_NOWHERE || a == b)
		return a;
	way = w->ways[a];
	other = w->ways[b];
	way.groups |= other.groups;
	way.ifindex = way.ifindex ?: other.ifindex;
	way.mss = ways_least(way.mss, other.mss);
	way.window = ways_least(way.window, other.window);
	way.initrwnd = ways_least(way.initrwnd, other.initrwnd);
	way.hop_limit = ways_least(way.hop_limit, other.hop_limit);
	return ways_enter(w, &way);
}

/* ---- tables -------------------------------------------------------------------------------- */

static bool ways_contains(const struct addr_prefix *outer, const struct addr_prefix *inner)
{
	return outer->bits <= inner->bits && addr_prefix_contains(outer, &inner->addr);
}

static int ways_compare_nodes(const void *one, const void *other)
{
	const struct ways_node *a = one, *b = other;

	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return addr_prefix_compare(&a->to, &b->to) ?:
		       (a->priority > b->priority) - (a->priority < b->priority);
}

/* What sockets of the link itself talk to is by the SYN's interface: listener's business. */
static bool ways_is_link_local(const struct addr_prefix *p)
{
	return p->addr.bytes[0] == 0xfe && (p->addr.bytes[1] & 0xc0) == 0x80 && p->bits >= 10;
}

static int ways_copy_routes(struct ways_work *w)
{
	const struct routes *r = w->routes;
	int64_t *of_terms = calloc(r->terms_count ?: 1, sizeof(*of_terms));
	size_t i;
	int error = 0;

	w->nodes = calloc(r->count ?: 1, sizeof(*w->nodes));
	if (!of_terms || !w->nodes)
		error = -ENOMEM;
	for (i = 0; !error && i < r->terms_count; i++) {
		of_terms[i] = ways_of_terms(w, &r->terms[i]);
		error = of_terms[i] < 0 ? of_terms[i] : 0;
	}
	for (i = 0; !error && i < r->count; i++) {
		const struct route *route = &r->routes[i];

		if (addr_prefix_is_v4(&route->to) == w->v6 || ways_is_link_local(&route->to))
			continue;
		w->nodes[w->node_count++] =
			(struct ways_node){ route->to, route->table, route->priority,
					    of_terms[route->terms], UINT32_MAX };
	}
	free(of_terms);
	return error;
}

/* Keeps the best route of each prefix, and finds the prefix around each. */
static int ways_reduce(struct ways_work *w)
{
	size_t i, kept = 0;
	uint32_t around = UINT32_MAX;
	int64_t merged;

	qsort(w->nodes, w->node_count, sizeof(*w->nodes), ways_compare_nodes);
	for (i = 0; i < w->node_count; i++) {
		struct ways_node node = w->nodes[i], *last = kept ? &w->nodes[kept - 1] : NULL;

		if (last && last->table == node.table &&
		    !addr_prefix_compare(&last->to, &node.to)) {
			if (last->priority == node.priority) {
				merged = ways_merge(w, last->way, node.way);
				if (merged < 0)
					return merged;
				last->way = merged;
			}
			continue;
		}
		around = last && last->table == node.table ? kept - 1 : UINT32_MAX;
		while (around != UINT32_MAX && !ways_contains(&w->nodes[around].to, &node.to))
			around = w->nodes[around].around;
		node.around = around;
		w->nodes[kept++] = node;
	}
	w->node_count = kept;
	return 0;
}

/* The way of the longest prefix of the table that has all of p in it, and how long it is. */
static uint32_t ways_look_up(const struct ways_work *w, uint32_t table, const struct addr_prefix *p,
			     int *bits)
{
	const struct ways_node wanted = { .to = *p, .table = table, .priority = UINT32_MAX };
	size_t low = 0, high = w->node_count;
	uint32_t at;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ways_compare_nodes(&w->nodes[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	at = low && w->nodes[low - 1].table == table ? low - 1 : UINT32_MAX;
	while (at != UINT32_MAX && !ways_contains(&w->nodes[at].to, p))
		at = w->nodes[at].around;
	if (at == UINT32_MAX)
		return WAYS_NOWHERE;
	*bits = w->nodes[at].to.bits;
	return w->nodes[at].way;
}

/* ---- rules --------------------------------------------------------------------------------- */

static bool ways_rule_takes(const struct rule *rule, const struct addr_prefix *from,
			    const struct addr_prefix *to)
{
	bool takes = !rule->of_others && ways_contains(&rule->from, from) &&
		     ways_contains(&rule->to, to);

	return takes != rule->inverted;
}

static size_t ways_rule_target(const struct ways_work *w, size_t i)
{
	uint32_t target = w->routes->rules[i].target;

	for (i++; i < w->routes->rule_count; i++)
		if (w->routes->rules[i].v6 == w->v6 && w->routes->rules[i].priority >= target)
			break;
	return i;
}

/* As fib_rules_lookup() goes through them; no way: as of a blackhole. */
static int64_t ways_decide(struct ways_work *w, const struct addr_prefix *from,
			   const struct addr_prefix *to)
{
	const struct rule *rules = w->routes->rules;
	const struct sg_way none = {};
	size_t i = 0;

	while (i < w->routes->rule_count) {
		const struct rule *rule = &rules[i];
		uint32_t way;
		int bits = 0;

		if (rule->v6 != w->v6 || rule->action == RULE_NOP ||
		    !ways_rule_takes(rule, from, to)) {
			i++;
			continue;
		}
		if (rule->action == RULE_GOTO) {
			i = ways_rule_target(w, i);
			continue;
		}
		if (rule->action == RULE_NONE)
			break;
		way = ways_look_up(w, rule->table, to, &bits);
		if (way < WAYS_NOWHERE && bits > rule->suppressed_bits)
			return way;
		i++;
	}
	return ways_enter(w, &none);
}

/* ---- the table ----------------------------------------------------------------------------- */

static int ways_add_place(struct ways_work *w, const struct addr_prefix *p)
{
	if (w->place_count == w->place_room) {
		size_t room = w->place_room ? w->place_room * 2 : 64;
		struct addr_prefix *grown = realloc(w->places, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		w->places = grown;
		w->place_room = room;
	}
	w->places[w->place_count++] = *p;
	return 0;
}

static struct addr_prefix ways_all(bool v6)
{
	return v6 ? (struct addr_prefix){} :
		    (struct addr_prefix){ addr_from_v4(0), ADDR_MAPPED_BITS };
}

static int ways_find_places(struct ways_work *w)
{
	struct addr_prefix all = ways_all(w->v6);
	size_t i, kept = 0;
	int r = ways_add_place(w, &all);

	for (i = 0; !r && i < w->node_count; i++)
		r = ways_add_place(w, &w->nodes[i].to);
	for (i = 0; !r && i < w->routes->rule_count; i++)
		if (w->routes->rules[i].v6 == w->v6)
			r = ways_add_place(w, &w->routes->rules[i].to);
	if (r)
		return r;
	qsort(w->places, w->place_count, sizeof(*w->places), addr_prefix_compare);
	for (i = 0; i < w->place_count; i++)
		if (!kept || addr_prefix_compare(&w->places[kept - 1], &w->places[i]))
			w->places[kept++] = w->places[i];
	w->place_count = kept;
	return 0;
}

static int ways_emit(struct ways_work *w, uint32_t class, const struct addr_prefix *p,
		     const struct sg_way *way)
{
	struct ways_table *t = w->ret;
	struct ways_entry *grown;

	/* by powers of two */
	if (!(t->count & (t->count - 1))) {
		grown = realloc(t->entries, (t->count ? t->count * 2 : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->entries = grown;
	}
	t->entries[t->count] = (struct ways_entry){
		.key = { .prefix_bits = SG_WAY_CLASS_BITS + p->bits, .class = class },
		.way = *way,
	};
	memcpy(t->entries[t->count++].key.addr, p->addr.bytes, sizeof(p->addr));
	return 0;
}

/* Of one class, without what the prefix around says too. *same: the way, where there is but one. */
static int ways_decide_all(struct ways_work *w, uint32_t class, const struct addr_prefix *from)
{
	struct {
		struct addr_prefix p;
		uint32_t way;
	} around[ADDR_BITS + 1];
	size_t i, depth = 0;
	int64_t way;
	int r = 0;

	for (i = 0; !r && i < w->place_count; i++) {
		while (depth && !ways_contains(&around[depth - 1].p, &w->places[i]))
			depth--;
		way = ways_decide(w, from, &w->places[i]);
		if (way < 0)
			return way;
		if (!depth || around[depth - 1].way != way)
			r = ways_emit(w, class, &w->places[i], &w->ways[way]);
		around[depth].p = w->places[i];
		around[depth++].way = way;
	}
	return r;
}

static int ways_add_class(struct ways_work *w, const struct addr_prefix *from)
{
	struct ways_table *t = w->ret;
	struct ways_class *grown;
	size_t i;

	for (i = 0; i < t->class_count; i++)
		if (t->classes[i].key.prefix_bits == from->bits &&
		    !memcmp(t->classes[i].key.addr, &from->addr, sizeof(from->addr)))
			return 0;
	if (t->class_count == SG_WAY_CLASSES_MAX)
		return 0;
	grown = realloc(t->classes, (t->class_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->classes = grown;
	grown[t->class_count] = (struct ways_class){ .key = { .prefix_bits = from->bits },
						     .class = t->class_count + 1 };
	memcpy(grown[t->class_count++].key.addr, &from->addr, sizeof(from->addr));
	t->flags |= SG_WAYS_BY_SOURCE;
	return ways_decide_all(w, t->class_count, from);
}

/* Nothing but the one group of all interfaces, and nothing that is promised less of. */
static bool ways_is_plain(const struct ways_work *w, size_t first)
{
	const struct ways_table *t = w->ret;
	struct sg_way way;
	size_t i;

	if (t->count - first != 1)
		return false;
	way = t->entries[first].way;
	if (way.mss || way.window || way.initrwnd || way.hop_limit)
		return false;
	for (i = 0; i < t->iface_count; i++)
		if (!(way.groups >> t->ifaces[i].iface.group & 1))
			return false;
	return true;
}

static int ways_calculate_family(struct ways_work *w)
{
	const struct sg_way any = { .groups = UINT64_MAX };
	struct addr_prefix all = ways_all(w->v6), link_local = { .bits = 10 };
	size_t i, first = w->ret->count;
	int r = ways_copy_routes(w) ?: ways_reduce(w) ?: ways_find_places(w);

	if (!r)
		r = ways_decide_all(w, 0, &all);
	for (i = 0; !r && i < w->routes->rule_count; i++) {
		const struct rule *rule = &w->routes->rules[i];

		if (rule->v6 != w->v6)
			continue;
		if (rule->of_some && rule->action != RULE_NOP)
			w->ret->flags |= SG_WAYS_BY_OTHERS(w->v6 ? 6 : 4);
		if (rule->from.bits > all.bits)
			r = ways_add_class(w, &rule->from);
	}
	if (r || ways_is_plain(w, first))
		return r;
	w->ret->flags |= SG_WAYS_DIFFER(w->v6 ? 6 : 4);
	link_local.addr.bytes[0] = 0xfe;
	link_local.addr.bytes[1] = 0x80;
	for (i = 0; w->v6 && !r && i <= w->ret->class_count; i++)
		r = ways_emit(w, i, &link_local, &any);
	return r;
}

/* By class and prefix, so that what is around a prefix comes before it. */
int ways_compare_entries(const void *one, const void *other)
{
	const struct sg_way_key *a = one, *b = other;

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr)) ?:
		       (a->prefix_bits > b->prefix_bits) - (a->prefix_bits < b->prefix_bits);
}

static bool ways_is_around(const struct ways_entry *outer, const struct ways_entry *inner)
{
	struct addr_prefix p = { .bits = outer->key.prefix_bits - SG_WAY_CLASS_BITS };
	struct sg_addr addr;

	memcpy(&p.addr, outer->key.addr, sizeof(p.addr));
	memcpy(&addr, inner->key.addr, sizeof(addr));
	return outer->key.class == inner->key.class && addr_prefix_contains(&p, &addr);
}

/* The bits of the longest prefixes that there is room for. */
static uint32_t ways_bits_that_fit(const struct ways_table *t)
{
	size_t of_bits[SG_WAY_CLASS_BITS + ADDR_BITS + 1] = {}, i, sum = 0;
	uint32_t bits;

	for (i = 0; i < t->count; i++)
		of_bits[t->entries[i].key.prefix_bits]++;
	for (bits = 0; bits <= SG_WAY_CLASS_BITS + ADDR_BITS; bits++) {
		sum += of_bits[bits];
		if (sum > SG_WAYS_MAX)
			return bits - 1;
	}
	return bits - 1;
}

/* Leaves out the longest; SYNs from what is around them are answered by the interface that they
 * came in by, as it cannot be told any more which is theirs. */
static void ways_fit(struct ways_table *t)
{
	uint32_t fit = ways_bits_that_fit(t);
	size_t around[ADDR_BITS + 1], depth = 0, i, kept = 0;

	qsort(t->entries, t->count, sizeof(*t->entries), ways_compare_entries);
	for (i = 0; i < t->count; i++) {
		while (depth && !ways_is_around(&t->entries[around[depth - 1]], &t->entries[i]))
			depth--;
		if (t->entries[i].key.prefix_bits <= fit) {
			around[depth++] = kept;
			t->entries[kept++] = t->entries[i];
		} else if (depth) {
			t->entries[around[depth - 1]].way.groups = UINT64_MAX;
		}
	}
	t->left_out = t->count - kept;
	t->count = kept;
}

static void ways_work_done(struct ways_work *w)
{
	free(w->ways);
	free(w->nodes);
	free(w->places);
}

int ways_calculate(const struct routes *routes, struct ways_iface *ifaces, size_t iface_count,
		   struct ways_table *ret)
{
	int r, v6;

	*ret = (struct ways_table){};
	r = ways_group(ifaces, iface_count) ?: ways_list_ifaces(ifaces, iface_count, ret);
	for (v6 = 0; !r && v6 < 2; v6++) {
		struct ways_work w = { .routes = routes,
				       .ifaces = ifaces,
				       .iface_count = iface_count,
				       .v6 = v6,
				       .ret = ret };

		r = ways_calculate_family(&w);
		ways_work_done(&w);
	}
	if (r) {
		ways_table_done(ret);
		return r;
	}
	ways_fit(ret);
	return 0;
}

void ways_table_done(struct ways_table *t)
{
	free(t->entries);
	free(t->classes);
	free(t->ifaces);
	*t = (struct ways_table){};
}
