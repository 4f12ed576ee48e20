"""Which attributes may stay, and how; an attribute that no list names is removed, whatever it holds.

The lists hold what readers, pre-processing and reports of images, structure sets and segmentations need.
"""

from __future__ import annotations

import re


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMBERS = frozenset({"DS", "IS", "FD", "FL", "OD", "OF", "OL", "SL", "SS", "UL", "US", "SV", "UV", "AT", "US or SS"})
"""Value representations that hold numbers alone."""

NUMBER_GROUPS = frozenset({0x0008, 0x0010, 0x0018, 0x0020, 0x0022, 0x0028, 0x0054, 0x0062, 0x3004, 0x3006, 0x5200})
"""Groups whose numbers stay (within a sequence that stays, those of any group do)."""

BULK = _listed(
    """
    PixelData FloatPixelData DoubleFloatPixelData RedPaletteColorLookupTableData
    GreenPaletteColorLookupTableData BluePaletteColorLookupTableData LUTData
    """
)
DATES = _listed(
    """
    StudyDate SeriesDate AcquisitionDate ContentDate InstanceCreationDate StructureSetDate
    """
)
MOMENTS = _listed(
    """
    AcquisitionDateTime FrameAcquisitionDateTime FrameReferenceDateTime RadiopharmaceuticalStartDateTime
    RadiopharmaceuticalStopDateTime DecayCorrectionDateTime ContrastBolusStartTime
    """
)
TIMES = _listed(
    """
    StudyTime SeriesTime AcquisitionTime ContentTime InstanceCreationTime StructureSetTime
    RadiopharmaceuticalStartTime RadiopharmaceuticalStopTime ContrastBolusStartTime ContrastBolusStopTime
    """
)
CODES = _listed(
    """
    SpecificCharacterSet Modality ImageType FrameType ConversionType PatientSex PatientPosition BodyPartExamined
    Laterality ImageLaterality FrameLaterality ViewPosition PresentationIntentType PhotometricInterpretation
    LossyImageCompression LossyImageCompressionMethod BurnedInAnnotation QualityControlImage
    PixelIntensityRelationship RescaleType ModalityLUTType VOILUTFunction PresentationLUTShape ScanningSequence
    SequenceVariant ScanOptions MRAcquisitionType AngioFlag InPlanePhaseEncodingDirection VariableFlipAngleFlag
    CTDIPhantomType RotationDirection ExposureModulationType AcquisitionType FilterType Units CountsSource
    SeriesType CorrectedImage DecayCorrection ReprojectionMethod SUVType RandomsCorrectionMethod CollimatorType
    DiffusionDirectionality DiffusionAnisotropyType AcquisitionContrast ComplexImageComponent PixelPresentation
    VolumetricProperties VolumeBasedCalculationTechnique ContentQualification ResonantNucleus KSpaceFiltering
    EchoPulseSequence SpinTag T2Preparation SteadyStatePulseSequence SegmentationType SegmentationFractionalType
    SegmentAlgorithmType SegmentsOverlap DimensionOrganizationType ROIGenerationAlgorithm ContourGeometricType
    RTROIInterpretedType ContentLabel ApprovalStatus DoseUnits DoseType DoseSummationType
    TissueHeterogeneityCorrection
    """
)
DEVICE = _listed(
    """
    Manufacturer ManufacturerModelName SoftwareVersions ConvolutionKernel SequenceName PulseSequenceName
    ReconstructionMethod AttenuationCorrectionMethod ScatterCorrectionMethod TransmitCoilName ReceiveCoilName
    ImagedNucleus
    """
)
"""Names of devices and methods: kept when they look like such."""

DESCRIPTIONS = _listed(
    """
    StudyDescription SeriesDescription ProtocolName ContrastBolusAgent Radiopharmaceutical SegmentDescription
    CodeMeaning LUTExplanation WindowCenterWidthExplanation DerivationDescription
    """
)
NAMES = frozenset(["ROIName", "SegmentLabel", "StructureSetLabel", "ROIObservationLabel"])
SEQUENCES = _listed(
    """
    ReferencedSeriesSequence ReferencedInstanceSequence ReferencedImageSequence SourceImageSequence
    ReferencedSOPSequence ReferencedFrameOfReferenceSequence RTReferencedStudySequence
    RTReferencedSeriesSequence ContourImageSequence StructureSetROISequence ROIContourSequence ContourSequence
    RTROIObservationsSequence SegmentSequence SegmentedPropertyCategoryCodeSequence
    SegmentedPropertyTypeCodeSequence SegmentedPropertyTypeModifierCodeSequence AnatomicRegionSequence
    AnatomicRegionModifierSequence SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence
    PixelMeasuresSequence PlanePositionSequence PlaneOrientationSequence FrameContentSequence
    FrameAnatomySequence DimensionOrganizationSequence DimensionIndexSequence DerivationImageSequence
    DerivationCodeSequence PurposeOfReferenceCodeSequence SegmentIdentificationSequence
    PixelValueTransformationSequence FrameVOILUTSequence RealWorldValueMappingSequence
    MeasurementUnitsCodeSequence QuantityDefinitionSequence RadiopharmaceuticalInformationSequence
    RadionuclideCodeSequence RadiopharmaceuticalCodeSequence MRDiffusionSequence
    DiffusionGradientDirectionSequence DiffusionBMatrixSequence MRTimingAndRelatedParametersSequence
    MREchoSequence MRImageFrameTypeSequence MRModifierSequence MRAveragesSequence MRFOVGeometrySequence
    CTReconstructionSequence CTExposureSequence CTXRayDetailsSequence CTAcquisitionDetailsSequence
    CTAcquisitionTypeSequence CTImageFrameTypeSequence CTGeometrySequence PETFrameTypeSequence
    PETFrameAcquisitionSequence PETFrameCorrectionFactorsSequence PETReconstructionSequence
    PETDetectorMotionDetailsSequence EnergyWindowInformationSequence EnergyWindowRangeSequence
    DetectorInformationSequence ModalityLUTSequence VOILUTSequence TemporalPositionSequence
    StudiesContainingOtherReferencedInstancesSequence ViewCodeSequence
    """
)
SAFE_PRIVATE: dict[tuple[str, int, int], str] = {
    ("SIEMENS MR HEADER", 0x0019, 0x0C): "b-value",
    ("SIEMENS MR HEADER", 0x0019, 0x0E): "diffusion direction",
    ("GEMS_PARM_01", 0x0043, 0x39): "b-value",
    ("Philips Imaging DD 001", 0x2001, 0x03): "b-value",
    ("Philips PET Private Group", 0x7053, 0x00): "SUV scale factor",
    ("Philips PET Private Group", 0x7053, 0x09): "activity concentration scale factor",
}
"""(creator, group, element) of private numbers that analysis needs; they stay when they are numbers."""

CODE_VALUES = {
    "SCT": re.compile(r"\d{6,18}"),
    "SRT": re.compile(r"[A-Z]-[A-F0-9]{4,6}"),
    "SNM3": re.compile(r"[A-Z]-[A-F0-9]{4,6}"),
    "DCM": re.compile(r"\d{5,6}"),
    "FMA": re.compile(r"\d{3,6}"),
    "RADLEX": re.compile(r"RID\d{1,6}"),
    "UCUM": re.compile(r"[0-9a-zA-Z%/.{}\[\]'\^*+-]{1,12}"),
}
"""Coding schemes whose codes stay, and how these look."""

CODE_TEXT = re.compile(r"[A-Z0-9_ ]{0,16}")
DEVICE_TEXT = re.compile(r"[\w .,:/()*+#&\-^|]{0,64}", re.ASCII)
CLOCK = re.compile(r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?")
ARTIFACT = re.compile(r"ISO[_ ]\w{1,12}(?: \w{1,6})?|GB18030|GBK")

IMAGES = re.compile(
    r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(?:1(?:\.\d+)*|2(?:\.\d)?|4(?:\.[134])?|6\.\d|7(?:\.\d)?|20|128(?:\.1)?|130|30|3\.1)"
)
"""SOP classes of images: CR, DX, MG, CT, MR, US, SC, NM, PET."""

DRAWN = frozenset({"1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
"""SOP classes of structure sets and segmentations."""

SCREENS = frozenset({"US", "SC", "OT", "XC", "ES", "DOC", "SR", "KO", "PR"})
"""Modalities whose pixels often hold names; stills of them are held back unless somebody has looked."""

HEADS = (
    "HEAD",
    "BRAIN",
    "SKULL",
    "FACE",
    "NECK",
    "HEADNECK",
    "ORBIT",
    "SINUS",
    "IAC",
    "PITUITARY",
    "JAW",
    "NASOPHARYNX",
)
