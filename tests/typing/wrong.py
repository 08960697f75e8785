"""Each line that ends in ``# error`` is a mistake: both type checkers must report it, and no other line."""

from eventfw import App, Blueprint, CognitoEvent, Request

app = App("gallery")
admin = Blueprint("admin")
uploads = app.bucket("uploads")
orders = app.queue("orders")


def plain(event: object) -> None: ...


app.http("/x", metod="GET")(plain)  # error
app.http(7)(plain)  # error
app.http()(plain)  # error
app.http("/x", methods=1)(plain)  # error
app.http(plain)  # error
app.get(7)(plain)  # error
app.post("/x", methods="GET")(plain)  # error
app.put(plain)  # error
app.patch(b"/x")(plain)  # error
app.delete("/x", payload_format=2)(plain)  # error
app.edge_origin_request("site", path=5)(plain)  # error
app.get("/x", authorizer=5)(plain)  # error
app.get("/x", api="v1")(plain)  # error
app.authorizer(plain)  # error
app.authorizer(ttl="5")(plain)  # error
app.http_api(cors=5)  # error
app.rest_api()  # error
app.jwt_authorizer("members", audience="a")  # error
app.function(plain)  # error
app.function(memory="1 GB")(plain)  # error
app.function(memry=1024)(plain)  # error
app.function("a", 512)(plain)  # error
app.function(uses=["orders"])(plain)  # error
app.function(uses=[orders])(plain)  # error
app.function(environment={"LEVEL": 1})(plain)  # error
app.function(vpc={"subnets": []})(plain)  # error
app.function(file_system={"arn": "x"})(plain)  # error
app.function(snap_start="yes")(plain)  # error
app.function(architecture="arm")(plain)  # error
app.function(log_format="json")(plain)  # error
app.function(layers=[3])(plain)  # error
app.function(dead_letter=orders.send)(plain)  # error
app.s3_trigger()(plain)  # error
app.s3_trigger(uploads, via=True)(plain)  # error
app.s3_batch(uploads)(plain)  # error
app.s3_batch(report=7)(plain)  # error
app.s3_object_lambda()(plain)  # error
app.s3_object_lambda(uploads, operations=5)(plain)  # error
app.s3_trigger(orders)(plain)  # error
app.s3_trigger(uploads, sufix=".png")(plain)  # error
app.s3_trigger(plain)  # error
app.sqs_consumer()(plain)  # error
app.sqs_consumer(uploads)(plain)  # error
app.sqs_consumer(orders, batch_size="10")(plain)  # error
app.sqs_consumer(orders, 10)(plain)  # error
app.sqs_consumer(plain)  # error
app.sqs_consumer(orders, pollers=5)(plain)  # error
app.sns_subscriber(orders)(plain)  # error
app.sns_subscriber(app.topic("news"), through="orders")(plain)  # error
app.postgres_function()(plain)  # error
app.postgres_function("shop", instance="yes")(plain)  # error
app.step(token=True)(plain)  # error
app.step(wait_for_task_token="yes")(plain)  # error
app.state_machine("flow")  # error
app.state_machine("flow", {}, uses=[orders])  # error
app.kinesis_consumer(orders)(plain)  # error
app.kinesis_consumer("clicks", batchsize=5)(plain)  # error
app.dynamodb_stream(app.stream("clicks"))(plain)  # error
app.kafka_consumer("arn:aws:kafka:us-east-1:1:cluster/a/b")(plain)  # error
app.kafka_consumer(["host:9092"], "orders", pollers=5)(plain)  # error
app.mq_consumer("arn:aws:mq:us-east-1:1:broker:a:b-1", "orders")(plain)  # error
app.documentdb_stream("arn:aws:rds:us-east-1:1:cluster:a", "shop", secret=1)(plain)  # error
app.schedule(5)(plain)  # error
app.schedule("rate(5 minutes)", enable=False)(plain)  # error
app.schedule(plain)  # error
app.event_rule()(plain)  # error
app.event_rule(["my.shop"])(plain)  # error
app.event_rule({"source": ["a"]}, enable=False)(plain)  # error
app.event_rule(plain)  # error
app.edge_viewer_request()(plain)  # error
app.edge_viewer_request("site", include_body="no")(plain)  # error
app.edge_viewer_request(plain)  # error
app.cognito_trigger("pre_sign_up")(plain)  # error
app.cognito_trigger("pre_sign_up", orders)(plain)  # error
app.cognito_trigger("pre_token_generation", "eu-west-1_AbCdEf123", version=2)(plain)  # error
app.appsync_resolver("abcdefghijklmnopqrstuvwxyz", "Query")(plain)  # error
app.appsync_resolver("abcdefghijklmnopqrstuvwxyz", "Query", "photo", 5)(plain)  # error
app.appsync_authorizer()(plain)  # error
app.appsync_channel("abcdefghijklmnopqrstuvwxyz")(plain)  # error
app.appsync_channel(orders, "orders")(plain)  # error
app.appsync_authorizer(orders)(plain)  # error
app.graphql_api("shop")  # error
app.lex_hook("ABCDEFGHIJ/TSTALIASID", "OrderPrint")(plain)  # error
app.alexa_skill("amzn1.ask.skill.example", intents="Hello")(plain)  # error
app.alexa_smart_home("amzn1.ask.skill.example", "Alexa")(plain)  # error
app.connect_flow("example", response=None)(plain)  # error
app.bedrock_action("ABCDEFGHIJ")(plain)  # error
app.rds_event(categories=5)(plain)  # error
app.iot_rule()(plain)  # error
app.iot_rule("SELECT 1", error_queue=uploads)(plain)  # error
app.firehose_transform("views", bucket=orders)(plain)  # error
app.firehose_transform(plain)  # error
app.ses_receiver(sync="yes")(plain)  # error
app.codecommit_trigger("website", creates=True)(plain)  # error
app.codepipeline_action("release")(plain)  # error
app.codedeploy_hook(application=5)(plain)  # error
app.config_rule("AWS::S3::Bucket")(plain)  # error
app.secret_rotation("database", days="30")(plain)  # error
app.custom_resource()(plain)  # error
app.custom_resource("Seed", instances=["First"])(plain)  # error
app.edge_origin_response("site", include_body=True)(plain)  # error
app.edge_viewer_response("site", paths="/a")(plain)  # error
app.distribution("site", origin=5)  # error
app.distribution(origin="example.com")  # error
app.queue("orders", fifo="yes")  # error
app.queue(fifo=True)  # error
app.bucket("uploads", version=True)  # error
app.queue("orders", dead_letter="lost")  # error
app.topic("news", fifo="yes")  # error
app.topic()  # error
app.stream("clicks", shards="2")  # error
app.table("catalog", sort_key=5)  # error
app.table("catalog", indexes={"by_price": {"sort_key": "price"}})  # error
app.event_bus("shop", descripton="x")  # error
app.log_group("audit", retention="a week")  # error
app.user_pool("people", sign_in=5)  # error
app.log_subscription(orders)(plain)  # error
app.alarm(metric="Errors", namespace="AWS/Lambda", threshold="1")(plain)  # error
app.alarm(5)(plain)  # error
app.event_rule({"source": ["x"]}, bus=orders)(plain)  # error
app.event_rule({"source": ["x"]}, dead_letter="lost")(plain)  # error
app.schedule("rate(5 minutes)", flexible_window="5")(plain)  # error
app.schedule("rate(5 minutes)", start=5)(plain)  # error
app.log_subscription("audit", filter="ERROR")(plain)  # error
app.lambda_function(5)  # error
app.resource("Limit", "AWS::SSM::Parameter")  # error
app.function(uses=[app.topic("news")])(plain)  # error
app.sqs_consumers(orders)(plain)  # error
app.http("/x")(5)  # error
app.mount(app)  # error
admin.http(7)(plain)  # error
admin.schedule("rate(5 minutes)", enable=False)(plain)  # error
admin.function(memory="1 GB")(plain)  # error
admin.mount(admin)  # error


@app.http("/photos")
@app.function(memory=1024)
def outer(request: Request) -> dict[str, str]:
    return {}


@app.function(memory=1024)
@app.http("/photos/{name}")
def inner(request: Request, name: str) -> dict[str, str]:
    return {}


wrong: int = outer(Request({}))  # error
outer()  # error
inner(Request({}))  # error
inner(Request({}), 5)  # error


@app.sqs_consumer(orders)
def fine(message: object) -> None: ...


@app.s3_trigger(uploads, events=5)  # error
@app.function(memory=1024)
def stacked(upload: object) -> None: ...


@app.function(timeout="1 min")  # error
@app.schedule("rate(1 minute)")
def other_way(tick: object) -> None: ...


@app.cognito_trigger("pre_sign_up", "eu-west-1_AbCdEf123")
def joined(event: CognitoEvent) -> None:
    event.response.auto_confirm_user = "yes"  # error
    event.response.auto_confirm_users = True  # error


@app.function_url(auth=True)  # error
def addressed(request: Request) -> None: ...


@app.alb("arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/a/b/c", priority="1", path="*")  # error
@app.vpc_lattice(orders)  # error
def fronted(request: Request) -> None: ...


@app.websocket(orders, "say")  # error
@app.websocket(app.websocket_api("chat"), "say", answer=True)  # error
def said(event: object) -> None: ...
