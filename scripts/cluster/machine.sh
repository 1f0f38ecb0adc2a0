#!/bin/bash
# PID 1 of one machine of a cluster: machine.sh FOLDER. Started in fresh namespaces for network, mounts, processes, names
# and IPC, with MACHINE, CGROUP, TOOLS and KEYS in its environment. It makes them look like a machine, then keeps its
# daemons alive.
set -u
folder=$1

# Cgroups are no namespace here: it joins its own, but leaves one that its caller was put into: that is somebody's
# accounting. Where there is but one hierarchy (v2), it joins in any case: otherwise it could not be frozen.
while IFS=: read -r _ controllers path; do
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then mount=/sys/fs/cgroup path=/
  elif [ -z "$controllers" ]; then mount=/sys/fs/cgroup/unified
  else mount=/sys/fs/cgroup/${controllers#name=}; fi
  [ "$path" = / ] && echo $$ >"$mount/$CGROUP/daemons/cgroup.procs"
done </proc/1/cgroup

# A /run, /tmp and /var of its own, so that every program can use its default paths. What it needs of the host's goes
# to one place first, wherever it lies. As on a real machine /run does not survive a power cut.
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/cluster/{tools,keys,machine,sysctl} /run/lock
mount --bind "$TOOLS" /run/cluster/tools
mount --bind "$KEYS" /run/cluster/keys
mount --bind "$folder" /run/cluster/machine
mount --bind /run/cluster/machine/disk /var
mkdir -p /var/lib /var/log/pods /var/tmp
ln -sfn /run /var/run
mount -t tmpfs -o mode=1777 tmp /tmp

# /sys anew, so that it shows this network; cgroups as they are.
mkdir /run/cluster/cgroup
mount --rbind /sys/fs/cgroup /run/cluster/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/cluster/cgroup /sys/fs/cgroup
umount -l /run/cluster/cgroup

# The kubelet would set these, and they are the whole host's: it is shown files that hold what it wants.
show() {
  local file=/run/cluster/sysctl/${1//\//-}
  echo "$2" >"$file"
  mount --bind "$file" "/proc/sys/$1"
}
show vm/overcommit_memory 1
show vm/panic_on_oom 0
show kernel/panic 10
show kernel/panic_on_oops 1
show kernel/keys/root_maxkeys 1000000
show kernel/keys/root_maxbytes 25000000
# A node whose value has changed was booted again.
show kernel/random/boot_id "$(</proc/sys/kernel/random/uuid)"
[ -s "$folder/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >/run/cluster/machine/machine-id
[ -e /etc/machine-id ] && mount --bind /run/cluster/machine/machine-id /etc/machine-id

# After all other mounts: a group of peers of its own, so that mounts reach pods, and nothing reaches the host.
mount --make-rshared /
echo "$MACHINE" >/proc/sys/kernel/hostname
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link set lo up

# A daemon that ends is started again, unless it was told to stay off.
keep() {
  local name=$1
  while :; do
    if [ ! -e "/run/cluster/machine/off/$name" ]; then
      "/run/cluster/machine/daemons/$name" >>"/run/cluster/machine/log/$name.log" 2>&1 &
      echo $! >"/run/$name.pid"
      wait $!
    fi
    sleep 1
  done
}

# Its cable is put in from outside.
until ip -4 address show scope global | grep -q inet || [ "$MACHINE" = switch ]; do sleep 0.05; done
for daemon in /run/cluster/machine/daemons/*; do
  [ -x "$daemon" ] && keep "${daemon##*/}" &
done
# bash reaps what loses its parent while it waits.
while :; do
  sleep 3600 &
  wait $!
done
