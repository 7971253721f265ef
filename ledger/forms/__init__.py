"""The forms of the notice (平办发〔2023〕42号, annexes 2-4): fields, choices, what may be said.
Pure; texts are the forms' own words, for print and for who reads them.
"""
