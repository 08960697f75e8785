"""``@app.cognito_trigger``: what a Cognito user pool asks of a function while users sign up and sign in."""

from __future__ import annotations

from ..answering.cognito import FIELDS, TRIGGERS, CognitoResponse
from ..events import Event
from ..options import one_of, printable, refused
from ..resources.names import pascal
from ..resources.resource import Grant
from ..resources.user_pool import UserPool
from ..trigger import Trigger, filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort
    from ..trigger import Finder

SENDERS = ("custom_email_sender", "custom_sms_sender")
VERSIONS = ("V1_0", "V2_0", "V3_0")


class CognitoEvent(Event):
    """What a pool asks.

    https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
    """

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        if raw.get("response") is None:
            raw["response"] = {}
        self._response = CognitoResponse(begin(raw), raw["response"])

    def summary(self) -> str:
        return f"{self.trigger_source} {self.user_name}"

    @property
    def response(self) -> CognitoResponse:
        """What Cognito is told: set its attributes."""
        return self._response

    @property
    def trigger_source(self) -> str:
        """What happens: ``PreSignUp_SignUp``, ``PreSignUp_AdminCreateUser``..."""
        return str(self.raw["triggerSource"])

    @property
    def version(self) -> str:
        """The version of the event's form: ``1``; ``2`` or ``3`` where ``pre_token_generation`` asks for it."""
        return str(self.raw.get("version", "1"))

    @property
    def user_pool_id(self) -> str:
        """The pool's id."""
        return str(self.raw["userPoolId"])

    @property
    def region(self) -> str:
        """The pool's region."""
        return str(self.raw.get("region", ""))

    @property
    def user_name(self) -> str:
        """The user's name in the pool; ``""`` where there is no user."""
        return str(self.raw.get("userName") or "")

    @property
    def client_id(self) -> str:
        """The app client that the user came through."""
        return str((self.raw.get("callerContext") or {}).get("clientId") or "")

    @property
    def request(self) -> dict[str, Any]:
        """What the trigger is told. Each trigger's own fields are in it, under AWS's names."""
        return self.raw.get("request") or {}

    @property
    def user_attributes(self) -> dict[str, str]:
        """The user's attributes: ``email``, ``custom:plan``..."""
        return self.request.get("userAttributes") or {}

    @property
    def client_metadata(self) -> dict[str, str]:
        """What the client sent along for the triggers."""
        return self.request.get("clientMetadata") or {}

    @property
    def validation_data(self) -> dict[str, str]:
        """What the client sent along with a sign-up or sign-in, not to be kept."""
        return self.request.get("validationData") or {}

    @property
    def groups(self) -> list[str]:
        """The user's groups, in ``pre_token_generation``."""
        return (self.request.get("groupConfiguration") or {}).get("groupsToOverride") or []

    @property
    def session(self) -> list[dict[str, Any]]:
        """The challenges so far, in the triggers of custom authentication: ``challengeName``, ``challengeResult``."""
        return self.request.get("session") or []

    @property
    def code(self) -> str:
        """In ``custom_message`` the placeholder of the code, which the message must contain; to a custom sender the
        code itself, encrypted with the pool's key."""
        return str(self.request.get("codeParameter") or self.request.get("code") or "")


class CognitoTrigger(Trigger):
    """Run when a user pool asks.

    ``name``: the trigger, such as ``pre_sign_up``. ``user_pool``: a pool that the app owns, or the id or ARN of an
    existing one. ``version``: for ``pre_token_generation``: ``V1_0`` for the ID token, ``V2_0`` for the access token
    too, ``V3_0`` for machines' tokens too. ``kms_key``: for ``custom_email_sender`` and ``custom_sms_sender``: the ARN
    of the key that codes are encrypted with. ``uses``: grants of the pool itself, such as ``[people.write]``.

    The handler sets attributes of ``event.response`` and returns nothing, or returns a dict to fill it. When it raises,
    Cognito refuses what the user wanted, with the exception's message. Cognito waits 5 seconds and asks 3 times at
    most. https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
    """

    decorator = "cognito_trigger"
    example = '@app.cognito_trigger("pre_sign_up", people)'
    kinds = ("cognito_userpool",)

    def __init__(
        self,
        name: str,
        user_pool: UserPool | str,
        *,
        version: str = "V1_0",
        kms_key: str | None = None,
        uses: Sequence[Grant] = (),
    ) -> None:
        super().__init__()
        self.name = name
        self.user_pool = self.resource = UserPool.of("cognito_trigger", user_pool)
        self.version = version
        self.kms_key = kms_key
        self.uses = uses
        self.validate()

    def validate(self) -> None:
        one_of("cognito_trigger", "name", self.name, TRIGGERS)
        one_of("cognito_trigger", "version", self.version, VERSIONS)
        if self.version != "V1_0" and self.name != "pre_token_generation":
            raise refused(f"Only pre_token_generation has versions: {self.name} is always V1_0. Remove version.")
        if (self.kms_key is not None) != (self.name in SENDERS):
            raise refused(
                f"{self.name} needs kms_key: Cognito gives it the code encrypted. Write the ARN of a symmetric KMS key."
                if self.name in SENDERS
                else f"Only {' and '.join(SENDERS)} have a key. Remove kms_key."
            )
        if self.kms_key is not None and (not isinstance(self.kms_key, str) or not is_key(self.kms_key)):
            raise refused(
                f"kms_key must be arn:aws:kms:REGION:ACCOUNT:key/ID for cognito_trigger, not {self.kms_key!r}."
            )
        if not isinstance(self.uses, (list, tuple)) or not all(isinstance(grant, Grant) for grant in self.uses):
            raise refused(
                f"uses must be a list of grants such as [people.write] for cognito_trigger, not {self.uses!r}."
            )
        for grant in self.uses:
            if grant.resource is not self.user_pool:
                raise refused(f"{grant!r} is not of the pool. Write @app.function(uses=[...]) for other resources.")

    def key(self) -> Collection[tuple[str, str]]:
        said = f"The {self.name} trigger of user pool {self.user_pool.key!r}"
        return [(f"cognito {self.user_pool.logical_id} {self.name}", said)]

    def title(self) -> str:
        version = f" {self.version}" if self.name == "pre_token_generation" else ""
        return f"cognito {self.user_pool.key} {self.name}{version}"

    def mismatch(self, raw: Any) -> str:
        if begin(raw) in TRIGGERS[self.name][1]:
            return ""
        return f"trigger source `{printable(raw['triggerSource'])}` is not one of {self.name}"

    @classmethod
    def index(cls, triggers: Sequence[CognitoTrigger]) -> Finder:
        """By what the source begins with. An event has the pool's id, which AWS chooses and the app does not know."""
        return filed((TRIGGERS[trigger.name][1] for trigger in triggers), lambda raw: [begin(raw)])

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        return self.sample() if isinstance(other, CognitoTrigger) and other.name == self.name else None

    def parse(self, raw: Any, context: Any) -> CognitoEvent:
        return CognitoEvent(raw, context)

    def payload(self, event: CognitoEvent) -> Any:
        """What the trigger is told."""
        return event.request

    def encode(self, result: Any, event: CognitoEvent) -> Any:
        if isinstance(result, dict) and result is not event.raw:
            given = result.get("response") if "triggerSource" in result else result
            if not isinstance(given, dict):
                raise TypeError(f"The event that a cognito_trigger handler returns has a response, not {given!r:.80}.")
            event.response.fill(given)
        elif result is not None and result is not event and result is not event.raw:
            raise TypeError(
                f"A cognito_trigger handler returns nothing, or a dict for the response, not {result!r:.80}. Set "
                f"attributes of event.response."
            )
        if begin(event.raw) == "CustomMessage":
            complete(event)
        return event.raw

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """Leave to decrypt the codes."""
        return [(["kms:Decrypt"], [self.kms_key])] if self.kms_key else []

    def resources(self, function: Function, template: Template) -> None:
        """The pool's ``LambdaConfig``, and the permission for this pool; of an existing pool, the ARN to set there."""
        pool = self.user_pool
        made = pool.made_by(template)
        self._without_circle(function, template)
        name = pascal(function.name) + pool.logical_id
        template.permit(function, name, "cognito-idp.amazonaws.com", pool.arn_in(template))
        if self.uses:
            self._grant(function, template, name + "Policy")
        key = TRIGGERS[self.name][0]
        if not made:
            said = f"To set as {key} in LambdaConfig of user pool {pool.key}"
            template.output(pool.logical_id + key + "FunctionArn", template.function_arn(function), said)
            return
        arn: Any = template.function_arn(function)
        config = template.properties(pool.logical_id).setdefault("LambdaConfig", {})
        if self.version != "V1_0":
            key += "Config"
        if key in ("CustomEmailSender", "CustomSMSSender", "InboundFederation", "PreTokenGenerationConfig"):
            arn = {"LambdaArn": arn, "LambdaVersion": self.version}
        config[key] = arn
        if self.kms_key and config.setdefault("KMSKeyID", self.kms_key) != self.kms_key:
            raise self.refused(f"A user pool has one key for its senders, and the other has {config['KMSKeyID']!r}.")

    def _without_circle(self, function: Function, template: Template) -> None:
        """The pool is made after its functions, so a function cannot be told of the pool."""
        if not self.user_pool.owned:
            return
        if template.main is not template:
            raise self.refused(
                f"The pool {self.user_pool.key!r} is in the app's main stack, which is deployed before this one, and "
                f"needs the function. Mount the blueprint without stack=True, or move the trigger."
            )
        for grant in function.uses:
            if grant.resource is self.user_pool:
                raise self.refused(
                    f"Function {function.name!r} would wait for its own pool {self.user_pool.key!r}. Move {grant!r} "
                    f"from @app.function to @app.cognito_trigger({self.name!r}, ..., uses=[...]); the pool's id is "
                    f"event.user_pool_id."
                )

    def _grant(self, function: Function, template: Template, logical_id: str) -> None:
        """A policy apart from the role, which is there before the pool. A role of the user's own gets none."""
        role = pascal(function.name) + "Role"
        if not template.has(role):
            return
        allowed = [
            {"Effect": "Allow", "Action": actions, "Resource": arns}
            for grant in self.uses
            for actions, arns in grant.statements(template)
        ]
        if template.has(logical_id):
            known = template.properties(logical_id)["PolicyDocument"]["Statement"]
            known.extend(each for each in allowed if each not in known)
            return
        properties = {
            "PolicyName": "pool",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": allowed},
            "Roles": [{"Ref": role}],
        }
        template.add(logical_id, "AWS::IAM::Policy", properties)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """What the pool sends. Fields: ``trigger_source``, ``user_name``, ``user_attributes``, ``client_metadata``,
        ``client_id``, ``request`` (further fields of the request, by AWS's names)."""
        known = ("trigger_source", "user_name", "user_attributes", "client_metadata", "client_id", "request")
        self.fields_among(fields, known)
        _, sources, last = TRIGGERS[self.name]
        pool = "us-east-1_EXAMPLE" if self.user_pool.owned else self.user_pool.key
        request: dict[str, Any] = {
            "userAttributes": dict(fields.get("user_attributes") or {"email": "ada@example.com"}),
            **requested(self.name),
            **dict(fields.get("request") or {}),
        }
        if "client_metadata" in fields:
            request["clientMetadata"] = dict(fields["client_metadata"])
        expected = FIELDS.get(sources[0], ())
        if self.name == "pre_token_generation":
            expected = expected[:1] if self.version == "V1_0" else expected[1:]
        empty = dict.fromkeys((key for _, key, _ in expected), False if self.name == "pre_sign_up" else None)
        return {
            "version": self.version[1],
            "triggerSource": fields.get("trigger_source", f"{sources[0]}_{last}"),
            "region": pool.partition("_")[0],
            "userPoolId": pool,
            "userName": fields.get("user_name", "ada"),
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": fields.get("client_id", "1example23456789"),
            },
            "request": request,
            "response": empty,
        }


def begin(raw: Any) -> str:
    """What a ``triggerSource`` begins with, which tells its trigger."""
    return str(raw["triggerSource"]).partition("_")[0]


def is_key(arn: str) -> bool:
    """Whether it is the ARN of a KMS key."""
    parts = arn.split(":")
    return len(parts) == 6 and parts[0] == "arn" and parts[2] == "kms" and parts[5].startswith("key/")


def complete(event: CognitoEvent) -> None:
    """Refuse a message without the code it is to tell."""
    request, response = event.request, event.raw["response"]
    codes = [request["codeParameter"], *(["{##"] if request.get("linkParameter") else [])]  # any text is a link's
    name = request.get("usernameParameter") if event.trigger_source == "CustomMessage_AdminCreateUser" else None
    for key in ("smsMessage", "emailMessage"):
        message = response.get(key)
        if not message:
            continue
        if not any(code in message for code in codes):
            raise ValueError(
                f"{key} must contain the code's placeholder, event.code ({codes[0]!r}): Cognito refuses it."
            )
        if name and name not in message:
            raise ValueError(f"{key} must contain request['usernameParameter'] ({name!r}): Cognito refuses it.")


def requested(name: str) -> dict[str, Any]:
    """What a trigger is told beside the user's attributes, for a sample."""
    groups: dict[str, Any] = {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": None}
    found: dict[str, dict[str, Any]] = {
        "pre_sign_up": {"validationData": {}},
        "pre_authentication": {"validationData": {}},
        "post_authentication": {"newDeviceUsed": False},
        "pre_token_generation": {"groupConfiguration": groups},
        "user_migration": {"password": "Example-1234", "validationData": {}},
        "custom_message": {
            "codeParameter": "{####}",
            "usernameParameter": "{username}",
            "linkParameter": "{##Click Here##}",
        },
        "custom_email_sender": {"type": "customEmailSenderRequestV1", "code": "ZXhhbXBsZQ=="},
        "custom_sms_sender": {"type": "customSMSSenderRequestV1", "code": "ZXhhbXBsZQ=="},
        "define_auth_challenge": {"session": [], "userNotFound": False},
        "create_auth_challenge": {"challengeName": "CUSTOM_CHALLENGE", "session": [], "userNotFound": False},
        "verify_auth_challenge_response": {"privateChallengeParameters": {}, "challengeAnswer": "example"},
        "inbound_federation": {
            "providerName": "Example",
            "providerType": "OIDC",
            "attributes": {"userInfo": {"email": "ada@example.com"}},
        },
    }
    return found.get(name, {})
