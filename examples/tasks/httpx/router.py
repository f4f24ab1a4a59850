import httpx


async def router(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        response = await client.get("http://app.test/hello")
        return response.text
