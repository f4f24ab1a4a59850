import treq


async def basic_auth(url):
    response = await treq.get(url, auth=("ada", "s3cret"))
    return await response.text()
