"""Floor 2, papers: an invoice as a PDF, from plain facts to bytes. No store, no clock, no network.

The same facts give the same bytes, on any machine and in any year, so that a mailed copy and a printed one are
the same. Only the program's own fonts are read from disk, at the first paper that needs them.

- `bill` the facts that stand on a paper · `words` labels in each language · `figures` amounts and days
- `face` fonts, widths, breaking of lines · `logo` what may be a logo · `code` QR
- `sheet` one invoice as blocks · `blocks` how each is drawn · `book` blocks on pages, pages in a file
"""
