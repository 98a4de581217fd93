# What faults have left on a host, of whichever run: listed, and lifted by name. POSIX sh, sent whole with its words:
#   DIR list            one line for each, then "end":
#                         about OWN AGE FAULT SERVER RUN    before the line of a lease that says so; AGE of its state
#                         lease OWN STATE WHO UPTIME MODE LEFT PRESENT
#                         torn OWN           an arming that was cut before its end; nothing of it can be live
#                         stray OWN KIND NAME    ours by its name, and no lease speaks of it
#   DIR leases          the lines of leases that are not reverted, and nothing else, then "end"
#   DIR lift OWN...     lifts these, whatever their times, then lists what is left of everything
# No "end": not all of it was seen. Touches nothing whose name does not begin with "runbook-" and end with a number, and of
# queues only the handle 7b11:, which no system gives. A fault of another user, and a file of one whose lease is gone with a
# reboot, cannot be seen from here.

rs_dir=$1
rs_verb=$2
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL

# rs_owned TEXT: set rs_own to the first name of ours in it.
rs_owned() {
  rs_own=$(printf '%s\n' "$1" | grep -o 'runbook-[A-Za-z0-9-]*-[0-9][0-9]*' | head -n 1)
  [ -n "$rs_own" ]
}

# rs_stray KIND NAME: say it, unless a lease speaks of it.
rs_stray() {
  rs_owned "$2" && [ ! -f "$rs_dir/$rs_own/terms" ] && printf 'stray %s %s %s\n' "$rs_own" "$1" "$2"
}

# rs_about FILE OWN STATE WHO UPTIME ...
rs_about() {
  [ -f "$1" ] || return 0
  read -r rs_said <"$1"
  read -r rs_now rs_rest </proc/uptime
  printf 'about %s %s %s\n' "$2" "$((${rs_now%%.*} - ${5:-0}))" "$rs_said"
}

rs_leases() {
  for rs_f in "$rs_dir"/runbook-* "$rs_dir"/.runbook-*; do
    [ -d "$rs_f" ] || continue
    rs_name=${rs_f##*/}
    if [ ! -f "$rs_f/terms" ]; then
      printf 'torn %s\n' "$rs_name"
      continue
    fi
    rs_word=
    { read -r rs_token rs_word rs_rest <"$rs_f/state"; } 2>/dev/null
    [ "$rs_verb:$rs_word" != leases:reverted ] || continue
    rs_state=$(sh "$rs_f/lease.sh" state | sed -n 's/^runbook-lease state //p')
    rs_present=$(sh "$rs_f/lease.sh" present | sed -n 's/^runbook-lease //p')
    rs_about "$rs_f/about" "$rs_name" $rs_state
    printf 'lease %s %s %s\n' "$rs_name" "${rs_state:-unknown - 0 - 0}" "${rs_present:-unknown}"
  done
}

rs_strays() {
  nft list tables inet 2>/dev/null | while read -r rs_word rs_family rs_table; do
    rs_stray table "$rs_table"
  done
  # One that has ended may be listed for a while yet.
  rs_states=active,activating,deactivating,reloading,failed
  systemctl list-units --state="$rs_states" --plain --no-legend 'runbook-*.service' 2>/dev/null |
    while read -r rs_unit rs_rest; do rs_stray unit "$rs_unit"; done
  for rs_f in /run/systemd/system/*.d/zz-runbook-*.conf /etc/systemd/system/runbook-*.boot.service; do
    [ ! -f "$rs_f" ] || rs_stray file "$rs_f"
  done
  # The root of a mount is the path of what is mounted; its lease's folder may be gone.
  while read -r rs_id rs_parent rs_device rs_root rs_at rs_rest; do
    case $rs_root in */runbook-*) rs_owned "$rs_root" && rs_at_of "$rs_at" "$rs_own" ;; esac
  done </proc/self/mountinfo
  grep -l RUNBOOK_FAULT=runbook- /proc/[0-9]*/environ 2>/dev/null | while read -r rs_f; do
    rs_pid=${rs_f#/proc/}
    rs_pid=${rs_pid%/environ}
    rs_owned "$(tr '\0' '\n' <"$rs_f" 2>/dev/null | grep '^RUNBOOK_FAULT=')" && [ ! -f "$rs_dir/$rs_own/terms" ] &&
      printf 'stray %s process %s\n' "$rs_own" "$rs_pid"
  done
  if ! grep -q 7b11: "$rs_dir"/runbook-*/revert 2>/dev/null; then
    tc qdisc show 2>/dev/null | while read -r rs_word rs_kind rs_handle rs_dev rs_name rs_rest; do
      [ "$rs_handle" != 7b11: ] || printf 'stray runbook-queue-0 queue %s\n' "$rs_name"
    done
  fi
}

# rs_at_of PATH OWN
rs_at_of() {
  [ -f "$rs_dir/$2/terms" ] || printf 'stray %s mount %s\n' "$2" "$1"
}

# rs_lift_stray OWN KIND NAME
rs_lift_stray() {
  case $2 in
    table) nft delete table inet "$3" ;;
    unit) systemctl stop "$3" && systemctl reset-failed "$3" ;;
    file)
      rm -f "$3" "/etc/systemd/system/sysinit.target.wants/${3##*/}"
      rmdir "${3%/*}"
      systemctl daemon-reload
      ;;
    mount) umount -l "$(printf '%b' "$3")" ;;
    process) kill -s KILL "$3" ;;
    queue) tc qdisc del dev "$3" root handle 7b11: ;;
  esac >/dev/null 2>&1
}

rs_lift() {
  if [ -f "$rs_dir/$1/terms" ]; then
    sh "$rs_dir/$1/lease.sh" revert sweep >/dev/null 2>&1
    sh "$rs_dir/$1/lease.sh" disarm >/dev/null 2>&1
  elif [ -d "$rs_dir/$1" ]; then
    rm -rf "${rs_dir:?}/$1"
    rmdir "$rs_dir" 2>/dev/null
  fi
  rs_strays | while read -r rs_word rs_own rs_kind rs_name; do
    [ "$rs_own" != "$1" ] || rs_lift_stray "$rs_own" "$rs_kind" "$rs_name"
  done
}

if [ "$rs_verb" = lift ]; then
  shift 2
  for rs_wanted in "$@"; do
    # Nothing but a name of ours becomes part of a path that is removed.
    case $rs_wanted in *[!A-Za-z0-9.-]*) ;; runbook-* | .runbook-*) rs_lift "$rs_wanted" ;; esac
  done
fi
rs_leases
[ "$rs_verb" = leases ] || rs_strays
echo end
