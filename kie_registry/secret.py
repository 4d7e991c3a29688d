"""Texts that are never shown: the API key."""

from __future__ import annotations

from typing import Any, NoReturn


class Secret:
    """A text that no repr, log line, traceback or pickle shows; two of the same text are equal.

    ``str()`` gives a fingerprint, by which two keys can be told apart, and from which neither can be made.

    Args:
        text: The text. What is no text is kept as well, so that a complaint about it can be made elsewhere.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def of(cls, given: str | Secret | None) -> Secret | None:
        """Wrap what a caller gave, unless there is nothing to be wrapped."""
        return given if given is None or isinstance(given, Secret) else cls(given)

    def reveal(self) -> str:
        """Return the text. Keep it for no longer than it takes to send it."""
        return self._text

    def __str__(self) -> str:
        """Return the fingerprint."""
        import hashlib

        return f"Secret({hashlib.sha256(str(self._text).encode('utf-8', 'surrogatepass')).hexdigest()[:12]})"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        """Compare the texts, in a time that tells nothing of them."""
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        ours, theirs = (str(text).encode("utf-8", "surrogatepass") for text in (self._text, other._text))
        return hmac.compare_digest(ours, theirs)

    def __hash__(self) -> int:
        """Return the hash of the text."""
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a pickle is a file, and keys do not belong in files."""
        raise TypeError("a secret is not pickled: give the key to the other process in its environment")

    def __deepcopy__(self, memo: Any) -> Secret:
        """Return itself, as it never changes."""
        return self
