"""Time zones by zoneinfo and the tzdata package, which must be of the release that the crate has bundled."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

# half-hour shifts, the southern hemisphere, shifts at midnight, negative daylight saving, days that never were
NAMES = [
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Moscow",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Nuuk",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Tehran",
    "Asia/Gaza",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
]
FIRST, LAST = 1970, 2110


def offset(zone, at):
    return at.astimezone(zone).utcoffset()


def transitions(name):
    """(instant, offset before, offset after), in the years FIRST to LAST."""
    zone = ZoneInfo(name)
    found = []
    at = datetime(FIRST, 1, 1, tzinfo=timezone.utc)
    end = datetime(LAST, 1, 1, tzinfo=timezone.utc)
    while at < end:
        after = at + timedelta(days=3)
        if offset(zone, at) != offset(zone, after):
            low, high = at, after
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                if offset(zone, middle) == offset(zone, at):
                    low = middle
                else:
                    high = middle
            found.append((high, offset(zone, low), offset(zone, high)))
            after = high
        at = after
    return found


def signed(offset):
    seconds = int(offset.total_seconds())
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    text = f"{sign}{hours:02}{rest // 60:02}"
    return text + (f"{rest % 60:02}" if rest % 60 else "")


def vtimezone(name, changes):
    """All transitions one by one, so that nothing depends on how a library expands the rules of a VTIMEZONE."""
    first = offset(ZoneInfo(name), datetime(FIRST, 1, 1, tzinfo=timezone.utc))
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    observances = [(datetime(1900, 1, 1), first, first)]
    observances += [((at + before).replace(tzinfo=None), before, after) for at, before, after in changes]
    for local, before, after in observances:
        kind = "DAYLIGHT" if after > before else "STANDARD"
        lines += [
            f"BEGIN:{kind}",
            f"DTSTART:{local:%Y%m%dT%H%M%S}",
            f"TZOFFSETFROM:{signed(before)}",
            f"TZOFFSETTO:{signed(after)}",
            f"END:{kind}",
        ]
    return "\r\n".join(lines + ["END:VTIMEZONE"])
