"""Which network addresses a provider may live at.

A base URL is typed by people and may name a host that resolves to the cloud's metadata service or to a machine inside
the company. So the check is made on addresses, after resolution, and the checked address is the one connected to.

The list of special networks: https://www.iana.org/assignments/iana-ipv4-special-registry and its IPv6 twin, as
`ipaddress` knows them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA_HOSTS = frozenset({"metadata.google.internal", "metadata", "instance-data", "metadata.azure.internal"})
METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "169.254.169.254",
        "fd00:ec2::254",  # AWS; the next one its containers
        "fd00:ec2::23",
        "fd20:ce::254",  # Google Cloud
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
    )
)
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefusedError(OSError):
    """The address may not be connected to. The text says which and why."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Metadata and link-local addresses are always refused; private, loopback and reserved ones unless allowed."""

    allow_private: bool = True

    def check_host(self, host: str) -> None:
        """Refuse a host by its name, or by its address where the name is one in any notation."""
        name = host.strip("[]").rstrip(".").lower()
        if name in METADATA_HOSTS:
            raise AddressRefusedError(f"{host} is a cloud metadata service, which is never called.")
        address = literal_address(name)
        if address is not None:
            self.check_address(str(address), host=host)

    def check_address(self, address: str, *, host: str = "") -> None:
        """Refuse the numeric `address` that `host` stands for."""
        reason = self.reason_against(address)
        if reason:
            shown = f"{host} is {address}" if host and host.strip("[]") != address else address
            raise AddressRefusedError(f"{shown}, {reason}")

    def reason_against(self, address: str) -> str:
        """Why this address is refused, or an empty text."""
        ip = innermost(ipaddress.ip_address(address.partition("%")[0]))
        if ip in METADATA_ADDRESSES or ip.is_link_local:
            return "a link-local or cloud metadata address, which is never called."
        if ip.is_multicast or ip.is_unspecified:
            return "which no server can have."
        if self.allow_private:
            return ""
        if ip.is_loopback or ip.is_private or ip.is_reserved or ip in _SHARED or not ip.is_global:
            return "a private address. Private addresses are off here; an operator can allow them in the settings."
        return ""


def innermost(ip: IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv6 one that only wraps it (mapped, 6to4, Teredo, NAT64), else `ip` itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip in _NAT64 or (int(ip) >> 32 == 0 and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def literal_address(host: str) -> IPAddress | None:
    """The address that `host` writes out, in any form the C library takes (`2130706433`, `0x7f.1`, `::1`), or None."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not host or not all(part and part[0].isdigit() for part in host.split(".")):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


async def allowed_addresses(policy: AddressPolicy, host: str, port: int) -> list[str]:
    """Where `host` may be called, in the order to try. Raises OSError, never answers with an empty list."""
    policy.check_host(host)
    literal = literal_address(host)
    if literal is not None:
        return [str(literal)]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [address for address in addresses if not policy.reason_against(address)]
    if not allowed:
        policy.check_address(addresses[0], host=host)
    return allowed
