"""The one task runner: `nox -l` lists what there is; every task runs in the environment nox was started from."""

import sys

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["test"]


def python(session: nox.Session, *arguments: str) -> None:
    """Run a module with the interpreter that runs nox."""
    session.run(sys.executable, "-m", *arguments, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and the floors of the house."""
    python(session, "ruff", "format", "--check", ".")
    python(session, "ruff", "check", ".")
    python(session, "mypy")
    session.run(sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation offline; warnings are errors."""
    python(session, "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session
def test(session: nox.Session) -> None:
    """Lint, build the docs, and run every quick test with coverage."""
    lint(session)
    docs(session)
    python(
        session,
        "pytest",
        "-n",
        "2",
        "--dist",
        "loadfile",
        "--doctest-modules",
        "--cov",
        "--cov-report",
        "term",
        *session.posargs,
    )


@nox.session
def slow(session: nox.Session) -> None:
    """Run the long tests: simulations by the hundred, fifty kills, every phantom configuration."""
    python(session, "pytest", "-m", "slow", "--timeout", "7200", *session.posargs)
