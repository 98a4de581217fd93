# Where jobs are kept, and whether that is still the place that it was. POSIX sh; functions only (see durable.sh).
#
# "There is no trace of it" proves something only where its trace would have to be. A home can be made anew, a container
# too and under the same kernel; a folder can be copied, set back or half cleaned. So a place has two files of its own:
#   .place    THE IDENTITY: a random id, made with the folder by exclusive creation and never written again
#   .ledger   WHAT HAS BEEN HERE, one short line each, only ever appended: "place ID STAMP", where STAMP is the inode and
#             the change time of .place, which no copy shares; "visit V" of each shell that came; and "RUN JOB" before
#             a job may begin. A cleaner that takes a job's files leaves its line; one that takes the ledger takes the
#             visits as well
#
# A shell announces "ID.VISIT.BOOT". Whoever kept that word can prove later, with the same boot, the same id, no copy,
# that visit and no line of the job, that the job was never begun. Everything else is doubt. What a set-back of a whole
# machine hides that happened after the visit, nobody can see.

# rb_enter VISIT: come to rb_base: set rb_place to its word, or to nothing where it cannot be known again.
rb_enter() {
  rb_visit=$1
  rb_place=
  [ -n "$rb_base" ] || return 0
  rb_create "$rb_base/.place" "$1" && rb_id=$1 && rb_sign
  rb_turns=10
  until rb_read_id; do
    # Whoever makes it is about to write it; or had no room, and never will.
    if [ "$rb_turns" = 0 ]; then
      rb_renew
      break
    fi
    rb_turns=$((rb_turns - 1))
    rb_nap
  done
  rb_read_id && rb_note "visit $1" && rb_place=$rb_id.$1.$rb_boot
  return 0
}

# Set rb_id; true when all of it is there.
rb_read_id() {
  rb_id=
  { read -r rb_id <"$rb_base/.place"; } 2>/dev/null && [ -n "$rb_id" ]
}

# rb_note LINE: true when the ledger has it.
rb_note() {
  { printf '%s\n' "$1" >>"$rb_base/.ledger"; } 2>/dev/null
}

# rb_has TEXT: true when the ledger has it. Not whole lines: one that found no room may have lost its end.
rb_has() {
  grep -qF -e "$1" "$rb_base/.ledger" 2>/dev/null
}

# rb_read_stamp FILE: set rb_stamp to what a copy of the file does not share.
rb_read_stamp() {
  rb_stamp=$({ stat -c %i.%Z "$1" || stat -f %i.%c "$1" || ls -i "$1"; } 2>/dev/null)
  # Word splitting is meant: ls names the file as well.
  set -- $rb_stamp
  rb_stamp=$1
  [ -n "$rb_stamp" ]
}

# Write down that this very file is the identity.
rb_sign() {
  rb_read_stamp "$rb_base/.place" && rb_note "place $rb_id $rb_stamp"
}

# Begin a new place in this folder: what was announced in the one before can be proved no more.
rb_renew() {
  rb_id=${rb_visit}n
  {
    rm -f "$rb_base/.ledger" && echo "$rb_id" >"$rb_base/.place.$$" && mv -f "$rb_base/.place.$$" "$rb_base/.place"
  } 2>/dev/null && rb_sign
}

# True in the place that rb_expect names, as it was then or later.
rb_is_place() {
  rb_word=${rb_expect#*.}
  [ -n "$rb_expect" ] && rb_read_id && [ "$rb_id" = "${rb_expect%%.*}" ] && rb_has "visit ${rb_word%%.*}" && rb_is_original
}

# True where the folder is no copy.
rb_is_original() {
  rb_read_stamp "$rb_base/.place" && rb_has "place $rb_id $rb_stamp"
}

# rb_is_unsent NAME: true when the fenced job rb_dir was never begun, for certain. After a restart of the machine nothing
# is: what was not on its disk yet is gone.
rb_is_unsent() {
  rb_read_claim
  [ -z "$rb_pid" ] && [ "$rb_boot" != none ] || return 1
  case $rb_expect in *".$rb_boot") ;; *) return 1 ;; esac
  # A launcher that was fenced has its line; under a claim that was made to fence, a line is somebody else's.
  case $rb_sup in '' | fence) rb_has " $1" && return 1 ;; esac
  rb_is_place
}

# rb_is_haunted NAME: true while a process carries the job's cookie.
rb_is_haunted() {
  [ -n "$(rb_members 0 "$1" ' ')" ]
}

# rb_is_over NAME: true when nothing of the job runs any more: it ran here, and here nothing is left.
rb_is_over() {
  [ -r "/proc/$$/environ" ] && rb_is_place && ! rb_is_haunted "$1"
}

# rb_may_begin NAME: true unless a runner before this one may have begun it, or one of rb_earlier, which are on record as
# never begun. Only a runner that took a run over has to ask the ledgers, once in a shell: its record may be a copy, or cut.
# One that is blind knows of no place where a trace would have to be: what it finds counts, and what it misses does not.
rb_may_begin() {
  for rb_n in $rb_earlier; do
    rb_find "$rb_n" || continue
    # An empty claim is one that found no room; or one that a power cut has emptied, for whoever comes after it.
    rb_is_fenced || { [ ! -s "$rb_dir.job" ] && [ -z "$rb_resumed" ]; } && continue
    rb_say before
    return 1
  done
  [ -n "$rb_resumed" ] || return 0
  if [ "$rb_known_for" != "$rb_group $rb_expect" ]; then
    if [ -n "$rb_expect" ] && ! rb_is_place; then
      rb_say moved
      return 1
    fi
    rb_known=$(for rb_b in "$rb_base1" "$rb_base2" "$rb_base3" "$rb_base4" "$rb_base5"; do
      [ -f "$rb_b/.ledger" ] && [ -O "$rb_b/.ledger" ] && grep -F -e "$rb_group " "$rb_b/.ledger"
    done 2>/dev/null)
    rb_known_for="$rb_group $rb_expect"
  fi
  for rb_n in "$1" $rb_earlier; do
    case $rb_known in *" $rb_n"*)
      rb_say before
      return 1
      ;;
    esac
  done
  if [ "$rb_resumed" = blind ]; then
    rb_say blind
    return 1
  fi
}

# Once in sixteen sessions: remove what was forgotten, fenced or over for thirty days, and begin a new place where the
# ledger has grown long or is a copy.
rb_age() {
  case $rb_visit in 0*) ;; *) return 0 ;; esac
  (
    cd "$rb_base" || exit
    find . -name '*.job' -mtime +30 | while IFS= read -r rb_f; do
      rb_dir=${rb_f%.job}
      rb_read_claim
      case $rb_end$rb_how in
        '') rb_is_fenced || continue ;;
        attached | channel) ! rb_is_alive && ! rb_is_haunted "${rb_dir#./}" || continue ;;
      esac
      for rb_part in live cancel out err run job; do echo "$rb_dir.$rb_part"; done
    done | xargs rm -f
  ) 2>/dev/null
  rb_read_id && rb_is_original && [ -z "$(find "$rb_base/.ledger" -size +2048)" ] || rb_renew
}
