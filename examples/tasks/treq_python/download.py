import treq


async def download(url, path):
    response = await treq.get(url, unbuffered=True)
    if response.code != 200:
        raise Exception(response.code)
    with open(path, "wb") as file:
        def collector(piece):
            file.write(piece)
            print(f"{file.tell()} of {response.length}")
        await treq.collect(response, collector)
