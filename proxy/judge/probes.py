"""The addresses by which devices ask whether they are online (facts on captive portals, 1.3).

Of an informed subscriber they pass untouched; to a suspended one they are the way to the portal.
"""

_HOSTS = frozenset(
    (
        "captive.apple.com",
        "connectivitycheck.gstatic.com",
        "connectivitycheck.android.com",
        "connect.rom.miui.com",
        "connectivitycheck.platform.hicloud.com",
        "connectivitycheck.platform.hihonorcloud.com",
        "www.qualcomm.cn",
        "www.msftconnecttest.com",
        "ipv6.msftconnecttest.com",
        "www.msftncsi.com",
        "dns.msftncsi.com",
        "detectportal.firefox.com",
        "nmcheck.gnome.org",
        "network-test.debian.org",
        "connectivity-check.ubuntu.com",
        "ping.archlinux.org",
        "conncheck.opensuse.org",
        "ping.manjaro.org",
        "networkcheck.kde.org",
        "cp.cloudflare.com",
        "h.fb.com",
    )
)

_PAGES = frozenset(
    (
        ("www.apple.com", "/library/test/success.html"),
        ("fedoraproject.org", "/static/hotspot.txt"),
        ("spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html"),
    )
)

_PATHS = frozenset(("/generate_204", "/gen_204"))


def is_probe(host: str, path: str) -> bool:
    """Whether a request for this host (no port) and path (with or without a query) is such a question."""
    name = host.lower().rstrip(".")
    bare = path.partition("?")[0]
    return name in _HOSTS or (name, bare) in _PAGES or bare in _PATHS
