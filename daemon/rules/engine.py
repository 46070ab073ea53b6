"""The engine: moves one account on through time, event by event (billing-laws.md).

`advance(account, until)` lets everything happen that lies before `until`; what a fact changes is in
`deeds`. The result depends only on the facts and the time reached: waking daily, each minute or a week late
is the same (law 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from daemon.rules.account import Account, Balance, Invoice
from daemon.rules.calendar import hour_at_or_after, instant, local_date, local_text
from daemon.rules.event import RANKS, Event, Movement
from daemon.rules.invoice import Draft, automatic_cycle, draft_why, lines_of, next_draft
from daemon.rules.money import plain, share
from daemon.rules.notice import notice_moment, notice_off_why, notice_why, noticeable
from daemon.rules.sentence import Sentence, say
from daemon.rules.standing import cut_moment, cut_why, is_due_for_cut, promise_end

MINUTE = timedelta(minutes=1)

type Hold = Callable[[datetime], bool | None]
"""Whether the cuts of a moment are held for a person (law 6); None while nobody has decided it."""


def cut_freely(_moment: datetime) -> bool:
    """No cut is held."""
    return False


type HoldBills = Callable[[datetime], bool]
"""Whether the invoices of a moment are held for a person: their total surprises (law 6)."""


def advance(
    account: Account, until: datetime, hold: Hold = cut_freely, hold_bills: HoldBills | None = None
) -> Iterator[Event]:
    """Everything that happens before `until` (a whole minute), in order; the account ends at `until`.

    It stops short at a cut about which `hold` has not decided, so that all cuts of that moment can be
    counted.
    """
    yield from advanced(account, until, hold, hold_bills)[0]


def advanced(
    account: Account, until: datetime, hold: Hold = cut_freely, hold_bills: HoldBills | None = None
) -> tuple[list[Event], datetime | None]:
    """What `advance` gives, and when something happens next."""
    events: list[Event] = []
    while (moment := next_moment(account)) is not None and moment < until:
        account.reached = moment
        if account.invoices and cut_moment(account) == moment and hold(moment) is None:
            return events, moment
        happened, whole = _minute(account, moment, hold, hold_bills)
        events += happened
        if not whole:
            # What was made in this very minute leads to a cut: it is counted with the others first.
            return events, moment
        account.reached = moment + MINUTE
    account.reached = max(account.reached, until)
    return events, moment


def next_moment(account: Account) -> datetime | None:
    """The first instant from `account.reached` on at which something happens; None for a retired client."""
    if account.state == "retired":
        return None
    moments = [] if account.bill_held else [next_draft(account).at]
    active, reminds = account.state == "active", account.settings.reminders
    unpaid = account.unpaid()
    for invoice in unpaid:
        if invoice.late_fee is None:
            moments.append(late_fee_moment(account, invoice))
        if active and not invoice.noticed:
            shows = notice_moment(account, invoice)
            if shows is not None:
                moments.append(max(shows, account.reached))
        if active and reminds:
            moments += [moment for _, moment in reminders(account, invoice) if moment >= account.reached]
    if unpaid:
        cut = cut_moment(account)
        if cut is not None:
            moments.append(cut)
    ends = promise_end(account)
    if ends is not None:
        moments.append(max(ends, account.reached))
    return min(moments, default=None)


def late_fee_moment(account: Account, invoice: Invoice) -> datetime:
    """When the one decision about a late fee falls: the first `invoice_hour` after the due date, or from
    now.
    """
    company = account.company
    after = _day_after(company.zone, invoice.due, company.invoice_hour)
    if after >= account.reached:
        return after
    return hour_at_or_after(company.zone, company.invoice_hour, account.reached)


@lru_cache(maxsize=8192)
def _day_after(zone: ZoneInfo, due: date, minutes: int) -> datetime:
    """A minute of the day after a due date."""
    return instant(zone, due + timedelta(days=1), minutes)


def settle(account: Account, at: datetime) -> Iterator[Event]:
    """What the present facts change at once: a reactivation, notices off and on, a held cut that fell away.

    Nothing while more facts of the same minute are being recorded.
    """
    if account.recording:
        return
    if account.state == "auto":
        yield from _reactivate(account, at)
    if account.held and not is_due_for_cut(account, at):
        account.held = False
    if account.noticed:
        yield from notices_off(account, at)
    if account.state == "active" and account.invoices and account.settings.screen_notice_days is not None:
        yield from notices_on(account, at)


def _reactivate(account: Account, at: datetime) -> Iterator[Event]:
    """Law 4: a client cut by the clock is free at once when too little is past grace, or a promise is made."""
    if account.state == "auto" and not is_due_for_cut(account, at):
        yield reactivated(account, at, "auto", _release_why(account))


def reactivated(account: Account, at: datetime, by: str, why: Sentence) -> Event:
    """Lift a suspension."""
    account.state, account.state_since, account.state_why = "active", at, None
    return Event(at, "reactivated", why, by=by)


def cut(account: Account, at: datetime) -> Iterator[Event]:
    """Suspend an active client automatically, with the reconnection fee (F9)."""
    why = cut_why(account, at)
    account.state, account.state_since, account.state_why, account.held = "auto", at, why, False
    yield Event(at, "suspended", why, by="auto")
    fee = account.settings.reconnection_fee
    if fee > 0:
        reason = say(
            "Reconnection fee {fee} ({source}) of the automatic suspension of {at}",
            fee=plain(fee, account.company.currency),
            source=account.settings.source("reconnection_fee"),
            at=local_text(account.company.zone, at),
        )
        balance = Balance(None, at, fee, "reconnection_fee")
        account.balances.append(balance)
        movement = Movement("reconnection_fee", fee, reason, balance=balance)
        yield Event(at, "reconnection_fee", reason, amount=fee, movements=[movement])
    yield from notices_off(account, at)


def notices_off(account: Account, at: datetime) -> Iterator[Event]:
    """Close the notices that hold no longer; the journal's event only when none is left."""
    was = account.noticed
    if not was:
        return
    holds = noticeable(account, at)
    closed: list[Event] = []
    for invoice in sorted(account.invoices, key=lambda invoice: invoice.age):
        if invoice.noticed and not any(invoice is one for one in holds):
            invoice.noticed = False
            closed.append(
                Event(at, "notice_closed", notice_off_why(account, invoice, at), invoice, invoice.cycle)
            )
    yield from closed
    if closed and not account.noticed and not holds:
        yield Event(at, "screen_notice_off", closed[0].why, closed[0].invoice, closed[0].cycle)


def notices_on(account: Account, at: datetime) -> Iterator[Event]:
    """Open the notices that hold now; the journal's event only for the first."""
    was = account.noticed
    for invoice in noticeable(account, at):
        if invoice.noticed:
            continue
        invoice.noticed = True
        why = notice_why(account, invoice)
        yield Event(at, "notice_opened", why, invoice, invoice.cycle)
        if not was:
            was = True
            yield Event(at, "screen_notice_on", why, invoice, invoice.cycle)


def _minute(
    account: Account, at: datetime, hold: Hold, hold_bills: HoldBills | None
) -> tuple[list[Event], bool]:
    """All that happens to one account in one minute, in the order of the laws, and whether that is all: it
    ends before a cut about which nobody has decided yet.
    """
    events = list(notices_off(account, at)) if account.noticed else []
    while not account.bill_held and (draft := next_draft(account)).at == at:
        if hold_bills is not None and hold_bills(at):
            account.bill_held = True
            why = say("The invoices of this moment wait for a person: their total is unusual")
            events.append(Event(at, "bill_held", why, cycle=draft.cycle))
            break
        events += bill(account, at, draft)
    for invoice in account.unpaid():
        if invoice.late_fee is None and late_fee_moment(account, invoice) == at:
            events.append(_late_fee(account, invoice, at))
    ends = promise_end(account)
    if ends is not None and ends <= at:
        events += _end_promise(account, at)
    if cut_moment(account) == at:
        held = hold(at)
        if held is None:
            return _in_order(events), False
        if held:
            account.held = True
            events.append(Event(at, "held", cut_why(account, at)))
        else:
            events += cut(account, at)
    if account.state == "auto":
        events += _reactivate(account, at)
    if account.settings.reminders:
        events += _remind(account, at)
    events += settle(account, at)
    return _in_order(events), True


def _in_order(events: list[Event]) -> list[Event]:
    if len(events) > 1:
        events.sort(key=_rank)
    return events


def _rank(event: Event) -> int:
    return RANKS.get(event.kind, 0)


def bill(account: Account, at: datetime, draft: Draft, why: Sentence | None = None) -> Iterator[Event]:
    """Make the invoice of a draft, land what waits on it; or pass its cycle over, with the reason.

    `why` is the reason of one that a person makes ahead of its time.
    """
    account.bill_held = False
    lines, used = lines_of(account, draft)
    if not draft.fixed and account.fixed_date is not None and account.fixed_cycle is None:
        account.fixed_cycle = automatic_cycle(account)  # it is overtaken: from now on it waits by itself
    if not draft.fixed or account.fixed_cycle is None:
        account.billed_through = draft.cycle.end
    if draft.fixed:
        account.fixed_date = account.fixed_cycle = None
    if account.state in ("auto", "manual") and not account.company.bill_suspended:
        yield Event(
            at, "cycle_passed", say("Suspended when the invoice was due to be made"), cycle=draft.cycle
        )
        return
    if not lines:
        yield Event(at, "cycle_passed", say("Nothing to bill"), cycle=draft.cycle)
        return
    if used:
        account.charges = [charge for charge in account.charges if not any(charge is one for one in used)]
    total = sum(line.total for line in lines)
    why = why or draft_why(account, draft)
    invoice = Invoice(None, "service", draft.cycle, draft.due, at, total, 0, total)
    account.invoices.append(invoice)
    movement = Movement("invoice", total, why, invoice)
    yield Event(at, "invoice_created", why, invoice, draft.cycle, lines=tuple(lines), movements=[movement])
    if account.balances:
        yield from _land(account, invoice, at)
    invoice.to_pay = invoice.left
    yield Event(at, "invoice_notice", why, invoice, draft.cycle)
    if invoice.left == 0:
        yield Event(at, "invoice_paid", say("Nothing is left to pay on it"), invoice, draft.cycle)


def _land(account: Account, invoice: Invoice, at: datetime) -> Iterator[Event]:
    """Balances land on a new service invoice: debits first, then credits, each oldest first (T2)."""
    waiting = sorted(account.balances, key=lambda balance: (balance.left < 0, balance.at, balance.order))
    for balance in waiting:
        part = max(balance.left, -invoice.left) if balance.left < 0 else balance.left
        if part == 0:
            continue
        why = say(
            "A balance of {day} waited for this invoice: {name}",
            day=local_date(account.company.zone, balance.at).isoformat(),
            name=balance.name,
        )
        balance.left -= part
        invoice.left += part
        yield Event(
            at,
            "balance_applied",
            why,
            invoice,
            invoice.cycle,
            amount=part,
            movements=[
                Movement("landing", -part, why, origin=balance),
                Movement("landing", part, why, invoice, origin=balance),
            ],
        )
    account.balances = [balance for balance in account.balances if balance.left != 0]


def _late_fee(account: Account, invoice: Invoice, at: datetime) -> Event:
    """Decide about a late fee, once for each overdue service invoice (F8): a pending debit, or none."""
    settings, money = account.settings, account.company.currency
    fee = settings.late_fee_minor
    source = settings.source("late_fee_minor")
    if settings.late_fee_basis_points:
        fee = share(invoice.total, settings.late_fee_basis_points)
        source = settings.source("late_fee_basis_points")
    invoice.late_fee = fee
    why = say(
        "Late fee {fee} ({source}): the invoice due on {due} was unpaid on {at}",
        fee=plain(fee, money),
        source=source,
        due=invoice.due.isoformat(),
        at=local_text(account.company.zone, at),
    )
    if fee <= 0:
        return Event(at, "late_fee_none", why, invoice, invoice.cycle)
    balance = Balance(None, at, fee, "late_fee")
    account.balances.append(balance)
    movement = Movement("late_fee", fee, why, balance=balance, cause=invoice)
    return Event(at, "late_fee", why, invoice, invoice.cycle, amount=fee, movements=[movement])


def _end_promise(account: Account, at: datetime) -> Iterator[Event]:
    promise = account.promise
    account.promise = None
    if promise is None:
        return
    today = local_date(account.company.zone, at)
    broken = [invoice for invoice in promise.invoices if invoice.left > 0 and invoice.due < today]
    until = promise.until.isoformat()
    if not broken:
        yield Event(at, "promise_kept", say("The promise to pay until {until} is over", until=until))
        return
    why = say(
        "Promised to pay until {until}; the invoice due on {due} is still unpaid",
        until=until,
        due=broken[0].due.isoformat(),
    )
    yield Event(at, "promise_broken", why)


def reminders(account: Account, invoice: Invoice) -> list[tuple[int, datetime]]:
    """(number, instant) of the reminders of an invoice that were not sent yet."""
    company = account.company
    return [
        (number, instant(company.zone, invoice.due + timedelta(days=reminder.days), company.reminder_hour))
        for number, reminder in enumerate(account.settings.reminders, 1)
        if not invoice.reminded & (1 << number)
    ]


def _remind(account: Account, at: datetime) -> Iterator[Event]:
    if account.state != "active":
        return
    for invoice in account.unpaid():
        for number, moment in reminders(account, invoice):
            if moment == at:
                invoice.reminded |= 1 << number
                yield Event(
                    at,
                    "reminder",
                    say(
                        "Reminder {number} ({source}) of the unpaid invoice due on {due}",
                        number=number,
                        source=account.settings.source("reminders"),
                        due=invoice.due.isoformat(),
                    ),
                    invoice,
                    invoice.cycle,
                    number=number,
                    channels=account.settings.reminders[number - 1].by,
                )


def _release_why(account: Account) -> Sentence:
    if account.settings.cut_after_months == 0:
        return say("The settings say that this client is never cut")
    if account.promise is not None:
        return say("Promised to pay until {until}", until=account.promise.until.isoformat())
    if not account.unpaid():
        return say("Nothing is unpaid any more")
    return say(
        "Fewer than {months} unpaid invoice(s) are past grace", months=account.settings.cut_after_months
    )
