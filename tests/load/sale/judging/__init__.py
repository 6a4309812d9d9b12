"""Was anything sold twice, lost, or paid for nothing? Pure functions over the evidence."""

from tests.load.sale.judging.findings import Finding, Judgement, judge

__all__ = ["Finding", "Judgement", "judge"]
