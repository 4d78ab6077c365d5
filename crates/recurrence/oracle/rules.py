"""Random recurrence rules: every frequency a stored rule may have, every BY part where RFC 5545 allows it."""

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]


def pick(rng, values, most):
    chosen = rng.sample(values, rng.randint(1, min(most, len(values))))
    return ",".join(str(v) for v in chosen)


def signed(rng, most):
    value = rng.randint(1, most)
    return value if rng.random() < 0.6 else -value


def numbers(rng, most, count):
    return ",".join(str(signed(rng, most)) for _ in range(rng.randint(1, count)))


def random_parts(rng, freq, interval):
    """The parts of a rule, without what ends it."""
    parts = [f"FREQ={freq}"]

    def sometimes(p):
        return rng.random() < p

    if interval > 1:
        parts.append(f"INTERVAL={interval}")
    if sometimes(0.3):
        parts.append(f"WKST={rng.choice(DAYS)}")
    by = []
    # a rule that says too much about its days has none
    left = 3 if sometimes(0.2) else 2

    def limits(p):
        return len(by) < left and sometimes(p)

    if limits(0.25):
        by.append(f"BYMONTH={pick(rng, range(1, 13), 4)}")
    weeks = freq == "YEARLY" and limits(0.2)
    if weeks:
        by.append(f"BYWEEKNO={numbers(rng, 53, 3)}")
    if freq in ("YEARLY", "HOURLY") and limits(0.15):
        by.append(f"BYYEARDAY={numbers(rng, 366, 6)}")
    if freq != "WEEKLY" and limits(0.25):
        by.append(f"BYMONTHDAY={numbers(rng, 31, 4)}")
    if limits(0.4):
        if freq in ("MONTHLY", "YEARLY") and not weeks and sometimes(0.6):
            in_month = freq == "MONTHLY" or any(p.startswith("BYMONTH=") for p in by)
            days = []
            for _ in range(rng.randint(1, 3)):
                ordinal = "" if sometimes(0.15) else str(signed(rng, 5 if in_month else 53))
                days.append(ordinal + rng.choice(DAYS))
            by.append("BYDAY=" + ",".join(days))
        else:
            by.append(f"BYDAY={pick(rng, DAYS, 4)}")
    if sometimes(0.12):
        by.append(f"BYHOUR={pick(rng, range(24), 3)}")
    if sometimes(0.12):
        by.append(f"BYMINUTE={pick(rng, range(60), 3)}")
    if sometimes(0.06):
        by.append(f"BYSECOND={pick(rng, range(60), 2)}")
    if by and sometimes(0.2):
        positions = rng.choices([1, -1, 2, -2, 3, -3, 5, -7], [6, 6, 3, 3, 1, 1, 1, 1], k=rng.choice([1, 1, 2]))
        by.append("BYSETPOS=" + ",".join(str(n) for n in positions))
    return parts + by


def strict(parts, whole_days):
    """The same rule: lists ascending and without repetitions, and no times where the start is a date (RFC 5545 3.3.10:
    they MUST be ignored)."""
    kept = []
    for part in parts:
        name, values = part.split("=")
        if whole_days and name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            continue
        if name.startswith("BY") and name != "BYDAY":
            values = ",".join(str(n) for n in sorted({int(n) for n in values.split(",")}))
        kept.append(f"{name}={values}")
    if any(p.startswith("BYSETPOS") for p in kept) and not any(p.startswith("BY") and "SETPOS" not in p for p in kept):
        # of one a day, which is what is left without times
        positions = [p for p in kept if p.startswith("BYSETPOS")]
        kept = [p for p in kept if not p.startswith("BYSETPOS")] + ["BYHOUR=0"] + positions
    return kept
