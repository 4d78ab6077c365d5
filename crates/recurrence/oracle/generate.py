#!/usr/bin/env python3
"""Random series with what python-dateutil makes of them, as JSON lines. `./dev oracle` runs it; answer.mjs adds ical.js.

A case has the series as this crate is given it, and under "strict" the same as RFC 5545 wants it written, which is what the
libraries are given: UNTIL in the form of DTSTART, RDATE and EXDATE as readings of the clock of the series. Answers are lists
of `reading+offset`, the offset from UTC in seconds.
"""

import argparse
import itertools
import json
import multiprocessing
import random
import signal
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr

import rules
import zones

MOST = 60  # members in and around a window
STAMP = "%Y-%m-%dT%H:%M:%S"
ICAL = "%Y%m%dT%H%M%S"
DAY = timedelta(days=1)
CHANGES = {name: zones.transitions(name) for name in zones.NAMES}
EARLY = {name: [change for change in CHANGES[name] if change[0].year < 2060] for name in zones.NAMES}
# what a clock reads and what instant that is differ in order by as much as it is ever moved
MARGIN = {name: timedelta(hours=26 if name in ("Pacific/Apia", "Pacific/Kwajalein") else 3) for name in zones.NAMES}


class TooSlow(Exception):
    pass


def too_slow(*_):
    raise TooSlow


def in_utc(local, zone):
    return local.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)


class Series:
    """One random series."""

    def __init__(self, rng):
        self.rng = rng
        self.form = rng.choices(["zoned", "floating", "date"], [7, 2, 1])[0]
        self.name = rng.choice(zones.NAMES)
        self.zone = ZoneInfo(self.name)
        self.far = rng.random() < 0.25
        self.start = self.random_start()
        self.given, self.strict = [], []
        for _ in range(1 if rng.random() < 0.9 else 2):
            self.add_rule()
        self.rdates = [self.random_moment() for _ in range(rng.choices([0, 1, 3], [8, 1, 1])[0])]
        self.exdates = []
        self.window()

    def near_a_change(self):
        """A reading around a change of the clock, half of the time one that is skipped or exists twice."""
        changes = EARLY[self.name]
        if not changes:
            return None
        at, before, after = self.rng.choice(changes)
        local = at.replace(tzinfo=None) + min(before, after)
        width = int(abs(after - before).total_seconds()) // 900
        return local + timedelta(minutes=15 * self.rng.randint(-width, 2 * width))

    def random_start(self):
        rng = self.rng
        day = datetime(rng.randint(1970, 2040), 1, 1) + timedelta(days=rng.randrange(365))
        near = self.near_a_change()
        if self.form == "date":
            return near.replace(hour=0, minute=0, second=0) if near and rng.random() < 0.3 else day
        if near and rng.random() < 0.3:
            return near
        if near and rng.random() < 0.5:  # at a time of day that will be skipped one day, or has been
            return day + timedelta(hours=near.hour, minutes=near.minute)
        seconds = rng.randrange(86400)
        return day + timedelta(seconds=seconds if rng.random() < 0.3 else seconds // 900 * 900)

    def add_rule(self):
        rng = self.rng
        freq = rng.choice(rules.FREQUENCIES[:-1] if self.form == "date" else rules.FREQUENCIES)
        interval = 1 if rng.random() < 0.5 else rng.randint(2, 12 if freq != "HOURLY" else 50)
        if freq == "HOURLY" and self.far:
            interval = rng.randint(20, 500)
        self.freq = freq
        parts = rules.random_parts(rng, freq, interval)
        given, strict = ";".join(parts), ";".join(rules.strict(parts, self.form == "date"))
        end = rng.random()
        if end < 0.3:
            count = f";COUNT={rng.randint(1, 200)}"
            given, strict = given + count, strict + count
        elif end < 0.5:
            days = {"YEARLY": 9000, "MONTHLY": 4000, "WEEKLY": 1500, "DAILY": 400, "HOURLY": 20}[freq]
            until = self.start + timedelta(seconds=rng.randrange(-DAY.days, days * 86400) // 900 * 900)
            near = self.near_a_change()
            if near and near > self.start and rng.random() < 0.2:
                until = near
            as_given, as_strict = self.until(until)
            given += ";UNTIL=" + as_given
            strict += ";UNTIL=" + as_strict
        self.given.append(given)
        self.strict.append(strict)

    def until(self, local):
        """UNTIL in any form, and in the one that fits the start, by the table in the crate's README."""
        utc = in_utc(local, self.zone)
        form = self.rng.choice(["date", "local", "utc", "utc"])
        given = {"date": f"{local:%Y%m%d}", "local": local.strftime(ICAL), "utc": utc.strftime(ICAL) + "Z"}[form]
        if self.form == "date":
            if form != "utc":
                day = local
            elif utc.strftime("%H%M%S") in ("000000", "235959"):
                day = utc
            else:
                day = utc.astimezone(self.zone)
            return given, f"{day:%Y%m%d}"
        if form == "date":
            local = local.replace(hour=23, minute=59, second=59)
        if self.form == "zoned":
            return given, (utc if form == "utc" else in_utc(local, self.zone)).strftime(ICAL) + "Z"
        return given, local.strftime(ICAL)

    def random_moment(self):
        """(as given, reading on the clock of the series)"""
        at = self.start + timedelta(seconds=self.rng.randrange(400 * 86400) // 900 * 900)
        near = self.near_a_change()
        if near and self.rng.random() < 0.3:
            at = near
        return self.moment(at)

    def moment(self, at):
        if self.form == "date":
            at = at.replace(hour=0, minute=0, second=0)
            return at.strftime("%Y-%m-%d"), at
        if self.form == "zoned" and self.rng.random() < 0.4:
            other = self.rng.choice(["UTC", "Asia/Tokyo"])
            there = in_utc(at, self.zone).astimezone(ZoneInfo(other))
            # of a reading that is skipped, the instant is another reading
            back = there.astimezone(self.zone).replace(tzinfo=None)
            return f"{there.strftime(STAMP)} {other}", back
        return at.strftime(STAMP) + (f" {self.name}" if self.form == "zoned" else ""), at

    def window(self):
        rng = self.rng
        reach = {"YEARLY": 3000, "MONTHLY": 1500, "WEEKLY": 500, "DAILY": 150, "HOURLY": 6}[self.freq]
        length = {"YEARLY": 9000, "MONTHLY": 1500, "WEEKLY": 365, "DAILY": 60, "HOURLY": 4}[self.freq]
        since = self.start + timedelta(days=rng.randint(-3, reach))
        if self.far:
            since = self.start + timedelta(days=365.25 * 50 + rng.randint(0, reach))
        since = min(since, datetime(zones.LAST - 30, 1, 1))
        near = [
            at.replace(tzinfo=None)
            for at, _, _ in CHANGES[self.name]
            if abs((at.replace(tzinfo=None) - since).days) < 400 and at.replace(tzinfo=None) > self.start
        ]
        if near and self.form == "zoned" and rng.random() < 0.6:
            since = rng.choice(near) - timedelta(hours=rng.randint(2, 48))
        self.since = since.replace(minute=0, second=0)
        self.to = self.since + timedelta(hours=rng.randint(1, length * 24))

    def dateutil(self):
        zone = self.zone if self.form == "zoned" else None
        start = self.start.replace(tzinfo=zone)
        united = rruleset()
        united.rdate(start)
        self.uncounted, self.outside = [], bool(self.strict)
        self.margin = MARGIN[self.name]
        low = self.since - self.margin
        for number, text in enumerate(self.strict):
            rule = rrulestr(text, dtstart=start)
            first = next(iter(rule), None)
            self.outside = self.outside and first != start
            if "COUNT=" in text and first != start:
                self.uncounted.append(number)
            united.rrule(rule)
        for _, at in self.rdates:
            united.rdate(at.replace(tzinfo=zone))
        members = []
        for at in united:
            local = at.replace(tzinfo=None)
            if local > self.to + self.margin:
                break
            if local >= low:
                members.append(local)
            if len(members) == MOST:
                self.to = local.replace(minute=0, second=0) - self.margin - timedelta(hours=1)
                if self.to <= self.since:
                    raise TooSlow  # so many in one hour
                break
        # some of the members are excluded, so EXDATEs come after them
        rng = self.rng
        if members and rng.random() < 0.25:
            chosen = rng.sample(members, min(len(members), rng.randint(1, 3)))
            self.exdates = [self.moment(at) for at in chosen]
            if rng.random() < 0.3:
                self.exdates.append(self.random_moment())
        for _, at in self.exdates:
            united.exdate(at.replace(tzinfo=zone))
        answer = []
        for at in united:
            local = at.replace(tzinfo=None)
            if local > self.to + self.margin:
                break
            if local >= low:
                behind = local.replace(tzinfo=self.zone).utcoffset()
                answer.append(f"{local.strftime(STAMP)}{int(behind.total_seconds()):+}")
        return answer

    def case(self):
        answer = self.dateutil()
        start = self.start.strftime("%Y-%m-%d" if self.form == "date" else STAMP)
        case = {
            "start": start + (f" {self.name}" if self.form == "zoned" else ""),
            "anchor": self.name,
            "rules": self.given,
            "rdates": [given for given, _ in self.rdates],
            "exdates": [given for given, _ in self.exdates],
            "from": in_utc(self.since, self.zone).strftime(STAMP),
            "to": in_utc(self.to, self.zone).strftime(STAMP),
            "uncounted": self.uncounted,
            "outside": self.outside,
            "dateutil": answer,
            "strict": {
                "start": self.start.strftime(ICAL),
                "form": self.form,
                "rules": self.strict,
                "rdates": [at.strftime(ICAL) for _, at in self.rdates],
                "exdates": [at.strftime(ICAL) for _, at in self.exdates],
                "low": (self.since - self.margin).strftime(STAMP),
                "high": (self.to + self.margin).strftime(STAMP),
            },
        }
        for name in ("rdates", "exdates", "uncounted", "outside"):
            if not case[name]:
                del case[name]
        return case


def attempt(seed_and_number):
    """The case of this number, or None when dateutil takes too long: a rule without members keeps it busy until 9999."""
    seed, number = seed_and_number
    signal.signal(signal.SIGPROF, too_slow)
    signal.setitimer(signal.ITIMER_PROF, 0.15)
    try:
        return Series(random.Random(f"{seed}/{number}")).case()
    except (TooSlow, OverflowError, ValueError):
        return None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--cases", type=int, default=400)
    args.add_argument("--out", required=True, help="write the cases here")
    args.add_argument("--zones", required=True, help="write the VTIMEZONEs here, as JSON")
    args = args.parse_args()
    with open(args.zones, "w", encoding="utf-8") as file:
        json.dump({name: zones.vtimezone(name, CHANGES[name]) for name in zones.NAMES}, file)
    written = slow = empty = 0
    numbers = itertools.count()
    with open(args.out, "w", encoding="utf-8") as file, multiprocessing.Pool() as pool:
        while written < args.cases:
            batch = [(args.seed, number) for number in itertools.islice(numbers, 500)]
            for case in pool.imap(attempt, batch, 10):
                if case is None:
                    slow += 1
                elif written < args.cases and (case["dateutil"] or empty * 8 <= written):
                    empty += not case["dateutil"]
                    file.write(json.dumps(case) + "\n")
                    written += 1
    print(f"{written} series, {empty} of them with nothing near the window; {slow} took dateutil too long", file=sys.stderr)


if __name__ == "__main__":
    main()
