"""What was harmed between staging and commit is never published."""

from __future__ import annotations

import pytest
from tests.flow.stage import Stage

from hygge.core.errors import VerificationFailed
from hygge.core.partition import Partition
from hygge.core.store import Piece, StagedPart
from hygge.testing.faulty_store import FaultyStore
from hygge.testing.harness import Harm, people, unordered


class Saboteur:
    """Harms the newest staged part, the first few times that anybody is about to verify."""

    def __init__(self, stage: Stage, harm: Harm, times: int) -> None:
        self.stage, self.harm, self.times = stage, harm, times

    def __call__(self, what: str) -> None:
        if what == "verify" and self.times:
            self.times -= 1
            ((load_id, tags),) = self.stage.target.table.staged.items()
            piece = Piece(list(tags)[-1], 0, 0)
            part = StagedPart(load_id, Partition("harmed"), 0, (piece,))
            self.stage.target.spoil(self.harm, part)


@pytest.mark.parametrize("harm", list(Harm))
def test_a_harmed_part_is_not_published(stage: Stage, harm: Harm) -> None:
    stage.give(people(0, 3))
    stage.done()
    stage.give(people(0, 4, "new"), people(4, 4, "new"))
    saboteur = Saboteur(stage, harm, 1)
    report = stage.run(stage.flow(store=FaultyStore(stage.target.store(), saboteur), retries=0))
    assert isinstance(report.error, VerificationFailed)
    assert "4 rows were staged and 0 are there" in str(report.error)
    assert stage.rows == unordered(people(0, 3).rows())


@pytest.mark.parametrize("harm", list(Harm))
def test_the_next_try_stages_it_again(stage: Stage, harm: Harm) -> None:
    stage.give(people(0, 4), people(4, 4))
    saboteur = Saboteur(stage, harm, 1)
    stage.done(stage.flow(store=FaultyStore(stage.target.store(), saboteur)))
    assert saboteur.times == 0
    assert stage.rows == unordered(people(0, 8).rows())
    assert not stage.leftovers
