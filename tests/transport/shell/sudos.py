"""Stand-ins for sudo, as scripts: what cannot be installed here, and each kind of prompt that can be met.

They keep the contract that the real one keeps (`sudo_contract.py`). Of options they know -n, -k, -S, -H, -p PROMPT,
-u USER, -v and --; of the prompt's escapes %p, %u and %U. Words of sudo-rs: its sudo(8), and its error messages as of 0.2.
"""

from __future__ import annotations

from pathlib import Path

PASSWORD = "right one"

_SUDO = r"""#!/bin/sh
printf '%s\n' "$*" >>{home}/calls
ask=yes
user=root
while [ $# -gt 0 ]; do
  case $1 in
    --) break ;;
    -n) ask=no ;;
    -p) prompt=$2; shift ;;
    -u) user=$2; shift ;;
    -v) set -- -- true; break ;;
    -k | -S | -H) ;;
    -?) echo "sudo: invalid option $1" >&2; exit 1 ;;
    *) break ;;
  esac
  shift
done
[ "$1" != -- ] || shift
if [ -e {home}/nopasswd ]; then exec "$@"; fi
if [ $ask = no ]; then echo "sudo: {required}" >&2; exit 1; fi
prompt=$(printf '%s' "$prompt" | sed "s/%p/rbuser/g; s/%u/rbuser/g; s/%U/$user/g")
try=0
while [ $try -lt 3 ]; do
  {say}
  IFS= read -r password || exit 1
  if [ "$password" = '{password}' ]; then
    if [ -e {home}/norule ]; then echo "sudo: {denied}" >&2; exit 1; fi
    exec "$@"
  fi
  try=$((try + 1))
  echo wrong >>{home}/wrong
  [ $try -lt 3 ] && echo "{again}" >&2
done
echo "sudo: {most}" >&2
exit 1
"""

_CLASSIC = {
    "say": 'printf "%s" "$prompt" >&2',
    "required": "a password is required",
    "again": "Sorry, try again.",
    "most": "3 incorrect password attempts",
    "denied": "rbuser is not in the sudoers file.",
}
_RUST = {
    "say": 'printf "[sudo: %s] Password: " "$prompt" >&2',
    "required": "interactive authentication is required",
    "again": "sudo: Authentication failed, try again.",
    "most": "Maximum 3 incorrect authentication attempts",
    "denied": "I'm sorry rbuser. I'm afraid I can't do that",
}
KINDS = {
    "sudo": _CLASSIC,
    "sudo-rs": _RUST,
    "sudo with a lecture": {
        **_CLASSIC,
        "say": 'printf "We trust you have received the usual lecture.\\n\\n%s" "$prompt" >&2',
    },
    "sudo in German": {**_CLASSIC, "again": "Das hat nicht funktioniert, bitte nochmal probieren."},
}


class Tool:
    """One stand-in, first in the PATH of whoever adds `folder` to it."""

    def __init__(self, folder: Path, kind: str = "sudo") -> None:
        self.folder, self._home = folder, folder.parent
        folder.mkdir()
        text = _SUDO
        for name, words in {**KINDS[kind], "home": str(self._home), "password": PASSWORD}.items():
            text = text.replace(f"{{{name}}}", words)
        (folder / "sudo").write_text(text)
        (folder / "sudo").chmod(0o755)

    def now(self, fact: str) -> Tool:
        """From now on: `nopasswd`, or `norule`."""
        (self._home / fact).write_text("")
        return self

    def calls(self) -> list[str]:
        """Its arguments, each time that it was called."""
        return self._lines("calls")

    def wrong(self) -> int:
        """Wrong passwords that were given to it."""
        return len(self._lines("wrong"))

    def _lines(self, name: str) -> list[str]:
        path = self._home / name
        return path.read_text().splitlines() if path.exists() else []
