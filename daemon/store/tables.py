"""Every table, so that `Base.metadata` is whole: import this before asking the metadata anything."""

from __future__ import annotations

from daemon.store.announcement import Announcement
from daemon.store.audit import AuditRun
from daemon.store.base import Base
from daemon.store.bill_run import BillRun, HeldBill
from daemon.store.billing import Billing, BillingTemplate
from daemon.store.bulk_change import BulkChange, BulkChangeClient
from daemon.store.change import Change
from daemon.store.client import Client
from daemon.store.closing import Closing, ClosingLine
from daemon.store.company import Clock, Company
from daemon.store.forecast import BilledDay, ForecastClient, ForecastDay, ForecastJob, ForecastState
from daemon.store.invoice import Invoice, InvoiceLine, PassedCycle, Series
from daemon.store.item import Item
from daemon.store.job import Job
from daemon.store.ledger import Ledger
from daemon.store.notice import Notice, Sighting
from daemon.store.paper import Logo, PaperStyle
from daemon.store.payment import Payment, PaymentMethod, Promise
from daemon.store.payment_file import PaymentFile, PaymentLine
from daemon.store.plan import Plan
from daemon.store.request import Request
from daemon.store.router import Router, RouterLease, RouterStatus
from daemon.store.service import InternetService
from daemon.store.service_change import ServiceChange
from daemon.store.staff import LoginAttempt, Staff, StaffSession
from daemon.store.suspension import CutRun, HeldCut, Standing, Suspension
from daemon.store.zone import Zone

APPEND_ONLY = ("ledger", "suspension", "change")
"""Tables whose rows are never changed: triggers made by the migrations hold that on every door."""

__all__ = [
    "APPEND_ONLY",
    "Announcement",
    "AuditRun",
    "Base",
    "BillRun",
    "BilledDay",
    "Billing",
    "BillingTemplate",
    "BulkChange",
    "BulkChangeClient",
    "Change",
    "Client",
    "Clock",
    "Closing",
    "ClosingLine",
    "Company",
    "CutRun",
    "ForecastClient",
    "ForecastDay",
    "ForecastJob",
    "ForecastState",
    "HeldBill",
    "HeldCut",
    "InternetService",
    "Invoice",
    "InvoiceLine",
    "Item",
    "Job",
    "Ledger",
    "LoginAttempt",
    "Logo",
    "Notice",
    "PaperStyle",
    "PassedCycle",
    "Payment",
    "PaymentFile",
    "PaymentLine",
    "PaymentMethod",
    "Plan",
    "Promise",
    "Request",
    "Router",
    "RouterLease",
    "RouterStatus",
    "Series",
    "ServiceChange",
    "Sighting",
    "Staff",
    "StaffSession",
    "Standing",
    "Suspension",
    "Zone",
]
