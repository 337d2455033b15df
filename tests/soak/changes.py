"""What an operator does to a gateway that runs, and by which no packet may be lost: reloads, new keys, entries that come and
go. What is done to a gateway is written to its configuration's file too, so that the next start has it."""

import copy
import signal

from scene import DEAD, OTHER, TUNNELS, sid, until

import packets

PROBES = 8
UNREACHABLE_HOST = 1
NEIGHBOR_MAC = packets.mac("02:00:00:00:0c:50")


# --- new keys ---------------------------------------------------------------------------------------------------------


def rekey(soak, sender, tunnel):
    """The inbound SA of the new key beside the old one; the outbound SAs are exchanged; the old inbound one goes."""
    scene, keys = soak.scene, soak.scene.keys[sender, tunnel]
    out, into = scene.gateways[sender], scene.gateways[OTHER[sender]]
    old_out, old_in, old_spi = keys.entry("out", scene.addresses), keys.entry("in", scene.addresses), keys.spi
    keys.renew()
    new_out, new_in = keys.entry("out", scene.addresses), keys.entry("in", scene.addresses)
    soak.engine.call(soak.wire.sender_of.__setitem__, keys.spi, sender)
    into.ask("sa.add", entry=new_in)
    into.entries.append(new_in)
    # The two SAs may be of two workers: what the one has to open last and the other first may change places.
    soak.engine.call(soak.hosts.reorder, True, [tunnel])
    answer = out.ask("change", delete={"ipsec": {"security_associations": [old_out["name"]]}},
                     add={"ipsec": {"security_associations": [new_out]}})
    assert answer["total"] >= 1, answer
    out.entries.remove(old_out)
    out.entries.append(new_out)
    soak.engine.call(soak.wire.retire, old_spi)
    soak.wait_for_flows([flow for flow in soak.hosts.flows if flow.tunnel == tunnel])
    into.ask("sa.delete", name=old_in["name"])
    into.entries.remove(old_in)
    soak.wait_for_flows([flow for flow in soak.hosts.flows if flow.tunnel == tunnel])
    soak.engine.call(soak.hosts.reorder, False, [tunnel])
    for gateway in (out, into):
        gateway.write()
    return f"{sender} to {OTHER[sender]}, tunnel {tunnel}: SPI {old_spi:#x} becomes {keys.spi:#x}"


def rekey_any(soak):
    return rekey(soak, soak.draw.choice("ab"), soak.draw.randrange(TUNNELS))


def an_sa_is_replaced_by_itself(soak):
    """Deleted and added in one, it goes on with its numbers and its window."""
    gateway = soak.any_gateway()
    entry = soak.draw.choice(gateway.entries)
    gateway.ask("change", delete={"ipsec": {"security_associations": [entry["name"]]}},
                add={"ipsec": {"security_associations": [entry]}})
    gateway.entries.remove(entry)
    gateway.entries.append(entry)
    return f"{gateway.name}: {entry['name']}"


def an_sa_of_nobody(soak):
    """One that carries nothing comes and goes."""
    gateway = soak.any_gateway()
    entry = copy.deepcopy(soak.scene.keys[OTHER[gateway.name], 0].entry("in", soak.scene.addresses))
    entry |= {"name": "of-nobody", "spi": 0x900, "source": "192.0.2.99", "key": "hex:" + soak.draw.randbytes(20).hex(),
              "selectors": {"source": "fc00:99::/48", "destination": "fc00:98::/48"}}
    gateway.ask("sa.add", entry=entry)
    gateway.ask("sa.delete", name="of-nobody")
    return gateway.name


# --- reloads ----------------------------------------------------------------------------------------------------------


def reload_unchanged(soak):
    gateway = soak.any_gateway()
    gateway.write()
    answer = gateway.ask("reload")
    assert answer["total"] == 0, answer
    return gateway.name


def reload_changed(soak):
    return reload_other(soak, soak.any_gateway())


def reload_other(soak, gateway):
    """Another file, and that of before again."""
    kept = copy.deepcopy(gateway.tree)
    tree = gateway.tree
    for entry in tree["ipsec"]["security_associations"]:
        if entry["direction"] == "out":
            entry["ttl"] = soak.draw.randint(32, 63)
    tree["icmp"] = {"burst": soak.draw.randint(60, 90)}
    tree["routes"] += [{"prefix": f"10.{n}.0.0/16", "next_hop": f"{gateway.net}.0.2", "port": "lan"}
                       for n in soak.draw.sample(range(100, 200), 20)]
    gateway.write()
    changed = gateway.ask("reload")["total"]
    assert changed > 20, changed
    gateway.tree = kept
    gateway.write()
    back = gateway.ask("reload")["total"]
    assert back == changed, (changed, back)
    return f"{gateway.name}: {changed} changes, there and back"


def reload_broken(soak):
    """Nothing changes."""
    gateway = soak.any_gateway()
    gateway.write()
    text = gateway.config.read_text()
    broken = soak.draw.choice([
        "ports: [\n", text[:soak.draw.randrange(len(text))].rstrip("\n") or "x", text.replace("direction: in", "direction: up"),
        text.replace("End.DX4", "End.DX9"), text + "routes: []\n", text.replace("192.0.2.", "300.0.2."),
        text.replace("count: ", "count: 1")])
    gateway.write(broken)
    gateway.refused("reload")
    gateway.write(text)
    answer = gateway.ask("diff")
    assert answer["total"] == 0, answer
    return gateway.name


def reload_by_signal(soak):
    gateway = soak.any_gateway()
    gateway.write()
    log = gateway.strata.log().count("reload")
    gateway.strata.signal(signal.SIGHUP)
    until(lambda: gateway.strata.log().count("reload") > log)
    return gateway.name


# --- entries one by one -----------------------------------------------------------------------------------------------


def probes_arrive(soak, flow):
    soak.engine.call(lambda: [soak.hosts.send(flow) for _ in range(PROBES)])
    soak.wait(lambda: not flow.waiting, f"{flow}")


def without_a_route(flow):
    flow.answer, flow.cause, flow.by = (packets.UNREACHABLE, 0), "ip4.no_route", flow.side


def packets_to_nobody(soak):
    """The neighbor is asked for in vain, and whoever sent them is told."""
    gateway = soak.any_gateway()
    flow = soak.engine.call(soak.hosts.probe, gateway.name, 0, f"{gateway.net}.0.{DEAD}", gateway.name)
    flow.answer, flow.cause, flow.by = (packets.UNREACHABLE, UNREACHABLE_HOST), "adj.unresolved", flow.side
    probes_arrive(soak, flow)
    soak.engine.call(soak.hosts.forget_probe, flow)
    return gateway.name


def a_route_and_a_neighbor(soak):
    """A route to a neighbor whose MAC address is given: packets go there, and nowhere when it is gone."""
    gateway, n = soak.any_gateway(), soak.draw.randrange(200, 250)
    flow = soak.engine.call(soak.hosts.probe, gateway.name, 0, f"10.{n}.1.1", gateway.name)
    hosts = soak.hosts

    def came(octets):
        hosts.came(flow, packets.of_payload(octets[42:])[1])

    soak.engine.call(hosts.others.__setitem__, (gateway.name, NEIGHBOR_MAC), came)
    gateway.ask("neighbor.add", entry={"port": "lan", "address": f"{gateway.net}.0.50", "mac": NEIGHBOR_MAC.hex(":")})
    gateway.ask("route.add", entry={"prefix": f"10.{n}.0.0/16", "next_hop": f"{gateway.net}.0.50", "port": "lan"})
    probes_arrive(soak, flow)
    gateway.ask("route.delete", prefix=f"10.{n}.0.0/16")
    gateway.ask("neighbor.delete", port="lan", address=f"{gateway.net}.0.50")
    without_a_route(flow)
    probes_arrive(soak, flow)
    soak.engine.call(hosts.others.pop, (gateway.name, NEIGHBOR_MAC))
    soak.engine.call(hosts.forget_probe, flow)
    return f"{gateway.name}: 10.{n}.0.0/16"


def a_sid_and_a_policy(soak):
    """A SID at one gateway, a policy that leads to it at the other one."""
    gateway, tunnel, n = soak.any_gateway(), soak.draw.randrange(TUNNELS), soak.draw.randrange(100, 200)
    other = soak.scene.gateways[OTHER[gateway.name]]
    new = sid(other.name, tunnel, f"e{n:x}")
    flow = soak.engine.call(soak.hosts.probe, gateway.name, tunnel, f"10.77.{n}.1", other.name)
    other.ask("sid.add", entry={"sid": f"{new}/128", "behavior": "End.DX4", "next_hop": f"{other.net}.0.2", "port": "lan"})
    gateway.ask("policy.add", entry={"name": f"probe-{n}", "prefixes": [f"10.77.{n}.0/24"], "segments": [new]})
    probes_arrive(soak, flow)
    gateway.ask("policy.delete", name=f"probe-{n}")
    without_a_route(flow)
    probes_arrive(soak, flow)
    other.ask("sid.delete", sid=f"{new}/128")
    soak.engine.call(soak.hosts.forget_probe, flow)
    return f"{gateway.name} to {new}"
