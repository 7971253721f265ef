#!/usr/bin/env bash
# Simulated homes and a real gateway process for each of their villages; for trying an installation
# out. Ends as a whole when any of them ends. The hub has to know the same homes:
#   homes.sh roster > homes.toml
set -euo pipefail

homes=${HOMES:-24}
broker=${BROKER:-mosquitto:1883}
data=${DATA:-/var/lib/hearthwatch}
password=${PASSWORD_FILE:-/run/secrets/simulator-password}

if [ "${1:-}" = roster ]; then
    exec hearthwatch simulate roster --homes "$homes" --out /dev/stdout
fi

login=(--homes "$homes" --broker "$broker" --username simulator --password-file "$password"
    --pty-dir "$data/lines")
hearthwatch simulate roster "${login[@]}" --out "$data/homes.toml" --gateways "$data/gateways"

trap 'kill $(jobs -p) 2>/dev/null || true; wait; exit 0' TERM INT
hearthwatch simulate run "${login[@]}" &
for config in "$data"/gateways/*.toml; do
    hearthwatch gateway --config "$config" &
done
# A child that ends by itself takes the others along: whoever restarts us restarts all.
wait -n || true
echo "a process of the simulated homes ended" >&2
kill $(jobs -p) 2>/dev/null || true
wait
exit 1
