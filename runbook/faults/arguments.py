"""The types of faults' arguments, each with the sentence that an author reads when it is wrong.

Limits stand in the types, so that the schema of the YAML and the refusal of a value come from one place. Amounts may
be written with a unit, as people say them; they are counted here and nowhere else.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

import msgspec

Unit = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9:_.@\\-]{1,200}$",
        description="Write a systemd service, such as nginx.service.",
    ),
]
Path = Annotated[
    str,
    msgspec.Meta(pattern=r"^/[^\x00-\x1f]*$", max_length=3000, description="Write an absolute path on the host."),
]
Address = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9A-Fa-f:.]{2,45}$", description="Write an IPv4 or IPv6 address, without a port.")
]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535, description="Write a port from 1 to 65535.")]
Percent = Annotated[float, msgspec.Meta(gt=0, le=100, description="Write a percentage above 0, at most 100.")]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="Write a whole number from 1.")]
Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$",
        description="Write a host name: db.example.",
    ),
]
Shell = Annotated[
    str, msgspec.Meta(min_length=1, max_length=60_000, pattern=r"^[^\x00]*$", description="Write text for /bin/sh.")
]
Match = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[^\x00-\x1f]{3,500}$", description="Write a part of the process's command line, as ps shows it."
    ),
]
Interface = Annotated[
    str,
    msgspec.Meta(pattern=r"^[A-Za-z0-9_.:@-]{1,15}$", description="Write a network interface, such as eth0."),
]
Span = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d)$",
        description="Write a time and its unit, such as 50ms or 2h.",
    ),
]
Size = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)$",
        description="Write a size with its unit, such as 64MiB or 10GB.",
    ),
]
Rate = Annotated[
    str,
    msgspec.Meta(pattern=r"^[0-9]{1,9}(kbit|Mbit|Gbit)$", description="Write a rate and its unit, such as 10Mbit."),
]

_AMOUNT = re.compile(r"(-?[0-9.]+)([A-Za-z]+)")
_SPANS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZES |= {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)}
_RATES = {"kbit": 10**3, "Mbit": 10**6, "Gbit": 10**9}


def seconds(span: str) -> float:
    """A `Span` in seconds."""
    number, unit = _parts(span)
    return number * _SPANS[unit]


def octets(size: str) -> int:
    """A `Size` in bytes."""
    number, unit = _parts(size)
    return round(number * _SIZES[unit])


def bits(rate: str) -> int:
    """A `Rate` in bits a second."""
    number, unit = _parts(rate)
    return round(number * _RATES[unit])


def by_family(addresses: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """IPv4 and IPv6 addresses apart, each once.

    Raises:
        ValueError: One of them is none.
    """
    found = [ipaddress.ip_address(address) for address in dict.fromkeys(addresses)]
    v4 = tuple(str(each) for each in found if isinstance(each, ipaddress.IPv4Address))
    return v4, tuple(str(each) for each in found if isinstance(each, ipaddress.IPv6Address))


def _parts(amount: str) -> tuple[float, str]:
    found = _AMOUNT.fullmatch(amount)
    if found is None:  # the types above let nothing else through
        message = f"{amount} is no amount"
        raise ValueError(message)
    return float(found[1]), found[2]
