#!/bin/busybox sh
# The first and only program of the guest that guest_test.sh boots: a machine with cgroup
# version 2 alone and Debian's kernel. Prints a line for each check, and "passed" or "failed".
# shellcheck shell=dash
export PATH=/bin HOME=/root
cgroups=/sys/fs/cgroup
failures=0
# shellcheck disable=SC2016  # for the shell inside
busy='i=0; while [ $i -lt 6000 ]; do i=$((i + 1)); done'

# check WHAT COMMAND...: the command succeeds.
check() {
  what=$1
  shift
  if "$@"; then echo "ok: $who: $what"; else failures=$((failures + 1)); echo "NOT OK: $who: $what"; tail -n 3 /tmp/said; fi
}

# try STATUS COMMAND...: ends with STATUS; what it said is in /tmp/said.
try() {
  wanted=$1
  shift
  "$@" > /tmp/said 2>&1
  status=$?
  [ $status = "$wanted" ] || { echo "status $status instead of $wanted" >> /tmp/said; return 1; }
}

says() { grep -q -e "$1" /tmp/said; }
run() { wanted_status=$1; shift; try "$wanted_status" $as carrel run "$@"; }
refused() { run 125 "$@"; }

# shellcheck disable=SC2016  # for the shell that su starts
as_user() { su -s /bin/sh -- user -c 'exec "$@"' sh "$@"; }

nothing_left() {
  find $cgroups -name 'carrel-[0-9]*' > /tmp/said
  [ ! -s /tmp/said ]
}

# cgroup.procs of FOLDER gets this shell, and with it everything that it starts.
enter() { echo $$ > "$1/cgroup.procs"; }
hand_down() { echo '+memory +pids +cpu' > "$1/cgroup.subtree_control"; }

check_plain() {
  check 'a command runs' run 7 -- sh -c 'exit 7'
  check 'and writes nowhere else' run 1 -- sh -c 'echo x > /root-file' 
  check 'a protected link stays' run 1 -- rm .bashrc
}

check_limits() {
  check 'a memory hog is killed' run 137 --limit memory=64MiB -- hog memory 256
  check 'and the message names the limit' says 'limit.*memory\|memory.*limit'
  check 'a fork bomb is stopped' run 3 --limit processes=20 -- hog processes 60
  check 'at the limit' says 'stopped at 1[0-9] processes\|stopped at 20 processes'
  check 'and the message names the limit' says 'carrel: .*processes'
  rm -f /tmp/record/json
  check 'CPUs can be limited' run 0 --limit cpus=0.2 --record /tmp/record/json -- sh -c "$busy"
  check 'and are' grep -q '"limit": *"cpus"' /tmp/record/json
  check 'all together' run 137 --limit memory=64MiB --limit cpus=1 --limit processes=20 -- hog memory 256
  check 'explain names the means' try 0 $as carrel explain --limit memory=64MiB --limit cpus=1
  check 'which is version 2' says 'memory.max'
  check 'nothing is left' nothing_left
}

check_kill() {
  $as carrel run --limit memory=64MiB -- sleep 1000 & 
  sleep 1
  kill -9 "$(pidof carrel-launcher carrel | tr ' ' '\n' | sort -n | head -n 1)"
  wait
  sleep 1
  check 'the next run removes what a killed one left' run 0 --limit memory=64MiB -- true
  check 'all of it' nothing_left
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup $cgroups
chmod 1777 /tmp
ip link set lo up
mkdir -m 777 /tmp/record
mkdir -p /root /home/user/work && cd /home/user/work || exit
echo original > bashrc && ln -s bashrc .bashrc
chown -R user /home/user
echo "Linux $(uname -r)"

who='root' as=''
check_plain
check 'doctor is content' try 0 carrel doctor
check 'and knows the version' says 'version 2$'
check_limits
check_kill

who='root in a service' 
mkdir $cgroups/service && enter $cgroups/service
check_limits

who='a user without a cgroup' as=as_user
check_plain
check 'memory holds for each process' run 3 --limit memory=64MiB -- hog memory 256
check 'processes are limited all the same' run 3 --limit processes=20 -- hog processes 60
check 'CPUs cannot be' refused --limit cpus=1 -- true
check 'which is said' says 'limits.cpus cannot be enforced'
check 'a profile is no reason to refuse' run 0 --profile strict -- true

# As systemd delegates: the folder and its three files belong to the user.
delegate() { chown user "$1" "$1/cgroup.procs" "$1/cgroup.subtree_control" "$1/cgroup.threads"; }

who='a user in a session'
mkdir -p $cgroups/user/session
hand_down $cgroups && hand_down $cgroups/user
delegate $cgroups/user && delegate $cgroups/user/session
enter $cgroups/user/session
check_plain
check 'doctor is content' try 0 $as carrel doctor
check_limits
check_kill

who='a user in a cgroup of their own'
mkdir $cgroups/own && delegate $cgroups/own
enter $cgroups/own
check_limits

if [ $failures = 0 ]; then echo passed; else echo "failed: $failures"; fi
poweroff -f
