"""What an enhanced multi-frame file of CT, MR or PET must say beside geometry and pixels, as plain values.

Lists are sequences, mappings their items. Sources: DICOM PS3.3, the enhanced CT, MR and PET image modules and macros.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genoxel.io.dicom_series import derived_uid

Plain = Mapping[str, Any]


def filled(content: Plain) -> Any:
    """Return a pydicom dataset of keyword -> value, where lists of mappings become sequences."""
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword, value in content.items():
        several = isinstance(value, list) and all(isinstance(one, Mapping) for one in value)
        setattr(item, keyword, [filled(one) for one in value] if several else value)
    return item


def code(value: str, meaning: str, scheme: str = "SCT") -> dict[str, str]:
    """Return a coded concept."""
    return {"CodeValue": value, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning}


_REGION = {
    "BRAIN": code("12738006", "Brain"),
    "CHEST": code("51185008", "Chest"),
    "BREAST": code("76752008", "Breast"),
    "PROSTATE": code("41216001", "Prostate"),
}


def common(words: list[str]) -> dict[str, Any]:
    """Return what every enhanced image says of itself; `words` are the four of its type."""
    return {
        "ImageType": words,
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
        "ContentQualification": "RESEARCH",
        "DeviceSerialNumber": "SIMULATED",
        "PositionReferenceIndicator": "",
        "AcquisitionContextSequence": [],
        "AcquisitionNumber": "1",
        "AcquisitionDuration": 180.0,
    }


def frame_type(modality: str, words: list[str], part: str) -> dict[str, Any]:
    """Return the groups that are alike in all frames: their type, and the anatomy."""
    kind: dict[str, Any] = {
        "FrameType": words,
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
    }
    if modality == "MR":
        kind |= {"ComplexImageComponent": "MAGNITUDE", "AcquisitionContrast": contrast(words)}
    name = {"CT": "CTImageFrameTypeSequence", "MR": "MRImageFrameTypeSequence", "PT": "PETFrameTypeSequence"}
    anatomy = {"FrameLaterality": "U", "AnatomicRegionSequence": [_REGION[part]]}
    return {name[modality]: [kind], "FrameAnatomySequence": [anatomy]}


def contrast(words: list[str]) -> str:
    """Return the acquisition contrast of an MR image by the last word of its type."""
    return {"DIFFUSION": "DIFFUSION", "ADC": "DIFFUSION"}.get(words[3], "UNKNOWN")


def magnetic(tags: Plain, words: list[str]) -> dict[str, Any]:
    """Return the attributes of an MR file."""
    spoken: dict[str, Any] = {
        "ContentQualification": "RESEARCH",
        "ResonantNucleus": "1H",
        "KSpaceFiltering": "NONE",
        "ApplicableSafetyStandardAgency": "IEC",
        "ComplexImageComponent": "MAGNITUDE",
        "AcquisitionContrast": contrast(words),
    }
    if words[0] == "DERIVED":
        return spoken
    echo = "GRADIENT" if tags["ScanningSequence"] == "GR" else "SPIN"
    volume = tags["MRAcquisitionType"] == "3D"
    return {
        **spoken,
        "PulseSequenceName": str(tags["ProtocolName"])[:16].strip(),
        "MRAcquisitionType": str(tags["MRAcquisitionType"]),
        "EchoPulseSequence": echo,
        **({"MultipleSpinEcho": "NO"} if echo == "SPIN" else {}),
        "MultiPlanarExcitation": "NO",
        "PhaseContrast": "NO",
        "TimeOfFlightContrast": "NO",
        "SteadyStatePulseSequence": "NONE",
        "EchoPlanarPulseSequence": "YES" if tags["ScanningSequence"] == "EP" else "NO",
        "SaturationRecovery": "NO",
        "SpectrallySelectedSuppression": "NONE",
        "OversamplingPhase": "NONE",
        "GeometryOfKSpaceTraversal": "RECTILINEAR",
        "RectilinearPhaseEncodeReordering": "LINEAR",
        "SegmentedKSpaceTraversal": "SINGLE",
        "NumberOfKSpaceTrajectories": 1,
        **({"CoverageOfKSpace": "FULL"} if volume else {}),
    }


def magnetic_groups(tags: Plain) -> dict[str, Any]:
    """Return the shared functional groups of an MR file."""
    inversion = float(tags.get("InversionTime", 0.0))
    timing = {
        "RepetitionTime": float(tags["RepetitionTime"]),
        "FlipAngle": float(tags["FlipAngle"]),
        "EchoTrainLength": int(tags["EchoTrainLength"]),
        "RFEchoTrainLength": 1,
        "GradientEchoTrainLength": 0,
        "SpecificAbsorptionRateSequence": [
            {"SpecificAbsorptionRateDefinition": "IEC_WHOLE_BODY", "SpecificAbsorptionRateValue": 0.5}
        ],
        "GradientOutputType": "DB_DT",
        "GradientOutput": 0.0,
        "OperatingModeSequence": [
            {"OperatingModeType": kind, "OperatingMode": "IEC_NORMAL"} for kind in ("STATIC FIELD", "RF", "GRADIENT")
        ],
    }
    modifier = {
        "InversionRecovery": "YES" if inversion else "NO",
        **({"InversionTimes": [inversion]} if inversion else {}),
        "FlowCompensation": "NONE",
        "Spoiling": "NONE",
        "T2Preparation": "NO",
        "SpectrallySelectedExcitation": "NONE",
        "SpatialPresaturation": "NONE",
        "PartialFourier": "NO",
        "ParallelAcquisition": "NO",
    }
    imaging = {
        "MagnetizationTransfer": "NONE",
        "BloodSignalNulling": "NO",
        "Tagging": "NONE",
        "TransmitterFrequency": 42.577 * float(tags["MagneticFieldStrength"]),
        "PixelBandwidth": 200.0,
    }
    coil = {"ReceiveCoilName": "SIMULATED", "ReceiveCoilManufacturerName": "", "ReceiveCoilType": "VOLUME"}
    sender = {"TransmitCoilName": "SIMULATED", "TransmitCoilManufacturerName": "", "TransmitCoilType": "BODY"}
    view = {
        "InPlanePhaseEncodingDirection": "ROW",
        "MRAcquisitionFrequencyEncodingSteps": 128,
        "MRAcquisitionPhaseEncodingStepsInPlane": 128,
        "MRAcquisitionPhaseEncodingStepsOutOfPlane": 1,
        "PercentSampling": 100.0,
        "PercentPhaseFieldOfView": 100.0,
    }
    return {
        "MRTimingAndRelatedParametersSequence": [timing],
        "MREchoSequence": [{"EffectiveEchoTime": float(tags["EchoTime"])}],
        "MRModifierSequence": [modifier],
        "MRImagingModifierSequence": [imaging],
        "MRReceiveCoilSequence": [{**coil, "QuadratureReceiveCoil": "YES"}],
        "MRTransmitCoilSequence": [sender],
        "MRAveragesSequence": [{"NumberOfAverages": 1.0}],
        "MRFOVGeometrySequence": [view],
    }


def tomographic_groups(tags: Plain) -> dict[str, Any]:
    """Return the shared functional groups of a CT file."""
    event = derived_uid(str(tags["SeriesInstanceUID"]), "irradiation")
    kernel = str(tags["ConvolutionKernel"])
    return {
        "CTAcquisitionTypeSequence": [
            {"AcquisitionType": "SEQUENCED", "ConstantVolumeFlag": "NO", "FluoroscopyFlag": "NO"}
        ],
        "CTAcquisitionDetailsSequence": [
            {
                "RotationDirection": "CW",
                "RevolutionTime": 0.5,
                "SingleCollimationWidth": 1.0,
                "TotalCollimationWidth": 16.0,
                "TableHeight": 0.0,
                "GantryDetectorTilt": 0.0,
                "DataCollectionDiameter": 500.0,
            }
        ],
        "CTTableDynamicsSequence": [{"TableFeedPerRotation": 16.0}],
        "CTPositionSequence": [
            {
                "TablePosition": 0.0,
                "DataCollectionCenterPatient": [0.0, 0.0, 0.0],
                "ReconstructionTargetCenterPatient": [0.0, 0.0, 0.0],
            }
        ],
        "CTGeometrySequence": [{"DistanceSourceToDetector": 1000.0, "DistanceSourceToDataCollectionCenter": 550.0}],
        "CTReconstructionSequence": [
            {
                "ReconstructionAlgorithm": "FILTER_BACK_PROJ",
                "ConvolutionKernel": kernel,
                "ConvolutionKernelGroup": "LUNG" if kernel == "LUNG" else "SOFT_TISSUE",
                "ReconstructionDiameter": 325.0,
                "ImageFilter": "NONE",
                "ReconstructionAngle": 360.0,
            }
        ],
        "CTExposureSequence": [
            {
                "ExposureTimeInms": float(tags["ExposureTime"]),
                "XRayTubeCurrentInmA": float(tags["XRayTubeCurrent"]),
                "ExposureInmAs": float(tags["XRayTubeCurrent"]) * float(tags["ExposureTime"]) / 1000,
                "ExposureModulationType": "NONE",
            }
        ],
        "CTXRayDetailsSequence": [
            {
                "KVP": float(tags["KVP"]),
                "FocalSpots": [1.0],
                "FilterType": "FLAT",
                "FilterMaterial": "ALUMINUM",
                "CalciumScoringMassFactorPatient": 1.0,
            }
        ],
        "IrradiationEventIdentificationSequence": [{"IrradiationEventUID": event}],
    }


def emission(tags: Plain) -> dict[str, Any]:
    """Return the attributes of a PET file; the drug as the enhanced class wants it told."""
    old = tags["RadiopharmaceuticalInformationSequence"][0]
    drug = {
        "RadiopharmaceuticalAgentNumber": 1,
        "RadionuclideCodeSequence": [code("77004003", "^18^Fluorine")],
        "AdministrationRouteCodeSequence": [code("47625008", "Intravenous route")],
        "RadiopharmaceuticalStartDateTime": str(old.RadiopharmaceuticalStartDateTime),
        "RadionuclideTotalDose": old.RadionuclideTotalDose,
        "RadionuclideHalfLife": old.RadionuclideHalfLife,
        "RadionuclidePositronFraction": old.RadionuclidePositronFraction,
        "RadiopharmaceuticalCodeSequence": [code("35321007", "Fluorodeoxyglucose F^18^")],
    }
    corrected = {"Decay": "DECY", "Attenuation": "ATTN", "Scatter": "SCAT", "DeadTime": "DTIM", "Randoms": "RAN"}
    said = {f"{word}Corrected": "YES" if key in tags["CorrectedImage"] else "NO" for word, key in corrected.items()}
    if said["DecayCorrected"] == "YES":
        said["DecayCorrectionDateTime"] = f"{tags['SeriesDate']}{tags['SeriesTime']}"
    return {
        **said,
        "GantryMotionCorrected": "NO",
        "PatientMotionCorrected": "NO",
        "CountLossNormalizationCorrected": "YES",
        "DetectorNormalizationCorrection": "YES",
        "NonUniformRadialSamplingCorrected": "NO",
        "SensitivityCalibrated": "YES",
        "AttenuationCorrectionSource": "CT",
        "AttenuationCorrectionTemporalRelationship": "SEPARATE",
        "ScatterCorrectionMethod": "simulated",
        "RandomsCorrectionMethod": "DLYD",
        "TableMotion": "STATIC",
        "TypeOfDetectorMotion": "STATIONARY",
        "TimeOfFlightInformationUsed": "FALSE",
        "CollimatorType": "NONE",
        "AcquisitionStartCondition": "MANU",
        "AcquisitionTerminationCondition": "TIME",
        "TerminationTimeThreshold": 180.0,
        "DetectorGeometry": "CYLINDRICAL_RING",
        "AxialDetectorDimension": 4.0,
        "TransverseDetectorSeparation": 4.0,
        "CoincidenceWindowWidth": 4.0,
        "EnergyWindowRangeSequence": [{"EnergyWindowLowerLimit": 435.0, "EnergyWindowUpperLimit": 585.0}],
        "ViewCodeSequence": [code("24422004", "axial")],
        "RadiopharmaceuticalInformationSequence": [drug],
    }


def emission_groups(tags: Plain) -> dict[str, Any]:
    """Return the shared functional groups of a PET file."""
    gantry = {
        "TableHeight": 800.0,
        "GantryDetectorTilt": 0.0,
        "GantryDetectorSlew": 0.0,
        "DataCollectionDiameter": 500.0,
    }
    centre = {"DataCollectionCenterPatient": [0.0, 0.0, 0.0], "ReconstructionTargetCenterPatient": [0.0, 0.0, 0.0]}
    factors = {
        "PrimaryPromptsCountsAccumulated": 1_000_000,
        "SliceSensitivityFactor": 1.0,
        "DeadTimeFactor": 1.0,
        "ScatterFractionFactor": 0.3,
        **({"DecayFactor": float(tags["DecayFactor"])} if "DecayFactor" in tags else {}),
    }
    return {
        "PETFrameAcquisitionSequence": [gantry],
        "PETDetectorMotionDetailsSequence": [{"RotationDirection": "CW", "RevolutionTime": 1.0}],
        "PETPositionSequence": [{"TablePosition": 0.0, **centre}],
        "PETFrameCorrectionFactorsSequence": [factors],
        "PETReconstructionSequence": [
            {
                "ReconstructionType": "3D",
                "ReconstructionAlgorithm": "MLEM",
                "IterativeReconstructionMethod": "YES",
                "NumberOfIterations": 2,
                "NumberOfSubsets": 21,
                "ReconstructionDiameter": 500.0,
            }
        ],
        "RadiopharmaceuticalUsageSequence": [{"RadiopharmaceuticalAgentNumber": 1}],
    }
