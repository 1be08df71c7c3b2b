"""Ask a server for ghost text: with a deadline, not again at every key while it fails, and each fault said once.

Imports httpx, so it is imported only where a server is named. What is sent and answered is code: neither, nor the key,
reaches the log or a message.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable

import httpx

from tinycoder.complete.question import Question
from tinycoder.complete.written import Written
from tinycoder.validate import DataError
from tinycoder_lsp.remote.address import Address
from tinycoder_lsp.remote.wire import asked, read_answer

MAX_ANSWER = 4 * 2**20  # bytes
FIRST_PAUSE_S, LAST_PAUSE_S = 2.0, 60.0  # after a fault; it doubles with each in a row
MAX_OVERTAKEN = 8  # requests in a row that the person did not wait for: the server is too slow for this typing
_CONFUSED = frozenset((400, 422, 500, 501))  # answers to a request that holds something unknown


class RefusedError(Exception):
    """The server answered with an error; ``args`` hold the status alone, since its text may quote code."""

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.args[0])


class Remote:
    """One server. ``tell`` gets a sentence about each fault, the same each time. Call all methods from one loop."""

    def __init__(
        self, address: Address, tell: Callable[[str], object], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.address = address
        self._tell = tell
        self._clock = clock
        self._plainly = False  # the server refuses some of what is asked
        self._n_faults = self._n_overtaken = 0
        self._resumes = 0.0
        self._client = httpx.AsyncClient(
            base_url=address.base,
            headers={"authorization": f"Bearer {address.key}"} if address.key else None,
            # The machine's own certificates; without TLS, and nothing else is followed, there is nothing to verify.
            verify=ssl.create_default_context() if address.base.startswith("https:") else False,
            timeout=None,  # the deadline is ours
            trust_env=False,  # no proxy, and no password of another program's files
            follow_redirects=False,
        )

    @property
    def is_up(self) -> bool:
        """Whether it is to be asked now."""
        return self._clock() >= self._resumes

    async def ask(self, question: Question, deadline: float) -> Written | None:
        """What the server writes within ``deadline`` seconds; None if nothing comes of it.

        Cancelling the task closes the request.
        """
        try:
            async with asyncio.timeout(deadline):
                written = await self._written(question)
        except asyncio.CancelledError:
            self._n_overtaken += 1
            if self._n_overtaken >= MAX_OVERTAKEN:
                self._failed("answers more slowly than you type")
            raise
        except TimeoutError:
            self._failed(f"did not answer within {round(1000 * deadline)} ms")
        except RefusedError as error:
            self._failed(_refusal(error.status, self.address, question))
        except DataError:
            self._failed("answered with what is no completion; look whether tinycoder.remote.url and .kind fit it")
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            self._failed("cannot be reached, or broke off its answer; look whether it runs")
        else:
            self._n_faults = self._n_overtaken = 0
            return written
        return None

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _written(self, question: Question) -> Written:
        """The answer; the second try leaves out what some servers do not know."""
        try:
            return await self._post(question, self._plainly)
        except RefusedError as error:
            if self._plainly or error.status not in _CONFUSED or self.address.kind != "openai":
                raise
        written = await self._post(question, True)
        self._plainly = True
        return written

    async def _post(self, question: Question, plainly: bool) -> Written:
        path, body = asked(self.address, question, plainly)
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        content = json.dumps(body).encode()
        async with self._client.stream("POST", path, content=content, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise RefusedError(response.status_code)
            raw = bytearray()
            async for chunk in response.aiter_raw():
                raw += chunk
                if len(raw) > MAX_ANSWER:
                    raise DataError("is too long")
        return read_answer(bytes(raw))

    def _failed(self, what: str) -> None:
        pause = min(LAST_PAUSE_S, FIRST_PAUSE_S * 2**self._n_faults)
        self._resumes = self._clock() + pause
        self._n_faults, self._n_overtaken = min(self._n_faults + 1, 16), 0
        self._tell(f"TinyCoder's server {self.address.where} {what}. Ghost text comes from this machine meanwhile.")


def _refusal(status: int, address: Address, question: Question) -> str:
    if status in (401, 403):
        return f"refuses the key ({status}); look at tinycoder.remote.keyEnv"
    if status == 404:
        named = f"no model {address.model!r}" if address.model else "no such model"
        return f"knows {named} or no such request ({status}); look at tinycoder.remote.model and .kind"
    if status in _CONFUSED and question.ids is not None:
        return f"refuses the ids that a model of TinyCoder reads ({status}); llama.cpp's own server and vLLM take them"
    if status == 501:
        return f"has a model that does not fill in the middle ({status}); serve another one"
    return f"answered with an error ({status}); its own log says why"
