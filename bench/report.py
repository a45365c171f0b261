"""The report: each figure beside its goal, and at the end what falls short."""


class Report:
    """Lines of the report, and the goals that were not met."""

    def __init__(self) -> None:
        self._short: list[str] = []

    def line(self, name: str, figure: float, unit: str, goal: str, met: bool) -> None:
        """Print one figure beside its goal."""
        print(
            f"  {name:<60} {figure:>8.2f} {unit:<6} goal {goal:<10} {'ok' if met else 'FALLS SHORT'}",
            flush=True,
        )
        if not met:
            self._short.append(f"{name}: {figure:.2f} {unit} (goal {goal})")

    def at_least(self, name: str, figure: float, goal: float, unit: str = "x") -> None:
        """A figure that may not be below its goal."""
        self.line(name, figure, unit, f">= {goal:g}", figure >= goal)

    def at_most(self, name: str, figure: float, goal: float, unit: str = "x") -> None:
        """A figure that may not be above its goal."""
        self.line(name, figure, unit, f"<= {goal:g}", figure <= goal)

    def end(self) -> None:
        """Print what falls short."""
        if not self._short:
            print("\nEverything meets its goal.")
            return
        print("\nFalls short:\n" + "\n".join(f"  {each}" for each in self._short))
