"""The load: one request after the other per client, each client a thread with a connection of its own.

It runs on the same CPUs as the server, as little as it needs: http.client and bodies made beforehand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from http.client import HTTPConnection
from itertools import count
from typing import Final

from ops.reviews import rotten_tomatoes

# About as long as a short review or a customer's message.
WORDS: Final = 40
FIRST: Final = json.dumps({"inputs": "a warm, funny film"}).encode()
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


class Refused(Exception):
    """An answer that is no prediction."""


@cache
def texts(number: int = 200, words: int = WORDS) -> tuple[str, ...]:
    """Real reviews, joined and cut to `words` words each."""
    stream = iter([word for review, _ in rotten_tomatoes()[: 4 * number] for word in review.split()])
    return tuple(" ".join(next(stream) for _ in range(words)) for _ in range(number))


def bodies() -> list[bytes]:
    """A request for each of `texts`."""
    return [json.dumps({"inputs": text}).encode() for text in texts()]


def ask(connection: HTTPConnection, body: bytes) -> bytes:
    """POST `body` to /invocations; the answer's body. Raises Refused unless it is a 200."""
    connection.request("POST", "/invocations", body, _HEADERS)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise Refused(f"{response.status}: {content[:200]!r}")
    return content


def latencies(port: int, prepared: Sequence[bytes], requests: int, warm_up: int = 5) -> list[float]:
    """Seconds of each of `requests` requests by one client, after `warm_up` that do not count.

    What is asked are the `prepared` bodies, one after the other, again and again.
    """
    found = []
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for number in range(warm_up + requests):
            began = time.perf_counter()
            ask(connection, prepared[number % len(prepared)])
            found.append(time.perf_counter() - began)
    return found[warm_up:]


def throughput(port: int, prepared: Sequence[bytes], clients: int, seconds: float) -> float:
    """Answers a second to `clients` clients that ask the `prepared` bodies for `seconds` without a pause."""
    numbers, end = count(), time.perf_counter() + seconds
    began = time.perf_counter()

    def client(_: int) -> int:
        answered = 0
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            while time.perf_counter() < end:
                ask(connection, prepared[next(numbers) % len(prepared)])
                answered += 1
        return answered

    with ThreadPoolExecutor(clients) as pool:
        answers = sum(pool.map(client, range(clients)))
    return answers / (time.perf_counter() - began)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
