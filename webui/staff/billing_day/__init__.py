"""What the billing engine will do, and why it did what it did: the billing day, calendars, explanations."""
