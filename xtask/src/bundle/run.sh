#!/bin/sh
# Makes the runs of a table that are missing, and renders it. No Rust and no network are needed.
#
#   ./run.sh                       the runs that the file `cells` lists
#   ./run.sh RECIPE [OPTION]...    those of a folder of results/ (./run.sh --help lists the options)
#   ./run.sh [RECIPE] --dry-run    says which they are
#
# Stop it at any moment: the same command continues. Options without a recipe, such as
# `--threads 8 --device cuda`, are added to each line of `cells`.
set -euf
here=$(dirname "$(readlink -f "$0")")
. "$here/env.sh"

reproduce() {
    "$here/bin/xtask" reproduce "$@" --offline --vae "$here/bin/vae"
}

case "${1-}" in
-h | --help) exec "$here/bin/xtask" reproduce --help ;;
"" | -*) ;;
*)
    reproduce "$@"
    exit
    ;;
esac

failed=0
while IFS= read -r cell || [ -n "$cell" ]; do
    case "$cell" in "" | "#"*) continue ;; esac
    echo "==> $cell $*" >&2
    status=0
    # A line is words, without quotes.
    # shellcheck disable=SC2086
    reproduce $cell "$@" </dev/null || status=$?
    # Stopped by a signal: the other lines are not begun.
    [ "$status" -lt 128 ] || exit "$status"
    [ "$status" = 0 ] || failed=$status
done <"$here/cells"
exit "$failed"
