#!/usr/bin/env bash
# Debian roots: an old one to link in, an empty one to try a bundle in.
#
#   root.sh check                    says what is missing, and fails, where no root can be made or entered
#   root.sh make DIR SUITE [PACKAGE]...   debootstrap's smallest root of that suite, and these packages
#   root.sh in DIR [--bind FOLDER]... -- COMMAND...
#                                    runs COMMAND in DIR with no network but its own loopback; a bound
#                                    folder has its own path there. It ends, with all it started, with the command
#
# Only root can do this. Mounts are those of a name space of their own: none is left behind.
set -euo pipefail

usage() {
    echo "usage: root.sh check|make DIR SUITE [PACKAGE]...|in DIR [--bind FOLDER]... -- COMMAND..." >&2
    exit 2
}

check() {
    local program missing=""
    if [ "$(id -u)" != 0 ]; then
        echo "only root can make and enter a Debian root" >&2
        return 1
    fi
    for program in debootstrap unshare chroot mount; do
        command -v "$program" >/dev/null || missing="$missing $program"
    done
    if [ -n "$missing" ]; then
        echo "not installed:$missing (Debian's packages debootstrap, util-linux, coreutils and mount have them)" >&2
        return 1
    fi
}

make() {
    local dir=$1 suite=$2
    shift 2
    check
    local packages=$*
    if [ -e "$dir" ] && [ -n "$(ls -A "$dir")" ]; then
        echo "$dir holds something already: give a new folder, or remove it" >&2
        return 1
    fi
    mkdir -p "$dir.partial"
    # The mirror is the one that debootstrap itself takes.
    debootstrap --variant=minbase ${packages:+"--include=${packages// /,}"} "$suite" "$dir.partial" >"$dir.log" 2>&1 || {
        echo "debootstrap $suite failed; the last of $dir.log:" >&2
        tail -n 3 "$dir.log" >&2
        return 1
    }
    rm -rf "$dir.partial"/var/cache/apt/archives/*.deb "$dir.log"
    rmdir "$dir" 2>/dev/null || true
    mv "$dir.partial" "$dir"
}

# Runs inside the new name spaces: "$1" is the root, the folders to bind follow, then -- and the command.
enter() {
    local dir=$1 folder
    shift
    while [ "$1" != -- ]; do
        folder=$1
        shift
        mkdir -p "$dir$folder"
        mount --bind "$folder" "$dir$folder"
    done
    shift
    mount -t proc proc "$dir/proc"
    mount --rbind /dev "$dir/dev"
    exec chroot "$dir" "$@"
}

into() {
    local dir bound=()
    dir=$(cd "$1" && pwd)
    shift
    while [ $# -gt 0 ] && [ "$1" = --bind ]; do
        bound+=("$2")
        shift 2
    done
    [ $# -gt 1 ] && [ "$1" = -- ] || usage
    check
    exec unshare --mount --net --pid --fork --kill-child --propagation private -- "$0" enter "$dir" "${bound[@]}" "$@"
}

case "${1-}" in
check) check ;;
make) [ $# -ge 3 ] || usage; make "${@:2}" ;;
in) [ $# -ge 3 ] || usage; into "${@:2}" ;;
enter) enter "${@:2}" ;;
*) usage ;;
esac
