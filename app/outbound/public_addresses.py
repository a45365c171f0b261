"""Which IP addresses are on the open internet: the check behind the SSRF guard of `guarded_http`."""

import ipaddress

_NOT_PUBLIC = [
    ipaddress.ip_network(n)
    for n in (
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "2001::/23",  # protocol assignments, Teredo among them (RFC 2928)
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries an IPv4 (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
    )
]
# all assigned global unicast; NAT64, mapped and local forms are outside
_IPV6_UNICAST = ipaddress.ip_network("2000::/3")
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}  # the middle of an interface id that carries an IPv4 (RFC 5214)


def is_public(address: str) -> bool:
    """True for an address on the open internet, which an address from outside may point to.

    Stricter than `ipaddress.is_global`, which accepts multicast and several IPv6 forms that carry a private
    IPv4.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (
        ip.scope_id or ip not in _IPV6_UNICAST or (int(ip) >> 32) & 0xFFFF_FFFF in _ISATAP
    ):
        return False
    return (
        ip.is_global
        and not ip.is_multicast
        and not ip.is_reserved
        and not any(ip in network for network in _NOT_PUBLIC)
    )
