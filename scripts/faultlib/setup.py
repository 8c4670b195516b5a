"""The program to test and the Debian packages that the tests need."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program(binary=None, packages=("mosquitto",)):
    """The path of the release binary: the one given, or one that is built now."""
    if binary:
        return pathlib.Path(binary).resolve()
    script = (f". scripts/set-up {' '.join(packages)}\n"
              "build_program\necho \"$program\"")
    path = subprocess.run(["bash", "-c", script], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return pathlib.Path(path.strip().splitlines()[-1])
