#!/usr/bin/env bash
# A real Slurm on this host, for tests: its own munged, one slurmctld and four slurmd, none of which
# touches another Slurm of the host.
#
#   cluster.sh check       says what is missing, and fails, where a cluster cannot be started
#   cluster.sh install     installs Debian's packages, if they are not there
#   cluster.sh start DIR   then: export SLURM_CONF=DIR/slurm.conf. It ends with the calling process
#   cluster.sh stop DIR
#
# Debian 12's packages (Slurm 22.05) were tried. All its files are in DIR, its five ports lie
# between 20000 and 30000, so that several can run beside each other.
set -euo pipefail

usage() {
    echo "usage: cluster.sh check|install|start DIR|stop DIR" >&2
    exit 2
}

missing() {
    local program
    for program in munged mungekey slurmctld slurmd sbatch squeue scancel scontrol sinfo; do
        command -v "$program" >/dev/null || echo -n " $program"
    done
}

check() {
    if [ "$(id -u)" != 0 ]; then
        echo "only root can start a Slurm of its own" >&2
        return 1
    fi
    local programs
    programs=$(missing)
    if [ -n "$programs" ]; then
        echo "not installed:$programs (Debian's packages slurm-wlm and munge have them)" >&2
        return 1
    fi
}

install() {
    [ -n "$(missing)" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "Slurm is not installed, and only root of a Debian or Ubuntu can do that here" >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update && apt-get install -y --no-install-recommends slurm-wlm munge; } >/dev/null 2>&1; then
        echo "the packages slurm-wlm and munge could not be installed: try apt-get, which says more" >&2
        return 1
    fi
}

configure() {
    local dir=$1 host=$2 port=$((20000 + $$ % 1000 * 10))
    cat >"$dir/slurm.conf" <<CONF
ClusterName=vae-test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# More CPUs than there are: the tests need turns, not speed.
SlurmdParameters=config_overrides
# What a test sets down stays down.
ReturnToService=0
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
# Seconds between its looks at the queue.
SchedulerParameters=bf_interval=2,sched_interval=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
# Arrays of three tasks.
MaxArraySize=4
KillWait=5
NodeName=n[1-4] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 4))] CPUs=8 State=UNKNOWN
PartitionName=all Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
# One of these nodes is set down.
PartitionName=pair Nodes=n[3-4] MaxTime=INFINITE State=UP
CONF
}

start() {
    local dir=$1 node
    check
    mkdir -p "$dir"/{state,log,munge}
    # Its socket is looked for by everybody.
    chmod 755 "$dir"
    configure "$dir" "$(hostname -s)"
    mungekey --create --force --keyfile="$dir/munge/key"
    munged --force --socket="$dir/munge.socket" --key-file="$dir/munge/key" --pid-file="$dir/munged.pid" \
        --log-file="$dir/log/munged.log" --seed-file="$dir/munge/seed" --num-threads=2
    # In a session of its own: Ctrl-C ends the caller, not the watch.
    setsid "$0" watch "$dir" "$PPID" </dev/null >/dev/null 2>&1 &
    export SLURM_CONF="$dir/slurm.conf"
    slurmctld -c
    for node in n1 n2 n3 n4; do slurmd -N "$node"; done
    for _ in $(seq 60); do
        [ "$(sinfo -h -t idle -N -o %N 2>/dev/null | sort -u | wc -l)" != 4 ] || return 0
        sleep 0.5
    done
    sinfo >&2 || true
    echo "the nodes did not come up: see $dir/log" >&2
    return 1
}

stop() {
    local dir=$1 pid
    [ -e "$dir/slurm.conf" ] || return 0
    export SLURM_CONF="$dir/slurm.conf"
    # What a failed test has left.
    if scancel --me 2>/dev/null; then
        for _ in $(seq 20); do
            [ -n "$(squeue --me --noheader 2>/dev/null)" ] || break
            sleep 0.5
        done
    fi
    for pid in "$dir"/slurmd-*.pid "$dir"/slurmctld.pid "$dir"/munged.pid; do
        [ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || true
    done
    # Each removes the file of its number as it ends.
    for _ in $(seq 20); do
        compgen -G "$dir/*.pid" >/dev/null || break
        sleep 0.5
    done
}

watch() {
    while kill -0 "$2" 2>/dev/null; do sleep 1; done
    stop "$1"
}

case ${1:-} in
check) check ;;
install) install ;;
start | stop)
    [ -n "${2:-}" ] || usage
    "$1" "$(realpath -m "$2")"
    ;;
watch) watch "$2" "$3" ;;
*) usage ;;
esac
