"""Pages of money: promises, balances, invoices by hand, templates, many at once, cash closings, files."""
