import treq
from twisted.internet import reactor
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS


async def custom_root_ca(url, pem):
    agent = Agent(reactor, BrowserLikePolicyForHTTPS(trustRootFromCertificates([Certificate.loadPEM(pem)])))
    response = await treq.get(url, agent=agent)
    return await response.text()
