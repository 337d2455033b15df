"""The published vectors in vectors/*.json, verified by python3-cryptography before a C++ test is judged by them."""

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

FILES = sorted((Path(__file__).parent / "vectors").glob("*.json"))


def every_vector():
    for path in FILES:
        for test in json.loads(path.read_text())["tests"]:
            yield pytest.param(test, id=f"{path.stem}-{test['id']}")


@pytest.mark.parametrize("test", every_vector())
def test_vector(test):
    key, nonce, aad, plaintext, ciphertext, tag = (
        bytes.fromhex(test[name]) for name in ("key", "nonce", "aad", "plaintext", "ciphertext", "tag")
    )
    assert test["nonce"] == test["salt"] + test["iv"] and len(nonce) == 12 and len(tag) == 16
    chacha = test["algorithm"] == "chacha20-poly1305"
    assert chacha or test["algorithm"] == f"aes-{8 * len(key)}-gcm"
    aead = (ChaCha20Poly1305 if chacha else AESGCM)(key)
    if test["valid"]:
        assert aead.decrypt(nonce, ciphertext + tag, aad) == plaintext
        assert aead.encrypt(nonce, plaintext, aad) == ciphertext + tag
    else:
        with pytest.raises(InvalidTag):
            aead.decrypt(nonce, ciphertext + tag, aad)


def test_every_algorithm_and_a_named_source():
    algorithms = set()
    for path in FILES:
        content = json.loads(path.read_text())
        assert content["source"]
        algorithms |= {(test["algorithm"], test["valid"]) for test in content["tests"]}
    names = ("aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-poly1305")
    assert algorithms == {(name, valid) for name in names for valid in (True, False)}
