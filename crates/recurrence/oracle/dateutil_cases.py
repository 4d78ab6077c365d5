#!/usr/bin/env python3
"""Random recurrence rules with what python-dateutil makes of them, as JSON lines.

    python3 -m venv venv && venv/bin/pip install python-dateutil==2.9.0.post0
    venv/bin/python dateutil_cases.py --seed 1 --cases 400 > ../tests/dateutil.jsonl

More cases against the crate, without freezing them:

    venv/bin/python dateutil_cases.py --seed 2 --cases 5000 > /tmp/cases.jsonl
    ORACLE_CASES=/tmp/cases.jsonl cargo test -p recurrence --test oracle

Each line holds start, rule, from, to (naive local times; from <= t < to) and the starts in that span. A start that its rule
does not generate is prepended and counted, as this crate does and dateutil does not. Rules that dateutil and RFC 5545 read
differently are left out unless --all is given; the README of the crate names them.
"""

import argparse
import json
import random
import signal
import sys
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
MOST = 60


def pick(rng, values, most):
    chosen = rng.sample(values, rng.randint(1, min(most, len(values))))
    return ",".join(str(v) for v in chosen)


def signed(rng, most, low=1):
    value = rng.randint(low, most)
    return value if rng.random() < 0.6 else -value


def random_rule(rng):
    freq = rng.choice(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"])
    parts = [f"FREQ={freq}"]

    def sometimes(p):
        return rng.random() < p

    if sometimes(0.5):
        parts.append(f"INTERVAL={rng.randint(1, 12 if freq != 'HOURLY' else 50)}")
    if sometimes(0.3):
        parts.append(f"WKST={rng.choice(DAYS)}")
    by = []
    if sometimes(0.3):
        by.append(f"BYMONTH={pick(rng, range(1, 13), 4)}")
    if freq == "YEARLY" and sometimes(0.2):
        by.append("BYWEEKNO=" + ",".join(str(signed(rng, 53)) for _ in range(rng.randint(1, 3))))
    weekno = any(p.startswith("BYWEEKNO") for p in by)
    if freq in ("YEARLY", "HOURLY") and sometimes(0.2):
        by.append("BYYEARDAY=" + ",".join(str(signed(rng, 366)) for _ in range(rng.randint(1, 6))))
    if freq != "WEEKLY" and sometimes(0.3):
        by.append("BYMONTHDAY=" + ",".join(str(signed(rng, 31)) for _ in range(rng.randint(1, 4))))
    if sometimes(0.5):
        if freq in ("MONTHLY", "YEARLY") and not weekno and sometimes(0.5):
            most = 5 if freq == "MONTHLY" or any(p.startswith("BYMONTH=") for p in by) else 53
            values = []
            for _ in range(rng.randint(1, 3)):
                ordinal = "" if sometimes(0.2) else str(signed(rng, most))
                values.append(ordinal + rng.choice(DAYS))
            by.append("BYDAY=" + ",".join(values))
        else:
            by.append(f"BYDAY={pick(rng, DAYS, 4)}")
    if sometimes(0.15):
        by.append(f"BYHOUR={pick(rng, range(24), 3)}")
    if sometimes(0.15):
        by.append(f"BYMINUTE={pick(rng, range(60), 3)}")
    if sometimes(0.1):
        by.append(f"BYSECOND={pick(rng, range(60), 2)}")
    if by and sometimes(0.25):
        by.append("BYSETPOS=" + ",".join(str(signed(rng, 5)) for _ in range(rng.randint(1, 2))))
    return freq, parts + by


def disputed(parts):
    """Why dateutil's answer to this rule is not the RFC's, if so."""
    named = dict(p.split("=") for p in parts)
    by_day = named.get("BYDAY", "").split(",")
    with_ordinal = [len(d) > 2 for d in by_day if d]
    if any(with_ordinal) and not all(with_ordinal):
        return "BYDAY with and without ordinals: dateutil intersects them"
    if "BYWEEKNO" in named:
        if not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & named.keys():
            return "BYWEEKNO alone: dateutil takes all seven days, not the weekday of DTSTART"
        if any(int(n) < -50 for n in named["BYWEEKNO"].split(",")):
            return "BYWEEKNO=-51 and less: dateutil forgets week 1 of the next year"
        if any(int(n) > 51 for n in named["BYWEEKNO"].split(",")):
            return "BYWEEKNO=52 and more: dateutil miscounts the weeks of the year before"
    if named["FREQ"] == "WEEKLY" and "BYSETPOS" in named:
        return "BYSETPOS by week: dateutil's first week begins at DTSTART"
    return None


def timed_out(*_):
    raise TimeoutError


def case(rng, everything):
    freq, parts = random_rule(rng)
    if not everything and disputed(parts):
        return None
    start = datetime(rng.randint(1960, 2040), 1, 1) + timedelta(seconds=rng.randrange(365 * 86400))
    if rng.random() < 0.5:
        start = start.replace(second=0)
    reach = {"YEARLY": 400, "MONTHLY": 40, "WEEKLY": 15, "DAILY": 5, "HOURLY": 0.2}[freq]
    end = rng.random()
    count = None
    if end < 0.3:
        count = rng.randint(1, 200)
    elif end < 0.5:
        until = start + timedelta(days=rng.random() * 365 * reach / 2)
        parts.append(f"UNTIL={until:%Y%m%dT%H%M%S}")
    rule = ";".join(parts)
    since = start + timedelta(days=int(rng.random() * 365 * reach))
    length = {"YEARLY": 30 * 365, "MONTHLY": 4 * 365, "WEEKLY": 365, "DAILY": 60, "HOURLY": 4}[freq]
    to = since + timedelta(days=rng.randint(1, length))

    def take(count):
        suffix = f";COUNT={count}" if count is not None else ""
        for t in rrulestr(rule + suffix, dtstart=start):
            if t >= to:
                return
            yield t

    if count is not None and count > 1:
        first = next(iter(take(1)), None)
        starts = take(count) if first == start else take(count - 1)
    elif count == 1:
        starts = iter([])
    else:
        starts = take(None)
    found = [t for t in starts if since <= t]
    if since <= start < to and (not found or found[0] != start):
        found.insert(0, start)
    if len(found) > MOST:
        to = found[MOST]
        found = found[:MOST]
    if count is not None:
        rule += f";COUNT={count}"
    stamp = "%Y-%m-%dT%H:%M:%S"
    return {
        "start": start.strftime(stamp),
        "rule": rule,
        "from": since.strftime(stamp),
        "to": to.strftime(stamp),
        "starts": [t.strftime(stamp) for t in found],
    }


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--cases", type=int, default=400)
    args.add_argument("--all", action="store_true")
    args = args.parse_args()
    rng = random.Random(args.seed)
    signal.signal(signal.SIGALRM, timed_out)
    written = empty = 0
    while written < args.cases:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            line = case(rng, args.all)
        except (TimeoutError, OverflowError, ValueError):
            # a rule without members keeps dateutil busy until the year 9999
            line = None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if line is None:
            continue
        if not line["starts"]:
            empty += 1
            if empty * 10 > args.cases:
                empty -= 1
                continue
        written += 1
        json.dump(line, sys.stdout)
        print()


if __name__ == "__main__":
    main()
