"""Models that generate."""
from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence, Union

from . import _quoin

if TYPE_CHECKING:
    import numpy as np

Message = Mapping[str, Any]
# A text to go on from, the messages of a conversation, or ids.
Prompt = Union[str, Sequence[Message], Sequence[int]]


@dataclass
class Generation:
    """What one prompt came to."""
    text: str  # "" for a model without a tokenizer
    ids: list[int]  # as the published loop returns them
    text_ids: list[int]  # those of them that are text: cut at the first stop id and at max_tokens
    stopped: bool  # a stop id ended it
    evaluations: int
    forwards: int  # calls of the model
    prefill_tokens: int
    shared_tokens: int
    rows: int
    outputs: dict[str, np.ndarray] = field(default_factory=dict)  # what the decoder gives by name
    trace: list[dict[str, Any]] | None = None  # an entry for each evaluation, if it was asked for


def _is_one(prompts: Any) -> bool:
    """Whether this is one prompt and not a list of them."""
    if isinstance(prompts, str) or not len(prompts):
        return isinstance(prompts, str)
    return isinstance(prompts[0], Mapping) or not isinstance(prompts[0], (str, Sequence)) and not hasattr(prompts[0], "__len__")


class Model:
    """What quoin-compile wrote into a folder, opened.

    Calls from several threads take turns: a model's steps use all its threads. Steps do not hold Python's lock."""

    def __init__(self, folder: str | os.PathLike[str], *, threads: int = 0) -> None:
        """Opens `folder`; `threads` is how many a step uses at most, 0 for one for each CPU.

        Raises Error: a file is missing or damaged, or the program needs another CPU or version of the runtime."""
        self._own = _quoin.Model(os.fspath(folder), threads)
        self._warn()

    @property
    def capacity(self) -> int:
        """Most positions of a request: its prompt and max_tokens."""
        return self._own.capacity

    @property
    def vocabulary(self) -> int:
        """How many ids there are."""
        return self._own.vocabulary

    @property
    def decoders(self) -> list[str]:
        """Names of the decoders; the first is the default."""
        return self._own.decoders

    @property
    def metadata(self) -> dict[str, Any]:
        """What model.json says."""
        return json.loads(self._own.metadata)

    def encode(self, text: str) -> list[int]:
        """The ids of a text to go on from. Raises Error if the model has no tokenizer."""
        return self._own.encode(text)

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        """The text of ids. Raises Error if the model has no tokenizer."""
        return self._own.decode(list(ids), skip_special)

    def render(self, messages: Sequence[Message], **variables: Any) -> list[int]:
        """The ids of a conversation by the checkpoint's own template, which looks at `variables`
        (`add_generation_prompt`, true unless given, `enable_thinking`, ..).

        Raises Error if there is no template, or it refuses the messages."""
        ids = self._own.render(json.dumps({"messages": [dict(m) for m in messages], **variables}))
        self._warn()
        return ids

    def generate(self, prompts: Prompt | Sequence[Prompt], *, max_tokens: int = 64, seed: int = 0, decoder: str | None = None,
                 stops: Sequence[int] | None = None, settings: Mapping[str, float | str] | None = None,
                 inputs: Mapping[str, Any] | None = None, template: Mapping[str, Any] | None = None, batch: int = 16,
                 trace: bool = False) -> Generation | list[Generation]:
        """Answers one prompt (a text, messages or ids) with a Generation, or a list of prompts with a list, in its order.

        `batch` of a list's prompts step together; each answer is what it would be alone. `stops` are ids, the model's
        own if None. `settings` are numbers and words of the decoder (`temperature`, `threshold`, ..), `inputs` its named
        inputs (arrays of float32, int32 or int64; float64 becomes float32), `template` variables of the chat template.
        An empty list is no prompt at all, or with `inputs` one without ids.
        With `trace` a Generation holds what each evaluation changed.

        Raises Error for the first prompt that fails; the text says which it was if there were several."""
        one = _is_one(prompts) or bool(inputs and not len(prompts))
        waiting = list(enumerate([prompts] if one else prompts))
        answers: list[Any] = [None] * len(waiting)
        active: dict[int, Any] = {}
        options = dict(max_tokens=max_tokens, seed=seed, decoder=decoder, stops=stops, settings=settings, inputs=inputs,
                       template=template)
        if batch < 1:
            raise ValueError(f"expects batch to be at least 1, but found {batch}")
        waiting.reverse()
        while waiting or active:
            number = -1
            try:
                while waiting and len(active) < batch:
                    number, prompt = waiting.pop()
                    active[number] = self._session(prompt, **options)
                    active[number].listen(trace, False, [], max_tokens)
                number = -1
                _quoin.step(list(active.values()))
                for number in [n for n, session in active.items() if session.finished]:
                    answers[number] = self._generation(active.pop(number), trace)
            except _quoin.Error as error:
                if one or number < 0:
                    raise
                raise _quoin.Error(f"prompt {number}: {error}") from None
        self._warn()
        return answers[0] if one else answers

    def stream(self, prompt: Prompt, *, max_tokens: int = 64, seed: int = 0, decoder: str | None = None,
               stops: Sequence[int] | None = None, settings: Mapping[str, float | str] | None = None,
               inputs: Mapping[str, Any] | None = None, template: Mapping[str, Any] | None = None) -> Iterator[str]:
        """Gives the answer to one prompt piece by piece, as its text becomes final; together they are
        `generate(..).text`. Arguments and errors are those of `generate`. Who stops reading ends the session."""
        session = self._session(prompt, max_tokens=max_tokens, seed=seed, decoder=decoder, stops=stops, settings=settings,
                                inputs=inputs, template=template)
        session.listen(False, True, list(self._own.stops if stops is None else stops), max_tokens)
        return self._pieces(session)

    def _pieces(self, session: Any) -> Iterator[str]:
        try:
            while not session.finished:
                _quoin.step([session])
                if session.finished:
                    session.result()  # raises what it failed of
                piece = session.take_text()
                if piece:
                    yield piece
        finally:
            session.cancel()
            self._warn()

    def _ids(self, prompt: Any, template: Mapping[str, Any] | None) -> list[int]:
        if isinstance(prompt, str):
            return self.encode(prompt)
        if len(prompt) and isinstance(prompt[0], Mapping):
            return self.render(prompt, **(template or {}))
        return [int(i) for i in prompt]

    def _session(self, prompt: Any, *, max_tokens: int, seed: int, decoder: str | None, stops: Sequence[int] | None,
                 settings: Mapping[str, float | str] | None, inputs: Mapping[str, Any] | None,
                 template: Mapping[str, Any] | None) -> Any:
        session = _quoin.Session(self._own, decoder)
        session.set_max_tokens(max_tokens)
        session.set_seed(seed)
        if stops is not None:
            session.set_stops(list(stops))
        for name, value in (settings or {}).items():
            session.set_word(name, value) if isinstance(value, str) else session.set(name, float(value))
        if inputs:
            import numpy as np

            for name, value in inputs.items():
                array = np.ascontiguousarray(value) if np.ndim(value) else np.array(value)
                session.input(name, array.astype(np.float32) if array.dtype == np.float64 else array)
        session.prompt(self._ids(prompt, template))
        return session

    def _generation(self, session: Any, trace: bool) -> Generation:
        found, outputs = session.result(), {}
        for name, kind, sizes, data in session.outputs():
            import numpy as np

            outputs[name] = np.frombuffer(bytearray(data), kind).reshape(sizes)
        text = self.decode(found["text_ids"]) if self._own.has_tokenizer else ""
        return Generation(text=text, outputs=outputs, trace=session.take_events() if trace else None, **found)

    def _warn(self) -> None:
        for text in self._own.take_warnings():
            warnings.warn(text, RuntimeWarning, stacklevel=3)
