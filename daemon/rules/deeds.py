"""What a fact does to an account at once: payments, decisions of people, settings (billing-laws.md).

Each deed is applied to an account that was moved on to the deed's minute (`engine.advance`), and gives the
events that follow in that minute. A fact that cannot be raises Refusal and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from daemon.rules.account import Account, Balance, Invoice, Promise
from daemon.rules.billing import Settings
from daemon.rules.calendar import local_date
from daemon.rules.engine import bill, cut, reactivated, settle
from daemon.rules.event import Event, Movement
from daemon.rules.invoice import automatic_cycle, draft_at
from daemon.rules.money import plain, positive
from daemon.rules.refusal import Refusal
from daemon.rules.sentence import Sentence, say
from daemon.rules.standing import is_due_for_cut, past_grace


@dataclass(slots=True)
class Settled:
    """What a payment still pays: `amount` on `invoice`, or left as `balance` (its part that has not
    landed).
    """

    entry: int
    amount: int
    invoice: Invoice | None = None
    balance: Balance | None = None


def pay(
    account: Account, at: datetime, amount: int, payment: Any, invoice: Invoice | None = None
) -> Iterator[Event]:
    """A payment: settles unpaid service invoices, oldest first, or the one named; the rest is credit (I5,
    T2).

    `payment` is the reference that its movements carry. What is paid in full, and a suspension that ends
    with it, carry the minute of the payment.
    """
    left = positive(amount)
    money = account.company.currency
    for one in account.unpaid() if invoice is None else [invoice]:
        part = min(left, one.left)
        if part <= 0:
            continue
        one.left -= part
        left -= part
        why = say(
            "Payment of {amount} on the invoice due on {due}",
            amount=plain(part, money),
            due=one.due.isoformat(),
        )
        paid = Movement("payment", -part, why, one, payment)
        if one.left:
            yield Event(at, "payment", why, one, one.cycle, movements=[paid])
        else:
            yield Event(at, "invoice_paid", why, one, one.cycle, movements=[paid])
    if left:
        why = say(
            "{amount} of the payment settle no invoice and wait for the next", amount=plain(left, money)
        )
        balance = Balance(None, at, -left, "payment", payment)
        account.balances.append(balance)
        yield Event(
            at, "payment", why, movements=[Movement("payment", -left, why, None, payment, balance=balance)]
        )
    yield from settle(account, at)


def delete_payment(account: Account, at: datetime, parts: Iterable[Settled], payment: Any) -> Iterator[Event]:
    """Take a payment back (I3): its invoices are unpaid again, its credit goes, what has landed becomes a
    debit.

    `parts` is what the ledger says the payment paid. Nothing is erased: each part gets a reversing entry
    (law 3).
    """
    money = account.company.currency
    for part in parts:
        why = say("The payment of {amount} was deleted", amount=plain(part.amount, money))
        if part.invoice is not None:
            was_paid = part.invoice.left == 0
            part.invoice.left += part.amount
            if not any(part.invoice is one for one in account.invoices):
                account.invoices.append(part.invoice)
            back = Movement("reversal", part.amount, why, part.invoice, payment, reverses=part.entry)
            kind = "invoice_unpaid" if was_paid else "payment"
            yield Event(at, kind, why, part.invoice, part.invoice.cycle, movements=[back])
            continue
        waiting = -part.balance.left if part.balance is not None else 0
        moves: list[Movement] = []
        if waiting and part.balance is not None:
            part.balance.left = 0
            moves.append(Movement("reversal", waiting, why, None, payment, part.balance, reverses=part.entry))
        if part.amount > waiting:
            landed = part.amount - waiting
            debit = Balance(None, at, landed, "payment_deleted", payment)
            account.balances.append(debit)
            reverses = None if waiting else part.entry
            moves.append(Movement("reversal", landed, why, None, payment, balance=debit, reverses=reverses))
        yield Event(at, "payment", why, movements=moves)
    account.balances = [balance for balance in account.balances if balance.left]
    yield from settle(account, at)


def add_balance(account: Account, at: datetime, amount: int, reason: str) -> Iterator[Event]:
    """A balance against (+) or in favour of (−) the client, that waits for the next service invoice (T2)."""
    positive(abs(amount))
    kind = "debit" if amount > 0 else "credit"
    why = say("{reason}", reason=reason)
    balance = Balance(None, at, amount, reason)
    account.balances.append(balance)
    yield Event(at, kind, why, amount=amount, movements=[Movement(kind, amount, why, balance=balance)])


def suspend(account: Account, at: datetime, why: Sentence) -> Iterator[Event]:
    """A person suspends: it stands until a person lifts it (law 5). Repeats do nothing."""
    if account.state == "retired":
        raise Refusal("", "A retired client has nothing to suspend")
    if account.state == "manual":
        return
    account.state, account.state_since, account.state_why, account.held = "manual", at, why, False
    yield Event(at, "suspended", why, by="manual")
    yield from settle(account, at)


def activate(account: Account, at: datetime, why: Sentence) -> Iterator[Event]:
    """A person activates: invoices past grace now never count for a cut again; later ones do. Repeats do
    nothing.
    """
    if account.state == "retired":
        raise Refusal("", "A retired client cannot be activated: add the client again")
    for invoice in past_grace(account, at):
        invoice.forgiven = True
    account.held = False
    if account.state in ("auto", "manual"):
        yield reactivated(account, at, "manual", why)
    yield from settle(account, at)


def confirm_cut(account: Account, at: datetime) -> Iterator[Event]:
    """A person confirms a held cut: it takes effect at this minute, if it still holds (law 6)."""
    if account.held and account.state == "active" and is_due_for_cut(account, at):
        yield from cut(account, at)
    account.held = False


def confirm_bill(account: Account, at: datetime) -> Iterator[Event]:
    """A person confirms an unusual run: a held invoice is made at this minute (law 6)."""
    if account.bill_held and account.state != "retired":
        yield from bill(account, at, draft_at(account, at))
        yield from settle(account, at)
    account.bill_held = False


def promise(account: Account, at: datetime, until: date) -> Iterator[Event]:
    """A promise to pay until a day: no cut before it is over; lifts an automatic suspension, never a manual
    one.
    """
    today = local_date(account.company.zone, at)
    most = account.company.promise_max_days
    if until < today:
        raise Refusal("until", "The day promised has passed already")
    if until > today + timedelta(days=most):
        raise Refusal("until", say("A promise is for at most {days} days", days=most))
    if not account.unpaid():
        raise Refusal("until", "Nothing is unpaid: there is nothing to promise")
    account.promise = Promise(until, account.unpaid())
    yield Event(at, "promise", say("Promised to pay until {until}", until=until.isoformat()))
    yield from settle(account, at)


def change_settings(account: Account, at: datetime, settings: Settings) -> Iterator[Event]:
    """Other billing settings from this minute on; invoices that exist keep their cycle, due date, lines and
    tax.
    """
    account.settings = settings
    yield from settle(account, at)


def fix_date(account: Account, at: datetime, due: date) -> Iterator[Event]:
    """The due date of the next invoice, once (F7); another before it is used replaces it."""
    if due < local_date(account.company.zone, at):
        raise Refusal("fixed_date", "The date fixed for the next invoice has passed already")
    account.fixed_date = due
    yield Event(at, "fixed_date", say("The next invoice is due on {due}", due=due.isoformat()))


@dataclass(slots=True)
class Landed:
    """A balance that landed on an invoice: how much of it, and the balance (its `left` is what still
    waits).
    """

    amount: int
    balance: Balance


def void(
    account: Account,
    at: datetime,
    invoice: Invoice,
    landed: Iterable[Landed],
    paid: Iterable[tuple[Any, int]],
) -> Iterator[Event]:
    """Void an invoice: payments on it become credit, balances that landed wait again, its cycle is not
    billed again.

    `paid` is (payment, amount ≥ 0) for each payment on it. A late fee it made stands.
    """
    why = say("The invoice due on {due} was voided", due=invoice.due.isoformat())
    moves = [Movement("void", -invoice.total, why, invoice)]
    for payment, amount in paid:
        credit = Balance(None, at, -amount, "payment", payment)
        account.balances.append(credit)
        moves.append(Movement("void", amount, why, invoice, payment))
        moves.append(Movement("void", -amount, why, None, payment, balance=credit))
    for one in landed:
        one.balance.left += one.amount
        if not any(one.balance is balance for balance in account.balances):
            account.balances.append(one.balance)
        moves.append(Movement("landing", -one.amount, why, invoice, origin=one.balance))
        moves.append(Movement("landing", one.amount, why, None, origin=one.balance))
    invoice.left = 0
    if invoice.late_fee is None:
        invoice.late_fee = 0
    yield Event(at, "invoice_voided", why, invoice, invoice.cycle, movements=moves)
    yield from settle(account, at)


def restore(account: Account, at: datetime, why: Sentence, lift: bool) -> Iterator[Event]:
    """A retired client comes back, active. The cycles away, the one under way among them, are passed over: there
    was no service. What is owed is owed still, and leads to a cut in its own time. `lift`: a suspension of before
    stands in the books.
    """
    if account.state != "retired":
        raise Refusal("", "This client is not retired")
    if lift:
        yield reactivated(account, at, "manual", why)
    account.state, account.state_since, account.state_why = "active", at, None
    yield Event(at, "restored", why)
    today = local_date(account.company.zone, at)
    account.fixed_date = account.fixed_cycle = None
    while (cycle := automatic_cycle(account)).start <= today:
        account.billed_through = cycle.end
        yield Event(at, "cycle_passed", say("The client was retired"), cycle=cycle)
    yield from settle(account, at)


def retire(account: Account, at: datetime, why: Sentence) -> Iterator[Event]:
    """The client leaves: no invoice, notice or cut comes any more; what is owed stays owed."""
    if account.state == "retired":
        raise Refusal("", "This client is retired already")
    account.state, account.state_since, account.state_why, account.held = "retired", at, why, False
    account.promise = None
    yield Event(at, "retired", why)
    yield from settle(account, at)
