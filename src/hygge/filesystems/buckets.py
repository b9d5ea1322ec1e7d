"""Objects that lie in buckets, each known by one name: Amazon's and Google's."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from hygge.core.config import Settings
from hygge.core.errors import ConfigError
from hygge.filesystems.filesystem import scheme, without_scheme
from hygge.filesystems.objects import ObjectFileSystem


class BucketSettings(Settings):
    """Which bucket."""

    bucket: str | None = Field(default=None, description="Its name, if no URL tells it")


class BucketFileSystem(ObjectFileSystem):
    """The objects of one bucket, as `scheme://bucket/path`."""

    scheme: ClassVar[str]

    @classmethod
    def rooted(cls, path: str, settings: BucketSettings) -> tuple[str, str]:
        if scheme(path) is None:
            if settings.bucket is None:
                told = f"which bucket does {path!r} lie in?"
                hint = f"{cls.scheme}://bucket/path, or a `connection` with a `bucket`"
                raise ConfigError(told, hint=hint)
            return settings.bucket, path.strip("/")
        root, _, inside = without_scheme(path).strip("/").partition("/")
        if settings.bucket not in (None, root):
            told = f"{path} does not lie in the connection's bucket, {settings.bucket}"
            raise ConfigError(told, hint="give the path inside the bucket, or another connection")
        return root, inside

    def url(self, path: str = "") -> str:
        return f"{self.scheme}://{self.root}/{path.strip('/')}"


def plain_http(endpoint: str | None) -> dict[str, Any]:
    """What the library must be told of a server without TLS."""
    return {"allow_http": True} if (endpoint or "").startswith("http://") else {}
