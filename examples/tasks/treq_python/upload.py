import treq


async def upload(url, path):
    with open(path, "rb") as file:
        response = await treq.post(url, data={"title": "Notes"}, files={"file": file})
        return await response.text()
