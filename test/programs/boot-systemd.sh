#!/bin/bash
# Boots systemd with one unit in separate namespaces, so that the machine is unaffected. Arguments: CHECKOUT SCRATCH.
# systemd is the first process of a pid namespace and has a copy-on-write root; /proc/sys and /sys are read-only.
# It ends with the process that started this script.
set -euo pipefail
checkout=$1 scratch=$2

if [ "${3-}" != inside ]; then
  unified=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET)
  mkdir -p "$unified/introspectd-test"
  echo $$ > "$unified/introspectd-test/cgroup.procs"
  exec unshare --mount --pid --uts --ipc --cgroup --fork --kill-child "$BASH" "$0" "$checkout" "$scratch" inside
fi

mount --make-rprivate /
mount -t tmpfs tmpfs "$scratch"
root=$scratch/root
mkdir "$scratch"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/opt/introspectd" "$root/old"
mount --bind "$checkout" "$root/opt/introspectd"

units=$root/etc/systemd/system
rm -rf "$units"
mkdir -p "$units/introspectd.service.d"
cp "$checkout/deploy/introspectd.service" "$units"
# No other unit is started, and a timeout of half a minute is shortened to two seconds.
printf '[Unit]\nDefaultDependencies=no\n[Service]\nWatchdogSec=2s\n' > "$units/introspectd.service.d/test.conf"
printf '[Unit]\nDefaultDependencies=no\nWants=introspectd.service\n' > "$units/test.target"
echo INTROSPECTD_PORT=0 > "$root/etc/default/introspectd"
ln -sf /opt/introspectd/node_modules/node/bin/node "$root/usr/local/bin/node"
printf '#!/bin/sh\nexec node /opt/introspectd/src/bin.ts "$@"\n' > "$root/usr/local/bin/introspectd"
chmod +x "$root/usr/local/bin/introspectd"

cd "$root"
pivot_root . old
umount --lazy /old
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=test.target --log-target=null --show-status=0
