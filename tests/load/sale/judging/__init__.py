"""Was anything sold twice, lost, or paid for nothing? Pure functions over the evidence."""

from tests.load.sale.judging.finding import Finding
from tests.load.sale.judging.findings import Judgement, judge
from tests.load.sale.judging.twice import redelivered

__all__ = ["Finding", "Judgement", "judge", "redelivered"]
