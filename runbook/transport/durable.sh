# Steps that survive the link and the runner. POSIX sh; functions only, nothing runs when this is read (with tree.sh).
#
# One shell like this one stays open per host and takes frames: short texts that call the functions below. It answers on
# standard output with control lines, "MARK word ...", where MARK is unguessable; what stands between them is output.
#
# A durable job is a folder whose name is made from the job's identity:
#   spec       who asked for what, for people; holds no secrets
#   sup        "pid start boot": the shell that runs the job. A pid alone may be reused, the three together not
#   run/       THE COMMIT. Whoever makes this folder decides: the shell that then runs the command, or
#              one that fences it, after which it never will run. mkdir is atomic; no clock is involved
#   fenced     the commit was taken to prevent the start
#   pid        the command's own process, leader of its session
#   out err    its output. The length that the record already holds is the offset to continue from
#   live.*     for one start of the job: its output is printed by a second shell as it grows, so that the first
#              one, which waits for the command, only tells the exit code
#   rc         "code uptime", put in place by rename, so that it is there whole or not at all. Its room on
#              the disk is taken before the start: a disk that the command filled must not lose its exit code
#   cancel/    ending it was asked for
#
# Making the job's folder is the claim: a second start of the same job finds it and follows. States, as seen by others:
#   no folder -> nothing happened      folder, no run/ -> claimed; wait, or fence it by making run/
#   run/, sup alive -> running         rc -> exited        run/, no rc, sup gone -> lost, nobody can know
#
# The command runs in the foreground of this shell: in the background POSIX shells make it ignore interrupts for ever.
# The shell lives on when the link goes (no terminal, so nobody is signalled), writes rc, and ends at its next word.
# Nothing here reads standard input, because the next frame is on it.

# rb_say WORDS: one control line.
rb_say() {
  printf '%s %s\n' "$rb_mark" "$*"
}

# Say every line of standard input.
rb_each() {
  while read -r rb_line; do rb_say "$rb_line"; done
}

# Wait a moment. Where sleep knows no fractions, a whole second.
rb_nap() {
  sleep 0.1 2>/dev/null || sleep 1
}

# rb_identity PID: set rb_who to "start boot" of a living process, or to nothing.
rb_identity() {
  rb_who=
  if [ -r "/proc/$$/stat" ]; then
    rb_line=
    { read -r rb_line <"/proc/$1/stat"; } 2>/dev/null
    case $rb_line in *') '*) ;; *) return 1 ;; esac
    # Behind the name in brackets: state is the first field, the start time the twentieth.
    set -- ${rb_line##*\) }
    case $1 in Z | X) return 1 ;; esac
    shift 19
    rb_who="$1 $rb_boot"
  else
    # Without /proc: the start time as ps writes it, spaces joined.
    rb_who=$(ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' -)
    [ -n "$rb_who" ] && rb_who="$rb_who $rb_boot"
  fi
  [ -n "$rb_who" ]
}

# rb_ready [BASE]: find out what this host can do, once. BASE is tried first.
rb_ready() {
  rb_umask=$(umask)
  umask 077
  # The group's signals are for commands; a handler, unlike ignoring, is not inherited by them.
  trap : TERM HUP
  rb_boot=none
  { read -r rb_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  rb_identity $$
  rb_me="$$ $rb_who"
  rb_setsid=$(command -v setsid 2>/dev/null)
  rb_uid=$(id -u)
  rb_base1=$1
  rb_base2=${XDG_STATE_HOME:-$HOME/.local/state}/runbook
  rb_base3=/var/tmp/runbook-$rb_uid
  rb_base4=/tmp/runbook-$rb_uid
  rb_base5=/dev/shm/runbook-$rb_uid
  rb_base=
  for rb_b in "$rb_base1" "$rb_base2" "$rb_base3" "$rb_base4" "$rb_base5"; do
    rb_usable "$rb_b" 2>/dev/null && rb_base=$rb_b && break
  done
  rb_kind=attached
  [ -n "$rb_base" ] && rb_kind=files && [ -n "$rb_setsid" ] && rb_kind=session
  rb_say ready "$$" "$rb_kind" "${rb_setsid:+setsid}" "$rb_base"
}

# rb_usable FOLDER: ours, not a link that somebody laid, really writable, and with some room (8 MiB).
rb_usable() {
  case $1 in /*) ;; *) return 1 ;; esac
  [ -d "$1" ] || mkdir -p "$1" || return 1
  [ ! -h "$1" ] && [ -O "$1" ] && chmod 700 "$1" || return 1
  echo probe >"$1/.probe.$$" && mv "$1/.probe.$$" "$1/.probe" && rm -f "$1/.probe" || return 1
  df -Pk "$1" | {
    read -r rb_line
    read -r rb_fs rb_size rb_used rb_free rb_rest
    [ "${rb_free:-0}" -ge 8192 ]
  }
}

# rb_find NAME: set rb_dir to the job's folder, wherever it was made.
rb_find() {
  for rb_b in "$rb_base1" "$rb_base2" "$rb_base3" "$rb_base4" "$rb_base5"; do
    rb_dir=$rb_b/$1
    [ -n "$rb_b" ] && [ -d "$rb_dir" ] && [ -O "$rb_dir" ] && return
  done
  rb_dir=
  return 1
}

# rb_attached COOKIE: run rb_script with its output straight on this channel.
rb_attached() {
  rb_say start
  # The script tells its process id on 8 and closes it; everything else goes where our own output goes.
  {
    rb_pid=$(
      RUNBOOK_JOB=$1 "$rb_setsid" /bin/sh 8>&1 1>&3 2>&4 3>&- 4>&- <<RB_END
umask $rb_umask
$rb_script
RB_END
    )
    rb_code=$?
  } 3>&1 4>&2
  rb_left_behind
  printf '%s end\n' "$rb_mark" >&2
  rb_say end "$rb_code" "$rb_late"
  # What was left behind could write among the output of the next command, so there is none.
  [ "$rb_late" = 0 ] || exit 0
}

# Set rb_late to 1 when processes of rb_pid's session still run.
rb_left_behind() {
  rb_late=0
  case $rb_pid in '' | *[!0-9]*) return ;; esac
  kill -s 0 -- "-$rb_pid" 2>/dev/null && rb_late=1
}

# rb_run NAME TOKEN: start the job rb_script, described by rb_spec, unless it was started before; tell how it ends.
# TOKEN is this very request's: it joins the shell that runs it with the one that may print for it.
rb_run() {
  if rb_find "$1"; then
    rb_run_again "$2"
    return
  fi
  rb_dir=$rb_base/$1
  if mkdir "$rb_dir" 2>/dev/null; then
    rb_own "$1" "$2"
  elif [ -d "$rb_dir" ]; then
    rb_run_again "$2"
  else
    rb_say refused "no folder can be made in $rb_base"
  fi
}

# rb_run_again TOKEN: somebody has claimed the job before us.
rb_run_again() {
  rb_quiet=
  rb_take_live "$1" || rb_quiet=1
  rb_follow 0 0 100
  rb_quiet=
}

# rb_own COOKIE TOKEN: the claim is ours; commit and run.
rb_own() {
  if ! rb_prepare 2>/dev/null; then
    # The folder stays as it is: removed, it would let another start claim the job that we call refused.
    { mkdir "$rb_dir/run" && true >"$rb_dir/fenced"; } 2>/dev/null
    rb_say refused "nothing can be written in $rb_base"
    return
  fi
  if ! mkdir "$rb_dir/run" 2>/dev/null; then
    rb_say fenced
    return
  fi
  rb_say start
  # Unquoted on purpose: without setsid the word is not there.
  RUNBOOK_JOB=$1 $rb_setsid /bin/sh >"$rb_dir/out" 2>"$rb_dir/err" 8>"$rb_dir/pid" <<RB_END
umask $rb_umask
$rb_script
RB_END
  rb_code=$?
  rb_up=
  { read -r rb_up rb_rest </proc/uptime; } 2>/dev/null
  # Opened without cutting it: the room for these bytes was taken before the start.
  { printf '%s %s \n' "$rb_code" "${rb_up:-0}" 1<>"$rb_dir/rc.new" && mv "$rb_dir/rc.new" "$rb_dir/rc"; } 2>/dev/null
  if rb_take_live "$2"; then
    [ -s "$rb_dir/out" ] && rb_say out && cat "$rb_dir/out"
    [ -s "$rb_dir/err" ] && rb_say err && cat "$rb_dir/err"
  fi
  rb_tell_exit
}

# Everything that needs room on the disk, before the commit.
rb_prepare() {
  printf '%s\n' "$rb_spec" >"$rb_dir/spec" && printf '%64s\n' '' >"$rb_dir/rc.new" && true >"$rb_dir/out" &&
    true >"$rb_dir/err" && printf '\n' >"$rb_dir/pid" && printf '%s\n' "$rb_me" >"$rb_dir/sup"
}

# rb_take_live TOKEN: true for the first who asks; printing the output is then its duty.
rb_take_live() {
  set -C
  { true >"$rb_dir/live.$1"; } 2>/dev/null
  rb_taken=$?
  set +C
  return "$rb_taken"
}

# Tell rb_code, and whether the command left processes behind.
rb_tell_exit() {
  rb_pid=
  { read -r rb_pid <"$rb_dir/pid"; } 2>/dev/null
  rb_left_behind
  rb_say exit "$rb_code" "$rb_late"
}

# rb_attach NAME OUT ERR: follow a job from these offsets. One that has left no trace is fenced, because its start may
# still be on the way.
rb_attach() {
  if ! rb_find "$1"; then
    rb_dir=$rb_base/$1
    { [ -n "$rb_base" ] && mkdir "$rb_dir" && mkdir "$rb_dir/run" && true >"$rb_dir/fenced"; } 2>/dev/null
    if [ -f "$rb_dir/fenced" ]; then
      rb_say fenced
      return
    fi
    if [ ! -d "$rb_dir" ]; then
      rb_say unknown
      return
    fi
  fi
  rb_follow "$2" "$3" 10
}

# rb_live NAME OUT ERR TOKEN: print for the shell that runs a job, if it has not printed by now.
rb_live() {
  if rb_find "$1" && rb_take_live "$4"; then
    rb_say live
    rb_follow "$2" "$3" 10
  else
    rb_say over
  fi
}

# rb_follow OUT ERR TENTHS: print rb_dir's output behind the offsets until it ends; a claim without commit is fenced
# after TENTHS of a second.
rb_follow() {
  rb_turns=$3
  while [ ! -d "$rb_dir/run" ]; do
    if [ "$rb_turns" -le 0 ] && mkdir "$rb_dir/run" 2>/dev/null; then true >"$rb_dir/fenced"; fi
    rb_turns=$((rb_turns - 1))
    rb_nap
  done
  if [ -f "$rb_dir/fenced" ]; then
    rb_say fenced
    return
  fi
  # From here on the files' positions are ours: cat moves them by exactly what it printed.
  exec 5<"$rb_dir/out" 6<"$rb_dir/err"
  rb_skip "$1" <&5
  rb_skip "$2" <&6
  # Short turns at first; a long job is looked at twice a second. Every turn writes, so a follower whose link is gone ends.
  rb_turns=20
  while rb_turn; do
    rb_turns=$((rb_turns - 1))
    if [ "$rb_turns" -gt 0 ]; then rb_nap; else sleep 0.5 2>/dev/null || sleep 1; fi
  done
  exec 5<&- 6<&-
}

# rb_skip BYTES: move the position of standard input.
rb_skip() {
  [ "$1" -ge 65536 ] && dd bs=65536 count="$(($1 / 65536))" >/dev/null 2>&1
  [ "$(($1 % 65536))" -gt 0 ] && dd bs="$(($1 % 65536))" count=1 >/dev/null 2>&1
}

# One look at a running job: false once it has ended. The order matters. Whether its shell lives is asked before the exit
# code is read, so a shell that is gone has left its code if it ever will; the code is read before the output, so the last
# bytes are never missed.
rb_turn() {
  rb_alive=0
  rb_is_alive || rb_alive=$?
  rb_code=
  [ -f "$rb_dir/rc" ] && read -r rb_code rb_rest <"$rb_dir/rc"
  if [ -n "$rb_quiet" ]; then
    rb_say beat
  else
    rb_say out
    cat <&5
    rb_say err
    cat <&6
  fi
  if [ -n "$rb_code" ]; then
    rb_tell_exit
    return 1
  fi
  if [ "$rb_alive" != 0 ]; then
    rb_say lost
    return 1
  fi
}

# True while the shell that runs rb_dir is the very process that wrote its name there.
rb_is_alive() {
  rb_sup=
  rb_then=
  { read -r rb_sup rb_then <"$rb_dir/sup"; } 2>/dev/null
  [ -n "$rb_sup" ] && rb_identity "$rb_sup" && [ "$rb_who" = "$rb_then" ]
}

# rb_cancel NAME COOKIE TENTHS: end a job and everything that belongs to it; tell who is left.
rb_cancel() {
  if ! rb_find "$1"; then
    rb_say unknown
    return
  fi
  mkdir "$rb_dir/cancel" 2>/dev/null
  mkdir "$rb_dir/run" 2>/dev/null && true >"$rb_dir/fenced"
  if [ -f "$rb_dir/fenced" ]; then
    rb_say fenced
    return
  fi
  rb_pid=
  rb_turns=20
  # Between the commit and the script's first line its process has no name yet.
  while [ -z "$rb_pid" ] && [ ! -f "$rb_dir/rc" ] && [ "$rb_turns" -gt 0 ]; do
    { read -r rb_pid <"$rb_dir/pid"; } 2>/dev/null
    [ -n "$rb_pid" ] || rb_nap
    rb_turns=$((rb_turns - 1))
  done
  if [ -f "$rb_dir/rc" ]; then
    rb_say over
    return
  fi
  rb_is_alive
  rb_end "${rb_pid:-0}" "$2" " ${rb_sup:-0} " "$3" | rb_each
  rb_say ended
}

# rb_forget NAME...: remove jobs that have ended and of which the record holds everything. Renamed first: a folder without
# its rc would look lost.
rb_forget() {
  for rb_b in "$rb_base1" "$rb_base2" "$rb_base3" "$rb_base4" "$rb_base5"; do
    [ -d "$rb_b" ] && (
      cd "$rb_b" || exit
      rb_list=
      for rb_n in "$@"; do
        if [ -f "$rb_n/rc" ] || [ -f "$rb_n/fenced" ]; then rb_list="$rb_list $rb_n"; fi
      done
      [ -n "$rb_list" ] && mkdir -p "done-$$" && mv $rb_list "done-$$/" && rm -rf "done-$$"
    ) 2>/dev/null
  done
  rb_say forgot
}
