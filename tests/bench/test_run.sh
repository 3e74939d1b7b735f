#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/bench/run prints, and writes as JSON and Markdown, what its programs have seen: the floods
# and the transfers really run, in their short form, and samples that are made up here have to come
# out as the medians and ratios that they are. No figure of a real run is judged.

set -u

source_dir=${SG_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${SG_BUILD:-$source_dir/build}
number=0

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP needs root, for network namespaces and BPF"
	exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# result NAME COMPLAINTS
result() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - bench: $1"
	else
		echo "not ok $number - bench: $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# Three rounds of each, whose means are not their medians, and whose ratio of medians is not their
# median of ratios.
python3 - >"$work/made_up.json" <<'END'
import json

samples = []
for ns in (100, 110, 900):
	samples.append(dict(table='datapath', row='made up packet', ns=ns, ratio=ns / 50))
samples.append(dict(table='verifier', row='made_up_program', insns=123456, limit=1000000))
for one, two in ((1000, 1500), (2000, 2200), (400, 1600)):
	samples.append(dict(table='cpus', row='one', absorbed_per_sec=one))
	samples.append(dict(table='cpus', row='two', absorbed_per_sec=two))
samples.append(dict(table='memory', row='10^7', sources=1e7, map_bytes_before=1000,
	map_bytes_after=1250))
print(json.dumps(dict(samples=samples)))
END

"$source_dir/tests/bench/run" --build "$build" --quick --only b,c,e,f,g,h --add "$work/made_up.json" \
	--json "$work/json" --markdown "$work/markdown" >"$work/text" 2>"$work/log"
status=$?
[ "$status" -eq 0 ] && log='' || log=$(cat "$work/log" "$work/text")
result it_runs "${log:+status $status; $log}"

# judged CODE: what this Python has to complain about the JSON; same() compares.
judged() {
	python3 - "$work/json" 2>&1 <<END
import json, sys
result = json.load(open(sys.argv[1]))
tables = {t['title']: t for t in result['tables']}
rows = lambda title: [row[0] for row in tables[title]['rows']]
cell = lambda title, row, column: [r[tables[title]['columns'].index(column)]
	for r in tables[title]['rows'] if r[0] == row]
def same(what, got, wanted):
	if got != wanted:
		print('%s: %r, not %r' % (what, got, wanted))
$1
END
}

result the_machine_is_described "$(judged "
same('keys', sorted(result['machine']), ['cpus', 'kernel', 'model'])
same('quick', result['quick'], True)
same('kernel', result['machine']['kernel'], '$(uname -r)')
")"

result every_row_of_a_real_run_is_there "$(judged "
same('saturating', rows('A saturating flood'),
	['kernel cookies', 'synguard', 'reflector', 'XDP_DROP'])
same('paced', rows('500 000 SYN/s offered'), ['calm', 'synguard'])
same('bulk', len(rows('Bulk transfer over one connection')), 6)
same('rates', rows('Answered without loss'), ['kernel cookies', 'synguard', 'reflector', 'XDP_DROP'])
same('daemon', len(rows('The daemon')), 2)
same('walks', [row for row in rows('Half-open connections of a crowded host')
	if row != 'netstat -n'], ['ss -n state syn-recv', 'synguard halfopen --json',
	'synguard halfopen', 'synguard halfopen --by none --json'])
same('doors', rows('Two ways to them, and an established connection meanwhile'),
	['nobody walks', 'sock_diag', 'iter/tcp'])
same('crowd', rows('The daemon on a crowded host'), ['idle', 'crowded', 'afterwards'])
same('mitigation', rows('The mitigation without SYN cookies and with them'),
	['2000 SYN/s, kernel: the mitigation, no cookies', '2000 SYN/s, reqsk: the mitigation and cookies'])
same('ragged', [t['title'] for t in result['tables']
	if any(len(row) != len(t['columns']) for row in t['rows'])], [])
for s in result['samples']:
	if s['table'] == 'saturating' and s['absorbed_per_sec'] < 1000:
		print('%s absorbs nothing' % s['row'])
	if s['table'] == 'rate' and s['per_sec'] and not (0 <= s['loss'] <= 0.001 and s['trials'] > 1 and
			s.get('attempted', 0) == (200 if s['row'] in ('kernel cookies', 'synguard') else 0)):
		print('rate: %r' % s)
	if s['table'] == 'paced' and not s['connected_3s']:
		print('%s: nobody connected' % s['row'])
	if s['table'] == 'walks' and not (s['half_open'] > 1000 and s['established'] == 10000):
		print('walks: %r' % s)
	if s['table'] == 'doors' and s['row'] != 'nobody walks' and not s['found'] > 1000:
		print('doors: %r' % s)
	if s['table'] == 'mitigation' and not (min(s['quiet_life_ms'], s['full_life_ms'],
			s['restored_ms']) >= 0 and s['attempted'] == 150 and
			(s['connected_3s'] > 75) == ('and cookies' in s['row'])):
		print('mitigation: %r' % s)
	if s['table'] == 'daemon' and not (0 < s['flood_cpu_share'] < 2 and
			s['flood_rss_bytes'] > s['flood_anon_bytes'] > 0 and
			s['map_bytes_before'] > 100000):
		print('daemon: %r' % s)
")"

result medians_and_ratios_are_right "$(judged "
same('ns', cell('What a packet costs', 'made up packet', 'ns'), ['110.0'])
same('ratio', cell('What a packet costs', 'made up packet', 'ratio to its yardstick'), ['2.20'])
same('verifier', cell('What the verifier walked through', 'made_up_program', 'of the limit'),
	['12.3 %'])
same('two CPUs', cell('CPUs that flood and are flooded', 'two', 'beside one'), ['1.50'])
same('memory', cell('Memory of the maps, bytes', '10^7', 'ratio'), ['1.250'])
same('target', [(t['measured'], t['reached']) for t in result['targets'] if t['part'] == 'd'],
	[(1.25, False)])
")"

# Five values tell nothing with 95 %; of six, the least and the greatest; of 20, the 6th and the 15th.
result the_range_of_a_median_is_right "$(judged "
from importlib.machinery import SourceFileLoader
import types
run = types.ModuleType('run')
run.__file__ = '$source_dir/tests/bench/run'
sys.dont_write_bytecode = True
SourceFileLoader('run', '$source_dir/tests/bench/run').exec_module(run)
same('of 5', run.median_range([1, 2, 3, 4, 5]), None)
same('of 6', run.median_range([6, 1, 5, 2, 4, 3]), (1, 6))
same('of 20', run.median_range(list(range(20, 0, -1))), (6, 15))
same('of none', run.median_range([]), None)
")"

# The same cells in all three forms.
result text_and_markdown_say_the_same "$(judged "
text, markdown = open('$work/text').read(), open('$work/markdown').read()
for t in result['tables']:
	if '(%s) %s\n' % (t['part'], t['title']) not in text:
		print('text: no table %s' % t['title'])
	for row in t['rows']:
		if '| %s |\n' % ' | '.join(row) not in markdown:
			print('markdown: no row %r' % row)
		if not any(line.split() == ' '.join(row).split() for line in text.splitlines()):
			print('text: no row %r' % row)
")"

ordinary=$(setpriv --reuid 65534 --clear-groups "$source_dir/tests/bench/run" 2>&1)
case $? in
4) ordinary=$(printf '%s\n' "$ordinary" | grep -v 'needs root.*sudo') ;;
*) ordinary="it ran: $ordinary" ;;
esac
result root_is_asked_for "$ordinary"
echo "1..$number"
