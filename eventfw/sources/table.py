"""The one table of sources. Adding a source is one file beside this one, and its lines here: the import and the
attribute, which type checkers read; its row, which Python reads; and how its events are recognised."""

from __future__ import annotations

from ..errors import RegistrationError, user_place
from ..options import closest, construct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

    from ..function import Settings
    from ..http import Request as Request
    from ..resources.bucket import Bucket as Bucket
    from ..resources.distribution import Distribution as Distribution
    from ..resources.event_bus import EventBus as EventBus
    from ..resources.graphql_api import GraphQLApi as GraphQLApi
    from ..resources.http_api import HttpApi as HttpApi
    from ..resources.jwt_authorizer import JwtAuthorizer as JwtAuthorizer
    from ..resources.lambda_function import LambdaFunction as LambdaFunction
    from ..resources.lattice_service import LatticeService as LatticeService
    from ..resources.log_group import LogGroup as LogGroup
    from ..resources.queue import Queue as Queue
    from ..resources.raw import RawResource as RawResource
    from ..resources.rest_api import RestApi as RestApi
    from ..resources.state_machine import StateMachine as StateMachine
    from ..resources.stream import Stream as Stream
    from ..resources.table import Table as Table
    from ..resources.topic import Topic as Topic
    from ..resources.user_pool import UserPool as UserPool
    from ..resources.websocket_api import WebSocketApi as WebSocketApi
    from ..trigger import Trigger
    from .alarm import Alarm
    from .alarm import AlarmChange as AlarmChange
    from .alb import Alb
    from .alexa import AlexaRequest as AlexaRequest
    from .alexa import AlexaSkill
    from .alexa_smart_home import AlexaDirective as AlexaDirective
    from .alexa_smart_home import AlexaSmartHome
    from .appsync import AppSyncBatch as AppSyncBatch
    from .appsync import AppSyncEvent as AppSyncEvent
    from .appsync import AppSyncResolver
    from .appsync_authorizer import AppSyncAuthorization as AppSyncAuthorization
    from .appsync_authorizer import AppSyncAuthorizer
    from .appsync_channel import AppSyncChannel
    from .appsync_channel import AppSyncChannelEvent as AppSyncChannelEvent
    from .appsync_channel import AppSyncMessage as AppSyncMessage
    from .appsync_channel import AppSyncPublication as AppSyncPublication
    from .authorizer import Authorizer
    from .authorizer import AuthorizerRequest as AuthorizerRequest
    from .bedrock import BedrockAction as BedrockAction
    from .bedrock import BedrockActionGroup
    from .codecommit import CodeCommitTrigger
    from .codecommit import PushedReference as PushedReference
    from .codecommit import RepositoryPush as RepositoryPush
    from .codedeploy import CodeDeployHook
    from .codedeploy import DeploymentHook as DeploymentHook
    from .codepipeline import CodePipelineAction
    from .codepipeline import PipelineArtifact as PipelineArtifact
    from .codepipeline import PipelineJob as PipelineJob
    from .cognito import CognitoEvent as CognitoEvent
    from .cognito import CognitoTrigger
    from .config import ConfigNotification as ConfigNotification
    from .config import ConfigRule
    from .connect import ConnectEvent as ConnectEvent
    from .connect import ConnectFlow
    from .custom_resource import CustomResource
    from .custom_resource import ResourceRequest as ResourceRequest
    from .documentdb import DocumentBatch as DocumentBatch
    from .documentdb import DocumentChange as DocumentChange
    from .documentdb import DocumentDBStream
    from .dynamodb import DynamoDBBatch as DynamoDBBatch
    from .dynamodb import DynamoDBRecord as DynamoDBRecord
    from .dynamodb import DynamoDBStream
    from .edge import EdgeOriginRequest, EdgeOriginResponse, EdgeViewerRequest, EdgeViewerResponse
    from .edge import EdgeRequest as EdgeRequest
    from .edge import OriginRequest as OriginRequest
    from .edge import OriginResponse as OriginResponse
    from .edge import ViewerResponse as ViewerResponse
    from .event_rule import EventBridgeEvent as EventBridgeEvent
    from .event_rule import EventRule
    from .firehose import FirehoseRecord as FirehoseRecord
    from .firehose import FirehoseTransform
    from .function_url import FunctionUrl
    from .http import Delete, Get, Http, Patch, Post, Put
    from .iot import IotRule
    from .kafka import KafkaBatch as KafkaBatch
    from .kafka import KafkaConsumer
    from .kafka import KafkaRecord as KafkaRecord
    from .kinesis import KinesisBatch as KinesisBatch
    from .kinesis import KinesisConsumer
    from .kinesis import KinesisRecord as KinesisRecord
    from .lex import LexEvent as LexEvent
    from .lex import LexHook
    from .logs import LogBatch as LogBatch
    from .logs import LogEvent as LogEvent
    from .logs import LogSubscription
    from .mq import MqBatch as MqBatch
    from .mq import MqConsumer
    from .mq import MqMessage as MqMessage
    from .postgres import PostgresFunction
    from .rds import DatabaseEvent as DatabaseEvent
    from .rds import RdsEvent
    from .s3 import S3Record as S3Record
    from .s3 import S3Trigger
    from .s3_batch import S3Batch
    from .s3_batch import S3BatchTask as S3BatchTask
    from .s3_object_lambda import S3ObjectLambda
    from .s3_object_lambda import S3ObjectRequest as S3ObjectRequest
    from .schedule import Schedule
    from .schedule import Tick as Tick
    from .secrets import SecretRotation
    from .secrets import SecretStep as SecretStep
    from .ses import ReceivedMail as ReceivedMail
    from .ses import SesReceiver
    from .sns import SnsMessage as SnsMessage
    from .sns import SnsSubscriber
    from .sqs import SqsBatch as SqsBatch
    from .sqs import SqsConsumer
    from .sqs import SqsMessage as SqsMessage
    from .step import Step
    from .step import StepTask as StepTask
    from .vpc_lattice import VpcLattice
    from .websocket import WebSocket
    from .websocket import WebSocketEvent as WebSocketEvent

    Rules = dict[str, dict[str, dict[str, Any]]]
    P = ParamSpec("P")
    F = TypeVar("F", bound=Callable[..., Any])
    R = TypeVar("R")

    class Decorator(Protocol):
        """Takes a function and returns it unchanged, with its type."""

        def __call__(self, func: F, /) -> F: ...

    def lazy(cls: Callable[P, Trigger | Settings]) -> Callable[Concatenate[Any, P], Decorator]:
        """The constructor's signature as a decorator's; ``Any`` stands for the app."""
        ...

    def made(cls: Callable[P, R]) -> Callable[Concatenate[Any, P], R]:
        """The constructor's signature as a method's that returns what it made."""
        ...


SOURCES = {  # decorator: (module, trigger, what its handlers receive), the last being public names of `eventfw`
    "alarm": ("eventfw.sources.alarm", "Alarm", "AlarmChange"),
    "alb": ("eventfw.sources.alb", "Alb"),
    "alexa_skill": ("eventfw.sources.alexa", "AlexaSkill", "AlexaRequest"),
    "alexa_smart_home": ("eventfw.sources.alexa_smart_home", "AlexaSmartHome", "AlexaDirective"),
    "appsync_authorizer": ("eventfw.sources.appsync_authorizer", "AppSyncAuthorizer", "AppSyncAuthorization"),
    "appsync_channel": (
        "eventfw.sources.appsync_channel",
        "AppSyncChannel",
        "AppSyncMessage",
        "AppSyncChannelEvent",
        "AppSyncPublication",
    ),
    "appsync_resolver": ("eventfw.sources.appsync", "AppSyncResolver", "AppSyncEvent", "AppSyncBatch"),
    "authorizer": ("eventfw.sources.authorizer", "Authorizer", "AuthorizerRequest"),
    "bedrock_action": ("eventfw.sources.bedrock", "BedrockActionGroup", "BedrockAction"),
    "codecommit_trigger": ("eventfw.sources.codecommit", "CodeCommitTrigger", "RepositoryPush", "PushedReference"),
    "codedeploy_hook": ("eventfw.sources.codedeploy", "CodeDeployHook", "DeploymentHook"),
    "codepipeline_action": ("eventfw.sources.codepipeline", "CodePipelineAction", "PipelineJob", "PipelineArtifact"),
    "cognito_trigger": ("eventfw.sources.cognito", "CognitoTrigger", "CognitoEvent"),
    "config_rule": ("eventfw.sources.config", "ConfigRule", "ConfigNotification"),
    "connect_flow": ("eventfw.sources.connect", "ConnectFlow", "ConnectEvent"),
    "custom_resource": ("eventfw.sources.custom_resource", "CustomResource", "ResourceRequest"),
    "delete": ("eventfw.sources.http", "Delete", "Request"),
    "documentdb_stream": ("eventfw.sources.documentdb", "DocumentDBStream", "DocumentChange", "DocumentBatch"),
    "dynamodb_stream": ("eventfw.sources.dynamodb", "DynamoDBStream", "DynamoDBRecord", "DynamoDBBatch"),
    "edge_origin_request": ("eventfw.sources.edge", "EdgeOriginRequest", "OriginRequest"),
    "edge_origin_response": ("eventfw.sources.edge", "EdgeOriginResponse", "OriginResponse"),
    "edge_viewer_request": ("eventfw.sources.edge", "EdgeViewerRequest", "EdgeRequest"),
    "edge_viewer_response": ("eventfw.sources.edge", "EdgeViewerResponse", "ViewerResponse"),
    "event_rule": ("eventfw.sources.event_rule", "EventRule", "EventBridgeEvent"),
    "firehose_transform": ("eventfw.sources.firehose", "FirehoseTransform", "FirehoseRecord"),
    "function_url": ("eventfw.sources.function_url", "FunctionUrl"),
    "get": ("eventfw.sources.http", "Get", "Request"),
    "http": ("eventfw.sources.http", "Http", "Request"),
    "iot_rule": ("eventfw.sources.iot", "IotRule"),
    "kafka_consumer": ("eventfw.sources.kafka", "KafkaConsumer", "KafkaRecord", "KafkaBatch"),
    "kinesis_consumer": ("eventfw.sources.kinesis", "KinesisConsumer", "KinesisRecord", "KinesisBatch"),
    "lex_hook": ("eventfw.sources.lex", "LexHook", "LexEvent"),
    "log_subscription": ("eventfw.sources.logs", "LogSubscription", "LogEvent", "LogBatch"),
    "patch": ("eventfw.sources.http", "Patch", "Request"),
    "post": ("eventfw.sources.http", "Post", "Request"),
    "postgres_function": ("eventfw.sources.postgres", "PostgresFunction"),
    "put": ("eventfw.sources.http", "Put", "Request"),
    "rds_event": ("eventfw.sources.rds", "RdsEvent", "DatabaseEvent"),
    "mq_consumer": ("eventfw.sources.mq", "MqConsumer", "MqMessage", "MqBatch"),
    "s3_batch": ("eventfw.sources.s3_batch", "S3Batch", "S3BatchTask"),
    "s3_object_lambda": ("eventfw.sources.s3_object_lambda", "S3ObjectLambda", "S3ObjectRequest"),
    "s3_trigger": ("eventfw.sources.s3", "S3Trigger", "S3Record"),
    "schedule": ("eventfw.sources.schedule", "Schedule", "Tick"),
    "secret_rotation": ("eventfw.sources.secrets", "SecretRotation", "SecretStep"),
    "ses_receiver": ("eventfw.sources.ses", "SesReceiver", "ReceivedMail"),
    "sns_subscriber": ("eventfw.sources.sns", "SnsSubscriber", "SnsMessage"),
    "sqs_consumer": ("eventfw.sources.sqs", "SqsConsumer", "SqsMessage", "SqsBatch"),
    "step": ("eventfw.sources.step", "Step", "StepTask"),
    "vpc_lattice": ("eventfw.sources.vpc_lattice", "VpcLattice"),
    "websocket": ("eventfw.sources.websocket", "WebSocket", "WebSocketEvent"),
}
RESOURCES = {  # method: (module, class), the class being a public name of `eventfw`
    "bucket": ("eventfw.resources.bucket", "Bucket"),
    "distribution": ("eventfw.resources.distribution", "Distribution"),
    "event_bus": ("eventfw.resources.event_bus", "EventBus"),
    "graphql_api": ("eventfw.resources.graphql_api", "GraphQLApi"),
    "http_api": ("eventfw.resources.http_api", "HttpApi"),
    "jwt_authorizer": ("eventfw.resources.jwt_authorizer", "JwtAuthorizer"),
    "lambda_function": ("eventfw.resources.lambda_function", "LambdaFunction"),
    "lattice_service": ("eventfw.resources.lattice_service", "LatticeService"),
    "log_group": ("eventfw.resources.log_group", "LogGroup"),
    "queue": ("eventfw.resources.queue", "Queue"),
    "resource": ("eventfw.resources.raw", "RawResource"),
    "rest_api": ("eventfw.resources.rest_api", "RestApi"),
    "state_machine": ("eventfw.resources.state_machine", "StateMachine"),
    "stream": ("eventfw.resources.stream", "Stream"),
    "table": ("eventfw.resources.table", "Table"),
    "topic": ("eventfw.resources.topic", "Topic"),
    "user_pool": ("eventfw.resources.user_pool", "UserPool"),
    "websocket_api": ("eventfw.resources.websocket_api", "WebSocketApi"),
}

# How events are recognised; `eventfw.recognition` reads it. A rule, `kind: shape`, stands under a key that tells its
# events. In a shape, a type is asked of a value, a tuple lists what it may be, a text stands in it, `None` says that it
# is absent or null, a dict is the shape of an object, and a list that of its first item.
RECORD_KINDS = {  # by the `eventSource` of the first of `Records`
    "aws:codecommit": "codecommit",
    "aws:dynamodb": "dynamodb",
    "aws:kinesis": "kinesis",
    "aws:s3": "s3",
    "aws:ses": "ses",
    "aws:sqs": "sqs",
}
RECORD_RULES: Rules = {  # by a key of the first of `Records`, which has no `eventSource` in these
    "EventSource": {"sns": {"EventSource": ("aws:sns",)}},
    "cf": {"cloudfront": {"cf": dict}},  # AWS's own samples leave `config.eventType` out
}
ITEM_RULES: Rules = {  # by a key of the first item of an event that is a list; EventBridge Pipes send lists, too
    "info": {"appsync_batch_resolver": {"info": {"fieldName": str}, "arguments": dict}},
}
FIRST_RULES: Rules = {  # by a key of the event, before the others: an authorizer's event is a request's with more
    "detail-type": {"eventbridge": {"detail-type": str, "source": str, "detail": dict | str}},  # Scheduler sends "{}"
    "methodArn": {
        "apigw_authorizer_token": {"type": ("TOKEN",), "authorizationToken": str},
        "apigw_authorizer_request": {"type": ("REQUEST",)},
    },
    "routeArn": {"apigw_authorizer_v2": {"version": ("2.0",)}},
}
CONTEXT_2_RULES: Rules = {  # then by a key of `requestContext` and its shape, in events of version 2.0
    "http": {"function_url": {"domainName": ".lambda-url.", "http": dict}, "apigw_http_v2": {"http": dict}},
    "serviceNetworkArn": {"vpc_lattice_v2": {"serviceNetworkArn": str}},
}
CONTEXT_RULES: Rules = {  # and in those of any other version or none; a WebSocket event may be one of REST with more
    "connectionId": {"apigw_websocket": {"eventType": ("CONNECT", "MESSAGE", "DISCONNECT"), "routeKey": str}},
    "elb": {"alb": {"elb": {"targetGroupArn": str}}},
    "functionArn": {"lambda_destination": {"condition": str}},
}
EVENT_RULES: Rules = {  # then by a key of the event
    "CodePipeline.job": {"codepipeline": {"CodePipeline.job": dict}},
    "DeploymentId": {"codedeploy_hook": {"LifecycleEventHookExecutionId": str}},
    "Details": {"connect": {"Details": {"ContactData": dict}}},
    "Event": {"s3_test_event": {"Event": ("s3:TestEvent",), "Records": None}},
    "ResponseURL": {
        "cloudformation_custom_resource": {"RequestType": ("Create", "Update", "Delete"), "StackId": str},
    },
    "Step": {"secretsmanager_rotation": {"SecretId": str, "ClientRequestToken": str}},
    "actionGroup": {"bedrock_agent": {"messageVersion": str, "agent": dict}},
    "alarmArn": {"cloudwatch_alarm": {"source": ("aws.cloudwatch",), "alarmData": dict, "detail-type": None}},
    "applicationArn": {
        "kinesis_analytics_preprocessor": {"records": list, "streamArn": str},
        "kinesis_analytics_output": {"records": list, "streamArn": None},
    },
    "authorizationToken": {"appsync_authorizer": {"methodArn": None, "requestContext": {"apiId": str}}},
    "awslogs": {"cloudwatch_logs": {"awslogs": {"data": str}}},
    "claimCertificateId": {"iot_preprovisioning_hook": {"templateArn": str}},
    "clickType": {"iot_button": {"serialNumber": str}},
    "connection-id": {"clientvpn_connection_handler": {"endpoint-id": str}},
    "context": {"alexa_skill": {"context": {"System": dict}, "request": {"type": str}, "version": str}},
    "currentIntent": {"lex_v1": {"messageVersion": ("1.0",)}},
    "datasetName": {"cognito_sync": {"identityPoolId": str}},
    "describe": {"cloudwatch_dashboard_widget": {"describe": (True,)}},
    "deviceEvent": {"iot_1click": {"placementInfo": dict}},
    "directive": {"alexa_smart_home": {"directive": {"header": {"namespace": str}}}},
    "eventSource": {
        "msk": {"eventSource": ("aws:kafka",), "records": dict},
        "kafka_self_managed": {"eventSource": ("aws:SelfManagedKafka", "SelfManagedKafka"), "records": dict},
        "mq_activemq": {"eventSource": ("aws:amq", "aws:mq"), "messages": list},
        "mq_rabbitmq": {"eventSource": ("aws:rmq",), "rmqMessagesByQueue": dict},
        "documentdb": {"eventSource": ("aws:docdb",), "events": list},
    },
    "fieldName": {"appsync_resolver": {"fieldName": str, "typeName": str}},  # what mapping templates send
    "header": {"alexa_smart_home_v2": {"header": {"namespace": str}, "payload": dict}},
    "info": {
        "appsync_resolver": {"info": {"fieldName": str}, "arguments": dict},
        "appsync_events": {"info": {"channel": dict}},
    },
    "invocationId": {"firehose": {"records": [{"recordId": str}], "applicationArn": None}},
    "invocationSchemaVersion": {"s3_batch": {"job": dict, "tasks": list}},
    "invokingEvent": {"config_rule": {"invokingEvent": str, "resultToken": str}},
    "protocolData": {"iot_custom_authorizer": {"signatureVerified": bool}},
    "raw_path": {"vpc_lattice_v1": {"method": str}},
    "resource": {
        "apigw_rest": {"requestContext": dict, "httpMethod": str, "version": None},
        "apigw_http_v1": {"requestContext": dict, "httpMethod": str, "version": ("1.0",)},
    },
    "serverId": {"transfer_identity_provider": {"serverId": str, "username": str}},
    "session": {"alexa_skill": {"session": dict, "request": {"type": str}, "version": str}},
    "sessionState": {
        "lex_v2": {"bot": {"localeId": str}, "invocationSource": ("DialogCodeHook", "FulfillmentCodeHook")}
    },
    "triggerSource": {"cognito_userpool": {"triggerSource": str, "userPoolId": str}},
    "widgetContext": {"cloudwatch_dashboard_widget": {"widgetContext": dict}},
    "window": {  # the last call of a tumbling window may carry no records
        "dynamodb": {"window": dict, "eventSourceARN": ":dynamodb:"},
        "kinesis": {"window": dict, "eventSourceARN": ":kinesis:"},
    },
    **{
        f"{operation}Context": {"s3_object_lambda": {"xAmzRequestId": str}}
        for operation in ("getObject", "headObject", "listObjects", "listObjectsV2")
    },
}


class Decorators:
    """What App and Blueprint share: a decorator for each source, a method for each resource.

    A module is imported when its name is first used, so an app loads the sources it has and no other.
    """

    if TYPE_CHECKING:
        alarm = lazy(Alarm)
        alb = lazy(Alb)
        alexa_skill = lazy(AlexaSkill)
        alexa_smart_home = lazy(AlexaSmartHome)
        appsync_authorizer = lazy(AppSyncAuthorizer)
        appsync_channel = lazy(AppSyncChannel)
        appsync_resolver = lazy(AppSyncResolver)
        authorizer = lazy(Authorizer)
        bedrock_action = lazy(BedrockActionGroup)
        codecommit_trigger = lazy(CodeCommitTrigger)
        codedeploy_hook = lazy(CodeDeployHook)
        codepipeline_action = lazy(CodePipelineAction)
        cognito_trigger = lazy(CognitoTrigger)
        config_rule = lazy(ConfigRule)
        connect_flow = lazy(ConnectFlow)
        custom_resource = lazy(CustomResource)
        delete = lazy(Delete)
        documentdb_stream = lazy(DocumentDBStream)
        dynamodb_stream = lazy(DynamoDBStream)
        edge_origin_request = lazy(EdgeOriginRequest)
        edge_origin_response = lazy(EdgeOriginResponse)
        edge_viewer_request = lazy(EdgeViewerRequest)
        edge_viewer_response = lazy(EdgeViewerResponse)
        event_rule = lazy(EventRule)
        firehose_transform = lazy(FirehoseTransform)
        function_url = lazy(FunctionUrl)
        get = lazy(Get)
        http = lazy(Http)
        iot_rule = lazy(IotRule)
        kafka_consumer = lazy(KafkaConsumer)
        kinesis_consumer = lazy(KinesisConsumer)
        lex_hook = lazy(LexHook)
        log_subscription = lazy(LogSubscription)
        patch = lazy(Patch)
        post = lazy(Post)
        postgres_function = lazy(PostgresFunction)
        put = lazy(Put)
        rds_event = lazy(RdsEvent)
        mq_consumer = lazy(MqConsumer)
        s3_batch = lazy(S3Batch)
        s3_object_lambda = lazy(S3ObjectLambda)
        s3_trigger = lazy(S3Trigger)
        schedule = lazy(Schedule)
        secret_rotation = lazy(SecretRotation)
        ses_receiver = lazy(SesReceiver)
        sns_subscriber = lazy(SnsSubscriber)
        sqs_consumer = lazy(SqsConsumer)
        step = lazy(Step)
        vpc_lattice = lazy(VpcLattice)
        websocket = lazy(WebSocket)
        function = lazy(Settings)

        bucket = made(Bucket)
        distribution = made(Distribution)
        event_bus = made(EventBus)
        graphql_api = made(GraphQLApi)
        http_api = made(HttpApi)
        jwt_authorizer = made(JwtAuthorizer)
        lambda_function = made(LambdaFunction)
        lattice_service = made(LatticeService)
        log_group = made(LogGroup)
        queue = made(Queue)
        resource = made(RawResource)
        rest_api = made(RestApi)
        state_machine = made(StateMachine)
        stream = made(Stream)
        table = made(Table)
        topic = made(Topic)
        user_pool = made(UserPool)
        websocket_api = made(WebSocketApi)
    else:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            if name in SOURCES:
                return decorator(self, self.register, name, load(SOURCES[name]))
            if name in RESOURCES:
                return maker(self.own, name, load(RESOURCES[name]))
            if name == "function":
                return decorator(self, self.configure, name, load(("eventfw.function", "Settings")))
            known = [
                *SOURCES,
                *RESOURCES,
                "function",
                "middleware",
                *(["mount"] if hasattr(type(self), "mount") else []),
            ]
            raise UnknownDecorator(
                f"{type(self).__name__} has no {name!r}.{closest(name, known)} It has: {', '.join(sorted(known))}.",
                place=user_place(),
            )


class UnknownDecorator(RegistrationError, AttributeError):
    """A decorator or resource that does not exist."""


def load(home: tuple[str, ...]) -> Any:
    """The class a row of the table names."""
    return getattr(__import__(home[0], fromlist=[home[1]]), home[1])


def public_names() -> dict[str, str]:
    """The module of each class that users may name: resources, and what handlers receive."""
    names = {name: module for module, _, *events in SOURCES.values() for name in events}
    return names | {name: module for module, name in RESOURCES.values()}


def decorator(registrar: Any, register: Any, name: str, cls: Any) -> Any:
    """What ``app.<name>`` is: called with the options, it gives the decorator."""

    def options(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and callable(args[0]):
            label = getattr(args[0], "__name__", "the handler")
            example = getattr(cls, "example", "@app.function()")
            raise RegistrationError(
                f"@app.{name} needs parentheses above {label}. Write {example}.", place=user_place()
            )
        item = construct(cls, name, args, kwargs)
        unused = (name, item.place)
        registrar.unused.append(unused)

        def decorate(func: Any) -> Any:
            if not callable(func):
                raise RegistrationError(f"@app.{name}(...) decorates a function, not {func!r}.", place=user_place())
            if unused in registrar.unused:
                registrar.unused.remove(unused)
            register(func, item)
            return func

        return decorate

    return options


def maker(own: Any, name: str, cls: Any) -> Any:
    """What ``app.queue`` is: makes the resource and gives it to the app."""

    def make(*args: Any, **kwargs: Any) -> Any:
        if args and callable(args[0]):
            raise RegistrationError(
                f"app.{name} makes a resource and decorates nothing. Write {name}s = app.{name}({name + 's'!r}).",
                place=user_place(),
            )
        item = construct(cls, name, args, kwargs)
        own(item)
        return item

    return make
