"""Clients of MQTT 3.1.1 and 5 for the checks, on paho: each notes what it hears."""
import itertools
import threading
import time
from dataclasses import dataclass

import paho.mqtt.client as mqtt

_ids = itertools.count(1)


@dataclass
class Heard:
    at: float  # time.time()
    topic: str
    payload: bytes
    retained: bool
    expiry: int | None


class Refused(Exception):
    """The broker did not let the client in, or not within the time."""


class Client:
    """One connection, without retries."""

    def __init__(self, port, user=None, password=None, protocol=5, client_id=None, seconds=10.0, on_message=None):
        self.heard, self.granted, self.acknowledged = [], {}, {}
        self.is_connected, self.reason = threading.Event(), None
        self.is_closed = threading.Event()
        self.protocol, self.on_message = protocol, on_message
        identity = client_id or f"check-{time.time_ns():x}-{next(_ids)}"
        more = {} if protocol == 5 else {"clean_session": True}
        if hasattr(mqtt, "CallbackAPIVersion"):
            self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, identity, protocol=protocol, **more)
        else:
            self.client = mqtt.Client(identity, protocol=protocol, **more)
        self.client.on_connect, self.client.on_message = self._connected, self._message
        self.client.on_subscribe, self.client.on_publish = self._subscribed, self._published
        self.client.on_disconnect = lambda *_: self.is_closed.set()
        if user:
            self.client.username_pw_set(user, password)
        try:
            self.client.connect("127.0.0.1", port, keepalive=20)
        except OSError as error:
            raise Refused(str(error)) from error
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()
        if not self.is_connected.wait(seconds) or self.reason != 0:
            self.close()
            raise Refused(f"reason {self.reason}")

    def _loop(self):
        try:
            while self.client.loop(0.5) == 0:
                pass
        except (OSError, ValueError):
            # It was closed meanwhile.
            pass
        self.is_closed.set()

    def _connected(self, _client, _data, _flags, reason, *_):
        self.reason = getattr(reason, "value", reason)
        self.is_connected.set()

    def _message(self, _client, _data, message):
        expiry = getattr(getattr(message, "properties", None), "MessageExpiryInterval", None)
        heard = Heard(time.time(), message.topic, message.payload, bool(message.retain), expiry)
        self.heard.append(heard)
        if self.on_message:
            self.on_message(heard)

    def _subscribed(self, _client, _data, identity, codes, *_):
        self.granted[identity] = [getattr(code, "value", code) for code in codes]

    def _published(self, _client, _data, identity, *_):
        self.acknowledged[identity] = True

    def subscribe(self, filters, qos=1, seconds=5.0):
        """The codes of the SUBACK, or None when the connection ended or no answer came."""
        filters = [filters] if isinstance(filters, str) else filters
        _, identity = self.client.subscribe([(name, qos) for name in filters])
        return self._answer(self.granted, identity, seconds)

    def publish(self, topic, payload, retain=False, qos=1, seconds=5.0):
        """True when the broker acknowledged; that does not say that it passed the message on."""
        return bool(self._answer(self.acknowledged, self.client.publish(topic, payload, qos, retain).mid, seconds))

    def _answer(self, answers, identity, seconds):
        end = time.monotonic() + seconds
        while identity not in answers and not self.is_closed.is_set() and time.monotonic() < end:
            time.sleep(0.005)
        return answers.get(identity)

    def on(self, topic):
        return [message for message in list(self.heard) if message.topic == topic]

    def wait_for(self, condition, seconds):
        """The first message of which `condition` is true, or None."""
        end = time.monotonic() + seconds
        while True:
            found = next((message for message in list(self.heard) if condition(message)), None)
            if found or time.monotonic() > end:
                return found
            time.sleep(0.01)

    def close(self):
        try:
            self.client.disconnect()
        except OSError:
            pass
        self.is_closed.set()
        self.client.loop_stop()


def is_let_in(port, user, password, protocol):
    try:
        Client(port, user, password, protocol, seconds=3.0).close()
        return True
    except Refused:
        return False
