"""What an expression names is found, and the same expression asked of one namespace."""

import pytest

from observe.promql import labels_in, metrics_in, narrowed

RATIO = 'sum by (job, le) (rate(a_bucket{code=~"x|y"}[5m])) / on (job) b_total > 0'


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        (RATIO, {"a_bucket", "b_total"}),
        ("histogram_quantile(0.9, sum(rate(c_bucket[$__rate_interval]))) or vector(0)", {"c_bucket"}),
        ("slo:x:ratio_rate5m > 14.4 * 0.001 and d", {"slo:x:ratio_rate5m", "d"}),
    ],
)
def test_the_metrics_of_an_expression_are_found(expr: str, names: set[str]) -> None:
    assert metrics_in(expr) == names


@pytest.mark.parametrize(
    ("expr", "names"),
    [(RATIO, {"job", "le", "code"}), ('max without (y) (a{state!="by (x)"})', {"state", "y"})],
)
def test_the_labels_of_an_expression_are_found(expr: str, names: set[str]) -> None:
    assert labels_in(expr) == names


@pytest.mark.parametrize(
    ("expr", "of_one"),
    [
        ("max(a)", "max(a{n='x'})"),
        ("rate(a{b='c'}[$__rate_interval]) or vector(0)", "rate(a{b='c', n='x'}[$__rate_interval]) or vector(0)"),
        ("sum by (job) (a) / on (job) b > 0", "sum by (job) (a{n='x'}) / on (job) b{n='x'} > 0"),
        ('label_replace(a - time(), "a", "$1", "b", "")', 'label_replace(a{n=\'x\'} - time(), "a", "$1", "b", "")'),
    ],
)
def test_an_expression_is_narrowed_to_what_a_matcher_lets_through(expr: str, of_one: str) -> None:
    assert narrowed(expr, "n='x'") == of_one
