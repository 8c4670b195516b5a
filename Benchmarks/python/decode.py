#!/usr/bin/env python3
"""Frames a second of a plain Python decoder, to compare with: decode.py FILE [ROUNDS].

The decoder does the work of every Python bridge for this BMS: it looks for the frame in a byte stream, checks sum and sign bytes,
and makes numbers with units of every field (docs/protocol.md). FILE holds frames of 58 bytes.
"""

import sys
import time

SIGNS = {0x2B: 1, 0x2D: -1}


def current(data, offset):
    sign = SIGNS.get(data[offset])
    return None if sign is None else sign * int.from_bytes(data[offset + 1 : offset + 3], "big") * 0.125


def word(data, offset):
    return data[offset] << 8 | data[offset + 1]


def triple(data, offset):
    return data[offset] << 16 | data[offset + 1] << 8 | data[offset + 2]


def degrees(raw):
    return round(0.857 * raw - 232, 1)


def decode(data):
    status = data[30]
    return {
        "voltage": triple(data, 0) * 0.005,
        "current1": current(data, 3),
        "current2": current(data, 6),
        "current": current(data, 9),
        "lowestVoltage": word(data, 12) * 0.005,
        "lowestVoltageCell": data[14],
        "highestVoltage": word(data, 15) * 0.005,
        "highestVoltageCell": data[17],
        "lowestTemperature": degrees(word(data, 18)),
        "lowestTemperatureCell": data[20],
        "highestTemperature": degrees(word(data, 21)),
        "highestTemperatureCell": data[23],
        "cell": data[24],
        "cellCount": data[25],
        "cellVoltage": word(data, 26) * 0.005,
        "cellTemperature": degrees(word(data, 28)),
        "mayCharge": bool(status & 1),
        "mayDischarge": bool(status & 2),
        "noCommunication": bool(status & 4),
        "cellTooLow": bool(status & 8),
        "cellTooHigh": bool(status & 16),
        "tooCold": bool(status & 32),
        "tooHot": bool(status & 64),
        "uncalibrated": bool(status & 128),
        "energyInToday": triple(data, 31),
        "energyStored": triple(data, 34),
        "energyOutToday": triple(data, 37),
        "soc": data[40],
        "energyIn": triple(data, 41),
        "energyOut": triple(data, 44),
        "key": data[47] - 25 if data[47] >= 25 else None,
        "keyValue": data[48],
        "capacity": word(data, 49) * 0.1,
        "minimumVoltage": word(data, 51) * 0.005,
        "maximumVoltage": word(data, 53) * 0.005,
        "balanceVoltage": word(data, 55) * 0.005,
    }


def frames(stream):
    """Frames of a stream; after a bad one the search goes on at the next byte."""
    at = 0
    while at + 58 <= len(stream):
        data = stream[at : at + 58]
        if data[3] in b"+-X" and data[6] in b"+-X" and data[9] in b"+-X" and sum(data[:57]) & 255 == data[57]:
            yield decode(data)
            at += 58
        else:
            at += 1


def main():
    with open(sys.argv[1], "rb") as file:
        stream = file.read()
    best = float("inf")
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 5):
        start = time.process_time()
        count = sum(1 for _ in frames(stream))
        best = min(best, time.process_time() - start)
    if count != len(stream) // 58:
        sys.exit(f"{count} frames of {len(stream) // 58}")
    print(int(count / best))


if __name__ == "__main__":
    main()
