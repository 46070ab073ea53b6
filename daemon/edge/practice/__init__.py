"""The practice router: a RouterOS API server that behaves like the device where our driver looks.

Public, and all that others should use:

- `run.PracticeOptions`, `run.serve(options)`, `async with run.PracticeRouter(options) as router:
  router.port`; it can not start: `run.PracticeError`, `schema.VersionError`, `flash.FlashError`.
- `schema.check_sentence(words, version) -> list[str]`: re-check a line of a transcript; empty means good.
- `schema.EXACT`: the versions there are, short name -> exact name.
- `factory.wisp_edge(wan, lan, box)`: rows for `PracticeOptions.initial`.
- `plane.Plane`, `plane.PlaneError`, `plane.NoPlane`: the seam to whatever acts on packets.

Inside: `api/` bytes, sentences, queries, sessions; `rows/` menus and what commands do to them; `schema/` what
a RouterOS version knows; `flash` the state file.

Where its answers come from: the schemas are dumps of live routers; texts of refusals and read-back forms were
seen on devices by others. What is not established there is marked `ours` in schema/traps.json.
"""
