"""The JSON in which laneway reports to other programs: findings, outcomes and changes.

``laneway validate``, ``analyze`` and ``explain`` print it with ``--output json``. Every field is
always there; one that is not known, or does not apply, is null.
"""

from laneway.schema.reports.changes import ChangeReport, change_reports
from laneway.schema.reports.findings import FindingReport
from laneway.schema.reports.outcomes import ExplanationReport

__all__ = ["ChangeReport", "ExplanationReport", "FindingReport", "change_reports"]
