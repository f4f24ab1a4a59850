import httpx

from shop import price


def stub_test():
    stub = httpx.MockTransport(lambda request: httpx.Response(200, text="2.50"))
    assert price(httpx.Client(transport=stub)) == "2.50"
