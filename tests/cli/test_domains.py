from click.testing import CliRunner

from metasearch import plugins
from metasearch.cli.domains import domains


def test_each_domain_is_listed_with_what_it_is():
    result = CliRunner().invoke(domains, [])
    assert result.exit_code == 0
    for name in plugins.names("domains"):
        [line] = [line for line in result.stdout.splitlines() if line.split()[:1] == [name]]
        assert len(line.split()) > 4, line
    assert "a stock that grows back" in result.stdout
    assert "shows its tasks" in result.stderr
