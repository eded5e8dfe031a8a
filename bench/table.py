# SPDX-License-Identifier: BSD-2-Clause
"""The result as a table for people."""


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return "{:,.0f}".format(value)
    return "%.1f" % value if abs(value) >= 10 else "%.2f" % value


def with_spread(s):
    if s is None:
        return ""
    if s["min"] == s["max"]:
        return number(s["median"])
    return "%s (%s…%s)" % (number(s["median"]), number(s["min"]), number(s["max"]))


def share(s):
    """The worst round, never rounded up to 100 %. More than that: bytes were doubled."""
    if s is None:
        return ""
    if s["max"] > 1:
        return "%.2f %%, TOO MUCH" % (s["max"] * 100)
    value = s["min"] * 100
    return "100 %" if value >= 100 else "%.1f %%" % min(value, 99.9)


def verdict(t):
    word = {True: "ok", False: "not yet", None: "?"}[t["good"]]
    sign = "≤" if t["at"] == "most" else "≥"
    return "%s %s, %s %s: %s" % (t["what"], number(t["value"]), sign, number(t["limit"]), word)


def cells(row):
    ratio = with_spread(row["ratio"])
    return [row["variant"], "%s %s" % (with_spread(row["value"]), row["unit"]),
            "× " + ratio if ratio else "", share(row["captured"]),
            "; ".join([verdict(t) for t in row["targets"]] + note(row["notes"]))]


def note(notes):
    if "added_ns" in notes:
        return ["adds %(added_ns)d ns" % notes]
    return ["%(link)s at %(places)s" % notes] if "link" in notes else []


HEAD = ["", "median (min…max)", "to untraced", "captured", "target"]


def print_table(result, to):
    lines = [(None, HEAD)]
    group = None
    order = {}
    for row in result["rows"]:
        order.setdefault((row["bench"], row["case"]), len(order))
    for row in sorted(result["rows"], key=lambda r: order[r["bench"], r["case"]]):
        if (row["bench"], row["case"]) != group:
            group = (row["bench"], row["case"])
            lines.append(("%s, %s" % group, None))
        lines.append((None, cells(row)))
    widths = [max(len(c[i]) for _, c in lines if c) for i in range(len(HEAD))]
    for title, columns in lines:
        text = title or "  " + "  ".join(c.ljust(w) for c, w in zip(columns, widths))
        print(text.rstrip(), file=to)
    for out in result["left_out"]:
        print("left out: %(what)s: %(reason)s" % out, file=to)
    m = result["machine"]
    print("%d rounds, interleaved; %d CPUs, Linux %s; load average before %.1f, after %.1f"
          % (result["rounds"], m["cpus"], m["kernel"], m["load"], m["load_after"]), file=to)
