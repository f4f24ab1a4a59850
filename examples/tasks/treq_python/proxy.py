import treq
from twisted.internet import reactor
from twisted.internet.endpoints import clientFromString
from twisted.web.client import ProxyAgent


async def proxy(url, proxy):
    agent = ProxyAgent(clientFromString(reactor, proxy))
    response = await treq.get(url, agent=agent)
    return await response.text()
