"""Public sources (Genomic Data Commons, cBioPortal, GEO, Imaging Data Commons), each behind its documented API."""
