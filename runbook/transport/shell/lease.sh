# A fault's lease: it is lifted by this host itself when nobody renews it. POSIX sh (dash, busybox sh, bash), run as
# `sh DIR/NAME/lease.sh VERB`; it is sent along with each fault and needs nothing of ours on the host.
#
# What a runner breaks on purpose has to be whole again when the runner is killed, its machine burns or the link is cut. So
# before anything is broken, this file, the fault's own scripts and a watcher are on the host, and the watcher has been seen
# to run. DIR is root's own on a tmpfs (or the user's own where nobody is root); NAME begins with "runbook-" and holds the
# run's id, and whatever a fault makes is named after it. Nothing that a revert needs is on the network, in a name service,
# behind sudo, or on what is broken: refusing such a place is the fault's business.
#
# One answer each, on standard output: "runbook-lease WORD ...", status 0 for those without "refused" and "failed".
#   arm LEASE MAXIMUM LIMIT WATCH MODE   armed WATCH | refused REASON. From here on the time runs
#   prove       proved PID... | refused unproved. Each watcher was seen to move by itself
#   inject      injected | failed CODE STATE TEXT | refused REASON. Only from armed, watched and within its time
#   effect      effect seen|unseen|unknown TEXT
#   renew       renewed LEFT | held | refused lapsed|maximum|unwatched|reverted WHO... | failed lost TEXT
#   hold        held: neither time lifts it any more, only a revert; for a fault that is safer left than lifted
#   revert WHO  reverted WHO UPTIME | failed there|unknown TEXT. Again: the same answer, with who was first
#   present     there | absent | unknown
#   state       state WORD WHO UPTIME MODE LEFT
#   disarm      disarmed | refused STATE. Removes everything; only what is reverted and absent
# "gone BOOT" is what the controller's own line answers where there is no such lease (lease.py).
#
# States: armed -> injecting -> injected -> reverting -> reverted, or revert-failed, which is tried again at every step.
# LEASE: seconds after the last renewal at which it is lifted. MAXIMUM: seconds after arming, which no renewal extends.
# LIMIT: seconds that inject or revert may take. All by uptime: clocks are among the things that faults set.
#
# WATCH says who looks on:
#   unit   a transient service: started again when it is killed, and ExecStopPost lifts when it is stopped for good. Not a
#          timer: a daemon-reload would start that from zero
#   pair   two detached processes that start each other again; a fault that is over one killed is watched by the other
# Neither renews anything: a loop on the host would go on when the cable is cut.

# rl_give_up REASON: nothing is armed, and nothing is left.
rl_give_up() {
  rm -rf "$rl_here"
  rmdir "${rl_here%/*}" 2>/dev/null
  rl_no refused "$1"
}

# arm LEASE MAXIMUM LIMIT WATCH MODE, in the staging place to which the files were sent.
rl_arm() {
  case $#:$4:$5 in 5:unit:revert | 5:unit:hold | 5:pair:revert | 5:pair:hold) ;; *) rl_give_up words ;; esac
  rl_clock
  rl_start_of $$ && command -v timeout >/dev/null && command -v setsid >/dev/null || rl_give_up tools
  rl_boot=none
  { read -r rl_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  for rl_f in watch.1 watch.2 injector; do rl_put "$rl_f" - || rl_give_up room; done
  for rl_f in lock.free kept said.inject said.effect said.revert said.present said.check said.renew; do
    printf '%4000s\n' '' >"$rl_here/$rl_f" || rl_give_up room
  done
  rl_put state "armed - $rl_now" && rl_put beat "$rl_now" && rl_put mode "$5" || rl_give_up room
  printf '%s\n' "$1 $((rl_now + $2)) $3 $4 $rl_boot" >"$rl_here/.terms" || rl_give_up room
  rl_settle
  rl_read_terms
  rl_begin_watch || rl_give_up watch
  rl_say armed "$rl_watch"
}

# Into the place of this name, which only one can make; the terms last.
rl_settle() {
  rl_dir=${rl_here%/*}
  rl_own=${rl_here##*/.}
  rl_own=${rl_own%.*}
  if ! mkdir "$rl_dir/$rl_own" 2>/dev/null; then
    [ ! -e "$rl_dir/$rl_own" ] || rl_give_up owned
    rl_give_up room
  fi
  mv "$rl_here"/[!.]* "$rl_dir/$rl_own/" && mv "$rl_here/.terms" "$rl_dir/$rl_own/terms" && rmdir "$rl_here" ||
    rl_give_up room
  rl_here=$rl_dir/$rl_own
}

rl_prove() {
  rl_proved=
  for rl_n in 1 2; do
    [ "$rl_watch" = pair ] || [ "$rl_n" = 1 ] || continue
    rl_prove_one "$rl_n"
  done
  rl_say "proved$rl_proved"
}

# rl_prove_one N: its beat moves by itself, and it lives.
rl_prove_one() {
  rl_before=
  for rl_turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    rl_get "watch.$1"
    rl_seen=$rl_text
    set -- "$1" $rl_seen
    if [ -n "$rl_before" ] && [ "$rl_before" != "$rl_seen" ] && rl_lives "$2" "$3"; then
      rl_proved="$rl_proved $2"
      return
    fi
    [ "$rl_seen" = - ] || rl_before=${rl_before:-$rl_seen}
    rl_nap
  done
  rl_no refused unproved
}

rl_inject() {
  trap '' HUP PIPE
  rl_lock 50 || rl_no refused busy
  rl_read_state
  rl_count_left
  rl_why=
  rl_is_watched || rl_why=unwatched
  [ -z "$rl_left" ] || [ "$rl_left" -gt 0 ] || rl_why=lapsed
  [ "$rl_state" = armed ] || rl_why=$rl_state
  if [ -n "$rl_why" ]; then
    rl_unlock
    rl_no refused "$rl_why"
  fi
  rl_be injecting -
  if rl_do inject "$rl_limit"; then
    rl_be injected -
    rl_unlock
    rl_say injected
    return
  fi
  rl_why="$rl_code" rl_reason=$rl_text
  rl_lift_locked inject
  rl_unlock
  rl_no failed "$rl_why" "$rl_state" "$rl_reason"
}

rl_effect() {
  rl_do effect 30
  case $rl_text in 'seen'* | 'unseen'*) ;; *) rl_text="unknown $rl_text" ;; esac
  rl_say effect "$rl_text"
}

rl_renew() {
  rl_read_state
  case $rl_state in
    armed | injecting | injected) ;;
    *) rl_no refused "$rl_state" "$rl_who" "$rl_when" ;;
  esac
  rl_is_watched || rl_no refused unwatched
  rl_count_left
  [ -n "$rl_left" ] || { rl_say held && return; }
  [ "$rl_now" -lt "$rl_end" ] || rl_no refused maximum
  [ "$rl_left" -gt 0 ] || rl_no refused lapsed
  rl_put beat "$rl_now"
  rl_renew_kernel
  rl_count_left
  rl_say renewed "$rl_left"
}

# What the kernel itself would lift gets its new time; gone already, somebody has taken the fault away.
rl_renew_kernel() {
  [ "$rl_state" = injected ] && [ -f "$rl_here/renew" ] || return 0
  rl_do renew 20 || rl_no failed lost "$rl_text"
}

rl_hold() {
  rl_read_state
  case $rl_state in
    armed | injecting | injected) ;;
    *) rl_no refused "$rl_state" "$rl_who" "$rl_when" ;;
  esac
  rl_put mode hold
  rl_renew_kernel
  rl_say held
}

# rl_lift WHO: revert, once no inject is in flight.
rl_lift() {
  rl_has=
  rl_lock "$(((rl_limit + 10) * 10))" && rl_has=1
  rl_read_state
  [ "$rl_state" = reverted ] || rl_lift_locked "$1"
  [ -z "$rl_has" ] || rl_unlock
}

rl_lift_locked() {
  rl_end_injector
  rl_be reverting "$1"
  rl_do revert "$rl_limit"
  rl_word=$rl_text
  rl_ask_present check
  if [ "$rl_there" = absent ]; then rl_be reverted "$1"; else rl_be revert-failed "$1"; fi
}

rl_revert() {
  trap '' HUP PIPE
  rl_by=$1
  # What the kernel has let expire was lifted by the lease, whoever comes to look before a watcher does.
  rl_count_left
  [ -f "$rl_here/renew" ] && [ -n "$rl_left" ] && [ "$rl_left" -le 0 ] && rl_by=lease
  rl_lift "$rl_by"
  [ "$rl_state" = reverted ] || rl_no failed "$rl_there" "$rl_word"
  rl_say reverted "$rl_who" "$rl_when"
}

rl_present() {
  rl_ask_present
  rl_say "$rl_there"
}

rl_tell() {
  rl_read_state
  rl_count_left
  rl_say state "$rl_state" "$rl_who" "$rl_when" "${rl_left:+lease}" "${rl_left:-held}"
}

rl_disarm() {
  rl_read_state
  [ "$rl_state" = reverted ] || rl_no refused "$rl_state"
  rl_ask_present
  [ "$rl_there" = absent ] || rl_no refused "$rl_there"
  rl_be disarmed "$rl_who"
  if [ "$rl_watch" = unit ]; then
    systemctl stop "$rl_own.service" 2>/dev/null
    systemctl reset-failed "$rl_own.service" 2>/dev/null
  fi
  rm -rf "$rl_here"
  rmdir "${rl_here%/*}" 2>/dev/null
  rl_say disarmed
}

rl_main() {
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
  LC_ALL=C
  export PATH LC_ALL
  umask 077
  rl_count=0
  rl_here=${0%/*}
  rl_own=${rl_here##*/}
  rl_verb=$1
  [ "$#" = 0 ] || shift
  if [ "$rl_verb" = arm ]; then
    rl_arm "$@"
    return
  fi
  rl_read_terms || rl_no refused torn
  case $rl_verb in
    prove) rl_prove ;;
    inject) rl_inject ;;
    effect) rl_effect ;;
    renew) rl_renew ;;
    hold) rl_hold ;;
    revert) rl_revert "${1:-operator}" ;;
    present) rl_present ;;
    state) rl_tell ;;
    disarm) rl_disarm ;;
    run) rl_run "$1" ;;
    watch) rl_watch_on "$1" ;;
    stopped) rl_stopped ;;
    *) rl_no refused words ;;
  esac
}

rl_main "$@"
