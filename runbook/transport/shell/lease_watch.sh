# Who looks on while a fault is live, and lifts it. POSIX sh; functions only (with lease.sh, whose header says what WATCH
# means, and lease_state.sh).

rl_begin_watch() {
  if [ "$rl_watch" = pair ]; then
    rl_detach 1 && rl_detach 2
    return
  fi
  rl_clock
  # Ends of its own are 0 and final. KillMode: a revert may start what has no unit. The time limit is a second guard only.
  systemd-run --quiet --collect --unit="$rl_own" --description="lifts the fault $rl_own" \
    -p Restart=always -p RestartSec=200ms -p StartLimitIntervalSec=0 -p RestartPreventExitStatus=0 \
    -p KillMode=process -p "RuntimeMaxSec=$((rl_end - rl_now + 5))" -p "TimeoutStopSec=$((rl_limit + 30))" \
    -p "ExecStopPost=/bin/sh $rl_here/lease.sh stopped" \
    /bin/sh "$rl_here/lease.sh" watch 1 </dev/null >/dev/null 2>&1
}

# rl_detach N: a watcher with a session of its own, that no logout signals.
rl_detach() {
  setsid sh "$rl_here/lease.sh" watch "$1" </dev/null >/dev/null 2>&1 &
}

# watch N: one look a second until it is lifted.
rl_watch_on() {
  trap '' HUP INT PIPE
  cd /
  # The last to be taken when memory is gone; not everybody may ask for that.
  { printf -- '-900\n' >/proc/self/oom_score_adj; } 2>/dev/null
  rl_start_of $$
  rl_since=$rl_start
  while rl_look "$1"; do sleep 1; done
}

rl_look() {
  [ -f "$rl_here/terms" ] || return 1
  rl_read_state
  case $rl_state in reverted | disarmed) return 1 ;; esac
  rl_get "watch.$1"
  set -- "$1" $rl_text
  # Started twice, one of the two is enough.
  [ "$2" = $$ ] || ! rl_lives "$2" "$3" || return 1
  rl_clock
  rl_put "watch.$1" "$$ $rl_since $rl_now"
  [ "$rl_watch" = unit ] || rl_mind $((3 - $1))
  rl_is_due || return 0
  rl_lift "$rl_why"
}

# rl_mind OTHER: start the other one again when it is gone.
rl_mind() {
  rl_get "watch.$1"
  set -- "$1" $rl_text
  rl_lives "$2" "$3" || rl_detach "$1"
}

# stopped: the unit has ended. Killed, it comes back by itself; stopped on purpose, nobody would look on any more.
rl_stopped() {
  rl_read_state
  case $rl_state in reverted | disarmed) return ;; esac
  if rl_is_due; then
    rl_lift "$rl_why"
  elif [ "$SERVICE_RESULT" = success ] && ! rl_is_held; then
    rl_lift stop
  fi
}

