"""The tables of the bank: their columns and kinds, and how columns become CSV."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

# Kinds and how a column of each is held in memory:
#   id    int64, 0 is empty        text   pyarrow strings or a list, None is empty     date  datetime64[D], NaT is empty
#   money int64 in cents           percent  int64 in ten-thousandths of a percent      int   int64          bool  bool
_SCHEMA = """
enterprise: id:id credit_code:text name:text legal_form:text industry:text region:text registered_capital:money founded:date status:text address:text phone:text customer_since:date customer_until:date account_manager:id
account_manager: id:id name:text branch:text
person: id:id name:text
shareholding: id:id holder_enterprise_id:id holder_person_id:id company_id:id capital_percent:percent voting_percent:percent from_date:date to_date:date
position: id:id person_id:id enterprise_id:id post:text is_main:bool from_date:date to_date:date nominator_enterprise_id:id nominator_person_id:id
kinship: id:id person_id:id relative_id:id kind:text
agreement: id:id kind:text target_id:id signed:date expires:date
agreement_party: agreement_id:id party_enterprise_id:id party_person_id:id
rebuttal: id:id party1_enterprise_id:id party1_person_id:id party2_enterprise_id:id party2_person_id:id target_id:id item:int decided:date source:text
account: id:id owner_enterprise_id:id owner_person_id:id account_number:text opened:date closed:date kind:text
transfer: id:id payer_account_id:id payee_account_id:id amount:money date:date purpose:text
invoice: id:id seller_id:id buyer_id:id amount:money date:date is_void:bool
loan: id:id borrower_id:id amount:money balance:money drawn:date due:date overdue_days:int rating:text repayment_source_id:id repayment_kind:text
guarantee: id:id guarantor_enterprise_id:id guarantor_person_id:id borrower_id:id loan_id:id amount:money from_date:date to_date:date
bill: id:id drawer_id:id acceptor_id:id discounter_id:id amount:money issued:date due:date
product: id:id code:text name:text category:text risk_level:text
holding: id:id customer_id:id product_id:id from_date:date to_date:date balance:money
social_insurance: id:id enterprise_id:id month:date heads:int amount:money
housing_fund: id:id enterprise_id:id month:date heads:int amount:money
government_record: id:id enterprise_id:id kind:text date:date amount:money text:text
service_event: id:id enterprise_id:id kind:text date:date text:text
campaign: id:id name:text from_date:date to_date:date
contact: id:id campaign_id:id enterprise_id:id date:date outcome:text
lead: id:id enterprise_id:id account_manager_id:id created:date status:text outcome:text
bank_capital: id:id date:date net_tier1:money
funding: id:id recipient_id:id funder_id:id amount:money from_date:date to_date:date is_replaceable:bool
dependence_finding: id:id dependent_id:id on_id:id ground:text verdict:text decided:date source:text
shareholder_meeting: id:id company_id:id date:date votes_present:percent
"""
TABLES: dict[str, dict[str, str]] = {
    name: dict(column.split(":") for column in columns.split())
    for name, columns in (line.split(": ", 1) for line in _SCHEMA.strip().splitlines())
}

_OPTIONS = pacsv.WriteOptions(include_header=False, quoting_style="none")


class TableFile:
    """One CSV file of a table, written chunk by chunk; its ids run on from chunk to chunk, from 1."""

    def __init__(self, folder: Path, name: str):
        self.name, self.rows = name, 0
        self._kinds = TABLES[name]
        self._stream = (folder / f"{name}.csv").open("wb")
        self._stream.write((",".join(self._kinds) + "\n").encode())

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def append(self, columns: Mapping[str, object]) -> np.ndarray:
        """Write rows given as columns without `id`, and return the ids they got. No value may hold a comma or a quote."""
        size = len(next(iter(columns.values())))
        ids = np.arange(self.rows + 1, self.rows + size + 1)
        given = {"id": ids, **columns} if "id" in self._kinds else columns
        arrays = [_array(kind, given[column]) for column, kind in self._kinds.items()]
        if size:
            pacsv.write_csv(pa.table(arrays, names=list(self._kinds)), self._stream, _OPTIONS)
        self.rows += size
        return ids


def as_columns(name: str, rows: Iterable[Sequence[object]]) -> dict[str, object]:
    """Python rows without their id (money in yuan, percents as numbers, dates as text or None) as columns of `name`."""
    kinds = {column: kind for column, kind in TABLES[name].items() if column != "id"}
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    return {column: _from_python(kind, values) for (column, kind), values in zip(kinds.items(), columns, strict=True)}


def joined(*parts: object) -> pa.Array:
    """The texts of several columns of equal length put together, row by row."""
    return pa.compute.binary_join_element_wise(*parts, "")


def chosen(pool: Sequence[str], index: np.ndarray) -> pa.Array:
    """pool[index] as texts."""
    return pa.array(pool, pa.string()).take(pa.array(index))


def _from_python(kind: str, values: Sequence) -> object:
    if kind == "text":
        return list(values)
    if kind == "date":
        return np.array([value or "NaT" for value in values], "datetime64[D]")
    if kind == "bool":
        return np.array(values, bool)
    factor = {"money": 100, "percent": 10_000}.get(kind, 1)
    return np.array([round((value or 0) * factor) for value in values], np.int64)


def _array(kind: str, values: object) -> pa.Array:
    if kind == "text":
        return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, pa.string())
    values = np.asarray(values)
    if kind == "id":
        return pa.array(values.astype(np.int64, copy=False), mask=values == 0)
    if kind == "money":
        return _decimal(values)
    if kind == "percent":
        distinct, place = np.unique(values, return_inverse=True)
        return chosen([_percent(int(value)) for value in distinct], place)
    return pa.array(values)


def _percent(units: int) -> str:
    """Ten-thousandths of a percent as the shortest decimal: 600000 is 60, 333333 is 33.3333."""
    whole, rest = divmod(units, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def _decimal(cents: np.ndarray) -> pa.Array:
    """Cents as decimal(19, 2), by writing the 128-bit integers directly."""
    words = np.empty((len(cents), 2), np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    return pa.Array.from_buffers(pa.decimal128(19, 2), len(cents), [None, pa.py_buffer(words)])
