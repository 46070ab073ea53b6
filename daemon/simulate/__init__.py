"""Tries a billing policy before it is applied: facts in, the real engine's journal out (billing-laws.md).

`scenario` reads the file, `stage` plays it over a throw-away database with the deeds and the billing run of
the product, `journal` is what is printed.
"""
