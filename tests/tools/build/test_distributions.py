"""Distributions in the template: origins, behaviors, functions of the edge's stack, and who may read a bucket."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from eventfw import App, Blueprint
from eventfw.errors import BuildError, RegistrationError
from eventfw.tools.build.assemble import LocalVariant, _main_templates, build
from eventfw.tools.build.functions import Code
from eventfw.tools.build.lint import lint_templates
from eventfw.tools.build.template import Template
from eventfw.tools.local.cdn.sites import Association, sites
from eventfw.tools.project import Config, Project, Stage, load_project

CODE = Code("python3.12", "entry.x", {"ZipFile": "x"})


def event(event: Any) -> Any: ...


def body(app: App) -> dict[str, Any]:
    """The main stack's template as it is deployed, without the zips."""
    return _main_templates(app, Stage("dev"), lambda function: CODE)["shop-dev"].body("shop")


def config(app: App) -> dict[str, Any]:
    found: dict[str, Any] = body(app)["Resources"]["SiteDistribution"]["Properties"]["DistributionConfig"]
    return found


def shop(**options: Any) -> App:
    app = App("shop")
    app.distribution("site", **options)
    app.http("/")(event)
    return app


def test_the_default_origin_is_the_apps_api_which_gets_all_but_the_host() -> None:
    found = config(shop())
    [origin] = found["Origins"]
    assert origin["DomainName"] == {"Fn::Sub": "${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}
    assert origin["CustomOriginConfig"] == {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]}
    behavior = found["DefaultCacheBehavior"]
    assert behavior["TargetOriginId"] == origin["Id"]
    assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
    assert len(behavior["AllowedMethods"]) == 7
    assert "Logging" not in found


def test_an_app_without_routes_needs_another_origin() -> None:
    app = App("shop")
    app.distribution("site")
    with pytest.raises(BuildError, match=r"has no @app\.http route") as caught:
        body(app)
    assert "test_distributions.py" in caught.value.place


def test_another_api_of_the_app_may_be_an_origin() -> None:
    app = App("shop")
    admin = app.http_api("admin")
    app.distribution("site", origin=admin)
    app.get("/users", api=admin)(event)
    [origin] = config(app)["Origins"]
    assert origin["DomainName"] == {"Fn::Sub": "${AdminHttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}
    assert "AdminHttpApi" in body(app)["Resources"]


def test_an_api_that_answers_on_its_own_domain_only_is_asked_there() -> None:
    app = shop()
    certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    app.http_api(domain="api.example.com", certificate=certificate, disable_execute_api_endpoint=True)
    assert config(app)["Origins"][0]["DomainName"] == "api.example.com"


def test_a_bucket_is_read_by_this_distribution_alone() -> None:
    app = App("shop")
    app.distribution("site", origin=app.bucket("cats"))
    template = body(app)
    [origin] = template["Resources"]["SiteDistribution"]["Properties"]["DistributionConfig"]["Origins"]
    name = "shop-dev-cats-${AWS::AccountId}-${AWS::Region}.s3.${AWS::Region}.${AWS::URLSuffix}"
    assert origin["DomainName"] == {"Fn::Sub": name}
    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": ["SiteOriginAccessControl", "Id"]}
    control = template["Resources"]["SiteOriginAccessControl"]["Properties"]["OriginAccessControlConfig"]
    assert (control["SigningBehavior"], control["SigningProtocol"]) == ("always", "sigv4")
    tls, reads = template["Resources"]["CatsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert tls["Effect"] == "Deny"
    assert (reads["Action"], reads["Principal"]) == ("s3:GetObject", {"Service": "cloudfront.amazonaws.com"})
    arn = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${id}"
    source = {"Fn::Sub": [arn, {"id": {"Ref": "SiteDistribution"}}]}
    assert reads["Condition"] == {"StringEquals": {"AWS:SourceArn": source}}


def test_a_long_name_of_the_access_control_fits_its_limit() -> None:
    app = App("shop")
    site = app.distribution("b" * 60, origin=app.bucket("cats"))
    template = Template(app.name, "production")
    site.resources(template)
    control = template.properties("B" + "b" * 59 + "OriginAccessControl")["OriginAccessControlConfig"]
    assert len(control["Name"]["Fn::Sub"].replace("${AWS::Region}", "ap-southeast-1")) <= 64


def test_behaviors_stand_in_the_order_they_were_given_and_those_of_handlers_come_last() -> None:
    app = App("shop")
    cats = app.bucket("cats")
    site = app.distribution("site", origin=cats)
    site.behavior("/api/*")
    site.behavior("/news/*", "news.example.com", response_headers_policy="SecurityHeadersPolicy", compress=False)
    app.edge_viewer_response(site, path="/big/*")(event)
    app.edge_viewer_request(site, path="/news/*")(event)
    app.edge_origin_request(site, include_body=True)(event)
    app.http("/api/a")(lambda_named("api"))
    found = config(app)
    assert [one["PathPattern"] for one in found["CacheBehaviors"]] == ["/api/*", "/news/*", "/big/*"]
    api, news, big = found["CacheBehaviors"]
    assert "LambdaFunctionAssociations" not in api
    assert (api["TargetOriginId"], news["TargetOriginId"]) == ("HttpApi", "news.example.com")
    assert (news["ResponseHeadersPolicyId"], news["Compress"]) == ("67f7725c-6f97-4210-82d7-5512b31e9d03", False)
    assert big["TargetOriginId"] == "CatsBucket"
    assert [one["EventType"] for one in big["LambdaFunctionAssociations"]] == ["viewer-response"]
    assert found["DefaultCacheBehavior"]["LambdaFunctionAssociations"] == [
        {
            "EventType": "origin-request",
            "IncludeBody": True,
            "LambdaFunctionARN": {"Ref": "SiteOriginRequestFunctionArn"},
        }
    ]


def lambda_named(name: str) -> Any:
    def handler(event: Any) -> Any: ...

    handler.__name__ = name
    return handler


def test_names_certificate_and_web_acl_are_passed_on() -> None:
    certificate = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    acl = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/1"
    app = shop(
        aliases=["www.example.com"], certificate=certificate, web_acl=acl, default_root_object="index.html",
        price_class="PriceClass_100",
    )  # fmt: skip
    found = config(app)
    assert found["Aliases"] == ["www.example.com"]
    assert found["ViewerCertificate"] == {
        "AcmCertificateArn": certificate,
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    wanted = (acl, "index.html", "PriceClass_100")
    assert (found["WebACLId"], found["DefaultRootObject"], found["PriceClass"]) == wanted
    assert body(app)["Outputs"]["SiteUrl"]["Value"] == "https://www.example.com"
    wild = shop(aliases=["*.example.com"], certificate=certificate)
    assert body(wild)["Outputs"]["SiteUrl"]["Value"] == {"Fn::Sub": "https://${SiteDistribution.DomainName}"}


def test_a_function_of_a_blueprints_stack_is_told_domain_and_id() -> None:
    app = App("shop")
    site = app.distribution("site")
    app.http("/")(event)
    part = Blueprint("part")
    part.function(uses=[site.invalidate])(lambda_named("forget"))
    app.mount(part, stack=True)
    found = _main_templates(app, Stage("dev"), lambda function: CODE)["shop-dev-part"].body("part")
    variables = found["Resources"]["ForgetFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["EVENTFW_DISTRIBUTION_SITE"] == {
        "Fn::Join": ["/", [{"Ref": "SiteDistribution"}, {"Ref": "SiteDistributionDomainName"}]]
    }
    assert set(found["Parameters"]) == {"SiteDistribution", "SiteDistributionDomainName"}


def everything() -> App:
    """A function that waits for the distribution, on the bucket that is its origin: no circle."""
    app = App("shop")
    cats = app.bucket("cats")
    site = app.distribution("site")
    site.behavior("/cats/*", cats)
    app.http("/")(event)
    app.s3_trigger(cats)(app.function(uses=[site.named, site.invalidate])(lambda_named("seen")))
    for name in ("viewer_request", "origin_request", "origin_response", "viewer_response"):
        getattr(app, f"edge_{name}")(site)(lambda_named(name))
        getattr(app, f"edge_{name}")(site, path="/cats/*")(lambda_named(name + "_of_cats"))
    return app


def test_the_local_variant_has_no_functions_of_the_edge() -> None:
    project = Project(Path("/nowhere"), Config(), everything(), "app", "app")
    [stack] = build(project, Stage("local"), local=LocalVariant("http://127.0.0.1:1/push")).stacks
    assert "LambdaFunctionAssociations" not in str(stack.template)
    assert "Parameters" not in stack.template


SOURCE = """
from eventfw import App

app = App("shop")
cats = app.bucket("cats")
site = app.distribution("site")
site.behavior("/cats/*", cats)


@app.http("/")
def home(request):
    return "home"


@app.s3_trigger(cats)
@app.function(uses=[site.named, site.invalidate])
def seen(upload):
    print(site.domain)
"""
HANDLER = """

@app.edge_{event}(site)
@app.edge_{event}(site, path="/cats/*")
def {event}(event):
    return event
"""
EVENTS = ("viewer_request", "origin_request", "origin_response", "viewer_response")


def test_the_edges_outputs_are_the_parameters_of_the_main_stack_and_all_of_it_lints_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "shop_of_sites.py").write_text(SOURCE + "".join(HANDLER.format(event=event) for event in EVENTS))
    artifacts = build(load_project(tmp_path, "shop_of_sites"), Stage("dev"), out=tmp_path / "out")
    edge, main = artifacts.stacks
    assert (edge.name, edge.region) == ("shop-dev-edge", "us-east-1")
    assert set(main.template["Parameters"]) == set(edge.template["Outputs"])
    assert len(edge.template["Outputs"]) == 8
    artifacts.write(tmp_path / "out")
    lint_templates(tmp_path / "out", artifacts)


def test_a_pattern_is_the_same_with_and_without_its_slash() -> None:
    app = App("shop")
    site = app.distribution("site", origin="www.example.com")
    site.behavior("images/*", "images.example.com")
    with pytest.raises(RegistrationError, match=r"serves '/images/\*' in a way of its own already"):
        site.behavior("/images/*", "images.example.com")
    app.edge_viewer_request(site, path="/images/*")(event)
    with pytest.raises(RegistrationError, match="is there already"):
        app.edge_viewer_request(site, path="images/*")(event)
    [behavior] = config(app)["CacheBehaviors"]
    assert behavior["PathPattern"] == "images/*" and len(behavior["LambdaFunctionAssociations"]) == 1
    [described] = [one.local()[1] for one in app.resources]
    local = sites([Association("f", "viewer-request", "site", path="/images/*")], [described])["site"]
    assert [one.path for one in local.behaviors] == ["images/*", ""] and local.behaviors[0].hooks
