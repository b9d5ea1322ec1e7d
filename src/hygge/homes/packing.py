"""Dividing files into Partitions: small ones packed together, big ones cut between blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hygge.core.partition import Partition
from hygge.filesystems.filesystem import FileInfo
from hygge.formats.format import Block, Span


@dataclass(frozen=True)
class Share:
    """What one Partition reads: these files, or some blocks of one."""

    files: tuple[str, ...]
    span: Span | None = None

    def partition(self, files: Mapping[str, FileInfo], frame: str) -> Partition:
        """Its Partition; `frame` names all else that its rows depend on: options and schema."""
        told = [frame, *(f"{name}\0{files[name].version}" for name in self.files)]
        version = hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]
        first = self.files[0]
        if self.span is not None:
            start, stop = self.span.start, self.span.stop
            return Partition(f"{first}[{start}:{stop}]", version, (first, start, stop))
        more = f" +{len(self.files) - 1}" if len(self.files) > 1 else ""
        return Partition(f"{first}{more}", version, self.files)

    @classmethod
    def of(cls, partition: Partition) -> Share:
        """What a Partition of ours reads."""
        names = tuple(word for word in partition.where if isinstance(word, str))
        ends = [word for word in partition.where if isinstance(word, int)]
        return cls(names, Span(*ends) if ends else None)


def shares(
    files: Mapping[str, FileInfo], blocks: Mapping[str, Sequence[Block]], target: int
) -> Iterator[Share]:
    """Everything once, in order, each about `target` bytes. `blocks`: of files that can be cut."""
    pack, size = list[str](), 0
    for name, file in files.items():
        if pack and size + file.size > target:
            yield Share(tuple(pack))
            pack, size = [], 0
        if cuts := list(_spans(blocks.get(name, ()), target)):
            yield from (Share((name,), span) for span in cuts)
        else:
            pack.append(name)
            size += file.size
    if pack:
        yield Share(tuple(pack))


def _spans(blocks: Sequence[Block], target: int) -> Iterator[Span]:
    """Runs of blocks of about `target` bytes; none if all of it is one run."""
    start = size = 0
    for at, block in enumerate(blocks):
        if size and size + block.bytes > target:
            yield Span(start, at)
            start, size = at, 0
        size += block.bytes
    if start:
        yield Span(start, len(blocks))
