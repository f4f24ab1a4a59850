import treq


async def timeout(url):
    response = await treq.get(url, timeout=5)
    return await response.text()
