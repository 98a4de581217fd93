# What a shell finds out about its host when it comes: who we are, where jobs can be kept, and how durable they can be. POSIX
# sh; functions only, nothing runs when this is read (with durable.sh, whose header says what a job is made of).
#
# This runs for every shell, so what can be asked without a process is.

# rb_ready VISIT [BASE]: find out what this host can do, once. BASE is tried first.
rb_ready() {
  rb_umask=$(umask)
  umask 077
  # The group's signals are for commands; a handler, unlike ignoring, is not inherited by them.
  trap : TERM HUP
  rb_boot=none
  { read -r rb_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  rb_identity $$
  rb_me="$$ $rb_who"
  rb_blank='                                        '
  rb_setsid=
  command -v setsid >/dev/null 2>&1 && rb_setsid=setsid
  rb_own_uid
  rb_base1=$2
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
  rb_groups=
  [ -d /run/systemd/system ] && rb_groups='/proc/[0-9]*/cgroup'
  [ "$rb_kind" = session ] && rb_can_unit && rb_kind=unit
  # An attached command is ended by finding what descends from this shell; where nobody can list it, it gets a channel
  # and thus a session of its own.
  rb_word=
  [ -n "$rb_setsid" ] && rb_can_list && rb_word=setsid
  rb_login_ends && rb_word=$rb_word,login
  rb_enter "$1"
  rb_say ready "$$" "$rb_kind" "$rb_word" "$rb_place" "$rb_base"
  rb_say ready >&2
}

# Set rb_uid, without a process where /proc tells it.
rb_own_uid() {
  rb_uid=
  {
    while [ -z "$rb_uid" ] && read -r rb_word rb_value rb_rest; do
      [ "$rb_word" = Uid: ] && rb_uid=$rb_value
    done <"/proc/$$/status"
  } 2>/dev/null
  [ -n "$rb_uid" ] || rb_uid=$(id -u)
}

# rb_facts: "DATE BOOT SYSTEM" of this host; one process where /proc knows the system.
rb_facts() {
  rb_date=$(date +%s.%N)
  rb_system=
  if [ -r /proc/sys/kernel/ostype ] && [ -r /proc/sys/kernel/arch ]; then
    read -r rb_word </proc/sys/kernel/ostype
    read -r rb_value </proc/sys/kernel/osrelease
    read -r rb_rest </proc/sys/kernel/arch
    rb_system="$rb_word $rb_value $rb_rest"
  else
    rb_system=$(uname -srm)
  fi
  rb_say facts "$rb_date" "$rb_boot" "$rb_system"
}

# rb_usable FOLDER: ours, not a link that somebody laid, and really writable: what a job needs fits, and is given back, or
# the next look would only find its own. A new one also proves that renaming works there.
rb_usable() {
  case $1 in /*) ;; *) return 1 ;; esac
  if [ ! -d "$1" ]; then
    mkdir -p "$1" && echo probe >"$1/.probe.$$" && mv "$1/.probe.$$" "$1/.probe" || return 1
  fi
  [ ! -h "$1" ] && [ -O "$1" ] && printf '%16384s' '' >"$1/.probe" && true >"$1/.probe"
}

# True where a systemd may be asked to run a step: the system's for root, otherwise one of the user's own that outlives
# his logins. Sets rb_manager.
rb_can_unit() {
  [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1 || return 1
  rb_manager=--system
  if [ "$rb_uid" = 0 ]; then
    [ -S /run/dbus/system_bus_socket ]
    return
  fi
  rb_manager=--user
  [ -S "/run/user/$rb_uid/bus" ] && [ -f "/var/lib/systemd/linger/${LOGNAME:-$USER}" ]
}

# True where logind ends whatever a login leaves running when it ends. What stands in a comment is what it was built with.
rb_login_ends() {
  [ -d /run/systemd/system ] || return 1
  rb_kill=
  {
    while read -r rb_line; do
      case $rb_line in */user-0.slice/*) ;; */session-*.scope*) rb_kill=no ;; esac
    done </proc/$$/cgroup
    [ -n "$rb_kill" ] || return 1
    for rb_f in /usr/lib/systemd/logind.conf /usr/lib/systemd/logind.conf.d/*.conf /etc/systemd/logind.conf \
      /run/systemd/logind.conf.d/*.conf /etc/systemd/logind.conf.d/*.conf; do
      [ -r "$rb_f" ] || continue
      while read -r rb_line; do
        case $rb_line in KillUserProcesses=* | '#KillUserProcesses='*) rb_kill=${rb_line#*=} ;; esac
      done <"$rb_f"
    done
  } 2>/dev/null
  case $rb_kill in yes | true | on | 1) ;; *) return 1 ;; esac
}
