"""Run by: python3 -m unittest discover -s examples/fleet"""
import http.server
import threading
import unittest

from to_line_protocol import Writer, cell, line

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

    def test_a_cell_of_a_pack_is_its_number(self):
        self.assertEqual([cell(name) for name in ("C12", "C1", "garage C3", None, 7, "C1234", "C1x")], [12.0, 1.0] + [None] * 5)
        self.assertEqual(
            line("fleet/a/bms/p/state", b'{"Soc":5,"System":{"MinVoltageCellId":"C7"}}', 1_795_246_195.0),
            "bms_state,site=a,pack=p soc=5.0,cell_lowest=7.0 1795246195000000000",
        )


class Database(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.server.is_down:
            self.send_response(503)
        else:
            self.server.lines += body.splitlines()
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Writing(unittest.TestCase):
    def test_lines_wait_while_the_database_is_down_the_newest_of_them(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Database)
        server.lines, server.is_down = [], True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        writer = Writer(f"http://127.0.0.1:{server.server_port}/write")
        writer.MOST, writer.PIECE, writer.PAUSE = 7, 3, 0.0
        for number in range(10):
            writer.write(f"a {number}")
        self.assertEqual(server.lines, [])
        server.is_down = False
        writer.flush()
        self.assertEqual(server.lines, [f"a {number}" for number in range(3, 10)])
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    unittest.main()
