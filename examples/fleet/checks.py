"""What the checks of the fleet's examples share: words, waits, and files of the example with values of this run."""
import time


def said(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def expect(condition, text):
    if not condition:
        raise SystemExit(f"FAIL: {text}")
    said(f"ok   {text}")


def wait(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"FAIL: {what} did not come within {seconds} s")
        time.sleep(0.05)


def edited(source, target, *edits):
    """Writes a file with some of its texts replaced, each of which must be there."""
    text = source.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, f"{source} has no '{old}'"
        text = text.replace(old, new)
    target.write_text(text, encoding="utf-8")
