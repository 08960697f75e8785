"""What runs at CloudFront's edge locations, before its cache.

In a module of its own, because a Lambda@Edge function is small: it ships this file and what it imports, and nothing
else of the app. It has no environment variables, so it cannot use the app's bucket or queue.
"""

from eventfw import Blueprint, EdgeRequest

site = Blueprint("site")


@site.edge_viewer_request("site")
def home(request: EdgeRequest):
    if request.uri == "/":
        request.uri = "/photos"
    return request
