import treq
from twisted.internet.defer import DeferredSemaphore, gatherResults


async def hundred_urls(urls):
    async def text(url):
        response = await treq.get(url)
        return await response.text()

    limit = DeferredSemaphore(10)
    return await gatherResults([limit.run(text, url) for url in urls])
