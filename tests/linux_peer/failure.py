#!/usr/bin/python3
"""Runs what docs/linux.md tells: SRv6 in IPsec between two Linux gateways, in a guest, row by row.

    tests/linux_peer/failure.py             boots, runs each row with and without SRH, prints what happened
    tests/linux_peer/failure.py --expected  only what is expected, as docs/linux.md has it
"""

import re
import sys
from dataclasses import dataclass

import linux

PINGS = 2
SPI = 0x1001  # of the SA from gateway A to gateway B
TO_HOST, TO_GATEWAY = "10.2.0.2", "10.2.0.1"
MODES = ("encap", "encap.red")  # seg6's: with an SRH, and without one when there is one segment
BEHAVIORS = ("End.DX4", "End.DT4")  # at gateway B


@dataclass(frozen=True)
class Row:
    """One way to set Linux up, in functions of four_namespaces.sh, and what comes of a ping from host A."""

    name: str
    setup: str
    target: str = TO_HOST
    encrypted: bool = True
    counter: str = ""  # of gateway B's /proc/net/xfrm_stat, +1 for each packet; none: the ping is answered
    dropped_in: str = ""
    behaviors: tuple = BEHAVIORS

    @property
    def works(self):
        return not self.counter

    def line(self):
        """As the table in docs/linux.md has it."""
        outcome = "works" if self.works else "fails"
        counter = f"`{self.counter}`" if self.counter else ""
        place = f"`{self.dropped_in}`" if self.dropped_in else ""
        return f"| {self.name} | `{self.setup or 'srv6'}` | {outcome} | {counter} | {place} |"


ROWS = (
    Row("no IPsec", "", encrypted=False),
    Row("IPsec with policies for IPv6; the IPv4 packet is for host B", "associations; ipv6_policies",
        counter="XfrmInNoPols", dropped_in="ip_forward"),
    Row("the same; the IPv4 packet is for gateway B itself", "associations; ipv6_policies; sid_leads_to_the_gateway",
        target=TO_GATEWAY, counter="XfrmInNoPols", dropped_in="icmp_rcv"),
    Row("the same for host B, through xfrm interfaces", "xfrm_interfaces",
        counter="XfrmInNoPols", dropped_in="ip_forward"),
    Row("and policies for IPv4 (in, fwd) with the SA's template", "associations; ipv6_policies; ipv4_policies"),
    Row("and policies for IPv4 without a template", "associations; ipv6_policies; ipv4_policies_without_template",
        counter="XfrmInTmplMismatch", dropped_in="ip_forward"),
    Row("and policies for IPv4 with the template, but SAs with IPv6 selectors",
        "associations_with_selector; ipv6_policies; ipv4_policies",
        counter="XfrmInStateMismatch", dropped_in="ip_forward"),
    Row("policies for IPv6; `disable_policy` where the packet comes in",
        "associations; ipv6_policies; no_policy_is_checked"),
    Row("policies for IPv6; the SIDs in another namespace, behind a veth",
        "associations; ipv6_policies; sids_behind_veths", behaviors=("End.DX4",)),
    # The last, because it cannot be taken back.
    Row("policies for IPv6; `net.netfilter.nf_hooks_lwtunnel=1`", "associations; ipv6_policies; netfilter_sees_srv6",
        counter="XfrmInNoPols", dropped_in="ip_forward"),
)


def table():
    head = "| set-up | functions of four_namespaces.sh | ping | counter at gateway B | dropped in |"
    return "\n".join([head, "|---|---|---|---|---|", *(row.line() for row in ROWS)])


@dataclass(frozen=True)
class Outcome:
    """What a ping of PINGS packets did."""

    answered: int
    encrypted: int  # packets that gateway B's SA carried
    counters: dict
    refused: dict  # kernel function -> packets refused there by a policy check


class Lab:
    """The four namespaces in a booted guest."""

    def __init__(self, guest):
        self.guest = guest
        self.call("network")
        self.reasons = drop_reasons(guest)

    def call(self, functions):
        return self.guest.check(f". /four_namespaces.sh\n{functions}")

    def set_up(self, mode, behavior, setup):
        """As a row says; what the row before it left is undone."""
        words = {"xfrm_interfaces": mode, "sid_leads_to_the_gateway": behavior}
        functions = [f"{name} {words.get(name, '')}" for name in setup.split("; ") if name]
        self.call("\n".join(["undo", f"srv6 {mode} {behavior}", *functions]))

    def ping(self, target=TO_HOST, *, source="host-a", words="", patience=10):
        """From a namespace. Returns an Outcome. patience: seconds that the last answer may take."""
        ping = f"ip netns exec {source} ping -c {PINGS} -i 0.2 -W {patience} {words} {target}"
        told = self.call(f"watch_drops; look; echo =====; {ping} || true; echo =====; look")
        before, said, after = told.split("=====\n")
        answered = re.search(rf"{PINGS} packets transmitted, (\d+) received", said)
        if not answered:
            raise linux.GuestError(f"ping said: {said}")
        return Outcome(
            int(answered.group(1)),
            linux.sa_packets(after, SPI) - linux.sa_packets(before, SPI),
            linux.moved(linux.xfrm_counters(before), linux.xfrm_counters(after)),
            self.refusals(after),
        )

    def refusals(self, text):
        """What the histogram of drops says of the kernel's policy checks."""
        found = re.findall(r"location: \[\w+\] (\w+)\s*, reason:\s+(\d+) \} hitcount:\s+(\d+)", text)
        return {function: int(count) for function, reason, count in found if self.reasons[int(reason)] == "XFRM_POLICY"}

    def run(self, row, mode, behavior):
        self.set_up(mode, behavior, row.setup)
        return self.ping(row.target, patience=10 if row.works else 1)


def drop_reasons(guest):
    """This kernel's numbers of the reasons for which it drops packets."""
    guest.check(". /four_namespaces.sh; watch_drops")
    text = guest.check(". /four_namespaces.sh; cat $drops/format")
    return {int(number): name for number, name in re.findall(r'\{ (\d+), "(\w+)" \}', text)}


def told(outcome):
    counters = ", ".join(f"{name} +{count}" for name, count in outcome.counters.items())
    drops = ", ".join(f"{function} {count}" for function, count in outcome.refused.items())
    return (f"{PINGS} sent, {outcome.encrypted} through the SA, {outcome.answered} answered; "
            f"xfrm_stat: {counters or '-'}; refused in: {drops or '-'}")


def main():
    with linux.boot() as guest:
        print(f"Linux {guest.version()}")
        lab = Lab(guest)
        for row in ROWS:
            print(f"\n{row.name}\n  {row.setup or '-'}")
            for behavior in row.behaviors:
                for mode in MODES:
                    print(f"  {mode:9} {behavior}: {told(lab.run(row, mode, behavior))}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--expected"]:
        print(table())
    elif not sys.argv[1:]:
        main()
    else:
        sys.exit(__doc__)
