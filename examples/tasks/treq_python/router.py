from treq.testing import StubTreq


async def router(app):
    response = await StubTreq(app).get("http://app.test/hello")
    return await response.text()
