"""``concierge-e2e lint``: everything that is wrong with scenario files, at once."""

from pathlib import Path

import click


@click.command("lint", short_help="Check scenario files: all problems at once, with their places.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.pass_context
def lint(context: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Check scenario files and folders of them; without PATH, the scenarios that come with the harness.

    Prints one line per problem as FILE:LINE:COLUMN: MESSAGE. Ends 0 if all are fine, 2 if not or if there is none.

    Example: concierge-e2e lint scenarios/ my-scenario.yaml
    """
    import json

    from e2e.contract import scenarios_folder
    from e2e.scenario import Problem, ScenarioError, collect_scenario_files, load_scenario

    paths = paths or (scenarios_folder(),)
    problems: list[Problem] = []
    files: list[Path] = []
    try:
        files = collect_scenario_files(paths)
    except ScenarioError as error:
        problems += error.problems
    for file in files:
        try:
            load_scenario(file)
        except ScenarioError as error:
            problems += error.problems
    if not files and not problems:
        problems.append(Problem(paths[0], 1, 1, "no scenario file (*.yaml) in this folder"))
    if as_json:
        rows = [{"path": str(p.path), "line": p.line, "column": p.column, "message": p.message} for p in problems]
        click.echo(json.dumps({"files": len(files), "problems": rows}, indent=2))
    else:
        for problem in problems:
            click.echo(str(problem))
        found = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}" if problems else "no problems"
        click.echo(f"{len(files)} scenario file{'s' if len(files) != 1 else ''}: {found}", err=True)
    context.exit(2 if problems else 0)
