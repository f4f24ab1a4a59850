import treq


async def get_json(url):
    response = await treq.get(url)
    return await response.json()
