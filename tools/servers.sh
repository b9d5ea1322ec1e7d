#!/bin/sh
# Has the servers that the tests start for themselves installed, where that can be done.
set -eu
missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ] || missing="$missing mariadb-server"
[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"  # a real SFTP server
ldconfig -p | grep -q libltdl.so.7 || missing="$missing libltdl7"  # of SQL Server's driver
ldconfig -p | grep -q libgssapi_krb5.so.2 || missing="$missing libgssapi-krb5-2"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then root=""; elif sudo -n true 2>/dev/null; then root="sudo"; else root="no"; fi
if [ "$root" = no ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "the tests need these, and only root can install them:$missing" >&2
    exit 2
fi
echo "installing$missing …" >&2
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq >&2
# shellcheck disable=SC2086 # several words on purpose
$root apt-get install -y -qq --no-install-recommends $missing >&2 </dev/null
