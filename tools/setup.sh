#!/bin/sh
# Makes the virtual environment with hygge in it. usage: setup.sh PYTHON FOLDER EXTRAS
set -eu
python=$1 folder=$2 extras=$3
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "hygge needs Python 3.11 or newer; '$python' is not. try: make PYTHON=python3.12 …" >&2
    exit 2
fi
if [ ! -x "$folder/bin/python" ]; then
    echo "making the environment in $folder …" >&2
    "$python" -m venv "$folder"
fi
echo "installing hygge$extras …" >&2
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".$extras"
