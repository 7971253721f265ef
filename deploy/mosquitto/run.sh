#!/bin/sh
# mosquitto, which reads its list of revoked certificates and its own certificate again when there is
# a new one.
#
#     run.sh /etc/hearthwatch/broker/mosquitto.conf
#
# Where systemd runs mosquitto, deploy/systemd/hearthwatch-broker-reload.path does the same.
set -eu
conf=$1
# Two seconds are nothing beside the day that a stolen gateway is noticed; a look costs nothing.
look_s=2

sums() {
    sed -n -e 's/^crlfile //p' -e 's/^certfile //p' "$conf" | while read -r file; do
        cksum "$file" 2>/dev/null || true
    done
}
mosquitto=$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto)
"$mosquitto" -c "$conf" &
broker=$!
trap 'kill -TERM "$broker" 2>/dev/null || true' TERM INT HUP

before=$(sums)
while kill -0 "$broker" 2>/dev/null; do
    # Not in the foreground: a signal must not wait for it.
    sleep "$look_s" &
    wait $! || true
    now=$(sums)
    if [ -n "$now" ] && [ "$now" != "$before" ]; then
        before=$now
        kill -HUP "$broker" 2>/dev/null || true
    fi
done
wait "$broker"
