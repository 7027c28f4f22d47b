"""A fake AWS endpoint that costs little: prepared answers, latency by timer, every call counted.

It judges no permission, checks no signature and has one account in one region: the same estate
answers whoever asks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from bench.answer import Answer, Handlers, from_json, query_error
from bench.estate_account import account
from bench.estate_redshift import Size, redshift
from bench.estate_s3 import s3
from bench.wire import Call, after, read_call

END = b"\r\n\r\n"
READ_SIZE = 16 * 1024
NOT_KNOWN = query_error("NotImplemented", 501)
NOT_IMPLEMENTED = b"HTTP/1.1 501 "


class Endpoint:
    """What all connections share: the answers, the counts and the record of calls."""

    def __init__(self, handlers: Handlers, latency: float, *, record: bool) -> None:
        """`latency` is in seconds; with `record` the calls are kept with their parameters."""
        self.latency = latency
        self.calls: list[Call] = []
        self._handlers = handlers
        self._record = record
        self.reset()

    def reset(self) -> None:
        """Forget what was called so far."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._unknown: Counter[tuple[str, str]] = Counter()
        self._cpu_before = time.process_time()
        self.calls.clear()

    def reply(self, call: Call) -> Answer:
        """The prepared answer; 501 to an operation that the estate does not have."""
        name = call[:2]
        self._counts[name] += 1
        if self._record:
            self.calls.append(call)
        handler = self._handlers.get(name)
        found = handler(call.params) if handler else NOT_KNOWN
        if found.head.startswith(NOT_IMPLEMENTED):
            self._unknown[name] += 1
        return found

    def control(self, method: str, path: str) -> Answer:
        """`GET /_counts` shows the counts, `DELETE /_counts` starts them anew."""
        if path != "/_counts":
            return NOT_KNOWN
        if method == "DELETE":
            self.reset()
        return from_json(self.counts())

    def counts(self) -> dict[str, object]:
        """Calls by `service:Operation`, unknown ones apart, and what one cost this process."""
        total = self._counts.total()
        cpu = time.process_time() - self._cpu_before
        return {
            "total": total,
            "calls": {":".join(name): count for name, count in sorted(self._counts.items())},
            "unknown": {":".join(name): count for name, count in sorted(self._unknown.items())},
            "cpu_ms_per_call": round(1000 * cpu / total, 4) if total else 0.0,
        }


class Connection(asyncio.BufferedProtocol):
    """One keep-alive HTTP/1.1 connection, reading into one buffer of its own."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Reads requests for the endpoint."""
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray(READ_SIZE)
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Answer every whole request received so far; keep the rest."""
        self._received += self._buffer[:nbytes]
        while (end := self._received.find(END)) >= 0:
            head = self._received[:end].decode("latin-1") + "\r\n"
            length = int(after(head, "Content-Length: ", "\r") or 0)
            start = end + len(END)
            if len(self._received) < start + length:
                return
            body = self._received[start : start + length]
            self._received = self._received[start + length :]
            self._answer(head, body)

    def _answer(self, head: str, body: bytes) -> None:
        method, target, _ = head.split(" ", 2)
        if target.startswith("/_"):
            self._send(self._endpoint.control(method, target))
            return
        reply = self._endpoint.reply(read_call(method, target, head, body))
        if self._endpoint.latency:
            self._loop.call_later(self._endpoint.latency, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: Answer) -> None:
        date = format_datetime(datetime.now(UTC), usegmt=True).encode()
        self._transport.write(b"%bDate: %b\r\n\r\n%b" % (reply.head, date, reply.body))


async def serve(endpoint: Endpoint, port: int) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; print the address once ready."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(lambda: Connection(endpoint), "127.0.0.1", port, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await stopped.wait()
    server.close()


def main() -> None:
    """Run the endpoint as a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.fake_aws", description=__doc__)
    parser.add_argument("--clusters", type=int, default=200)
    parser.add_argument("--buckets", type=int, default=200)
    parser.add_argument("--roles", type=int, default=20)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--record", type=Path, help="write every call here as JSON lines at the end"
    )
    options = parser.parse_args()
    size = Size(options.clusters, options.buckets, options.roles)
    now = datetime.now(UTC)
    handlers = {**redshift(size, now), **s3(size, now), **account(size, now)}
    endpoint = Endpoint(handlers, options.latency_ms / 1000, record=bool(options.record))
    asyncio.run(serve(endpoint, options.port))
    if options.record:
        lines = (json.dumps(call._asdict()) for call in endpoint.calls)
        options.record.write_text("".join(f"{line}\n" for line in lines))
    counts = endpoint.counts()
    print(f"{counts['total']} calls, {counts['cpu_ms_per_call']} ms CPU each")


if __name__ == "__main__":
    main()
