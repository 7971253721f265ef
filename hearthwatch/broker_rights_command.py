"""`hearthwatch broker-rights`: answers RabbitMQ's questions about rights, beside each node."""

import argparse
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs

from hearthwatch.broker_rights import PATHS, allowed
from hearthwatch.rabbitmq_files import RIGHTS_PORT

# A question has some hundreds of bytes.
_BODY_BYTES_MAX: Final = 16 * 1024
# A connection that says nothing more is let go.
_IDLE_S: Final = 60.0


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "broker-rights",
        help="answer RabbitMQ's questions about gateways' rights",
        epilog="example: hearthwatch broker-rights --port 15670, on each node's machine; "
        "it knows no secrets and no database, and listens on 127.0.0.1 alone.",
    )
    parser.add_argument("--port", type=int, default=RIGHTS_PORT, help="on 127.0.0.1")
    parser.add_argument("--vhost", default="/", help="the virtual host of the gateways")
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    try:
        server = serve(args.port, args.vhost)
    except OSError as error:
        sys.stderr.write(f"hearthwatch broker-rights: 127.0.0.1:{args.port}: {error.strerror}\n")
        return 1
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
    return 0


def serve(port: int, virtual_host: str) -> ThreadingHTTPServer:
    """Listens; whoever calls lets it serve."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _IDLE_S

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            if not 0 <= size <= _BODY_BYTES_MAX:
                self.close_connection = True
                size = 0
            form = parse_qs(self.rfile.read(size).decode(errors="replace"), keep_blank_values=True)
            path = self.path.strip("/")
            # A word that is said twice is no question of the plugin's.
            once = all(len(values) == 1 for values in form.values())
            asked = {key: values[0] for key, values in form.items()}
            good = path in PATHS and once and allowed(path, asked, virtual_host)
            answer = b"allow" if good else b"deny"
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words: object) -> None:
            """Nothing: a province asks some thousands of times a second after an outage."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server
