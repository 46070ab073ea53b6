"""Refusals: why a deed was not done, field by field, in sentences a person can act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from daemon.rules.sentence import Sentence, say


class Refusal(Exception):
    """One field that cannot be accepted as it is. Nothing was changed.

    `field` is the name of the argument (or "" when the whole deed is refused); `sentence` says what to do
    next.
    """

    def __init__(self, field: str, sentence: Sentence | str) -> None:
        self.field = field
        self.sentence = sentence if isinstance(sentence, Sentence) else say(sentence)
        super().__init__(field, self.sentence)

    def __str__(self) -> str:
        return f"{self.field}: {self.sentence}" if self.field else str(self.sentence)

    def __iter__(self) -> Iterator[Refusal]:
        """A single refusal reads like a list of one, so that doors handle both alike."""
        yield self


class Repeat(Refusal):
    """Everything is already as the deed would make it: nothing to do, and nothing wrong."""


class Refusals(Refusal):
    """Several fields at once; iterate over it for each `Refusal`.

    Also a `Refusal`, speaking for its first.
    """

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = [one for refusal in refusals for one in refusal]
        if not self.refusals:
            raise ValueError("a list of refusals holds at least one")
        super().__init__(self.refusals[0].field, self.refusals[0].sentence)

    def __str__(self) -> str:
        return "; ".join(str(refusal) for refusal in self.refusals)

    def __iter__(self) -> Iterator[Refusal]:
        yield from self.refusals


class Collector:
    """Gathers refusals of one form, so that a person hears all of them at once.

    Use: `with refusals.of("price"): price = parse(text)`, and at the end `refusals.settle()`.
    """

    def __init__(self) -> None:
        self.found: list[Refusal] = []

    def of(self, field: str) -> _Catch:
        """Context manager: a Refusal raised inside is kept, under `field` when it names none."""
        return _Catch(self, field)

    def add(self, field: str, sentence: Sentence | str) -> None:
        """Keep a refusal that was found without an exception."""
        self.found.append(Refusal(field, sentence))

    def settle(self) -> None:
        """Raise what was gathered: a Refusal for one, Refusals for several, nothing for none."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise Refusals(self.found)


class _Catch:
    def __init__(self, collector: Collector, field: str) -> None:
        self.collector = collector
        self.field = field

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Refusal):
            return False
        for one in error:
            self.collector.found.append(Refusal(one.field or self.field, one.sentence))
        return True
