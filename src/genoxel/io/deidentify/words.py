"""Free text that analysis needs, cleaned: only words of radiology stay, whatever else somebody typed goes."""

from __future__ import annotations

import re

_WORDS = """
abdomen abdominal acq adc adult adrenal aif air aligned amide anat anatomical angio angiography apt arterial artery
asl attenuation attenuationcorrected atten aw ax axial background b0 b1 bladder body bolus bone bones brain breast
bronchi bvalue calibrated calc cap carotid cbf cbv cervical chest cine coil colon contour contours contrast control
cor core coronal coronary corr corrected correction cortex cta ctac ct ctv cube cyst dark dce delayed density
derived dicom diff diffusion dixon dose dsc dti dual duodenum dwi dynamic early echo edema eddy emission energy
enhancement enhancing epi esophagus expiration exp exported external facial fast fat fatsat fbp fdg fdopa femur fet
ffe field filtered first flair flow flash fluoro fmri fov free fs fse full fused gad gadolinium gd ge gre gtv gtvn
gtvp gtvt guided hard hd head heart helical hepatic high hippocampus image images imaging in infusion inner
inspiration interleaved inv inversion iodine iodinated ips isotropic iterative itv iv k2 kernel kidney kidneys
ktrans large larynx last lat lateral left lesion lesions liver loc localiser localizer long low lower lumbar lung
lungs lymph magnitude manual map mask matrix mean medial mediastinum medium metastases metastasis midline mip mono
motion mpr mprage mr mra mri multi multiphase muscle mv nac native navigator neck necrosis necrotic node nodes non
normal nodule oar oedema oblique omnipaque opp organ out outer oesophagus pancreas parallel parenchyma parotid
pancreatic part pathology peak pediatric pelvic pelvis perfusion pet pd phase phased physio pituitary plain planar
plane planning post posterior pre primary prone proton prostate psma ptv pulmonary qsm quant quiet radial rapid
reconstructed recon rectum reduced ref reference reformat registered rel relative renal res resolution resp
respiratory restage rest resting right roi rigid routine sag sagittal sat scan scout screening secondary seg
segmentation segment sense sequence series sharp short shoulder single sinus skull slice slices small smooth soft
space spectral spin spine spinal spir spiral spleen spgr spoiled ss standard static std ste stack stir stomach
stress structure structures sub subtracted subtraction supine suppressed survey suv swi t1 t1c t1ce t1gd t1w t1wi
t2 t2w t2wi t2flair tensor tfe thick thigh thin thoracic thorax thyroid time tirm tissue tof torso total tra trace
tracer transverse tse tumor tumour turbo tv two ultra uncorrected unenhanced upper ureter uterus vein venous
ventricle vertebra vertebrae vessel vibe view vista vol volume volumetric warp washout water weighted wholebody
whole wb window with without wo xray zoom zoomed axt1 axt2 cort1 cort2 sagt1 sagt2 ep2d gre3d t13d t23d tfe3d 3d 2d
4d 3t 7t mb pp ap pa lr rl hf fh si is lul rul lll rll rml liv and of the for by at to plus minus no yes or on per
area left1 right1
"""
WORDS = frozenset(_WORDS.split())
"""Words that may stay in a description, a protocol or the name of a structure."""

_MEASURE = re.compile(
    r"(?:b\d{1,4}|[bdfhqtu][a-z]?\d{2}[a-z]?|\d{1,3}(?:[.,]\d{1,2})?(?:mm|cm|kv|kvp|ms|s|sec|min|hz|deg|t|d))"
)
_SMALL = re.compile(r"\d{1,2}")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)?[^\W\d_]*|[^\W\d_]+\d*[^\W\d_]*")


def clean_words(text: str, numbers: bool = False, barred: frozenset[str] = frozenset()) -> str:
    """Return what may stay of a text: words of radiology, and measures with their unit, in their order.

    `numbers` keeps numbers of one or two digits that follow such a word (GTV-1); `barred` are words that must go all
    the same, since they are somebody's name here. What is left out leaves no trace.

    >>> clean_words("AX T1 post Gd, Dr. Miller, tel 0815 4711"), clean_words("GTV-1 (Smith)", numbers=True)
    ('AX T1 post Gd', 'GTV-1')
    """
    kept: list[str] = []
    end = 0
    for found in _TOKEN.finditer(text):
        word = found.group().casefold()
        small = numbers and bool(kept) and _SMALL.fullmatch(word) is not None and found.start() - end <= 1
        if word in barred:
            continue
        if word in WORDS or _MEASURE.fullmatch(word) or small:
            between = text[end : found.start()] if kept else ""
            # only the sign right between two kept words is theirs; anything longer may be what was left out
            kept += [between if between in {" ", "-", "_", "+", ".", "/", ""} else " "] if kept else []
            kept.append(found.group())
            end = found.end()
    return "".join(kept)
