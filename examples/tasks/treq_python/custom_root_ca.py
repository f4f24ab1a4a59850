import treq
from twisted.internet import reactor
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS


async def custom_root_ca(url, pem):
    roots = trustRootFromCertificates([Certificate.loadPEM(pem)])
    agent = Agent(reactor, BrowserLikePolicyForHTTPS(roots))
    response = await treq.get(url, agent=agent)
    return await response.text()
