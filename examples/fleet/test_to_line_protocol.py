"""Run by: python3 -m unittest discover -s examples/fleet"""
import http.server
import threading
import time
import unittest

from to_line_protocol import Writer, cell, line

STATE = b'{"Dc":{"Voltage":52.60,"Current":-8.750,"Power":null},"Soc":55,"Link":{"Age":0.5}}'
LIMITS = b'{"cvl":54.88,"ccl":50.0,"dcl":null,"reasons":{"cvl":"x"},"time":1795246192.046}'


class Lines(unittest.TestCase):
    def test_state_has_the_time_of_its_frame_and_no_nulls(self):
        self.assertEqual(
            line("fleet/site-a/bms/pack-1/state", STATE, 1_795_246_200.0),
            "bms_state,site=site-a,pack=pack-1,kind=pack voltage=52.6,current=-8.75,soc=55.0 1795246199500000000",
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
            ("fleet/a/bms/p/state", b'{"Soc":' + b"9" * 400 + b"}"), ("fleet/a/bms/p/state", b'{"Soc":' + b"9" * 9_000 + b"}"),
            ("fleet/a/bms//state", STATE), ("fleet//bms/p/state", STATE), ("/a/bms/p/state", STATE),
        ):  # fmt: skip
            self.assertIsNone(line(topic, payload, 1_795_246_195.0), f"{topic} {payload[:30]}")

    def test_a_name_cannot_add_tags_or_lines(self):
        text = line("fleet/a b,c=d\n/bms/p/state", b'{"Soc":5}', 1_795_246_195.0)
        self.assertEqual(text, "bms_state,site=a\\ b\\,c\\=d\\ ,pack=p,kind=pack soc=5.0 1795246195000000000")

    def test_a_cell_of_a_pack_is_its_number(self):
        self.assertEqual([cell(name) for name in ("C12", "C1", "garage C3", None, 7, "C1234", "C1x")], [12.0, 1.0] + [None] * 5)
        self.assertEqual(
            line("fleet/a/bms/p/state", b'{"Soc":5,"System":{"MinVoltageCellId":"C7"}}', 1_795_246_195.0),
            "bms_state,site=a,pack=p,kind=pack soc=5.0,cell_lowest=7.0 1795246195000000000",
        )

    def test_a_bank_has_a_tag_of_its_own(self):
        for name, kind in (("123\\\\SmartBMS bank", "bank"), ("123\\\\SmartBMS", "pack"), ("bank", "pack")):
            text = line("fleet/a/bms/p/state", b'{"Soc":5,"ProductName":"%s"}' % name.encode(), 1_795_246_195.0)
            self.assertEqual(text, f"bms_state,site=a,pack=p,kind={kind} soc=5.0 1795246195000000000")
        self.assertNotIn("kind", line("fleet/a/bms/p/limits", LIMITS, 1_795_246_195.0))


class Database(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked += 1
        if self.server.is_down:
            time.sleep(self.server.hangs)
            self.send_response(503)
        elif "bad" in body:
            self.send_response(self.server.refusal)
        else:
            self.server.lines += body.splitlines()
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Writing(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Database)
        self.server.lines, self.server.is_down, self.server.asked, self.server.hangs, self.server.refusal = [], False, 0, 0.0, 400
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.writer = Writer(f"http://127.0.0.1:{self.server.server_port}/write")

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def test_lines_wait_while_the_database_is_down_the_newest_of_them(self):
        server, writer = self.server, self.writer
        server.is_down = True
        writer.MOST, writer.PIECE = 7, 3
        for number in range(10):
            writer.pause = 0.0
            writer.write(f"a {number}")
        self.assertEqual(server.lines, [])
        server.is_down = False
        writer.pause = 0.0
        writer.flush()
        self.assertEqual(server.lines, [f"a {number}" for number in range(3, 10)])

    def test_a_database_that_hangs_is_asked_rarely(self):
        self.server.is_down, self.server.hangs = True, 0.3
        self.writer.ANSWER = 0.2
        for number in range(100):
            self.writer.write(f"a {number}")
        self.assertEqual((self.server.asked, len(self.writer.lines)), (1, 100))
        self.assertEqual(self.writer.pause, 1.0)
        self.writer.ANSWER, self.writer.pause, self.server.hangs = 0.4, 0.0, 0.6
        self.writer.flush()
        self.assertGreater(self.writer.pause, 1.5)

    def test_an_attempt_has_a_bound_and_the_rest_goes_with_the_next(self):
        self.writer.lines = [f"a {number}" for number in range(10)]
        self.writer.PIECE, self.writer.ATTEMPT = 1, 0.0
        self.writer.flush()
        self.assertEqual(self.server.lines, [])
        self.writer.ATTEMPT, self.writer.pause = 60.0, 0.0
        self.writer.flush()
        self.assertEqual(len(self.server.lines), 10)

    def test_a_piece_that_is_refused_is_dropped_and_one_without_access_waits(self):
        def send(*lines):
            self.writer.lines += lines
            self.writer.pause = 0.0
            self.writer.flush()

        self.writer.PIECE = 2
        send("bad 1", "a 2", "a 3", "a 4")
        self.assertEqual((self.server.lines, self.writer.lines, self.writer.refused), (["a 3", "a 4"], [], 2))
        self.assertFalse(self.writer.is_down)
        self.server.refusal = 401
        send("bad 5", "a 6")
        self.assertEqual((self.writer.lines, self.writer.refused, self.writer.is_down), (["bad 5", "a 6"], 2, True))


if __name__ == "__main__":
    unittest.main()
