#!/bin/sh
# Boots a scratch copy of a system: `boot.sh outer FOLDER systemd|packages|none ROOT`, as root, in mount and network namespaces
# that are not the machine's own. ROOT is / for this machine's. Process 1 is its systemd, or a process that only waits. With
# `packages` its systemd finds the units of packages too, and starts none of those that are there.
#
# Nothing inside can reach the machine: the whole file system is the lower layer of an overlay whose upper one is
# memory, /run, /tmp and /dev are new, /proc/sys is read-only apart from the network's own, and systemd finds no unit
# but those written below. So no tmpfiles.d, no sysctl.d and no service of the machine takes effect.
set -eu

outer() {
  folder=$1
  mount -t tmpfs tmpfs "$folder"
  mkdir "$folder/upper" "$folder/work" "$folder/root" "$folder/cgroup"
  mount -t overlay overlay -o "lowerdir=$3,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
  mount -t cgroup2 cgroup2 "$folder/cgroup"
  # A child of the cgroup this runs in, so that it falls under the same limits.
  cgroup=$folder/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/homeward-test-$(basename "$folder")
  mkdir "$cgroup"
  echo "$cgroup" >"$folder/cgroup-path"
  echo $$ >"$cgroup/cgroup.procs"
  # Whoever wants in takes this process's only child.
  echo $$ >"$folder/parent"
  exec unshare --pid --mount --ipc --uts --cgroup --fork --kill-child sh "$0" inner "$folder" "$2"
}

inner() {
  cd "$1/root"
  mount -t proc proc proc
  mount --bind proc/sys proc/sys
  mount -o remount,bind,ro proc/sys
  mount --bind proc/sys/net proc/sys/net
  mount -o remount,bind,rw proc/sys/net
  mount -t sysfs sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs -o mode=1777 tmpfs tmp
  mount -t tmpfs -o mode=755 tmpfs dev
  mkdir run/lock dev/net dev/pts dev/shm
  mknod -m 666 dev/null c 1 3
  mknod -m 666 dev/zero c 1 5
  mknod -m 666 dev/random c 1 8
  mknod -m 666 dev/urandom c 1 9
  mknod -m 666 dev/tty c 5 0
  mknod -m 666 dev/net/tun c 10 200
  ln -s /proc/self/fd dev/fd
  ln -s fd/0 dev/stdin
  ln -s fd/1 dev/stdout
  ln -s fd/2 dev/stderr
  mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  mkdir old
  pivot_root . old
  cd /
  umount --lazy /old
  hostname scratch
  write_units /etc/systemd/system
  if [ "$2" = none ]; then
    touch /run/ready
    # Ignored (signal(7)), so that what dies leaves no zombie. dash would not ignore it.
    exec env --ignore-signal=CHLD sleep infinity >/dev/null 2>&1
  fi
  export SYSTEMD_UNIT_PATH=/etc/systemd/system container=scratch
  if [ "$2" = packages ]; then
    rm -rf /usr/lib/systemd/system/*.wants /usr/sbin/policy-rc.d
    export SYSTEMD_UNIT_PATH=/run/systemd/system.control:/etc/systemd/system:/usr/lib/systemd/system
  fi
  exec /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=no \
    </dev/null >/dev/null 2>&1
}

# `boot.sh end FOLDER`, in the same namespaces as outer: ends it and takes its cgroups away.
end() {
  parent=$(cat "$1/parent")
  # shellcheck disable=SC2046 # a list of words
  kill -KILL $(cat "/proc/$parent/task/$parent/children") || true
  tries=0
  # The kernel takes its time to empty the cgroups of the dead.
  until [ ! -e "/proc/$parent" ] && find "$(cat "$1/cgroup-path")" -depth -type d -exec rmdir {} + 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 400 ] || exit 1
    sleep 0.05
  done
}

# The few units that a service's default dependencies name (systemd.special(7)), empty; and the journal.
write_units() {
  rm -rf "$1"
  mkdir -p "$1"
  for target in sysinit basic network shutdown umount sockets paths timers slices time-set local-fs final; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$1/$target.target"
  done
  cat >"$1/ready.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=touch /run/ready
UNIT
  cat >"$1/multi-user.target" <<'UNIT'
[Unit]
Requires=basic.target systemd-journald.service ready.service
After=basic.target systemd-journald.service ready.service
AllowIsolate=yes
UNIT
  cp /lib/systemd/system/systemd-journald.service /lib/systemd/system/systemd-journald.socket \
    /lib/systemd/system/systemd-journald-dev-log.socket "$1/"
}

"$@"
