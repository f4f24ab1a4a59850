from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS


async def custom_root_ca(url, pem):
    roots = trustRootFromCertificates([Certificate.loadPEM(pem)])
    client = HTTPClient(Agent(reactor, BrowserLikePolicyForHTTPS(roots)))
    response = await client.get(url)
    return await response.text()
