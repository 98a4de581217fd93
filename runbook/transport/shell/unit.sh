# A step that the host's systemd looks after. POSIX sh; functions only, nothing runs when this is read (with durable.sh, whose
# header says what a job is made of). Sent along with the steps that want it, because no other needs it.
#
# In this grade the shell that takes the frame only makes the claim, and a transient unit, rbjob-NAME.service, commits, runs
# and writes the exit code: a login that ends takes nothing of it along, also where logind ends whatever a login has left.
# The files are the same, and so are the marks. The claim has two lines more:
#   unit                 the shell that made it will not run it
#   sup PID START BOOT   who does, in the words of the first line: a shell in the unit; or, where systemd did not start
#                        one, the shell that made the claim after all, which then has committed as in any other grade
# Both take the commit as everybody does, so it does not matter how late a unit starts that nobody waits for any more.
#
# What belongs to the step is what is in its control group (tree.sh): a process that has left its session, forgotten its
# environment and lost its parents is still there. The group is not ended with the command: what a step leaves running runs
# on, and is told, as in every grade.
#
# Secrets are in the script and in the environment, so neither may stand in an argument or a property, where everybody can
# read them: all of it goes to the unit on its standard input, as one compound command of which half is nothing. The
# environment, the folder and the soft limits are those of the login, so that a step finds what it would have found there.

# rb_run_unit NAME: as rb_run, in a unit.
rb_run_unit() {
  rb_begin "$1" '' && rb_has_room || return
  if { echo unit >>"$rb_dir.job"; } 2>/dev/null; then
    rb_watch_unit "$1" 7>>"$rb_dir.out" 9>>"$rb_dir.err"
  else
    rb_refuse
  fi
}

# rb_watch_unit NAME: start it, wait until it has ended and tell how. Its output is open on 7 and 9.
rb_watch_unit() {
  rb_start_unit "$1"
  rb_outs=0
  rb_errs=0
  if rb_read_code; then
    rb_tell_end
  elif rb_create "$rb_dir.run" "$rb_blank"; then
    printf 'sup %s\n' "$rb_me" >>"$rb_dir.job"
    rb_go "$1" 'start session'
  elif [ "$rb_made" = 1 ]; then
    rb_refuse
  elif rb_is_fenced; then
    rb_say fenced
  else
    # Whoever waited for the unit has stopped too early, or the shell in it was killed.
    rb_follow 0 0 100
  fi
}

# Print what a shell needs to stand where this one stands, as commands: where the job is, the environment, the soft limits.
rb_surroundings() {
  rb_pwd=$PWD
  export rb_dir rb_pwd
  export -p
  for rb_word in c d f l n s t v; do
    printf 'ulimit -S%s ' "$rb_word"
    ulimit "-S$rb_word"
  done
}

# rb_start_unit NAME: returns when the unit has ended, or could not be started. systemd ends it by ExecStop, so that the
# command hears of it and its code is written, and not its shell alone. Where the kernel ends a process for want of memory,
# the others go on, as anywhere else.
rb_start_unit() {
  rb_around=$(rb_surroundings 2>/dev/null)
  XDG_RUNTIME_DIR=/run/user/$rb_uid systemd-run "$rb_manager" --quiet --collect --pipe --unit="rbjob-$1" \
    --description="runbook ${rb_spec% *}" -p KillMode=process -p OOMPolicy=continue -p TimeoutStopSec=10 \
    -p "ExecStop=/bin/sh -c 'test -z \"\$MAINPID\" || exec systemctl $rb_manager kill rbjob-$1.service'" \
    /usr/bin/env -i /bin/sh 2>/dev/null <<RB_UNIT | while read -r rb_word; do rb_say "$rb_word"; done
{
{
$rb_around
cd "\$rb_pwd"
} 2>/dev/null
rb_at=\$rb_dir
unset rb_dir rb_pwd
trap : TERM HUP PIPE
umask 077
set -C
{ printf '%s\n' '$rb_blank' >"\$rb_at.run"; } 2>/dev/null || exit 1
set +C
read -r rb_line </proc/\$\$/stat
set -- \${rb_line##*\\) }
printf 'sup %s %s %s\n' "\$\$" "\${20}" '$rb_boot' >>"\$rb_at.job"
echo start
RUNBOOK_JOB=$1 $rb_setsid /bin/sh >>"\$rb_at.out" 2>>"\$rb_at.err" 8>>"\$rb_at.job" <<'RB_$1'
umask $rb_umask
$rb_script
RB_$1
rb_code=\$?
{
read -r rb_line </proc/\$\$/cgroup
while read -r rb_word rb_count; do
[ "\$rb_word" != oom_kill ] || [ "\$rb_count" = 0 ] || echo memory >>"\$rb_at.job"
done <"/sys/fs/cgroup\${rb_line#0::}/memory.events"
} 2>/dev/null
{ printf '%s - end\n' "\$rb_code" 1<>"\$rb_at.run"; } 2>/dev/null
exit
}
RB_UNIT
}
