# Steps that survive the link and the runner. POSIX sh; functions only, nothing runs when this is read (with tree.sh,
# place.sh and ready.sh). The grade in which systemd runs a step is unit.sh; its claim, commit and files are those below.
#
# One shell like this one stays open per host and takes frames: short texts that call the functions below. It answers on
# standard output with control lines, "MARK word ...", where MARK is unguessable; what stands between them is output.
#
# A durable job is a few files whose common name is made from the job's identity:
#   .job       THE CLAIM. First line "pid start boot", the shell that runs the job: a pid alone may be reused, the
#              three together not. Second line: who asked for what; no secrets. Third line, once it runs: the
#              command's own process, leader of its session. Last line, "forgot CODE", once a record holds everything:
#              it stays for a month as THE TOMBSTONE, so that what is over never looks like what never was
#   .run       THE COMMIT. Whoever creates this file decides. The shell that then runs the command leaves it blank
#              and at the end writes "code - end" into it, in one piece and into room that it took before the
#              start, so a disk that the command filled does not lose its exit code; without its last word it does
#              not count. One that wants to prevent the start writes "fenced", and the command never will run
#   .out .err  its output. The length that the record already holds is the offset to continue from
#   .live      a second shell prints the output as it grows, so that the one that started the job and waits for
#              it only tells the exit code
#   .cancel    ending it was asked for
# What runs attached has a claim only, "attached" in its second line, which is its commit as well, and "ended CODE" at the
# end: enough to be never begun twice, and to be waited for or ended when its link is gone. "channel" is the same for what
# runs beside this shell, and "held" for work that no shell does.
#
# Claim and commit are exclusive creations (noclobber, which is O_EXCL): one winner, as with mkdir, but without a process.
# mkdir twice and mv for the code would cost a quick step more than everything else in it together. No clock decides
# anything. A second start of the same job finds the claim and follows. States, as seen by others:
#   no .job -> see place.sh               .job, no .run -> claimed; wait, or fence it
#   .run blank, shell alive -> running    .run complete -> exited    .run blank, shell gone -> lost, nobody can know
#
# What the frames below find in rb_spec (the second line), rb_group (its run), rb_expect (the place where this job, or the
# jobs of an earlier runner, must have been kept), rb_resumed and rb_earlier stands in each frame that starts something.
#
# The command runs in the foreground of this shell: in the background POSIX shells make it ignore interrupts for ever.
# The shell lives on when the link goes (no terminal, so nobody is signalled), writes the code, and ends at its next word.
# Nothing here reads standard input, because the next frame is on it.

# rb_say WORDS: one control line, behind what is held. One write where it can be: the server makes a packet of each.
rb_held=
rb_say() {
  printf '%s%s %s\n' "$rb_held" "$rb_mark" "$*"
  rb_held=
}

# rb_show WORD FILE SIZE NUMBER: say WORD and print the file, which is open under that number for whoever finds it gone; false
# where it cannot be read. A few lines of text are read by this shell and held for its next
# word: a process for each would cost a quick step as much as its own shell. More than a few are printed by cat, which takes
# blocks: a shell takes byte for byte to the end of a line, however far that is. SIZE is how much was written on the file's
# own descriptor; 0 where that is not known, or where the command has opened it for itself. Shells lose NULs and some count
# characters, so what was read counts only when it is as long as its position in the file says.
rb_show() {
  rb_src=$2
  [ -f "$rb_src" ] || rb_src=/proc/$$/fd/$4
  [ -f "$rb_src" ] || return
  [ -s "$rb_src" ] || return 0
  rb_text=
  rb_at=
  if [ "$3" -gt 0 ] && [ "$3" -le 1024 ]; then rb_take; fi 5<"$rb_src" 2>/dev/null
  if [ "$rb_at" = "${#rb_text}" ]; then
    rb_held="$rb_held$rb_mark $1
$rb_text"
  else
    rb_say "$1"
    cat "$rb_src"
  fi
}

# Read descriptor 5 into rb_text, and set rb_at to its position then.
rb_take() {
  while IFS= read -r rb_line <&5; do
    rb_text="$rb_text$rb_line
"
    # A text that is too long ends here, with a length that cannot be its position.
    rb_line=-
    [ "${#rb_text}" -lt 1024 ] || break
  done
  rb_text=$rb_text$rb_line
  read -r rb_word rb_at <"/proc/$$/fdinfo/5"
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

# rb_create FILE [TEXT]: true for the one who made it. rb_made is 1 for one who made it and found no room for the text, and
# 2 for everybody else.
rb_create() {
  rb_made=2
  set -C
  { { printf '%s\n' "$2" && rb_made=0 || rb_made=1; } >"$1"; } 2>/dev/null
  set +C
  return "$rb_made"
}

# rb_find NAME: set rb_dir to where the job's files are, in whichever folder it was claimed.
rb_find() {
  for rb_b in "$rb_base1" "$rb_base2" "$rb_base3" "$rb_base4" "$rb_base5"; do
    rb_dir=$rb_b/$1
    [ -n "$rb_b" ] && [ -f "$rb_dir.job" ] && [ -O "$rb_dir.job" ] && return
  done
  rb_dir=
  return 1
}

# rb_attached NAME: run rb_script once, with its output straight on this channel. What it prints is kept nowhere.
rb_attached() {
  if [ -z "$rb_base" ]; then
    rb_look "$1"
  elif rb_begin "$1" 'attached '; then
    rb_look "$1" "$rb_dir.job"
  fi
}

# rb_look COOKIE [CLAIM]: run rb_script with its output straight on this channel; tell the claim how it ended.
rb_look() {
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
  [ -z "$2" ] || { printf 'ended %s\n' "$rb_code" >>"$2"; } 2>/dev/null
  rb_left_behind
  printf '%s end\n' "$rb_mark" >&2
  rb_say end "$rb_code" "$rb_late"
  # What was left behind could write among the output of the next command, so there is none.
  [ "$rb_late" = 0 ] || exit 0
}

# rb_glance COOKIE: run rb_script in a fork of this shell, which costs no program: for a look of our own, whose end is the
# end of all that it has started.
rb_glance() {
  rb_say start
  (
    export RUNBOOK_JOB="$1"
    umask "$rb_umask"
    eval "$rb_script"
  ) </dev/null 8>/dev/null
  rb_code=$?
  printf '%s end\n' "$rb_mark" >&2
  rb_say end "$rb_code" 0
}

# rb_claim NAME KIND: the claim alone, for work that is done elsewhere.
rb_claim() {
  rb_begin "$1" "$2 " && rb_say claimed
}

# Set rb_late to 1 when processes of rb_pid's session still run.
rb_left_behind() {
  rb_late=0
  case $rb_pid in '' | *[!0-9]*) return ;; esac
  kill -s 0 -- "-$rb_pid" 2>/dev/null && rb_late=1
}

# rb_begin NAME KIND: claim a job that nobody has begun; true for the one who may go on. Otherwise all is said.
rb_begin() {
  if rb_find "$1"; then
    rb_begun
    return 1
  fi
  rb_may_begin "$1" || return
  rb_dir=$rb_base/$1
  if rb_create "$rb_dir.job" "$rb_me
$2$rb_spec"; then
    rb_note "$rb_group $1" && return
  elif [ "$rb_made" = 2 ] && [ -f "$rb_dir.job" ]; then
    rb_begun
    return 1
  fi
  rb_refuse
  return 1
}

# Somebody has claimed the job before us. An empty claim is fenced soon, one with an owner gets time to commit.
rb_begun() {
  rb_read_claim
  if [ -n "$rb_what" ] && [ "$rb_what" != "$rb_spec" ]; then
    rb_say other
    return
  fi
  rb_say following
  if [ -n "$rb_sup" ]; then rb_follow 0 0 100; else rb_follow 0 0 10; fi
}

# Say that nothing was begun because nothing can be written, in the words of a program that tries. The claim stays, empty:
# removed, it would let another start run the job that we call refused.
rb_refuse() {
  # Asked before the claim gives back its room, which may be all that was missing.
  rb_why=$({ printf '%4096s' '' | cat >"$rb_base/.why"; } 2>&1)
  rm -f "$rb_base/.why"
  [ ! -f "$rb_dir.job" ] || { : >"$rb_dir.job" && rb_fence; } 2>/dev/null
  rb_say refused "nothing can be written in $rb_base${rb_why:+: ${rb_why##*: }}"
}

# rb_run NAME: start the job rb_script, unless it was started before; tell how it ends.
rb_run() {
  rb_begin "$1" '' && rb_own "$1"
}

# rb_own COOKIE: the claim is ours; commit and run.
rb_own() {
  rb_has_room || return
  if rb_create "$rb_dir.run" "$rb_blank"; then
    rb_go "$1" start
  elif rb_is_fenced; then
    rb_say fenced
  else
    rb_refuse
  fi
}

# True where the output can be kept; otherwise it is refused.
rb_has_room() {
  { true >"$rb_dir.out" && true >"$rb_dir.err"; } 2>/dev/null && return
  rb_refuse
  return 1
}

# rb_go COOKIE WORD: we have committed: say WORD and run it.
rb_go() {
  # Nobody may hear it: the link has gone, and who writes to it is killed. Not now, for what is committed must begin.
  trap : PIPE
  rb_say "$2"
  trap - PIPE
  rb_code=
  # Appending, because a file system may take truncating for a wish to have the file on disk when it is closed, and every
  # step would wait for that.
  rb_carry "$1" 7>>"$rb_dir.out" 9>>"$rb_dir.err"
  [ -n "$rb_code" ] || rb_refuse
}

# rb_carry COOKIE: run rb_script with its output on 7 and 9, and tell how it ended. They are open in this shell too, so that
# their positions tell how much came, without a process; and so that who removes the files meanwhile takes nothing of it.
rb_carry() {
  # rb_setsid is unquoted on purpose: where there is none, the word is not there.
  RUNBOOK_JOB=$1 $rb_setsid /bin/sh >&7 2>&9 7>&- 9>&- 8>>"$rb_dir.job" <<RB_END
umask $rb_umask
$rb_script
RB_END
  rb_code=$?
  rb_outs=0
  rb_errs=0
  {
    read -r rb_word rb_outs <"/proc/$$/fdinfo/7"
    read -r rb_word rb_errs <"/proc/$$/fdinfo/9"
  } 2>/dev/null
  # Opened without cutting it: the room for these bytes was taken before the start.
  { printf '%s - end\n' "$rb_code" 1<>"$rb_dir.run"; } 2>/dev/null
  rb_tell_end
}

# Tell how it ended whose output is open on 7 and 9, and print that output unless another shell does.
rb_tell_end() {
  if [ -f "$rb_dir.live" ]; then
    rb_tell_exit 0
  elif rb_show out "$rb_dir.out" "$rb_outs" 7 && rb_show err "$rb_dir.err" "$rb_errs" 9; then
    rb_tell_exit 1
  else
    rb_say mute "$rb_code"
  fi
}

# Prevent a start that has not been committed; true when that is certain.
rb_fence() {
  rb_create "$rb_dir.run" fenced || rb_is_fenced
}

# True when the commit was taken to prevent the start.
rb_is_fenced() {
  rb_word=
  { read -r rb_word rb_rest <"$rb_dir.run"; } 2>/dev/null
  [ "$rb_word" = fenced ]
}

# Set rb_code to the exit code, or to nothing while there is none.
rb_read_code() {
  rb_code=
  rb_last=
  { read -r rb_code rb_rest rb_last <"$rb_dir.run"; } 2>/dev/null
  [ "$rb_last" = end ] || rb_code=
  [ -n "$rb_code" ]
}

# Read the claim: rb_sup and rb_then, the shell that runs it; rb_how and rb_what, its kind and what it is for; rb_pid, the
# command; rb_end and rb_last, how it came to an end; rb_unit and rb_memory, what unit.sh says of it.
rb_read_claim() {
  rb_sup=
  rb_then=
  rb_how=
  rb_what=
  rb_pid=
  rb_end=
  rb_last=
  rb_unit=
  rb_memory=
  {
    {
      read -r rb_sup rb_then
      read -r rb_what
      while read -r rb_word rb_rest; do
        case $rb_word in
          ended | forgot) rb_end=$rb_word rb_last=$rb_rest ;;
          unit) rb_unit=1 rb_sup=unit rb_then= ;;
          sup) rb_sup=${rb_rest%% *} rb_then=${rb_rest#* } ;;
          memory) rb_memory=$rb_word ;;
          *) rb_pid=$rb_word ;;
        esac
      done
    } <"$rb_dir.job"
  } 2>/dev/null
  case $rb_what in 'attached '* | 'channel '* | 'held '*)
    rb_how=${rb_what%% *}
    rb_what=${rb_what#* }
    ;;
  esac
}

# rb_tell_exit PRINTED: tell rb_code, whether the command left processes behind, whether all its output was printed, and
# whether the kernel ended a process of it for want of memory.
rb_tell_exit() {
  rb_read_claim
  # After a restart of the machine the number belongs to somebody else.
  case $rb_then in *" $rb_boot") ;; *) rb_pid= ;; esac
  rb_left_behind
  [ -n "$rb_sup" ] || ! rb_is_haunted "${rb_dir##*/}" || rb_late=1
  [ -z "$rb_unit" ] || ! rb_has_group "${rb_dir##*/}" || { rb_nap && rb_has_group "${rb_dir##*/}" && rb_late=1; }
  rb_say exit "$rb_code" "$rb_late" "$1${rb_memory:+ memory}"
}

# rb_has_group NAME: true while something but the shell that ran the job is in its unit. What ends with the unit gets a
# moment to have ended.
rb_has_group() {
  for rb_f in $(grep -ls "/rbjob-$1\.service" /proc/[0-9]*/cgroup); do
    [ "$rb_f" = "/proc/$rb_sup/cgroup" ] || return 0
  done
  return 1
}
