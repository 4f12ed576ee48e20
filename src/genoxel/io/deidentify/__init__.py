"""Taking identities out of DICOM files and tables, by lists of what may stay: whatever no list names goes.

Follows the Basic Application Level Confidentiality Profile of DICOM PS3.15 Annex E with the options Clean Descriptors,
Retain Longitudinal Temporal Information with Modified Dates, Retain Patient Characteristics and Retain Safe Private.
"""
