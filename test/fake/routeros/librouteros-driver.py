"""Drives a RouterOS API with librouteros, a client that knows nothing of homeward's simulator.

Reads one JSON object with host, port and cases from standard input, and writes one JSON object: what was seen, by case.
"""

import json
import ssl
import sys

from librouteros import connect
from librouteros.exceptions import FatalError, LibRouterosError, TrapError
from librouteros.login import plain, token
from librouteros.query import And, Key, Or

KEY = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
plan = json.load(sys.stdin)
seen = {}


def log_in(user, password, encoding="ASCII", port=None, method=plain, tls=False):
    more = {}
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        more["ssl_wrapper"] = context.wrap_socket
    return connect(
        plan["host"], user, password, port=port or plan["port"], encoding=encoding, login_method=method, timeout=20, **more
    )


def trap(act):
    try:
        act()
    except TrapError as refused:
        return str(refused)
    except LibRouterosError as other:
        return type(other).__name__
    return None


def tables(api):
    wireguard = api.path("interface", "wireguard")
    peers = api.path("interface", "wireguard", "peers")
    names = ["hw0", "hw1", "hw2"]
    ids = [wireguard.add(name=name, comment="of " + name) for name in names]
    peer = peers.add(**{"interface": "hw0", "public-key": KEY, "allowed-address": "10.86.0.0/16", "persistent-keepalive": "25"})
    seen["ids"] = ids
    seen["peer"] = [row for row in peers if row[".id"] == peer]
    name, mtu = Key("name"), Key("mtu")
    found = lambda *query: [row["name"] for row in wireguard.select(name).where(*query)]
    wireguard.update(**{".id": ids[1], "mtu": "1280"})
    seen["queries"] = {
        "equal": found(name == "hw1"),
        "not": found(name != "hw1"),
        "less": found(mtu < 1300),
        "in": found(name.In("hw0", "hw2")),
        "and": found(And(name == "hw1", mtu == 1280)),
        "or": found(Or(name == "hw0", mtu == 1280)),
        "nothing": found(name == "nobody"),
    }
    seen["has"] = [row["name"] for row in api.rawCmd("/interface/wireguard/print", "?comment")]
    seen["traps"] = {
        "twice": trap(lambda: wireguard.add(name="hw0")),
        "unknown": trap(lambda: wireguard.add(nonsense="1")),
        "gone": trap(lambda: wireguard.remove("*FFFF")),
        "command": trap(lambda: tuple(api("/interface/wireguard/nonsense"))),
        "menu": trap(lambda: tuple(api("/no/such/print"))),
        "interface": trap(lambda: peers.add(**{"interface": "nobody", "public-key": KEY})),
        "value": trap(lambda: wireguard.update(**{".id": ids[0], "mtu": "much"})),
        "key": trap(lambda: peers.add(**{"interface": "hw1", "public-key": KEY})),
    }
    wireguard.remove(ids[1], ids[2])
    seen["left"] = [row["name"] for row in wireguard]


def words(api):
    """Lengths of one, two and three bytes, both ways."""
    rules = api.path("ip", "firewall", "filter")
    seen["lengths"] = []
    for length in (0x7F - len("=comment="), 0x80, 0x3FFF, 0x4000, 0x12345):
        text = "x" * length
        id = rules.add(chain="forward", comment=text)
        [row] = rules.select(Key("comment")).where(Key(".id") == id)
        seen["lengths"].append(row["comment"] == text)
        rules.remove(id)


def encodings():
    """A router keeps bytes, whoever wrote them. librouteros counts characters where it means bytes: one byte each, then."""
    text = "Gäste – WLAN"
    for encoding, written in (("utf-8", text.encode("utf-8").decode("latin-1")), ("cp1252", text)):
        api = log_in("old", "plain-words", encoding="latin-1" if encoding == "utf-8" else encoding)
        rule = api.path("ip", "firewall", "filter").add(chain="input", comment=written)
        raw = log_in("old", "plain-words", encoding="latin-1")
        [row] = raw.path("ip", "firewall", "filter").select(Key("comment")).where(Key(".id") == rule)
        seen[encoding] = row["comment"].encode("latin-1").hex()
        raw.close()
        api.close()


def quit_session():
    api = log_in("old", "plain-words")
    try:
        tuple(api("/quit"))
    except FatalError as fatal:
        seen["quit"] = str(fatal)


if "token" in plan:
    seen["token"] = trap(lambda: log_in("old", "plain-words", method=token).close())
    seen["token-wrong"] = trap(lambda: log_in("old", "other-words", method=token).close())
else:
    seen["wrong"] = trap(lambda: log_in("old", "other-words"))
    api = log_in("old", "plain-words", tls=True, port=plan["tlsPort"])
    tables(api)
    words(api)
    api.close()
    encodings()
    quit_session()
json.dump(seen, sys.stdout)
