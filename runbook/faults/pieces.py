"""Functions of POSIX sh that several faults' scripts are made of.

A process is a pid *and* its start time: the pid alone may be another's by the time of the revert. A unit is changed
by one drop-in under /run that carries the lease's name: `mask --runtime` does nothing for units in /etc, `systemctl
revert` deletes the administrator's own drop-ins, and `set-property` writes files whose names anybody may have used.
"""

from __future__ import annotations

PROCESS = r"""
# start_of PID: set start and state; false when it does not live.
start_of() {
  start=
  line=
  { read -r line <"/proc/$1/stat"; } 2>/dev/null
  case $line in *') '*) ;; *) return 1 ;; esac
  set -- ${line##*) }
  state=$1
  case $1 in Z | X) return 1 ;; esac
  shift 19
  start=$1
}
lives() {
  [ -n "$1" ] && start_of "$1" && [ "$start" = "$2" ]
}
# remember PID: one more line in kept.
remember() {
  start_of "$1" && printf '%s\n' "$1 $start" >>"$kept"
}
# each COMMAND: run it with PID and START of every line in kept that names a living process.
each() {
  while read -r pid then; do
    ! lives "$pid" "$then" || "$1" "$pid"
  done <"$kept"
}
"""
"""Living processes and how they are remembered."""

VICTIM = r"""
# victims: print the pids of what `unit`, `pid_file` or `match` names.
victims() {
  if [ -n "$unit" ]; then
    pid=$(systemctl show -p MainPID --value -- "$unit" 2>/dev/null)
    [ "${pid:-0}" = 0 ] || echo "$pid"
  elif [ -n "$pid_file" ]; then
    pid=
    { read -r pid rest <"$pid_file"; } 2>/dev/null
    case $pid in '' | *[!0-9]*) ;; *) ! kill -0 "$pid" 2>/dev/null || echo "$pid" ;; esac
  else
    # Shells lose the NULs between arguments, so what is read by one has no spaces; that is enough to pass most over.
    close=$(printf %s "$match" | tr -d ' ')
    for folder in /proc/[0-9]*; do
      said=
      { read -r said <"$folder/cmdline"; } 2>/dev/null
      case $said in *"$close"* | *' '*) ;; *) continue ;; esac
      said=$(tr '\0' ' ' <"$folder/cmdline" 2>/dev/null) || continue
      # Not ourselves, and not whoever asks for it by name.
      case $said in *runbook*lease*) continue ;; *"$match"*) echo "${folder#/proc/}" ;; esac
    done
  fi
}
"""
"""Needs the variables unit, pid_file and match, of which one is set."""

DETACH = r"""
# detach COMMAND...: start it in a session of its own and remember it.
detach() {
  setsid "$@" </dev/null >/dev/null 2>&1 &
  remember $! || { sleep 0.2; remember $!; }
}
"""
"""With PROCESS."""

DROP_IN = r"""
folder=/run/systemd/system/$unit.d
drop_in=$folder/zz-$own.conf
# put_in: the drop-in, from standard input.
put_in() {
  mkdir -p -m 755 "$folder" && cat >"$drop_in" && chmod 644 "$drop_in" && systemctl daemon-reload
}
# take_out: true when it was there.
take_out() {
  [ -e "$drop_in" ] || return 1
  rm -f "$drop_in"
  rmdir "$folder" 2>/dev/null
  systemctl daemon-reload
}
property() {
  systemctl show -p "$1" --value -- "$unit"
}
"""
"""Needs the variable unit."""

UNIT_NEEDS = r"""
if [ "$(systemctl show -p LoadState --value -- "$unit")" = loaded ]; then echo ready
else echo "missing the unit $unit is not loaded there"; fi
"""
"""Needs the variable unit."""

DROP_IN_PRESENT = r"""
if [ -e "$drop_in" ]; then echo there; else echo absent; fi
"""
"""With DROP_IN. Asks nobody but the file system, so it always knows."""

MOUNTED = r"""
# is_mounted PATH
is_mounted() {
  path=$(printf %s "$1" | sed 's/\\/\\134/g; s/ /\\040/g; s/\t/\\011/g')
  while read -r id parent device root at rest; do
    [ "$at" != "$path" ] || return 0
  done </proc/self/mountinfo
  return 1
}
# unmount PATH: until none of ours is left; lazily, because whoever has it open would stop it.
unmount() {
  for turn in 1 2 3 4 5; do
    is_mounted "$1" || return 0
    umount -l "$1" || return 1
  done
}
"""
"""Mounts, as the kernel lists them."""
