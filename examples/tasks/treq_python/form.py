import treq


async def form(url):
    response = await treq.post(url, data={"user": "ada", "tea": "green"})
    return await response.text()
