"""Floor 3, the store: tables, connections, migrations, and the bell that says "look again".

One noun a file. `engine.Store` serves plain processes, `engine.AsyncStore` the reactor; both run the same
office functions on the same tables. Import `daemon.store.tables` to have every table in `base.Base.metadata`.
"""
