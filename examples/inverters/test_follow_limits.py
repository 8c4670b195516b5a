"""python3 -m unittest, in this folder: the rule of follow_limits.py, without a broker and without a clock."""

import json
import unittest

from follow_limits import Follower, read_limits

LIMITS = {"cvl": 54.88, "ccl": 50.0, "dcl": 100.0, "chargeState": "bulk", "time": 1000.0}


def follower(bridge=b"online", pack=b"online", limits=None):
    result = Follower("bms", "garage", 52.8)
    for topic, payload in ((result.bridge_topic, bridge), (result.pack_topic, pack)):
        if payload is not None:
            result.take(topic, payload, 0)
    if limits is not None:
        result.take(result.limits_topic, json.dumps(limits).encode(), 0)
    return result


class Rule(unittest.TestCase):
    def test_all_well(self):
        allowed = follower(limits=LIMITS).allowed(1000, 0)
        self.assertEqual((allowed.cvl, allowed.ccl, allowed.dcl, allowed.trusted), (54.88, 50, 100, True))

    def test_anything_missing_is_no_current(self):
        for case in ({"bridge": b"offline"}, {"pack": b"offline"}, {"bridge": None}, {"pack": None}, {"pack": b""}):
            allowed = follower(limits=LIMITS, **case).allowed(1000, 0)
            self.assertEqual((allowed.cvl, allowed.ccl, allowed.dcl, allowed.trusted), (52.8, 0, 0, False), case)
        self.assertEqual(follower().allowed(1000, 0).dcl, 0)

    def test_age_by_either_clock(self):
        for now, monotonic, trusted in (
            (1030, 30, True), (1030.1, 0, False), (1000, 30.1, False), (995, 0, True), (994.9, 0, False),
        ):
            self.assertEqual(follower(limits=LIMITS).allowed(now, monotonic).trusted, trusted, (now, monotonic))

    def test_the_voltage_at_rest_is_never_above_the_last_limit(self):
        low = dict(LIMITS, cvl=50.0)
        self.assertEqual(follower(pack=b"offline", limits=low).allowed(1000, 0).cvl, 50)

    def test_nonsense_is_no_limit_and_does_not_refresh(self):
        for text in (
            "", "{", "[]", "null", '"x"', '{"cvl":54}', '{"cvl":"54","ccl":1,"dcl":1,"time":1}',
            '{"cvl":54,"ccl":null,"dcl":1,"time":1}', '{"cvl":54,"ccl":true,"dcl":1,"time":1}',
            '{"cvl":54,"ccl":NaN,"dcl":1,"time":1}', '{"cvl":54,"ccl":-1,"dcl":1,"time":1}',
            '{"cvl":54,"ccl":1,"dcl":Infinity,"time":1}', '{"cvl":0,"ccl":1,"dcl":1,"time":1}',
            '{"cvl":54,"ccl":1,"dcl":1,"time":1' + "0" * 400 + "}", "[" * 100_000,
        ):
            self.assertIsNone(read_limits(text.encode()), text[:60])
        self.assertIsNone(read_limits(b"\xff\xfe"))
        heard = follower(limits=LIMITS)
        heard.take(heard.limits_topic, b"{}", 25)
        self.assertFalse(heard.allowed(1000, 31).trusted)

    def test_other_topics_are_none_of_ours(self):
        heard = follower(limits=LIMITS)
        heard.take("bms/cellar/status", b"offline", 0)
        self.assertTrue(heard.allowed(1000, 0).trusted)


if __name__ == "__main__":
    unittest.main()
