"""What can happen to certificates, and to a line that TLS protects."""
import asyncio
import os
import subprocess

from .table import fault

_CA = """
[ca]
default_ca = this
[this]
database = {folder}/{name}.index
new_certs_dir = {folder}
serial = {folder}/{name}.serial
default_md = sha256
policy = anything
unique_subject = no
copy_extensions = copy
[anything]
commonName = supplied
"""


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def authority(folder, name):
    """A certificate authority of its own."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 30, "-subj", f"/CN={name}",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    (folder / f"{name}.index").write_text("")
    (folder / f"{name}.serial").write_text("01\n")
    (folder / f"{name}.cnf").write_text(_CA.format(folder=folder, name=name))


def issue(folder, name, end="20400101000000Z"):
    """A certificate for the broker, put into place as a renewal does."""
    if not (folder / "server.key").exists():
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", folder / "server.key", "-out", folder / "server.csr")
    openssl("ca", "-batch", "-notext", "-config", folder / f"{name}.cnf", "-cert", folder / f"{name}.crt",
            "-keyfile", folder / f"{name}.key", "-startdate", "20200101000000Z", "-enddate", end,
            "-in", folder / "server.csr", "-out", folder / "server.new")
    os.replace(folder / "server.new", folder / "server.crt")


async def protect(scene):
    """The bridge by TLS through the relay, consumers by a listener without."""
    from .processes import free_port
    folder, secure = scene.folder, free_port()
    scene.relay.target = secure
    await asyncio.to_thread(authority, folder, "first")
    await asyncio.to_thread(issue, folder, "first")
    (folder / "ca.crt").write_bytes((folder / "first.crt").read_bytes())
    scene.broker.configure([f"listener {secure} 127.0.0.1", f"certfile {folder}/server.crt", f"keyfile {folder}/server.key"])
    scene.mqtt = f", tls: {{ caFile: {folder}/ca.crt }}"


async def restart(scene):
    scene.broker.kill()
    await scene.broker.start().ready()


@fault("tls-expired", "certificate of the broker expired for 40 s", safe=30.5, back=15)
async def expired(scene):
    await protect(scene)
    await scene.start()
    scene.fault()
    await asyncio.to_thread(issue, scene.folder, "first", "20200102000000Z")
    await restart(scene)
    await scene.until_safe()
    await scene.hold(38)
    await asyncio.to_thread(issue, scene.folder, "first")
    await restart(scene)
    scene.repair()
    await scene.until_back()


@fault("tls-replaced", "authority and certificate replaced, the bridge's file of authorities 10 s later", back=20)
async def replaced(scene):
    await protect(scene)
    await scene.start()
    scene.fault()
    (scene.folder / "server.key").unlink()
    await asyncio.to_thread(authority, scene.folder, "second")
    await asyncio.to_thread(issue, scene.folder, "second")
    await restart(scene)
    await scene.hold(10)
    (scene.folder / "ca.crt").write_bytes((scene.folder / "second.crt").read_bytes())
    scene.repair()
    await scene.until_back()


@fault("tls-garbled", "one byte in a thousand to the broker wrong, with TLS", back=40)
async def garbled(scene):
    await protect(scene)
    await scene.start()
    scene.fault()
    scene.relay.garble = 0.001
    await scene.hold(30)
    scene.expect(scene.consumer.broken == 0, "a spoiled document passed TLS")
    scene.relay.garble = 0
    scene.repair()
    await scene.until_back()
