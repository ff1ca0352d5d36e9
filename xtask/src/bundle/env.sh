# Where the parts of this bundle are, for the scripts beside it: they set `here` and read this file.

LIBTORCH=${VAE_LIBTORCH:-$here/libtorch}
if [ "$LIBTORCH" = python ]; then
    LIBTORCH=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') || {
        echo "error: VAE_LIBTORCH=python, but python3 has no torch here; name the folder of a libtorch instead" >&2
        exit 2
    }
fi
if [ ! -e "$LIBTORCH/lib/libtorch_cpu.so" ]; then
    echo "error: no libtorch in $LIBTORCH (there is no lib/libtorch_cpu.so)." >&2
    echo "       VAE_LIBTORCH=DIR names a libtorch @LIBTORCH@, or the folder of a Python package torch of that version;" >&2
    echo "       VAE_LIBTORCH=python asks python3 for its own" >&2
    exit 2
fi
libtorch_version=$(cat "$LIBTORCH/build-version" 2>/dev/null ||
    sed -n "s/^__version__ = '\(.*\)'/\1/p" "$LIBTORCH/version.py" 2>/dev/null || true)
case "$libtorch_version" in
@LIBTORCH@ | @LIBTORCH@+*) ;;
*)
    echo "error: the libtorch in $LIBTORCH has version ${libtorch_version:-unknown}, and vae needs @LIBTORCH@" >&2
    exit 2
    ;;
esac
export LIBTORCH
export LD_LIBRARY_PATH="$LIBTORCH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

if [ -z "${VAE_DATA_DIR-}" ] && [ -d "$here/data" ]; then
    export VAE_DATA_DIR="$here/data"
fi
export VAE_CACHE_DIR="${VAE_CACHE_DIR:-$here/cache}"

# The helper program looks for results/ beside this folder.
export CARGO_MANIFEST_DIR="$here/xtask"
