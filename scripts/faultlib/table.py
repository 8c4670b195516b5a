"""The table of faults: each is a function, run in a scene of its own, measured and judged against its bounds."""
import asyncio
import time
from dataclasses import dataclass, field

from . import scene as scenes

# No consumer sees a limit older than this as valid. Its own look at the clock, twenty times a second, comes on top.
PROMISE = 30.5

FAULTS = {}


@dataclass
class Fault:
    name: str
    text: str
    work: object
    safe: float | None  # seconds to safe limits at most; None: limits stay valid, or need not become safe
    back: float | None  # seconds from the repair to service at most
    is_long_only: bool = False
    oldest_gx: float = PROMISE
    group: str = ""


@dataclass
class Row:
    fault: Fault
    verdict: str = "ok"
    safe: float | None = None
    back: float | None = None
    blind: float = 0.0
    oldest: float = 0.0
    oldest_gx: float = 0.0
    newcomer: float = 0.0
    lost: str = ""
    stall: float = 0.0
    problems: list = field(default_factory=list)
    log: list = field(default_factory=list)


def fault(name, text, safe=None, back=None, is_long_only=False, oldest_gx=PROMISE):
    def register(work):
        FAULTS[name] = Fault(name, text, work, safe, back, is_long_only, oldest_gx, work.__module__.rsplit(".", 1)[1])
        return work
    return register


async def run(entry, binary, is_long):
    row, scene = Row(entry), scenes.Scene(binary, is_long)
    try:
        await asyncio.wait_for(entry.work(scene), 3600 if is_long else 170)
    except scenes.Skipped as reason:
        row.verdict, row.lost = "skipped", str(reason)
    except scenes.Failed as problem:
        row.problems.append(str(problem))
    except asyncio.TimeoutError:
        row.problems.append("took too long")
    except Exception as error:  # A fault of the harness must not hide those of the bridge in other scenes.
        row.problems.append(f"{type(error).__name__}: {error}")
    for task in scene.tasks:
        if task.done() and not task.cancelled() and task.exception():
            row.problems.append(f"the harness lost a part: {task.exception()!r}")
    if row.verdict != "skipped":
        measure(row, scene)
        judge(row, scene)
    if row.problems:
        row.verdict = "FAILED"
        row.log = scene.bridge.lines[-8:] if scene.bridge else []
    await scene.stop()
    return row


def measure(row, scene):
    consumer = scene.consumer
    consumer.judge()
    row.oldest, row.oldest_gx, row.newcomer = consumer.oldest, consumer.oldest_gx, scene.newcomer.oldest
    row.lost, row.stall = scene.lost, consumer.stall
    if scene.begin is None:
        return
    end = time.monotonic()
    safe = consumer.since(scene.begin, False)
    row.safe = safe and safe - scene.begin
    moments = [(scene.begin, ([False] + [v for at, v in consumer.changes if at <= scene.begin])[-1])]
    moments += [change for change in consumer.changes if change[0] > scene.begin] + [(end, True)]
    row.blind = sum(after[0] - now[0] for now, after in zip(moments, moments[1:]) if not now[1])
    if scene.repaired is not None and row.safe is not None:
        back = consumer.since(max(scene.repaired, safe), True)
        row.back = back and max(0.0, back - scene.repaired)


def judge(row, scene):
    entry = row.fault
    # Seconds that the harness itself did not get to look: a loaded machine must not look like a fault.
    slack = scene.consumer.stall
    if row.oldest > PROMISE + slack:
        row.problems.append(f"a consumer believed limits by data {row.oldest:.1f} s old")
    if row.newcomer > PROMISE + slack:
        row.problems.append(f"a new subscriber got limits by data {row.newcomer:.1f} s old")
    if row.oldest_gx > entry.oldest_gx + slack:
        row.problems.append(f"a GX used limits by data {row.oldest_gx:.1f} s old")
    if entry.safe is not None and row.safe is None and not row.problems:
        row.problems.append("limits never became safe")
    if entry.safe is not None and (row.safe or 0) > entry.safe + slack:
        row.problems.append(f"safe after {row.safe:.1f} s, allowed are {entry.safe:g} s")
    if entry.back is not None and row.safe is not None and row.back is None and not row.problems:
        row.problems.append("service did not come back")
    if entry.back is not None and (row.back or 0) > entry.back + slack:
        row.problems.append(f"back after {row.back:.1f} s, allowed are {entry.back:g} s")
    if scene.bridge and scene.bridge.starts > 1 + scene.restarts and not row.lost:
        row.problems.append("the bridge had to be started by hand")
    for line in scene.bridge.lines if scene.bridge else []:
        if "Fatal error" in line or "Crash" in line:
            row.problems.append(f"it crashed: {line[:160]}")


def seconds(value, none="-"):
    return none if value is None else f"{value:.1f}"


def markdown(rows):
    yield "| fault | safe after, s | back after, s | without limits, s | oldest data believed, s | by a GX, s | lost |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        if row.verdict == "skipped":
            yield f"| {row.fault.text} | skipped: {row.lost} | | | | | |"
        else:
            yield (f"| {row.fault.text} | {seconds(row.safe, 'stays valid')} | {seconds(row.back)} | {row.blind:.1f} | "
                   f"{max(row.oldest, row.newcomer):.1f} | {row.oldest_gx:.1f} | {row.lost or 'nothing'} |")
