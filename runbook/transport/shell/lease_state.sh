# What a lease keeps on its host, and how it is read, written and locked. POSIX sh; functions only (with lease.sh, whose
# header says what a lease is, and lease_watch.sh).
#
# It must not die of the fault. Every file is made when arming and later written in place, so a full disk stops nothing; a
# lock is a rename, which needs no room, and carries its owner in its name, so a dead one's is seen and taken. No ": >FILE":
# where that fails it ends a POSIX shell. What is written carries the same token at both ends, so half of it is not believed.
# One that cannot have the lock in time reverts without: reverting twice harms nothing, waiting for ever does.
#
#   terms     "LEASE END LIMIT WATCH BOOT", END by uptime; written last: without it the lease was never armed
#   state     "WORD WHO UPTIME"             beat     uptime of the last renewal       mode   "revert" or "hold"
#   watch.N   "PID START UPTIME"            injector "PID START GROUP"
#   lock.free, or lock.PID-START            kept     what an inject has to remember for its revert
#   said.X    what script X printed last, over 4000 blanks, in place as well

rl_say() {
  printf 'runbook-lease %s\n' "$*"
}

# Refuse or fail: say it and end.
rl_no() {
  rl_say "$@"
  exit 1
}

rl_nap() {
  sleep 0.2 2>/dev/null || sleep 1
}

# Set rl_now to whole seconds since boot.
rl_clock() {
  rl_now=
  { read -r rl_now rl_rest </proc/uptime; } 2>/dev/null
  rl_now=${rl_now%%.*}
}

# rl_start_of PID: set rl_start to its start time; false when it does not live.
rl_start_of() {
  rl_start=
  rl_line=
  { read -r rl_line <"/proc/$1/stat"; } 2>/dev/null
  case $rl_line in *') '*) ;; *) return 1 ;; esac
  # Behind the name, which may hold anything, the state is the first field and the start time the twentieth.
  set -- ${rl_line##*\) }
  case $1 in Z | X) return 1 ;; esac
  shift 19
  rl_start=$1
}

# rl_lives PID START: that very process lives.
rl_lives() {
  [ -n "$1" ] && rl_start_of "$1" && [ "$rl_start" = "$2" ]
}

# rl_put FILE TEXT: in place and in one piece, whatever was there before.
rl_put() {
  rl_count=$((rl_count + 1))
  { printf '%-250s\n' "$$.$rl_count $2 $$.$rl_count" 1<>"$rl_here/$1"; } 2>/dev/null
}

# rl_get FILE: set rl_text; false when nothing whole is there.
rl_get() {
  for rl_try in 1 2 3 4 5; do
    rl_text=
    rl_line=
    { read -r rl_line <"$rl_here/$1"; } 2>/dev/null
    rl_text=${rl_line#* }
    [ -n "$rl_line" ] && [ "${rl_line%% *}" = "${rl_line##* }" ] && rl_text=${rl_text% *} && return
    rl_nap
  done
  rl_text=
  return 1
}

rl_read_terms() {
  rl_boot=
  { read -r rl_lease rl_end rl_limit rl_watch rl_boot <"$rl_here/terms"; } 2>/dev/null
  [ -n "$rl_boot" ]
}

# Set rl_state, rl_who and rl_when.
rl_read_state() {
  rl_get state
  rl_state=${rl_text%% *}
  rl_who=${rl_text#* }
  rl_when=${rl_who#* }
  rl_who=${rl_who%% *}
}

rl_be() {
  rl_clock
  rl_put state "$1 $2 $rl_now"
  rl_read_state
}

rl_is_held() {
  rl_get mode && [ "$rl_text" = hold ]
}

# Set rl_left to the seconds until this lease lapses, never beyond its maximum; empty while it is held. A time that cannot
# be read, or was another boot's, has passed.
rl_count_left() {
  rl_clock
  rl_left=
  rl_is_held && return
  rl_left=0
  rl_this=
  { read -r rl_this </proc/sys/kernel/random/boot_id; } 2>/dev/null
  [ "${rl_this:-none}" = "$rl_boot" ] || return 0
  rl_get beat
  case $rl_text in '' | *[!0-9]*) rl_text=0 ;; esac
  rl_left=$((rl_text + rl_lease - rl_now))
  [ "$rl_left" -le "$((rl_end - rl_now))" ] || rl_left=$((rl_end - rl_now))
}

# Why it has to be lifted now, in rl_why; false while it has not.
rl_is_due() {
  rl_read_state
  # Somebody wanted it lifted before: that stands, also where it is held.
  rl_why=$rl_who
  case $rl_state in reverting | revert-failed) return 0 ;; esac
  rl_count_left
  [ -n "$rl_left" ] && [ "$rl_left" -le 0 ] || return 1
  rl_why=lease
  [ "$rl_now" -lt "$rl_end" ] || rl_why=maximum
}

# rl_lock TENTHS: false when somebody alive has had it for all of that time.
rl_lock() {
  rl_start_of $$
  rl_me=$$-$rl_start
  rl_turns=$(($1 / 2))
  until mv "$rl_here/lock.free" "$rl_here/lock.$rl_me" 2>/dev/null; do
    for rl_f in "$rl_here"/lock.[0-9]*; do
      rl_f=${rl_f##*/lock.}
      rl_lives "${rl_f%-*}" "${rl_f#*-}" || mv "$rl_here/lock.$rl_f" "$rl_here/lock.free" 2>/dev/null
    done
    [ "$rl_turns" -gt 0 ] || return 1
    rl_turns=$((rl_turns - 1))
    rl_nap
  done
}

rl_unlock() {
  mv "$rl_here/lock.$rl_me" "$rl_here/lock.free" 2>/dev/null
}

# rl_do SCRIPT SECONDS [FILE]: run one of the fault's scripts; its exit code in rl_code, its last line in rl_text. What it
# prints goes into a file and no pipe: what it leaves running would hold that open.
rl_do() {
  rl_count_left
  RUNBOOK_OWN=$rl_own RUNBOOK_HERE=$rl_here RUNBOOK_LEASE=$rl_left RUNBOOK_LEFT=$((rl_end - rl_now))
  # Never nothing: to the kernel, and to timeout, a time of 0 is for ever.
  [ -z "$rl_left" ] || [ "$rl_left" -gt 0 ] || RUNBOOK_LEASE=1
  [ "$RUNBOOK_LEFT" -gt 0 ] || RUNBOOK_LEFT=1
  export RUNBOOK_OWN RUNBOOK_HERE RUNBOOK_LEASE RUNBOOK_LEFT
  rl_said=$rl_here/said.${3:-$1}
  [ -w "$rl_said" ] || rl_said=/dev/null
  printf '%4000s\n' '' 1<>"$rl_said"
  timeout -k 5 "$2" sh "$rl_here/lease.sh" run "$1" </dev/null 1<>"$rl_said" 2>&1
  rl_code=$?
  rl_text=
  while read -r rl_line; do
    [ -z "$rl_line" ] || rl_text=$rl_line
  done <"$rl_said"
  return "$rl_code"
}

# run SCRIPT: what timeout starts. It leaves its name, so that a revert can end an inject whose verb was killed.
rl_run() {
  rl_start_of $$
  # Behind the name: state, parent, group.
  set -- "$1" ${rl_line##*\) }
  if [ "$1" = inject ]; then
    rl_put injector "$$ $rl_start $4"
    # What an inject starts can be told from what a revert starts, also when its lease is gone.
    RUNBOOK_FAULT=$RUNBOOK_OWN
    export RUNBOOK_FAULT
  fi
  exec sh "$rl_here/$1"
}

# Nothing of an inject may go on behind a revert. The group is signalled where it is the inject's own: its leader is the
# timeout that started it, and not a login.
rl_end_injector() {
  rl_get injector || return 0
  set -- $rl_text
  rl_lives "$1" "$2" || return 0
  set -- "$1" "$3" ${rl_line##*\) }
  [ "$2" != "$4" ] || kill -s KILL -- "-$2" 2>/dev/null
  kill -s KILL "$1" 2>/dev/null
}

# rl_ask_present [FILE]: set rl_there to there, absent or unknown. Only the word itself counts: a script that died of the
# fault said nothing.
rl_ask_present() {
  rl_do present 20 "$1"
  rl_there=unknown
  case $rl_text in there | absent) [ "$rl_code" = 0 ] && rl_there=$rl_text ;; esac
}

# True when every watcher lives, or is started again in time: one that was killed comes back.
rl_is_watched() {
  for rl_turn in 1 2 3 4 5 6 7 8 9 10 11 12; do
    rl_all_live && return
    rl_nap
  done
  return 1
}

rl_all_live() {
  for rl_n in 1 2; do
    [ "$rl_watch" = pair ] || [ "$rl_n" = 1 ] || continue
    rl_get "watch.$rl_n"
    set -- $rl_text
    rl_lives "$1" "$2" || return 1
  done
}

