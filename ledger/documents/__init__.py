"""What leaves the hub on paper or as a file: the forms of the notice, whole files, tables, FHIR.

Pure up to the last step: data → a document of cells or rows; `pdf`, `word` and `workbook` are the
only ones that know a library, and each renders every document.
"""
