"""Frames of a CAN bus in numbers, for checks: written from the public layouts, and not from the tables of bms-mqtt.

Sources are those that docs/can.md names. Identifiers and units are those of the receivers."""
import struct

NAME = {0x35E, 0x370, 0x371, 0x374, 0x375, 0x376, 0x377, 0x380, 0x381, 0x382}
VICTRON = [0x351, 0x355, 0x356, 0x35A, 0x35E, 0x35F, 0x360, 0x370, 0x371, 0x372, 0x373, 0x374, 0x375, 0x376, 0x377, 0x378, 0x379,
           0x380, 0x381, 0x382]
PYLONTECH = [0x351, 0x35C, 0x359, 0x35E, 0x356, 0x355]


def numbers(can_id, data):
    """The numbers of a frame by name, in volts, amperes, percent and so on; empty for frames of text."""
    if can_id == 0x351:
        cvl, ccl, dcl, low = struct.unpack("<HhhH", data)
        return {"cvl": cvl / 10, "ccl": ccl / 10, "dcl": dcl / 10, "low": low / 10}
    if can_id == 0x355:
        soc, soh = struct.unpack("<HH", data[:4])
        return {"soc": soc, "soh": soh}
    if can_id == 0x356:
        volts, amperes, degrees = struct.unpack("<hhh", data[:6])
        return {"voltage": volts / 100, "current": amperes / 10, "temperature": degrees / 10}
    if can_id == 0x35C:
        return {"mayCharge": data[0] >> 7 & 1, "mayDischarge": data[0] >> 6 & 1, "charge": data[0] >> 5 & 1}
    if can_id == 0x373:
        low, high, cold, warm = struct.unpack("<HHHH", data)
        return {"lowest": low / 1000, "highest": high / 1000, "coldest": cold - 273, "warmest": warm - 273}
    return {}


class Inverter:
    """An inverter that knows nothing but frames: it obeys the newest limits, and stops 3 s after the last of them."""
    patience = 3.0

    def __init__(self):
        self.limits, self.at, self.gaps, self.sets, self.seen = None, None, [], [], []

    def hear(self, can_id, data, now):
        if can_id == 0x351:
            if self.at is not None:
                self.gaps.append(now - self.at)
            self.limits, self.at = numbers(can_id, data), now
        # A set begins with the name of the manufacturer.
        if can_id == 0x35E and self.seen:
            self.sets.append(self.seen)
            self.seen = []
        self.seen.append(can_id)

    def may_charge(self, now):
        return self.limits is not None and now - self.at < self.patience and self.limits["ccl"] > 0

    def may_act(self, now):
        return self.limits is not None and now - self.at < self.patience and (self.limits["ccl"] > 0 or self.limits["dcl"] > 0)
