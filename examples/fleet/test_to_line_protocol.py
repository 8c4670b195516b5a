"""Run by: python3 -m unittest discover -s examples/fleet"""
import unittest

from to_line_protocol import line

STATE = b'{"Dc":{"Voltage":52.60,"Current":-8.750,"Power":null},"Soc":55,"Link":{"Age":0.5}}'
LIMITS = b'{"cvl":54.88,"ccl":50.0,"dcl":null,"reasons":{"cvl":"x"},"time":1795246192.046}'


class Lines(unittest.TestCase):
    def test_state_has_the_time_of_its_frame_and_no_nulls(self):
        self.assertEqual(
            line("fleet/site-a/bms/pack-1/state", STATE, 1_795_246_200.0),
            "bms_state,site=site-a,pack=pack-1 voltage=52.6,current=-8.75,soc=55.0 1795246199500000000",
        )

    def test_limits_have_their_own_time_and_say_how_old_they_are(self):
        self.assertEqual(
            line("fleet/site-a/bms/pack-1/limits", LIMITS, 1_795_246_195.046),
            "bms_limits,site=site-a,pack=pack-1 cvl=54.88,ccl=50.0,age=3.0 1795246192046000000",
        )

    def test_what_is_no_document_of_a_pack_is_no_line(self):
        for topic, payload in (
            ("fleet/site-a/bms/pack-1/event", STATE), ("fleet/site-a/pack-1/state", STATE), ("x", STATE), ("fleet/a/bms/p/state", b"[1]"),
            ("fleet/a/bms/p/state", b"{"), ("fleet/a/bms/p/state", b'{"Soc":NaN}'), ("fleet/a/bms/p/state", b'{"Dc":7}'),
            ("fleet/a/bms/p/limits", b'{"ccl":5}'), ("fleet/a/bms/p/limits", b'{"ccl":5,"time":1e300}'),
            ("fleet/a/bms/p/limits", b'{"ccl":true,"time":"x"}'), ("fleet/a/bms/p/state", b"[" * 60_000),
            ("fleet/a/bms/p/state", b'{"Soc":5,"x":"' + b"a" * 70_000 + b'"}'), ("fleet/a/bms/p/state", b"\xff\xfe"),
        ):  # fmt: skip
            self.assertIsNone(line(topic, payload, 1_795_246_195.0), f"{topic} {payload[:30]}")

    def test_a_name_cannot_add_tags_or_lines(self):
        text = line("fleet/a b,c=d\n/bms/p/state", b'{"Soc":5}', 1_795_246_195.0)
        self.assertEqual(text, "bms_state,site=a\\ b\\,c\\=d\\ ,pack=p soc=5.0 1795246195000000000")


if __name__ == "__main__":
    unittest.main()
