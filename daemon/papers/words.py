"""The labels of a paper, in each language it is printed in, and how countries call their tax ids."""

from __future__ import annotations

from typing import Final

SPANISH: Final[dict[str, str]] = {
    "service": "Factura de servicio",
    "free": "Factura",
    "created": "Emitida",
    "due": "Vence",
    "cycle": "Periodo",
    "client": "Cliente",
    "document": "Documento",
    "phone": "Tel.",
    "what": "Descripción",
    "net": "Neto",
    "tax": "Impuesto",
    "total": "Total",
    "to_pay": "A pagar",
    "left": "Queda por pagar",
    "paid": "Pagada",
    "void": "Anulada",
    "void_on": "Anulada el {day}",
    "overdue": "Vencida",
    "how_to_pay": "Cómo pagar",
    "page": "Página {page} de {pages}",
    "goes_on": "{title} {number} · sigue",
    "scan_portal": "Esta factura en el portal, desde su conexión",
    "scan_facts": "Número, identificación, fecha y total",
}
ENGLISH: Final[dict[str, str]] = {
    "service": "Service invoice",
    "free": "Invoice",
    "created": "Issued",
    "due": "Due",
    "cycle": "Period",
    "client": "Client",
    "document": "Document",
    "phone": "Tel.",
    "what": "Description",
    "net": "Net",
    "tax": "Tax",
    "total": "Total",
    "to_pay": "To pay",
    "left": "Left to pay",
    "paid": "Paid",
    "void": "Void",
    "void_on": "Void since {day}",
    "overdue": "Overdue",
    "how_to_pay": "How to pay",
    "page": "Page {page} of {pages}",
    "goes_on": "{title} {number} · continued",
    "scan_portal": "This invoice on the portal, from your connection",
    "scan_facts": "Number, tax id, date and total",
}
LANGUAGES: Final[dict[str, dict[str, str]]] = {"es": SPANISH, "en": ENGLISH}

#: How the tax id of a company is called where it is issued.
TAX_LABELS: Final[dict[str, str]] = {
    "AR": "CUIT", "BO": "NIT", "BR": "CNPJ", "CL": "RUT", "CO": "NIT", "CR": "Cédula jurídica", "CU": "NIT",
    "DO": "RNC", "EC": "RUC", "ES": "NIF", "GT": "NIT", "HN": "RTN", "MX": "RFC", "NI": "RUC", "PA": "RUC",
    "PE": "RUC", "PT": "NIF", "PY": "RUC", "SV": "NIT", "US": "EIN", "UY": "RUT", "VE": "RIF",
}  # fmt: skip


def labels(language: str) -> dict[str, str]:
    """The labels of a language; Spanish for one that is not known."""
    return LANGUAGES.get(language, SPANISH)
