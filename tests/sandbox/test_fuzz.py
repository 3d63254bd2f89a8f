"""Random and mutated frames, some seconds of them; `make figure NAME=frame_fuzz` is a million."""

from __future__ import annotations

from tests.benchmarks import fuzz


async def test_no_frame_gets_through_as_another_exception_and_none_is_kept() -> None:
    found = await fuzz.fuzzed(fuzz.QUICK, fuzz.SEED)
    assert found["frames"] >= fuzz.QUICK
    assert found["slowest_seconds"] <= fuzz.SLOWEST_SECONDS
    assert found["growth_mb"] <= fuzz.GROWTH_MB
    assert found["growth_blocks"] <= fuzz.GROWTH_BLOCKS
