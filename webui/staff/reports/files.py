"""Tables as files to take away: written aside in bounded memory, then sent piece by piece."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import IO

from babel import numbers
from flask import Response, send_file
from werkzeug.exceptions import NotFound

from daemon.office.sheet import Manner, Table, csv_lines, write_xlsx
from daemon.rules.money import currency
from webui.common.show import country, house

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def manner() -> Manner:
    """How this company's country writes."""
    point = numbers.get_decimal_symbol(country())
    return Manner(house().timezone, currency(house().currency).digits, "," if point == "," else ".")


def send(kind: str, name: str, tables: Sequence[Table]) -> Response:
    """Tables as one file: all of them in XLSX, the first in CSV. 404 for another kind.

    The file is whole before its first byte leaves, so that what is in it is one moment of the books, however
    slowly it is fetched.
    """
    if kind not in KINDS:
        raise NotFound
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    if kind == "csv":
        for piece in csv_lines(tables[0], manner()):
            file.write(piece)
    else:
        write_xlsx(file, tables, manner())
    file.seek(0)
    response = send_file(
        file, mimetype=KINDS[kind], as_attachment=True, download_name=f"{name}.{kind}", etag=False
    )
    response.headers["Cache-Control"] = "no-store"
    return response
