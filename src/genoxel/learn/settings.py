"""Settings of prediction: the section [learn] of the study file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from genoxel.core.settings import Settings

ModelName = Literal["elastic_net", "ridge", "random_forest", "lightgbm"]

SMALLEST_USEFUL = 0.70
"""The AUC below which a model is of no use, where a target does not say otherwise."""


class PrimarySettings(Settings):
    """The one primary model of each target; everything else is exploratory or a comparison."""

    features: str = "image"
    model: ModelName = "elastic_net"
    metric: Literal["auc"] = "auc"


class KeepSettings(Settings):
    """Which columns a procedure keeps; each rule is applied inside the training fold.

    `correlation`: of two columns with a larger absolute correlation only the stronger is kept. `columns`: how many of
    the strongest columns go into the model at most; several counts are tried by inner cross-validation. `pca`: number
    of principal components used instead of columns.
    """

    correlation: float | None = Field(default=0.90, gt=0, le=1)
    columns: tuple[int, ...] = (128,)
    pca: int | None = Field(default=None, ge=1)

    @field_validator("columns")
    @classmethod
    def _some_columns(cls, columns: tuple[int, ...]) -> tuple[int, ...]:
        if not columns or min(columns) < 1:
            raise ValueError("columns must name one or more counts of at least 1, such as [8, 32]")
        return tuple(sorted(set(columns)))


class ValidateSettings(Settings):
    """How a procedure is validated.

    `outer`: folds of the outer cross-validation, or "site" to leave out one site at a time; `inner`: folds in which
    the procedure is tuned; `repeats`: draws of the outer folds; `permutations`: worlds with permuted labels, 0 for
    none; `permutation_repeats`: draws of the outer folds behind the statistic of the permutation test (the same for
    the observed and the permuted labels).
    """

    outer: int | Literal["site"] = 5
    inner: int = Field(default=5, ge=2, le=20)
    repeats: int = Field(default=20, ge=1)
    permutations: int = Field(default=1000, ge=0)
    permutation_repeats: int = Field(default=2, ge=1)

    @field_validator("outer")
    @classmethod
    def _some_folds(cls, outer: int | str) -> int | str:
        if isinstance(outer, int) and not 2 <= outer <= 20:
            raise ValueError('outer must be 2 to 20 folds, or "site"')
        return outer

    @property
    def smallest_p(self) -> float:
        """The smallest p this number of permutations can give."""
        return 1.0 / (1.0 + self.permutations)


class LearnSettings(Settings):
    """What is predicted, by which model, against which simpler models, and how it is validated.

    In a study file the key of `validation` is `validate`. `also` names exploratory models on the primary features;
    `several` says what to do with several rows of one patient: refuse ("only"), aggregate, or learn from "each" row
    and judge a patient by the mean score of the rows.

    >>> LearnSettings(validate={"permutations": 99}).validation.smallest_p
    0.01
    """

    model_config = ConfigDict(populate_by_name=True)

    targets: tuple[str, ...] = ()
    primary: PrimarySettings = PrimarySettings()
    also: tuple[ModelName, ...] = ()
    keep: KeepSettings = KeepSettings()
    validation: ValidateSettings = Field(default=ValidateSettings(), alias="validate")
    compare: tuple[str, ...] = ("prevalence", "volume", "clinical", "image", "clinical+image")
    several: Literal["only", "mean", "max", "min", "first", "each"] = "only"

    @model_serializer(mode="wrap")
    def _as_in_the_study_file(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"validate" if key == "validation" else key: value for key, value in write(self).items()}
