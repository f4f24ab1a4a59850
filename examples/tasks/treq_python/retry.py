import treq
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.web.client import ResponseFailed


async def retry(url):
    for wait in [0.1, 0.2, None]:
        try:
            response = await treq.get(url)
            if response.code != 503 or wait is None:
                return await response.text()
        except ResponseFailed:
            if wait is None:
                raise
        await deferLater(reactor, wait)
