"""Papers: what stands on an invoice, read back out of the PDF."""
