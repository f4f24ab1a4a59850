from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.endpoints import clientFromString
from twisted.web.client import ProxyAgent


async def proxy(url, proxy):
    endpoint = clientFromString(reactor, proxy)
    client = HTTPClient(ProxyAgent(endpoint))
    response = await client.get(url)
    return await response.text()
