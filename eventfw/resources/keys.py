"""Encryption keys as options: the ARN of a customer's KMS key, or the alias of the one that AWS manages."""

from __future__ import annotations

from ..options import refused


def checked_key(owner: str, key: object, managed: str = "") -> None:
    """Refuse what is neither the ARN of a KMS key nor, where the service has one, AWS's ``managed`` key.

    An alias of a customer's key is refused, because permissions name a key by its ARN.
    https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html
    """
    if key is None or (managed and key == managed):
        return
    parts = key.split(":", 5) if isinstance(key, str) else []
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "kms" or not parts[5].startswith("key/"):
        other = f", or {managed!r}" if managed else ""
        raise refused(
            f"kms_key must be the ARN of a KMS key, arn:aws:kms:REGION:ACCOUNT:key/ID{other}, for {owner}, not {key!r}."
        )
