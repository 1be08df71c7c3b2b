"""Ask a server for ghost text: with a deadline, not again at every key while it fails, and each fault said once.

Imports httpx, so it is imported only where a server is named. What is sent and answered is code: neither, nor the key,
reaches the log or a message.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Callable

import httpx

from tinycoder.complete.question import Question
from tinycoder.complete.written import Written
from tinycoder.errors import ConfigError
from tinycoder.validate import DataError
from tinycoder_lsp.remote.address import Address
from tinycoder_lsp.remote.wire import Form, asked, forms, read_answer

logger = logging.getLogger(__name__)

MAX_ANSWER = 4 * 2**20  # bytes
LAST_PAUSE_S = 60.0  # after a fault; the first one doubles with each in a row
MAX_OVERTAKEN = 8  # requests in a row that had waited for half of their deadline when nobody needed them any more
_CONFUSED = frozenset((400, 422, 500, 501))  # answers to a request that holds something unknown


class RefusedError(Exception):
    """The server answered with an error; ``args`` hold the status alone, since its text may quote code."""

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.args[0])


class Remote:
    """One server. ``tell`` gets a sentence about each fault, the same each time. Call all methods from one loop.

    ``pause`` is how many seconds the server is left alone after the first fault. Raises ``ConfigError`` for an address
    that nothing can be sent to.
    """

    def __init__(
        self,
        address: Address,
        tell: Callable[[str], object],
        *,
        pause: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self._tell = tell
        self._pause = pause
        self._clock = clock
        self._form: Form | None = None  # that the server took after it had refused another one
        self._n_faults = self._n_overtaken = 0
        self._resumes = 0.0
        self._client = _client(address)

    @property
    def is_up(self) -> bool:
        """Whether it is to be asked now."""
        return self._clock() >= self._resumes

    async def ask(self, question: Question, deadline: float) -> Written | None:
        """What the server writes within ``deadline`` seconds; None if nothing comes of it.

        Cancelling the task closes the request.
        """
        if self._client.is_closed:  # the settings have changed meanwhile
            return None
        began = self._clock()
        try:
            async with asyncio.timeout(deadline):
                written = await self._written(question)
        except asyncio.CancelledError:
            if self._clock() - began >= deadline / 2:
                self._overtaken()
            raise
        except TimeoutError:
            self._failed("did not answer in time, which is half of tinycoder.inline.deadlineMs")
        except RefusedError as error:
            self._failed(_refusal(error.status, self.address, question))
        except DataError:
            self._failed("answered with what is no completion; look whether tinycoder.remote.url and .kind fit it")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError, ValueError):
            self._failed("cannot be reached, or broke off its answer; look whether it runs")
        else:
            self._n_faults = self._n_overtaken = 0
            return written
        return None

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _written(self, question: Question) -> Written:
        """The answer; each further try leaves out what some servers do not know."""
        all_forms = forms(self.address, question)
        first = all_forms.index(self._form) if self._form in all_forms else 0
        for form in all_forms[first:]:
            try:
                written = await self._post(question, form)
            except RefusedError as error:
                if form == all_forms[-1] or error.status not in _CONFUSED:
                    raise
            else:
                self._form = self._form if form == all_forms[first] else form
                return written
        raise AssertionError("the last form is answered or refused")

    async def _post(self, question: Question, form: Form) -> Written:
        path, body = asked(self.address, question, form)
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

    def _overtaken(self) -> None:
        """Leave a server alone for a while that is too slow for how the person types; that is no fault."""
        self._n_overtaken += 1
        if self._n_overtaken >= MAX_OVERTAKEN:
            self._n_overtaken = 0
            self._resumes = self._clock() + self._pause
            logger.info("%s answers more slowly than is typed; it is left alone for a while", self.address.where)

    def _failed(self, what: str) -> None:
        if self._client.is_closed:
            return
        pause = min(LAST_PAUSE_S, self._pause * 2**self._n_faults)
        self._resumes = self._clock() + pause
        self._n_faults, self._n_overtaken = min(self._n_faults + 1, 16), 0
        self._tell(f"TinyCoder's server {self.address.where} {what}. Ghost text comes from this machine meanwhile.")


def _client(address: Address) -> httpx.AsyncClient:
    try:
        client = httpx.AsyncClient(
            base_url=address.base,
            headers={"authorization": f"Bearer {address.key}"} if address.key else None,
            # The machine's own certificates; without TLS, and nothing else is followed, there is nothing to verify.
            verify=ssl.create_default_context() if address.base.startswith("https:") else False,
            timeout=None,  # the deadline is ours
            trust_env=False,  # no proxy, and no password of another program's files
            follow_redirects=False,
        )
        str(client.base_url.host)  # as its first request reads it
    except (httpx.InvalidURL, OSError, ValueError):
        raise ConfigError("the setting tinycoder.remote.url is an address that nothing can be sent to") from None
    return client


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
