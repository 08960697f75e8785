"""LambdaFunction: a Lambda function that another one invokes."""

from __future__ import annotations

from ..options import closest, refused, text
from .named import Named
from .resource import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any, Self

    from .resource import Template


class LambdaFunction(Named):
    """A function of the app, by its short name, or an existing one, by its ARN: to invoke it from another.

    A function of the app that is published is invoked through its alias.
    The ARN of a function of the app is built from names, so that two functions may invoke each other. An ARN may end
    in ``:alias`` or ``:version``. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """

    type = "lambda_function"
    service = "lambda"
    path = "function:"
    suffix = "Function"

    def __init__(self, name: str) -> None:
        text("lambda_function", "name", name, 'Write app.lambda_function("resize").')
        short, arn = self.named(name)
        super().__init__(short)
        self.owned, self.arn_text = False, arn
        self.validate()

    @classmethod
    def existing(cls, name: str) -> Self:
        """A function that is there already, by ARN."""
        if not isinstance(name, str) or not name.startswith("arn:"):
            said = "arn:aws:lambda:REGION:ACCOUNT:function:NAME"
            raise refused(f"An existing function is named by its ARN, {said}, not {name!r}.")
        return cls(name)

    def validate(self) -> None:
        signs = "-_:$" if self.arn_text else "-_"
        if not all(char.isascii() and (char.isalnum() or char in signs) for char in self.key):
            raise refused(
                f"lambda_function takes the short name of a function of the app, or the ARN of another, "
                f"not {self.key!r}."
            )

    @property
    def claims(self) -> set[str]:
        return {self.variable}

    @property
    def invoke(self) -> Grant:
        """Leave to invoke the function."""
        return Grant(self, "invoke", {"": ("lambda:InvokeFunction",)})

    def check(self, functions: Collection[str]) -> None:
        if not self.arn_text and self.key not in functions:
            hint = closest(self.key, functions) or f" It has: {', '.join(sorted(functions))}."
            raise self.refused(f"The app has no function {self.key!r}.{hint}")

    def made_by(self, template: Template) -> bool:
        return False

    def arn_in(self, template: Template) -> Any:
        if self.arn_text:
            return self.arn_text
        name = template.physical(self.key) + (":live" if self.key in template.published else "")
        return {"Fn::Sub": f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{name}"}

    def resources(self, template: Template) -> None:
        """None: it only names."""
