#!/usr/bin/env bash
# Proves the two commands where nothing was installed by hand: `npm start` and `npm test` in a new Debian each, made by
# debootstrap from this system's own mirror. Needs root. Usage: prove-fresh-roots.sh [bookworm] [trixie]
# With EMUFARM_TEST_QEMU=0 the farm's own QEMU is not built in each, which takes longer than all the rest.
#
# Everything happens in namespaces of its own, so that whatever becomes of this script, no mount and no process stays.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
cache=${EMUFARM_CACHE:-/var/cache/emufarm}/roots
certificates=/etc/lent.crt

say() { echo "prove-fresh-roots: $*"; }

# Prints the mirror that this system takes Debian from.
mirror() {
  node --input-type=module -e '
    const { systemSources } = await import(`${process.argv[1]}/scripts/setup/apt-sources.mjs`);
    const isDebian = ({ uri, components }) => /\/debian\/?$/.test(uri) && components.includes("main");
    const { uri } = systemSources().find(isDebian) ?? {};
    if (uri === undefined) throw new Error("apt on this system names no Debian mirror");
    console.log(uri);
  ' "$project"
}

# A new root, unpacked from a base that is made once.
make_root() {
  local suite=$1 base=$cache/$1.tar
  if [ ! -f "$base" ]; then
    say "$suite: debootstrap"
    mkdir -p "$cache"
    debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$cache/$suite.log" 2>&1 || {
      tail -n 20 "$cache/$suite.log"
      return 1
    }
    tar -C "$root" -cf "$base.new" . && mv "$base.new" "$base"
  else
    tar -C "$root" -xf "$base"
  fi
}

# What the network needs here: names, proxies, certificates. Nothing of it is a part of the proof.
lend_network() {
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  apt-config dump | grep -E '^Acquire::.*(Proxy|CaInfo|Check-)' >"$root/etc/apt/apt.conf.d/99host" || true
  # Not as the root's own list, which belongs to its package ca-certificates.
  [ ! -f /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root$certificates"
}

# Runs in its own namespaces of mounts and processes.
inside() {
  local suite=$1 root=$2
  mount --make-rprivate /
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  mkdir "$root/dev/shm" "$root/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  local node
  for node in null zero full random urandom tty; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
  done

  local lent=()
  if [ -f "$root$certificates" ]; then
    lent=("npm_config_cafile=$certificates" "NODE_EXTRA_CA_CERTS=$certificates" "SSL_CERT_FILE=$certificates" "PIP_CERT=$certificates")
  fi
  env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} \
    ${EMUFARM_TEST_QEMU:+EMUFARM_TEST_QEMU="$EMUFARM_TEST_QEMU"} \
    "${lent[@]}" npm_config_registry="$(npm config get registry 2>/dev/null)" \
    chroot "$root" /bin/bash -euo pipefail /tmp/prove-in-root.sh "$suite"
}

if [ "${1:-}" = --inside ]; then
  inside "$2" "$3"
  exit
fi

root=
child=
clean_up() {
  # All processes of the namespace end with its first one, and the mounts with the namespace.
  [ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true
  [ -z "$child" ] || wait "$child" 2>/dev/null || true
  [ -z "$root" ] || rm -rf --one-file-system "$root"
  child=
  root=
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

prove() {
  local suite=$1 started=$SECONDS code=0
  root=$(mktemp -d "${TMPDIR:-/tmp}/fresh-$suite.XXXXXX")
  # `set -e` does not hold in a function whose result is asked for.
  make_root "$suite" && chmod 755 "$root" && lend_network || return
  git -C "$project" bundle create -q "$root/tmp/emufarm.bundle" HEAD || return
  cp "$project/scripts/prove-in-root.sh" "$root/tmp/" || return
  say "$suite: the root is ready after $((SECONDS - started)) s"
  unshare --mount --pid --fork --kill-child "$0" --inside "$suite" "$root" </dev/null &
  child=$!
  wait "$child" || code=$?
  clean_up
  return $code
}

[ "$(id -u)" = 0 ] || { say "needs root, for chroot and mounts"; exit 2; }
for program in debootstrap unshare node npm git; do
  command -v $program >/dev/null || { say "needs $program"; exit 2; }
done
mirror=$(mirror)
failed=
[ $# -gt 0 ] || set -- bookworm trixie
for suite in "$@"; do
  if prove "$suite"; then
    say "$suite: proven"
  else
    say "$suite: NOT proven"
    failed=1
  fi
done
[ -z "$failed" ]
