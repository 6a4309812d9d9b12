"""Profiles and addresses on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from services.gateway.models.common import Request, Response, Time, text

type Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["DE"])]


class Me(Response, frozen=True):
    id: str
    email: str
    name: str
    phone: str
    language: str
    roles: list[str]
    created_at: Time
    updated_at: Time


class ChangeMe(Request, frozen=True):
    """Only the fields that are sent change."""

    name: Annotated[str, text(1, 100, "What to call the person.")] | UnsetType = UNSET
    phone: (
        Annotated[
            str, Meta(pattern=r"^(\+[1-9][0-9]{6,14})?$", description="E.164, or empty.", examples=["+4930123456"])
        ]
        | UnsetType
    ) = UNSET
    language: (
        Annotated[
            str,
            Meta(
                max_length=35,
                pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
                description="BCP 47 language of mails.",
                examples=["en"],
            ),
        ]
        | UnsetType
    ) = UNSET


class AddressDraft(Request, frozen=True, kw_only=True):
    label: Annotated[str, text(0, 200, "What its owner calls it, such as `home`.")] = ""
    line1: Annotated[str, text(1, 200, "Street and number.")]
    line2: Annotated[str, text(0, 200, "What else the postman needs.")] = ""
    city: Annotated[str, text(1, 200, "City or town.")]
    postal_code: Annotated[str, text(1, 200, "Postal code.")]
    country: Country
    is_default: Annotated[bool, Meta(description="At most one address is; setting one unsets the other.")] = False


class Address(Response, frozen=True, kw_only=True):
    id: str
    label: str
    line1: str
    line2: str
    city: str
    postal_code: str
    country: str
    is_default: bool


class Addresses(Response, frozen=True):
    items: list[Address]
    next_cursor: Annotated[str | None, Meta(description="Always null: a user has at most 20.")] = None
