#!/bin/sh
# One of several PostgreSQL servers, of which one takes writes and the others follow it.
#
#   NODE     its own name, as the others know it
#   NODES    all of them: "postgres-1:5432 postgres-2:5432 postgres-3:5432"; the first one makes the book
#   PGDATA   its folder
#   PASSWORD_FILE, REPLICA_PASSWORD_FILE    of the hub's user, and of the servers' among themselves
#
# What it is it decides at each start, and never alone: where another one takes writes it follows that
# one, whatever it was before. So a primary that was given up and comes back does no harm; what it had
# committed and told nobody of is wound back. Never the other way round: who was promoted follows nobody
# who was given up, and waits until a person stops that one. Becoming the primary is an order (docs/runbooks/database.md):
#
#   docker compose exec postgres-2 pg_ctl promote
#
# No commit is answered before one of the others has it on its disk (`ANY 1`): whoever is lost, nothing that was
# acknowledged is lost with it, and one may be away without anybody waiting.
set -eu

USER_OF_HUB=${USER_OF_HUB:-hearthwatch}
BOOK=${BOOK:-hearthwatch}
REPLICA=replica
SOCKETS=${SOCKETS:-/var/run/postgresql}
LISTEN=${LISTEN:-*}
PASSES=$SOCKETS/replica.pass
# What a standby may miss and still go on by itself; one that was away for longer copies all of it.
KEEP=${KEEP:-4GB}
ANSWER_S=3
# How often a server that took writes asks whether another one is there, before it takes them again: alone
# it can answer no commit anyway, and another one may have been promoted since.
ASKED_TIMES=${ASKED_TIMES:-10}

say() { echo "[node] $*" >&2; }

port_of() { echo "${1##*:}"; }
host_of() { echo "${1%:*}"; }
own_port() {
    for node in $NODES; do
        [ "${node%%:*}" = "$NODE" ] || [ "$node" = "$NODE" ] && port_of "$node" && return
    done
    say "NODE=$NODE is none of NODES=$NODES"; exit 2
}

others() { for node in $NODES; do [ "$(port_of "$node")$(host_of "$node")" = "$PORT$HOST" ] || echo "$node"; done; }

asked() {   # asked NODE SQL: what it answers
    psql -qAtX "host=$(host_of "$1") port=$(port_of "$1") user=$REPLICA dbname=postgres passfile=$PASSES connect_timeout=$ANSWER_S" -c "$2" 2>/dev/null
}

# A timeline is one more with each promotion: who has the higher one has what came after.
# A standby whose primary is gone says it by its files alone.
TIMELINE="SELECT max(('x' || left(name, 8))::bit(32)::int) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{8}([.]history|[0-9A-F]{16})\$'"

timeline_of() {   # of another one; 0 where it does not answer, or not SQL's condition $2
    told=$(asked "$1" "$TIMELINE AND ${2:-true}") || told=
    echo "${told:-0}"
}

own_timeline() {
    own=0
    for told in $(LC_ALL=C pg_controldata "$PGDATA" | sed -n "s/^Latest checkpoint's TimeLineID: *//p; s/^Min recovery ending loc's timeline: *//p"); do
        [ "$told" -le "$own" ] || own=$told
    done
    echo "$own"
}

primary() {   # the one of the others that takes writes; of several the one that was promoted last
    found= newest=0
    for node in $(others); do
        timeline=$(timeline_of "$node" "NOT pg_is_in_recovery()")
        [ "$timeline" -le "$newest" ] || { found=$node newest=$timeline; }
    done
    [ -n "$found" ] && echo "$found"
}

anybody() { for node in $(others); do asked "$node" 'SELECT 1' >/dev/null && return; done; return 1; }

waits_for_another() {
    [ -n "$(others)" ] || return 0
    left=$ASKED_TIMES
    until anybody || [ "$left" -le 0 ]; do left=$((left - 1)); sleep 1; done
}

newer() {   # one of the others that has what came after
    for node in $(others); do [ "$(timeline_of "$node")" -gt "$1" ] && echo "$node" && return; done
    return 1
}

# Made beside its place, so that half of one is none.
FRESH=$PGDATA.new

begin() {   # the book's servers begin here
    say "makes the book"
    rm -rf "$FRESH"
    (PGDATA=$FRESH; export PGDATA; begun)
    mv -T "$FRESH" "$PGDATA"
}

begun() {
    initdb --username=postgres --data-checksums --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    cat > "$PGDATA/pg_hba.conf" <<RULES
local all all peer
host replication,postgres $REPLICA samenet scram-sha-256
host $BOOK $USER_OF_HUB samenet scram-sha-256
RULES
    echo "include_if_exists = 'node.conf'" >> "$PGDATA/postgresql.conf"
    # pg_rewind asks for these four and the replica's right.
    postgres --single -j postgres >/dev/null <<SQL
CREATE ROLE $REPLICA LOGIN REPLICATION PASSWORD '$(cat "$REPLICA_PASSWORD_FILE")';

GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), pg_read_binary_file(text), pg_read_binary_file(text, bigint, bigint, boolean) TO $REPLICA;

CREATE ROLE $USER_OF_HUB LOGIN PASSWORD '$(cat "$PASSWORD_FILE")';

GRANT pg_monitor TO $USER_OF_HUB, $REPLICA;

CREATE DATABASE $BOOK OWNER $USER_OF_HUB;

SQL
}

copy() {   # from $1, whole
    say "copies $1"
    rm -rf "$FRESH"
    pg_basebackup --pgdata="$FRESH" --wal-method=stream --checkpoint=fast \
        --dbname="host=$(host_of "$1") port=$(port_of "$1") user=$REPLICA passfile=$PASSES"
    touch "$FRESH/standby.signal"
    mv -T "$FRESH" "$PGDATA"
}

wind_back() {   # to where $1 and this one parted
    say "was the primary, and $1 is: winds back what it had not told anybody of"
    rm -f "$PGDATA/postmaster.pid"
    # pg_rewind would end a crash's recovery by itself, but let go of the log that it needs then.
    postgres --single -D "$PGDATA" -c wal_keep_size="$KEEP" template1 </dev/null >/dev/null
    if ! pg_rewind --target-pgdata="$PGDATA" \
        --source-server="host=$(host_of "$1") port=$(port_of "$1") user=$REPLICA dbname=postgres passfile=$PASSES"; then
        say "can't be wound back: empty its folder ($PGDATA), and it copies the primary"; exit 1
    fi
    touch "$PGDATA/standby.signal"
}

PORT=$(own_port)
HOST=${NODE%%:*}
(umask 077; printf '*:*:*:%s:%s\n' "$REPLICA" "$(cat "$REPLICA_PASSWORD_FILE")" > "$PASSES")
first=${NODES%% *}

took_writes() { [ -e "$PGDATA/PG_VERSION" ] && [ ! -e "$PGDATA/standby.signal" ]; }

if took_writes; then waits_for_another; fi
if now=$(primary); then
    if [ ! -e "$PGDATA/PG_VERSION" ]; then copy "$now"
    elif took_writes; then
        if [ "$(timeline_of "$now")" -lt "$(own_timeline)" ]; then
            say "$now takes writes although it was given up, and this one has what came after: stop $now, then it follows"
            sleep "$ANSWER_S"; exit 1
        fi
        wind_back "$now"
    fi
elif took_writes; then
    if other=$(newer "$(own_timeline)"); then
        say "another one took its place since, $other knows of it: waits for that one, or for a promotion"
        sleep "$ANSWER_S"; exit 1
    fi
elif [ ! -e "$PGDATA/PG_VERSION" ]; then
    if [ "$(host_of "$first")$(port_of "$first")" != "$HOST$PORT" ]; then
        say "waits for a primary to copy"; sleep "$ANSWER_S"; exit 1
    fi
    if anybody; then
        say "has nothing, and others have a book but no primary: promote one of them first"; sleep "$ANSWER_S"; exit 1
    fi
    begin
fi

names= hosts= ports=
for node in $NODES; do
    names="$names${names:+, }\"$(host_of "$node")-$(port_of "$node")\""
    hosts="$hosts${hosts:+,}$(host_of "$node")"
    ports="$ports${ports:+,}$(port_of "$node")"
done
# In a file, so that ALTER SYSTEM can say otherwise in an emergency.
cat > "$PGDATA/node.conf" <<SETTINGS
listen_addresses = '$LISTEN'
synchronous_standby_names = 'ANY 1 ($names)'
primary_conninfo = 'host=$hosts port=$ports user=$REPLICA passfile=$PASSES application_name=$HOST-$PORT target_session_attrs=primary connect_timeout=$ANSWER_S keepalives_idle=4 keepalives_interval=2 keepalives_count=3'
recovery_target_timeline = latest
hot_standby = on
wal_log_hints = on
wal_keep_size = $KEEP
max_wal_senders = 10
wal_receiver_timeout = 10s
wal_sender_timeout = 10s
wal_retrieve_retry_interval = 1s
SETTINGS
exec postgres -D "$PGDATA" -p "$PORT" -k "$SOCKETS" "$@"
