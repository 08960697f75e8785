"""Every decorator used as meant: both type checkers must have nothing to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

from eventfw import (
    AlarmChange,
    AlexaDirective,
    AlexaRequest,
    Allow,
    App,
    AppSyncAuthorization,
    AppSyncBatch,
    AppSyncChannelEvent,
    AppSyncEvent,
    AppSyncMessage,
    AppSyncPublication,
    AuthorizerRequest,
    BedrockAction,
    Blueprint,
    Bucket,
    CognitoEvent,
    ConfigNotification,
    ConnectEvent,
    Cors,
    DatabaseEvent,
    Deny,
    DeploymentHook,
    Distribution,
    DocumentBatch,
    DocumentChange,
    DynamoDBBatch,
    DynamoDBRecord,
    EdgeRequest,
    EventBridgeEvent,
    EventBus,
    FirehoseRecord,
    GraphQLApi,
    HttpApi,
    HTTPError,
    JwtAuthorizer,
    KafkaBatch,
    KafkaRecord,
    KinesisBatch,
    KinesisRecord,
    LambdaFunction,
    LatticeService,
    LexEvent,
    LogBatch,
    LogEvent,
    LogGroup,
    MqBatch,
    MqMessage,
    OriginRequest,
    OriginResponse,
    PipelineArtifact,
    PipelineJob,
    PushedReference,
    Queue,
    RawResource,
    ReceivedMail,
    RepositoryPush,
    Request,
    ResourceRequest,
    Response,
    RestApi,
    S3BatchTask,
    S3ObjectRequest,
    S3Record,
    SecretStep,
    SnsMessage,
    SqsBatch,
    SqsMessage,
    StateMachine,
    StepTask,
    Stream,
    Table,
    Tick,
    Topic,
    UserPool,
    ViewerResponse,
    WebSocketApi,
    WebSocketEvent,
)

app = App("gallery")
admin = Blueprint("admin")
uploads = app.bucket("uploads", versioned=True)
orders = app.queue("orders", fifo=True, visibility_timeout=180)
again = app.queue("again", dead_letter=app.queue("lost"), kms_key="alias/aws/sqs")
own_topic = app.topic("own-topic", fifo=True, content_based_deduplication=True, display_name="News")
own_stream = app.stream("own-stream", shards=2, retention=48)
own_table = app.table(
    "own-table",
    partition_key="sku",
    sort_key=("version", "N"),
    indexes={"by_price": {"partition_key": "category", "sort_key": ("price", "N"), "projection": ["title"]}},
)
own_bus = app.event_bus("own-bus", description="Ours")
own_logs = app.log_group("own-logs", retention=7)
own_people = app.user_pool("own-people", sign_in=["email"], mfa="ON")
resize = app.lambda_function("thumbnail")
limit = app.resource("Limit", "AWS::SSM::Parameter", {"Type": "String", "Value": "5"}, depends_on=[orders, "Other"])
refunds = admin.queue("refunds")


@app.http("/photos/{name}", methods=["GET", "HEAD"])
def photo(request: Request, name: str) -> dict[str, str]:
    if not request.query.get("size"):
        raise HTTPError(400, "Which size?")
    return {"name": name}


@app.http("/photos", "POST")
async def add(request: Request) -> Response:
    return Response(request.json, 201)


web = app.http_api(cors=Cors(["https://example.com"], allow_credentials=False), rate_limit=1.5, burst_limit=3)
v1 = app.rest_api("v1", binary_media_types=["image/*"])
members = app.jwt_authorizer("members", issuer=app.user_pool("people"), audience=["client"])


@app.authorizer("REQUEST", identity_sources=["header.Authorization"], ttl=300)
def check(request: AuthorizerRequest) -> Allow | Deny:
    return Allow("anna", context={"tenant": 7}) if request.token else Deny()


@app.get("/users", api=v1, authorizer=check)
@app.post("/users", authorizer=members, scopes=["users/write"])
@admin.delete("/users", authorizer="check")
def users(request: Request) -> dict[str, object]:
    return {"claims": request.claims, "context": request.authorizer}


@app.s3_trigger(uploads, prefix="in/", suffix=".png", events=["s3:ObjectCreated:*"])
@app.function(memory=1024, timeout=60, environment={"SIZE": "big"}, uses=[orders.send, uploads.read])
def thumbnail(upload: S3Record) -> None:
    print(upload.bucket, upload.key)


@app.s3_trigger("photos", via="eventbridge", wildcard="in/*/x.png")
def imported(upload: S3Record) -> None:
    print(upload.event_name)


@app.s3_batch(manifest="manifests", report=uploads)
def converted(task: S3BatchTask) -> str:
    if not task.user_arguments:
        raise S3BatchTask.PermanentFailure("no arguments")
    return task.key


@app.s3_object_lambda(uploads, operations=["GetObject", "HeadObject"], allowed_features=["GetObject-Range"])
def shouted(asked: S3ObjectRequest) -> Response:
    return asked.fetch()


@app.function("mail", reserved_concurrency=1, log_retention=7)
@app.sqs_consumer(orders, batch_size=10, maximum_concurrency=2)
def order(message: SqsMessage) -> None:
    print(message.json)


@admin.sqs_consumer(refunds, batch_size=100, batching_window=5, batch=True)
def refund(batch: SqsBatch) -> None:
    for message in batch:
        batch.fail(message)


@admin.sqs_consumer("arn:aws:sqs:us-east-1:123456789012:existing")
def existing(message: SqsMessage, context: Any) -> None: ...


@app.event_rule({"source": ["x"]}, bus=own_bus, dead_letter=app.queue("undelivered"), maximum_retry_attempts=3)
@app.event_rule({"source": ["y"]}, bus="theirs", input_path="$.detail")
def ruled(event: Any) -> None: ...


@app.alarm(metric="Errors", namespace="AWS/Lambda", dimensions={"FunctionName": resize}, threshold=1, states=["OK"])
@app.alarm("cpu-high")
def alarmed(change: AlarmChange) -> None:
    print(change.state, change.reason_data)


@app.log_subscription(own_logs, filter_pattern="ERROR")
def logged(event: LogEvent) -> None:
    print(event.timestamp, event.message)


@app.log_subscription(resize)
@app.log_subscription("/aws/other", batch=True)
def all_logged(batch: LogBatch) -> None:
    print([event.id for event in batch], batch.log_stream)


@app.sns_subscriber(app.topic("news"), filter_policy={"kind": ["x"]}, through=app.queue("mail"), batch_size=5)
def told(message: SnsMessage) -> None:
    print(message.json, message.attributes["kind"])


@app.kinesis_consumer(app.stream("clicks"), batch=True, tumbling_window=60, filters=[{"data": {"a": [1]}}])
def clicks(batch: KinesisBatch) -> None:
    for record in batch:
        print(record.text)
        batch.fail(record)


@app.dynamodb_stream(app.table("catalog"), bisect_batch=True, parallelization_factor=2)
def changed(record: DynamoDBRecord) -> None:
    print(record.new_image, record.keys["id"])


@app.kafka_consumer(["broker:9092"], "orders", pollers=(1, 4), secret="arn:aws:secretsmanager:us-east-1:1:secret:x")
def kafka(record: KafkaRecord) -> None:
    print(record.json, record.headers["trace"].decode())


@app.mq_consumer("arn:aws:mq:us-east-1:1:broker:a:b-1", "orders", secret="arn:aws:secretsmanager:us-east-1:1:secret:x")
def mail(message: MqMessage) -> None:
    print(message.text)


@app.documentdb_stream(
    "arn:aws:rds:us-east-1:1:cluster:a", "shop", secret="arn:aws:secretsmanager:us-east-1:1:secret:x"
)
def documents(change: DocumentChange) -> None:
    print(change.full_document)


@app.kinesis_consumer("views", on_failure=uploads)
def view(record: KinesisRecord) -> None: ...


@app.schedule("rate(5 minutes)", enabled=False)
@app.schedule("at(2030-01-31T09:00:00)", timezone="Europe/Berlin", input={"a": 1}, flexible_window=5)
@admin.schedule(expression="cron(0 6 * * ? *)")
def morning(tick: Tick) -> None:
    print(tick.time.isoformat())


@app.function(
    architecture="arm64",
    vpc={"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"]},
    provisioned_concurrency=2,
    dead_letter=orders,
    on_failure=uploads,
    tags={"team": "photos"},
)
def report(payload: Any) -> None: ...


@app.function(durable={"execution_timeout": 3600}, runtime="python3.13", dead_letter="arn:aws:sqs:::dead")
def flow(payload: Any) -> None: ...


@app.event_rule({"source": ["my.shop"]}, enabled=True)
@admin.event_rule('{"source": ["my.shop"]}')
def ordered(event: EventBridgeEvent) -> None:
    print(event.detail["total"], event.time.isoformat())


@admin.edge_viewer_request("site", include_body=True)
def redirect(request: EdgeRequest) -> EdgeRequest:
    request.uri = "/index.html"
    return request


people = app.user_pool("people")


@app.cognito_trigger("pre_sign_up", people)
@admin.cognito_trigger("post_confirmation", "eu-west-1_AbCdEf123", uses=[people.write])
def welcome(event: CognitoEvent) -> None:
    event.response.auto_confirm_user = event.user_attributes["email"].endswith("@example.com")


photos_api = app.graphql_api("photos", schema="type Query { photo: String }", authorization="AWS_LAMBDA")


@app.appsync_resolver(photos_api, "Query", "photo")
def field(event: AppSyncEvent) -> dict[str, Any]:
    return {"name": event.arguments["name"]}


@app.appsync_resolver("abcdefghijklmnopqrstuvwxyz", "Photo", "likes", max_batch_size=10, batch=True)
def likes(batch: AppSyncBatch) -> list[int]:
    return [len(event.source) for event in batch]


@app.appsync_authorizer(photos_api, ttl=60)
def guard(event: AppSyncAuthorization) -> dict[str, Any]:
    return event.allow(context={"plan": "gold"}, ttl=0) if event.token else event.deny()


@app.appsync_channel("abcdefghijklmnopqrstuvwxyz", "orders")
def published(message: AppSyncMessage) -> Any:
    return message.payload


@app.appsync_channel("abcdefghijklmnopqrstuvwxyz", "orders", operation="SUBSCRIBE")
def subscribed(event: AppSyncChannelEvent) -> None:
    print(event.segments)


@app.lex_hook("ABCDEFGHIJ/TSTALIASID", intent="OrderPrint", locale="en_US")
def order_print(event: LexEvent) -> dict[str, Any]:
    return event.elicit_slot("Size", ["Small", "or large?"])


@app.alexa_skill("amzn1.ask.skill.0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d", intent="Hello")
def hello(request: AlexaRequest) -> dict[str, Any]:
    return request.say("Hello", reprompt="Are you there?")


@app.alexa_smart_home("amzn1.ask.skill.0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5e", namespace="Alexa.PowerController")
def switch(directive: AlexaDirective) -> dict[str, Any]:
    return directive.respond(properties=[directive.state("powerState", "ON")])


@app.connect_flow("0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d", response="JSON")
def caller(event: ConnectEvent) -> dict[str, Any]:
    return {"customer": event.customer}


@app.bedrock_action("ABCDEFGHIJ", "orders", function="status")
def status(action: BedrockAction) -> dict[str, Any]:
    return action.respond("No such order", state="REPROMPT")


site = admin.distribution("web", origin=uploads, price_class="PriceClass_100", default_root_object="index.html")
site.behavior("/news/*", "news.example.com", cache_policy="CachingOptimized")


@admin.edge_origin_request(site, path="/news/*", include_body=True)
def choose(request: OriginRequest) -> OriginRequest:
    request.use_host(request.origin.domain_name)
    return request


@admin.edge_origin_response(site)
def dress(response: OriginResponse) -> OriginResponse | Response:
    response.status = 200
    return response


@admin.edge_viewer_response("site")
def secure(response: ViewerResponse) -> ViewerResponse:
    response.set_header("X-Frame-Options", "DENY")
    return response


@admin.http("/")
@admin.function()
def home() -> str:
    return "hello"


@app.rds_event(source_types=["db-instance"], categories=["failover"], enabled=False)
def failed_over(event: DatabaseEvent) -> None:
    print(event.message, event.time.isoformat())


@app.iot_rule("SELECT * FROM 'sensors/+'", error_queue=refunds)
def measured(reading: dict[str, Any]) -> None: ...


@app.firehose_transform("views", bucket=uploads, partition_by=["customer"])
def clean(record: FirehoseRecord) -> bytes | None:
    record.partition_keys["customer"] = record.json["customer"]
    return record.data


@app.ses_receiver(recipients=["help@example.com"], bucket=uploads, prefix="mail/", sync=True)
def support(mail: ReceivedMail) -> str:
    return "STOP_RULE" if mail.verdicts["spam"] == "FAIL" else "CONTINUE"


@app.codecommit_trigger("website", create=True, branches=["main"])
def publish(push: RepositoryPush) -> None:
    print([reference.branch for reference in push.references])


@app.codepipeline_action()
def release(job: PipelineJob) -> dict[str, str]:
    return {"Bucket": job.input_artifacts[0].bucket}


@app.codedeploy_hook(application="shop")
def smoke_test(hook: DeploymentHook) -> bool:
    return bool(hook.deployment_id)


@app.config_rule(resource_types=["AWS::S3::Bucket"], input_parameters={"acl": "private"})
def private(notification: ConfigNotification) -> dict[str, Any]:
    return notification.evaluation(True, annotation="fine")


@app.secret_rotation("database", days=30)
def rotate(step: SecretStep) -> None:
    print(step.step, step.token)


@app.custom_resource("Seed", instances={"FirstSeed": {"Queue": refunds}})
def seed(request: ResourceRequest) -> dict[str, int]:
    request.physical_id = "seed-1"
    return {"Count": len(request.properties)}


@dataclass
class Order:
    photo: str
    copies: int = 1


@app.http("/orders/{shop}", "POST")
def create(request: Request, shop: str, order: Order) -> tuple[Order, int]:
    return order, 201


@app.http("/orders", "POST")
async def create_all(orders: list[Order]) -> list[Order]:
    return orders


@app.function()
def copies(order: Order | None, context: Any) -> int:
    return order.copies if order else 0


@admin.sqs_consumer("arn:aws:sqs:us-east-1:123456789012:ordered")
def placed(order: Order, message: SqsMessage) -> None:
    print(order.photo, message.id)


@app.step()
def scaled(photo: dict[str, str]) -> int:
    return len(photo)


@app.step(wait_for_task_token=True, token_key="task")
def approved(task: StepTask) -> None:
    task.succeed({"by": task.input["by"]})


@app.postgres_function("shop", instance=True, role="their-role")
def priced(order: dict[str, int]) -> int:
    return order["copies"]


scaling = app.state_machine(
    "scaling",
    {"StartAt": "Measure", "States": {"Measure": {"Type": "Task", "Resource": "scaled", "End": True}}},
    type="EXPRESS",
    uses=[own_topic.publish],
    logging="ALL",
)


@app.middleware
def timed(event: Any, call: Any) -> Any:
    return call(event)


app.mount(admin, path="/admin", name="admin_", stack=True)


@app.function(
    uses=[
        own_topic.publish,
        own_stream.put,
        own_table.read_write,
        own_bus.put_events,
        own_logs.write,
        own_people.read,
        resize.invoke,
        scaling.start_execution,
        scaling.start_sync_execution,
        limit.grant(["ssm:GetParameter"], arn=limit.ref),
    ]
)
def everything(event: Any) -> list[str]:
    return [own_topic.arn, own_stream.name, own_table.name, own_bus.name, own_logs.name, own_people.id, limit.name]


@app.put("/users/{id}")
@app.patch("/users/{id}", authorizer=check)
def change(request: Request, id: str) -> dict[str, Any]:
    return {**request.path_parameters, "id": id}


# What a handler may get of a batch, or within an event.
def first(batch: DynamoDBBatch | KafkaBatch | MqBatch | DocumentBatch) -> Any:
    return next(iter(batch)).raw


def names(pushed: PushedReference, artifact: PipelineArtifact, publication: AppSyncPublication) -> list[str | None]:
    return [pushed.branch, artifact.name, *(message.id for message in publication)]


# What the app owns, where a function takes it.
def owned(
    site: Distribution, graphql: GraphQLApi, http: HttpApi, rest: RestApi, jwt: JwtAuthorizer, other: RawResource
) -> list[str]:
    return [each.key for each in (site, graphql, http, rest, jwt, other)]


def stored(bucket: Bucket, queue: Queue, stream: Stream, group: LogGroup, pool: UserPool) -> str:
    return bucket.name + queue.url + stream.arn + group.name + pool.id


def called(function: LambdaFunction, steps: StateMachine, inside: LatticeService) -> str:
    return function.arn + steps.arn + inside.key


assert_type(Topic.existing("news"), Topic)
assert_type(Table.existing("catalog", partition_key="sku"), Table)
assert_type(EventBus.existing("default"), EventBus)
assert_type(home(), str)
assert_type(photo(Request({}), "cat"), dict[str, str])
assert_type(thumbnail(S3Record({})), None)
assert_type(create(Request({}), "a", Order("cat")), tuple[Order, int])


@app.get("/hook")
@app.function_url("AWS_IAM", cors=Cors("*", allow_methods=["GET"]), invoke_mode="BUFFERED")
def hook(request: Request) -> dict[str, Any]:
    return {"path": request.path}


inside = app.lattice_service("inside", auth="NONE", network="sn-0123456789abcdef0", protocol="HTTP", port=8080)


@app.alb(
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2",
    priority=10,
    path=["/a/*", "/b"],
    headers={"x-team": "a"},
    multi_value=False,
)
@app.vpc_lattice(inside, priority=10, path="/a", method="GET", headers={"x-team": "a*"})
def fronted(request: Request) -> dict[str, Any]:
    return {"path": request.path}


chat = app.websocket_api("chat", route_selection_expression="$request.body.kind", rate_limit=1, burst_limit=2)


@app.websocket(chat, "$connect", authorizer=check)
@app.function(uses=[chat.manage_connections])
def joined(event: WebSocketEvent) -> bool:
    assert_type(chat, WebSocketApi)
    return event.query.get("token") == "t"


@app.websocket(chat, "say", reply=True)
def said(event: WebSocketEvent) -> dict[str, str]:
    return {"id": event.connection_id}
