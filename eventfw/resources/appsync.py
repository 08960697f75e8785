"""What AppSync's APIs have in common: a function as a data source."""

from __future__ import annotations

from .names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..function import Function
    from .resource import Template


def data_source(template: Template, function: Function, part: str, api_id: Any, api_arn: Any) -> Any:
    """A function as a data source of an API, with a role that this API may take to invoke it, and for nothing else.
    ``part`` stands for the API in logical ids. Gives the source's name; asking twice gives the same."""
    source = f"{pascal(function.name)}{part}DataSource"
    if not template.has(source):
        arn = template.function_arn(function)
        conditions = {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnLike": {"aws:SourceArn": api_arn},
        }
        statements = [(["lambda:InvokeFunction"], [arn])]
        role = template.role(source + "Role", "appsync.amazonaws.com", statements, conditions=conditions)
        properties = {
            "ApiId": api_id,
            "Name": template.physical(function.name).replace("-", "_"),
            "Type": "AWS_LAMBDA",
            "LambdaConfig": {"LambdaFunctionArn": arn},
            "ServiceRoleArn": {"Fn::GetAtt": [role, "Arn"]},
        }
        template.add(source, "AWS::AppSync::DataSource", properties)
    return {"Fn::GetAtt": [source, "Name"]}
