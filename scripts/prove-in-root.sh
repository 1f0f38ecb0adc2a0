# What prove-fresh-roots.sh does inside a new root; read from standard input by bash -euo pipefail.
suite=$1
step() { echo "prove-fresh-roots: $suite: $*"; }

export DEBIAN_FRONTEND=noninteractive
# There is no init here that could keep services.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get -qq update
apt-get -qq install -y --no-install-recommends nodejs npm git >/dev/null
step "node $(node --version), npm $(npm --version)"

git -c advice.detachedHead=false -c init.defaultBranch=main clone -q /tmp/emufarm.bundle /root/emufarm
cd /root/emufarm

step "npm start, by somebody who is neither root nor may use sudo"
useradd --create-home somebody
cp -r /root/emufarm /home/somebody/
chown -R somebody /home/somebody/emufarm
code=0
words=$(su somebody -c "cd ~/emufarm && npm start --silent" 2>&1) || code=$?
echo "$words"
[ $code = 2 ] && [ "$(echo "$words" | wc -l)" = 1 ] && [[ $words == *"Type: sudo apt-get"* ]] || {
  step "that should have been one line and exit code 2, not $code"
  exit 1
}

failed=
seconds_since() { awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $1 }"; }
# Passes lines on, and says when the farm was up.
follow() {
  local line
  while IFS= read -r line; do
    echo "$line"
    [[ $line != "emufarm is up"* ]] || step "up after $(seconds_since "$1") s"
  done
}
# Time and exit code of a command, and what it left behind: processes, sockets, temporary files.
prove() {
  local started=$EPOCHREALTIME code=0 left
  "$@" </dev/null 2>&1 | follow "$started" || code=$?
  step "$*: exit code $code after $(seconds_since "$started") s"
  left=$(cat /proc/[0-9]*/comm 2>/dev/null | grep -vxE 'bash|cat|grep' || true)
  left+=$(find /tmp -mindepth 1 -maxdepth 1 -newer /tmp/emufarm.bundle ! -name prove-in-root.sh)
  left+=$(find /run -newer /tmp/emufarm.bundle \( -path '*emufarm*' -o -type s \) ! -type d)
  [ -z "$left" ] || step "$* left behind: $left"
  [ "$code" = 0 ] && [ -z "$left" ] || failed=1
}

# The network is that of the system outside: its ports may be in use.
port=()
node -e 'require("net").createServer().on("error", () => process.exit(1)).listen(7733, "127.0.0.1", () => process.exit())' ||
  port=(-- --port 0)

prove npm start "${port[@]}"
prove npm start "${port[@]}"
prove npm test
[ -z "$failed" ]
