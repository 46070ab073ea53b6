"""Floor 4, the office: what people and clocks *do*. One function a deed, one transaction each.

A writing deed is `deed(session, actor, now, *, …)`: it checks what the actor may do, refuses bad input with
`daemon.rules.refusal.Refusal` (field and sentence), changes the facts, derives what follows at once, and
writes the log of changes. It never commits: the door does, by leaving `Store.write()` (or
`AsyncStore.write(deed, …)`). A reading function is `what(session, …)` and changes nothing. `now` is an aware
datetime; every deed of one minute is taken to have happened before what the billing run does in that minute.

Where what is:

- `actor` who does a deed · `change` the log of changes
- `company`, `zone`, `plan`, `method` the catalogues · `staff` logins and sessions
- `client` clients, their list and summary · `service` internet services · `billing` billing settings
- `invoice`, `payment`, `suspension`, `standing` money and its consequences · `run` the billing run
- `item`, `charge` what else is billed · `service_change` plans from a day on · `by_hand` invoices made by people
- `promise`, `balance`, `closing`, `payment_file` what cashiers do · `template`, `bulk` settings of many clients
- `notice` notices, tokens, the board, events · `announcement` announcements
- `series`, `tax_id`, `logo`, `paper_style` how invoices are numbered and look · `paper` an invoice's facts as a PDF ·
  `paper_batch` a month of them · `job` long work done aside · `speech` sentences where no page says them
- `router` routers, facts for the planner, status, leases · `request` what a person asks of a router
- `seed` a made-up provider of any size
"""
