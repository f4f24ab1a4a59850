from treq.testing import StringStubbingResource, StubTreq

from shop import price


async def stub_test():
    stub = StubTreq(StringStubbingResource(lambda *request: (200, {}, b"2.50")))
    assert await price(stub) == "2.50"
