# Finding and ending every process that belongs to a job. POSIX sh; functions only, nothing runs when this is read.
#
# A process belongs to a job when it is the job's leader, shares the session or the process group that the leader leads,
# descends from a process that belongs, or carries the job's cookie in its environment. The last catches what has detached
# itself twice; /proc shows it for processes of the same user only, so what became somebody else may stay unseen, and what is
# seen but cannot be signalled is reported by name as a survivor. Where the job has a unit of its own (unit.sh), whatever is in
# its control group belongs to it as well; nobody leaves that by himself, and /proc shows it of everybody.
#
# Every signal goes to one process by its id. A signal to a group could reach a supervisor that must live to write the exit
# code, or, where the SSH server gives all channels one group (Dropbear), the login itself.
# No awk, no pgrep, no pkill: small systems lack them. `ps` is asked only where there is no /proc.

# Print "pid ppid pgid sid name" of every living process.
rb_processes() {
  if [ ! -r /proc/self/stat ]; then
    ps -A -o pid= -o ppid= -o pgid= -o comm= 2>/dev/null | while read -r rb_p rb_pp rb_g rb_n; do
      echo "$rb_p $rb_pp $rb_g 0 $rb_n"
    done
    return
  fi
  for rb_f in /proc/[0-9]*/stat; do
    rb_line=
    # The process may have ended since the pattern was expanded; that is no error.
    { read -r rb_line <"$rb_f"; } 2>/dev/null
    # The name is in brackets and may hold anything; what follows its last bracket is plain.
    case $rb_line in *') '*) ;; *) continue ;; esac
    rb_n=${rb_line#*\(}
    rb_n=${rb_n%\)*}
    # Word splitting is meant: state, parent, group, session.
    set -- ${rb_line##*\) }
    case $1 in Z | X) continue ;; esac
    echo "${rb_line%% *} $2 $3 $4 $rb_n"
  done
}

# True where processes can be listed at all.
rb_can_list() {
  [ -r /proc/self/stat ] || ps -A -o pid= >/dev/null 2>&1
}

# rb_end_group LEADER TENTHS: what can be done where processes cannot be listed: end the group that the leader leads, which
# is its own. What left the group stays unseen, so the group is named when anything of it is left.
rb_end_group() {
  if [ "$1" -le 1 ]; then
    echo "left 0 processes cannot be listed here"
    return
  fi
  kill -s TERM -- "-$1" 2>/dev/null || kill -s TERM "$1" 2>/dev/null
  rb_wait_group "$1" "$2" && return
  kill -s KILL -- "-$1" 2>/dev/null || kill -s KILL "$1" 2>/dev/null
  rb_wait_group "$1" 20 || echo "left $1 and its group"
}

# rb_wait_group LEADER TENTHS: true as soon as nothing of the group is left.
rb_wait_group() {
  rb_turns=$2
  while kill -s 0 -- "-$1" 2>/dev/null || kill -s 0 "$1" 2>/dev/null; do
    [ "$rb_turns" -gt 0 ] || return 1
    rb_turn_passed
  done
}

# Wait one of rb_turns. Fractions of a second are not POSIX; where sleep refuses them, a turn takes a second and counts
# for ten.
rb_turn_passed() {
  if sleep 0.1 2>/dev/null; then rb_turns=$((rb_turns - 1)); else sleep 1 && rb_turns=$((rb_turns - 10)); fi
}

# rb_members LEADER COOKIE EXCEPT: print "pid name" of the job's processes, without those in EXCEPT (" 1 2 "). LEADER 0
# means that nobody knows it: then only the cookie counts. Taken for a number it would be everybody's ancestor.
rb_members() {
  rb_all=$(rb_processes)
  rb_leader=none
  [ "$1" -gt 1 ] && rb_leader=$1
  rb_in=" $rb_leader "
  # Unquoted on purpose: a pattern, or nothing where nobody has units.
  for rb_f in $(grep -l -e "RUNBOOK_JOB=$2" -e "/rbjob-$2\.service" /proc/[0-9]*/environ $rb_groups 2>/dev/null); do
    rb_f=${rb_f#/proc/}
    rb_in="$rb_in${rb_f%/*} "
  done
  # Descendants: repeat until a whole turn adds nobody.
  rb_before=
  while [ "$rb_before" != "$rb_in" ]; do
    rb_before=$rb_in
    while read -r rb_p rb_pp rb_g rb_s rb_n; do
      case $rb_in in *" $rb_p "*) continue ;; esac
      case " $rb_g $rb_s " in *" $rb_leader "*) rb_in="$rb_in$rb_p " && continue ;; esac
      case $rb_in in *" $rb_pp "*) rb_in="$rb_in$rb_p " ;; esac
    done <<RB_END
$rb_all
RB_END
  done
  while read -r rb_p rb_pp rb_g rb_s rb_n; do
    case $3 in *" $rb_p "*) continue ;; esac
    case $rb_in in *" $rb_p "*) [ -n "$rb_p" ] && echo "$rb_p $rb_n" ;; esac
  done <<RB_END
$rb_all
RB_END
}

# rb_signal NAME: send it to every "pid name" on standard input.
rb_signal() {
  while read -r rb_p rb_n; do
    [ "$rb_p" -gt 1 ] && kill -s "$1" "$rb_p" 2>/dev/null
  done
}

# rb_end LEADER COOKIE EXCEPT TENTHS: TERM, wait at most TENTHS of a second, KILL; print who is left as "left PID NAME".
rb_end() {
  if ! rb_can_list; then
    rb_end_group "$1" "$4"
    return
  fi
  rb_except=" $$ $3 "
  rb_members "$1" "$2" "$rb_except" | rb_signal TERM
  rb_wait_gone "$1" "$2" "$rb_except" "$4" && return
  # Three rounds, because a process may fork between being listed and being killed.
  for rb_round in 1 2 3; do
    rb_members "$1" "$2" "$rb_except" | rb_signal KILL
    rb_wait_gone "$1" "$2" "$rb_except" 5 && return
  done
  rb_members "$1" "$2" "$rb_except" | while read -r rb_p rb_n; do echo "left $rb_p $rb_n"; done
}

# rb_wait_gone LEADER COOKIE EXCEPT TENTHS: true as soon as nobody is left.
rb_wait_gone() {
  rb_turns=$4
  while [ -n "$(rb_members "$1" "$2" "$3")" ]; do
    [ "$rb_turns" -gt 0 ] || return 1
    rb_turn_passed
  done
}
