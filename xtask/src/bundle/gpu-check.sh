#!/bin/sh
# Checks this machine's GPU once, see README.md.
#
#   ./gpu-check.sh --stage checks    the device, losses against the CPU's, times, an interrupted run
#   ./gpu-check.sh --stage table     then: Table 1's column MNIST at the profile `paper`
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/env.sh"
exec "$here/bin/xtask" gpu-check --vae "$here/bin/vae" "$@"
