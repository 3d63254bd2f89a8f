from metasearch import plugins


def test_a_summary_is_the_first_line_of_the_modules_docstring():
    line = plugins.summary("domains", "commons")
    assert line == "Domain `commons`: a stock that grows back, if enough of it is left."
    assert plugins.summary("domains", "mgsm").startswith("MGSM: ")


def test_a_summary_imports_nothing_and_lives_with_what_is_missing(monkeypatch):
    class Point:
        module = "metasearch.no_such.part"

    monkeypatch.setattr(plugins, "_found", lambda group: {"mine": Point, "gone": Gone})

    class Gone:
        module = "no_such_package_at_all.domain"

    assert plugins.summary("domains", "mine") == ""
    assert plugins.summary("domains", "gone") == ""
