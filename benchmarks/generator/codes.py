"""Unified social credit codes (GB 32100-2015) and the organisation codes within them (GB 11714-1997), with check characters."""

import numpy as np
import pyarrow as pa

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT = np.frombuffer(CREDIT_ALPHABET.encode(), np.uint8)
_CREDIT_VALUE = np.zeros(128, np.int64)
_CREDIT_VALUE[_CREDIT] = np.arange(31)
_CREDIT_WEIGHT = np.array([pow(3, i, 31) for i in range(17)])

_ORGANISATION = np.frombuffer(b"0123456789X0", np.uint8)
_ORGANISATION_VALUE = np.zeros(128, np.int64)
_ORGANISATION_VALUE[np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)] = np.arange(36)
_ORGANISATION_WEIGHT = np.array([3, 7, 9, 10, 5, 8, 4, 2])

_OLD_CODES = 99_999_989  # the largest prime below 10**8
_NEW_CODES = 887_503_637  # below 31**6 and without a common factor with the multiplier below


def credit_codes(number: np.ndarray, region: np.ndarray, prefix: np.ndarray, is_new: np.ndarray, seed: int) -> pa.Array:
    """One code an entity: `prefix` (two characters), `region` (six digits), organisation code, check character.

    Codes of different `number` differ. `is_new` gives the organisation codes that are issued since 2015 (MA…).
    """
    body = np.empty((len(number), 8), np.uint8)
    old = (number * 7_919_773 + seed * 104_729 + 31_415_926) % _OLD_CODES
    for place in range(7, -1, -1):
        body[:, place] = 48 + old % 10
        old //= 10
    new = (number * 5_915_587 + seed * 1_299_709 + 271_828_182) % _NEW_CODES
    rows = np.flatnonzero(is_new)
    new = new[rows]
    for place in range(7, 1, -1):
        body[rows, place] = _CREDIT[new % 31]
        new //= 31
    body[rows, 0], body[rows, 1] = ord("M"), ord("A")

    code = np.empty((len(number), 18), np.uint8)
    code[:, 0:2] = np.frombuffer("".join(prefix).encode(), np.uint8).reshape(-1, 2)
    code[:, 2:8] = np.frombuffer("".join(region).encode(), np.uint8).reshape(-1, 6)
    code[:, 8:16] = body
    code[:, 16] = organisation_check(body)
    code[:, 17] = credit_check(code[:, :17])
    return pa.array(code.reshape(-1).view("S18")).cast(pa.string())


def organisation_check(body: np.ndarray) -> np.ndarray:
    """The ninth character of organisation codes whose eight others are the rows of `body` (GB 11714, 4.2)."""
    return _ORGANISATION[11 - (_ORGANISATION_VALUE[body] @ _ORGANISATION_WEIGHT) % 11]


def credit_check(code: np.ndarray) -> np.ndarray:
    """The eighteenth character of credit codes whose seventeen others are the rows of `code` (GB 32100, 6.2)."""
    return _CREDIT[(31 - (_CREDIT_VALUE[code] @ _CREDIT_WEIGHT) % 31) % 31]
