# ruff: noqa: E501 (a table: one corruption a line or two)
"""Corruptions to plant: how to choose the row, what to do to it, and what the audit must say of which row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plant:
    """`pick` gives the number of the row; `row` is how the finding must name it (`{id}` is that number)."""

    name: str
    rule: str
    row: str
    pick: str
    do: tuple[str, ...]


PAID = "SELECT i.id FROM invoice i JOIN ledger l ON l.invoice_id = i.id AND l.kind = 'payment' WHERE i.kind = 'service' AND i.settled_at IS NOT NULL AND i.voided_at IS NULL ORDER BY i.id LIMIT 1"
UNPAID = "SELECT id FROM invoice WHERE settled_at IS NULL AND kind = 'service' ORDER BY id LIMIT 1"
PART = "SELECT id FROM ledger WHERE kind = 'payment' AND invoice_id IS NOT NULL ORDER BY id LIMIT 1"
STANDS = "SELECT id FROM payment WHERE deleted_at IS NULL ORDER BY id LIMIT 1"
OWES = "SELECT client_id FROM standing WHERE debt > 0 AND state = 'active' ORDER BY client_id LIMIT 1"
CLEAR = "SELECT client_id FROM standing WHERE debt = 0 AND state = 'active' ORDER BY client_id LIMIT 1"
LAST_BILL = "SELECT id FROM invoice ORDER BY series_id, number DESC LIMIT 1"
CLIENT = "SELECT id FROM client WHERE retired_at IS NULL ORDER BY id LIMIT 1"


def copied(table: str, columns: str, values: str, where: str = "id = :id") -> str:
    """A statement that writes a row again, some columns otherwise."""
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {where}"


ENTRY = "at, client_id, invoice_id, payment_id, kind, amount, origin_id, reverses_id, cause_invoice_id, suspension_id, why, actor"
BILL = "client_id, kind, series_id, number, cycle_start, cycle_end, due, created_at, net, tax, total, to_pay, settled_at, reminded, why"
NEXT_BILL = BILL.replace("number", "(SELECT max(number) + 1 FROM invoice)")

PLANTS = (
    # ---- the ledger
    Plant("an entry's amount changed", "payment.parts", "payment {id}", "SELECT payment_id FROM ledger WHERE kind = 'payment' ORDER BY id LIMIT 1",
          ("UPDATE ledger SET amount = amount - 100 WHERE id = (SELECT min(id) FROM ledger WHERE payment_id = :id)",)),
    Plant("an entry gone", "invoice.entry", "invoice {id}", PAID,
          ("DELETE FROM ledger WHERE kind = 'invoice' AND invoice_id = :id",)),
    Plant("an invoice billed twice in the ledger", "invoice.entry", "invoice {id}", PAID,
          (copied("ledger", ENTRY, ENTRY, "kind = 'invoice' AND invoice_id = :id"),)),
    Plant("a payment written twice in the ledger", "payment.parts", "payment {id}", "SELECT payment_id FROM ledger WHERE kind = 'payment' ORDER BY id LIMIT 1",
          (copied("ledger", ENTRY, ENTRY, "id = (SELECT min(id) FROM ledger WHERE payment_id = :id)"),)),
    Plant("an entry moved to another client", "ledger.client", "ledger {id}", PART,
          ("UPDATE ledger SET client_id = client_id + 1 WHERE id = :id",)),
    Plant("an entry turned round", "ledger.shape", "ledger {id}", PART, ("UPDATE ledger SET amount = -amount WHERE id = :id",)),
    Plant("half of a landing gone", "ledger.landing", "ledger {id}",
          "SELECT max(id) FROM ledger WHERE kind = 'landing' AND invoice_id IS NULL AND origin_id = (SELECT min(origin_id) FROM ledger)",
          ("DELETE FROM ledger WHERE kind = 'landing' AND invoice_id IS NOT NULL AND origin_id = (SELECT origin_id FROM ledger WHERE id = :id)",)),
    Plant("a balance used up twice", "ledger.balance", "ledger {id}", "SELECT min(origin_id) FROM ledger WHERE kind = 'landing'",
          (copied("ledger", ENTRY, ENTRY, "kind = 'landing' AND origin_id = :id"),)),
    Plant("a reversal that points elsewhere", "ledger.reversal", "ledger {id}",
          "SELECT min(id) FROM ledger WHERE kind = 'reversal'", ("UPDATE ledger SET reverses_id = 1 WHERE id = :id",)),
    Plant("a reversal that points nowhere", "ledger.reversal", "ledger {id}",
          "SELECT min(id) FROM ledger WHERE kind = 'reversal'", ("UPDATE ledger SET reverses_id = NULL WHERE id = :id",)),
    Plant("an entry taken back twice", "ledger.reversal", "ledger {id}", "SELECT max(id) + 1 FROM ledger",
          ("DROP INDEX uq_ledger_reversal", copied("ledger", ENTRY, ENTRY, "id = (SELECT min(id) FROM ledger WHERE kind = 'reversal')"))),
    # ---- fees
    Plant("a late fee twice", "fee.late", "ledger {id}", "SELECT max(id) + 1 FROM ledger",
          ("DROP INDEX uq_ledger_late_fee", copied("ledger", ENTRY, ENTRY, "id = (SELECT min(id) FROM ledger WHERE kind = 'late_fee')"))),
    Plant("another late fee than the ledger's", "fee.late", "invoice {id}", "SELECT min(cause_invoice_id) FROM ledger",
          ("UPDATE invoice SET late_fee = 9900 WHERE id = :id",)),
    Plant("a late fee forgotten by its invoice", "fee.late", "invoice {id}", "SELECT min(cause_invoice_id) FROM ledger",
          ("UPDATE invoice SET late_fee = NULL WHERE id = :id",)),
    Plant("a reconnection fee of a suspension by hand", "fee.reconnection", "ledger {id}", "SELECT min(id) FROM ledger WHERE kind = 'reconnection_fee'",
          ("UPDATE suspension SET \"by\" = 'manual' WHERE id = (SELECT suspension_id FROM ledger WHERE id = :id)",)),
    Plant("a reconnection fee twice", "fee.reconnection", "ledger {id}", "SELECT max(id) + 1 FROM ledger",
          ("DROP INDEX uq_ledger_reconnection_fee", copied("ledger", ENTRY, ENTRY, "id = (SELECT min(id) FROM ledger WHERE kind = 'reconnection_fee')"))),
    Plant("an automatic suspension without its fee", "fee.missing", "suspension {id}", "SELECT min(suspension_id) FROM ledger",
          ("DELETE FROM ledger WHERE suspension_id = :id",)),
    # ---- invoices
    Plant("a total changed", "invoice.lines", "invoice {id}", PAID, ("UPDATE invoice SET total = total + 100, net = net + 100 WHERE id = :id",)),
    Plant("another amount to pay", "invoice.to_pay", "invoice {id}", PAID, ("UPDATE invoice SET to_pay = to_pay + 1 WHERE id = :id",)),
    Plant("a paid invoice kept as unpaid", "invoice.settled", "invoice {id}", PAID, ("UPDATE invoice SET settled_at = NULL WHERE id = :id",)),
    Plant("an unpaid invoice kept as paid", "invoice.settled", "invoice {id}", UNPAID, ("UPDATE invoice SET settled_at = created_at WHERE id = :id",)),
    Plant("more settled than there is to pay", "invoice.overpaid", "invoice {id}", PAID,
          ("UPDATE ledger SET amount = amount - 500 WHERE kind = 'payment' AND invoice_id = :id",)),
    Plant("void, but not in the ledger", "invoice.void", "invoice {id}", PAID, ("UPDATE invoice SET voided_at = settled_at WHERE id = :id",)),
    Plant("void in the ledger alone", "invoice.void", "invoice {id}", "SELECT min(id) FROM invoice WHERE voided_at IS NOT NULL",
          ("UPDATE invoice SET voided_at = NULL WHERE id = :id",)),
    Plant("a line gone", "invoice.lines", "invoice {id}", PAID, ("DELETE FROM invoice_line WHERE invoice_id = :id",)),
    Plant("a line that does not add up", "line.total", "invoice_line {id}", "SELECT min(id) FROM invoice_line", ("UPDATE invoice_line SET net = net + 1 WHERE id = :id",)),
    Plant("tax moved into the net", "line.tax", "invoice_line {id}", "SELECT min(id) FROM invoice_line",
          ("UPDATE invoice_line SET net = net + 1, tax = tax - 1 WHERE id = :id",
           "UPDATE invoice SET net = net + 1, tax = tax - 1 WHERE id = (SELECT invoice_id FROM invoice_line WHERE id = :id)")),
    Plant("a line that bills another's service", "line.client", "invoice_line {id}", "SELECT min(id) FROM invoice_line WHERE service_id IS NOT NULL",
          ("UPDATE invoice_line SET service_id = service_id + 1 WHERE id = :id",)),
    Plant("a cycle billed twice", "invoice.once", "invoice {id}", "SELECT max(id) + 1 FROM invoice",
          ("DROP INDEX uq_invoice_service_cycle", copied("invoice", BILL, NEXT_BILL, "id = (SELECT min(id) FROM invoice WHERE kind = 'service')"))),
    Plant("cycles that overlap", "invoice.cycle", "invoice {id}",
          "SELECT max(id) FROM invoice WHERE kind = 'service' GROUP BY client_id HAVING count(*) > 1 LIMIT 1",
          ("UPDATE invoice SET cycle_start = date(cycle_start, '-3 days') WHERE id = :id",)),
    Plant("a number left out", "invoice.gap", "invoice {id}", LAST_BILL, ("UPDATE invoice SET number = number + 5 WHERE id = :id",)),
    Plant("a series that would give a number again", "series.next", "series {id}", "SELECT min(series_id) FROM invoice",
          ("UPDATE series SET next_number = next_number - 1 WHERE id = :id",)),
    Plant("two invoices with one number", "database.index", "table invoice", "SELECT 1",
          ("PRAGMA writable_schema = ON", "UPDATE sqlite_master SET sql = replace(sql, 'uq_invoice_series_id_number', 'uq_none') WHERE name = 'invoice'")),
    # ---- payments
    Plant("a payment's amount changed", "payment.parts", "payment {id}", STANDS, ("UPDATE payment SET amount = amount + 1000 WHERE id = :id",)),
    Plant("deleted without taking it back", "payment.parts", "payment {id}", STANDS, ("UPDATE payment SET deleted_at = at, deleted_why = '{\"text\": \"x\", \"params\": {}}' WHERE id = :id",)),
    Plant("deleted without a reason", "payment.deleted", "payment {id}", "SELECT min(id) FROM payment WHERE deleted_at IS NOT NULL", ("UPDATE payment SET deleted_why = NULL WHERE id = :id",)),
    Plant("a deleted payment that stands again", "payment.parts", "payment {id}", "SELECT min(id) FROM payment WHERE deleted_at IS NOT NULL",
          ("UPDATE payment SET deleted_at = NULL, deleted_why = NULL WHERE id = :id",)),
    Plant("a reference twice", "payment.reference", "payment {id}", "SELECT max(id) FROM payment WHERE reference LIKE 'OP-%'",
          ("DROP INDEX uq_payment_reference", "UPDATE payment SET reference = 'OP-0' WHERE id = :id")),
    Plant("a reference nobody finds", "payment.reference", "payment {id}", STANDS, ("UPDATE payment SET reference = ' R 1' WHERE id = :id",)),
    # ---- standing
    Plant("a debt that is not in the ledger", "standing.balance", "standing {id}", OWES, ("UPDATE standing SET debt = debt + 1 WHERE client_id = :id",)),
    Plant("a credit from nowhere", "standing.balance", "standing {id}", CLEAR, ("UPDATE standing SET credit = credit + 5000 WHERE client_id = :id",)),
    Plant("debits and credits that hide each other", "standing.derived", "standing {id}", CLEAR, ("UPDATE standing SET credit = credit + 5000, debit = debit + 5000 WHERE client_id = :id",)),
    Plant("suspended without a suspension", "standing.derived", "standing {id}", OWES, ("UPDATE standing SET state = 'suspended', \"by\" = 'auto' WHERE client_id = :id",)),
    Plant("never to be cut", "standing.derived", "standing {id}", OWES, ("UPDATE standing SET next_cut_at = NULL, next_cut_on = NULL WHERE client_id = :id",)),
    Plant("never to be billed again", "standing.derived", "standing {id}", CLEAR, ("UPDATE standing SET next_at = NULL WHERE client_id = :id",)),
    Plant("billed further than it is", "standing.derived", "standing {id}", CLEAR, ("UPDATE standing SET billed_through = date(billed_through, '+1 month') WHERE client_id = :id",)),
    Plant("held without a hold", "standing.derived", "standing {id}", OWES, ("UPDATE standing SET held = 1 WHERE client_id = :id",)),
    Plant("a client without a standing", "standing.present", "client {id}", CLIENT, ("DELETE FROM standing WHERE client_id = :id",)),
    Plant("a standing without a reason", "standing.why", "standing {id}", CLEAR, ("UPDATE standing SET why = '{\"params\": {}}' WHERE client_id = :id",)),
    Plant("a paid client who is cut", "standing.cut", "standing {id}", CLEAR,
          ("INSERT INTO suspension (client_id, at, action, \"by\", reason, actor) SELECT client_id, reached_at, 'suspend', 'auto', why, 'x' FROM standing WHERE client_id = :id",
           "UPDATE standing SET state = 'suspended', \"by\" = 'auto' WHERE client_id = :id")),
    # ---- items and closings
    Plant("a one-off item billed by another invoice", "item.once", "invoice_line {id}", "SELECT l.id FROM invoice_line l JOIN item i ON i.id = l.item_id AND i.kind = 'one_off'",
          ("UPDATE item SET invoice_id = invoice_id - 1 WHERE id = (SELECT item_id FROM invoice_line WHERE id = :id)",)),
    Plant("a one-off item that would be billed again", "item.once", "invoice_line {id}", "SELECT l.id FROM invoice_line l JOIN item i ON i.id = l.item_id AND i.kind = 'one_off'",
          ("UPDATE item SET invoice_id = NULL WHERE id = (SELECT item_id FROM invoice_line WHERE id = :id)",)),
    Plant("a closing of more than was counted", "closing.sum", "closing {id}", "SELECT max(id) FROM closing", ("UPDATE closing SET counted = counted + 100 WHERE id = :id",)),
    # ---- history
    Plant("suspended twice in a row", "suspension.order", "suspension {id}", "SELECT max(id) + 1 FROM suspension",
          (copied("suspension", 'client_id, at, action, "by", reason, actor', 'client_id, at, action, "by", reason, actor', "id = (SELECT max(s.id) FROM suspension s JOIN standing t ON t.client_id = s.client_id AND t.state = 'suspended')"),)),
    Plant("a lift of nothing", "suspension.order", "suspension {id}", "SELECT max(id) + 1 FROM suspension",
          ("INSERT INTO suspension (client_id, at, action, \"by\", reason, actor) SELECT client_id, reached_at, 'lift', 'manual', why, 'x' FROM standing WHERE state = 'active' ORDER BY client_id LIMIT 1",)),
    Plant("two notices of one invoice", "notice.once", "notice {id}", "SELECT max(id) + 1 FROM notice",
          ("DROP INDEX uq_notice_invoice", copied("notice", "client_id, kind, invoice_id, why, on_at, off_at, shown_count", "client_id, kind, invoice_id, why, on_at, off_at, shown_count",
                                                  "id = (SELECT min(id) FROM notice WHERE invoice_id IS NOT NULL)"))),
    Plant("a notice of a paid invoice", "notice.open", "notice {id}", "SELECT min(n.id) FROM notice n JOIN invoice i ON i.id = n.invoice_id WHERE i.settled_at IS NOT NULL",
          ("UPDATE notice SET off_at = NULL WHERE id = :id",)),
    Plant("a payment of tomorrow", "time.future", "payment {id}", STANDS, ("UPDATE payment SET at = '2026-06-19 10:00:00.000000' WHERE id = :id",)),
    Plant("an end before its beginning", "time.order", "invoice {id}", PAID, ("UPDATE invoice SET settled_at = datetime(created_at, '-3 days') || '.000000' WHERE id = :id",)),
    Plant("a code that nobody can type", "format.code", "client {id}", CLIENT, ("UPDATE client SET portal_code = '12AB' WHERE id = :id",)),
    Plant("a prefix that cannot be printed", "format.series", "series {id}", "SELECT min(id) FROM series", ("UPDATE series SET prefix = 'F' || char(10) WHERE id = :id",)),
    # ---- the database
    Plant("an invoice gone", "database.orphan", "invoice_line {id}", "SELECT min(id) FROM invoice_line", ("DELETE FROM invoice WHERE id = (SELECT invoice_id FROM invoice_line WHERE id = :id)",)),
    Plant("a method gone", "database.orphan", "payment {id}", "SELECT min(id) FROM payment WHERE method_id = (SELECT method_id FROM payment WHERE id = 1)",
          ("DELETE FROM payment_method WHERE id = (SELECT method_id FROM payment WHERE id = :id)",)),
    Plant("a word for an amount", "database.kind", "invoice {id}", PAID, ("UPDATE invoice SET to_pay = 'mucho' WHERE id = :id",)),
    Plant("half a cent", "database.kind", "ledger {id}", PART, ("UPDATE ledger SET amount = amount - 0.5 WHERE id = :id",)),
    Plant("a day that does not exist", "database.kind", "invoice {id}", UNPAID, ("UPDATE invoice SET due = '2026-02-31' WHERE id = :id",)),
    Plant("a time that is none", "database.kind", "ledger {id}", PART, ("UPDATE ledger SET at = 'ayer' WHERE id = :id",)),
    Plant("a reason that is no JSON", "database.kind", "ledger {id}", PART, ("UPDATE ledger SET why = '{broken' WHERE id = :id",)),
    Plant("a payment of less than nothing", "database.check", "payment {id}", STANDS, ("UPDATE payment SET amount = -5 WHERE id = :id",)),
    Plant("an index gone", "database.index", "table payment", "SELECT 1", ("DROP INDEX uq_payment_reference",)),
)  # fmt: skip
