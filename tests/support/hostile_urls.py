"""URLs that lead, or try to lead, where no webhook may go, each with the reasons it may be refused for.

Sources: OWASP "SSRF Prevention", PayloadsAllTheThings' list of SSRF, Orange Tsai "A New Era of SSRF", IANA's registries
of special-purpose addresses, the metadata addresses in the clouds' own documentation.
"""

from __future__ import annotations

from itertools import product
from typing import Final

PORT: Final = 18_080
"""Stands for the port of whoever listens on loopback."""

_REFUSED_ADDRESSES: Final = """
    127.0.0.1 127.0.0.2 127.127.127.127 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1
    100.100.100.200 100.127.255.254 169.254.0.1 169.254.169.254 169.254.170.2 169.254.169.253 172.16.0.1 172.31.255.254
    192.0.0.1 192.0.0.192 192.0.2.7 192.88.99.1 192.168.0.1 192.168.255.254 198.18.0.1 198.19.255.254 198.51.100.9
    203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 192.31.196.1 192.52.193.1 192.175.48.1
    [::] [::1] [::2] [fe80::1] [febf::1] [fec0::1] [fc00::1] [fd00::1] [fd00:ec2::254] [fd20:ce::254] [ff02::1] [ff0e::1]
    [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:10.0.0.1] [::ffff:8.8.8.8]
    [::127.0.0.1] [::7f00:1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::ffff:0:127.0.0.1]
    [64:ff9b::7f00:1] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b::10.0.0.1] [64:ff9b:1::1] [64:ff9b:1:7f00:0:100::]
    [2002:7f00:1::] [2002:7f00:0001::1] [2002:a9fe:a9fe::] [2002:a00:1::1] [2002:c0a8:1::1] [2001::1] [2001:0:7f00:1::]
    [2001:0:53aa:64c:0:7fff:80ff:fffe] [2001:db8::1] [2001:10::1] [2001:20::1] [2001:2::1] [3fff::1] [100::1] [5f00::1]
    [2620:4f:8000::1] [200::1] [4000::1] [e000::1]
""".split()  # noqa: E501

_OTHER_SPELLINGS: Final = """
    127.1 127.0.1 0 0x0 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 0177.1 017700000001 127.0.0.01 127.0.0.0x1
    00127.0.0.1 127.000.000.001 0127.0.0.1 127.0.0.1. 127.0.0.1.. 127..0.0.1 127.0.0.256 1.2.3 4294967295 4294967296
    2852039166 0xa9fea9fe 0xA9.0xFE.0xA9.0xFE 0251.0376.0251.0376 0251.254.169.254 169.254.43518 169.16689662
    0xa9fe.0xa9fe 425.510.425.510 2130706433. 0x7F000001 127.0.0.1%00 127.0.0.1%2f 127%2e0%2e0%2e1
    %31%32%37.0.0.1 \u2460\u2461\u2466.\u24ea.\u24ea.\u2460
    127\u30020\u30020\u30021 127\uff0e0\uff0e0\uff0e1 \uff11\uff12\uff17.0.0.1
    [::1%25lo] [::1%25eth0] [fe80::1%eth0] [fe80::1%251] [::1]. [::1 ::1] [[::1]]
    [127.0.0.1] [0x7f000001] [::ffff:127.0.0.1%25lo] [v1.::1] [::00001] ::1
""".split()

_NAMES: Final = """
    localhost LOCALHOST LocalHost localhost. foo.localhost localhost.localdomain ip6-localhost ip6-loopback metadata
    metadata.google.internal metadata.google.internal. instance-data kubernetes kubernetes.default.svc.cluster.local
    printer.local router.lan server.corp db.internal nas.home.arpa hidden.onion intranet gateway.intranet
    xn--localhost- -example.com example-.com exa_mple..com .example.com example.com. exam%70le.com ex%00ample.com
    \u0435xample.com \u2147xample.com \u24dbocalhost exa\u00admple.com example.com\u202e host%0d%0aX-Injected:1
""".split()

_WHOLE: Final = (
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "dict://127.0.0.1:11211/stat",
    "ldap://127.0.0.1/",
    "jar:https://example.com!/",
    "javascript:alert(1)",
    "data:text/plain,hello",
    "unix:///var/run/docker.sock",
    "//example.com/",
    "///127.0.0.1/",
    "https:/127.0.0.1/",
    "https:127.0.0.1/",
    "https:///127.0.0.1/",
    "https:////127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    "https://",
    "https://:443/",
    "https://?",
    "https://#",
    "",
    " ",
    "https",
    " https://127.0.0.1/",
    "https://127.0.0.1/ ",
    "https://127.0.0.1\t/",
    "https://127.0.0.1\n/",
    "ht\ntps://127.0.0.1/",
    "https://127.0.0.1\r\nHost: example.com/",
    "https://127.0.0.1\x00.example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:443@127.0.0.1/",
    "https://user:password@example.com/",
    "https://user@example.com/",
    "https://@example.com/",
    "https://example.com%40127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://127.0.0.1#@example.com/",
    "https://example.com#@127.0.0.1/",
    "https://127.0.0.1?@example.com/",
    "https://127.0.0.1;example.com/",
    "https://127.0.0.1,example.com/",
    "https://example.com:443:80@127.0.0.1/",
    "https://example.com:443:80/",
    "https://example.com:/",
    "https://example.com:0/",
    "https://example.com:00443/",
    "https://example.com:+443/",
    "https://example.com:-1/",
    "https://example.com:65536/",
    "https://example.com:99999999999/",
    "https://example.com:443abc/",
    "https://example.com: 443/",
    "https://example.com:\uff14\uff14\uff13/",
    *(f"https://example.com:{port}/" for port in (1, 21, 22, 23, 25, 53, 110, 111, 389, 445, 587, 636, 993)),
    *(f"https://example.com:{port}/" for port in (2375, 2379, 3306, 5432, 5672, 6379, 9200, 10250, 11211, 27017)),
    "https://exam ple.com/",
    "https://example.com/pa th",
    "https://example.com/\u2028",
    "https://example.com/\u00e9",
    'https://example.com/"',
    "https://example.com/<x>",
    "https://example.com/`",
    "https://example.com/{x}",
    "https://[::1/",
    "https://::1]/",
    "https://[]/",
    "https://[::1]example.com/",
    "https://example.com[::1]/",
    "https://" + "a" * 64 + ".com/",
    "https://" + "a." * 130 + "com/",
    "https://example.com/" + "a" * 3_000,
    "HTTPS://127.0.0.1/",
    "hTtPs://LOCALHOST/",
)


def hostile_urls(port: int = PORT) -> list[str]:
    """All of them: with the port of whoever listens, and with https and http."""
    places = [*_REFUSED_ADDRESSES, *_OTHER_SPELLINGS, *_NAMES]
    urls = [f"{scheme}://{place}:{port}/hook" for place, scheme in product(places, ("https", "http"))]
    urls += [f"https://{place}/hook" for place in _REFUSED_ADDRESSES]
    return [*urls, *_WHOLE]
