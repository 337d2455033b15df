"""What the live tests stand on: a wire loses nothing and adds nothing."""

import pytest

import netns

pytestmark = pytest.mark.skipif(netns.why_not() is not None, reason=str(netns.why_not()))


def frame(number, size=100):
    return bytes.fromhex("02000000000202000000000188b5") + number.to_bytes(2, "big") + bytes(size - 16)


def test_what_is_sent_arrives_and_nothing_else():
    with netns.Namespace() as here, netns.Namespace() as there:
        here.veth("a", "b", to=there)
        one, other = here.wire("a"), there.wire("b")
        frames = [frame(n, 60 + n) for n in range(500)]
        one.send(*frames)
        assert other.collect(500) == frames
        other.send(frame(7))
        assert one.collect(1) == [frame(7)], "what a wire sends itself does not come back to it"
        assert one.waiting() == [] and other.waiting() == []


def test_what_does_not_come_is_said():
    with netns.Namespace() as here:
        here.veth("a", "b")
        wire, far = here.wire("a"), here.wire("b")
        far.send(frame(1))
        with pytest.raises(AssertionError, match="a: 1 frames of 2 came, .*88b50001"):
            wire.collect(2, timeout=1)


def test_namespaces_go_with_the_block():
    with netns.Namespace() as here:
        assert here.name in here.run("ip", "netns", "list")
        with pytest.raises(AssertionError, match="false ended with 1"):
            here.run("false")
    with netns.Namespace() as another:
        assert here.name not in another.run("ip", "netns", "list")
