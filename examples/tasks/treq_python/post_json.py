import treq


async def post_json(url, order):
    response = await treq.post(url, json=order)
    return await response.json()
