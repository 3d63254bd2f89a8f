from __future__ import annotations

import pytest

from metasearch.domains import load as load_domain
from metasearch.testing.domain_contract import DomainContract


class TestStarter(DomainContract):
    @pytest.fixture
    def load(self):
        return lambda seed: load_domain("starter", seed=seed)
