"""The forms of the notice (平办发〔2023〕42号, annexes 2 to 4): fields, choices, what may stand there.
Pure; texts are the forms' own words, for print and for who reads them.
"""
