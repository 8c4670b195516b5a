"""Packs in parallel on one bus: cells, boards, relays and the frames of each BMS.

A pack is an ideal voltage behind a resistance; the bus divides the current of charger and inverter among those whose
relays let it through, and the packs exchange current among themselves. One step is one second.
"""
import numpy as np

# LFP: rest voltage of a cell against its state of charge, round numbers of a typical cell.
SOC = np.array([-.05, 0, .005, .01, .02, .03, .05, .08, .10, .15, .20, .30, .40, .50, .60, .65, .70, .80, .90, .95,
                .97, .98, .985, .99, .995, 1.0, 1.005, 1.01, 1.03])
REST = np.array([1.80, 2.50, 2.66, 2.77, 2.90, 2.98, 3.07, 3.14, 3.165, 3.205, 3.230, 3.262, 3.282, 3.288, 3.293, 3.303,
                 3.323, 3.330, 3.334, 3.337, 3.342, 3.351, 3.360, 3.376, 3.415, 3.500, 3.610, 3.740, 4.30])
VMIN, VBAL, VMAX, VNOM = 2.9, 3.4, 3.7, 3.3
R0, R1, R2 = .60e-3, .40e-3, .60e-3       # ohm, of a cell of 100 Ah at 25 degC
A1, A2 = np.exp(-1 / 40), np.exp(-1 / 900)
WIRE = .8e-3
TMIN, TMAX = 0.0, 55.0
CELLS = 16
RECLOSE = 30                              # seconds for which a relay stays open at least


class Pack:
    """Cells, boards and the BMS of one pack."""

    def __init__(self, ah=100.0, soc=.5, resistance=1.0, temperature=22.0, seed=1, mode="critical", key16=True,
                 sensor=True, tmin=TMIN):
        rng = np.random.default_rng(seed)
        self.ah, self.mode, self.key16, self.rng = ah, mode, key16, rng
        self.tmin = tmin                  # T-min of the BMS, for both relays
        self.sensor = sensor              # without a sensor the frames have "X" in place of a sign
        scale = 100 / ah * resistance * (1 + rng.normal(0, .04, CELLS))
        self.temperature = temperature
        self.r0 = R0 * scale * np.exp(.02 * (25 - temperature))
        self.r1, self.r2 = R1 * scale, R2 * scale
        self.cap = ah * (1.01 + rng.normal(0, .004, CELLS))
        self.soc = soc + rng.normal(0, .0005, CELLS)
        self.offset = np.clip(rng.normal(0, .003, CELLS), -.008, .008)
        self.u1, self.u2 = np.zeros(CELLS), np.zeros(CELLS)
        self.balancing = np.zeros(CELLS, bool)
        self.current = 0.0
        self.connected = True             # the cable to the bus
        self.fault = False                # the BMS has no communication with its cell boards
        self.load_fault = False
        self.charge_ok = self.load_ok = True
        self.opened = {"charge": -1e9, "load": -1e9}
        self.trips = 0
        self.capacity_wh = round(ah * VNOM * CELLS / 100) * 100
        self.wh = self.capacity_wh * float(np.mean(self.soc))
        self.full = False
        self.slot = self.turn = 0
        self.refresh()

    def refresh(self):
        self.rest = np.interp(self.soc, SOC, REST) + self.u1 + self.u2
        self.emf = float(self.rest.sum())
        self.resistance = float(self.r0.sum()) + WIRE

    def passes(self, current):
        """Returns True if the relays let a current through; a charge current is positive."""
        return self.connected and (self.charge_ok if current > 0 else self.load_ok)

    def step(self, current):
        """Passes a second with a current at the terminals."""
        inner = current - .8e-3 - self.balancing * 1.0
        self.soc = self.soc + inner / (3600 * self.cap)
        self.u1 = A1 * self.u1 + (1 - A1) * self.r1 * inner
        self.u2 = A2 * self.u2 + (1 - A2) * self.r2 * inner
        self.refresh()
        self.current = current
        self.cells = self.rest + current * self.r0

    def sample(self, now):
        """The BMS reads its cells, counts charge, balances, and moves its relays as the manual says."""
        read = np.rint((self.cells + self.offset + self.rng.normal(0, .0008, CELLS)) * 200).astype(int)
        self.read = read
        low, high = read.min() * .005, read.max() * .005
        self.balancing = read * .005 >= VBAL - 1e-9
        step = 1.25 if abs(self.current) > 20 else .125
        self.shown = 0.0 if abs(self.current) < .3 or not self.sensor else round(self.current / step) * step
        volts = read.sum() * .005
        self.wh = min(max(self.wh + self.shown * volts / 3600, 0), self.capacity_wh)
        top = low >= VBAL - 1e-9
        small = abs(self.shown) * volts <= .05 * self.capacity_wh
        if (top if self.mode == "normal" else volts >= VBAL * CELLS) and small and self.shown > -.3:
            self.full, self.wh = True, self.capacity_wh
        if self.wh < .985 * self.capacity_wh:
            self.full = False
        self.percent = 100 if self.full and self.wh > .99 * self.capacity_wh else min(99, int(
            100 * self.wh / self.capacity_wh))
        self.low, self.high = low <= VMIN, high >= VMAX
        hot, cold = self.temperature > TMAX, self.temperature < self.tmin
        self.cold, self.hot = cold, hot
        fault = self.fault or cold or hot
        ended = self.mode == "normal" and top and small
        self.charge_ok = self.relay("charge", self.charge_ok, self.high or fault, ended, now,
                                    self.mode != "normal" or (high < VBAL and self.percent < 95))
        self.load_ok = self.relay("load", self.load_ok, self.low or fault or self.load_fault, False, now, True)

    def relay(self, name, closed, hard, ended, now, may_close):
        if closed and (hard or ended):
            self.opened[name] = now
            if hard and not self.fault and not self.load_fault:
                self.trips += 1
            return False
        return closed or (not hard and may_close and now - self.opened[name] >= RECLOSE)

    def frame(self):
        """The 58 bytes of a frame."""
        def u16(n):
            return (int(n) >> 8 & 255, int(n) & 255)

        def u24(n):
            n = max(0, int(n + .5))
            return (n >> 16, n >> 8 & 255, n & 255)

        def amps(i):
            return (88 if not self.sensor else 45 if i < 0 else 43, *u16(abs(i) * 8 + .5))

        def degrees(t):
            return u16((t + 232) / .857 + .5)

        read, t = self.read.tolist(), self.temperature
        low, high, slot = min(read), max(read), self.slot
        self.slot = (slot + 1) % CELLS
        flags = (int(self.charge_ok) | int(self.load_ok) << 1 | int(self.fault) << 2 | int(self.low) << 3
                 | int(self.high) << 4 | int(self.cold) << 5 | int(self.hot) << 6)
        contacts = 0 if self.key16 == "unwired" else int(self.charge_ok) << 4 | int(self.load_ok) << 5
        keys = [(2, 2), (3, 0x58), (4, 2), (5, 0x94), (17, 2), (18, 0xa8)] + ([(16, contacts)] if self.key16 else [])
        key, value = keys[self.turn % len(keys)]
        self.turn += 1
        shown = self.shown
        body = (*u24(sum(read)), *amps(max(shown, 0)), *amps(max(-shown, 0)), *amps(shown),
                *u16(low), read.index(low) + 1, *u16(high), read.index(high) + 1, *degrees(t), 1, *degrees(t), 1,
                slot + 1, CELLS, *u16(read[slot]), *degrees(t), flags, *u24(0), *u24(self.wh), *u24(0), self.percent,
                0, 0, 0, 0, 0, 0, key + 25, value, *u16(self.capacity_wh / 100), *u16(VMIN / .005 + .5),
                *u16(VMAX / .005 + .5), *u16(VBAL / .005 + .5))
        return bytes((*body, sum(body) & 255))


class Bus:
    """Divides a current among packs."""

    def __init__(self, packs):
        self.packs = packs
        self.voltage = 0.0

    def divide(self, current):
        """Currents of the packs for a net current of charger and inverter; packs whose relay blocks it carry none."""
        taking = [p for p in self.packs if p.connected and (p.charge_ok or p.load_ok)]
        for _ in range(len(self.packs) + 1):
            if not taking:
                return {}
            conductance = sum(1 / p.resistance for p in taking)
            self.voltage = (current + sum(p.emf / p.resistance for p in taking)) / conductance
            shares = {id(p): (self.voltage - p.emf) / p.resistance for p in taking}
            blocked = [p for p in taking if abs(shares[id(p)]) > 1e-9 and not p.passes(shares[id(p)])]
            if not blocked:
                return shares
            taking = [p for p in taking if p not in blocked]
        return {}


class Power:
    """Charger and inverter: two seconds late, the inverter within half a second, the charger with a voltage loop.

    offset: V that the charger holds above CVL. obeys: which of "cvl", "ccl" and "dcl" are obeyed; "zero" is a DCL of 0 alone.
    ccl_late: seconds until CCL is obeyed, as on a GX with several MPPTs.
    """
    PARTS = 5

    def __init__(self, bus, charger, inverter, offset=0.0, obeys=("cvl", "ccl", "dcl"), ccl_late=2):
        self.bus, self.charger, self.inverter = bus, charger, inverter
        self.offset, self.obeys = offset, obeys
        self.queue = [(0.0, 0.0, 0.0)] * 2
        self.ccl = [0.0] * ccl_late
        self.charge = self.load = 0.0
        self.seen = 0.0

    def command(self, limits):
        self.queue.append(limits)
        self.ccl.append(limits[1])

    def step(self, available, wanted):
        """Passes one second; returns the mean net current in amperes, and the load that was not served."""
        cvl, _, dcl = self.queue.pop(0)
        ccl = self.ccl.pop(0)
        cvl = cvl + self.offset if "cvl" in self.obeys else CELLS * (VBAL + .25)
        ccl = ccl if "ccl" in self.obeys else 1e9
        dcl = dcl if "dcl" in self.obeys or dcl == 0 else 1e9
        total = unserved = 0.0
        sums = {}
        dt = 1 / self.PARTS
        packs = [p for p in self.bus.packs if p.connected]
        resistance = 1 / max(1e-9, sum(1 / p.resistance for p in packs)) if packs else 1.0
        for _ in range(self.PARTS):
            shares = self.bus.divide(self.charge - self.load)
            self.seen += (self.bus.voltage - self.seen) * min(1, dt / .6) if self.seen else self.bus.voltage
            ceiling = min(self.charger, available, ccl + self.load)
            change = max(-300 * dt, min(20 * dt, (cvl - self.seen) / resistance * dt))
            self.charge = min(max(0, self.charge + change), max(ceiling, self.charge - 60 * dt))
            goal = min(wanted, self.inverter, dcl + self.charge)
            self.load += (goal - self.load) * min(1, dt / .4)
            if not any(p.load_ok and p.connected for p in self.bus.packs):
                self.load = min(self.load, self.charge)
            if not any(p.charge_ok and p.connected for p in self.bus.packs):
                self.charge = min(self.charge, self.load)
            shares = self.bus.divide(self.charge - self.load)
            for p in self.bus.packs:
                sums[id(p)] = sums.get(id(p), 0) + shares.get(id(p), 0) / self.PARTS
            total += (self.charge - self.load) / self.PARTS
            unserved += max(0, wanted - self.load) / self.PARTS
        return total, sums, unserved
