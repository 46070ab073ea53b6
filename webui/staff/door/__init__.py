"""Coming in: login, one's account, the first page, the accounts of staff, the company."""
