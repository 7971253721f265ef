"""The one error of this room: whose input broke which rule of the contract."""


class ContractError(ValueError):
    """Input that does not keep the contract.

    `code` is stable and machine-readable (it becomes the quarantine reason),
    `detail` says in one line what was found and what was expected.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
