"""An archive that speaks DICOMweb: QIDO-RS, WADO-RS and STOW-RS (DICOM PS3.18 chapter 10)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genoxel.core.errors import RemoteError
from genoxel.core.extras import require
from genoxel.io.pacs import Keep, Question, Sent, Series, series_of

_PAGE = 500


class Web:
    """An archive behind a DICOMweb address, with a bearer token where one is needed."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address
        headers = {"Authorization": f"Bearer {token}"} if token else None
        self._client = require("dicomweb_client", "dicomnet").DICOMwebClient(
            address, headers=headers, timeout=(15, 120)
        )
        self._client.set_http_retry_params(retry=True, max_attempts=3)

    def find(self, question: Question) -> list[Series]:
        """Return the series that match; `RemoteError` where the service does not answer or refuses."""
        found: list[Series] = []
        with _answering(self.address, "the query"):
            while True:
                page = self._client.search_for_series(
                    search_filters=question.keys(),
                    fields=["StudyDate", "SeriesDescription", "NumberOfSeriesRelatedInstances"],
                    limit=_PAGE,
                    offset=len(found),
                )
                found += [series_of(one, _word) for one in page]
                if len(page) < _PAGE:
                    break
        return sorted(found, key=lambda one: (one.study, one.modality, one.uid))

    def fetch(self, series: Series, keep: Keep) -> None:
        """Bring all instances of a series, one in memory at a time, in the encoding in which they are stored."""
        from pydicom import dcmwrite

        with _answering(self.address, "the retrieval"):
            instances = self._client.iter_series(series.study, series.uid, media_types=(("application/dicom", "*"),))
            for instance in instances:
                data = io.BytesIO()
                dcmwrite(data, instance, enforce_file_format=True)
                keep(data.getvalue())

    def send(self, files: Iterable[Path]) -> Iterator[Sent]:
        """Store files one by one; a refusal of one does not stop the others."""
        import pydicom

        errors = require("requests", "dicomnet").exceptions
        for path in files:
            try:
                with _answering(self.address, "an object"):
                    answer = self._client.store_instances([pydicom.dcmread(path)])
            except RemoteError as error:
                if not isinstance(error.__cause__, errors.HTTPError):
                    raise
                yield Sent(path, False, error.got)
                continue
            failed = "FailedSOPSequence" in answer and len(answer.FailedSOPSequence) > 0
            yield Sent(path, not failed, "the archive refused it" if failed else "")


def _word(found: Any, keyword: str) -> str:
    """Return the first value of a keyword in an answer in the DICOM JSON model, as text."""
    from pydicom.datadict import tag_for_keyword

    values = found.get(f"{tag_for_keyword(keyword):08X}", {}).get("Value", [])
    return str(values[0]) if values else ""


@contextmanager
def _answering(address: str, what: str) -> Iterator[None]:
    """Turn what the network raises into one `RemoteError`; an answer's body is left out, it can hold patients' data."""
    errors = require("requests", "dicomnet").exceptions
    try:
        yield
    except errors.HTTPError as error:
        code = error.response.status_code if error.response is not None else "unknown"
        fix = "set GENOXEL_DICOMWEB_TOKEN" if code in (401, 403) else "see the service's log"
        raise RemoteError(f"{what} refused by {address} (HTTP {code})", "success", fix) from error
    except errors.RequestException as error:
        raise RemoteError(f"no answer from {address} to {what}", "a DICOMweb service", "check the address") from error
