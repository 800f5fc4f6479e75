import pytest

from providers import AddressPolicy
from providers.addresses import AddressRefusedError

OPEN, CLOSED = AddressPolicy(allow_private=True), AddressPolicy(allow_private=False)

METADATA = [
    "169.254.169.254",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "100.100.100.200",
    "metadata.google.internal",
    "Metadata.Google.Internal.",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2852039166",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[fe80::1]",
    "fe80::1%eth0",
    "169.254.1.1",
]
PRIVATE = ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.9.9", "100.64.0.1", "::1", "fd12::1", "2130706433", "0x7f.1", "127.1",
           "::ffff:127.0.0.1", "2002:7f00:1::", "240.0.0.1", "198.18.0.1"]  # fmt: skip
PUBLIC = ["8.8.8.8", "2606:4700:4700::1111", "api.openai.com", "134744072"]


@pytest.mark.parametrize("policy", [OPEN, CLOSED])
@pytest.mark.parametrize("host", METADATA)
def test_metadata_addresses_are_refused_in_any_spelling_and_under_any_policy(policy: AddressPolicy, host: str):
    with pytest.raises(AddressRefusedError, match="never called"):
        policy.check_host(host)


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_refused_in_any_spelling_unless_allowed(host: str):
    OPEN.check_host(host)

    with pytest.raises(AddressRefusedError, match="private"):
        CLOSED.check_host(host)


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_and_names_pass(host: str):
    CLOSED.check_host(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "224.0.0.1", "::"])
def test_addresses_that_no_server_can_have_are_refused(host: str):
    with pytest.raises(AddressRefusedError):
        OPEN.check_host(host)
