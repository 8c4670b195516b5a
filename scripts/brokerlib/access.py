"""The rules of `bms-mqtt acl` on the broker that runs: each role can do what it must, and is refused what it must not."""
import time

from .client import Refused
from .site import PORTAL, Site, document, expect

# Brokers whose language `bms-mqtt acl` speaks; a GX has mosquitto's.
BROKERS = ("mosquitto", "flashmq", "rabbitmq", "nats")

# User, topic, and whether its message passes.
PUBLISHING = [
    ("reader", "bms/garage/set/maxChargeCurrent", False), ("reader", "bms/garage/limits", False),
    ("reader", f"R/{PORTAL}/keepalive", False), ("reader", "homeassistant/status", False), ("reader", "elsewhere", False),
    ("ha", "bms/garage/set/maxChargeCurrent", True), ("ha", "bms/garage/set/relay/charger", True),
    ("ha", "bms/garage/set", True), ("ha", "homeassistant/status", True),
    ("ha", "bms/garage/set/nonsense", False), ("ha", "bms/garage/limits", False), ("ha", "bms/garage/gx", False),
    ("ha", "bms/bridge/status", False), ("ha", "cmnd/charger/POWER", False), ("ha", "homeassistant/device/bms_garage/config", False),
    ("ha", f"N/{PORTAL}/battery/512/Info/MaxChargeCurrent", False), ("ha", "answers/ha", False),
    ("page", "bms/garage/set/maxSoc", True), ("page", "bms/garage/limits", False), ("page", "homeassistant/status", False),
    ("cerbo", f"R/{PORTAL}/keepalive", True), ("cerbo", f"W/{PORTAL}/battery/512/Settings/ChargeEnabled", True),
    ("cerbo", f"N/{PORTAL}/battery/512/Soc", False), ("cerbo", "bms/garage/set/chargeEnabled", False),
    ("cerbo", "W/c0619ab1cd2e/battery/512/Mode", False), ("cerbo", "bms/garage/gx", False),
    ("bridge", "bms/garage/limits", True), ("bridge", "cmnd/charger/POWER", True),
    ("bridge", "homeassistant/sensor/bms_garage/soc/config", True), ("bridge", "answers/ha", True),
    ("bridge", "bms/garage/set/maxChargeCurrent", False), ("bridge", "bms/shed/limits", False), ("bridge", "cmnd/other/POWER", False),
    ("bridge", "homeassistant/status", False), ("bridge", "homeassistant/device/other/config", False),
    ("bridge", f"W/{PORTAL}/system/0/Serial", False), ("bridge", "N/c0619ab1cd2e/system/0/Serial", False), ("bridge", "elsewhere", False),
]
# User, topics that it hears, and topics that it does not.
READING = [
    ("reader", ["bms/garage/limits", "bms/garage/event", "bms/bridge/status"],
     ["bms/garage/set/x", f"N/{PORTAL}/battery/512/Soc", "cmnd/charger/POWER", "homeassistant/status"]),
    ("ha", ["bms/garage/limits", "bms/garage/result", "homeassistant/device/bms_garage/config", "answers/ha"],
     ["bms/garage/set/x", f"N/{PORTAL}/battery/512/Soc", "bms/garage/gx"]),
    ("page", ["bms/garage/limits", "bms/garage/result"], ["bms/garage/set/x", "homeassistant/device/bms_garage/config"]),
    ("cerbo", ["bms/garage/gx", f"N/{PORTAL}/battery/512/Soc"],
     ["bms/garage/limits", "bms/garage/set/x", f"W/{PORTAL}/battery/512/Settings/ChargeEnabled"]),
    ("bridge", ["bms/garage/set/x", "stat/charger/POWER", f"W/{PORTAL}/battery/512/Settings/ChargeEnabled"],
     ["elsewhere", "N/c0619ab1cd2e/battery/512/Soc"]),
]
# Filters with wildcards: what a client of this kind really subscribes to, and what nobody may.
FILTERS = [
    ("ha", ["homeassistant/+/+/config", "homeassistant/+/+/+/config"], True), ("reader", ["bms/+/limits", "bms/+/status"], True),
    ("page", ["bms/+/result", "bms/+/state"], True), ("bridge", ["bms/+/set/#"], True), ("cerbo", [f"N/{PORTAL}/#"], True),
    *((user, [name], False) for user in ("reader", "ha", "page", "cerbo", "bridge") for name in ("#", "bms/#", "+/+/+", "bms/garage/#")),
    ("cerbo", ["N/+/battery/#"], False), ("reader", ["bms/+/set/#"], False), ("reader", ["$MQTT/sub/#"], False),
]
# What Home Assistant subscribes to at each start for devices of other integrations. RabbitMQ ends the connection for one that is refused.
STARTS = ["homeassistant/+/+/config", "homeassistant/+/+/+/config", "arwn/#", "cloudapp/QBUSMQTTGW/state", "cloudapp/QBUSMQTTGW/config",
          "cloudapp/QBUSMQTTGW/+/state", "drop_connect/discovery/#", "dsmr/#", "esphome/discover/#", "fully/deviceInfo/+",
          "/greencell/broadcast/device", "inels/status/#", "pglab/discovery/#", "tasmota/discovery/#"]


def check(kind, binary, _version, _rows):
    """Yields what held."""
    with Site(kind, binary, rules=True) as site:
        yield from with_rules(site)
        if kind.name == "rabbitmq":
            yield starts(site)


def with_rules(site):
    admin = site.listener("admin", ["#"], qos=0)
    site.start_bridge()
    yield from work(site, admin)
    bridge = site.bridge
    # A broker without MQTT 5 may answer the first attempt by closing.
    refusals = [line for line in bridge.lines
                if "refus" in line or "soon after it was made" in line or "closed the connection:" in line]
    expect(not refusals, f"the bridge was refused: {refusals[:3]}")
    yield "the broker refuses nothing that the bridge publishes and subscribes to"
    bridge.kill()
    expect(admin.wait_for(lambda m: m.topic == "bms/bridge/status" and m.payload == b"offline", 10), "no will")
    expect(admin.wait_for(lambda m: m.topic == "cmnd/charger/POWER" and m.payload == b"OFF", 10), "no will of the relay")
    yield "the broker publishes the wills of the bridge and of its relay"
    yield publishing(site, admin)
    yield reading(site)
    yield filters(site)


def work(site, admin):
    """What each kind of client is there for."""
    expect(admin.wait_for(lambda m: m.topic == "bms/garage/limits", 60), f"no limits: {site.bridge.lines[-4:]}")
    reader = site.listener("reader", ["bms/+/status", "bms/+/limits", "bms/+/state", "bms/+/cells", "bms/+/relays", "bms/+/settings",
                                      "bms/+/event"])
    expect(reader.wait_for(lambda m: m.topic == "bms/garage/limits", 15), "a reader hears no limits")
    yield "a reader hears limits, by the filters of bms-mqtt monitor"
    home = site.listener("ha", ["homeassistant/+/+/config", "homeassistant/+/+/+/config"])
    results = site.listener("ha", ["bms/garage/result"])
    expect(home.publish("homeassistant/status", "online"), "Home Assistant's birth message is not acknowledged")
    expect(home.wait_for(lambda m: m.topic == "homeassistant/device/bms_garage/config", 15), "Home Assistant hears no announcement")
    home.publish("bms/garage/set/maxChargeCurrent", "40")
    expect(results.wait_for(lambda m: document(m).get("accepted") is True, 15), "Home Assistant's command is not answered")
    yield "Home Assistant hears the announcement, and its command is obeyed"
    page = site.listener("page", ["bms/+/result", "bms/+/limits"])
    page.publish("bms/garage/set/maxChargeCurrent", "39")
    expect(page.wait_for(lambda m: document(m).get("ccl") == 39, 15), "the page's command is not obeyed")
    yield "the page's command is obeyed"
    tree = site.listener("cerbo", [f"N/{PORTAL}/#"])
    feed = site.listener("cerbo", ["bms/garage/gx"], qos=0)
    tree.publish(f"R/{PORTAL}/keepalive", "")
    expect(tree.wait_for(lambda m: m.topic == f"N/{PORTAL}/battery/512/Soc", 15), "the GX tree does not wake")
    expect(feed.wait_for(lambda m: b'"Dc"' in m.payload, 15), "no document for the driver")
    tree.publish(f"W/{PORTAL}/battery/512/Settings/MaxChargeCurrent", '{"value":15}')
    expect(page.wait_for(lambda m: document(m).get("ccl") == 15, 15), "a write into the GX tree is not obeyed")
    yield "a GX client wakes the tree, reads and writes it"


def publishing(site, admin):
    wrong = []
    for number, (user, topic, passes) in enumerate(PUBLISHING):
        mark = f"mark-{number}".encode()
        try:
            # A broker may close the connection at a refusal.
            one = site.client(user)
            one.publish(topic, mark, seconds=2.0)
            one.close()
        except Refused as error:
            wrong.append(f"{user} is not let in: {error}")
        if bool(admin.wait_for(lambda m, mark=mark: m.payload == mark, 3.0 if passes else 0.4)) != passes:
            wrong.append(f"{user} on {topic}: {'stopped' if passes else 'passed'}")
    expect(not wrong, f"publishing: {wrong}")
    return f"{len(PUBLISHING)} publications pass or are stopped as they must"


def reading(site):
    wrong = []
    admin = site.client("admin")
    for user, open_topics, closed in READING:
        hears = {}
        for topic in open_topics + closed:
            one = hears[topic] = site.client(user)
            one.subscribe(topic, seconds=2.0)
        time.sleep(0.3)
        for topic in hears:
            admin.publish(topic, f"for {user}")
        for topic, one in hears.items():
            text = f"for {user}".encode()
            heard = one.wait_for(lambda m, text=text: m.payload == text, 3.0 if topic in open_topics else 0.3)
            if bool(heard) != (topic in open_topics):
                wrong.append(f"{user} {'hears' if heard else 'does not hear'} {topic}")
            one.close()
    expect(not wrong, f"reading: {wrong}")
    return f"{sum(len(row[1]) + len(row[2]) for row in READING)} topics are heard or not as they must"


def starts(site):
    one = site.client("ha")
    codes = one.subscribe(STARTS, seconds=5.0)
    expect(codes is not None and all(code < 128 for code in codes), f"Home Assistant is refused at its start: {codes}")
    one.close()
    return f"Home Assistant's {len(STARTS)} subscriptions at its start are taken"


def filters(site):
    """mosquitto takes every filter and drops messages; the others refuse the filter."""
    wrong, secret = [], ["bms/garage/set/x", "elsewhere/a/b", "bms/garage/secret/x", "N/c0619ab1cd2e/battery/512/Soc"]
    admin = site.client("admin")
    for user, names, may in FILTERS:
        one = site.client(user)
        codes = one.subscribe(names, seconds=2.0)
        granted = codes is not None and all(code < 128 for code in codes)
        if may and not granted:
            wrong.append(f"{user} is refused {names}: {codes}")
        if not may and granted:
            allowed = [topic for owner, topics, _ in READING if owner == user for topic in topics]
            for topic in secret:
                if topic not in allowed:
                    admin.publish(topic, f"secret {user}")
            heard = one.wait_for(lambda m, user=user: m.payload == f"secret {user}".encode(), 0.5)
            if heard:
                wrong.append(f"{user} hears {heard.topic} by {names}")
        one.close()
    expect(not wrong, f"filters: {wrong}")
    return f"{len(FILTERS)} filters with wildcards are taken or reach nothing, as they must"
