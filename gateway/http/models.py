"""The base of every request and answer type: snake_case on the wire, camelCase understood. No endpoint's own fields."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Given(BaseModel):
    """What a client sends. Unknown fields are ignored: existing pages send more than we read."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        loc_by_alias=False,  # faults name fields as we document them
    )


class Answer(BaseModel):
    """What we send back."""

    model_config = ConfigDict(frozen=True, extra="forbid")


MAX_ID = 2**53 - 1
"""What a page's numbers can say exactly (RFC 8259 section 6)."""


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int and abs(value) <= MAX_ID else value


EventRef = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=str | int),
    Field(min_length=1, max_length=100, description="Row id or slug of the event"),
]
WalletAddress = Annotated[str, Field(min_length=1, max_length=200, description="Address or CAIP-10 account")]
DecimalText = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$", description="Decimal amount, of the currency beside it")]
