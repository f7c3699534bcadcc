#!/usr/bin/env bash
# Makes a golden data directory with the orrery that wrote a format version:
#
#   make.sh BINARY NAME [DIR]
#
# leaves NAME.tar.zst in DIR, beside this script if there is none: the data
# directory of a server that was killed, its specs, and in answers.ndjson what its
# clients were told.
# A file that exists is not overwritten: a golden log is made once, by the
# version it is named after, and read by every later one.
#
# The life that it records has what a log can have: decisions without a model, by
# boosted trees, by a forest and by calibrated logistic regression, a changed
# spec, reports, restarts, checkpoints, and a tail that only the write-ahead log has.
set -euo pipefail
binary=$(realpath "$1") name=$2
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${3:-$here}" && pwd)
systems=$here/../../../systems/fraud
[ ! -e "$out/$name.tar.zst" ] || { echo "$name.tar.zst exists"; exit 1; }
work=$(mktemp -d)
trap 'kill -9 $server 2>/dev/null || true; rm -rf "$work"' EXIT
server=
cd "$work"
mkdir golden
cp "$systems/system.yaml" golden/first.yaml
cp "$systems/rich.yaml" golden/second.yaml
sed 's/train: {range: 7d}/train: {range: 7d, calibrate: true}/' "$systems/system.yaml" >golden/third.yaml

# Transactions, one an hour and a half from a fixed day on; every ninth terminal
# is bad for a while, and its frauds are reported two days later.
awk 'BEGIN {
  srand(7); s = 42
  for (i = 0; i < 900; i++) {
    s = (s * 1103515245 + 12345) % 2147483648; c = int(s / 65536) % 23
    s = (s * 1103515245 + 12345) % 2147483648; t = int(s / 65536) % 17
    s = (s * 1103515245 + 12345) % 2147483648; a = int(s / 65536) % 30000
    fraud = (t % 9 == 3) || a > 28500
    at = 1522540800 + i * 5400 + (s % 997)
    printf "%d\tT\t{\"transaction_id\":\"t%d\",\"at\":\"%s\",\"customer\":\"c%d\",\"terminal\":\"m%d\",\"amount\":%d.%02d}\n", i, i, stamp(at), c, t, a / 100, a % 100
    printf "%d\tR\t{\"report_id\":\"r%d\",\"at\":\"%s\",\"transaction_id\":\"t%d\",\"customer\":\"c%d\",\"terminal\":\"m%d\",\"fraud\":%s}\n", i + 32, i, stamp(at + 172800), i, c, t, fraud ? "true" : "false"
  }
}
function stamp(x) { return strftime("%Y-%m-%dT%H:%M:%SZ", x, 1) }' | sort -s -n -k1,1 >events.tsv

start() {
  rm -f golden/data/server.json
  "$binary" up "golden/$1.yaml" --data golden/data --addr 127.0.0.1:0 >>server.log 2>&1 &
  server=$!
  until [ -s golden/data/server.json ] && address=$(jq -er .address golden/data/server.json) && curl -fs "http://$address/readyz" >/dev/null; do
    kill -0 $server || { cat server.log; exit 1; }
    sleep 0.05
  done
}
stop() { kill "-$1" $server; wait $server || true; }
# send FROM TO: the events of that part of the file, in order, as runs of one type.
send() {
  awk -F'\t' -v from="$1" -v to="$2" 'NR > from && NR <= to { print $2 > "type"; if ($2 != last) { n++ ; last = $2 } printf "%s\n", $3 > sprintf("run.%06d.%s", n, $2) }' events.tsv
  for run in run.*; do
    case $run in
    *.T) curl -fsS -H 'Content-Type: application/x-ndjson' --data-binary "@$run" "http://$address/v1/systems/fraud/decisions" >>answers ;;
    *.R) curl -fsS -H 'Content-Type: application/x-ndjson' --data-binary "@$run" "http://$address/v1/systems/fraud/events/fraud_report" >/dev/null ;;
    esac
  done
  rm -f run.*
}
post() { curl -fsS -H 'Content-Type: application/json' -d "$2" "http://$address/v1/systems/fraud/$1" | tee -a server.log >/dev/null; }

start first
send 0 1100
post train '{"range": "2018-04-03..2018-04-30"}'
send 1100 1250
sleep 6 # a checkpoint of its own
post train '{"model": "forest", "range": "2018-04-03..2018-04-30"}'
send 1250 1350
stop TERM
start second
send 1350 1500
post train '{"range": "2018-04-03..2018-04-30"}'
send 1500 1600
stop KILL
start third
post train '{"model": "logistic", "range": "2018-04-03..2018-05-08"}'
send 1600 1800
post verify '{}'
stop KILL
server=

rm -f golden/data/server.json golden/data/LOCK
jq -c '{decision_id, event_id, score, action, rule: .rule.index, release, fallback: (.fallback // "")}' answers >golden/answers.ndjson
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - golden | zstd -q -19 -o "$out/$name.tar.zst"
tail -n 6 server.log
ls -l "$out/$name.tar.zst"
