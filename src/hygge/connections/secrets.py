"""Passwords that are not written down: where they are kept, and how they are got when needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from hygge.core.config import Settings, check
from hygge.core.errors import ConfigError

_EXTRA = "pip install 'hygge[keyring]'"


class KeptSecret(Settings):
    """Where a password is kept; it is looked up for each new connection."""

    keyring: str | None = Field(
        default=None, description="`service/name` of the system's keyring; the name has no slash"
    )
    file: str | None = Field(
        default=None, description="A file that holds it and nothing else, as Docker's secrets do"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.keyring is None) == (self.file is None):
            raise ValueError("say where it is kept: {keyring: service/name} or {file: a/path}")
        service, _, name = (self.keyring or "service/name").rpartition("/")
        if not (service and name):
            raise ValueError("a keyring's entry is written as service/name")
        return self

    def look_up(self) -> str:
        """Raises ConfigError where it cannot be had."""
        if self.file is not None:
            return _from_file(Path(self.file))
        service, _, name = str(self.keyring).rpartition("/")
        return _from_keyring(service, name)


def _kept(given: Any) -> Any:
    """A mapping says where; a text is the secret itself."""
    if not isinstance(given, Mapping):
        return given
    made = check(KeptSecret, given)
    if isinstance(made, KeptSecret):
        return made
    raise ValueError("; ".join(problem.what for problem in made))


Secret: TypeAlias = Annotated[SecretStr | KeptSecret, BeforeValidator(_kept)]
"""A text, best from `${VARIABLE}`, or where it is kept: {keyring: service/name}, {file: a/path}."""


def revealed(secret: SecretStr | KeptSecret | None) -> str | None:
    """The secret itself, for a driver. Raises ConfigError where it cannot be had."""
    if isinstance(secret, KeptSecret):
        return secret.look_up()
    return secret.get_secret_value() if secret is not None else None


def _from_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as failed:
        why = failed.strerror if isinstance(failed, OSError) else "it is not UTF-8 text"
        hint = f"see `ls -l {path}`: a secret's file holds it and nothing else"
        raise ConfigError(f"the secret cannot be read: {why}", file=str(path), hint=hint) from None
    if not text:
        raise ConfigError("the secret's file is empty", file=str(path))
    return text


def _from_keyring(service: str, name: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        told = "a password is kept in a keyring, and the package that reads it is not installed"
        raise ConfigError(told, hint=_EXTRA) from None
    try:
        found = keyring.get_password(service, name)
    except NoKeyringError:
        told = "there is no keyring on this machine that could be read"
        hint = "keep the password in a ${VARIABLE} or a {file: …} here"
        raise ConfigError(told, hint=hint) from None
    except KeyringError as failed:  # locked, say
        told = f"the keyring does not give the password: {failed or type(failed).__name__}"
        raise ConfigError(
            told, hint=f"unlock it, and see: keyring get {service} {name}"
        ) from failed
    if found is None:
        told = f"the keyring has no password of {name!r} for {service!r}"
        raise ConfigError(told, hint=f"keyring set {service} {name}")
    return found
