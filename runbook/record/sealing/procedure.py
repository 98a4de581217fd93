"""`VERIFY.txt`: how a stranger checks this very record with what every Linux machine has, in the order that matters.

It is prose for a person and a script for `sh`, because a procedure that nobody can paste is one that nobody follows. It
takes nothing from this program but the values of the record. What it rests on, the signers and a checkpoint of the
ledger, has to come from somebody else, and it says so first.
"""

from __future__ import annotations

from runbook.record.sealing.statement import Statement

_SIGNED = """\
# 2. WHO SIGNED THE LISTING. It must say: Good "seal@runbook" signature for ... The key should be
#    {key}
#    If the key has expired since, add -Overify-time=YYYYMMDDHHMMSS (in UTC) with the time that step 7 prints.
who=$(ssh-keygen -Y find-principals -f "$signers" -s SHA256SUMS.sig | head -n 1)
ssh-keygen -Y verify -f "$signers" -I "$who" -n seal@runbook -s SHA256SUMS.sig < SHA256SUMS
"""

_UNSIGNED = """\
# 2. WHO SIGNED THE LISTING. Nobody: {unsigned}.
echo "nobody signed this record"
"""

_TEXT = """\
# HOW TO CHECK THIS RECORD WITHOUT THE PROGRAM THAT MADE IT
#
#   run      {run}
#   state    {state}{reason}
#   sealed   {sealed} by {by}
#   journal  {lines} lines, the last has the SHA-256 {head}
#
# You need a machine of your own with sh, find, sort, sed, diff, sha256sum, ssh-keygen and jq, and five minutes. Work on
# a copy that nobody else can write to. This text is a script as well. Read it, and then, in the folder of the record:
#
#   signers=/path/of/allowed_signers ledger=/path/of/ledger sh -e VERIFY.txt
#
# FIRST get the file allowed_signers, and if there is one the newest checkpoint of the ledger, from somebody who is not
# the operator of the run: whoever can replace this folder can replace what lies in it, this text too. The same
# procedure stands in the program's manual (docs/sealing.md); compare them. Any step that prints a difference, or ends
# the script before its last line, is a finding. What each finding proves, and what not, stands in that manual.

signers=${{signers:-/dev/null}}
ledger=${{ledger:-../ledger}}
tmp=$(mktemp -d)

# 1. WHAT LIES HERE is what the two listings name, and nothing else: only plain files and folders.
test -z "$(find . ! -type f ! -type d)"
cat SHA256SUMS OUTPUT.SHA256SUMS | sed 's/^[0-9a-f]*  //' | LC_ALL=C sort > "$tmp/named"
find . -type f ! -path ./SHA256SUMS ! -path ./SHA256SUMS.sig ! -path './SHA256SUMS.sig.[0-9]' \\
  ! -path ./SHA256SUMS.sig.tsr ! -path ./runner.log ! -path './addenda/*' |
  sed 's|^\\./||' | LC_ALL=C sort | diff "$tmp/named" -
echo "1 the listing is complete"

{signed}echo "2 done"

# 3. EVERY FILE IS AS IT WAS. A difference among the outputs is allowed where a signed addendum explains it.
sha256sum -c --strict --quiet SHA256SUMS
if [ -s OUTPUT.SHA256SUMS ]; then sha256sum -c --strict --quiet OUTPUT.SHA256SUMS; fi
echo "3 every file is as it was"

# 4. THE JOURNAL IS ONE CHAIN, of as many lines as were sealed, and its last line is the one that was.
test "$(wc -l < journal.jsonl)" -eq {lines}
test "$(head -n {lines} journal.jsonl | tail -n 1 | sha256sum | cut -c 1-64)" = {head}
{{ printf '%064d\\n' 0; head -n {lines} journal.jsonl | split -l 1 --filter=sha256sum | cut -c 1-64; }} |
  head -n -1 > "$tmp/made"
head -n {lines} journal.jsonl | jq -r .prev | diff - "$tmp/made"
head -n {lines} journal.jsonl | jq -r .seq > "$tmp/numbers"
seq 0 {last} | diff - "$tmp/numbers"
head -n {lines} journal.jsonl | jq -r .at | LC_ALL=C sort -g -c
echo "4 the chain holds"

# 5. WHAT WAS SIGNED WHILE THE RUN WENT ON: each checkpoint names a line of this journal and its hash.
for text in checkpoints/*.txt; do
  [ -e "$text" ] || continue
  said=$(sed -n 3p "$text")
  test "$(sed -n "$(sed -n 2p "$text")p" journal.jsonl | sha256sum | cut -c 1-64)" = "$said"
  who=$(ssh-keygen -Y find-principals -f "$signers" -s "$text.sig" | head -n 1)
  ssh-keygen -Y verify -f "$signers" -I "$who" -n checkpoint@runbook -s "$text.sig" < "$text"
done
echo "5 the checkpoints hold"

# 6. WHO APPROVED: each text was signed by somebody else than the operator, and names the head of the journal before
#    its gate was answered.
for text in approvals/*.txt; do
  [ -e "$text" ] || continue
  line=$(sed -n 's/^line: //p' "$text")
  test "$(sed -n "${{line}}p" journal.jsonl | sha256sum | cut -c 1-64)" = "$(sed -n 's/^head: //p' "$text")"
  who=$(ssh-keygen -Y find-principals -f "$signers" -s "$text.sig" | head -n 1)
  ssh-keygen -Y verify -f "$signers" -I "$who" -n approve@runbook -s "$text.sig" < "$text"
  echo "approved by $who, asked for by $(jq -r 'select(.seq == 0) | .event.operator.name' journal.jsonl)"
done
echo "6 the approvals hold"

# 7. SINCE WHEN: a time stamp over the signature, where there is one. Set authority to the certificates of the time
#    stamp authority (PEM), which also come from somebody else.
if [ -e SHA256SUMS.sig.tsr ]; then
  openssl ts -reply -in SHA256SUMS.sig.tsr -text | grep 'Time stamp'
  if [ -n "$authority" ]; then
    openssl ts -verify -data SHA256SUMS.sig -in SHA256SUMS.sig.tsr -CAfile "$authority"
  fi
fi
echo "7 done"

# 8. THE LEDGER of all runs is one chain without a hole, and names this record with this listing.
if [ -d "$ledger" ]; then
  prev=$(printf '%064d' 0)
  number=1
  while entry=$ledger/$(printf '%09d' $number).json && [ -e "$entry" ]; do
    test "$(jq -r .prev "$entry")" = "$prev"
    prev=$(sha256sum < "$entry" | cut -c 1-64)
    number=$((number + 1))
  done
  test "$(find "$ledger" -name '[0-9]*.json' | wc -l)" -eq $((number - 1))
  cat "$ledger"/[0-9]*.json | jq -r 'select(.run == "{run}" and has("manifest")) | .manifest' > "$tmp/sealed"
  sha256sum < SHA256SUMS | cut -c 1-64 | diff "$tmp/sealed" -
  echo "8 the ledger holds: $((number - 1)) entries, the last has the SHA-256 $prev"
else
  echo "8 there is no ledger here"
fi
echo "{run}: nothing was found against this record"
"""


def procedure(statement: Statement) -> str:
    """The text for one record."""
    signed = _SIGNED.format(key=statement.key) if statement.key else _UNSIGNED.format(unsigned=statement.unsigned)
    return _TEXT.format(
        run=statement.run,
        state=statement.state,
        reason=f" for good: {_one_line(statement.reason)}" if statement.reason else "",
        sealed=statement.sealed,
        by=_one_line(statement.by.name) if statement.by else "nobody who said so",
        lines=statement.lines,
        last=statement.lines - 1,
        head=statement.head,
        signed=signed,
    )


def _one_line(text: str) -> str:
    """Words that somebody typed, as part of a comment: nothing in them may become a command."""
    return "".join(char if char.isprintable() else " " for char in text)
