#!/bin/sh
# The program vae with the libtorch and the data of this bundle.
set -eu
here=$(dirname "$(readlink -f "$0")")
. "$here/env.sh"
exec "$here/bin/vae" "$@"
