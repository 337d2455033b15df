"""The end of both gateways, and what they counted."""

# What the demo does to them on purpose, or what is in the nature of hosts.
EXPECTED = {
    "arp.reply": "answers of neighbors",
    "arp.other": "ARP that asks for somebody else",
    "ip4.fragmented": "packets that left in fragments",
    "ip4.too_big": "DF and too large: ICMP told the sender",
    "ip4.ttl_exceeded": "TTL 1: ICMP told the sender",
}


def stop(side):
    """SIGTERM. The report; that it is balanced with no buffer missing, or why not."""
    report = side.strata.stop()
    unexpected = {cause: count for cause, count in ended(report).items() if cause not in EXPECTED}
    assert not unexpected, f"packets ended that should not have: {unexpected}"
    return report, f"exit 0, {report['received'] + report['generated']} packets, each with its end; no buffer missing"


def ended(report):
    """How many packets by cause, whatever their fate."""
    return report["dropped"] | report["consumed"] | report["punted"]


def ends(screen, net):
    screen.part("The end", "SIGTERM: what is still in the queues is forwarded, then the gateways give account.")
    reports = {}

    def end(side):
        reports[side.name], seen = stop(side)
        return seen

    for side in net.sides():
        screen.check(f"gateway {side.name.upper()} ends", lambda: end(side))
    if len(reports) == 2:
        screen.say()
        screen.table(counters(net, reports))
        screen.say()
        screen.check("what one sealed the other opened", lambda: nothing_lost_between(reports))


def counters(net, reports):
    both = [reports[side.name] for side in net.sides()]

    def row(what, count):
        return [what, *(f"{count(report):,}" for report in both)]

    rows = [["", "gateway A", "gateway B"]]
    for port in ("wan", "lan", "host"):
        rows.append(row(f"received by {port}", lambda report: report["ports"][port]["received"]))
    for port in ("wan", "lan"):
        rows.append(row(f"missed by {port}: its ring was full", lambda report: report["devices"][port]["missed"]))
    for step in both[0]["steps"]:
        if any(report["steps"][step] for report in both):
            rows.append(row(f"taken by {step}", lambda report: report["steps"][step]))
    rows.append(row("begun here: ARP, fragments", lambda report: report["generated"]))
    for cause in sorted(set(ended(both[0])) | set(ended(both[1]))):
        meaning = EXPECTED.get(cause)
        rows.append(row(f"ended: {cause}" + (f" ({meaning})" if meaning else ""),
                        lambda report: ended(report).get(cause, 0)))
    for port in ("wan", "lan", "host"):
        rows.append(row(f"sent by {port}", lambda report: report["ports"][port]["sent"]))
    return rows


def sa(report, way):
    return sum(sa["packets"] for name, sa in report["security_associations"].items() if name.startswith(f"{way}-"))


def nothing_lost_between(reports):
    a, b = reports["a"], reports["b"]
    named = 0
    for sender, receiver, way in ((a, b, "A to B"), (b, a, "B to A")):
        lost = sa(sender, "to") - sa(receiver, "from")
        missed = receiver["devices"]["wan"]["missed"]
        assert lost == missed, f"{lost} of {sa(sender, 'to')} from {way} never came, its ring had no room for {missed}"
        named += lost
    told = f"{sa(a, 'to'):,} from A to B, {sa(b, 'to'):,} from B to A"
    return told if not named else f"{told}, but for {named} that a ring had no room for"
