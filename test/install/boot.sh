#!/bin/sh
# Boots a scratch copy of a system: `boot.sh outer FOLDER systemd|packages|whole|none ROOT`, as root, in mount and network
# namespaces that are not the machine's own. ROOT is / for this machine's. Process 1 is its systemd, or a process that only waits.
# With `packages` its systemd finds the units of packages too, and starts none of those that are there. With `whole` it boots as
# that system boots, with all that is enabled there, so ROOT is not this machine's.
#
# Nothing inside can reach the machine: the whole file system is the lower layer of an overlay whose upper one is
# memory, /run, /tmp and /dev are new, /proc/sys is read-only apart from the network's own, and systemd finds no unit
# but those written below. So no tmpfiles.d, no sysctl.d and no service of the machine takes effect. With `whole` those of ROOT
# do, without the capabilities that reach the kernel, and with a /sys that is read-only, as in a container.
set -eu

outer() {
  folder=$1
  mount -t tmpfs tmpfs "$folder"
  mkdir "$folder/upper" "$folder/work" "$folder/root" "$folder/cgroup"
  mount -t overlay overlay -o "lowerdir=$3,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
  mount -t cgroup2 cgroup2 "$folder/cgroup"
  again "$1" "$2" rw
}

# `boot.sh again FOLDER MODE rw|ro`, after `end`: boots it once more, from the disk that it left. With ro that is read-only.
again() {
  folder=$1
  # A child of the cgroup this runs in, so that it falls under the same limits.
  cgroup=$folder/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/homeward-test-$(basename "$folder")
  mkdir "$cgroup"
  echo "$cgroup" >"$folder/cgroup-path"
  echo $$ >"$cgroup/cgroup.procs"
  # Whoever wants in takes this process's only child.
  echo $$ >"$folder/parent"
  exec unshare --pid --mount --ipc --uts --cgroup --fork --kill-child sh "$0" inner "$folder" "$2" "$3"
}

inner() {
  cd "$1/root"
  mount -t proc proc proc
  mount --bind proc/sys proc/sys
  mount -o remount,bind,ro proc/sys
  mount --bind proc/sys/net proc/sys/net
  mount -o remount,bind,rw proc/sys/net
  mount -t sysfs sysfs sys
  [ "$2" != whole ] || mount -o remount,ro sys
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
  mkdir -p old
  pivot_root . old
  cd /
  umount --lazy /old
  hostname scratch
  if [ "$2" = whole ]; then
    [ -e /etc/systemd/system/ready.service ] || adapt_system
    # Both named, so that the options of the overlay are not given again, which it refuses (mount(8), remount).
    [ "$3" = rw ] || mount -o remount,ro overlay /
    export container=scratch
    exec setpriv --bounding-set="$NOT_THE_KERNEL" /lib/systemd/systemd --system --unit=multi-user.target --show-status=no \
      </dev/null >/dev/null 2>&1
  fi
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

# Capabilities that reach more than the namespaces.
readonly NOT_THE_KERNEL=-sys_time,-sys_module,-sys_rawio,-sys_boot,-syslog,-mknod,-audit_control,-audit_read,-mac_admin,-mac_override,-wake_alarm,-block_suspend

# A system made by mmdebstrap, as one that was booted before: firewalls are started by who wants them, and what is the kernel's
# for all of the machine is not mounted.
adapt_system() {
  tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
  for off in firewalld ufw nftables NetworkManager; do rm -f /etc/systemd/system/*.wants/$off.service; done
  for off in sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount proc-sys-fs-binfmt_misc.automount; do
    ln -s /dev/null "/etc/systemd/system/$off"
  done
  mkdir -p /etc/systemd/system/multi-user.target.wants
  write_ready /etc/systemd/system
  ln -s ../ready.service /etc/systemd/system/multi-user.target.wants/
}

write_ready() {
  cat >"$1/ready.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=touch /run/ready
UNIT
}

# The few units that a service's default dependencies name (systemd.special(7)), empty; and the journal.
write_units() {
  rm -rf "$1"
  mkdir -p "$1"
  for target in sysinit basic network shutdown umount sockets paths timers slices time-set local-fs final; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$1/$target.target"
  done
  write_ready "$1"
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
