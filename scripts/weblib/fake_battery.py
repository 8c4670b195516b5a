"""An invented battery with sun by day and a house that draws: the documents of docs/mqtt-topics.md and a history that fits them."""
import math
import time

# Time before which nothing was recorded.
FIRST = 1_500_000_000
N, CAPACITY, VMIN, VBALANCE, VMAX = 16, 280.0, 2.9, 3.4, 3.7


def wave(seed, t):
    """A smooth number between -1 and 1 that looks like chance."""
    return (math.sin(t / 97 + seed * 1.7) + math.sin(t / 331 + seed * 2.9) + math.sin(t / 1201 + seed)) / 3


def hour(t):
    return t % 86400 / 3600


def date(t):
    return time.strftime("%Y-%m-%d", time.localtime(t))


def packs(scene):
    if scene == "fleet":
        bad = {17: "stale", 404: "offline", 55: "fault", 900: "balancing"}
        return {f"site-{n:04}": Battery(f"site-{n:04}", f"Site {n:04}", n, bad.get(n, "healthy")) for n in range(1, 1001)}
    if scene == "bank":
        found = [Battery("garage", "Garage battery", 1), Battery("cellar", "Cellar battery", 2, "balancing")]
        return {pack.id: pack for pack in [Battery("house", "House", 3, packs=[pack.id for pack in found]), *found]}
    kind = scene if scene in ("balancing", "fault", "stale", "hung", "offline", "commands") else "healthy"
    return {"garage": Battery("garage", "Garage battery", 1, kind), "shed": Battery("shed", "Shed", 5)}


class Battery:
    def __init__(self, name, title, seed, kind="healthy", packs=()):
        self.id, self.title, self.seed, self.kind, self.packs = name, title, seed, kind, packs
        self.chosen = {}

    # What is now. A day of the battery is laid so that it is always in the middle of the afternoon.

    def current(self, t):
        """Inflow and outflow in amperes."""
        sun = max(0.0, math.sin((hour(t) - 6.5) / 12 * math.pi)) if 6.5 < hour(t) < 18.5 else 0.0
        inflow = sun * (62 + 18 * wave(self.seed, t / 4))
        if self.soc(t) > 99:
            inflow = min(inflow, 9.0)
        return max(0.0, inflow), 11 + 5 * wave(self.seed + 9, t / 3) + (14 if 18 < hour(t) < 22 else 0)

    def soc(self, t):
        h = hour(t)
        low = 38 + 8 * wave(self.seed + 4, t // 86400 * 5000)
        if h < 7:
            return low + 14 * (7 - h) / 7
        return min(100.0, low + (100 - low) * min(1, (h - 7) / 8.5)) if h < 17 else 100 - (100 - low - 14) * (h - 17) / 7

    def now(self, t):
        if self.kind == "balancing":
            return 7.8 + 0.3 * wave(2, t), 5.5, 100.0
        inflow, outflow = self.current(43200 + 9000 + t % 600)
        if self.kind == "fault":
            return 0.0, 12.0, 7.0
        return inflow, outflow, self.soc(43200 + 9000 + self.seed % 7 * 900)

    def cell(self, n, t):
        small = 0.004 * math.sin(n * 2.3 + self.seed) + 0.002 * wave(n, t)
        if self.kind == "balancing":
            return [3.431, 3.422, 3.415, 3.438, 3.384, 3.395][n % 6] + small / 3
        if self.kind == "fault":
            return 2.872 if n == 7 else 3.718 if n == 11 else 3.12 + small
        return 3.335 + small + 0.0002 * (self.now(t)[0] - self.now(t)[1])

    def cells(self, t):
        return [5 * round(self.cell(n, t) * 200) / 1000 for n in range(1, N + 1)]

    def status(self):
        return {"stale": "stale", "hung": "stale", "offline": "offline"}.get(self.kind, "live")

    def alarm(self):
        return {"fault": 2}.get(self.kind, 0)

    def values(self, t):
        inflow, outflow, soc = self.now(t)
        k = len(self.packs) or 1
        cells = self.cells(t)
        voltage = round(sum(cells), 2)
        inflow, outflow = round(4 * inflow * k) / 4, round(4 * outflow * k) / 4
        return {"cells": cells, "voltage": voltage, "in": inflow, "out": outflow, "current": inflow - outflow, "soc": round(soc), "k": k}

    def row(self, now, since, quiet):
        live = self.status() == "live" and not quiet
        v = self.values(now // 2 * 2)
        asks = self.limits(now, since)
        heard = (live or self.kind == "stale") and not quiet
        text = {"stale": "good frames stopped; nothing came for 10 s: is the cable plugged in, and does the BMS have power?",
                "hung": "the limits are not repeated any more",
                "offline": "the battery left the bridge, or the bridge was started without hearing it"}.get(self.kind)
        row = {"id": self.id, "name": self.title, "bank": bool(self.packs), "status": "unknown" if quiet else self.status(), "since": since,
               "text": None if live else text}
        row |= {"soc": v["soc"], "voltage": v["voltage"], "current": v["current"], "power": round(v["voltage"] * v["current"], 1)} if live else \
            dict.fromkeys(("soc", "voltage", "current", "power"))
        row |= {name: asks[name] if heard and asks else None for name in ("cvl", "ccl", "dcl", "chargeState")}
        return row | {"alarm": self.alarm() if live else None, "toDo": (1 if self.kind in ("fault", "commands") else 0) if live else None}

    # Documents

    def documents(self, now, since):
        live = self.status() == "live"
        return {"state": self.state(now) if live else None, "limits": self.limits(now, since) if self.kind not in ("offline", "hung") else None,
                "cells": self.cell_document(now) if live and not self.packs else None,
                "relays": self.relays(since) if live and not self.packs and self.seed == 1 else None,
                "settings": None if self.packs else self.settings()}

    def cell_document(self, now):
        cells = self.cells(now // 3 * 3)
        burns = [1 if self.kind == "balancing" and v >= VBALANCE else 0 for v in cells]
        return {"Voltages": {f"Cell{n}": v for n, v in enumerate(cells, 1)},
                "Temperatures": {f"Cell{n}": round(20.8 + n % 3 * 0.9 + 9 * burns[n - 1], 1) for n in range(1, N + 1)},
                "Balances": {f"Cell{n}": burn for n, burn in enumerate(burns, 1)}, "time": now}

    def state(self, now):
        v = self.values(now // 2 * 2)
        cells, k = v["cells"], v["k"]
        low, high = min(cells), max(cells)
        name = lambda value: (self.packs[0] + " " if self.packs else "") + f"C{cells.index(value) + 1}"
        bad = 2 if self.kind == "fault" else 0
        limits = self.limits(now, 0)
        flowing = v["current"]
        return {
            "Dc": {"Voltage": v["voltage"], "Current": flowing, "Power": round(v["voltage"] * flowing, 1), "Temperature": 22.6,
                   "In": {"Current": v["in"], "Power": round(v["voltage"] * v["in"], 1)},
                   "Out": {"Current": v["out"], "Power": round(v["voltage"] * v["out"], 1)},
                   "Direction": "charging" if flowing > 0.5 else "discharging" if flowing < -0.5 else "idle"},
            "Soc": v["soc"], "SocCalibrated": 0 if self.kind == "fault" else 1, "Soh": 96, "ChargeEfficiency": 98,
            "Capacity": round(CAPACITY * k * v["soc"] / 100, 1), "InstalledCapacity": CAPACITY * k,
            "TimeToGo": 22776 if flowing < 0 else None, "State": 9, "Connected": 1, "ErrorCode": 0,
            "Energy": {"Stored": round(14.3 * k * v["soc"] / 100, 2), "Installed": 14.3 * k, "InToday": round(8.412 * k, 3), "OutToday": round(5.918 * k, 3),
                       "In": 4593 * k, "Out": 4471 * k},
            "System": {"MinCellVoltage": low, "MaxCellVoltage": high, "MinVoltageCellId": name(low), "MaxVoltageCellId": name(high),
                       "MinCellTemperature": 20.8, "MaxCellTemperature": 31.6 if self.kind == "balancing" else 22.6, "MinTemperatureCellId": "C3", "MaxTemperatureCellId": "C2",
                       "NrOfCellsPerBattery": N, "MinVoltageThreshold": VMIN, "MaxVoltageThreshold": VMAX, "BalanceVoltageThreshold": VBALANCE},
            "Voltages": {"Sum": v["voltage"], "Diff": round(high - low, 3)},
            "Alarms": {"LowCellVoltage": bad, "HighCellVoltage": bad, "LowTemperature": 0, "HighTemperature": 0,
                       "LowChargeTemperature": 1 if bad else 0, "CellImbalance": 1 if bad else 0, "LowSoc": 1 if bad else 0, "BmsCable": 0, "InternalFailure": 0,
                       "Relay": 0, "Alarm": bad},
            "ToDo": {"Count": 1, "Text": "set limits.fuse in the configuration: the fuse bounds both currents, and the BMS does not tell it"}
            if self.kind in ("fault", "commands") else {"Count": 0, "Text": None},
            "Io": {"AllowToCharge": 0 if bad else 1, "AllowToDischarge": 0 if bad else 1, "ChargeRelay": 0 if bad else 1, "LoadRelay": 0 if bad else 1},
            "Info": {"ChargeMode": limits["chargeState"], "InternalResistance": 18.4, "InternalResistanceUsed": 25.5},
            "History": {"ChargeCycles": 311 if not self.packs else None, "StrongestCell": "C4", "WeakestCell": "C11", "TimeSinceLastFullCharge": 93600},
            "FirmwareVersion": None if self.packs else "3.3.11", "CustomName": self.title,
            "Link": {"Age": 0.4, "Quality": None if self.packs else 100, "FramesAccepted": int(now) % 1000000, "FramesRejected": 1, "FramesDamaged": 0,
                     "BytesDropped": 58, "Resyncs": 0, "SourceReopenings": 0, "BrokerReconnects": 0, "CommandsRefused": 0},
            "Can": {"Interface": "can0", "Status": "sending", "Sets": int(now) % 100000, "Faults": 0, "KeepAlives": int(now) % 100000, "Inverter": 1, "OtherFrames": 0}
            if self.seed in (1, 3) else dict.fromkeys(("Interface", "Status", "Sets", "Faults", "KeepAlives", "Inverter", "OtherFrames")),
            "time": now}

    def limits(self, now, since):
        if self.packs:
            rules = [("cvl", "pack:cellar", 54.96, "cellar: cell 4 at 3.440 V leads the pack: held at 3.441 V"), ("cvl", "pack:garage", 55.2, "garage: target of 16 x 3.450 V"),
                     ("ccl", "pack:cellar", 60.0, "cellar: 30.0 A at 50 % of the current, cell 4 is at its soft cap"), ("ccl", "sum", 170.0, "sum of the packs: 30.0 A + 140.0 A"),
                     ("dcl", "userCap", 200.0, "at most 200 A by the configuration"), ("dcl", "pack:garage", 280.0, "garage: 140.0 A at 50 % of the current")]
            return self.document(rules, "balancing", now)
        if self.kind == "stale":
            text = "no good frame since {} s: the cable or the power supply of the BMS".format(round(now - since) // 5 * 5 + 10)
            return self.document([("cvl", "link", 52.8, text), ("ccl", "link", 0.0, text), ("dcl", "link", 56.0 if now - since < 50 else 0.0, text)], "stale", now)
        if self.kind == "fault":
            return self.document([
                ("cvl", "alarmHighCell", 52.8, "the BMS reports a cell above Vmax"), ("cvl", "target", 55.2, "target of 16 x 3.450 V"),
                ("ccl", "alarmHighCell", 0.0, "the BMS reports a cell above Vmax"), ("ccl", "chargePermission", 0.0, "the BMS forbids charging"),
                ("ccl", "cold", 84.0, "coldest cell 3 at 20.8 °C"), ("dcl", "empty", 0.0, "cell 7 at 2.870 V is below Vmin + 15 mV"),
                ("dcl", "dischargePermission", 0.0, "the BMS forbids discharging"), ("dcl", "sensorRange", 475.0, "95 % of the current sensor's range of 500.0 A")], "bulk", now)
        top = self.kind == "balancing"
        return self.document([
            ("cvl", "highestCell" if top else "target", 54.94 if top else 55.2, "cell 4 at 3.440 V leads the pack: held at 3.441 V" if top else "target of 16 x 3.450 V"),
            ("cvl", "target" if top else "highestCell", 55.2, "target of 16 x 3.450 V" if top else "cell 14 at 3.340 V leads the pack: held at 3.441 V"),
            ("ccl", "highestCell" if top else "userCap", 8.4 if top else 100.0, "cell 4 at 3.440 V is near its soft cap of 3.441 V: charge current falling" if top else "at most 100 A by the configuration"),
            ("ccl", "cellRating", 140.0, "0.5 C of 280.0 Ah for LFP: 140.0 A"), ("ccl", "cold", 140.0, "coldest cell 3 at 20.8 °C"), ("ccl", "hot", 140.0, "warmest cell 2 at 22.6 °C"),
            ("ccl", "sensorRange", 475.0, "95 % of the current sensor's range of 500.0 A"),
            ("dcl", "fuse", 160.0, "the fuse of 160 A"), ("dcl", "cellRating", 280.0, "1.0 C of 280.0 Ah for LFP: 280.0 A"),
            ("dcl", "lowestCell", 391.0, "cell 12 at 3.325 V is held above 2.980 V (Vmin 2.900 V)"), ("dcl", "sensorRange", 475.0, "95 % of the current sensor's range of 500.0 A")],
            "balancing" if top else "bulk", now)

    @staticmethod
    def document(rules, mode, now):
        first = {limit: next(rule for rule in rules if rule[0] == limit) for limit in ("cvl", "ccl", "dcl")}
        return {**{limit: rule[2] for limit, rule in first.items()}, "chargeState": mode, "chargeRequest": False,
                "reasons": {limit: rule[3] for limit, rule in first.items()}, "names": {limit: rule[1] for limit, rule in first.items()},
                "constraints": [dict(zip(("limit", "name", "value", "text"), rule)) for rule in rules], "time": now}

    def relays(self, since):
        bad = self.kind == "fault"
        return {"charger": {"function": "chargeAllowed", "command": "auto", "closed": not bad, "readBack": True, "alarm": bad,
                            "reason": "charging is forbidden by the BMS" if bad else "charging is permitted", "since": since - 4000, "faults": 0, "reopened": 1 if bad else 0},
                "pump": {"function": "manual", "command": "off", "closed": False, "readBack": False, "alarm": False, "reason": "not switched on", "since": since - 9000,
                         "faults": 0, "reopened": 0}}

    def settings(self):
        number = lambda value, unit, low, high: {"value": value, "unit": unit, "min": low, "max": high, "setBy": "file"}
        table = {"maxChargeCurrent": number(100, "A", 0, 100), "maxDischargeCurrent": number(160, "A", 0, 160), "maxChargeVoltage": number(55.2, "V", 52.8, 55.2),
                 "chargeEnabled": {"value": "ON", "setBy": "file"}, "dischargeEnabled": {"value": "ON", "setBy": "file"},
                 "chargeMode": {"value": "auto", "options": ["auto", "float", "full"], "setBy": "file"}, "fullChargeInterval": number(7, "d", 0, 90),
                 "reserveSoc": number(10, "%", 10, 80), "maxSoc": number(100, "%", 50, 100), "customName": {"value": self.title, "setBy": "file"},
                 "relay/pump": {"value": "off", "options": ["auto", "off", "on"], "setBy": "file"}}
        for name, (value, when) in self.chosen.items():
            table[name] |= {"value": value, "setBy": "command", "setAt": when}
        return table

    def command(self, setting, value):
        import time
        if setting in ("clearPeaks", "republish"):
            return {"accepted": True, "reason": "done"}
        known = self.settings().get(setting)
        if known is None:
            return {"accepted": False, "reason": f"there is no setting {setting}"}
        if "unit" in known and not (isinstance(value, (int, float)) and known["min"] <= value <= known["max"]):
            return {"accepted": False, "reason": f"{setting} must be {known['min']} to {known['max']} {known['unit']}, asked for {value} {known['unit']}"}
        self.chosen[setting] = (value, time.time())
        return {"accepted": True, "reason": f"{setting} is {value} now"}

    def events(self, now, since):
        last = {"stale": [("linkLost", "no good frame for 10 s: is the cable plugged in?")], "fault": [("alarm", "High cell voltage: alarm"), ("permission", "charging forbidden, discharging forbidden")],
                "balancing": [("chargeState", "balancing: the lowest cell is 55 mV below the highest")]}.get(self.kind, [])
        rows = [{"time": since, "event": name, "text": text} for name, text in last]
        rows += [{"time": now // 3600 * 3600 - n * 9000, "event": "chargeState", "text": ("bulk", "float", "full", "absorption")[n % 4]} for n in range(12)]
        return rows + [{"time": now // 86400 * 86400 - 200000, "event": "chemistry", "text": "chemistry LFP, taken from Vmin 2.900 V and Vbalance 3.400 V"}]

    # History

    def sample(self, t):
        inflow, outflow = self.current(t)
        soc = self.soc(t)
        flowing = inflow - outflow
        cell = 3.27 + 0.0006 * soc + 0.0004 * flowing + (0.08 if soc > 98.5 else 0)
        full = soc > 98.5
        return {"soc": soc, "voltage": cell * N, "current": flowing, "power": cell * N * flowing, "cvl": 54.0 if full and hour(t) > 16 else 55.2,
                "ccl": 9.0 if full else 100.0, "dcl": 160.0 if soc > 20 else 60.0, "cell_min": cell - 0.006 - (0.02 if full else 0), "cell_max": cell + 0.006 + (0.03 if full else 0),
                "temperature_min": 18 + 3 * math.sin((hour(t) - 9) / 24 * 2 * math.pi), "temperature_max": 21 + 5 * math.sin((hour(t) - 9) / 24 * 2 * math.pi)}

    def times(self, begin, end, points):
        step = max(60, math.ceil((end - begin) / points / 60) * 60)
        return step, [begin + n * step for n in range(max(0, int((end - begin) / step)))]

    def series(self, begin, end, points, names):
        step, times = self.times(begin, end, points)
        samples = [None if 3.2 < hour(t) < 3.9 or t < FIRST else self.sample(t) for t in times]
        wide = {"soc": 0.3, "voltage": 0.15, "current": 4, "power": 210, "cell_min": 0.004, "cell_max": 0.004}
        part = lambda name, sign: [None if s is None else round(s[name] + sign * wide.get(name, 0), 3) for s in samples]
        known = {name: {"min": part(name, -1), "mean": part(name, 0), "max": part(name, 1)} for name in names if not samples or name in (self.sample(begin))}
        return {"from": begin, "to": end, "step": step, "time": times, "series": known}

    def cell_history(self, begin, end, points):
        _, times = self.times(begin, end, points)
        return {"time": times, "cells": [[None if 3.2 < hour(t) < 3.9 else round(self.sample(t)["voltage"] / N + 0.006 * math.sin(n * 2.3), 3) for t in times] for n in range(1, N + 1) if not self.packs and end > FIRST]}

    def months(self, now):
        found = []
        for back in range(11, -1, -1):
            t = now - back * 30.44 * 86400
            summer = 0.5 - 0.5 * math.cos((t % 31557600) / 31557600 * 2 * math.pi)
            found.append({"time": t, "date": date(t), "energyIn": round(110 + 190 * summer, 1), "energyOut": round(105 + 184 * summer, 1), "resistance": round(19.5 - back * 0.11, 1) if back < 10 else None,
                          "spread": round(0.021 - back * 0.0008, 3), "weakestCell": 11 if back % 5 else 7, "atRest": [round(3.295 + 0.004 * math.sin(n * 2.3) - (0.012 if n == 11 else 0), 3) for n in range(1, N + 1)],
                          "atFull": [round(3.43 + 0.01 * math.sin(n * 2.3) - (0.03 if n == 11 else 0), 3) for n in range(1, N + 1)]})
        return {"months": found}

    def days(self, begin, end):
        return {"days": [{"time": begin + n * 86400, "date": date(begin + n * 86400), "energyIn": round(9.5 + 3.5 * wave(self.seed, begin + n * 50000), 2), "energyOut": round(8.9 + 3 * wave(self.seed + 1, begin + n * 50000), 2)}
                         for n in range(math.ceil((end - begin) / 86400))]}

    def changes(self, begin, end):
        found, last = [], {}
        t = begin
        while t < end:
            s = self.sample(t)
            for limit in ("cvl", "ccl", "dcl"):
                if last.get(limit) != s[limit]:
                    last[limit] = s[limit]
                    high = limit == "ccl" and s[limit] < 20
                    found.append({"time": t, "limit": limit, "value": s[limit], "name": "highestCell" if high else "target" if limit == "cvl" else "userCap",
                                  "sentence": "cell 4 is near its soft cap of 3.441 V: charge current falling" if high else "at most 100 A by the configuration" if limit == "ccl"
                                  else "target of 16 x 3.450 V" if limit == "cvl" else "the fuse of 160 A"})
            t += 300
        return {"changes": found}
