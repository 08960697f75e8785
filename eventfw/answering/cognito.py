"""What a Cognito user pool's triggers are called, and what each may answer."""

from __future__ import annotations

from ..options import closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

#: Each trigger: (its name in LambdaConfig, what its ``triggerSource`` begins with, one such source).
TRIGGERS = {
    "create_auth_challenge": ("CreateAuthChallenge", ("CreateAuthChallenge",), "Authentication"),
    "custom_email_sender": ("CustomEmailSender", ("CustomEmailSender",), "SignUp"),
    "custom_message": ("CustomMessage", ("CustomMessage",), "SignUp"),
    "custom_sms_sender": ("CustomSMSSender", ("CustomSMSSender",), "SignUp"),
    "define_auth_challenge": ("DefineAuthChallenge", ("DefineAuthChallenge",), "Authentication"),
    "inbound_federation": ("InboundFederation", ("InboundFederation",), "ExternalProvider"),
    "post_authentication": ("PostAuthentication", ("PostAuthentication",), "Authentication"),
    "post_confirmation": ("PostConfirmation", ("PostConfirmation",), "ConfirmSignUp"),
    "pre_authentication": ("PreAuthentication", ("PreAuthentication",), "Authentication"),
    "pre_sign_up": ("PreSignUp", ("PreSignUp",), "SignUp"),
    "pre_token_generation": ("PreTokenGeneration", ("TokenGeneration",), "Authentication"),
    "user_migration": ("UserMigration", ("UserMigration",), "Authentication"),
    "verify_auth_challenge_response": (
        "VerifyAuthChallengeResponse",
        ("VerifyAuthChallengeResponse", "VerifyAuthChallenge"),  # both are in the guide
        "Authentication",
    ),
}
#: What a response may hold: (its name here, on AWS, its types), by what the trigger's source begins with.
FIELDS: dict[str, tuple[tuple[str, str, tuple[type, ...]], ...]] = {
    "PreSignUp": (
        ("auto_confirm_user", "autoConfirmUser", (bool,)),
        ("auto_verify_email", "autoVerifyEmail", (bool,)),
        ("auto_verify_phone", "autoVerifyPhone", (bool,)),
    ),
    "TokenGeneration": (
        ("claims_override_details", "claimsOverrideDetails", (dict,)),
        ("claims_and_scope_override_details", "claimsAndScopeOverrideDetails", (dict,)),
    ),
    "UserMigration": (
        ("user_attributes", "userAttributes", (dict,)),
        ("final_user_status", "finalUserStatus", (str,)),
        ("message_action", "messageAction", (str,)),
        ("desired_delivery_mediums", "desiredDeliveryMediums", (list,)),
        ("force_alias_creation", "forceAliasCreation", (bool,)),
        ("enable_sms_mfa", "enableSMSMFA", (bool,)),
    ),
    "CustomMessage": (
        ("sms_message", "smsMessage", (str,)),
        ("email_message", "emailMessage", (str,)),
        ("email_subject", "emailSubject", (str,)),
    ),
    "DefineAuthChallenge": (
        ("challenge_name", "challengeName", (str,)),
        ("issue_tokens", "issueTokens", (bool,)),
        ("fail_authentication", "failAuthentication", (bool,)),
    ),
    "CreateAuthChallenge": (
        ("public_challenge_parameters", "publicChallengeParameters", (dict,)),
        ("private_challenge_parameters", "privateChallengeParameters", (dict,)),
        ("challenge_metadata", "challengeMetadata", (str,)),
    ),
    "VerifyAuthChallengeResponse": (("answer_correct", "answerCorrect", (bool,)),),
    "VerifyAuthChallenge": (("answer_correct", "answerCorrect", (bool,)),),
    "InboundFederation": (("user_attributes_to_map", "userAttributesToMap", (dict,)),),
}


class CognitoResponse:
    """What Cognito is told: attributes that write the event's ``response``, those of the event's trigger only.

    AWS's own names are items: ``response["autoConfirmUser"] = True``.
    """

    if TYPE_CHECKING:
        auto_confirm_user: bool
        auto_verify_email: bool
        auto_verify_phone: bool
        claims_override_details: dict[str, Any] | None
        claims_and_scope_override_details: dict[str, Any] | None
        user_attributes: dict[str, str]
        final_user_status: Literal["CONFIRMED", "RESET_REQUIRED"]
        message_action: Literal["SUPPRESS"]
        desired_delivery_mediums: list[Literal["EMAIL", "SMS"]]
        force_alias_creation: bool
        enable_sms_mfa: bool
        sms_message: str | None
        email_message: str | None
        email_subject: str | None
        challenge_name: str
        issue_tokens: bool
        fail_authentication: bool
        public_challenge_parameters: dict[str, str]
        private_challenge_parameters: dict[str, str]
        challenge_metadata: str
        answer_correct: bool
        user_attributes_to_map: dict[str, str]

        def __init__(self, source: str, raw: dict[str, Any]) -> None: ...
        def fill(self, answer: dict[str, Any]) -> None:
            """Take over what a handler returned, under AWS's names."""

        def __getitem__(self, key: str) -> Any: ...
        def __setitem__(self, key: str, value: Any) -> None: ...
    else:

        def __init__(self, source, raw):
            fields = FIELDS.get(source, ())
            vars(self).update(_source=source, _raw=raw, _fields={name: (key, types) for name, key, types in fields})

        def __repr__(self):
            return f"<CognitoResponse {self._raw!r}>"

        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            return self._raw.get(self._known(name)[0])

        def __setattr__(self, name, value):
            key, types = self._known(name)
            if value is not None and type(value) not in types:
                kind = types[0].__name__
                raise TypeError(f"{name} is of type {kind} in a response of {self._source}, not {value!r:.80}.")
            self._raw[key] = value

        def _known(self, name):
            if name not in self._fields:
                has = f"it has {', '.join(self._fields)}." if self._fields else "Cognito expects none."
                raise AttributeError(
                    f"The response of {self._source} has no {name!r}; {has}{closest(name, self._fields)}"
                )
            return self._fields[name]

        def __getitem__(self, key):
            return self._raw[key]

        def __setitem__(self, key, value):
            self.fill({key: value})

        def fill(self, answer):
            names = {key: name for name, (key, _) in self._fields.items()}
            for key, value in answer.items():
                if key not in names:
                    has = f"it has {', '.join(names)}." if names else "Cognito expects none."
                    raise TypeError(f"A response of {self._source} has no {key!r}; {has}")
                setattr(self, names[key], value)
