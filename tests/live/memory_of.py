"""What is in the memory of a process, and what of it a core would hold: are keys among it?

    keys_in(keymat, octets_of(pid))         # in all that it may write to
    keys_in(keymat, octets_of(pid, CORE))
"""

import array
import functools
import mmap
import re

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# Regions larger than this are address space that was only reserved.
LARGEST = 1 << 30
PAGE = mmap.PAGESIZE
SALT = 4  # behind the cipher's key (RFC 4106 section 8.1, RFC 7634 section 2); it lies in the SA, as nonces do


def regions(pid):
    """(first address, octets, flags of smaps' VmFlags) of what the process may write to."""
    found, head = [], re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ")
    for line in open(f"/proc/{pid}/smaps"):
        if match := head.match(line):
            first, last, rights = int(match[1], 16), int(match[2], 16), match[3]
        elif line.startswith("VmFlags:") and rights.startswith("rw") and last - first <= LARGEST:
            found.append((first, last - first, line.split()[1:]))
    return found


def _in_use(pagemap, first, size):
    """(offset, octets) of the runs of pages that are in memory or swapped out (proc(5), /proc/PID/pagemap)."""
    pagemap.seek(first // PAGE * 8)
    pages = array.array("Q", pagemap.read(size // PAGE * 8))
    begin = None
    for n, page in enumerate([*pages, 0]):
        if page >> 62 and begin is None:
            begin = n
        elif not page >> 62 and begin is not None:
            yield begin * PAGE, (n - begin) * PAGE
            begin = None


# Of a process' memory, by the flags of its regions: all of it, what a core would hold, and what is left out of cores
# (madvise(2), MADV_DONTDUMP) and locked.
ALL, CORE, LOCKED = (lambda flags: True), (lambda flags: "dd" not in flags), (lambda flags: {"dd", "lo"} <= set(flags))


def octets_of(pid, which=ALL):
    """Each region's octets."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pages:
        for first, size, flags in regions(pid):
            if not which(flags):
                continue
            for offset, octets in _in_use(pages, first, size):
                memory.seek(first + offset)
                try:
                    yield memory.read(octets)
                except OSError:  # of a device, or gone meanwhile
                    pass


def _sub_word(box, word):
    return bytes(box[octet] for octet in word)


@functools.cache
def _box():
    """The substitution box of AES (FIPS 197 section 5.1.1): an inverse in GF(2^8), then an affine map."""
    def times(a, b):
        product = 0
        while b:
            product ^= a if b & 1 else 0
            a, b = (a << 1) ^ (0x11B if a & 0x80 else 0), b >> 1
        return product

    def substitute(octet):
        inverse = next((x for x in range(256) if times(octet, x) == 1), 0)
        rotated = [(inverse << n | inverse >> (8 - n)) & 0xFF for n in range(5)]
        return rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63

    return [substitute(octet) for octet in range(256)]


def round_keys(key):
    """FIPS 197 section 5.2: of 16, 24 or 32 octets of key the 16 octets of each round."""
    box, words, length = _box(), [key[at:at + 4] for at in range(0, len(key), 4)], len(key) // 4
    constant = 1
    for n in range(length, 4 * (length + 7)):
        word = words[-1]
        if n % length == 0:
            word = bytearray(_sub_word(box, word[1:] + word[:1]))
            word[0] ^= constant
            constant = (constant << 1) ^ (0x11B if constant & 0x80 else 0)
        elif length > 6 and n % length == 4:
            word = _sub_word(box, word)
        words.append(bytes(a ^ b for a, b in zip(word, words[n - length])))
    return [b"".join(words[n:n + 4]) for n in range(0, len(words), 4)]


def hash_key(key):
    """What authenticates under GCM: 16 octets of zero enciphered, as they come, and reversed, and what ciphers keep who
    reduce after the multiplication: doubled, modulo the polynomial of GHASH (NIST SP 800-38D section 6.3)."""
    plain = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(bytes(16))
    number = int.from_bytes(plain, "big")
    doubled = (number << 1) % (1 << 128) ^ (0xC2000000000000000000000000000001 if number >> 127 else 0)
    return [plain, plain[::-1], doubled.to_bytes(16, "little")]


@functools.cache
def forms_of(keymat):
    """What tells a key, by what it is called: any 8 of its octets, any 16 digits of it, what AES-GCM expands it to; of
    a key of ChaCha20-Poly1305, of which nothing is made, these are forms that nobody has. keymat: with its salt."""
    key = keymat[:-SALT]
    forms = {f"octets {at} to {at + 8}": key[at:at + 8] for at in range(0, len(key) - 7, 4)}
    for digits in (key.hex(), key.hex().upper()):
        forms |= {f"digits {at} to {at + 16} ({digits[:2]})": digits[at:at + 16].encode()
                  for at in range(0, len(digits) - 15, 4)}
    forms |= {f"round key {n}": octets for n, octets in enumerate(round_keys(key))}
    forms |= {f"hash key {n}": octets for n, octets in enumerate(hash_key(key))}
    return forms


def keys_in(keymat, regions_of_octets):
    """Which forms of the key are there, sorted."""
    forms, found = forms_of(keymat), set()
    for octets in regions_of_octets:
        found |= {name for name, form in forms.items() if name not in found and form in octets}
    return sorted(found)
