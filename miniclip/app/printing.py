"""Results for people: a line a value, tables where there are tables."""


def lines(result: dict) -> str:
    """name   value, a line each; floats in five digits, never -0."""
    return "\n".join(
        f"{key:24}{value:z.5g}" if isinstance(value, float) else f"{key:24}{value}" for key, value in result.items()
    )


def score_table(scores: dict[str, dict[str, float]]) -> str:
    """Rows of scores under the names of their columns; a row need not have them all."""
    columns = list(dict.fromkeys(column for row in scores.values() for column in row))
    widths, first = [max(len(column), 8) + 2 for column in columns], max(map(len, scores))
    rows = [" " * first + "".join(f"{column:>{n}}" for column, n in zip(columns, widths, strict=True))]
    for name, row in scores.items():
        cells = (decimal_or_whole(row[column]) if column in row else "" for column in columns)
        rows.append(f"{name:{first}}" + "".join(f"{cell:>{n}}" for cell, n in zip(cells, widths, strict=True)))
    return "\n".join(rows)


def decimal_or_whole(value: float) -> str:
    """Three decimals, or a whole number with commas."""
    whole = value >= 1000 or (value > 1 and value == int(value))
    return f"{value:,.0f}" if whole else f"{value:z.3f}"


def with_scores(result: dict) -> str:
    """The result's values, then its `scores` as a table."""
    rest = {key: value for key, value in result.items() if key != "scores"}
    return f"{lines(rest)}\n{score_table(result['scores'])}"


def picture_line(result: dict) -> list[str]:
    """Where the result's picture is, if it could be written."""
    return [f"picture: {result['picture']}"] if result["picture"] else []


def rounded(cosines) -> list[float]:
    """Four digits, and no -0.0: (n,) -> n floats"""
    return [round(float(cosine), 4) + 0.0 for cosine in cosines]


def sure(chance: float) -> str:
    """A chance in whole percent, never rounded up: nothing is certain."""
    return f"{min(int(100 * chance), 99)}%"
