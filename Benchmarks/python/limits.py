#!/usr/bin/env python3
"""Microseconds for a step of a Python limit calculator, to compare with: limits.py FILE MODULE.

MODULE is a Python file with a class Calc that takes a configuration and has a method tick(time, 58 bytes). FILE holds frames of
58 bytes, a second each.
"""

import importlib.util
import sys
import time


def main():
    spec = importlib.util.spec_from_file_location("calculator", sys.argv[2])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with open(sys.argv[1], "rb") as file:
        stream = file.read()
    frames = [stream[at : at + 58] for at in range(0, len(stream), 58)]
    best = float("inf")
    for _ in range(5):
        calculator = module.Calc({})
        start = time.process_time()
        for second, frame in enumerate(frames):
            calculator.tick(float(second), frame)
        best = min(best, time.process_time() - start)
    print(f"{best / len(frames) * 1e6:.1f}")


if __name__ == "__main__":
    main()
