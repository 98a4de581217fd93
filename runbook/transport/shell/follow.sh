# Jobs that were begun before, perhaps by a runner that is gone: followed, waited for, ended, forgotten. POSIX sh; functions
# only, nothing runs when this is read (with durable.sh, whose header says what a job is made of, and place.sh).
#
# What is known of a job is said in one of these last words, and never more than that:
#   exit CODE LATE PRINTED   it ended; LATE: something that it started still runs; PRINTED: all its output was printed
#   gone CODE                it ended, and its output is not here
#   mute CODE                it ran here and ended, and its output cannot be read
#   unsent                   it was never begun and never will be; certain
#   fenced                   it will not begin any more; who fenced it knows what came before
#   running                  it runs, nobody hears of it, and rb_wait is over (half seconds; empty: wait to its end)
#   lost OVER, traceless OVER   nobody can know how it ended, or whether it began; OVER 1: at least nothing of it runs

# rb_attach NAME OUT ERR: follow a job from these offsets. One that has left no trace is fenced, because its start may
# still be on the way.
rb_attach() {
  if ! rb_find "$1"; then
    rb_dir=$rb_base/$1
    [ -n "$rb_base" ] && rb_create "$rb_dir.job" fence && rb_fence
    if [ ! -f "$rb_dir.job" ]; then
      rb_lost traceless "$1"
      return
    fi
  fi
  rb_follow "$2" "$3" 10
}

# rb_live NAME OUT ERR: print for the shell that runs a job. If it has ended by now, that shell may have printed already.
rb_live() {
  if rb_find "$1" && rb_create "$rb_dir.live" && ! rb_read_code; then
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
  rb_read_claim
  if [ -n "$rb_how$rb_end" ]; then
    rb_outlast
    return
  fi
  while [ ! -f "$rb_dir.run" ]; do
    [ "$rb_turns" -gt 0 ] || rb_fence
    rb_turns=$((rb_turns - 1))
    rb_nap
  done
  # The output's files are made before the commit: without them it was taken by one that had no room to say so, or
  # somebody has removed them.
  if rb_is_fenced || [ ! -f "$rb_dir.out" ] || [ ! -f "$rb_dir.err" ]; then
    rb_outlast
    return
  fi
  # From here on the files' positions are ours: cat moves them by exactly what it printed.
  exec 5<"$rb_dir.out" 6<"$rb_dir.err"
  rb_skip "$1" <&5
  rb_skip "$2" <&6
  # Short turns at first; a long job is looked at twice a second. Every turn writes, so a follower whose link is gone
  # ends.
  rb_turns=20
  while rb_turn; do
    rb_turns=$((rb_turns - 1))
    if [ "$rb_turns" -gt 0 ]; then rb_nap; else sleep 0.5 2>/dev/null || sleep 1; fi
  done
  exec 5<&- 6<&-
}

# Wait until nothing is left of a job whose output is not here, and tell what is known of its end.
rb_outlast() {
  rb_name=${rb_dir##*/}
  [ "$rb_how" != channel ] || rb_fence
  while rb_read_claim && [ -z "$rb_end" ] && [ "$rb_how" != held ] && ! rb_is_fenced && ! rb_read_code && rb_lives; do
    if [ "$rb_wait" = 0 ]; then
      rb_say running
      return
    fi
    [ -z "$rb_wait" ] || rb_wait=$((rb_wait - 1))
    rb_say out
    sleep 0.5 2>/dev/null || sleep 1
  done
  rb_read_claim
  if [ -n "$rb_end" ]; then
    rb_say gone "$rb_last"
  elif rb_is_fenced && rb_is_unsent "$rb_name"; then
    rb_say unsent
  elif rb_is_fenced; then
    rb_lost traceless "$rb_name"
  elif rb_read_code; then
    rb_say gone "$rb_code"
  else
    rb_lost lost "$rb_name"
  fi
}

# True while the shell that runs rb_dir, or anything that it has started, is there.
rb_lives() {
  [ "$rb_how" != channel ] && rb_is_alive || rb_is_haunted "${rb_dir##*/}"
}

# rb_lost WORD NAME: say that nobody can know how it ended, and whether at least it is over.
rb_lost() {
  rb_over=0
  rb_is_over "$2" && rb_over=1
  rb_say "$1" "$rb_over"
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
  rb_lives || rb_alive=1
  rb_read_code
  rb_say out
  cat <&5
  rb_say err
  cat <&6
  if [ -n "$rb_code" ]; then
    rb_tell_exit 1
    return 1
  fi
  if [ "$rb_alive" != 0 ]; then
    rb_lost lost "${rb_dir##*/}"
    return 1
  fi
}

# True while the shell that runs rb_dir is the very process that wrote its name there.
rb_is_alive() {
  rb_read_claim
  # Where neither /proc nor ps tells a start time, there is only the number to go by.
  if [ -z "$rb_then" ] && [ "$rb_me" = "$$ " ]; then
    [ -n "$rb_sup" ] && kill -s 0 "$rb_sup" 2>/dev/null
    return
  fi
  [ -n "$rb_sup" ] && rb_identity "$rb_sup" && [ "$rb_who" = "$rb_then" ]
}

# rb_cancel NAME COOKIE TENTHS: end a job and everything that belongs to it; tell who is left.
rb_cancel() {
  if ! rb_find "$1"; then
    rb_say unknown
    return
  fi
  rb_create "$rb_dir.cancel"
  rb_read_claim
  if [ "$rb_how" = attached ]; then
    # Its shell goes too: nobody is left whom it could tell.
    rb_is_alive || rb_sup=0
    rb_end "$rb_sup" "$2" ' ' "$3" | rb_each
    rb_say ended
    return
  fi
  if rb_fence; then
    rb_say fenced
    return
  fi
  rb_turns=20
  # Between the commit and the script's first line its process has no name yet.
  while rb_read_claim && [ -z "$rb_pid" ] && ! rb_read_code && [ "$rb_turns" -gt 0 ]; do
    rb_turns=$((rb_turns - 1))
    rb_nap
  done
  if rb_read_code; then
    rb_say over
    return
  fi
  # Its shell is the command's parent: while it lives, the number is the command's. Afterwards it may be anybody's.
  rb_is_alive || rb_pid=0
  rb_end "${rb_pid:-0}" "$2" " ${rb_sup:-0} " "$3" | rb_each
  rb_say ended
}

# rb_forget NAME...: of jobs that have ended and of which the record holds everything, only the tombstone is left. It is
# written first: a job cut off in the middle of its removal looks forgotten, and never as if it had not been started.
rb_forget() {
  rb_list=
  for rb_n in "$@"; do
    rb_find "$rb_n" && [ "${rb_dir%/*}" = "$rb_base" ] && rb_read_code &&
      { printf 'forgot %s\n' "$rb_code" >>"$rb_dir.job"; } 2>/dev/null && rb_list="$rb_list $rb_n"
  done
  (
    cd "$rb_base" || exit
    set --
    for rb_n in $rb_list; do
      for rb_part in live cancel out err run; do set -- "$@" "$rb_n.$rb_part"; done
    done
    [ "$#" = 0 ] || rm -f "$@"
  ) 2>/dev/null
}
